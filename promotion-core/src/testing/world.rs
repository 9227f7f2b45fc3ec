//! A world of actors: builders, promoters, people. Each takes one step at a time, in any order, and may crash between
//! any two; the registry is as strong or weak as the mode says. Everything that must hold is checked after each write.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::world::{Intent, Mode, Op, World};
//!
//! let build = |commit| Op::Start(Intent::Build { commit, content: 0, again: false });
//! let mut world = World::new(Policy::default(), Mode::CompareAndSwap);
//! // Two builders race for one candidate; neither is lost.
//! world.run(&[build(0), build(1), Op::Step { actor: 0, steps: 5 }, Op::Step { actor: 1, steps: 9 }]);
//! world.settle();
//! let tags: Vec<_> = world.registry().tags().keys().map(|tag| tag.as_str()).collect();
//! assert!(tags.contains(&"0.1.0-rc.1") && tags.contains(&"0.1.0-rc.2"), "{tags:?}");
//! assert_eq!(world.violations(), []);
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::oracle::Oracle;
use crate::audit::audit;
use crate::evidence::{Evidence, EvidenceKind};
use crate::executor::{Executor, Outcome, OutcomeKind, Step};
use crate::memory::MemoryRegistry;
use crate::plan::{Action, Build, Goal, Promote};
use crate::policy::Policy;
use crate::ports::{Consistency, Expect, Listing};
use crate::reason::Severity;
use crate::scheme::Kind;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::version::{Base, Version};
use crate::{Digest, Tag};

/// How the registry keeps writers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// One actor at a time, from its first read to its end or crash.
    Locked,
    /// A write whose expectation fails is refused atomically; listings are complete.
    CompareAndSwap,
    /// Plain registers: an expectation is read, then written over, then read back; listings may be torn.
    Registers,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// An actor appears.
    Start(Intent),
    /// An actor goes on.
    Step {
        /// Which of those that are running.
        actor: u8,
        /// How far.
        steps: u8,
    },
    /// An actor is gone, between two of its steps.
    Crash {
        /// Which of those that are running.
        actor: u8,
    },
    /// Somebody makes a release by hand, above everything.
    ByHand {
        /// Of which artifact.
        artifact: u8,
    },
    /// Somebody writes a tag that is not ours.
    Stranger {
        /// Which of a few.
        which: u8,
    },
}

/// What an actor wants. Artifacts are picked among those that were pushed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields pick one of a few things")]
pub enum Intent {
    Build { commit: u8, content: u8, again: bool },
    Promote { artifact: u8, stage: u8, evidence: Given, version: Option<u8> },
    Reject { artifact: u8 },
    Reopen { artifact: u8 },
    Rollback { to: u8, only: bool },
    Repair,
}

/// What kind of evidence comes with a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given {
    /// Fresh, of this artifact.
    Right,
    /// Of another artifact.
    OfAnother,
    /// Too old.
    Stale,
    /// None.
    Nothing,
    /// A person's word.
    Manual,
}

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The law.
    pub law: &'static str,
    /// What happened.
    pub detail: String,
}

#[derive(Debug, Clone)]
struct Actor {
    executor: Executor,
    /// On plain registers a write is three requests.
    writing: Option<(Action, bool)>,
    /// The first half of a torn listing.
    torn: Option<Vec<Tag>>,
    started: bool,
}

/// The world. A value: clone it to explore.
#[derive(Debug, Clone)]
pub struct World {
    policy: Policy,
    mode: Mode,
    registry: MemoryRegistry,
    artifacts: Vec<Digest>,
    actors: Vec<Actor>,
    lock_held: bool,
    /// Who was ever shown to be good, by the stage it may enter; what was made by hand.
    evidenced: BTreeSet<(u8, Digest)>,
    by_hand: BTreeSet<Digest>,
    strangers: BTreeMap<Tag, Digest>,
    outcomes: Vec<Outcome>,
    crashed: bool,
    /// A verdict was withdrawn, an old artifact nominated again, or a version chosen by hand: a promotion in flight with one
    /// can pass a newer release that it has not seen, and nothing that is kept per tag can stop it.
    revised: bool,
    trace: Vec<String>,
    violations: Vec<Violation>,
}

