//! The model: which steps there are in a state, and where each leads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use promotion_core::Digest;
use promotion_core::evidence::{Evidence, EvidenceKind};
use promotion_core::executor::{Executor, Outcome, OutcomeKind, drive_in_memory};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Build, Goal, Promote, Why};
use promotion_core::policy::Policy;
use promotion_core::ports::Expect;
use promotion_core::scheme::Kind;
use promotion_core::testing::oracle::Oracle;
use promotion_core::version::{Base, Version};
use stateright::{Model, Property};

use crate::actor::{Actor, Did, Looked, NOW, Place, Work, doomed};
use crate::law::{Event, Events, Law, Laws};
use crate::memo::{Memo, hash};
use crate::scenario::{Given, Role, Scenario};
use crate::setting::Setting;
use crate::state::{Memory, State};
use crate::witness::Witness;

/// A scenario in a setting.
#[derive(Debug)]
pub struct Promotion {
    pub(crate) scenario: &'static Scenario,
    pub(crate) setting: Setting,
    pub(crate) policy: Policy,
    /// What can be built, then what is only ever released by hand.
    pub(crate) artifacts: Vec<Digest>,
    registry: Arc<MemoryRegistry>,
    witness: Witness,
    steps: Memo<Stepped>,
    choices: Memo<Vec<Option<Digest>>>,
    /// Laws whose shortest counterexample has been found.
    found: AtomicU32,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Somebody appears, and takes their first step.
    Start(Role, Option<Digest>),
    /// An actor takes its next step.
    Step(usize),
    /// An actor is gone.
    Crash(usize),
}

/// What a step of an actor leads to: it depends on the actor and the tags alone.
#[derive(Debug, Clone)]
struct Stepped {
    actor: Actor,
    did: Did,
    outcome: Option<Outcome>,
    registry: Arc<MemoryRegistry>,
    tags: u64,
}

/// What an action led to.
pub(crate) struct Next {
    pub(crate) state: State,
    /// What the actor did, and how it ended if it did.
    pub(crate) did: Option<(Arc<Actor>, Did, Option<Outcome>)>,
}

impl Promotion {
    /// A scenario in a setting, under the default policy.
    #[must_use]
    pub fn new(scenario: &'static Scenario, setting: Setting) -> Self {
        let policy = Policy::default();
        let mut registry = setting.registry();
        let builds =
            scenario.cast.iter().filter(|(role, _)| *role == Role::Build).map(|(_, count)| usize::from(*count));
        let mut artifacts: Vec<Digest> = (0..scenario.given.len() + builds.sum::<usize>())
            .map(|build| {
                let commit = ["a", "b", "c", "d", "e"][if scenario.one_commit { 0 } else { build % 5 }].repeat(40);
                registry.push_artifact(&commit, &format!("build {build}"))
            })
            .collect();
        artifacts.push(registry.push_artifact(&"f".repeat(40), "made by hand"));
        for (given, artifact) in scenario.given.iter().zip(&artifacts) {
            given.happened(&policy, *artifact, &mut registry);
        }
        let witness = Witness::new(policy.clone());
        let registry = Arc::new(registry);
        let (steps, choices, found) = (Memo::default(), Memo::default(), AtomicU32::new(0));
        Self { scenario, setting, policy, artifacts, registry, witness, steps, choices, found }
    }

    /// Takes a step.
    pub(crate) fn next(&self, state: &State, action: &Action) -> Next {
        let mut state = State { broken: Laws::default(), events: Events::default(), ..state.clone() };
        let did = match action {
            Action::Start(role, artifact) => self.start(&mut state, *role, *artifact),
            Action::Step(index) => {
                let actor = state.actors.remove(*index);
                Some(self.step(&mut state, &actor, Some(*index)))
            }
            Action::Crash(index) => {
                let gone = state.actors.remove(*index);
                state.crashes -= 1;
                if gone.has_written() {
                    state.events.insert(Event::CrashedMidway);
                }
                None
            }
        };
        if state.actors.is_empty() {
            state.broken = state.broken.with(self.witness.at_rest(&state));
        }
        Next { state, did }
    }

