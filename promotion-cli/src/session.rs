//! A repository at work: finding what was named, and carrying out a goal, planned or for real.

mod outcome;
mod plan;

use std::path::PathBuf;
use std::sync::Arc;

use promotion_core::artifact::View;
use promotion_core::converge::with_the_rules;
use promotion_core::executor::{self, End, Executor, Outcome, OutcomeKind, Planned, World};
use promotion_core::plan::{Goal, Plan, PlanFile};
use promotion_core::ports::{Consistency, Registry};
use promotion_core::reason::{Finding, Refusal};
use promotion_core::snapshot::{Needs, Snapshot};
use promotion_core::what::{What, find};
use promotion_core::{Digest, Repository, Tag};

use crate::app::App;
use crate::config::{Config, nearest};
use crate::connect::{Connector, Fresh, LeaseLock, Open};
use crate::error::Failure;
use crate::exit::Exit;
use crate::progress::Watched;
use crate::world::HostWorld;

pub(crate) use plan::PlanDocument;

/// What every writing command offers.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct WriteArgs {
    /// Print the plan and write no tag
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// With --dry-run: also write the plan to this file, for `promotion apply`
    #[arg(long, value_name = "PLAN", requires = "dry_run")]
    pub(crate) out: Option<PathBuf>,

    /// With --dry-run: exit 10 if there is something to write
    #[arg(long, requires = "dry_run")]
    pub(crate) exit_code: bool,
}

/// A repository at work.
pub(crate) struct Session<'a> {
    pub(crate) app: &'a App,
    pub(crate) config: Config,
    pub(crate) registry: Box<dyn Registry>,
    pub(crate) world: HostWorld<'a>,
    lease: Option<Arc<LeaseLock>>,
}

impl<'a> Session<'a> {
    /// Opens a repository that must be there. Of a registry, only its first answer says whether it is.
    pub(crate) async fn open(
        app: &'a App,
        config: Config,
        repository: Repository,
        world: HostWorld<'a>,
    ) -> Result<Self, Failure> {
        let registry = Connector::new(app, &config, &repository)?.open(&repository, Open::Existing).await?;
        Ok(Self::on(app, config, registry, world))
    }

    /// Opens a repository, or creates it.
    pub(crate) async fn create(
        app: &'a App,
        config: Config,
        repository: Repository,
        world: HostWorld<'a>,
    ) -> Result<Self, Failure> {
        let registry = Connector::new(app, &config, &repository)?.open(&repository, Open::Creating).await?;
        Ok(Self::on(app, config, Box::new(Fresh(registry)), world))
    }

    /// Opens a repository that must be there, and may have no tags yet.
    pub(crate) async fn open_untagged(
        app: &'a App,
        config: Config,
        repository: Repository,
        world: HostWorld<'a>,
    ) -> Result<Self, Failure> {
        let registry = Connector::new(app, &config, &repository)?.open(&repository, Open::Existing).await?;
        Ok(Self::on(app, config, Box::new(Fresh(registry)), world))
    }

    /// Works on a registry that is open.
    pub(crate) fn on(app: &'a App, config: Config, registry: Box<dyn Registry>, world: HostWorld<'a>) -> Self {
        // An on-disk layout has a lock of its own.
        let exclusive = registry.consistency() == Consistency::Exclusive;
        let lease = LeaseLock::of(&config, &app.out).filter(|_| !exclusive).map(Arc::new);
        let (counter, written) = (world.counter().clone(), app.written.clone());
        let watched = Watched { inner: registry, counter, written, lease: lease.clone() };
        let world = if config.settings.record { world.recording() } else { world };
        Self { app, config, registry: Box::new(watched), world, lease }
    }

    /// Answers a question about the repository, reading no more than it needs.
    pub(crate) async fn ask<T>(
        &self,
        question: impl FnMut(&Snapshot) -> Result<T, Needs> + Send,
    ) -> Result<T, Failure> {
        Ok(self.observe(&[], question).await?.0)
    }

    /// The same, about what was named.
    pub(crate) async fn ask_about<T>(
        &self,
        what: &What,
        question: impl FnMut(&Snapshot) -> Result<T, Needs> + Send,
    ) -> Result<T, Failure> {
        Ok(self.observe(&what.tags(&self.config.policy), question).await?.0)
    }

    /// The same, with what was read for it; of that the foreseen tags while the repository was listed.
    async fn observe<T>(
        &self,
        foreseen: &[Tag],
        question: impl FnMut(&Snapshot) -> Result<T, Needs> + Send,
    ) -> Result<(T, Snapshot), Failure> {
        Ok(executor::observe(&*self.registry, &self.config.policy, &self.world, foreseen, question).await?)
    }

    /// The artifact that was named; a refusal when there is none, or several.
    pub(crate) async fn find(&self, what: &What) -> Result<Result<Digest, Refusal>, Failure> {
        let found = self.found(what, |needs, _| needs).await?;
        Ok(found.map(|(digest, _)| digest))
    }

    /// The same to carry out a goal on it, with what was read, which is also what the goal needs next.
    pub(crate) async fn find_to_pursue(&self, what: &What) -> Result<Result<(Digest, Snapshot), Refusal>, Failure> {
        let policy = &self.config.policy;
        let again = self.reads_again();
        self.found(what, |needs, known| if again { needs } else { with_the_rules(needs, known, policy) }).await
    }

    async fn found(
        &self,
        what: &What,
        more: impl Fn(Needs, &Snapshot) -> Needs + Send + Sync,
    ) -> Result<Result<(Digest, Snapshot), Refusal>, Failure> {
        let policy = &self.config.policy;
        let question = |known: &Snapshot| find(&View::new(known, policy), what).map_err(|needs| more(needs, known));
        let (found, known) = self.observe(&what.tags(policy), question).await?;
        Ok(match found {
            Ok(digest) => Ok((digest, known)),
            Err(reason) => {
                self.suggest(what, &known);
                Err(Refusal::from(reason))
            }
        })
    }

