//! What a registry holds, beside what the model says.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::State;
use super::play::ACTOR;
use crate::executor::{Outcome, OutcomeKind};
use crate::memory::MemoryRegistry;
use crate::plan::Goal;
use crate::ports::{PortError, Registry};
use crate::record::{self, Deed};
use crate::scheme::{Kind, Mark};
use crate::testing::model::Verdict;
use crate::testing::oracle::Oracle;
use crate::{Digest, Tag};

/// What the tags say of one artifact.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    named: bool,
    handed_over: bool,
    births: usize,
    verdicts: Vec<Verdict>,
}

/// No tag is gone or points elsewhere, but the one that was moved on purpose.
pub(super) fn facts_are_kept(before: &MemoryRegistry, after: &MemoryRegistry, moved: Option<&Tag>) -> Vec<String> {
    let lost = before.tags().iter().filter(|(tag, digest)| Some(*tag) != moved && after.digest(tag) != Some(**digest));
    lost.map(|(tag, digest)| format!("{tag} pointed at {digest}, and now at {:?}", after.digest(tag))).collect()
}

/// Each stage runs what it ran before, or what it shall run in the end.
pub(super) fn no_detour(before: &MemoryRegistry, between: &MemoryRegistry, state: &State) -> Vec<String> {
    let (before, between) = (Oracle::read(before, &state.policy), Oracle::read(between, &state.policy));
    let ends = [state.model.integration(), state.model.live()];
    let detours = (0..).zip(ends).filter(|(stage, end)| {
        let runs = between.selected(*stage);
        runs != *end && runs != before.selected(*stage)
    });
    detours.map(|(stage, _)| format!("stage {stage} runs {:?} on the way", between.selected_tag(stage))).collect()
}

/// Both stages select what the model says, and the tags say what it knows.
pub(super) fn state_is(registry: &MemoryRegistry, state: &State) -> Vec<String> {
    let oracle = Oracle::read(registry, &state.policy);
    let mut found = Vec::new();
    for (stage, wanted) in [(0, state.model.integration()), (1, state.model.live())] {
        if oracle.selected(stage) != wanted {
            let tag = oracle.selected_tag(stage);
            found.push(format!("stage {stage} runs {tag:?} {:?}, not {wanted:?}", oracle.selected(stage)));
        }
    }
    let mut told = told(registry, state);
    for (digest, artifact) in state.model.artifacts() {
        let known = Told {
            named: artifact.named,
            handed_over: artifact.handed_over,
            births: artifact.births.len(),
            verdicts: artifact.verdicts.clone(),
        };
        let told = told.remove(digest).unwrap_or_default();
        if told != known {
            found.push(format!("the tags of {digest} say {told:?}, not {known:?}"));
        }
    }
    let born: Vec<Digest> =
        state.model.artifacts().keys().copied().filter(|digest| oracle.birth(*digest).is_some()).collect();
    let (mut by_version, mut by_model) = (born.clone(), born);
    by_version.sort_by_key(|digest| oracle.birth(*digest));
    by_model.sort_by_key(|digest| state.model.artifacts().get(digest).and_then(|it| it.births.last().copied()));
    if by_version != by_model {
        found.push(format!("by their versions artifacts were born as {by_version:?}, not {by_model:?}"));
    }
    found
}

