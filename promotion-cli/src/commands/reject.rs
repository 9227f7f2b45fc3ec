use promotion_core::plan::Goal;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::session::WriteArgs;
use crate::target::TargetArgs;

/// Record that an artifact is bad, so that nothing promotes it
///
/// Stages that select it return to the newest artifact that is not rejected; where there is none, they keep it and the
/// command exits 3. Only a person withdraws a rejection (promotion reopen).
#[derive(Debug, clap::Args)]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Why
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,

    #[command(flatten)]
    write: WriteArgs,
}

impl RejectArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let (repository, what) = self.target.artifact()?;
        let session = app.session(repository).await?;
        let reason = self.reason;
        session.pursue_what(&what, |artifact| Goal::Reject { artifact, reason }, &self.write).await
    }
}