    /// A mistyped tag or commit: the nearest that exists.
    fn suggest(&self, what: &What, known: &Snapshot) {
        let wanted = what.to_string();
        let marked = known.tags().filter_map(|tag| tag.as_str().split_once('-')).map(|(_, key)| key);
        let names = known.tags().map(Tag::as_str).chain(marked);
        if let Some(near) = nearest(&wanted, names.filter(|name| *name != wanted)) {
            self.app.out.note(&format!("did you mean {near}?"));
        }
    }

    /// Finds what was named and carries out the goal on it.
    pub(crate) async fn pursue_what(
        &self,
        what: &What,
        goal: impl FnOnce(Digest) -> Goal,
        args: &WriteArgs,
    ) -> Result<Exit, Failure> {
        match self.find_to_pursue(what).await? {
            Ok((digest, known)) => self.pursue_knowing(goal(digest), known, args).await,
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Carries out a goal, or plans it.
    pub(crate) async fn pursue(&self, goal: Goal, args: &WriteArgs) -> Result<Exit, Failure> {
        self.carry_out_or_plan(self.executor(goal.clone()), goal, args).await
    }

    /// The same, without reading again what was read to find its artifact.
    pub(crate) async fn pursue_knowing(&self, goal: Goal, known: Snapshot, args: &WriteArgs) -> Result<Exit, Failure> {
        let executor = self.executor(goal.clone());
        let executor = if self.reads_again() { executor } else { executor.knowing(known) };
        self.carry_out_or_plan(executor, goal, args).await
    }

    /// Under a lock everything is read again: nobody held it before.
    fn reads_again(&self) -> bool {
        self.registry.consistency() == Consistency::Exclusive || self.lease.is_some()
    }

    async fn carry_out_or_plan(&self, executor: Executor, goal: Goal, args: &WriteArgs) -> Result<Exit, Failure> {
        if args.dry_run { self.plan(executor, goal, args).await } else { self.carry_out(executor).await }
    }

    fn executor(&self, goal: Goal) -> Executor {
        Executor::new(self.config.policy.clone(), goal).with_consistency(self.registry.consistency())
    }

    /// A refusal that needs no executor to be found.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Result<Exit, Failure> {
        let outcome = Outcome {
            kind: OutcomeKind::Refused,
            digest: None,
            commit: None,
            candidate: None,
            release: None,
            superseded_by: None,
            writes: Vec::new(),
            warnings: Vec::new(),
            refusal: Some(refusal),
        };
        self.show(&outcome)
    }

    /// Writes what an executor says, under the repository's lock.
    pub(crate) async fn carry_out(&self, executor: Executor) -> Result<Exit, Failure> {
        let mut executor = executor.with_consistency(self.registry.consistency());
        if self.lease.is_none() && self.registry.consistency() == Consistency::Exclusive {
            self.world.wait_for_the_lock(self.registry.repository());
        }
        let ended = executor::drive(&*self.registry, &mut executor, &self.world).await;
        if let Some(lease) = &self.lease {
            lease.settle().await;
        }
        match ended? {
            End::Done(outcome) => self.show(&outcome),
            End::Drifted(plan) => self.drifted(&plan),
        }
    }

    fn drifted(&self, plan: &Plan) -> Result<Exit, Failure> {
        let file = PlanFile::new(self.registry.repository().clone(), self.config.policy.hash(), plan);
        let out = &self.app.out;
        out.note("drift: the repository is not what the plan expects, so nothing is written; it would now be:");
        out.document(&PlanDocument::new(&file))?;
        out.note("  -> make a new plan with --dry-run --out");
        Ok(Exit::Drift)
    }

    fn show(&self, outcome: &Outcome) -> Result<Exit, Failure> {
        self.app.out.document(outcome)?;
        let refused = outcome.refusal.as_ref().map(|refusal| &refusal.reason);
        let warnings: Vec<Finding> =
            outcome.warnings.iter().filter(|warning| Some(&warning.reason) != refused).cloned().collect();
        self.app.out.warnings(&warnings);
        if let Some(refusal) = &outcome.refusal {
            self.app.out.refusal(if outcome.writes.is_empty() { "refused:" } else { "held back:" }, refusal);
        }
        Ok(Exit::of_outcome(outcome))
    }

    /// What carrying out an executor's goal would do now, writing no tag.
    pub(crate) async fn plan(&self, executor: Executor, goal: Goal, args: &WriteArgs) -> Result<Exit, Failure> {
        let mut executor = executor.with_consistency(self.registry.consistency());
        let plan = match executor::plan(&*self.registry, &mut executor, &self.world).await? {
            Planned::Drifted(plan) => return self.drifted(&plan),
            Planned::Writes(plan) => plan,
            Planned::Nothing(outcome) if outcome.kind == OutcomeKind::Refused => return self.show(&outcome),
            Planned::Nothing(outcome) => plan::nothing_to_do(goal, &outcome),
        };
        let file = PlanFile::new(self.registry.repository().clone(), self.config.policy.hash(), &plan);
        let document = PlanDocument::new(&file);
        if let Some(path) = &args.out {
            plan::save(&file, path)?;
        }
        self.app.out.document(&document)?;
        self.app.out.warnings(&plan.findings);
        Ok(if args.exit_code && !file.actions.is_empty() { Exit::Findings } else { Exit::Done })
    }

    /// The time.
    pub(crate) fn now(&self) -> promotion_core::time::Timestamp {
        self.world.now()
    }
}
