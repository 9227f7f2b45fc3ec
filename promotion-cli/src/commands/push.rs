use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use promotion_core::plan::{Build, Goal};
use promotion_core::ports::Registry;
use promotion_core::{Repository, Revision};
use promotion_registry::flux::{self, Created, Ignore, PackError, PackOptions, Packed};

use self::overlay::Overlay;
use super::candidate::NumberingArgs;
use crate::app::{self, App};
use crate::connect::{Connector, Open};
use crate::error::{Failure, Id, chain, without_credentials};
use crate::exit::Exit;
use crate::output::Output;
use crate::session::{Session, WriteArgs};
use crate::world::{HostWorld, ask_git};

mod overlay;

/// Pack a folder as Flux does, push it, and make it a candidate
///
/// The same files with the same revision, source and time are the same digest on every machine, so pushing twice is
/// pushing once. What Flux leaves out is left out: version control, and by default pictures, archives and CI files
/// (.jpg .png .zip .tar.gz .flux.yaml …). The repository is created where there is none.
#[derive(Debug, clap::Args)]
pub(crate) struct PushArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,

    /// The folder (or file) to pack
    #[arg(long, value_name = "DIR")]
    path: PathBuf,

    /// The commit it is built from: `main@sha1:…`
    #[arg(long)]
    revision: Option<Revision>,

    /// The address of the source repository
    #[arg(long, value_name = "URL")]
    source: Option<String>,

    /// A clone that tells revision, source and time, and whether this commit is older than the newest candidate's
    /// (or PROMOTION_GIT)
    #[arg(long, value_name = "DIR")]
    git: Option<PathBuf>,

    /// When it was built, RFC 3339; SOURCE_DATE_EPOCH wins, and the commit's time (with --git) or the epoch is the default
    #[arg(long, value_name = "TIME")]
    created: Option<Created>,

    /// What to leave out, as lines of a .gitignore, instead of what Flux leaves out by default (as `flux push artifact`)
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    ignore_paths: Option<Vec<String>>,

    /// Also obey the folder's .sourceignore files, as Flux does for a Git repository
    #[arg(long)]
    source_ignore: bool,

    #[command(flatten)]
    numbering: NumberingArgs,

    #[command(flatten)]
    write: WriteArgs,
}

impl PushArgs {
    /// A registry inside the folder would be packed into itself, larger each time.
    fn apart(&self, layout: &Path) -> Result<(), Failure> {
        let (Ok(packed), Ok(layout)) = (self.path.canonicalize(), std::path::absolute(layout)) else { return Ok(()) };
        let existing = layout.ancestors().find_map(|folder| folder.canonicalize().ok());
        if !existing.is_some_and(|existing| existing.starts_with(&packed)) {
            return Ok(());
        }
        let what = format!("pack {}", self.path.display());
        let why = format!("the repository {} lies inside it and would be packed into itself", layout.display());
        Err(Failure::new(Exit::Usage, Id::USAGE, what, why).fix("keep the repository beside the folder"))
    }

    pub(crate) async fn run(mut self, app: &App) -> Result<Exit, Failure> {
        let config = app.config()?;
        let repository = app::repository(self.repository.take(), &config)?;
        self.git = self.git.or_else(|| app::variable("PROMOTION_GIT").map(PathBuf::from));
        if let Repository::Layout { path } = &repository {
            self.apart(Path::new(path))?;
        }
        let options = self.options(&app.out)?;
        let packed = flux::pack(options).await.map_err(|error| self.unpackable(&error))?;
        app.out.detail(&format!("packed {} files, {} bytes: {}", packed.files, packed.bytes, packed.manifest.digest()));
        for skipped in &packed.skipped {
            app.out.note(&format!(
                "note: {} is neither a folder nor a regular file, so it is left out",
                skipped.display()
            ));
        }
        let world = HostWorld::new(app).with_git(self.git.clone());
        let session = if self.write.dry_run && self.write.out.is_none() {
            // Nothing at all is written, so the plan is made as if the content were there.
            let below = Connector::new(app, &config, &repository)?.open(&repository, Open::Existing).await;
            let overlay = Overlay::new(below, repository, packed.manifest.clone())?;
            Session::on(app, config, Box::new(overlay), world)
        } else {
            let session = Session::create(app, config, repository, world).await?;
            upload(&*session.registry, &packed, &app.out).await?;
            session
        };
        let goal = Goal::Build(Build {
            artifact: packed.manifest.digest(),
            revision: None,
            number: self.numbering.build_number,
            bump: self.numbering.bump,
            again: false,
            ancestry: self.git.is_some(),
        });
        session.pursue(goal, &self.write).await
    }

