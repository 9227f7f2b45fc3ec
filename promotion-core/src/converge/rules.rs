//! R1 and R2 as writes, last stage first, so that what an earlier stage must select is placed above all of it.

use alloc::vec::Vec;

use super::{Draft, Hold, Stop};
use crate::artifact::{Newest, View};
use crate::plan::{Action, Why};
use crate::ports::Expect;
use crate::reason::Reason;
use crate::snapshot::Needs;
use crate::version::{Base, Number, Rank, Version};
use crate::{Digest, Tag};

/// Plans what makes the rules true; returns those that cannot be.
///
/// Written in the opposite order: the first stage's re-base, then lifts and releases stage by stage, so that no stage
/// falls back to older bytes even for a moment.
pub(super) fn rules(draft: &mut Draft<'_>, explicit: Option<(Digest, Base)>) -> Result<Vec<Hold>, Stop> {
    if let Some((stage, witness)) = draft.view.policy().unsound() {
        // Every candidate that is written could be selected by a stage that has not validated it.
        let reason = Reason::StageSelectsLowerLabel { stage: stage.into(), witness: witness.into() };
        return Ok((0..=draft.view.policy().last()).map(|stage| Hold { stage, reason: reason.clone() }).collect());
    }
    let before = draft.view.clone();
    let (actions, held) = settle(draft, explicit)?;
    if !lifts_and_releases_one(&actions) {
        draft.actions.extend(actions);
        return Ok(held);
    }
    // The newest must be lifted anyway and is released as well: lifted first, so that it is released from where it
    // will stand. Otherwise whoever goes on after the first write would plan another release than this one.
    draft.view = before;
    let mut lifted = keep_newest_selected(draft, &mut Vec::new())?;
    let (actions, held) = settle(draft, explicit)?;
    lifted.extend(actions);
    draft.actions.extend(lifted);
    Ok(held)
}

fn lifts_and_releases_one(actions: &[Action]) -> bool {
    let lifted = actions.iter().find(|action| matches!(action.why, Why::Rebase { .. }));
    let released =
        |of: Digest| actions.iter().any(|action| action.digest == of && matches!(action.why, Why::Release { .. }));
    lifted.is_some_and(|lifted| released(lifted.digest))
}

/// Stage by stage from the last, then written in the opposite order.
fn settle(draft: &mut Draft<'_>, explicit: Option<(Digest, Base)>) -> Result<(Vec<Action>, Vec<Hold>), Stop> {
    let mut held = Vec::new();
    let mut groups = Vec::new();
    let before = draft.view.clone();
    for stage in (1..=draft.view.policy().last()).rev() {
        let view = draft.view.clone();
        groups.push(match admit_newest_validated(draft, stage, explicit, &mut held) {
            Ok(actions) => actions,
            // Versions ran out: that holds the stage, and must not keep anybody from recording a verdict.
            Err(Stop::Refused(refusal)) => {
                draft.view = view;
                held.push(Hold { stage, reason: refusal.reason });
                Vec::new()
            }
            Err(needs) => return Err(needs),
        });
    }
    let released = groups.iter().any(|actions| !actions.is_empty());
    groups.push(keep_newest_selected(draft, &mut held)?);
    if released && hides_the_newest(draft, &before)? {
        // It cannot be lifted above what would be released, so it is not hidden: the releases wait.
        draft.view = before;
        let why = held.iter().find(|hold| hold.stage == 0).map(|hold| hold.reason.clone());
        held.extend((1..=draft.view.policy().last()).filter_map(|stage| Some(Hold { stage, reason: why.clone()? })));
        return Ok((Vec::new(), held));
    }
    Ok((groups.into_iter().rev().flatten().collect(), held))
}

/// Whether the planned writes take the newest artifact away from the first stage, which selects it now.
fn hides_the_newest(draft: &Draft<'_>, before: &View<'_>) -> Result<bool, Needs> {
    let newest = draft.view.newest(|_, verdicts| !verdicts.rejected())?.map(|newest| newest.digest);
    let selects = |view: &View<'_>| Ok::<bool, Needs>(view.selected(0)?.map(|(_, _, digest)| digest) == newest);
    Ok(selects(before)? && !selects(&draft.view)?)
}

/// R1.
fn keep_newest_selected(draft: &mut Draft<'_>, held: &mut Vec<Hold>) -> Result<Vec<Action>, Stop> {
    let selected = draft.view.selected(0)?;
    let Some(newest) = draft.view.newest(|_, verdicts| !verdicts.rejected())? else {
        held.extend(still_selects_rejected(draft, 0)?);
        return Ok(Vec::new());
    };
    let artifact = newest.digest;
    if let Some((_, tag, digest)) = selected {
        if digest == artifact {
            return Ok(Vec::new());
        }
        // Something younger whose manifest cannot be read: older bytes are not put above it on a guess.
        if newest.younger.contains(&digest) {
            held.push(Hold { stage: 0, reason: Reason::DanglingTag { tag, artifact: digest } });
            return Ok(Vec::new());
        }
    }
    let highest = draft.view.versions().next().map_or(newest.birth.base, |(version, _)| version.base);
    let base = match next_patch(draft, highest) {
        Ok(base) => base,
        Err(reason) => {
            held.push(Hold { stage: 0, reason });
            return Ok(Vec::new());
        }
    };
    let why = Why::Rebase { stage: draft.stage_name(0) };
    let mut actions = Vec::new();
    if let Err(reason) = place(draft, &mut actions, 0, Version::candidate(base, 0, Number::Rebase(1)), artifact, why) {
        held.push(Hold { stage: 0, reason });
    }
    Ok(actions)
}

