use std::path::PathBuf;

use promotion_core::executor::Executor;
use promotion_core::plan::PlanFile;

use crate::app::App;
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::session::{Session, WriteArgs};
use crate::world::HostWorld;

/// Carry out a plan that --dry-run --out made, or its unfinished rest, and nothing else
///
/// Exits 4 and writes nothing when the repository is not what the plan expects, and says what would be done now.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {
    /// The plan; `-` for stdin
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Check the plan against the repository and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl ApplyArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let place = crate::target::place(&self.plan);
        let bytes = crate::target::read(&self.plan, "read the plan")?;
        let file = PlanFile::parse(&bytes).map_err(|error| {
            Failure::usage("read the plan", error.to_string())
                .at(&place)
                .id(Id::BAD_PLAN)
                .fix("make it again with --dry-run --out")
        })?;
        let config = app.config()?;
        if config.policy.hash() != file.policy_hash {
            let message = "it was made under another configuration, so it may not be what is wanted now";
            return Err(Failure::new(Exit::Drift, Id::POLICY_CHANGED, "apply the plan", message)
                .at(place)
                .fix("make it again with --dry-run --out, or apply it with the configuration it was made with"));
        }
        let session = Session::open(app, config, file.repository.clone(), HostWorld::new(app)).await?;
        let goal = file.goal.clone();
        let executor = Executor::applying(session.config.policy.clone(), file);
        if self.dry_run {
            session.plan(executor, goal, &WriteArgs::default()).await
        } else {
            session.carry_out(executor).await
        }
    }
}
