//! Verdicts of people: reject, reopen, and rollback, which is rejecting what is in the way.

use alloc::vec::Vec;

use super::super::{Draft, Stop, rules};
use super::{known, mark_tag, verdict};
use crate::Digest;
use crate::plan::{Goal, Why};
use crate::reason::{Reason, Refusal};
use crate::scheme::Mark;
use crate::snapshot::Needs;

pub(super) fn reject(draft: &mut Draft<'_>, digest: Digest) -> Result<(), Stop> {
    let artifact = known(draft, digest)?;
    if !artifact.verdicts.rejected() {
        verdict(draft, &artifact, Mark::Rejected, Why::Rejection)?;
    }
    Ok(())
}

pub(super) fn reopen(draft: &mut Draft<'_>, digest: Digest) -> Result<(), Stop> {
    let artifact = known(draft, digest)?;
    if artifact.verdicts.rejected() {
        return verdict(draft, &artifact, Mark::Reopened, Why::Reopening);
    }
    match artifact.mark(Mark::Reopened) {
        Some(_) => Ok(()),
        None => Err(Reason::NotRejected { artifact: digest }.into()),
    }
}

pub(super) fn rollback(draft: &mut Draft<'_>, to: Digest, only: bool) -> Result<(), Stop> {
    let last = draft.view.policy().last();
    let target = known(draft, to)?;
    if target.verdicts.rejected() {
        let mark = mark_tag(draft, &target, Mark::Rejected);
        return Err(Reason::ArtifactRejected { artifact: to, mark }.into());
    }
    if !target.verdicts.admitted(last) {
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
    let target = draft.view.newest(|digest, _| digest == to)?;
    if !only && let Some(found) = &target {
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
        // What is older than the target is not in its way: the target's release is only half done.
        let birth = draft.view.birth_of(selected)?;
        if birth.is_none() || birth > target.map(|target| target.birth) {
            victims.push(selected);
        }
    }
    Ok(victims)
}