/// R2 for one stage.
fn admit_newest_validated(
    draft: &mut Draft<'_>,
    stage: u8,
    explicit: Option<(Digest, Base)>,
    held: &mut Vec<Hold>,
) -> Result<Vec<Action>, Stop> {
    let Some(target) = draft.view.newest(|_, verdicts| verdicts.admitted(stage))? else {
        held.extend(still_selects_rejected(draft, stage)?);
        return Ok(Vec::new());
    };
    let artifact = target.digest;
    let selected = draft.view.selected(stage)?;
    let wanted = |(wanted, _): &(Digest, Base)| *wanted == artifact && stage == draft.view.policy().last();
    let explicit = match explicit.filter(wanted) {
        // Once it is written, or overtaken by a higher one, it asks for nothing any more.
        Some((_, base)) if draft.view.highest_release()?.is_some_and(|highest| highest.base >= base) => None,
        explicit => explicit,
    };
    if explicit.is_none() && selected.as_ref().is_some_and(|(_, _, digest)| *digest == artifact) {
        return Ok(Vec::new());
    }
    if let Some(reason) = hold(draft, stage, &target, selected.as_ref())? {
        held.push(Hold { stage, reason });
        return Ok(Vec::new());
    }
    let base = match explicit {
        Some((_, base)) => base,
        None => release_base(draft, stage, &target)?,
    };
    let mut actions = Vec::new();
    let release = own_version(draft, stage, base)?;
    let name = draft.stage_name(stage);
    if !draft.view.policy().sees(stage, &release, draft.view.policy().version_tag(&release).as_str()) {
        held.push(Hold { stage, reason: cannot_select(draft, stage, &release) });
        return Ok(Vec::new());
    }
    for label in 0..stage {
        if !holds_version(&draft.view, label, base, artifact)? {
            let lifted = match label {
                0 => Version::candidate(base, 0, Number::Rebase(next_number(&draft.view, base, 0, true)?)),
                _ => own_version(draft, label, base)?,
            };
            write(draft, &mut actions, lifted, artifact, Why::Lift);
        }
    }
    write(draft, &mut actions, release, artifact, Why::Release { stage: name });
    Ok(actions)
}

/// Why the stage must be left as it is, although something newer was validated than what it should select by the rule.
fn hold(
    draft: &Draft<'_>,
    stage: u8,
    target: &Newest,
    selected: Option<&(Version, Tag, Digest)>,
) -> Result<Option<Reason>, Needs> {
    let Some((version, tag, digest)) = selected else { return Ok(None) };
    if draft.view.manifest(*digest)?.is_none() {
        // It cannot be read, so nobody can say that it is older or bad.
        return Ok(Some(Reason::DanglingTag { tag: tag.clone(), artifact: *digest }));
    }
    let younger = target.younger.contains(digest);
    // What was born above all that the stage selects replaces it, whatever was said of that: nothing is read for it.
    if *digest == target.digest || (!younger && target.birth >= *version) {
        return Ok(None);
    }
    if draft.view.verdicts(*digest)?.is_some_and(|verdicts| verdicts.rejected()) {
        return Ok(None);
    }
    let (name, tag, artifact) = (draft.stage_name(stage), tag.clone(), *digest);
    if younger {
        return Ok(Some(Reason::HeldByNewer { stage: name, tag, artifact }));
    }
    // Builds after a release get a higher base: a birth below it is older than whoever made it by hand, and than an
    // artifact whose own birth was lost.
    let unborn = || Ok::<bool, Needs>(draft.view.birth_of(artifact)?.is_none());
    if !is_stripped_candidate(&draft.view, version, artifact)? || unborn()? {
        return Ok(Some(Reason::HeldByHandMade { stage: name, tag, artifact }));
    }
    Ok(None)
}

/// The rejected artifact that a stage selects, when there is nothing else for it.
fn still_selects_rejected(draft: &Draft<'_>, stage: u8) -> Result<Option<Hold>, Needs> {
    let Some((_, tag, digest)) = draft.view.selected(stage)? else { return Ok(None) };
    let rejected = draft.view.verdicts(digest)?.is_some_and(|verdicts| verdicts.rejected());
    let reason = Reason::SelectsRejected { stage: draft.stage_name(stage), tag, artifact: digest };
    Ok(rejected.then_some(Hold { stage, reason }))
}

