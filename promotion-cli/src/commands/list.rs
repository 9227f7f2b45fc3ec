use promotion_core::artifact::View;
use promotion_core::board::{ArtifactRow, Wanted, artifacts, board, newest_artifacts};
use promotion_core::lifecycle::State;
use promotion_core::policy::Policy;
use promotion_core::scheme::Kind;
use promotion_core::snapshot::{Needs, Snapshot};
use promotion_core::what::built_from;
use promotion_core::{CommitPrefix, Repository, Tag};
use serde::Serialize;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint, columns};

/// List the artifacts, newest version first
///
/// Without --all it reads what lies above the artifacts that it shows; with --all every tag.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,

    /// Only those built from this commit
    #[arg(long, value_name = "COMMIT")]
    sha: Option<CommitPrefix>,

    /// Only those with a release
    #[arg(long)]
    stable: bool,

    /// Only those that wait for a verdict
    #[arg(long, conflicts_with = "stable")]
    candidates: bool,

    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "all")]
    limit: usize,

    /// All of them, with every tag
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Artifacts {
    artifacts: Vec<ArtifactRow>,
    /// Whether there may be more.
    more: bool,
    #[serde(skip)]
    all: bool,
}

impl Document for Artifacts {
    const KIND: &'static str = "Artifacts";

    fn table(&self, paint: Paint) -> String {
        let row = |artifact: &ArtifactRow| {
            let tags = |tags: &[promotion_core::Tag], most: usize| {
                let shown: Vec<&str> = tags.iter().take(most).map(promotion_core::Tag::as_str).collect();
                let more = tags.len().saturating_sub(shown.len());
                match (shown.is_empty(), more) {
                    (true, _) => "-".to_owned(),
                    (false, 0) => shown.join(" "),
                    (false, more) => format!("{} +{more}", shown.join(" ")),
                }
            };
            let state = serde_json::to_value(artifact.state).ok();
            let state = state.and_then(|state| state.as_str().map(ToOwned::to_owned)).unwrap_or_default();
            let commit = artifact.commit.as_ref().map_or("-", |commit| commit.prefix(7)).to_owned();
            let most = if self.all { usize::MAX } else { 2 };
            let mut row =
                vec![tags(&artifact.versions, most), state, commit, format!("sha256:{}", artifact.digest.short())];
            if self.all {
                row.push(tags(&artifact.marks, most));
            }
            row
        };
        let rows: Vec<Vec<String>> = self.artifacts.iter().map(row).collect();
        if rows.is_empty() {
            return "no artifacts".to_owned();
        }
        let header = ["VERSIONS", "STATE", "COMMIT", "DIGEST", "MARKS"];
        let header = if self.all { &header[..] } else { &header[..4] };
        let mut text = columns(paint, header, &rows);
        if self.more {
            text.push_str("\nthere are more: --all, or --limit N");
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.artifacts.iter().map(|artifact| artifact.digest.to_string()).collect()
    }
}

impl ListArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let session = app.session(self.repository.clone()).await?;
        let policy = &session.config.policy;
        let (artifacts, more) = session.ask(|snapshot| self.rows(snapshot, policy)).await?;
        let nothing_of_that_commit = artifacts.is_empty() && self.sha.is_some();
        app.out.document(&Artifacts { artifacts, more, all: self.all })?;
        Ok(if nothing_of_that_commit { Exit::NotFound } else { Exit::Done })
    }

    fn rows(&self, snapshot: &Snapshot, policy: &Policy) -> Result<(Vec<ArtifactRow>, bool), Needs> {
        let is_release = |tag: &Tag| match policy.classify(tag.as_str()) {
            Kind::Version(version) => version.is_release(),
            _ => false,
        };
        let wanted = |row: &ArtifactRow| {
            self.sha.as_ref().is_none_or(|sha| row.commit.as_ref().is_some_and(|commit| commit.starts_with(sha)))
                && (!self.stable || row.versions.iter().any(is_release))
                && (!self.candidates || row.state == State::Candidate)
        };
        let (mut rows, more) = if self.all {
            (artifacts(snapshot, policy)?, false)
        } else {
            newest_artifacts(snapshot, policy, &self.wanted(snapshot, policy)?, self.limit)?
        };
        rows.retain(wanted);
        Ok((rows, more))
    }

    /// Which artifacts may be meant, found without reading all of them.
    fn wanted(&self, snapshot: &Snapshot, policy: &Policy) -> Result<Wanted, Needs> {
        let view = View::new(snapshot, policy);
        if let Some(sha) = &self.sha {
            return Ok(Wanted::These(built_from(&view, sha)?));
        }
        if self.candidates {
            let waiting = board(snapshot, policy)?.pending.into_iter().map(|pending| pending.digest);
            return Ok(Wanted::These(waiting.collect()));
        }
        Ok(if self.stable { Wanted::Released } else { Wanted::Versioned })
    }
}