    fn unpackable(&self, error: &PackError) -> Failure {
        let failure = match error {
            PackError::Read { path, .. } if !self.path.exists() && *path == self.path => {
                Failure::usage("pack the folder", "there is no such folder").id(Id::NO_SUCH_FILE)
            }
            error => Failure::new(Exit::Failed, Id::PACK, "pack the folder", chain(error)),
        };
        failure.at(self.path.display().to_string())
    }

    fn options(&self, out: &Output) -> Result<PackOptions, Failure> {
        let revision = match (&self.revision, &self.git) {
            (Some(revision), _) => revision.clone(),
            (None, Some(git)) => {
                warn_of_changes(git, &self.path, out);
                head(git)?
            }
            (None, None) => {
                return Err(Failure::usage("read the arguments", "no commit was named")
                    .fix("give --revision BRANCH@sha1:COMMIT, or --git DIR with a clone"));
            }
        };
        let created = self.created(&revision)?;
        let mut options = PackOptions::new(&self.path, revision, created);
        options.source = self.source.clone().or_else(|| {
            let git = self.git.as_deref()?;
            // A clone without a remote has no address to record.
            ask_git(git, &["remote", "get-url", "origin"]).ok().map(|url| without_credentials(&url))
        });
        if let Some(patterns) = &self.ignore_paths {
            options.ignore = Ignore::nothing().with_patterns(patterns);
        }
        if self.source_ignore {
            options.ignore = options.ignore.with_source_ignore();
        }
        options.progress = Some(progress(out, "packing"));
        Ok(options)
    }

    /// When it was built: as reproducible builds say it, as told, as the commit says it, or the epoch.
    fn created(&self, revision: &Revision) -> Result<Created, Failure> {
        let invalid = |what: &str, error: String| Failure::usage(format!("read {what}"), error);
        if let Some(epoch) = app::variable("SOURCE_DATE_EPOCH") {
            let seconds = epoch.parse().map_err(|_| invalid("SOURCE_DATE_EPOCH", format!("{epoch:?} is no number")))?;
            return Created::from_unix(seconds).map_err(|error| invalid("SOURCE_DATE_EPOCH", error.to_string()));
        }
        match (self.created, &self.git) {
            (Some(created), _) => Ok(created),
            (None, None) => Ok(Created::EPOCH),
            (None, Some(git)) => {
                let time = ask_git(git, &["show", "-s", "--format=%ct", revision.commit.as_str()])
                    .map_err(|error| invalid("the commit's time", error).at(git.display().to_string()))?;
                let seconds = time.parse().map_err(|_| invalid("the commit's time", format!("git said {time:?}")))?;
                Created::from_unix(seconds).map_err(|error| invalid("the commit's time", error.to_string()))
            }
        }
    }
}

/// What is packed is the folder as it is; its commit should be what is in it.
fn warn_of_changes(git: &Path, path: &Path, out: &Output) {
    let Ok(path) = path.canonicalize() else { return };
    let changed = ask_git(git, &["status", "--porcelain", "--", &path.to_string_lossy()]);
    if changed.is_ok_and(|changed| !changed.is_empty()) {
        let path = path.display();
        out.note(&format!("warning: {path} differs from the commit that the artifact will name; commit first"));
    }
}

/// `branch@sha1:commit` of a clone; a detached head (as CI checks out) has no branch.
fn head(git: &Path) -> Result<Revision, Failure> {
    let place = git.display().to_string();
    let failure = |message: String| {
        Failure::usage("read the revision", message)
            .at(place.clone())
            .fix("give --revision, or a clone with at least one commit")
    };
    let commit = ask_git(git, &["rev-parse", "HEAD"]).map_err(failure)?;
    let branch = ask_git(git, &["symbolic-ref", "--quiet", "--short", "HEAD"]).ok();
    Ok(Revision { branch, commit: commit.parse().map_err(|error| failure(format!("{error}")))? })
}

async fn upload(registry: &dyn Registry, packed: &Packed, out: &Output) -> Result<(), Failure> {
    out.detail(&format!("pushing {}", packed.manifest.digest()));
    Ok(flux::push(registry, packed, Some(progress(out, "pushing"))).await?)
}

/// Bytes counted on a worker thread; the line is shown by that thread, which has nothing else to print.
fn progress(out: &Output, doing: &'static str) -> flux::Progress {
    let status = out.status().clone();
    let total = AtomicU64::new(0);
    Arc::new(move |bytes| {
        let total = total.fetch_add(bytes, Ordering::Relaxed) + bytes;
        status.show(&format!("{doing}: {} MiB", total >> 20));
    })
}
