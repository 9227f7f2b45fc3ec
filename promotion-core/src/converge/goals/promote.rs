//! Promote: evidence for a digest lets it leave its stage.

use alloc::vec;
use alloc::vec::Vec;

use super::super::{Draft, Hold, Stop};
use super::{highest_release, known, mark_tag, verdict};
use crate::CommitPrefix;
use crate::artifact::Artifact;
use crate::evidence::{Evidence, EvidenceKind};
use crate::plan::{Outlook, Promote, Why};
use crate::reason::{Reason, Refusal};
use crate::scheme::Mark;
use crate::time::Timestamp;
use crate::version::{Base, Version};

/// Clocks of clusters and builders differ; evidence this far ahead of ours is still believed, in seconds.
const CLOCK_SKEW: i64 = 300;

/// The stage that a promotion leaves: as told, else by its evidence, else the only one there is. With several it is
/// never guessed: an event that is delivered twice would promote twice.
fn leaving(draft: &Draft<'_>, goal: &Promote) -> Result<u8, Stop> {
    let last = draft.view.policy().last();
    let told = goal.stage.as_ref().or_else(|| goal.evidence.iter().find_map(|evidence| evidence.stage.as_ref()));
    match told {
        None if last == 1 => Ok(0),
        None => Err(Reason::StageUntold { artifact: goal.artifact }.into()),
        Some(name) => {
            let stages = draft.view.policy().stages().iter().zip(0..last);
            let found = stages.into_iter().find(|(stage, _)| stage.name == *name).map(|(_, index)| index);
            found.ok_or_else(|| Reason::UnknownStage { stage: name.clone() }.into())
        }
    }
}

pub(super) fn promote(draft: &mut Draft<'_>, goal: &Promote, now: Timestamp) -> Result<(), Stop> {
    let artifact = known(draft, goal.artifact)?;
    let stage = leaving(draft, goal)?;
    let manual = goal.evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Manual);
    let mut because = Vec::new();
    if !artifact.handed_over() {
        because.push(Reason::NotHandedOver {
            artifact: artifact.digest,
            mark: mark_tag(draft, &artifact, Mark::Stage(0)),
        });
    } else if draft.view.birth_of(artifact.digest)?.is_none() {
        because.push(Reason::NoCandidate { artifact: artifact.digest });
    }
    if artifact.verdicts.rejected() && !manual {
        let mark = mark_tag(draft, &artifact, Mark::Rejected);
        because.push(Reason::ArtifactRejected { artifact: artifact.digest, mark });
    }
    because.extend(
        (1..=stage)
            .filter(|stage| !artifact.verdicts.has_evidence(*stage))
            .map(|missing| Reason::EarlierStageMissing { stage: draft.stage_name(missing - 1) }),
    );
    let bound = goal.evidence.iter().filter_map(|evidence| binds(draft, stage, &artifact, evidence));
    because.extend(bound);
    let validated = artifact.verdicts.has_evidence(stage + 1);
    if !validated && because.is_empty() {
        because.extend(missing_evidence(draft, stage, goal, now));
    }
    if !because.is_empty() {
        return Err(Refusal::because(Reason::NotPromotable { artifact: artifact.digest }, because).into());
    }
    if let Some(version) = goal.version {
        if stage + 1 < draft.view.policy().last() {
            return Err(Reason::VersionBeforeLastStage { version, stage: draft.stage_name(stage) }.into());
        }
        explicit_version(draft, &artifact, version)?;
    }
    if validated {
        return Ok(());
    }
    let to = draft.stage_name(stage + 1);
    verdict(draft, &artifact, Mark::Stage(stage + 1), Why::Evidence { stage: to })
}

/// What makes evidence that of another artifact, commit or stage.
fn binds(draft: &Draft<'_>, stage: u8, artifact: &Artifact, evidence: &Evidence) -> Option<Reason> {
    if let Some(found) = evidence.digest.filter(|digest| *digest != artifact.digest) {
        return Some(Reason::EvidenceOfAnotherDigest { expected: artifact.digest, found });
    }
    if let (Some(commit), Some(found)) = (&artifact.commit, &evidence.commit)
        && !commit.starts_with(found)
    {
        return Some(Reason::EvidenceOfAnotherCommit { expected: Some(commit.clone()), found: found.clone() });
    }
    let expected = draft.stage_name(stage);
    match &evidence.stage {
        Some(found) if *found != expected => Some(Reason::EvidenceOfAnotherStage { expected, found: found.clone() }),
        _ => unbound(artifact, evidence),
    }
}

