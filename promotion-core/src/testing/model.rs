//! The reference model: what a pipeline of two stages must have come to, told without tags, versions and plans.
//!
//! It knows artifacts, in the order of their births, what was last said of each, and what the two stages run. It
//! predicts the outcome of every goal and what both stages select afterwards. It shares nothing with the planner, so
//! where the two disagree, one of them is wrong.
//!
//! ```
//! use promotion_core::executor::OutcomeKind;
//! use promotion_core::memory::MemoryRegistry;
//! use promotion_core::plan::{Build, Goal};
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::model::Model;
//! use promotion_core::time::Timestamp;
//!
//! let mut registry = MemoryRegistry::default();
//! let artifact = registry.push_artifact("6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "content");
//! let mut model = Model::new(&Policy::default());
//! model.push(registry.manifest(artifact).unwrap());
//!
//! let (goal, now) = (Goal::Build(Build::of(artifact)), Timestamp::from_unix(0));
//! assert_eq!(model.pursue(&goal, now).kind, OutcomeKind::Done);
//! assert_eq!(model.pursue(&goal, now).kind, OutcomeKind::AlreadyDone);
//! assert_eq!((model.integration(), model.live()), (Some(artifact), None));
//! ```
//!
//! It knows no ancestors, no numbers given to builds and one line only. A version chosen by hand must be one that no
//! build reaches by itself, as `2.0.0` is where builds raise the patch.

mod goals;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::executor::OutcomeKind;
use crate::manifest::Manifest;
use crate::plan::{Goal, Promote};
use crate::policy::{Gate, Policy};
use crate::time::Timestamp;
use crate::version::Base;
use crate::{Commit, Digest};

/// A pipeline, as it should be.
#[derive(Debug, Clone)]
pub struct Model {
    gate: Gate,
    stage: String,
    artifacts: BTreeMap<Digest, Artifact>,
    integration: Option<Digest>,
    live: Option<Live>,
    /// Versions that were chosen by hand, with what they released.
    chosen: BTreeMap<Base, Digest>,
    moment: u64,
}

/// What is known of an artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Its commit, if its manifest names one.
    pub commit: Option<Commit>,
    /// Whether a tag names its commit.
    pub named: bool,
    /// Whether it was handed over to integration.
    pub handed_over: bool,
    /// When it was made the newest, in moments that only compare.
    pub births: Vec<u64>,
    /// What was said of it, the last word last.
    pub verdicts: Vec<Verdict>,
}

/// What somebody said of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It passed.
    Validated,
    /// It failed.
    Rejected,
    /// It has not failed after all; whether it passes is open.
    Reopened,
}

/// What a goal comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// In one word.
    pub kind: OutcomeKind,
    /// Whether anything is written.
    pub writes: bool,
    /// What is ahead of it, if it is superseded.
    pub by: Option<Digest>,
}

/// One thing that becomes known: one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Named(Digest),
    HandedOver(Digest),
    Born(Digest),
    Said(Digest, Verdict),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Live {
    artifact: Digest,
    /// When it was released by hand, if it was.
    by_hand: Option<u64>,
}

/// What is left to say of a goal whose facts are known.
enum Stand {
    Reached,
    Superseded(Digest),
    Held,
}

impl Artifact {
    /// Whether it is bad.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.verdicts.last() == Some(&Verdict::Rejected)
    }

    /// Whether it is good.
    #[must_use]
    pub fn is_validated(&self) -> bool {
        self.verdicts.last() == Some(&Verdict::Validated)
    }

    fn has_marks(&self) -> bool {
        self.named || self.handed_over || !self.verdicts.is_empty()
    }
}

