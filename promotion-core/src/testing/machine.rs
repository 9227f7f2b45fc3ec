//! The whole system as a state machine: steps that somebody may take, what the [reference model](super::model) has come
//! to after each, and [`play`], which takes the same step at a registry and says what is not as the model has it.
//!
//! Any runner of state machines can hold an adapter to it; ours is `proptest-state-machine`, with [`State::start`] as
//! the first state, [`steps`] as what may follow, and [`State::allows`] and [`State::take`] for the rest.
//!
//! ```
//! use std::pin::pin;
//! use std::task::{Context, Poll, Waker};
//!
//! use promotion_core::memory::SharedRegistry;
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::machine::{State, Step, contents, play};
//! use promotion_core::plan::{Build, Goal};
//!
//! let registry = SharedRegistry::default();
//! let artifact = contents().into_iter().map(|content| registry.with(|inner| inner.push(content))).next().unwrap();
//! let step = Step::Pursue(Goal::Build(Build::of(artifact)));
//! let state = State::start(Policy::default()).take(&step);
//! let mut played = pin!(play(&registry, &step, &state));
//! // In memory nothing waits.
//! assert_eq!(played.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(vec![]));
//! ```

mod compare;
mod play;
mod steps;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::faulty::Fault;
use super::model::{Expected, Model};
use crate::manifest::{Manifest, OCI_MANIFEST};
use crate::memory::MemoryRegistry;
use crate::plan::{Build, Goal, Promote};
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::{Digest, Tag};

pub use self::play::play;
pub use self::steps::{policies, steps};

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody pursues a goal to its end.
    Pursue(Goal),
    /// Somebody is gone after this many of a goal's facts, and nobody goes on.
    Crash {
        /// The goal.
        goal: Goal,
        /// How many of its facts are written.
        facts: usize,
    },
    /// Somebody is gone after this many writes, facts or not, and somebody repairs.
    Mend {
        /// The goal.
        goal: Goal,
        /// How many tags are written at most.
        writes: usize,
    },
    /// A call fails, and whoever is stopped by that begins again.
    Retry {
        /// The goal.
        goal: Goal,
        /// What fails.
        fault: Fault,
    },
    /// Two artifacts are made the newest in turn, so many times: numbers grow beyond one digit.
    Busy(usize),
    /// Somebody releases an artifact by hand, above every version.
    ByHand(Digest),
    /// Somebody writes a tag that is not ours.
    Stranger {
        /// The tag.
        tag: Tag,
        /// What it points at.
        artifact: Digest,
    },
    /// The clock jumps by so many seconds.
    Jump(i64),
}

/// What the model has come to.
#[derive(Clone)]
pub struct State {
    policy: Policy,
    model: Model,
    now: Timestamp,
    /// Goals that somebody had before: events are delivered again, in any order.
    past: Vec<Goal>,
    expected: Option<Expected>,
}

/// A failing history begins with its first state: what matters of it is how tags are written.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({:?}, {:?})", self.policy.spec().versions, self.policy.spec().tags)
    }
}

impl State {
    /// A repository without tags, in which all of [`contents`] are there by digest.
    #[must_use]
    pub fn start(policy: Policy) -> Self {
        let mut model = Model::new(&policy);
        contents().iter().for_each(|manifest| model.push(manifest));
        Self { policy, model, now: Timestamp::from_unix(1_800_000_000), past: Vec::new(), expected: None }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// What the last step's goal comes to, where it had one that was pursued to its end.
    #[must_use]
    pub const fn expected(&self) -> Option<Expected> {
        self.expected
    }

    /// Whether the model can tell what comes of a step from here.
    #[must_use]
    pub fn allows(&self, step: &Step) -> bool {
        match step {
            Step::Crash { goal, facts } => *facts <= self.model.facts_left(goal, self.now),
            // Whether a version was written that was chosen by hand, only the registry knows.
            Step::Mend { goal, .. } => !matches!(goal, Goal::Promote(Promote { version: Some(_), .. })),
            _ => true,
        }
    }

    /// The state after a step.
    #[must_use]
    pub fn take(mut self, step: &Step) -> Self {
        self.expected = None;
        match step {
            Step::Pursue(goal) | Step::Retry { goal, .. } => {
                self.expected = Some(self.model.pursue(goal, self.now));
                self.past.push(goal.clone());
            }
            Step::Crash { goal, facts } => {
                self.model.begin(goal, self.now, *facts);
                self.past.push(goal.clone());
            }
            Step::Mend { goal, writes } => {
                self.model.begin(goal, self.now, *writes);
                self.expected = Some(self.model.pursue(&Goal::Repair, self.now));
            }
            Step::Busy(times) => {
                for goal in nominations(*times) {
                    self.expected = Some(self.model.pursue(&goal, self.now));
                }
            }
            Step::ByHand(artifact) => self.model.release_by_hand(*artifact),
            Step::Stranger { .. } => {}
            Step::Jump(seconds) => self.now = Timestamp::from_unix(self.now.as_unix().saturating_add(*seconds)),
        }
        self
    }
}

/// What is pursued in a busy time.
fn nominations(times: usize) -> impl Iterator<Item = Goal> {
    let artifacts: Vec<Digest> = contents().iter().skip(2).take(2).map(Manifest::digest).collect();
    let turns = artifacts.into_iter().cycle().take(times);
    turns.map(|artifact| Goal::Build(Build { again: true, ..Build::of(artifact) }))
}

/// The artifacts that there are: two of one commit, two of others, and one that names no commit.
#[must_use]
pub fn contents() -> Vec<Manifest> {
    let mut registry = MemoryRegistry::default();
    let artifacts = [("a1", "one"), ("a1", "two"), ("b2", "one"), ("c3", "one")];
    let named = |(commit, content): (&str, &str)| {
        let digest = registry.push_artifact(&commit.repeat(20), content);
        registry.manifest(digest).cloned()
    };
    let mut contents: Vec<Manifest> = artifacts.into_iter().filter_map(named).collect();
    let anonymous: String = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}"}}"#);
    contents.push(Manifest::new(OCI_MANIFEST, anonymous.into_bytes()));
    contents
}
