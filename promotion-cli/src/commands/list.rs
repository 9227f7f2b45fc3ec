use promotion_core::board::{ArtifactRow, artifacts};
use promotion_core::lifecycle::State;
use promotion_core::{CommitPrefix, Repository};
use serde::Serialize;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint, columns};

/// List the artifacts, newest version first
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
    /// How many more there are.
    left_out: usize,
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
        if self.left_out > 0 {
            text.push_str(&format!("\n{} more: --all, or --limit N", self.left_out));
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
        let rows = session.ask(|snapshot| artifacts(snapshot, policy)).await?;
        let stable = |row: &ArtifactRow| {
            row.versions.iter().any(|tag| match policy.classify(tag.as_str()) {
                promotion_core::scheme::Kind::Version(version) => version.is_release(),
                _ => false,
            })
        };
        let wanted = |row: &ArtifactRow| {
            self.sha.as_ref().is_none_or(|sha| row.commit.as_ref().is_some_and(|commit| commit.starts_with(sha)))
                && (!self.stable || stable(row))
                && (!self.candidates || row.state == State::Candidate)
        };
        let mut artifacts: Vec<ArtifactRow> = rows.into_iter().filter(wanted).collect();
        let limit = if self.all { usize::MAX } else { self.limit };
        let left_out = artifacts.len().saturating_sub(limit);
        artifacts.truncate(limit);
        let nothing_of_that_commit = artifacts.is_empty() && self.sha.is_some();
        app.out.document(&Artifacts { artifacts, left_out, all: self.all })?;
        Ok(if nothing_of_that_commit { Exit::NotFound } else { Exit::Done })
    }
}
