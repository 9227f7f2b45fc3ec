//! Goals as facts: what each adds, when it is refused, and how it stands in the end.

use alloc::borrow::ToOwned;
use alloc::vec;
use alloc::vec::Vec;

use super::rules::{cannot_select, next_number};
use super::{Draft, Hold, Request, Stop, rules};
use crate::artifact::{Artifact, Newest};
use crate::evidence::{Evidence, EvidenceKind};
use crate::manifest::ManifestFacts;
use crate::plan::{Build, Goal, Outlook, Promote, Why};
use crate::reason::{Finding, Reason, Refusal};
use crate::scheme::{Key, Mark, MarkTag};
use crate::snapshot::{Ancestry, Needs};
use crate::time::Timestamp;
use crate::version::{Base, Number, Version};
use crate::{Commit, CommitPrefix, Digest, Tag};

/// Clocks of clusters and builders differ; evidence this far ahead of ours is still believed, in seconds.
const CLOCK_SKEW: i64 = 300;

/// Plans the goal's facts. The outlook is `Some` where the rules cannot change it.
pub(super) fn state(draft: &mut Draft<'_>, request: &Request<'_>) -> Result<Option<Outlook>, Stop> {
    match request.goal {
        Goal::Build(goal) => build(draft, goal),
        Goal::Promote(goal) if !request.stated => promote(draft, goal, request.now).map(|()| None),
        Goal::Reject { artifact, .. } if !request.stated => reject(draft, *artifact).map(|()| None),
        Goal::Reopen { artifact, .. } if !request.stated => reopen(draft, *artifact).map(|()| None),
        Goal::Rollback { to, only } if !request.stated => rollback(draft, *to, *only).map(|()| None),
        Goal::RejectAll { artifacts, .. } if !request.stated => {
            artifacts.iter().try_for_each(|artifact| reject(draft, *artifact)).map(|()| None)
        }
        Goal::Repair => Ok(draft.view.require_everything().map(|()| None)?),
        Goal::Promote(_)
        | Goal::Reject { .. }
        | Goal::Reopen { .. }
        | Goal::Rollback { .. }
        | Goal::RejectAll { .. } => Ok(None),
    }
}

/// How the goal stands after the planned writes.
pub(super) fn outlook(draft: &Draft<'_>, request: &Request<'_>, held: &[Hold]) -> Result<Outlook, Stop> {
    let last = draft.view.policy().last();
    match request.goal {
        Goal::Promote(goal) => promoted(draft, goal, held),
        Goal::Reject { artifact, .. } => {
            let selects =
                |hold: &&Hold| matches!(&hold.reason, Reason::SelectsRejected { artifact: of, .. } if of == artifact);
            let held = held.iter().filter(|hold| hold.stage > 0).find(selects);
            Ok(held.map_or(Outlook::Reached, |hold| Outlook::Held(hold.reason.clone())))
        }
        Goal::Rollback { to, .. } | Goal::RejectAll { to, .. } => {
            let instead = draft.view.selected(last)?.map(|(_, _, digest)| digest);
            if instead == Some(*to) {
                return Ok(Outlook::Reached);
            }
            let hold = held.iter().find(|hold| hold.stage == last).map(|hold| hold.reason.clone());
            Ok(Outlook::Held(hold.unwrap_or(Reason::RollbackElsewhere { wanted: *to, instead })))
        }
        Goal::Build(_) | Goal::Reopen { .. } | Goal::Repair => Ok(Outlook::Reached),
    }
}

fn promoted(draft: &Draft<'_>, goal: &Promote, held: &[Hold]) -> Result<Outlook, Stop> {
    let artifact = known(draft, goal.artifact)?;
    let stage = leaving(draft, goal)? + 1;
    if artifact.rejected() {
        let mark = mark_tag(draft, &artifact, Mark::Rejected);
        return Ok(Outlook::Held(Reason::ArtifactRejected { artifact: artifact.digest, mark }));
    }
    let selected = draft.view.selected(stage)?.map(|(_, _, digest)| digest);
    if selected == Some(artifact.digest) {
        return Ok(Outlook::Reached);
    }
    match draft.view.newest(|other| other.admitted(stage))? {
        Some(newest) if newest.artifact.digest != artifact.digest => {
            Ok(Outlook::Superseded { by: newest.artifact.digest })
        }
        _ => {
            let name = draft.stage_name(stage);
            let hold = held.iter().find(|hold| hold.stage == stage).map(|hold| hold.reason.clone());
            Ok(Outlook::Held(hold.unwrap_or(Reason::NothingToSelect { stage: name })))
        }
    }
}