const NOW: i64 = 1_800_000_000;
const STRANGERS: [&str; 4] = ["v9.0.0", "latest", "2024.01.02", "1.0"];

impl World {
    /// An empty registry, and nobody there.
    #[must_use]
    pub fn new(policy: Policy, mode: Mode) -> Self {
        let consistency = match mode {
            Mode::Registers => Consistency::Registers,
            Mode::Locked | Mode::CompareAndSwap => Consistency::CompareAndSwap,
        };
        Self {
            policy,
            mode,
            registry: MemoryRegistry::new(consistency),
            artifacts: Vec::new(),
            actors: Vec::new(),
            lock_held: false,
            evidenced: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            strangers: BTreeMap::new(),
            outcomes: Vec::new(),
            crashed: false,
            revised: false,
            trace: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The registry.
    #[must_use]
    pub const fn registry(&self) -> &MemoryRegistry {
        &self.registry
    }

    /// Everything that must never be and was.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What happened, as lines.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    /// What came of the actors that ended.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What was pushed.
    #[must_use]
    pub fn artifacts(&self) -> &[Digest] {
        &self.artifacts
    }

    /// Lets these things happen, in order.
    pub fn run(&mut self, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Start(intent) => self.start(intent),
                Op::Step { actor, steps } => {
                    let before = self.actors.len();
                    for _ in 0..*steps {
                        // When it has ended, the others are left alone.
                        if self.actors.len() == before
                            && let Some(index) = self.pick(*actor)
                        {
                            self.step(index);
                        }
                    }
                }
                Op::Crash { actor } => self.crash(*actor),
                Op::ByHand { artifact } => self.by_hand(*artifact),
                Op::Stranger { which } => self.stranger(*which),
            }
        }
    }

    /// Lets everybody finish, and after a crash somebody repair; then the rules must hold.
    pub fn settle(&mut self) {
        self.finish_all();
        self.at_rest(if self.crashed { None } else { Some("whoever_stops_last_leaves_it_right") });
        self.actors.push(self.actor(Goal::Repair));
        self.finish_all();
        self.at_rest(Some("repair_makes_the_rules_true"));
        self.audited();
    }

    /// The auditor, who reads everything, agrees with the oracle.
    fn audited(&mut self) {
        let mut snapshot = Snapshot::new(&self.policy, &self.registry.listing().tags);
        let findings = loop {
            match audit(&snapshot, &self.policy) {
                Ok(findings) => break findings,
                Err(needs) => {
                    for query in needs.0 {
                        let reply = self.registry.reply(&query);
                        snapshot.learn(query, reply);
                    }
                }
            }
        };
        // What was made by hand stays, and plain registers can lose what an overlapping writer overwrote.
        if self.mode == Mode::Registers || !self.by_hand.is_empty() {
            return;
        }
        for finding in findings.into_iter().filter(|finding| finding.severity == Severity::Error) {
            self.violate("audit_finds_nothing_after_repair", finding.reason.message());
        }
    }

