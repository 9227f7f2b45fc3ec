//! What actors want, and what they bring along.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::{NOW, World};
use crate::Digest;
use crate::evidence::{Evidence, EvidenceKind};
use crate::plan::{Build, Goal, Promote};
use crate::time::Timestamp;
use crate::version::Base;

/// What an actor wants. Artifacts are picked among those that were pushed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields pick one of a few things")]
pub enum Intent {
    /// With this candidate number, or the next free one.
    Build {
        commit: u8,
        content: u8,
        number: Option<u8>,
        again: bool,
    },
    Promote {
        artifact: u8,
        stage: u8,
        evidence: Given,
        version: Option<u8>,
    },
    Reject {
        artifact: u8,
    },
    Reopen {
        artifact: u8,
    },
    Rollback {
        to: u8,
        only: bool,
    },
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

impl World {
    pub(super) fn start(&mut self, intent: &Intent) {
        if let Some(goal) = self.goal(intent) {
            self.revised |= matches!(
                intent,
                Intent::Reopen { .. } | Intent::Build { again: true, .. } | Intent::Promote { version: Some(_), .. }
            ) || by_a_person(&goal);
            self.tell(self.appeared, &self.told_of(intent, &goal));
            self.appears(goal);
        }
    }

    fn goal(&mut self, intent: &Intent) -> Option<Goal> {
        Some(match intent {
            Intent::Build { commit, content, number, again } => {
                let artifact =
                    self.registry.push_artifact(&format!("{:02x}", commit % 4).repeat(20), &format!("{content}"));
                if !self.artifacts.contains(&artifact) {
                    self.artifacts.push(artifact);
                }
                Goal::Build(Build { number: number.map(u64::from), again: *again, ..Build::of(artifact) })
            }
            Intent::Promote { artifact, stage, evidence, version } => {
                let artifact = self.artifact(*artifact)?;
                let stage = stage % self.policy.last();
                let evidence = self.evidence(artifact, stage, *evidence);
                let stage = self.policy.stages().get(usize::from(stage)).map(|stage| stage.name.clone());
                let initial = self.policy.initial();
                let version =
                    version.map(|patch| Base { patch: initial.patch.saturating_add(u64::from(patch)), ..initial });
                Goal::Promote(Promote { artifact, evidence, stage, version })
            }
            Intent::Reject { artifact } => Goal::Reject { artifact: self.artifact(*artifact)?, reason: "bad".into() },
            Intent::Reopen { artifact } => Goal::Reopen { artifact: self.artifact(*artifact)?, reason: "good".into() },
            Intent::Rollback { to, only } => Goal::Rollback { to: self.artifact(*to)?, only: *only },
            Intent::Repair => Goal::Repair,
        })
    }

    /// Evidence that the stage's gate asks for, or what is wrong with it.
    fn evidence(&mut self, artifact: Digest, stage: u8, given: Given) -> Vec<Evidence> {
        let gate = self.policy.stages().get(usize::from(stage)).map(|stage| stage.gate.clone()).unwrap_or_default();
        let fresh = gate.fresh.map(|fresh| i64::try_from(fresh.as_secs()).unwrap_or(i64::MAX));
        let right = Evidence {
            kind: EvidenceKind::Manual,
            digest: Some(artifact),
            commit: None,
            stage: None,
            observed_at: Some(before(fresh.map_or(60, |fresh| 60.min(fresh / 2)))),
            source: "event".into(),
        };
        let of_each_kind = |right: Evidence| -> Vec<Evidence> {
            gate.evidence.iter().map(|kind| Evidence { kind: *kind, ..right.clone() }).collect()
        };
        // A person's word has no age.
        let stale_is_enough =
            given == Given::Stale && (fresh.is_none() || gate.evidence.contains(&EvidenceKind::Manual));
        if matches!(given, Given::Right | Given::Manual) || stale_is_enough {
            self.evidenced.insert((stage + 1, artifact));
        }
        match given {
            // A gate that asks for nothing asks for a person.
            Given::Right if !gate.evidence.is_empty() => of_each_kind(right),
            Given::Right | Given::Manual => vec![right],
            Given::OfAnother => of_each_kind(Evidence { digest: Some(Digest::of(b"another")), ..right }),
            Given::Stale => {
                let stale = before(fresh.unwrap_or(0).saturating_add(360_000));
                of_each_kind(Evidence { observed_at: Some(stale), ..right })
            }
            Given::Nothing => Vec::new(),
        }
    }
}

fn before(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOW.as_unix().saturating_sub(seconds))
}

/// A person's word stands above a rejection.
fn by_a_person(goal: &Goal) -> bool {
    let Goal::Promote(promotion) = goal else { return false };
    promotion.evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Manual)
}
