//! Who watches: which laws a write, a deletion or a state at rest breaks, by the oracle and Flux's own selection.

use promotion_core::audit::audit;
use promotion_core::executor::{Executor, drive_in_memory};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Action, Goal};
use promotion_core::policy::Policy;
use promotion_core::reason::Reason;
use promotion_core::retention::Deletion;
use promotion_core::scheme::{Kind, Mark};
use promotion_core::snapshot::{Needs, Snapshot};
use promotion_core::testing::oracle::Oracle;
use promotion_core::{Digest, Tag};

use crate::actor::NOW;
use crate::law::{Law, Laws};
use crate::memo::Memo;
use crate::state::{Memory, State};

#[derive(Debug)]
pub(crate) struct Witness {
    policy: Policy,
    writes: Memo<Laws>,
    rests: Memo<Laws>,
    rules: Memo<bool>,
}

impl Witness {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, writes: Memo::default(), rests: Memo::default(), rules: Memo::default() }
    }

    /// What one write broke.
    pub(crate) fn written(&self, before: &State, now: &State, action: &Action) -> Laws {
        let memory = &before.memory;
        let key = (before.tags, now.tags, &action.tag, action.digest, &memory.evidenced, &memory.by_hand);
        self.writes.of(key, || self.broken_by(&before.registry, &now.registry, memory, action))
    }

    fn broken_by(&self, before: &MemoryRegistry, now: &MemoryRegistry, memory: &Memory, action: &Action) -> Laws {
        let mut broken = Laws::default();
        let mut check = |law: Law, holds: bool| {
            if !holds {
                broken.insert(law);
            }
        };
        let tag = &action.tag;
        check(Law::FactsNeverMove, before.digest(tag).is_none_or(|was| was == action.digest));
        if let Kind::Version(version) = self.policy.classify(tag.as_str())
            && version.is_release()
            && before.digest(tag) != Some(action.digest)
        {
            let releases = before.tags().keys().filter_map(|tag| match self.policy.classify(tag.as_str()) {
                Kind::Version(other) if other.is_release() => Some(other),
                _ => None,
            });
            check(Law::ReleasesOnlyGoUp, releases.max().is_none_or(|highest| version > highest));
            let stripped = now.tags().iter().any(|(tag, digest)| match self.policy.classify(tag.as_str()) {
                Kind::Version(other) => other.base == version.base && !other.is_release() && *digest == action.digest,
                _ => false,
            });
            check(Law::ReleaseIsAStrippedCandidate, stripped);
        }
        broken.with(self.selections(before, now, memory, tag))
    }

    fn selections(&self, before: &MemoryRegistry, now: &MemoryRegistry, memory: &Memory, written: &Tag) -> Laws {
        let mut broken = Laws::default();
        let mut check = |law: Law, holds: bool| {
            if !holds {
                broken.insert(law);
            }
        };
        let (earlier, now) = (Oracle::read(before, &self.policy), Oracle::read(now, &self.policy));
        let last = self.policy.last();
        let by_a_version = matches!(self.policy.classify(written.as_str()), Kind::Version(_));
        for stage in 0..=last {
            let Some(selected) = now.selected(stage) else { continue };
            let by_hand = memory.by_hand.contains(&selected);
            if stage == last {
                let release = now.selected_tag(stage).is_some_and(|tag| !tag.as_str().contains('-'));
                check(Law::LiveNeverSelectsAPrerelease, release);
                check(Law::LiveImpliesEvidence, by_hand || memory.evidenced.contains(&selected));
            }
            let was = earlier.selected(stage);
            if was == Some(selected) {
                continue;
            }
            // A rejection itself may leave a stage with what is next, and that may be bad too.
            let chosen = by_a_version && !by_hand;
            check(Law::NothingRejectedIsNewlySelected, !chosen || !now.rejected(selected));
            check(Law::WhatIsNewlySelectedIsAdmitted, !chosen || now.admitted(selected, stage));
            // Older bytes than before, although nobody rejected what was there.
            let back = was.is_some_and(|was| {
                let excused = now.rejected(was) || memory.by_hand.contains(&was) || by_hand;
                now.birth(selected) < now.birth(was) && !excused
            });
            let law = if stage == 0 { Law::IntegrationNeverStepsBack } else { Law::LiveNeverStepsBack };
            check(law, !back);
        }
        broken
    }

    /// What one deletion broke.
    pub(crate) fn deleted(&self, before: &MemoryRegistry, now: &MemoryRegistry, deletion: &Deletion) -> Laws {
        let mut broken = Laws::default();
        let (earlier, later) = (Oracle::read(before, &self.policy), Oracle::read(now, &self.policy));
        let changed = (0..=self.policy.last()).any(|stage| {
            earlier.selected(stage) != later.selected(stage) || earlier.newest(stage) != later.newest(stage)
        });
        if changed {
            broken.insert(Law::RetentionChangesNoRule);
        }
        let rejection = matches!(self.policy.classify(deletion.tag.as_str()),
            Kind::Mark(mark) if mark.mark == Mark::Rejected);
        let selectable = now.tags().iter().any(|(tag, digest)| {
            *digest == deletion.digest && matches!(self.policy.classify(tag.as_str()), Kind::Version(_))
        });
        if rejection && selectable {
            broken.insert(Law::RejectionsOutliveWhatTheyReject);
        }
        broken
    }

    /// Whether both rules hold, or are held back.
    pub(crate) fn rules_hold(&self, state: &State) -> bool {
        self.rules.of(state.tags, || Oracle::read(&state.registry, &self.policy).broken_rules().is_empty())
    }

    /// What is wrong once everybody has stopped, now or after a repair.
    pub(crate) fn at_rest(&self, state: &State) -> Laws {
        let mut broken =
            self.rests.of((state.tags, &state.memory.finished), || self.rest(&state.registry, &state.memory));
        if !state.memory.unseen && !self.rules_hold(state) {
            broken.insert(Law::RulesHoldAtRest);
        }
        broken
    }

    fn rest(&self, registry: &MemoryRegistry, memory: &Memory) -> Laws {
        let mut broken = Laws::default();
        let oracle = Oracle::read(registry, &self.policy);
        let lost: Vec<Digest> =
            memory.finished.iter().copied().filter(|artifact| oracle.birth(*artifact).is_none()).collect();
        if !lost.is_empty() {
            broken.insert(Law::NoFinishedBuildIsLost);
        }
        let mut repaired = registry.clone();
        let repair = Executor::new(self.policy.clone(), Goal::Repair);
        let ended = drive_in_memory(&mut repaired, repair, NOW);
        let right = Oracle::read(&repaired, &self.policy).broken_rules().is_empty();
        if ended.is_err() || !right {
            broken.insert(Law::RepairMakesTheRulesTrue);
        }
        let orphans = self.orphans(&repaired);
        if !lost.iter().all(|artifact| orphans.contains(artifact)) {
            broken.insert(Law::WhatIsLostIsNamed);
        }
        broken
    }

    fn orphans(&self, registry: &MemoryRegistry) -> Vec<Digest> {
        let mut snapshot = Snapshot::new(&self.policy, &registry.listing().tags);
        let findings = loop {
            match audit(&snapshot, &self.policy) {
                Ok(findings) => break findings,
                Err(Needs(queries)) => queries.into_iter().for_each(|query| {
                    let reply = registry.reply(&query);
                    snapshot.learn(query, reply);
                }),
            }
        };
        let orphan = |reason: &Reason| match reason {
            Reason::Orphan { artifact, .. } => Some(*artifact),
            _ => None,
        };
        findings.iter().filter_map(|finding| orphan(&finding.reason)).collect()
    }
}