fn known(draft: &Draft<'_>, digest: Digest) -> Result<Artifact, Stop> {
    let artifact = draft.view.artifact(digest)?;
    artifact.ok_or_else(|| Reason::ArtifactNotFound { artifact: digest }.into())
}

/// The mark that exists, or how it would be written.
fn mark_tag(draft: &Draft<'_>, artifact: &Artifact, mark: Mark) -> Tag {
    match artifact.mark(mark) {
        Some(found) => draft.view.policy().mark_tag(found),
        None => artifact.mark_tag(draft.view.policy(), mark, 1),
    }
}

fn verdict(draft: &mut Draft<'_>, artifact: &Artifact, mark: Mark, why: Why) {
    let tag = artifact.mark_tag(draft.view.policy(), mark, artifact.next_ordinal(mark));
    draft.fact(tag, artifact.digest, why);
}

// Build.

fn build(draft: &mut Draft<'_>, goal: &Build) -> Result<Option<Outlook>, Stop> {
    let artifact = known(draft, goal.artifact)?;
    let manifest = draft.view.manifest(goal.artifact)?.cloned().unwrap_or_default();
    let commit = commit_of(goal, &manifest)?;
    let newest = draft.view.newest(|_| true)?;
    let is_newest = newest.as_ref().is_some_and(|newest| newest.artifact.digest == goal.artifact);
    let born = is_newest || (artifact.handed_over() && draft.view.birth_of(goal.artifact)?.is_some());
    if artifact.rejected() {
        let mark = mark_tag(draft, &artifact, Mark::Rejected);
        draft.findings.push(Finding::warning(Reason::RejectedContentAgain { artifact: artifact.digest, mark }));
    }
    if let Some(newest) = newest.as_ref().filter(|_| !is_newest) {
        one_artifact(draft, newest, &manifest)?;
    }
    commit_tag(draft, &artifact, commit.as_ref())?;
    let birth_wanted = !born || (goal.again && !is_newest);
    if birth_wanted
        && let Some(newest) = &newest
        && let Some(superseded) = overtaken(draft, goal, commit.as_ref(), newest)?
    {
        return Ok(Some(superseded));
    }
    let birth = if birth_wanted { Some(next_birth(draft, goal)?) } else { None };
    if !artifact.handed_over() {
        let mark = artifact.mark_tag(draft.view.policy(), Mark::Stage(0), 1);
        draft.fact(mark, artifact.digest, Why::HandOver);
    }
    if let Some(birth) = birth {
        draft.fact(draft.view.policy().version_tag(&birth), artifact.digest, Why::Birth);
    }
    Ok(Some(Outlook::Reached))
}

fn commit_of(goal: &Build, manifest: &ManifestFacts) -> Result<Option<Commit>, Refusal> {
    let given = goal.revision.as_ref().map(|revision| revision.commit.clone());
    let named = manifest.revision.as_ref().map(|revision| revision.commit.clone());
    match (named, given) {
        (Some(manifest), Some(given)) if manifest != given => Err(Reason::CommitMismatch { manifest, given }.into()),
        (named, given) => Ok(named.or(given)),
    }
}

/// One repository, one artifact: builds of something else must not become the newest here.
fn one_artifact(draft: &Draft<'_>, newest: &Newest, manifest: &ManifestFacts) -> Result<(), Stop> {
    let Some(theirs) = draft.view.manifest(newest.artifact.digest)? else { return Ok(()) };
    let annotations = [
        (crate::manifest::SOURCE, &theirs.source, &manifest.source),
        (crate::manifest::TITLE, &theirs.title, &manifest.title),
    ];
    for (annotation, theirs, ours) in annotations {
        if let (Some(newest), Some(found)) = (theirs, ours)
            && newest != found
        {
            let (annotation, newest, found) = (annotation.to_owned(), newest.clone(), found.clone());
            return Err(Reason::ManyArtifacts { annotation, newest, found }.into());
        }
    }
    Ok(())
}

