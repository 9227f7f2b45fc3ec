use promotion_core::Revision;
use promotion_core::plan::{Build, Goal};
use promotion_core::version::Level;

use crate::app::{self, App};
use crate::error::Failure;
use crate::exit::Exit;
use crate::session::{Session, WriteArgs};
use crate::target::TargetArgs;
use crate::world::HostWorld;

/// Make an artifact that is already in the repository a candidate
///
/// For artifacts that something else pushed (an image, a chart). An artifact that has a candidate keeps it, unless
/// --again makes it deliberately the newest.
#[derive(Debug, clap::Args)]
pub(crate) struct CandidateArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// The commit it was built from: `main@sha1:…`; checked against the manifest, where that says it
    #[arg(long)]
    revision: Option<Revision>,

    /// Give it a new candidate above all others, even if it has one
    #[arg(long)]
    again: bool,

    #[command(flatten)]
    numbering: NumberingArgs,

    #[command(flatten)]
    write: WriteArgs,
}

/// How a new candidate is numbered.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct NumberingArgs {
    /// The candidate's number, such as a CI run's, instead of the next free one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) build_number: Option<u64>,

    /// Which part to raise above the highest release: patch, minor or major
    #[arg(long, value_name = "PART", value_parser = level)]
    pub(crate) bump: Option<Level>,
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "patch" => Ok(Level::Patch),
        "minor" => Ok(Level::Minor),
        "major" => Ok(Level::Major),
        _ => Err("expected patch, minor or major".to_owned()),
    }
}

impl CandidateArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let (repository, what) = self.target.artifact()?;
        let config = app.config()?;
        let repository = app::repository(repository, &config)?;
        let session = Session::open_untagged(app, config, repository, HostWorld::new(app)).await?;
        let goal = |artifact| {
            Goal::Build(Build {
                artifact,
                revision: self.revision,
                number: self.numbering.build_number,
                bump: self.numbering.bump,
                again: self.again,
                ancestry: false,
            })
        };
        session.pursue_what(&what, goal, &self.write).await
    }
}