    fn start(
        &self,
        state: &mut State,
        role: Role,
        artifact: Option<Digest>,
    ) -> Option<(Arc<Actor>, Did, Option<Outcome>)> {
        let name = self.appeared(state);
        if let Some(left) = self.scenario.cast.iter().position(|(of, _)| *of == role) {
            state.left[left] -= 1;
        }
        if role == Role::Build {
            state.memory.built += 1;
        }
        let work = match (self.goal(role, artifact), artifact) {
            (Some(goal), _) => {
                if let Goal::Promote(promotion) = &goal {
                    state.memory.evidenced.insert(promotion.artifact);
                }
                let executor = Executor::new(self.policy.clone(), goal).with_consistency(self.setting.consistency());
                Work::Goal(Box::new(executor), Place::Ready)
            }
            (None, Some(artifact)) => {
                self.release_by_hand(state, artifact);
                return None;
            }
            // What it deletes is planned when it appears; that is its first step.
            (None, None) => {
                let actor = Actor::new(name, role, None, Work::Retention(doomed(&self.policy, &state.registry)));
                let did = Did::Looked(Looked::AtEverything);
                if !actor.has_deleted_everything() {
                    state.actors.push(Arc::new(actor.clone()));
                }
                return Some((Arc::new(actor), did, None));
            }
        };
        Some(self.step(state, &Actor::new(name, role, artifact, work), None))
    }

    /// How many have appeared.
    fn appeared(&self, state: &State) -> u8 {
        let cast: u8 = self.scenario.cast.iter().map(|(_, count)| count).sum();
        cast - state.left.iter().sum::<u8>()
    }

    fn release_by_hand(&self, state: &mut State, artifact: Digest) {
        let versions = state.registry.tags().keys().filter_map(|tag| match self.policy.classify(tag.as_str()) {
            Kind::Version(version) => Some(version.base),
            _ => None,
        });
        let above = versions.max().unwrap_or(self.policy.initial()).next_patch();
        let Some(base) = above else { return };
        let tag = self.policy.version_tag(&Version::release(base));
        let before = state.clone();
        // It is above everything, so it is absent.
        let _ = Arc::make_mut(&mut state.registry).put(&tag, artifact, Expect::Absent);
        state.tags = hash(state.registry.tags());
        state.memory.by_hand.insert(artifact);
        self.wrote(state, &before);
    }

    /// One step of an actor that is not among the state's; it takes its place there unless it has ended.
    fn step(&self, state: &mut State, actor: &Actor, place: Option<usize>) -> (Arc<Actor>, Did, Option<Outcome>) {
        let before = state.clone();
        let name = actor.name;
        let Stepped { mut actor, did, outcome, registry, tags } = self.steps.of((actor.essence(), state.tags), || {
            let (mut actor, mut registry) = (actor.clone(), Arc::clone(&state.registry));
            let (did, outcome) = actor.step(self.setting, self.scenario.begin_at_once, &mut registry);
            let tags = hash(registry.tags());
            Stepped { actor, did, outcome, registry, tags }
        });
        actor.name = name;
        (state.registry, state.tags) = (registry, tags);
        match &did {
            Did::Wrote(action) => {
                state.broken = state.broken.with(self.witness.written(&before, state, action));
                self.wrote(state, &before);
                self.outdated(&mut actor);
                self.remember(state, &before, action);
            }
            Did::Deleted(deletion) => {
                state.broken = state.broken.with(self.witness.deleted(&before.registry, &state.registry, deletion));
                state.events.insert(Event::Deleted);
                state.memory.finished.remove(&deletion.digest);
                self.wrote(state, &before);
            }
            Did::Met(_) => state.events.insert(Event::Conflict),
            Did::Looked(Looked::AtTheSecondPage { torn: true }) => state.events.insert(Event::TornListing),
            Did::Began(_) => self.wrote(state, &before),
            Did::Looked(_) | Did::ReadBack(_) | Did::LeftAlone(_) => {}
        }
        if let Some(outcome) = &outcome {
            self.ended(state, &actor, outcome);
        }
        let actor = Arc::new(actor);
        if outcome.is_none() && !actor.has_deleted_everything() {
            let place = place.unwrap_or(state.actors.len());
            state.actors.insert(place, Arc::clone(&actor));
        }
        (actor, did, outcome)
    }

    /// Something is there that nobody has seen.
    fn wrote(&self, state: &mut State, before: &State) {
        if !self.scenario.has_unseen_writes() || before.tags == state.tags {
            return;
        }
        state.memory.unseen = true;
        state.actors.iter_mut().for_each(|actor| self.outdated(Arc::make_mut(actor)));
    }