/// The artifact's own highest base if that works, else the lowest that does: above everything the stage has had, and
/// at or above every candidate of an older or rejected artifact, which would outrank the release elsewhere.
fn release_base(draft: &Draft<'_>, stage: u8, target: &Newest) -> Result<Base, Stop> {
    let artifact = target.digest;
    let last = draft.view.policy().last();
    let highest = draft.view.versions().map(|(version, _)| version).find(|version| version.stage(last) >= stage);
    let own = highest_base(&draft.view, stage - 1, target)?;
    let above = |base: Base| -> Result<bool, Stop> {
        Ok(match highest {
            Some(highest) => own_version(draft, stage, base)? > highest,
            None => true,
        })
    };
    let lowest = match (own, highest) {
        (Some(own), _) if above(own)? => own,
        (_, None) => target.birth.base,
        (_, Some(highest)) if above(highest.base)? => highest.base,
        (_, Some(highest)) => next_patch(draft, highest.base)?,
    };
    for (version, tag) in draft.view.versions().filter(|(version, _)| !version.is_release()) {
        if version.base <= lowest {
            break;
        }
        match draft.view.digest(tag)? {
            Some(holder) if holder != artifact && !target.younger.contains(&holder) => return Ok(version.base),
            _ => {}
        }
    }
    Ok(lowest)
}

/// The highest base of the artifact's versions with this stage's label.
fn highest_base(view: &View<'_>, stage: u8, target: &Newest) -> Result<Option<Base>, Needs> {
    for (version, tag) in view.versions() {
        if stage == 0 && version == target.birth {
            return Ok(Some(version.base));
        }
        let labelled = matches!(version.rank, Rank::Candidate { stage: of, .. } if of == stage);
        if labelled && view.digest(tag)? == Some(target.digest) {
            return Ok(Some(version.base));
        }
    }
    Ok(None)
}

/// Whether a version's digest also holds a version of the same base with the label before it.
pub(crate) fn is_stripped_candidate(view: &View<'_>, version: &Version, digest: Digest) -> Result<bool, Needs> {
    match version.stage(view.policy().last()).checked_sub(1) {
        Some(before) => holds_version(view, before, version.base, digest),
        None => Ok(true),
    }
}

fn numbers_of<'v>(view: &'v View<'_>, stage: u8, base: Base) -> impl Iterator<Item = (Number, &'v Tag)> {
    view.versions_of(base).filter_map(move |(version, tag)| match version.rank {
        Rank::Candidate { stage: of, number } if of == stage => Some((number, tag)),
        _ => None,
    })
}

fn holds_version(view: &View<'_>, stage: u8, base: Base, digest: Digest) -> Result<bool, Needs> {
    for (_, tag) in numbers_of(view, stage, base) {
        if view.digest(tag)? == Some(digest) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One above the highest number of the base and label, of re-bases or of the others.
pub(super) fn next_number(view: &View<'_>, base: Base, stage: u8, rebase: bool) -> Result<u64, Stop> {
    let highest = numbers_of(view, stage, base).filter_map(|(number, _)| match number {
        Number::Rebase(k) if rebase => Some(k),
        Number::Nth(n) if !rebase => Some(n),
        _ => None,
    });
    let next = highest.max().unwrap_or(0).checked_add(1);
    next.ok_or_else(|| Reason::VersionsExhausted { above: base }.into())
}

/// A new version of the stage's own: its label with the next number, or the release.
fn own_version(draft: &Draft<'_>, stage: u8, base: Base) -> Result<Version, Stop> {
    if stage == draft.view.policy().last() {
        return Ok(Version::release(base));
    }
    Ok(Version::candidate(base, stage, Number::Nth(next_number(&draft.view, base, stage, false)?)))
}

fn next_patch(draft: &Draft<'_>, base: Base) -> Result<Base, Reason> {
    let next = base.next_patch().ok_or(Reason::VersionsExhausted { above: base })?;
    if draft.view.policy().in_line(next) {
        return Ok(next);
    }
    let line = draft.view.policy().spec().versions.line.clone().unwrap_or_default();
    Err(Reason::VersionOutsideLine { version: next, line })
}

pub(super) fn cannot_select(draft: &Draft<'_>, stage: u8, version: &Version) -> Reason {
    let witness = alloc::string::String::from(draft.view.policy().version_tag(version));
    Reason::StageCannotSelect { stage: draft.stage_name(stage), witness }
}

/// Plans a version that the stage must be able to select.
fn place(
    draft: &mut Draft<'_>,
    actions: &mut Vec<Action>,
    stage: u8,
    version: Version,
    digest: Digest,
    why: Why,
) -> Result<(), Reason> {
    let tag = draft.view.policy().version_tag(&version);
    if !draft.view.policy().sees(stage, &version, tag.as_str()) {
        return Err(cannot_select(draft, stage, &version));
    }
    write(draft, actions, version, digest, why);
    Ok(())
}

fn write(draft: &mut Draft<'_>, actions: &mut Vec<Action>, version: Version, digest: Digest, why: Why) {
    let tag = draft.view.policy().version_tag(&version);
    draft.view.write(tag.clone(), digest);
    actions.push(Action { tag, digest, expect: Expect::Absent, why });
}
