use std::path::{Path, PathBuf};

use promotion_core::board::{Board, board};
use promotion_core::event;
use promotion_core::executor::{End, Executor, Outcome, Step, World as _, drive};
use promotion_core::plan::{Build, Goal, Promote, Why};
use promotion_core::reason::Reason;
use promotion_core::snapshot::{Ancestry, Query, Reply};
use promotion_core::{Digest, Repository};
use promotion_registry::flux::{self, Created, PackOptions};

use self::folder::Folder;
use super::audit::Report;
use crate::app::App;
use crate::config::Config;
use crate::error::{Failure, Id, chain};
use crate::exit::Exit;
use crate::output::{Document as _, Format};
use crate::session::Session;
use crate::world::HostWorld;

mod folder;

/// Tell the story of the pipeline on an OCI layout in DIR
///
/// Builds, a validation, a promotion, a candidate that a plain tag would have hidden, a crash, and a rollback; the board
/// after each. The layout stays to play with; running it again starts afresh.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where; created, or emptied if an earlier demo made it
    #[arg(value_name = "DIR", default_value = "promotion-demo")]
    folder: PathBuf,
}

/// The commits of the story.
const COMMITS: [&str; 3] = [
    "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
    "b2c3d4e5f60718293a4b5c6d7e8f900112233445",
    "c3d4e5f60718293a4b5c6d7e8f90011223344556",
];

/// The story so far.
struct Story<'a> {
    session: Session<'a>,
    folder: Folder,
    chapter: u32,
}

impl DemoArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let folder = Folder::prepare(&self.folder)?;
        let repository = Repository::Layout { path: folder.registry().display().to_string() };
        let config = Config::of_file(&folder.config())?;
        let session = Session::create(app, config, repository.clone(), HostWorld::new(app)).await?;
        let mut story = Story { session, folder, chapter: 0 };
        story.tell().await?;
        if app.out.format != Format::Table {
            app.out.document(&story.board().await?)?;
            return Ok(Exit::Done);
        }
        let here = shell_word(&self.folder);
        app.out.stdout(&format!(
            "\nThe registry stays in {}. Play with it:\n  cd {here}\n  promotion list --all\n  promotion push --path app \
             --revision main@sha1:{} --dry-run\n  promotion audit",
            self.folder.display(),
            "d4e5f60718293a4b5c6d7e8f9001122334455667",
        ))?;
        Ok(Exit::Done)
    }
}

