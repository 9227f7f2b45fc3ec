use promotion_core::Repository;
use promotion_core::artifact::View;
use promotion_core::cluster;

use super::pin::Aim;
use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::session::WriteArgs;

/// Let the last stage's source follow its versions again, as before promotion rollback --strategy pin
///
/// What it followed before is read from the object itself. A source that somebody pinned by hand remembers nothing, and is
/// refused.
#[derive(Debug, clap::Args)]
pub(crate) struct UnpinArgs {
    /// The repository, `oci://HOST/PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,

    /// Also if something else writes the object, and would undo it
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    write: WriteArgs,
}

impl UnpinArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let session = app.session(self.repository).await?;
        let aim = Aim::read(&session).await?;
        let patch = match cluster::unpin(&aim.object, self.force, session.now()) {
            Ok(patch) => patch,
            Err(fault) => return session.refuse(aim.refused(fault).into()),
        };
        super::pin::no_plan(&self.write)?;
        let done = aim.change(patch, if self.write.dry_run { "would unpin" } else { "unpinned" }, &self.write).await?;
        app.out.document(&done)?;
        let policy = session.config.policy.clone();
        let selects = session.ask(|known| View::new(known, &policy).selected(policy.last())).await?;
        if let Some((_, tag, digest)) = selects {
            app.out.note(&format!("it now takes {tag}, sha256:{}, unless something outranks that", digest.short()));
        }
        Ok(Exit::Done)
    }
}
