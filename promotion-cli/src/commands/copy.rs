use std::sync::Arc;

use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::ports::{Consistency, PortErrorKind, Registry};
use promotion_registry::copy::{self, CopiedTag, Options, Report, Selection};
use serde::Serialize;

use self::bars::Bars;
use crate::app::App;
use crate::config::Config;
use crate::connect::{Connector, LeaseLock, Open, host, names_somebody};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint, columns};
use crate::progress::{Counter, Watched};
use crate::reference::{At, Reference};

mod bars;

/// Copy artifacts between registries and layouts, whole, with their digests
///
/// Everything that belongs to an artifact comes with it: the images of an index, signatures, attestations and whatever
/// else refers to it. Content goes first and tags last, so stopping it leaves nothing incomplete behind a tag; run it
/// again, and it goes on where it stopped. A tag that is something else at DST is not replaced without --overwrite.
///
/// SRC and DST are `oci://HOST/PATH` or `ocidir://PATH`; `:TAG` or `@sha256:…` after SRC names one artifact, otherwise
/// every tag is copied. DST takes the tag of SRC, or its own `:TAG`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CopyArgs {
    /// What to copy: `oci://HOST/PATH` or `ocidir://PATH`, and `:TAG` or `@sha256:…` for one artifact alone
    #[arg(value_name = "SRC")]
    from: Reference,

    /// Where to, likewise; the repository is created where there is none
    #[arg(value_name = "DST")]
    to: Reference,

    /// Say that every tag is meant, as when SRC names none
    #[arg(long)]
    all_tags: bool,

    /// Move tags that are something else at DST
    #[arg(long)]
    overwrite: bool,

    /// Leave out what refers to the artifacts: signatures, attestations, records
    #[arg(long)]
    no_referrers: bool,

    /// Speak HTTP with SRC (--plain-http: with both)
    #[arg(long)]
    from_plain_http: bool,

    /// Speak HTTP with DST
    #[arg(long)]
    to_plain_http: bool,

    /// Write nothing, and say what would be copied
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Into a network that reaches no registry, by a folder:
  promotion copy oci://ghcr.io/acme/platform:1.4.0 ocidir://./platform
  promotion copy ocidir://./platform oci://registry.internal/acme/platform";

#[derive(Serialize)]
struct Copied {
    from: String,
    to: String,
    dry_run: bool,
    #[serde(flatten)]
    report: Report,
}

impl Document for Copied {
    const KIND: &'static str = "Copy";

