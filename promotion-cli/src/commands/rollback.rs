use promotion_core::Repository;
use promotion_core::plan::Goal;
use promotion_core::what::What;

use super::pin;
use crate::app::App;
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::session::WriteArgs;

/// Return the last stage to an older validated artifact
///
/// By re-tagging: everything younger than the target that exists now is rejected, and the target is released again
/// under a version above all of it. The plan (--dry-run) lists what is rejected.
///
/// By pinning (--strategy pin): the last stage's OCIRepository follows the target's digest and nothing else, at once, until
/// promotion unpin; no tag is written. By reverting: not a command's business; it says what to do.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,

    /// The artifact to return to: a commit, a tag or a digest
    #[arg(long, value_name = "WHAT")]
    to: What,

    /// How
    #[arg(long, value_enum, default_value = "retag")]
    strategy: Strategy,

    /// Reject only what the last stage selects now, not everything younger than the target
    #[arg(long)]
    only: bool,

    /// With --strategy pin: why; kept on the object
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,

    /// With --strategy pin: also if something else writes the object, and would undo it
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    write: WriteArgs,
}

/// How to roll back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Strategy {
    /// By tags: rejections, then a release of the target
    Retag,
    /// By pinning the cluster to a digest
    Pin,
    /// By reverting the commit
    Revert,
}

impl RollbackArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        match self.strategy {
            Strategy::Retag if self.reason.is_some() || self.force => {
                return Err(Failure::usage("roll back", "--reason and --force go with --strategy pin"));
            }
            Strategy::Retag => {}
            Strategy::Pin if self.only => return Err(Failure::usage("roll back", "--only goes with --strategy retag")),
            Strategy::Pin => {
                let Some(reason) = self.reason else {
                    let failure =
                        Failure::usage("roll back", "a pin needs a reason: it stays until somebody unpins it");
                    return Err(failure.fix("give --reason WHY"));
                };
                let session = app.session(self.repository).await?;
                return pin::pin(&session, &self.to, reason, self.force, &self.write).await;
            }
            Strategy::Revert => {
                let message = "a commit is reverted in its own repository: git revert it, and its build is the newest";
                let fix = "if live must go back before that: --strategy retag or pin";
                return Err(Failure::usage("roll back", message).fix(fix).id(Id::UNSUPPORTED));
            }
        }
        let session = app.session(self.repository).await?;
        session.pursue_what(&self.to, |to| Goal::Rollback { to, only: self.only }, &self.write).await
    }
}