impl Story<'_> {
    async fn tell(&mut self) -> Result<(), Failure> {
        self.chapter("a build: its folder is packed as Flux does, pushed by digest, and becomes a candidate").await?;
        let first = self.build(0).await?;
        self.show().await?;

        self.chapter("integration runs it and Flux says so: the event is evidence for this digest, so it is promoted")
            .await?;
        self.promote(first).await?;
        self.show().await?;

        self.chapter("two more builds; integration has moved on to the newer one").await?;
        let second = self.build(1).await?;
        let third = self.build(2).await?;
        self.show().await?;

        self.chapter(
            "late news: the older one was fine. Tagging it 0.1.1 would outrank 0.1.1-rc.2 and hide the newer build from\n   \
             integration for good, so that build first gets a candidate above the release",
        )
        .await?;
        self.promote(second).await?;
        self.show().await?;

        self.chapter("now the newer one is validated, and the runner dies between the evidence and the release")
            .await?;
        self.crash(third).await?;
        self.show().await?;

        self.chapter("whoever comes next finishes it: the same event again, another promotion, or promotion repair")
            .await?;
        self.pursue(Goal::Repair, "promotion repair").await?;
        self.show().await?;

        self.chapter("it was bad after all: back to the build before, under a version above all of it").await?;
        self.pursue(Goal::Rollback { to: second, only: false }, "promotion rollback --to b2c3d4e").await?;
        self.show().await?;

        self.chapter("every invariant holds").await?;
        let policy = &self.session.config.policy;
        let findings = self.session.ask(|snapshot| promotion_core::audit::audit(snapshot, policy)).await?;
        self.say(&format!("   $ promotion audit\n   {}", Report { findings }.table(self.session.app.out.paint())))
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.session.app.out.format == Format::Table { self.session.app.out.stdout(text) } else { Ok(()) }
    }

    async fn chapter(&mut self, title: &str) -> Result<(), Failure> {
        self.chapter += 1;
        let paint = self.session.app.out.paint();
        let line = if self.chapter == 1 { "" } else { "\n" };
        self.say(&format!("{line}{}", paint.bold(&format!("{}. {title}", self.chapter))))
    }

    async fn board(&self) -> Result<Board, Failure> {
        let policy = &self.session.config.policy;
        self.session.ask(|snapshot| board(snapshot, policy)).await
    }

    async fn show(&self) -> Result<(), Failure> {
        let board = self.board().await?.table(self.session.app.out.paint());
        let indented: Vec<String> = board.lines().map(|line| format!("   {line}").trim_end().to_owned()).collect();
        self.say(&format!("\n{}", indented.join("\n")))
    }

    /// Packs a version of the folder, pushes it and makes it a candidate.
    async fn build(&self, number: usize) -> Result<Digest, Failure> {
        let commit = COMMITS[number];
        self.folder.write_app(number + 1)?;
        let revision = format!("main@sha1:{commit}").parse().map_err(|error| internal(&error))?;
        let mut options = PackOptions::new(self.folder.app(), revision, Created::EPOCH);
        options.source = Some("https://git.example.com/acme/platform".to_owned());
        let packed = flux::pack(options).await.map_err(|error| internal(&error))?;
        flux::push(&*self.session.registry, &packed, None).await?;
        let artifact = packed.manifest.digest();
        let command = format!("promotion push --path app --revision main@sha1:{commit}");
        self.pursue(Goal::Build(Build::of(artifact)), &command).await?;
        Ok(artifact)
    }

    /// A promotion by the event that Flux sends when the Kustomization is ready.
    fn promotion(&self, artifact: Digest) -> Result<Goal, Failure> {
        let now = self.session.now();
        let event = format!(
            r#"{{"involvedObject": {{"kind": "Kustomization", "name": "platform", "namespace": "flux-system"}},
                "severity": "info", "reason": "ReconciliationSucceeded", "timestamp": "{now}",
                "message": "Reconciliation finished in 1.2s, next run in 10m0s",
                "metadata": {{"revision": "latest@{artifact}"}}, "reportingController": "kustomize-controller"}}"#
        );
        let event = event::parse(event.as_bytes()).map_err(|error| internal(&error))?;
        let evidence = event.evidence(&[]).map_err(|reason: Reason| internal_text(reason.message()))?;
        Ok(Goal::Promote(Promote { artifact, evidence: vec![evidence], stage: None, version: None }))
    }

    async fn promote(&self, artifact: Digest) -> Result<(), Failure> {
        self.pursue(self.promotion(artifact)?, "promotion promote --event event.json").await
    }

    async fn pursue(&self, goal: Goal, command: &str) -> Result<(), Failure> {
        let mut executor = self.executor(goal);
        match drive(&*self.session.registry, &mut executor, &self.session.world).await? {
            End::Done(Outcome { refusal: Some(refusal), .. }) => Err(internal_text(refusal.reason.message())),
            End::Done(outcome) => {
                let wrote: Vec<String> = outcome.writes.iter().map(|write| write.tag.to_string()).collect();
                self.say(&format!("   $ {command}\n   wrote {}", wrote.join(", ")))
            }
            End::Drifted(_) => Err(internal_text("a plan drifted that nobody made".to_owned())),
        }
    }

    fn executor(&self, goal: Goal) -> Executor {
        let executor = Executor::new(self.session.config.policy.clone(), goal);
        executor.with_consistency(self.session.registry.consistency())
    }

    /// Carries out a promotion up to the release, and forgets about it: what a killed process leaves.
    async fn crash(&self, artifact: Digest) -> Result<(), Failure> {
        let registry = &*self.session.registry;
        let mut executor = self.executor(self.promotion(artifact)?);
        loop {
            match executor.next(self.session.world.now()) {
                Step::List => executor.listed(&registry.list_tags().await?),
                Step::Ask(queries) => {
                    for query in queries {
                        let reply = self.answer(&query).await?;
                        executor.learned(query, reply);
                    }
                }
                Step::Write(action) if matches!(action.why, Why::Release { .. }) => break,
                Step::Write(action) => {
                    let manifest = registry.manifest(action.digest).await?;
                    registry.put_tag(&action.tag, &manifest, action.expect).await?;
                    executor.wrote(None);
                }
                Step::Done(_) | Step::Drifted(_) => break,
            }
        }
        let wrote: Vec<String> = executor.writes().iter().map(|write| write.tag.to_string()).collect();
        self.say(&format!("   $ promotion promote --event event.json\n   wrote {}\n   Killed", wrote.join(", ")))
    }

    async fn answer(&self, query: &Query) -> Result<Reply, Failure> {
        let registry = &*self.session.registry;
        Ok(match query {
            Query::Tag(tag) => Reply::Digest(registry.resolve(tag).await?),
            Query::Manifest(digest) => {
                Reply::Manifest(Some(registry.manifest(*digest).await?.read().unwrap_or_default()))
            }
            Query::Ancestry { .. } => Reply::Ancestry(Ancestry::Unknown),
        })
    }
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Failure {
    internal_text(chain(error))
}

fn internal_text(message: String) -> Failure {
    Failure::new(Exit::Failed, Id::INTERNAL, "tell the story", message)
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