    /// Whoever reads everything in one step is always up to date at the end.
    fn outdated(&self, actor: &mut Actor) {
        if self.scenario.has_unseen_writes() && matches!(self.setting, Setting::Registers(_)) && actor.up_to_date {
            actor.up_to_date = false;
            actor.settle();
        }
    }

    /// What happened, by what was written.
    fn remember(&self, state: &mut State, before: &State, action: &promotion_core::plan::Action) {
        let event = match &action.why {
            Why::Release { .. } => Some(Event::Released),
            Why::Rebase { .. } | Why::Lift => Some(Event::Lifted),
            Why::Rejection => {
                let live = Oracle::read(&before.registry, &self.policy).selected(self.policy.last());
                (live == Some(action.digest)).then_some(Event::RejectedLive)
            }
            Why::HandOver => {
                let forked = self.policy.classify(action.tag.as_str());
                matches!(forked, Kind::Mark(mark) if mark.key.fork.is_some()).then_some(Event::KeyForked)
            }
            Why::Commit | Why::Birth | Why::Evidence { .. } | Why::Reopening => None,
        };
        if let Some(event) = event {
            state.events.insert(event);
        }
        if before.registry.digest(&action.tag).is_some_and(|was| was != action.digest) {
            state.events.insert(Event::Overwrote);
        }
    }

    fn ended(&self, state: &mut State, actor: &Actor, outcome: &Outcome) {
        let refused = outcome.refusal.as_ref().map(|refusal| refusal.reason.id());
        if refused == Some("did-not-converge") {
            state.broken.insert(Law::ActorsConverge);
        }
        if matches!(outcome.kind, OutcomeKind::Done | OutcomeKind::AlreadyDone) {
            if !self.witness.rules_hold(state) {
                state.broken.insert(Law::DoneMeansDone);
            }
            if let (Role::Build, Some(artifact)) = (actor.role, actor.artifact) {
                state.memory.finished.insert(artifact);
            }
        }
        if outcome.kind == OutcomeKind::Superseded {
            state.events.insert(Event::Superseded);
        }
        if outcome.kind == OutcomeKind::Refused && !outcome.writes.is_empty() {
            state.events.insert(Event::RefusedLate);
        }
        if outcome.warnings.iter().any(|warning| warning.reason.id().starts_with("held-by")) {
            state.events.insert(Event::Held);
        }
        // Whoever is refused before writing sees to nothing; everybody else saw to the rules, of what they saw.
        let saw_to_it = outcome.kind != OutcomeKind::Refused || !outcome.writes.is_empty();
        if saw_to_it && actor.up_to_date {
            state.memory.unseen = false;
        }
    }

    fn goal(&self, role: Role, artifact: Option<Digest>) -> Option<Goal> {
        let reason = || "bad".to_owned();
        Some(match (role, artifact) {
            (Role::Build, Some(artifact)) => Goal::Build(Build::of(artifact)),
            (Role::Nominate, Some(artifact)) => Goal::Build(Build { again: true, ..Build::of(artifact) }),
            (Role::Promote, Some(artifact)) => Goal::Promote(promotion(artifact, None)),
            (Role::PromoteAs, Some(artifact)) => Goal::Promote(promotion(artifact, Some(Base::new(0, 2, 0)))),
            (Role::Reject, Some(artifact)) => Goal::Reject { artifact, reason: reason() },
            (Role::Reopen, Some(artifact)) => Goal::Reopen { artifact, reason: reason() },
            (Role::Rollback, Some(to)) => Goal::Rollback { to, only: false },
            (Role::Repair, _) => Goal::Repair,
            (Role::ByHand | Role::Retain, _) | (_, None) => return None,
        })
    }

    /// Which artifacts somebody may come for. Only those are left out for which they would be refused at once.
    fn choices(&self, state: &State, role: Role) -> Vec<Option<Digest>> {
        let built = self.artifacts.iter().copied().take(state.memory.built);
        let oracle = || Oracle::read(&state.registry, &self.policy);
        match role {
            Role::Build => vec![self.artifacts.get(state.memory.built).copied()],
            Role::Repair | Role::Retain => vec![None],
            Role::ByHand => built.chain(self.artifacts.last().copied()).map(Some).collect(),
            Role::Nominate | Role::Promote | Role::PromoteAs => {
                let oracle = oracle();
                built.filter(|artifact| oracle.birth(*artifact).is_some()).map(Some).collect()
            }
            Role::Reject => {
                let oracle = oracle();
                built.filter(|it| oracle.birth(*it).is_some() && !oracle.rejected(*it)).map(Some).collect()
            }
            Role::Reopen => {
                let oracle = oracle();
                built.filter(|artifact| oracle.rejected(*artifact)).map(Some).collect()
            }
            Role::Rollback => {
                let oracle = oracle();
                built.filter(|artifact| oracle.admitted(*artifact, self.policy.last())).map(Some).collect()
            }
        }
    }

