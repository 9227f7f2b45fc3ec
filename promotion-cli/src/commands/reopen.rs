use promotion_core::plan::Goal;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::session::WriteArgs;
use crate::target::TargetArgs;

/// Withdraw a rejection: no verdict again, so fresh evidence is needed
#[derive(Debug, clap::Args)]
pub(crate) struct ReopenArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Why
    #[arg(long, default_value = "")]
    reason: String,

    #[command(flatten)]
    write: WriteArgs,
}

impl ReopenArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let (repository, what) = self.target.artifact()?;
        let session = app.session(repository).await?;
        let reason = self.reason;
        session.pursue_what(&what, |artifact| Goal::Reopen { artifact, reason }, &self.write).await
    }
}
