//! Build: an artifact that is there by digest becomes the newest candidate.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::super::rules::{cannot_select, next_number};
use super::super::{Draft, Stop};
use super::{highest_release, known, mark_tag};
use crate::artifact::{Artifact, Newest};
use crate::manifest::{ManifestFacts, SOURCE, TITLE};
use crate::plan::{Build, Outlook, Why};
use crate::reason::{Finding, Reason, Refusal};
use crate::scheme::{Key, Mark, MarkTag};
use crate::snapshot::Ancestry;
use crate::version::{Number, Version};
use crate::{Commit, Digest};

pub(super) fn build(draft: &mut Draft<'_>, goal: &Build, stated: bool) -> Result<Option<Outlook>, Stop> {
    let artifact = known(draft, goal.artifact)?;
    let manifest = draft.view.manifest(goal.artifact)?.cloned().unwrap_or_default();
    let commit = commit_of(goal, &manifest)?;
    let newest = draft.view.newest(|_, _| true)?;
    let is_newest = newest.as_ref().is_some_and(|newest| newest.digest == goal.artifact);
    let born = is_newest || (artifact.handed_over() && draft.view.birth_of(goal.artifact)?.is_some());
    // A birth that somebody overwrote is written again, a nomination that somebody overtook is not.
    let birth_wanted = !born || (goal.again && !stated && !is_newest);
    if artifact.verdicts.rejected() {
        let mark = mark_tag(draft, &artifact, Mark::Rejected);
        let artifact = artifact.digest;
        if birth_wanted {
            // It would be selected until somebody has lifted another above it.
            return Err(Reason::ArtifactRejected { artifact, mark }.into());
        }
        draft.findings.push(Finding::warning(Reason::RejectedContentAgain { artifact, mark }));
    }
    if !is_newest {
        let newest = newest.as_ref().map(|newest| newest.digest);
        let live = draft.view.selected(draft.view.policy().last())?.map(|(_, _, digest)| digest);
        newest.into_iter().chain(live).try_for_each(|other| one_artifact(draft, other, &manifest))?;
    }
    commit_tag(draft, &artifact, commit.as_ref())?;
    if birth_wanted
        && let Some(newest) = draft.view.newest(|_, verdicts| !verdicts.rejected())?
        && let Some(superseded) = overtaken(draft, goal, commit.as_ref(), &newest)?
    {
        return Ok(Some(superseded));
    }
    let birth = if birth_wanted { Some(next_birth(draft, goal)?) } else { None };
    if !artifact.handed_over() {
        let mark = artifact.mark_tag(draft.view.policy(), Mark::Stage(0), 1);
        draft.fact(mark, artifact.digest, Why::HandOver)?;
    }
    if let Some(birth) = birth {
        draft.fact(draft.view.policy().version_tag(&birth), artifact.digest, Why::Birth)?;
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
fn one_artifact(draft: &Draft<'_>, other: Digest, manifest: &ManifestFacts) -> Result<(), Stop> {
    let Some(theirs) = draft.view.manifest(other)? else { return Ok(()) };
    let annotations = [(SOURCE, &theirs.source, &manifest.source), (TITLE, &theirs.title, &manifest.title)];
    for (annotation, theirs, ours) in annotations {
        if let (Some(newest), Some(found)) = (theirs, ours)
            && address(newest) != address(found)
        {
            let (annotation, newest, found) = (annotation.to_owned(), newest.clone(), found.clone());
            return Err(Reason::ManyArtifacts { annotation, newest, found }.into());
        }
    }
    Ok(())
}

/// An address without what depends on who cloned it: protocol, user, `.git`, and scp's colon.
fn address(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).replacen(':', "/", 1)
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
    draft.fact(tag, artifact.digest, Why::Commit)
}

/// A known ancestor of the newest unrejected artifact's commit is an overtaken slow build: it gets no birth.
fn overtaken(
    draft: &mut Draft<'_>,
    goal: &Build,
    commit: Option<&Commit>,
    newest: &Newest,
) -> Result<Option<Outlook>, Stop> {
    let theirs = draft.view.manifest(newest.digest)?.and_then(|facts| Some(&facts.revision.as_ref()?.commit));
    let (Some(ours), Some(theirs)) = (commit, theirs) else { return Ok(None) };
    if !goal.ancestry || goal.again || ours == theirs {
        return Ok(None);
    }
    match draft.view.snapshot().ancestry(ours, theirs)? {
        Ancestry::Ancestor => Ok(Some(Outlook::Superseded { by: newest.digest })),
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
