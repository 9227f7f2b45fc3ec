//! Stories: a way through the model, told as sentences.

use std::fmt;
use std::sync::Arc;

use promotion_core::Digest;
use promotion_core::executor::{Outcome, OutcomeKind};
use promotion_core::memory::MemoryRegistry;
use promotion_core::testing::oracle::Oracle;
use stateright::Path;

use crate::actor::{Did, Looked};
use crate::law::Law;
use crate::model::{Action, Promotion};
use crate::scenario::{Given, Role};
use crate::state::State;

/// How a law is broken: a line for each step that matters, and what is wrong in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Which artifacts there were before it.
    pub given: String,
    /// The steps.
    pub steps: Vec<String>,
    /// What is selected and wanted after them.
    pub end: String,
}

impl Story {
    pub(crate) fn of(model: &Promotion, law: Law, path: Path<State, Action>) -> Self {
        let mut told: Vec<(Option<u8>, bool, String)> = Vec::new();
        let mut last = None;
        for (state, action) in path.into_vec() {
            if let Some(action) = action {
                for line in lines(model, &state, &action) {
                    // A read is worth a line only when somebody else acts before the reader does again.
                    told.pop_if(|(actor, read, _)| *read && *actor == line.0);
                    told.push(line);
                }
            }
            last = Some(state);
        }
        let steps = told.into_iter().map(|(_, _, line)| line).collect();
        let end = last.map(|state| ending(model, law, &state)).unwrap_or_default();
        Self { given: given(model.scenario.given), steps, end }
    }
}

/// What there was before anybody came.
fn given(given: &[Given]) -> String {
    let artifacts = given.iter().zip(1..).map(|(given, artifact)| {
        let state = match given {
            Given::Built => "built",
            Given::Promoted => "built and promoted",
            Given::Rejected => "built, promoted and rejected",
        };
        format!("artifact {artifact} was {state}")
    });
    artifacts.collect::<Vec<_>>().join(", ")
}

/// Who acts, whether they only read, and what they do.
fn lines(model: &Promotion, state: &State, action: &Action) -> Vec<(Option<u8>, bool, String)> {
    let next = model.next(state, action);
    let changed = selections(model, &state.registry, &next.state.registry);
    let mut lines = Vec::new();
    match action {
        Action::Start(Role::ByHand, artifact) => {
            let new = next.state.registry.tags().keys().find(|tag| state.registry.digest(tag).is_none());
            let tag = new.map(ToString::to_string).unwrap_or_default();
            let artifact = name(model, artifact.as_ref());
            lines.push((None, false, format!("somebody releases {artifact} by hand as {tag}{changed}")));
        }
        Action::Crash(index) => {
            let who = state.actors.get(*index).map(|actor| actor.name).unwrap_or_default();
            lines.push((Some(who), false, format!("{} crashes", letter(who))));
        }
        Action::Start(..) | Action::Step(_) => {}
    }
    let Some((actor, did, outcome)) = next.did else { return lines };
    let mut line = |read: bool, what: String| {
        lines.push((Some(actor.name), read, format!("{} {what}", letter(actor.name))));
    };
    if let Action::Start(role, artifact) = action {
        line(false, format!("comes to {}", wants(model, *role, artifact.as_ref())));
    }
    let (read, what) = does(model, &did, &changed);
    line(read, what);
    if let Some(outcome) = outcome {
        line(false, ends(&outcome));
    } else if actor.has_deleted_everything() {
        line(false, "is done".to_owned());
    }
    lines
}

