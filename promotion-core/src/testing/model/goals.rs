//! Goals as facts: when each is refused, and what it adds.

use alloc::vec;
use alloc::vec::Vec;

use super::{Artifact, Fact, Model, Verdict};
use crate::evidence::{Evidence, EvidenceKind};
use crate::plan::{Build, Goal, Promote};
use crate::time::Timestamp;
use crate::{Commit, Digest};

/// Clocks may differ by so many seconds before evidence is from the future.
const SKEW: i64 = 300;

impl Model {
    /// What a goal adds, in the order in which it is written; `None` when it is refused.
    pub(super) fn facts(&self, goal: &Goal, now: Timestamp) -> Option<Vec<Fact>> {
        let known = |digest: &Digest| self.artifacts.get(digest).map(|artifact| (*digest, artifact));
        let rejection = |(digest, artifact): (Digest, &Artifact)| {
            (!artifact.is_rejected()).then_some(Fact::Said(digest, Verdict::Rejected))
        };
        match goal {
            Goal::Repair => Some(Vec::new()),
            Goal::Build(build) => self.build(build),
            Goal::Promote(promote) => self.promote(promote, now),
            Goal::Reject { artifact, .. } => Some(rejection(known(artifact)?).into_iter().collect()),
            Goal::Reopen { artifact, .. } => match known(artifact)?.1 {
                it if it.is_rejected() => Some(vec![Fact::Said(*artifact, Verdict::Reopened)]),
                it => it.verdicts.contains(&Verdict::Reopened).then(Vec::new),
            },
            Goal::Rollback { to, only } => {
                let target = known(to)?.1;
                let victims = self.in_the_way(*to, *only).into_iter().filter_map(|victim| rejection(known(&victim)?));
                let facts: Vec<Fact> = victims.collect();
                let mut after = self.clone();
                facts.iter().for_each(|fact| after.learn(*fact));
                after.settle(None);
                (target.is_validated() && after.live() == Some(*to)).then_some(facts)
            }
            Goal::RejectAll { artifacts, .. } => {
                artifacts.iter().map(|victim| Some(rejection(known(victim)?))).collect::<Option<Vec<_>>>().map(flat)
            }
        }
    }

    fn build(&self, build: &Build) -> Option<Vec<Fact>> {
        let (digest, artifact) = (build.artifact, self.artifacts.get(&build.artifact)?);
        let newest = self.newest(|_| true) == Some(digest);
        let birth = artifact.births.is_empty() || (build.again && !newest);
        if birth && artifact.is_rejected() {
            return None;
        }
        let facts = [
            (!artifact.named && artifact.commit.is_some()).then_some(Fact::Named(digest)),
            (!artifact.handed_over).then_some(Fact::HandedOver(digest)),
            birth.then_some(Fact::Born(digest)),
        ];
        Some(flat(facts.into()))
    }

    fn promote(&self, goal: &Promote, now: Timestamp) -> Option<Vec<Fact>> {
        let (digest, artifact) = (goal.artifact, self.artifacts.get(&goal.artifact)?);
        let by_person = goal.evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Manual);
        let elsewhere = goal.stage.as_ref().is_some_and(|stage| *stage != self.stage);
        let in_integration = artifact.handed_over && !artifact.births.is_empty();
        let bound = goal.evidence.iter().all(|evidence| self.is_of(digest, evidence));
        let enough = artifact.is_validated() || by_person || self.suffices(&goal.evidence, now);
        let free = goal.version.is_none_or(|version| match self.chosen.get(&version) {
            Some(by) => *by == digest,
            None => self.chosen.keys().all(|taken| *taken < version),
        });
        let refused = elsewhere || !in_integration || !bound || !enough || !free;
        if refused || (artifact.is_rejected() && !by_person) {
            return None;
        }
        let news = (!artifact.is_validated()).then_some(Fact::Said(digest, Verdict::Validated));
        Some(news.into_iter().collect())
    }

    /// Whether evidence is of this artifact in integration. A commit alone tells only where nothing else was made of it.
    fn is_of(&self, digest: Digest, evidence: &Evidence) -> bool {
        let Some(artifact) = self.artifacts.get(&digest) else { return false };
        let names = |commit: &Commit| evidence.commit.as_ref().is_none_or(|prefix| commit.starts_with(prefix));
        let here = evidence.stage.as_ref().is_none_or(|stage| *stage == self.stage);
        let twin = |(other, it): (&Digest, &Artifact)| {
            *other != digest && it.commit.is_some() && it.commit == artifact.commit && it.has_marks()
        };
        here && match (evidence.digest, &artifact.commit) {
            (Some(of), commit) => of == digest && commit.as_ref().is_none_or(names),
            (None, Some(commit)) => evidence.commit.is_some() && names(commit) && !self.artifacts.iter().any(twin),
            (None, None) => false,
        }
    }

    /// Whether every kind that the gate asks for is there, young enough.
    fn suffices(&self, evidence: &[Evidence], now: Timestamp) -> bool {
        let young = |evidence: &Evidence| {
            let Some(fresh) = self.gate.fresh else { return true };
            evidence.observed_at.is_some_and(|at| {
                let age = now.as_unix().saturating_sub(at.as_unix());
                age >= -SKEW && u64::try_from(age).unwrap_or(0) <= fresh.as_secs()
            })
        };
        let shown = |kind: &EvidenceKind| evidence.iter().any(|it| it.kind == *kind && young(it));
        !self.gate.evidence.is_empty() && self.gate.evidence.iter().all(shown)
    }

    /// What a rollback rejects: everything good or open that is younger, and what live runs, unless that is older.
    fn in_the_way(&self, to: Digest, only: bool) -> Vec<Digest> {
        let younger = |digest: Digest| self.birth(digest) > self.birth(to);
        let open = self.artifacts.iter().filter(|(digest, artifact)| younger(**digest) && !artifact.is_rejected());
        let mut victims: Vec<Digest> = if only { Vec::new() } else { open.map(|(digest, _)| *digest).collect() };
        victims.sort_by_key(|digest| self.birth(*digest));
        let runs = self.live().filter(|live| *live != to && !victims.contains(live));
        victims.extend(runs.filter(|live| self.birth(*live).is_none() || younger(*live)));
        victims
    }
}

fn flat(facts: Vec<Option<Fact>>) -> Vec<Fact> {
    facts.into_iter().flatten().collect()
}
