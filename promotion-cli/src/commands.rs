//! One file per command: its arguments, whose documentation is the help, and what it does.

mod apply;
mod audit;
mod candidate;
mod completions;
mod copy;
mod demo;
mod doctor;
mod history;
mod init;
mod list;
mod pin;
mod promote;
mod push;
mod reject;
mod reopen;
mod repair;
mod resolve;
mod rollback;
mod schema;
mod status;
mod unpin;
mod verify;
mod version;
mod why;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Push(push::PushArgs),
    Candidate(candidate::CandidateArgs),
    Status(status::StatusArgs),
    List(list::ListArgs),
    History(history::HistoryArgs),
    Resolve(resolve::ResolveArgs),
    Promote(promote::PromoteArgs),
    Reject(reject::RejectArgs),
    Reopen(reopen::ReopenArgs),
    Rollback(rollback::RollbackArgs),
    Unpin(unpin::UnpinArgs),
    Apply(apply::ApplyArgs),
    Repair(repair::RepairArgs),
    Copy(copy::CopyArgs),
    #[command(visible_alias = "trace")]
    Why(why::WhyArgs),
    Audit(audit::AuditArgs),
    Doctor(doctor::DoctorArgs),
    Verify(verify::VerifyArgs),
    Completions(completions::CompletionsArgs),
    Schema(schema::SchemaArgs),
    Version(version::VersionArgs),
}

impl Command {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        match self {
            Self::Demo(args) => args.run(app).await,
            Self::Init(args) => args.run(app),
            Self::Push(args) => args.run(app).await,
            Self::Candidate(args) => args.run(app).await,
            Self::Status(args) => args.run(app).await,
            Self::List(args) => args.run(app).await,
            Self::History(args) => args.run(app).await,
            Self::Resolve(args) => args.run(app).await,
            Self::Promote(args) => args.run(app).await,
            Self::Reject(args) => args.run(app).await,
            Self::Reopen(args) => args.run(app).await,
            Self::Rollback(args) => args.run(app).await,
            Self::Unpin(args) => args.run(app).await,
            Self::Apply(args) => args.run(app).await,
            Self::Repair(args) => args.run(app).await,
            Self::Copy(args) => args.run(app).await,
            Self::Why(args) => args.run(app).await,
            Self::Audit(args) => args.run(app).await,
            Self::Doctor(args) => args.run(app).await,
            Self::Verify(args) => args.run(app).await,
            Self::Completions(args) => args.run(app),
            Self::Schema(args) => args.run(app),
            Self::Version(args) => args.run(app),
        }
    }
}