/// The commit tag, and a warning where another artifact of the same commit holds it.
fn commit_tag(draft: &mut Draft<'_>, artifact: &Artifact, commit: Option<&Commit>) -> Result<(), Stop> {
    let Some(commit) = commit else { return Ok(()) };
    if artifact.mark(Mark::Commit).is_some() {
        return Ok(());
    }
    let hex = commit.prefix(draft.view.policy().short()).to_owned();
    let mark = |fork| MarkTag { mark: Mark::Commit, key: Key { hex: hex.clone(), fork }, ordinal: 1 };
    let plain = draft.view.policy().mark_tag(&mark(None));
    let held_by = match artifact.key_held_by {
        Some(other) => Some(other),
        None => draft.view.digest(&plain)?.filter(|holder| *holder != artifact.digest),
    };
    let tag = match held_by {
        None => plain,
        Some(other) => {
            draft.findings.push(Finding::warning(Reason::SameCommitOtherContent { commit: hex.clone(), other }));
            draft.view.policy().mark_tag(&mark(Some(artifact.digest.short())))
        }
    };
    if draft.view.digest(&tag)?.is_none() {
        draft.fact(tag, artifact.digest, Why::Commit);
    }
    Ok(())
}

/// A known ancestor of the newest commit is an overtaken slow build: it gets no birth.
fn overtaken(
    draft: &mut Draft<'_>,
    goal: &Build,
    commit: Option<&Commit>,
    newest: &Newest,
) -> Result<Option<Outlook>, Stop> {
    let (Some(ours), Some(theirs)) = (commit, &newest.artifact.commit) else { return Ok(None) };
    if !goal.ancestry || goal.again || ours == theirs {
        return Ok(None);
    }
    match draft.view.snapshot().ancestry(ours, theirs)? {
        Ancestry::Ancestor => Ok(Some(Outlook::Superseded { by: newest.artifact.digest })),
        Ancestry::Unrelated => Ok(None),
        Ancestry::Unknown => {
            let reason = Reason::AncestryUnknown { commit: ours.clone(), newest: theirs.clone() };
            draft.findings.push(Finding::warning(reason));
            Ok(None)
        }
    }
}

/// Above everything that a pre-release constraint sees: the higher of the bumped highest release and the highest
/// candidate's base, with the next number of that base.
fn next_birth(draft: &Draft<'_>, goal: &Build) -> Result<Version, Stop> {
    let policy = draft.view.policy();
    let candidate = draft.view.versions().find(|(version, _)| !version.is_release()).map(|(version, _)| version.base);
    let bumped = highest_release(draft).map(|highest| {
        let next = highest.bump(goal.bump.unwrap_or_else(|| policy.bump()));
        next.ok_or(Reason::VersionsExhausted { above: highest })
    });
    let base = bumped.transpose()?.max(candidate).unwrap_or_else(|| policy.initial());
    if !policy.in_line(base) {
        let line = policy.spec().versions.line.clone().unwrap_or_default();
        return Err(Reason::VersionOutsideLine { version: base, line }.into());
    }
    let next = next_number(&draft.view, base, 0, false)?;
    let number = match goal.number {
        Some(number) if number < next => {
            return Err(Reason::BuildNumberNotAbove { base, number, highest: next - 1 }.into());
        }
        Some(number) => number,
        None => next,
    };
    let birth = Version::candidate(base, 0, Number::Nth(number));
    if policy.sees(0, &birth, policy.version_tag(&birth).as_str()) {
        Ok(birth)
    } else {
        Err(cannot_select(draft, 0, &birth).into())
    }
}

fn highest_release(draft: &Draft<'_>) -> Option<Base> {
    draft.view.versions().find(|(version, _)| version.is_release()).map(|(version, _)| version.base)
}

// Promote.

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

