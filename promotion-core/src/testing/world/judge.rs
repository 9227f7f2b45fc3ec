//! What must hold after each write, when an actor ends, and at rest.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Mode, World};
use crate::audit::audit;
use crate::executor::{Outcome, OutcomeKind};
use crate::plan::Action;
use crate::reason::Severity;
use crate::scheme::Kind;
use crate::snapshot::Snapshot;
use crate::testing::laws::{Law, law};
use crate::testing::oracle::Oracle;
use crate::version::Version;
use crate::{Digest, Tag};

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The law.
    pub law: &'static str,
    /// What happened.
    pub detail: String,
}

type Broken = (&'static Law, String);
/// What a stage selects.
pub(super) type Selected = Option<(Tag, Digest)>;

fn selected_at(selected: &[Selected], stage: u8) -> Option<Digest> {
    selected.get(usize::from(stage))?.as_ref().map(|(_, digest)| *digest)
}

impl World {
    /// The auditor, who reads everything, agrees with the oracle.
    pub(super) fn audited(&mut self) {
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
        // What was made by hand stays.
        if !self.by_hand.is_empty() {
            return;
        }
        for finding in findings.into_iter().filter(|finding| finding.severity == Severity::Error) {
            self.violate(&law::AUDIT_FINDS_NOTHING_AFTER_REPAIR, finding.reason.message());
        }
    }

    /// Whether no rule is broken now.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        Oracle::read(&self.registry, &self.policy).broken_rules()
    }

    pub(super) fn at_rest(&mut self, law: &Law) {
        for broken in self.broken_rules() {
            self.violate(law, broken);
        }
    }

    /// Nobody is blamed for what the registry cannot promise.
    pub(super) fn violate(&mut self, law: &Law, detail: String) {
        if law.holds_in(self.mode) {
            self.violations.push(Violation { law: law.id, detail });
        }
    }

    /// What must hold after every single write.
    pub(super) fn written(&mut self, was: Option<Digest>, actor: usize, action: &Action) {
        let earlier = self.reselect();
        let line = format!("writes {} -> {}{}", action.tag, action.digest.short(), self.newly_selected(&earlier));
        self.tell(actor, &line);
        let mut broken = self.broken_by_a_write(was, action);
        broken.extend(self.broken_by_a_selection(&earlier, &action.tag));
        for (law, detail) in broken {
            self.violate(law, detail);
        }
    }

    /// What each stage selects now; returns what it selected before.
    pub(super) fn reselect(&mut self) -> Vec<Selected> {
        let oracle = Oracle::read(&self.registry, &self.policy);
        let select = |stage| {
            let tag = oracle.selected_tag(stage)?;
            let digest = self.registry.digest(&tag)?;
            Some((tag, digest))
        };
        let selected = (0..=self.policy.last()).map(select).collect();
        core::mem::replace(&mut self.selected, selected)
    }

    fn broken_by_a_write(&self, was: Option<Digest>, action: &Action) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut check = |law: &'static Law, holds: bool, detail: String| {
            if !holds {
                broken.push((law, detail));
            }
        };
        let tag = &action.tag;
        let moved = was.is_some_and(|was| was != action.digest);
        check(&law::FACTS_NEVER_MOVE, !moved, format!("{tag} moved"));
        let found = self.registry.digest(tag).and_then(|digest| self.registry.manifest(digest));
        let same = found.is_some_and(|found| Digest::of(found.bytes()) == action.digest);
        check(&law::BYTES_ARE_IDENTICAL, same, format!("{tag} has other bytes"));
        for (tag, digest) in &self.strangers {
            let untouched = self.registry.digest(tag) == Some(*digest);
            check(&law::FOREIGN_TAGS_ARE_UNTOUCHED, untouched, format!("{tag} is not ours and changed"));
        }
        if let Kind::Version(version) = self.policy.classify(tag.as_str()) {
            let others = self.registry.tags().keys().filter(|other| *other != tag);
            let releases = others.filter_map(|other| match self.policy.classify(other.as_str()) {
                Kind::Version(version) if version.is_release() => Some((version, other)),
                _ => None,
            });
            let highest = releases.max();
            let up = !version.is_release() || highest.is_none_or(|(highest, _)| version > highest);
            let below = highest.map(|(_, tag)| tag.as_str()).unwrap_or_default();
            check(&law::RELEASES_ONLY_GO_UP, up, format!("{tag} is below {below}"));
            let stripped = self.is_stripped(&version, action.digest);
            let law = &law::RELEASE_IS_A_STRIPPED_CANDIDATE_OF_THE_SAME_DIGEST;
            check(law, stripped, format!("{tag} is no candidate of {} without its label", action.digest.short()));
        }
        broken
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

    fn broken_by_a_selection(&self, earlier: &[Selected], written: &Tag) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut check = |law: &'static Law, holds: bool, detail: String| {
            if !holds {
                broken.push((law, detail));
            }
        };
        let now = Oracle::read(&self.registry, &self.policy);
        for ((stage, index), selected) in self.policy.stages().iter().zip(0..).zip(&self.selected) {
            let Some((tag, selected)) = selected else { continue };
            let (selected, was) = (*selected, selected_at(earlier, index));
            let selects = |which: &str| format!("{} selects {tag} ({}), {which}", stage.name, selected.short());
            if index == self.policy.last() {
                let release = !tag.as_str().contains('-');
                check(&law::LIVE_NEVER_SELECTS_A_PRERELEASE, release, selects("a pre-release"));
            }
            let by_hand = self.by_hand.contains(&selected);
            let shown = index == 0 || self.evidenced.contains(&(index, selected)) || by_hand;
            check(&law::LIVE_IMPLIES_EVIDENCE_FOR_THAT_DIGEST, shown, selects("which nobody validated"));
            let newly = was != Some(selected);
            // A rejection itself may leave a stage with what is next, and that may be bad too.
            let by_a_version = matches!(self.policy.classify(written.as_str()), Kind::Version(_));
            let chosen = newly && by_a_version && !by_hand;
            let good = !chosen || !now.rejected(selected);
            check(&law::NOTHING_REJECTED_IS_NEWLY_SELECTED, good, selects("which is rejected"));
            let admitted = !chosen || now.admitted(selected, index);
            check(&law::WHAT_IS_NEWLY_SELECTED_IS_ADMITTED, admitted, selects("which is not admitted to it"));
            // Older bytes than before, although nobody rejected what was there.
            let Some(was) = was.filter(|_| newly) else { continue };
            let excused = now.rejected(was) || self.by_hand.contains(&was) || by_hand;
            let back = now.birth(selected) < now.birth(was) && !excused;
            let detail = selects(&format!("which is older than {}", was.short()));
            if index == 0 {
                check(&law::INTEGRATION_NEVER_STEPS_BACK, !back, detail);
            } else if self.mode == Mode::Locked || !self.revised {
                check(&law::LIVE_NEVER_STEPS_BACK, !back, detail);
            }
        }
        broken
    }

    pub(super) fn ended(&mut self, actor: usize, outcome: Outcome) {
        self.tell_of_the_end(actor, &outcome);
        if matches!(outcome.kind, OutcomeKind::Done | OutcomeKind::AlreadyDone) {
            // Whoever reports success under the lock leaves the rules true.
            self.at_rest(&law::DONE_MEANS_DONE);
        }
        if outcome.refusal.as_ref().is_some_and(|refusal| refusal.reason.id() == "did-not-converge") {
            self.violate(&law::ACTORS_CONVERGE, "an actor did not converge".into());
        }
        self.outcomes.push(outcome);
    }
}