    /// Whether no rule is broken now.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        Oracle::read(&self.registry, &self.policy).broken_rules()
    }

    fn at_rest(&mut self, law: Option<&'static str>) {
        // On plain registers overlapping actors may leave the rules broken; only a later repair mends them.
        let excused = self.mode == Mode::Registers && law != Some("repair_makes_the_rules_true");
        let Some(law) = law.filter(|_| !excused) else { return };
        for broken in self.broken_rules() {
            self.violate(law, broken);
        }
    }

    fn violate(&mut self, law: &'static str, detail: String) {
        self.violations.push(Violation { law, detail });
    }

    fn pick(&self, actor: u8) -> Option<usize> {
        usize::from(actor).checked_rem(self.actors.len())
    }

    fn artifact(&self, pick: u8) -> Option<Digest> {
        self.artifacts.get(usize::from(pick).checked_rem(self.artifacts.len())?).copied()
    }

    fn actor(&self, goal: Goal) -> Actor {
        let executor = Executor::new(self.policy.clone(), goal).with_consistency(self.registry.consistency());
        Actor { executor, writing: None, torn: None, started: false }
    }

    fn start(&mut self, intent: &Intent) {
        if let Some(goal) = self.goal(intent) {
            self.revised |= matches!(
                intent,
                Intent::Reopen { .. }
                    | Intent::Build { again: true, .. }
                    | Intent::Promote { evidence: Given::Manual, .. }
                    | Intent::Promote { version: Some(_), .. }
            );
            self.trace.push(format!("start {goal:?}"));
            let actor = self.actor(goal);
            self.actors.push(actor);
        }
    }

    fn goal(&mut self, intent: &Intent) -> Option<Goal> {
        Some(match intent {
            Intent::Build { commit, content, again } => {
                let artifact =
                    self.registry.push_artifact(&format!("{:02x}", commit % 4).repeat(20), &format!("{content}"));
                if !self.artifacts.contains(&artifact) {
                    self.artifacts.push(artifact);
                }
                Goal::Build(Build { again: *again, ..Build::of(artifact) })
            }
            Intent::Promote { artifact, stage, evidence, version } => {
                let artifact = self.artifact(*artifact)?;
                let stage = stage % self.policy.last();
                let evidence = self.evidence(artifact, stage, *evidence);
                let stage = self.policy.stages().get(usize::from(stage)).map(|stage| stage.name.clone());
                let version = version.map(|patch| Base::new(0, 1, u64::from(patch)));
                Goal::Promote(Promote { artifact, evidence, stage, version })
            }
            Intent::Reject { artifact } => Goal::Reject { artifact: self.artifact(*artifact)?, reason: "bad".into() },
            Intent::Reopen { artifact } => Goal::Reopen { artifact: self.artifact(*artifact)?, reason: "good".into() },
            Intent::Rollback { to, only } => Goal::Rollback { to: self.artifact(*to)?, only: *only },
            Intent::Repair => Goal::Repair,
        })
    }

    fn evidence(&mut self, artifact: Digest, stage: u8, given: Given) -> Vec<Evidence> {
        let right = Evidence {
            kind: EvidenceKind::Kustomization,
            digest: Some(artifact),
            commit: None,
            stage: None,
            observed_at: Some(Timestamp::from_unix(NOW - 60)),
            source: "event".into(),
        };
        match given {
            Given::Right | Given::Manual => {
                self.evidenced.insert((stage + 1, artifact));
                let kind = if given == Given::Manual { EvidenceKind::Manual } else { right.kind };
                vec![Evidence { kind, ..right }]
            }
            Given::OfAnother => vec![Evidence { digest: Some(Digest::of(b"another")), ..right }],
            Given::Stale => vec![Evidence { observed_at: Some(Timestamp::from_unix(NOW - 360_000)), ..right }],
            Given::Nothing => Vec::new(),
        }
    }

    fn crash(&mut self, actor: u8) {
        let Some(index) = self.pick(actor) else { return };
        let gone = self.actors.remove(index);
        self.lock_held &= !gone.started;
        self.crashed |= !gone.executor.writes().is_empty() || gone.writing.is_some();
        self.trace.push("crash".into());
    }

    fn by_hand(&mut self, artifact: u8) {
        let Some(digest) = self.artifact(artifact) else { return };
        let versions = self.registry.tags().keys().filter_map(|tag| match self.policy.classify(tag.as_str()) {
            Kind::Version(version) => Some(version.base),
            _ => None,
        });
        let Some(base) = versions.max().unwrap_or(Base::new(0, 1, 0)).next_patch() else { return };
        let tag = self.policy.version_tag(&Version::release(base));
        self.trace.push(format!("by hand {tag} {digest}"));
        self.by_hand.insert(digest);
        // The tag is above everything, so it is absent.
        let _ = self.registry.put(&tag, digest, Expect::Absent);
        // What held before is no longer anybody's promise until the next actor ends.
        self.crashed = true;
    }

    fn stranger(&mut self, which: u8) {
        let Some(digest) = self.artifact(which) else { return };
        let Ok(tag) = STRANGERS[usize::from(which) % STRANGERS.len()].parse::<Tag>() else { return };
        if self.registry.put(&tag, digest, Expect::Any).is_ok() {
            self.strangers.insert(tag, digest);
        }
    }

    fn finish_all(&mut self) {
        // In turn, so that they meet; each is bounded by its own rounds.
        for turn in 0..20_000_usize {
            let Some(index) = turn.checked_rem(self.actors.len()) else { return };
            self.step(index);
        }
        self.violate("actors_come_to_an_end", format!("{} actors still run", self.actors.len()));
        self.actors.clear();
        self.lock_held = false;
    }

    fn step(&mut self, index: usize) {
        if self.mode == Mode::Locked && !self.actors[index].started {
            if self.lock_held {
                return;
            }
            self.lock_held = true;
        }
        self.actors[index].started = true;
        let mut actor = self.actors.remove(index);
        if self.advance(&mut actor) {
            self.actors.insert(index, actor);
        } else if self.mode == Mode::Locked {
            self.lock_held = false;
        }
    }

    /// One request of an actor; `false` when it has ended.
    fn advance(&mut self, actor: &mut Actor) -> bool {
        if let Some((action, written)) = actor.writing.take() {
            self.register_write(actor, action, written);
            return true;
        }
        match actor.executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => {
                self.ended(*outcome);
                return false;
            }
            Step::Drifted(_) => return false,
            Step::List => self.list(actor),
            Step::Ask(queries) => {
                for query in queries {
                    let reply = self.registry.reply(&query);
                    actor.executor.learned(query, reply);
                }
            }
            Step::Write(action) if self.mode == Mode::Registers => {
                if self.registry.digest(&action.tag).is_some_and(|found| found != action.digest) {
                    actor.executor.conflicted();
                } else {
                    actor.writing = Some((action, false));
                }
            }
            Step::Write(action) => self.swap(actor, &action),
        }
        true
    }

    fn list(&self, actor: &mut Actor) {
        let tags = |range: &dyn Fn(&Tag) -> bool| -> Vec<Tag> {
            self.registry.tags().keys().filter(|tag| range(tag)).cloned().collect()
        };
        let first_page = |tag: &Tag| tag.as_str() < "i";
        // Pages in byte order read versions first; in the opposite order, evidence first. Either may be torn.
        if self.mode != Mode::Registers {
            actor.executor.listed(&self.registry.listing());
        } else if let Some(mut seen) = actor.torn.take() {
            seen.extend(tags(&|tag| first_page(tag)));
            actor.executor.listed(&Listing { tags: seen, not_tags: Vec::new() });
        } else {
            actor.torn = Some(tags(&|tag| !first_page(tag)));
        }
    }

    fn swap(&mut self, actor: &mut Actor, action: &Action) {
        let before = self.clone_for_check();
        match self.registry.put(&action.tag, action.digest, action.expect) {
            Ok(was) => {
                actor.executor.wrote(was);
                self.written(&before, action);
            }
            Err(_) => actor.executor.conflicted(),
        }
    }

    fn register_write(&mut self, actor: &mut Actor, action: Action, written: bool) {
        if !written {
            let before = self.clone_for_check();
            // Plain registers take every write.
            let _ = self.registry.put(&action.tag, action.digest, Expect::Any);
            self.written(&before, &action);
            actor.writing = Some((action, true));
        } else if self.registry.digest(&action.tag) == Some(action.digest) {
            actor.executor.wrote(None);
        } else {
            actor.executor.conflicted();
        }
    }

    fn clone_for_check(&self) -> MemoryRegistry {
        self.registry.clone()
    }

    /// What must hold after every single write.
    fn written(&mut self, before: &MemoryRegistry, action: &Action) {
        self.trace.push(format!("{} -> {} ({})", action.tag, action.digest, action.why));
        let mut found = Vec::new();
        let mut check = |law, holds: bool, detail: String| {
            if !holds {
                found.push(Violation { law, detail });
            }
        };
        let tag = &action.tag;
        let moved = before.digest(tag).is_some_and(|was| was != action.digest);
        check("facts_never_move", self.mode == Mode::Registers || !moved, format!("{tag} moved"));
        let bytes = |registry: &MemoryRegistry| registry.manifest(action.digest).map(|found| Digest::of(found.bytes()));
        let same = bytes(before) == Some(action.digest) && bytes(&self.registry) == Some(action.digest);
        check("bytes_are_identical", same && self.registry.digest(tag) == Some(action.digest), format!("{tag}"));
        for (tag, digest) in &self.strangers {
            check("foreign_tags_are_untouched", self.registry.digest(tag) == Some(*digest), format!("{tag}"));
        }
        if let Kind::Version(version) = self.policy.classify(tag.as_str()) {
            let others = before.tags().keys().filter_map(|tag| match self.policy.classify(tag.as_str()) {
                Kind::Version(other) if other.is_release() => Some(other),
                _ => None,
            });
            let highest = others.max();
            let up = !version.is_release() || highest.is_none_or(|highest| version > highest);
            check("releases_only_go_up", self.mode != Mode::Locked || up, format!("{tag} below {highest:?}"));
            let stripped = self.is_stripped(&version, action.digest);
            let law = "release_is_a_stripped_candidate_of_the_same_digest";
            check(law, self.mode == Mode::Registers || stripped, format!("{tag}"));
        }
        self.check_selections(before, tag, &mut check);
        self.violations.extend(found);
    }

    fn is_stripped(&self, version: &Version, digest: Digest) -> bool {
        let stage = version.stage(self.policy.last());
        stage == 0
            || self.registry.tags().iter().any(|(tag, found)| match self.policy.classify(tag.as_str()) {
                Kind::Version(other) => {
                    *found == digest
                        && other.base == version.base
                        && !other.is_release()
                        && other.stage(u8::MAX) == stage - 1
                }
                _ => false,
            })
    }

    fn check_selections(
        &self,
        before: &MemoryRegistry,
        written: &Tag,
        check: &mut impl FnMut(&'static str, bool, String),
    ) {
        let last = self.policy.last();
        let (earlier, now) = (Oracle::read(before, &self.policy), Oracle::read(&self.registry, &self.policy));
        for stage in 0..=last {
            let Some(selected) = now.selected(stage) else { continue };
            let tag = now.selected_tag(stage);
            if stage == last {
                let release = tag.as_ref().is_some_and(|tag| !tag.as_str().contains('-'));
                check("live_never_selects_a_prerelease", release, format!("{tag:?}"));
            }
            let shown = stage == 0 || self.evidenced.contains(&(stage, selected)) || self.by_hand.contains(&selected);
            check("live_implies_evidence_for_that_digest", shown, format!("stage {stage} selects {tag:?} {selected}"));
            let newly = earlier.selected(stage) != Some(selected);
            let by_hand = self.by_hand.contains(&selected);
            // A rejection itself may leave a stage with what is next, and that may be bad too.
            let written = matches!(self.policy.classify(written.as_str()), Kind::Version(_));
            let bad = newly && written && !by_hand && self.mode == Mode::Locked;
            let law = "nothing_rejected_is_newly_selected";
            check(law, !(bad && now.rejected(selected)), format!("stage {stage} selects {tag:?}"));
            let law = "what_is_newly_selected_is_admitted";
            check(law, !bad || now.admitted(selected, stage), format!("stage {stage} selects {tag:?}"));
            // Older bytes than before, although nobody rejected what was there.
            let Some(was) = earlier.selected(stage).filter(|was| *was != selected) else { continue };
            let excused = now.rejected(was) || self.by_hand.contains(&was) || self.by_hand.contains(&selected);
            let back = now.birth(selected) < now.birth(was) && !excused;
            let law = if stage == 0 { "integration_never_steps_back" } else { "live_never_steps_back" };
            let promised = match self.mode {
                Mode::Locked => true,
                Mode::CompareAndSwap => stage > 0 && !self.revised,
                Mode::Registers => false,
            };
            check(law, !promised || !back, format!("{tag:?} {selected} after {was}"));
        }
    }

    fn ended(&mut self, outcome: Outcome) {
        self.trace.push(format!("ended {:?} {:?}", outcome.kind, outcome.refusal.as_ref().map(|r| r.reason.id())));
        let kind = outcome.kind;
        if self.mode == Mode::Locked && matches!(kind, OutcomeKind::Done | OutcomeKind::AlreadyDone) {
            // Whoever reports success under the lock leaves the rules true.
            for broken in self.broken_rules() {
                self.violate("done_means_done", broken);
            }
        }
        let late = outcome.refusal.as_ref().is_some_and(|refusal| refusal.reason.id() == "did-not-converge");
        if late && self.mode != Mode::Registers {
            self.violate("actors_come_to_an_end", "did not converge".into());
        }
        self.outcomes.push(outcome);
    }
}
