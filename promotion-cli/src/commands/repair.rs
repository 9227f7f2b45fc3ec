use promotion_core::Repository;
use promotion_core::plan::{Build, Goal};
use promotion_core::what::What;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::session::WriteArgs;

/// Finish whatever was left half done, until every stage selects what it should
///
/// Reads everything. Nobody re-runs a promotion after a crash by itself, so schedule this. Orphans (handed over, but
/// their candidate was lost) are reported by promotion audit and healed one by one with --only.
#[derive(Debug, clap::Args)]
pub(crate) struct RepairArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,

    /// Heal this artifact: give it what its build did not finish
    #[arg(long, value_name = "WHAT")]
    only: Option<What>,

    #[command(flatten)]
    write: WriteArgs,
}

impl RepairArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let session = app.session(self.repository).await?;
        match self.only {
            None => session.pursue(Goal::Repair, &self.write).await,
            Some(what) => session.pursue_what(&what, |digest| Goal::Build(Build::of(digest)), &self.write).await,
        }
    }
}