fn promote(draft: &mut Draft<'_>, goal: &Promote, now: Timestamp) -> Result<(), Stop> {
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
    if artifact.rejected() && !manual {
        let mark = mark_tag(draft, &artifact, Mark::Rejected);
        because.push(Reason::ArtifactRejected { artifact: artifact.digest, mark });
    }
    because.extend(
        (1..=stage)
            .filter(|stage| !artifact.has_evidence(*stage))
            .map(|missing| Reason::EarlierStageMissing { stage: draft.stage_name(missing - 1) }),
    );
    let bound = goal.evidence.iter().filter_map(|evidence| binds(draft, stage, &artifact, evidence));
    because.extend(bound);
    let validated = artifact.has_evidence(stage + 1);
    if !validated && because.is_empty() {
        because.extend(missing_evidence(draft, stage, goal, now));
    }
    if !because.is_empty() {
        return Err(Refusal::because(Reason::NotPromotable { artifact: artifact.digest }, because).into());
    }
    if let Some(version) = goal.version {
        explicit_version(draft, &artifact, version)?;
    }
    if !validated {
        let to = draft.stage_name(stage + 1);
        verdict(draft, &artifact, Mark::Stage(stage + 1), Why::Evidence { stage: to });
    }
    Ok(())
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
    let found: CommitPrefix = evidence.commit.clone()?;
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

// Verdicts.

fn reject(draft: &mut Draft<'_>, digest: Digest) -> Result<(), Stop> {
    let artifact = known(draft, digest)?;
    if !artifact.rejected() {
        verdict(draft, &artifact, Mark::Rejected, Why::Rejection);
    }
    Ok(())
}

fn reopen(draft: &mut Draft<'_>, digest: Digest) -> Result<(), Stop> {
    let artifact = known(draft, digest)?;
    if artifact.rejected() {
        verdict(draft, &artifact, Mark::Reopened, Why::Reopening);
        return Ok(());
    }
    match artifact.mark(Mark::Reopened) {
        Some(_) => Ok(()),
        None => Err(Reason::NotRejected { artifact: digest }.into()),
    }
}

fn rollback(draft: &mut Draft<'_>, to: Digest, only: bool) -> Result<(), Stop> {
    let last = draft.view.policy().last();
    let target = known(draft, to)?;
    if target.rejected() {
        let mark = mark_tag(draft, &target, Mark::Rejected);
        return Err(Reason::ArtifactRejected { artifact: to, mark }.into());
    }
    if !target.admitted(last) {
        return Err(Reason::NotValidated { artifact: to }.into());
    }
    let victims = victims(draft, to, only)?;
    // What the last stage would select then, found by planning it on a copy.
    let mut trial =
        Draft { findings: Vec::new(), actions: Vec::new(), goal: draft.goal.clone(), view: draft.view.clone() };
    victims.iter().try_for_each(|victim| reject(&mut trial, *victim))?;
    let held = rules::rules(&mut trial, None)?;
    let instead = trial.view.selected(last)?.map(|(_, _, digest)| digest);
    if instead != Some(to) {
        let because = held.into_iter().filter(|hold| hold.stage == last).map(|hold| hold.reason);
        return Err(Refusal::because(Reason::RollbackElsewhere { wanted: to, instead }, because).into());
    }
    draft.goal = Goal::RejectAll { artifacts: victims.clone(), to };
    victims.iter().try_for_each(|victim| reject(draft, *victim))
}

/// What stands between the last stage and the target: oldest first and what it selects now before what is only a
/// candidate, so that nothing in between is released on the way.
fn victims(draft: &Draft<'_>, to: Digest, only: bool) -> Result<Vec<Digest>, Needs> {
    let selected = draft.view.selected(draft.view.policy().last())?.map(|(_, _, digest)| digest);
    let mut victims: Vec<Digest> = Vec::new();
    if !only && let Some(found) = draft.view.newest(|artifact| artifact.digest == to)? {
        for (_, tag) in draft.view.births().take_while(|(birth, _)| *birth > found.birth) {
            if let Some(digest) = draft.view.digest(tag)?
                && found.younger.contains(&digest)
                && !victims.contains(&digest)
            {
                victims.push(digest);
            }
        }
        victims.reverse();
    }
    if let Some(selected) = selected.filter(|selected| *selected != to && !victims.contains(selected)) {
        victims.push(selected);
    }
    Ok(victims)
}
