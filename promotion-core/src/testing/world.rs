//! A world of actors: builders, promoters, people. Each takes one step at a time, in any order, and may crash between
//! any two; the registry is as strong or weak as the mode says. Everything that must hold is checked after each write.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::world::{Intent, Mode, Op, World};
//!
//! let build = |commit| Op::Start(Intent::Build { commit, content: 0, number: None, again: false });
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
use alloc::vec::Vec;

mod intent;
mod judge;
mod request;
mod story;

pub use self::intent::{Given, Intent};
pub use self::judge::Violation;
use super::laws::law;
use crate::executor::{Executor, Outcome};
use crate::memory::MemoryRegistry;
use crate::plan::{Action, Goal};
use crate::policy::Policy;
use crate::ports::{Consistency, Expect};
use crate::scheme::Kind;
use crate::time::Timestamp;
use crate::version::Version;
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

impl Mode {
    /// Every mode, the strongest first.
    pub const ALL: [Self; 3] = [Self::Locked, Self::CompareAndSwap, Self::Registers];

    /// Its name, which is stable.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Locked => "lock",
            Self::CompareAndSwap => "compare-and-swap",
            Self::Registers => "registers",
        }
    }

    /// As the end of a sentence.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Locked => "under a lock",
            Self::CompareAndSwap => "with compare-and-swap",
            Self::Registers => "on plain registers",
        }
    }
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

#[derive(Debug, Clone)]
struct Actor {
    /// Who it is in the story, in order of appearance.
    name: usize,
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
    appeared: usize,
    lock_held: bool,
    /// What each stage selects.
    selected: Vec<judge::Selected>,
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
    /// Whose read is the last line of the trace.
    reader: Option<usize>,
    violations: Vec<Violation>,
}

/// The time, which stands still.
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
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
            appeared: 0,
            lock_held: false,
            selected: Vec::new(),
            evidenced: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            strangers: BTreeMap::new(),
            outcomes: Vec::new(),
            crashed: false,
            revised: false,
            trace: Vec::new(),
            reader: None,
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

    /// What happened, as a story: a line for each step that matters.
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
        if !self.crashed {
            self.at_rest(&law::WHOEVER_STOPS_LAST_LEAVES_IT_RIGHT);
        }
        self.start(&Intent::Repair);
        self.finish_all();
        self.at_rest(&law::REPAIR_MAKES_THE_RULES_TRUE);
        self.audited();
    }

    fn pick(&self, actor: u8) -> Option<usize> {
        usize::from(actor).checked_rem(self.actors.len())
    }

    fn artifact(&self, pick: u8) -> Option<Digest> {
        self.artifacts.get(usize::from(pick).checked_rem(self.artifacts.len())?).copied()
    }

    fn appears(&mut self, goal: Goal) {
        let executor = Executor::new(self.policy.clone(), goal).with_consistency(self.registry.consistency());
        self.actors.push(Actor { name: self.appeared, executor, writing: None, torn: None, started: false });
        self.appeared += 1;
    }

    fn crash(&mut self, actor: u8) {
        let Some(index) = self.pick(actor) else { return };
        let gone = self.actors.remove(index);
        self.lock_held &= !gone.started;
        self.crashed |= !gone.executor.writes().is_empty() || gone.writing.is_some();
        self.tell(gone.name, "crashes");
    }

    fn by_hand(&mut self, artifact: u8) {
        let Some(digest) = self.artifact(artifact) else { return };
        let versions = self.registry.tags().keys().filter_map(|tag| match self.policy.classify(tag.as_str()) {
            Kind::Version(version) => Some(version.base),
            _ => None,
        });
        let above = versions.max().unwrap_or(self.policy.initial()).next_patch();
        // Outside the line it would be a stranger's.
        let Some(base) = above.filter(|base| self.policy.in_line(*base)) else { return };
        let tag = self.policy.version_tag(&Version::release(base));
        self.by_hand.insert(digest);
        // The tag is above everything, so it is absent.
        let _ = self.registry.put(&tag, digest, Expect::Absent);
        let earlier = self.reselect();
        let selects = self.newly_selected(&earlier);
        self.tell_of_somebody(&format!("releases {} by hand as {tag}{selects}", digest.short()));
        // What held before is no longer anybody's promise until the next actor ends.
        self.crashed = true;
    }

    fn stranger(&mut self, which: u8) {
        let Some(digest) = self.artifact(which) else { return };
        let Ok(tag) = STRANGERS[usize::from(which) % STRANGERS.len()].parse::<Tag>() else { return };
        if self.registry.put(&tag, digest, Expect::Any).is_ok() {
            self.tell_of_somebody(&format!("tags {} as {tag}", digest.short()));
            self.strangers.insert(tag, digest);
        }
    }

    fn finish_all(&mut self) {
        // In turn, so that they meet; each is bounded by its own rounds.
        for turn in 0..20_000_usize {
            let Some(index) = turn.checked_rem(self.actors.len()) else { return };
            self.step(index);
        }
        self.violate(&law::ACTORS_COME_TO_AN_END, format!("{} actors still run", self.actors.len()));
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
}