/// Reads the marks and births of every artifact; a mark counts where its key means the artifact.
fn told(registry: &MemoryRegistry, state: &State) -> BTreeMap<Digest, Told> {
    let mut told: BTreeMap<Digest, Told> = BTreeMap::new();
    let mut verdicts: BTreeMap<Digest, Vec<(u64, Verdict)>> = BTreeMap::new();
    for (tag, digest) in registry.tags() {
        let of = told.entry(*digest).or_default();
        let mut said = |ordinal, verdict| verdicts.entry(*digest).or_default().push((ordinal, verdict));
        match state.policy.classify(tag.as_str()) {
            Kind::Version(version) => of.births += usize::from(version.is_birth()),
            Kind::Mark(mark) => {
                let commit = state.model.artifacts().get(digest).and_then(|artifact| artifact.commit.as_ref());
                let key = commit.map_or_else(|| digest.hex(), ToString::to_string);
                match mark.mark {
                    _ if !mark.key.means(&key, *digest) => {}
                    Mark::Commit => of.named = true,
                    Mark::Stage(0) => of.handed_over = true,
                    Mark::Stage(_) => said(mark.ordinal, Verdict::Validated),
                    Mark::Rejected => said(mark.ordinal, Verdict::Rejected),
                    Mark::Reopened => said(mark.ordinal, Verdict::Reopened),
                }
            }
            Kind::Channel | Kind::Foreign(_) => {}
        }
    }
    for (digest, mut said) in verdicts {
        said.sort_unstable();
        told.entry(digest).or_default().verdicts = said.into_iter().map(|(_, verdict)| verdict).collect();
    }
    told
}

/// The outcome is what the model predicted. Whoever began again may find `exactly` that done already.
pub(super) fn outcome_is(outcome: &Outcome, goal: &Goal, state: &State, exactly: bool) -> Vec<String> {
    let Some(expected) = state.expected else { return Vec::new() };
    let done = |kind| matches!(kind, OutcomeKind::Done | OutcomeKind::AlreadyDone);
    let mut found = Vec::new();
    let mut differs = |what: &str, is: String| found.push(format!("{}: {what}: {is} ({outcome:#?})", goal.name()));
    if outcome.kind != expected.kind && (exactly || !done(outcome.kind) || !done(expected.kind)) {
        differs("kind", format!("not {:?}", expected.kind));
    }
    if exactly && outcome.writes.is_empty() == expected.writes {
        differs("writes", format!("{:?}", outcome.writes));
    }
    if outcome.superseded_by != expected.by {
        differs("superseded by", format!("not {:?}", expected.by));
    }
    if (outcome.kind == OutcomeKind::Refused) != outcome.refusal.is_some() {
        differs("refusal", format!("{:?}", outcome.refusal));
    }
    let live = outcome.digest.is_some() && outcome.digest == state.model.live();
    if outcome.release.is_some() && !live {
        differs("release", format!("{:?}", outcome.release));
    }
    let born =
        outcome.digest.and_then(|digest| state.model.artifacts().get(&digest)).is_some_and(|it| !it.births.is_empty());
    if outcome.candidate.is_some() && !born {
        differs("candidate", format!("{:?}", outcome.candidate));
    }
    found
}

/// What was written is recorded beside the artifact it was written on.
pub(super) async fn records_say(
    registry: &dyn Registry,
    goal: &Goal,
    outcome: &Outcome,
    state: &State,
) -> Result<Vec<String>, PortError> {
    let deeds: Vec<(Digest, Deed)> = match goal {
        Goal::Build(_) | Goal::Repair => Vec::new(),
        Goal::Promote(promote) => alloc::vec![(promote.artifact, Deed::Promote)],
        Goal::Reject { artifact, .. } => alloc::vec![(*artifact, Deed::Reject)],
        Goal::Reopen { artifact, .. } => alloc::vec![(*artifact, Deed::Reopen)],
        Goal::Rollback { .. } | Goal::RejectAll { .. } => {
            let rejected = |tag: &Tag| matches!(state.policy.classify(tag.as_str()), Kind::Mark(mark) if mark.mark == Mark::Rejected);
            outcome
                .writes
                .iter()
                .filter(|write| rejected(&write.tag))
                .map(|write| (write.digest, Deed::Reject))
                .collect()
        }
    };
    let mut found = Vec::new();
    for (artifact, deed) in deeds {
        let written = outcome.writes.iter().filter(|write| write.digest == artifact);
        let tags: Vec<Tag> = written.map(|write| write.tag.clone()).collect();
        let kept = record::read(registry, artifact).await?;
        let told = kept.iter().any(|it| (it.deed, it.at, it.by.as_str(), &it.tags) == (deed, state.now, ACTOR, &tags));
        if !tags.is_empty() && !told {
            found.push(format!("no record of {deed} with {tags:?} among {kept:?}"));
        }
    }
    Ok(found)
}