/// Evidence that names no digest binds by its commit, if only one artifact has that commit.
fn unbound(artifact: &Artifact, evidence: &Evidence) -> Option<Reason> {
    if evidence.digest.is_some() {
        return None;
    }
    let Some(found): Option<CommitPrefix> = evidence.commit.clone() else {
        return Some(Reason::EvidenceUnbound { kind: evidence.kind });
    };
    if artifact.commit.is_none() {
        return Some(Reason::EvidenceOfAnotherCommit { expected: None, found });
    }
    artifact.commit_shared.then_some(Reason::EvidenceAmbiguous { commit: found })
}

/// Every kind the gate needs and does not get, or gets too old. A person's word stands for all of them.
fn missing_evidence(draft: &Draft<'_>, stage: u8, goal: &Promote, now: Timestamp) -> Vec<Reason> {
    if goal.evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Manual) {
        return Vec::new();
    }
    let Some(rules) = draft.view.policy().stages().get(usize::from(stage)) else { return Vec::new() };
    let needed: Vec<EvidenceKind> =
        if rules.gate.evidence.is_empty() { vec![EvidenceKind::Manual] } else { rules.gate.evidence.clone() };
    let judge = |kind: &EvidenceKind| {
        let mut weaknesses = goal.evidence.iter().filter(|evidence| evidence.kind == *kind).map(|evidence| {
            let fresh = rules.gate.fresh?;
            let Some(observed_at) = evidence.observed_at else { return Some(Reason::EvidenceUndated { kind: *kind }) };
            let age = now.as_unix().saturating_sub(observed_at.as_unix());
            if age < -CLOCK_SKEW {
                return Some(Reason::EvidenceFromTheFuture { kind: *kind, observed_at });
            }
            let stale = u64::try_from(age).is_ok_and(|age| age > fresh.as_secs());
            stale.then_some(Reason::EvidenceStale { kind: *kind, observed_at, fresh })
        });
        let missing = Reason::EvidenceMissing { stage: rules.name.clone(), kind: *kind };
        // The best of several observations of a kind counts.
        match weaknesses.next() {
            None => Some(missing),
            Some(first) => core::iter::once(first.clone()).chain(weaknesses).find(Option::is_none).unwrap_or(first),
        }
    };
    needed.iter().filter_map(judge).collect()
}

fn explicit_version(draft: &Draft<'_>, artifact: &Artifact, version: Base) -> Result<(), Stop> {
    let policy = draft.view.policy();
    if !policy.in_line(version) {
        let line = policy.spec().versions.line.clone().unwrap_or_default();
        return Err(Reason::VersionOutsideLine { version, line }.into());
    }
    let tag = policy.version_tag(&Version::release(version));
    match draft.view.digest(&tag)? {
        Some(by) if by != artifact.digest => return Err(Reason::VersionTaken { version, by }.into()),
        Some(_) => return Ok(()),
        None => {}
    }
    match highest_release(draft) {
        Some(highest) if highest >= version => Err(Reason::VersionNotAbove { version, highest }.into()),
        _ => Ok(()),
    }
}

/// How a promotion stands after the planned writes.
pub(super) fn promoted(draft: &Draft<'_>, goal: &Promote, held: &[Hold]) -> Result<Outlook, Stop> {
    let artifact = goal.artifact;
    let verdicts = draft.view.verdicts(artifact)?.ok_or(Reason::ArtifactNotFound { artifact })?;
    let stage = leaving(draft, goal)? + 1;
    if verdicts.rejected() {
        let mark = mark_tag(draft, &known(draft, artifact)?, Mark::Rejected);
        return Ok(Outlook::Held(Reason::ArtifactRejected { artifact, mark }));
    }
    if !verdicts.admitted(stage) {
        return Ok(Outlook::Held(Reason::NotValidated { artifact }));
    }
    let selected = draft.view.selected(stage)?.map(|(_, _, digest)| digest);
    let hold = held.iter().find(|hold| hold.stage == stage).map(|hold| hold.reason.clone());
    if selected == Some(artifact) {
        // Selected already, under another version than was asked for.
        return Ok(match hold.filter(|_| goal.version.is_some()) {
            Some(hold) => Outlook::Held(hold),
            None => Outlook::Reached,
        });
    }
    match draft.view.newest(|_, verdicts| verdicts.admitted(stage))? {
        // The artifact is admitted too, so whichever is the newest is younger.
        Some(newest) if selected == Some(newest.digest) => Ok(Outlook::Superseded { by: newest.digest }),
        _ => Ok(Outlook::Held(hold.unwrap_or(Reason::NothingToSelect { stage: draft.stage_name(stage) }))),
    }
}