    fn table(&self, paint: Paint) -> String {
        let Report { tags, manifests, blobs, bytes, .. } = &self.report;
        let written = tags.iter().filter(|tag| tag.was != Some(tag.digest)).count();
        let counted = |tags: usize, manifests: usize, blobs: usize| {
            format!("{}, {} and {}", count(tags, "tag"), count(manifests, "manifest"), count(blobs, "blob"))
        };
        let verb = if self.dry_run { "would copy" } else { "copied" };
        let mut text = if written + manifests.copied + blobs.copied + blobs.mounted == 0 {
            format!("nothing to copy to {}", self.to)
        } else {
            let copied = counted(written, manifests.copied, blobs.copied);
            format!("{verb} {copied} ({}) to {}", indicatif::HumanBytes(*bytes), self.to)
        };
        if blobs.mounted > 0 {
            text.push_str(&format!("\nin the same registry already: {}", count(blobs.mounted, "blob")));
        }
        let there = [tags.len() - written, manifests.skipped, blobs.skipped];
        if there.iter().any(|count| *count > 0) {
            text.push_str(&format!("\nthere already: {}", counted(there[0], there[1], there[2])));
        }
        if !tags.is_empty() && tags.len() <= MOST_ROWS {
            let rows: Vec<Vec<String>> = tags.iter().map(row).collect();
            text.push_str(&format!("\n\n{}", columns(paint, &["TAG", "DIGEST", "WAS"], &rows)));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.report.tags.iter().map(|copied| copied.tag.to_string()).collect()
    }
}

/// A longer list is read by nobody; `-o name` has it.
const MOST_ROWS: usize = 20;

fn row(copied: &CopiedTag) -> Vec<String> {
    let short = |digest: promotion_core::Digest| format!("sha256:{}", digest.short());
    let was = match copied.was {
        None => "absent".to_owned(),
        Some(was) if was == copied.digest => "the same".to_owned(),
        Some(was) => short(was),
    };
    vec![copied.tag.to_string(), short(copied.digest), was]
}

fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

impl CopyArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let selection = self.selection()?;
        self.one_credential(app)?;
        let config = app.config()?;
        let from = self.source(app, &config).await?;
        let to = self.destination(app, &config).await?;
        let options = Options {
            referrers: !self.no_referrers,
            overwrite: self.overwrite,
            dry_run: self.dry_run,
            ..Options::default()
        };
        app.out.detail(&format!("reading {}", self.from));
        let guard = match &to.lease {
            Some(lease) => Some(lease.take().await?),
            None => None,
        };
        let bars = Bars::new(&app.out);
        let copied = copy::copy(&from, &to, &selection, &options, &bars).await;
        drop(bars);
        drop(guard);
        if let Some(lease) = &to.lease {
            lease.settle().await;
        }
        let report = copied.map_err(told)?;
        for name in &report.not_tags {
            app.out.note(&format!("note: {name:?} is no tag by the specification, so it is not copied"));
        }
        if !report.foreign.is_empty() {
            let layers = count(report.foreign.len(), "layer");
            app.out.note(&format!("note: {layers} may not be distributed and stay where the manifests say"));
        }
        for digest in &report.missing {
            app.out.note(&format!("note: referrer {digest} is listed but not there, so it is not copied"));
        }
        let (from, to) = (self.from.to_string(), self.to.to_string());
        app.out.document(&Copied { from, to, dry_run: self.dry_run, report })?;
        Ok(Exit::Done)
    }

    fn selection(&self) -> Result<Selection, Failure> {
        let usage = |message: &str, fix: &str| Err(Failure::usage("read the arguments", message).fix(fix));
        let to = match &self.to.at {
            At::Whole => None,
            At::Tag(tag) => Some(tag.clone()),
            At::Digest(_) => {
                return usage("DST has a digest, and that is what SRC says", "leave it out, or give a tag");
            }
        };
        match &self.from.at {
            At::Whole if to.is_some() => usage("DST has one tag, and SRC means all", "name a tag or digest of SRC"),
            At::Whole => Ok(Selection::All),
            _ if self.all_tags => usage("--all-tags is given, and SRC names one artifact", "give one of them"),
            At::Tag(from) => Ok(Selection::Tag { from: from.clone(), to: to.unwrap_or_else(|| from.clone()) }),
            At::Digest(digest) => Ok(Selection::Digest { digest: *digest, to }),
        }
    }

    /// Credentials of flags and environment are for one registry: a second one must not get to see them.
    fn one_credential(&self, app: &App) -> Result<(), Failure> {
        let hosts = (host(&self.from.repository), host(&self.to.repository));
        let (Some(from), Some(to)) = hosts else { return Ok(()) };
        if from == to || !names_somebody(app) {
            return Ok(());
        }
        let message = format!("one credential was given, and {from} and {to} are two registries");
        let fix = "log in to both with docker login or podman login, and leave out --creds and PROMOTION_USERNAME";
        Err(Failure::usage("read the credential", message).fix(fix))
    }

    async fn source(&self, app: &App, config: &Config) -> Result<Watched, Failure> {
        let connector = Connector::new(app, config, &self.from.repository)?.with_plain_http(self.from_plain_http);
        let inner = connector.open(&self.from.repository, Open::Existing).await?;
        Ok(Watched { inner, counter: Counter::new(app.out.status()), written: app.written.clone(), lease: None })
    }

    async fn destination(&self, app: &App, config: &Config) -> Result<Watched, Failure> {
        let repository = &self.to.repository;
        let connector = Connector::new(app, config, repository)?.with_plain_http(self.to_plain_http);
        let open = if self.dry_run { Open::Existing } else { Open::Creating };
        let inner = match connector.open(repository, open).await {
            Err(failure) if self.dry_run && failure.exit == Exit::NotFound => empty(),
            opened => opened?,
        };
        let leased = !self.dry_run && inner.consistency() != Consistency::Exclusive;
        let lease = LeaseLock::of(config, &app.out).filter(|_| leased).map(Arc::new);
        Ok(Watched { inner, counter: Counter::silent(), written: app.written.clone(), lease })
    }
}

/// What is not there yet, for a dry run.
fn empty() -> Box<dyn Registry> {
    Box::new(SharedRegistry::new(MemoryRegistry::default()))
}

fn told(error: promotion_core::ports::PortError) -> Failure {
    let conflict = matches!(error.kind(), PortErrorKind::Conflict { .. });
    let failure = Failure::from(error);
    if conflict { failure.fix("look at them; --overwrite moves them to what SRC has") } else { failure }
}