impl Model {
    /// An empty repository.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let first = policy.stages().first();
        Self {
            gate: first.map(|stage| stage.gate.clone()).unwrap_or_default(),
            stage: first.map(|stage| stage.name.clone()).unwrap_or_default(),
            artifacts: BTreeMap::new(),
            integration: None,
            live: None,
            chosen: BTreeMap::new(),
            moment: 0,
        }
    }

    /// An artifact's content is there by digest; nothing else is known of it.
    pub fn push(&mut self, manifest: &Manifest) {
        let commit = manifest.read().unwrap_or_default().revision.map(|revision| revision.commit);
        self.artifacts.entry(manifest.digest()).or_insert_with(|| Artifact { commit, ..Artifact::default() });
    }

    /// Every artifact.
    #[must_use]
    pub const fn artifacts(&self) -> &BTreeMap<Digest, Artifact> {
        &self.artifacts
    }

    /// What integration runs.
    #[must_use]
    pub const fn integration(&self) -> Option<Digest> {
        self.integration
    }

    /// What live runs.
    #[must_use]
    pub fn live(&self) -> Option<Digest> {
        self.live.map(|live| live.artifact)
    }

    /// Somebody releases an artifact by hand, above every version there is: both stages take it at once.
    pub fn release_by_hand(&mut self, artifact: Digest) {
        self.moment += 1;
        self.integration = Some(artifact);
        self.live = Some(Live { artifact, by_hand: Some(self.moment) });
    }

    /// Somebody pursues a goal to its end.
    pub fn pursue(&mut self, goal: &Goal, now: Timestamp) -> Expected {
        let Some(facts) = self.facts(goal, now) else {
            return Expected { kind: OutcomeKind::Refused, writes: false, by: None };
        };
        facts.iter().for_each(|fact| self.learn(*fact));
        let settled = self.settle(chosen(goal));
        let writes = !facts.is_empty() || settled;
        let (kind, by) = match self.stand(goal) {
            Stand::Reached if writes => (OutcomeKind::Done, None),
            Stand::Reached => (OutcomeKind::AlreadyDone, None),
            Stand::Superseded(by) => (OutcomeKind::Superseded, Some(by)),
            Stand::Held => (OutcomeKind::Refused, None),
        };
        Expected { kind, writes, by }
    }

    /// Somebody pursues a goal, and is gone after so many of its facts at most.
    pub fn begin(&mut self, goal: &Goal, now: Timestamp, facts: usize) {
        self.facts(goal, now).into_iter().flatten().take(facts).for_each(|fact| self.learn(fact));
    }

    /// How many facts a goal has to add now.
    #[must_use]
    pub fn facts_left(&self, goal: &Goal, now: Timestamp) -> usize {
        self.facts(goal, now).map_or(0, |facts| facts.len())
    }

    fn learn(&mut self, fact: Fact) {
        self.moment += 1;
        let (Fact::Named(of) | Fact::HandedOver(of) | Fact::Born(of) | Fact::Said(of, _)) = fact;
        let artifact = self.artifacts.entry(of).or_default();
        match fact {
            Fact::Named(_) => artifact.named = true,
            Fact::HandedOver(_) => artifact.handed_over = true,
            Fact::Said(_, verdict) => artifact.verdicts.push(verdict),
            Fact::Born(_) => {
                artifact.births.push(self.moment);
                // A birth is above everything.
                self.integration = Some(of);
            }
        }
    }

    /// Makes both rules true as far as they can be; says whether anything is written for it.
    fn settle(&mut self, chosen: Option<(Digest, Base)>) -> bool {
        let mut writes = false;
        if let Some(target) = self.newest(Artifact::is_validated) {
            let above = |version: Base| self.chosen.keys().all(|taken| *taken < version);
            let version = chosen.filter(|(of, version)| *of == target && above(*version)).map(|(_, version)| version);
            if (version.is_some() || self.live() != Some(target)) && !self.holds_back(target) {
                self.live = Some(Live { artifact: target, by_hand: None });
                self.chosen.extend(version.map(|version| (version, target)));
                writes = true;
            }
        }
        match self.newest(|artifact| !artifact.is_rejected()) {
            Some(newest) if self.integration != Some(newest) => {
                self.integration = Some(newest);
                true
            }
            _ => writes,
        }
    }

    /// Whether live keeps what it runs: nobody rejected it, and it is younger, or a person put it there since.
    fn holds_back(&self, target: Digest) -> bool {
        let Some(live) = self.live.filter(|live| live.artifact != target) else { return false };
        let runs = self.artifacts.get(&live.artifact);
        let rejected = runs.is_some_and(Artifact::is_rejected);
        !rejected && (self.birth(live.artifact) > self.birth(target) || live.by_hand > self.birth(target))
    }

    fn stand(&self, goal: &Goal) -> Stand {
        let reached = |reached| if reached { Stand::Reached } else { Stand::Held };
        match goal {
            Goal::Build(_) | Goal::Reopen { .. } | Goal::Repair => Stand::Reached,
            Goal::Reject { artifact, .. } => reached(self.live() != Some(*artifact)),
            Goal::Rollback { to, .. } | Goal::RejectAll { to, .. } => reached(self.live() == Some(*to)),
            Goal::Promote(Promote { artifact, version, .. }) => {
                let newest = self.newest(Artifact::is_validated);
                match self.live() {
                    // It runs, and not as the version that was asked for.
                    Some(live) if live == *artifact => reached(version.is_none() || newest == Some(live)),
                    Some(live) if newest == Some(live) => Stand::Superseded(live),
                    _ => Stand::Held,
                }
            }
        }
    }

    /// When the artifact was last made the newest.
    fn birth(&self, digest: Digest) -> Option<u64> {
        self.artifacts.get(&digest)?.births.last().copied()
    }

    fn newest(&self, wanted: impl Fn(&Artifact) -> bool) -> Option<Digest> {
        let born = self.artifacts.iter().filter(|(_, artifact)| !artifact.births.is_empty() && wanted(artifact));
        born.max_by_key(|(_, artifact)| artifact.births.last()).map(|(digest, _)| *digest)
    }
}

const fn chosen(goal: &Goal) -> Option<(Digest, Base)> {
    match goal {
        Goal::Promote(Promote { artifact, version: Some(version), .. }) => Some((*artifact, *version)),
        _ => None,
    }
}
