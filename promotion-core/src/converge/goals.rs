//! Goals as facts: what each adds, when it is refused, and how it stands in the end.

mod build;
mod promote;
mod verdicts;

use alloc::borrow::ToOwned;

use self::build::build;
use self::promote::{promote, promoted};
use self::verdicts::{reject, reopen, rollback};
use super::{Draft, Hold, Request, Stop};
use crate::artifact::Artifact;
use crate::plan::{Goal, Outlook, Why};
use crate::reason::Reason;
use crate::scheme::Mark;
use crate::version::Base;
use crate::{Digest, Tag};

/// Plans the goal's facts. The outlook is `Some` where the rules cannot change it.
pub(super) fn state(draft: &mut Draft<'_>, request: &Request<'_>) -> Result<Option<Outlook>, Stop> {
    // Under such a policy every new candidate could be selected where nobody has validated it.
    if let (Goal::Build(_) | Goal::Promote(_), Some((stage, witness))) = (request.goal, draft.view.policy().unsound()) {
        let (stage, witness) = (stage.to_owned(), witness.to_owned());
        return Err(Reason::StageSelectsLowerLabel { stage, witness }.into());
    }
    match request.goal {
        Goal::Build(goal) => build(draft, goal, request.stated),
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
            // The first stage has something newer as soon as it is built; the others keep what they select.
            for stage in 1..=last {
                let Some((_, tag, digest)) = draft.view.selected(stage)? else { continue };
                if digest == *artifact {
                    let name = draft.stage_name(stage);
                    return Ok(Outlook::Held(Reason::SelectsRejected { stage: name, tag, artifact: digest }));
                }
            }
            Ok(Outlook::Reached)
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

/// A new verdict: the next ordinal that no other artifact's tag stands in the way of.
fn verdict(draft: &mut Draft<'_>, artifact: &Artifact, mark: Mark, why: Why) -> Result<(), Stop> {
    let mut next = artifact.verdicts.next_ordinal(mark);
    while let Some(ordinal) = next {
        let tag = artifact.mark_tag(draft.view.policy(), mark, ordinal);
        match draft.view.digest(&tag)? {
            Some(by) if by != artifact.digest => next = ordinal.checked_add(1),
            _ => return draft.fact(tag, artifact.digest, why),
        }
    }
    Err(Reason::VerdictsExhausted { artifact: artifact.digest }.into())
}

fn highest_release(draft: &Draft<'_>) -> Option<Base> {
    draft.view.versions().find(|(version, _)| version.is_release()).map(|(version, _)| version.base)
}