fn does(model: &Promotion, did: &Did, changed: &str) -> (bool, String) {
    match did {
        Did::Looked(Looked::AtEverything) => (true, "reads".to_owned()),
        Did::Looked(Looked::AtTheFirstPage) => (true, "lists the first page".to_owned()),
        Did::Looked(Looked::AtTheSecondPage { .. }) => (true, "lists the second page".to_owned()),
        Did::Looked(Looked::AtWhatTagsPointAt) => (true, "reads what tags point at".to_owned()),
        Did::Looked(Looked::ThatATagIsAbsent) => (true, "sees that the tag to write is absent".to_owned()),
        Did::Began(actions) => {
            let tags: Vec<&str> = actions.iter().map(|action| action.tag.as_str()).collect();
            (false, format!("writes {}", tags.join(" and ")))
        }
        Did::Wrote(action) => {
            (false, format!("writes {} -> {}{changed}", action.tag, name(model, Some(&action.digest))))
        }
        Did::ReadBack(action) => (true, format!("reads {} back", action.tag)),
        Did::Met(action) => (false, format!("finds another artifact at {}", action.tag)),
        Did::Deleted(deletion) => {
            (false, format!("deletes {} of {}{changed}", deletion.tag, name(model, Some(&deletion.digest))))
        }
        Did::LeftAlone(deletion) => (true, format!("leaves {} alone", deletion.tag)),
    }
}

fn wants(model: &Promotion, role: Role, artifact: Option<&Digest>) -> String {
    let artifact = name(model, artifact);
    match role {
        Role::Build => format!("build {artifact}"),
        Role::Nominate => format!("nominate {artifact} again"),
        Role::Promote => format!("promote {artifact}"),
        Role::PromoteAs => format!("promote {artifact} as 0.2.0"),
        Role::Reject => format!("reject {artifact}"),
        Role::Reopen => format!("reopen {artifact}"),
        Role::Rollback => format!("roll back to {artifact}"),
        Role::Repair => "repair".to_owned(),
        Role::ByHand => format!("release {artifact} by hand"),
        Role::Retain => "delete what nobody needs".to_owned(),
    }
}

fn ends(outcome: &Outcome) -> String {
    let why = outcome.refusal.as_ref().map(|refusal| refusal.reason.id()).unwrap_or_default();
    match outcome.kind {
        OutcomeKind::Done => "is done".to_owned(),
        OutcomeKind::AlreadyDone => "has nothing to do".to_owned(),
        OutcomeKind::Superseded => "is done: something newer is ahead".to_owned(),
        OutcomeKind::Refused if outcome.writes.is_empty() => format!("is refused: {why}"),
        OutcomeKind::Refused => format!("is held back: {why}"),
    }
}

/// Where the story leaves the repository.
fn ending(model: &Promotion, law: Law, state: &State) -> String {
    let oracle = Oracle::read(&state.registry, &model.policy);
    let stages = model.policy.stages().iter().zip(0..).map(|(stage, index)| {
        let selected = oracle.selected_tag(index).zip(oracle.selected(index));
        let selects =
            selected.map_or("nothing".to_owned(), |(tag, digest)| format!("{tag} ({})", name(model, Some(&digest))));
        let newest = oracle.newest(index);
        if newest.is_none() || newest == oracle.selected(index) {
            return format!("{} selects {selects}", stage.name);
        }
        format!("{} selects {selects}, and should select {}", stage.name, name(model, newest.as_ref()))
    });
    let stages: Vec<String> = stages.collect();
    format!("{} is broken: {}", law.id(), stages.join("; "))
}

/// What each stage selects that it did not select before, as the end of a line.
fn selections(model: &Promotion, before: &Arc<MemoryRegistry>, now: &Arc<MemoryRegistry>) -> String {
    let (earlier, now) = (Oracle::read(before, &model.policy), Oracle::read(now, &model.policy));
    let stages = model.policy.stages().iter().zip(0..);
    let changed = stages.filter_map(|(stage, index)| {
        let (was, is) = (earlier.selected(index), now.selected(index));
        let tag = now.selected_tag(index).filter(|_| was != is)?;
        Some(format!("; {} selects {tag} ({})", stage.name, name(model, is.as_ref())))
    });
    changed.collect()
}

fn name(model: &Promotion, artifact: Option<&Digest>) -> String {
    match artifact.and_then(|artifact| model.artifacts.iter().position(|other| other == artifact)) {
        Some(index) if index + 1 < model.artifacts.len() => format!("artifact {}", index + 1),
        Some(_) => "something else".to_owned(),
        None => "nothing".to_owned(),
    }
}

fn letter(actor: u8) -> char {
    char::from(b'A' + actor)
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.given.is_empty() {
            writeln!(f, "    {}", self.given)?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>2}. {step}", index + 1)?;
        }
        writeln!(f, "    {}", self.end)
    }
}
