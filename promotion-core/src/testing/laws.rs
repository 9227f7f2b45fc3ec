//! The laws: what every history must keep, as values to look at and functions to call.
//!
//! A [`Law`] is a name, a sentence and the registries it holds in. [`Law::check`] searches random histories under *your*
//! policy for one that breaks it, and returns the shortest it can shrink that to, told as a story. [`Law::judge`] judges
//! one history: paste a counterexample into a test and it stays there.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::laws::{LAWS, Search};
//!
//! let policy = Policy::default();
//! for law in LAWS {
//!     law.check(&policy, &Search { cases: 5, seed: 1 }).unwrap();
//! }
//! ```
//!
//! A history that was found once, judged again:
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::laws::{Case, Law};
//! use promotion_core::testing::world::{Intent::*, Mode, Op::*};
//!
//! let case = Case {
//!     history: vec![Start(Build { commit: 0, content: 0, number: None, again: false }), Crash { actor: 0 }],
//!     choices: vec![],
//! };
//! let law = Law::named("repair_makes_the_rules_true").unwrap();
//! law.judge(&Policy::default(), Mode::Registers, &case).unwrap();
//! ```

mod counterexample;
pub(crate) mod law;
mod plans;
mod shorten;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

pub use self::counterexample::Counterexample;
pub use self::law::LAWS;
use super::strategies::{ops, ops_with_strangers, ops_without_crashes};
use super::world::{Mode, Op, World};
use crate::policy::Policy;

/// A promise about every history.
#[derive(Clone, Copy)]
pub struct Law {
    /// Its name, which is stable.
    pub id: &'static str,
    /// What it promises, as a sentence.
    pub promise: &'static str,
    /// The registries it holds in.
    pub modes: &'static [Mode],
    /// The histories it is about.
    pub histories: Histories,
    judge: Judge,
}

/// What may happen in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Histories {
    /// Builders, promoters and people, who may crash.
    Ordinary,
    /// Nobody crashes.
    WithoutCrashes,
    /// Also releases made by hand, and tags that are not ours.
    WithStrangers,
}

#[derive(Clone, Copy)]
enum Judge {
    /// By what the world saw, after each write and at rest.
    World,
    /// By the state that a history leaves.
    State(plans::JudgeState),
}

/// One thing to judge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Case {
    /// What happens.
    pub history: Vec<Op>,
    /// What a law about the state that this leaves chooses by: which artifact, which tags are known, which events come.
    pub choices: Vec<u8>,
}

/// How far to search. The same search tries the same cases on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Search {
    /// How many cases to try, each in every registry that the law holds in.
    pub cases: u32,
    /// Which ones.
    pub seed: u64,
}

impl Default for Search {
    fn default() -> Self {
        Self { cases: 100, seed: 1 }
    }
}

impl Law {
    /// The law of this name.
    #[must_use]
    pub fn named(id: &str) -> Option<&'static Self> {
        LAWS.iter().find(|law| law.id == id)
    }

    /// Whether it is promised of such a registry.
    #[must_use]
    pub fn holds_in(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }

    /// Judges one case.
    ///
    /// # Errors
    /// When the law is broken: how, and the story of it.
    pub fn judge(&self, policy: &Policy, mode: Mode, case: &Case) -> Result<(), Box<Counterexample>> {
        let mut world = World::new(policy.clone(), mode);
        world.run(&case.history);
        let broken: Vec<String> = match self.judge {
            Judge::World => {
                world.settle();
                let ours = world.violations().iter().filter(|violation| violation.law == self.id);
                ours.map(|violation| violation.detail.clone()).collect()
            }
            Judge::State(_) if !self.holds_in(mode) => Vec::new(),
            Judge::State(judge) => judge(&mut world, &case.choices).err().into_iter().collect(),
        };
        match broken.into_iter().next() {
            None => Ok(()),
            Some(broken) => Err(Box::new(Counterexample {
                law: *self,
                policy: policy.clone(),
                mode,
                case: case.clone(),
                story: world.trace().to_vec(),
                broken,
            })),
        }
    }

    /// Searches for a case that breaks the law, and shrinks it.
    ///
    /// # Errors
    /// When there is one.
    pub fn check(&self, policy: &Policy, search: &Search) -> Result<(), Box<Counterexample>> {
        let config = Config {
            cases: search.cases,
            rng_seed: RngSeed::Fixed(search.seed),
            failure_persistence: None,
            max_shrink_iters: SHRINKS,
            ..Config::default()
        };
        let judge = |case: &Case| self.modes.iter().try_for_each(|mode| self.judge(policy, *mode, case));
        let fails = |case: Case| judge(&case).map_err(|found| TestCaseError::fail(found.broken));
        match TestRunner::new(config).run(&self.cases(), fails) {
            Ok(()) => Ok(()),
            Err(TestError::Fail(_, case)) => {
                judge(&shorten::shorten(case, |case| judge(case).err().map(|found| found.story.len())))
            }
            // Nothing is ever discarded, so nothing can be discarded too often.
            Err(TestError::Abort(_)) => Ok(()),
        }
    }

    /// The cases that the law is about.
    pub fn cases(&self) -> BoxedStrategy<Case> {
        let history = self.histories.strategy(LENGTH);
        match self.judge {
            Judge::World => history.prop_map(|history| Case { history, choices: Vec::new() }).boxed(),
            Judge::State(_) => {
                (history, vec(any::<u8>(), 1..12)).prop_map(|(history, choices)| Case { history, choices }).boxed()
            }
        }
    }
}

/// Long enough for every actor to meet every other.
const LENGTH: usize = 40;
/// A counterexample is looked at by a person: worth some more tries.
const SHRINKS: u32 = 10_000;

impl Histories {
    /// Such histories, at most `len` operations long.
    pub fn strategy(self, len: usize) -> BoxedStrategy<Vec<Op>> {
        match self {
            Self::Ordinary => ops(len).boxed(),
            Self::WithoutCrashes => ops_without_crashes(len).boxed(),
            Self::WithStrangers => ops_with_strangers(len).boxed(),
        }
    }
}

impl fmt::Debug for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Law {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Law {}