    /// The first state that breaks a law ends the shortest story, so only the first is reported.
    fn holds(&self, state: &State, law: Law) -> bool {
        let bit = 1 << u8::from(law);
        !state.broken.contains(law) || self.found.fetch_or(bit, Ordering::Relaxed) & bit != 0
    }
}

impl Given {
    /// One actor after the other, each to its end.
    fn happened(self, policy: &Policy, artifact: Digest, registry: &mut MemoryRegistry) {
        let goals = [
            Goal::Build(Build::of(artifact)),
            Goal::Promote(promotion(artifact, None)),
            Goal::Reject { artifact, reason: "bad".to_owned() },
        ];
        for goal in goals.into_iter().take(self as usize + 1) {
            let executor = Executor::new(policy.clone(), goal);
            // Alone in a registry in memory, nobody is refused.
            let _ = drive_in_memory(registry, executor, NOW);
        }
    }
}

/// What a cluster's event brings along.
fn promotion(artifact: Digest, version: Option<Base>) -> Promote {
    let evidence = Evidence {
        kind: EvidenceKind::Kustomization,
        digest: Some(artifact),
        commit: None,
        stage: None,
        observed_at: Some(NOW),
        source: "event".into(),
    };
    Promote { artifact, evidence: vec![evidence], stage: None, version }
}

impl Model for Promotion {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let given = self.scenario.given.iter().zip(&self.artifacts);
        vec![State {
            registry: Arc::clone(&self.registry),
            tags: hash(self.registry.tags()),
            actors: Vec::new(),
            left: self.scenario.cast.iter().map(|(_, count)| *count).collect(),
            crashes: self.scenario.crashes,
            memory: Memory {
                built: self.scenario.given.len(),
                evidenced: given.filter(|(given, _)| **given != Given::Built).map(|(_, artifact)| *artifact).collect(),
                ..Memory::default()
            },
            broken: Laws::default(),
            events: Events::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend((0..state.actors.len()).map(Action::Step));
        if state.crashes > 0 {
            // Whoever has written nothing may as well never have come.
            let midway = (0..state.actors.len()).filter(|index| state.actors[*index].has_written());
            actions.extend(midway.map(Action::Crash));
        }
        // Whoever waits for the lock has read nothing yet.
        let locked = self.setting == Setting::Lock && !state.actors.is_empty();
        let mut seen = BTreeSet::new();
        for ((role, _), left) in self.scenario.cast.iter().zip(&state.left) {
            // A person with another tool knows of no lock.
            let waits = locked && *role != Role::ByHand;
            if *left > 0 && !waits && seen.insert(role) {
                let choices = self.choices.of((role, state.tags, state.memory.built), || self.choices(state, *role));
                actions.extend(choices.into_iter().map(|artifact| Action::Start(*role, artifact)));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.next(state, &action).state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let laws = Law::ALL.iter().zip(LAWS).map(|(law, condition)| Property::always(law.id(), condition));
        let events = Event::ALL.iter().zip(EVENTS).map(|(event, condition)| Property::sometimes(event.id(), condition));
        laws.chain(events).collect()
    }
}

type Condition = fn(&Promotion, &State) -> bool;

/// Conditions are plain functions, so there is one for each law and event.
macro_rules! conditions {
    ($all:expr, $check:expr, [$($index:literal)*]) => {
        [$(|model: &Promotion, state: &State| $all.get($index).is_none_or(|member| ($check)(model, state, *member)),)*]
    };
}

const LAWS: [Condition; 17] = conditions!(Law::ALL, Promotion::holds, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]);
const EVENTS: [Condition; 12] = conditions!(
    Event::ALL,
    |_: &Promotion, state: &State, event: Event| state.events.contains(event),
    [0 1 2 3 4 5 6 7 8 9 10 11]
);

const _: () = assert!(LAWS.len() == Law::ALL.len() && EVENTS.len() == Event::ALL.len());
