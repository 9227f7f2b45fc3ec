use promotion_core::Repository;
use promotion_core::plan::Goal;
use promotion_core::what::What;

use crate::app::App;
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::session::WriteArgs;

/// Return the last stage to an older validated artifact
///
/// By re-tagging: everything younger than the target that exists now is rejected, and the target is released again
/// under a version above all of it. The plan (--dry-run) lists what is rejected.
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
        let unsupported = |name: &str, fix: &str| {
            let message = format!("strategy {name} needs a cluster, which this version does not talk to yet");
            Failure::usage("roll back", message).fix(fix).id(Id::UNSUPPORTED)
        };
        match self.strategy {
            Strategy::Retag => {}
            Strategy::Pin => {
                let fix = "use --strategy retag, or patch the OCIRepository's ref to {digest: …, semver: null}";
                return Err(unsupported("pin", fix));
            }
            Strategy::Revert => {
                let fix = "use --strategy retag now, then git revert the commit so that the next build differs";
                return Err(unsupported("revert", fix));
            }
        }
        let session = app.session(self.repository).await?;
        session.pursue_what(&self.to, |to| Goal::Rollback { to, only: self.only }, &self.write).await
    }
}
