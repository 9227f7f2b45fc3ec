//! Laws of single plans, from the states that histories leave: crashed actors, half-done work and all.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::converge::{Request, Stop, converge};
use crate::evidence::Evidence;
use crate::executor::{Executor, Outcome, OutcomeKind, drive_in_memory};
use crate::memory::MemoryRegistry;
use crate::plan::{Build, Goal, Plan, PlanFile, Promote};
use crate::policy::Policy;
use crate::reason::Refusal;
use crate::snapshot::{Needs, Query, Snapshot};
use crate::testing::oracle::Oracle;
use crate::testing::world::{NOW, World};
use crate::version::Base;
use crate::{Digest, Repository, Tag};

/// Judges the state of a world; the bytes choose among what could be tried.
pub(super) type JudgeState = fn(&mut World, &[u8]) -> Result<(), String>;
type Judged = Result<(), String>;

pub(super) fn plan_is_deterministic(world: &mut World, choices: &[u8]) -> Judged {
    let forwards = world.registry().listing().tags;
    let mut shuffled: Vec<Tag> = forwards.iter().rev().cloned().collect();
    shuffled.extend(forwards.iter().take(3).cloned());
    for goal in goals(world, choices) {
        let one = planned(world, world.registry(), &goal, &forwards);
        let two = planned(world, world.registry(), &goal, &shuffled);
        same(&one, &two, || format!("to {} is planned differently when the tags are listed backwards", goal.name()))?;
        if let Ok(plan) = one {
            let file = file_of(world, &plan);
            let json = serde_json::to_vec(&file).map_err(|error| format!("{error}"))?;
            let read = PlanFile::parse(&json).map_err(|error| format!("{error}"))?;
            same(&read, &file, || format!("a plan to {} is read back differently", goal.name()))?;
        }
    }
    Ok(())
}

pub(super) fn converged_plan_is_empty(world: &mut World, choices: &[u8]) -> Judged {
    for goal in goals(world, choices) {
        let mut registry = world.registry().clone();
        let first = finish(world, &mut registry, &goal)?;
        // A refusal writes nothing, so it mends nothing either; whoever writes converges to the end.
        if first.kind == OutcomeKind::Refused && first.writes.is_empty() {
            continue;
        }
        let again = finish(world, &mut registry, &Goal::Repair)?;
        same(&again.writes, &vec![], || format!("a repair after {:?} writes more", goal.name()))?;
        // A goal that was reached is reached: saying it again changes nothing.
        if matches!(first.kind, OutcomeKind::Done | OutcomeKind::AlreadyDone | OutcomeKind::Superseded) {
            let again = finish(world, &mut registry, &goal)?;
            same(&again.writes, &vec![], || format!("{:?} said twice writes more", goal.name()))?;
        }
    }
    Ok(())
}

pub(super) fn any_prefix_then_converge_reaches_the_same_selection(world: &mut World, choices: &[u8]) -> Judged {
    for goal in goals(world, choices) {
        let Ok(plan) = planned(world, world.registry(), &goal, &world.registry().listing().tags) else { continue };
        let whole = applied(world, &plan, plan.actions.len())?;
        for count in 0..plan.actions.len() {
            let stopped = applied(world, &plan, count)?;
            let mut finished = stopped.clone();
            finish(world, &mut finished, &plan.goal)?;
            let told = || format!("to {} was stopped after {count} of {} writes", goal.name(), plan.actions.len());
            same(&selections(world, &finished), &selections(world, &whole), told)?;
            // The rest of the plan is what is left to do of it, so applying it again is no drift.
            let rest = planned(world, &stopped, &plan.goal, &stopped.listing().tags);
            let covered = rest.as_ref().is_ok_and(|rest| file_of(world, &plan).covers(rest));
            same(&covered, &true, || format!("{}, and what is left is not its rest: {rest:?}", told()))?;
        }
    }
    Ok(())
}

pub(super) fn unknown_is_never_absent(world: &mut World, choices: &[u8]) -> Judged {
    let tags = world.registry().listing().tags;
    let known = |index: usize| {
        let byte = index.checked_div(8).and_then(|byte| choices.get(byte.checked_rem(choices.len())?));
        byte.is_some_and(|byte| (byte >> (index % 8)) & 1 == 1)
    };
    for goal in goals(world, choices) {
        let whole = planned(world, world.registry(), &goal, &tags);
        // However little is known at first, the answer is a question or the same plan, never another one.
        let mut snapshot = Snapshot::new(world.policy(), &tags);
        for (_, tag) in tags.iter().enumerate().filter(|(index, _)| known(*index)) {
            let query = Query::Tag(tag.clone());
            let reply = world.registry().reply(&query);
            snapshot.learn(query, reply);
        }
        match converge(&snapshot, world.policy(), &Request::new(&goal, NOW)) {
            Err(Stop::Needs(Needs(queries))) if !queries.is_empty() => {}
            other => same(&other, &whole, || format!("to {} is planned by what was not read", goal.name()))?,
        }
    }
    Ok(())
}

pub(super) fn duplicate_and_reordered_events_converge(world: &mut World, choices: &[u8]) -> Judged {
    world.settle();
    let picked = choices.iter().filter_map(|choice| pick(world.artifacts(), *choice));
    let events: Vec<Goal> = picked.map(|artifact| Goal::Promote(promotion(world.policy(), artifact, 0))).collect();
    let mut forwards = world.registry().clone();
    for event in &events {
        finish(world, &mut forwards, event)?;
    }
    let mut backwards = world.registry().clone();
    for event in events.iter().rev().chain(&events) {
        finish(world, &mut backwards, event)?;
    }
    let (one, two) = (selections(world, &forwards), selections(world, &backwards));
    same(&one, &two, || format!("{} events led elsewhere in another order", events.len()))
}

pub(super) fn integration_selects_the_newest_unrejected(world: &mut World, _: &[u8]) -> Judged {
    world.settle();
    selects_the_newest(world, 0)
}

pub(super) fn live_selects_the_newest_validated_unrejected(world: &mut World, _: &[u8]) -> Judged {
    world.settle();
    (1..=world.policy().last()).try_for_each(|stage| selects_the_newest(world, stage))
}

pub(super) fn a_new_build_can_go_live(world: &mut World, _: &[u8]) -> Judged {
    world.settle();
    let mut registry = world.registry().clone();
    let artifact = registry.push_artifact(&"f".repeat(40), "new");
    let mut goal = Goal::Build(Build::of(artifact));
    for (stage, index) in world.policy().stages().iter().zip(0..) {
        let outcome = finish(world, &mut registry, &goal)?;
        if Oracle::read(&registry, world.policy()).selected(index) != Some(artifact) {
            let name = &stage.name;
            let why = outcome.refusal.as_ref().map_or_else(|| "nobody says why".into(), reasons);
            return Err(format!("{name} does not come to select the new build {}: {why}", artifact.short()));
        }
        goal = Goal::Promote(promotion(world.policy(), artifact, index));
    }
    Ok(())
}

/// A refusal in one line.
fn reasons(refusal: &Refusal) -> String {
    let because = refusal.because.iter().map(|because| format!(": {}", reasons(because)));
    refusal.reason.message() + &because.collect::<String>()
}

fn selects_the_newest(world: &World, stage: u8) -> Judged {
    let oracle = Oracle::read(world.registry(), world.policy());
    oracle.broken_rule(stage).map_or(Ok(()), Err)
}

/// What somebody may want of the state.
fn goals(world: &World, choices: &[u8]) -> Vec<Goal> {
    let Some(artifact) = choices.first().and_then(|choice| pick(world.artifacts(), *choice)) else {
        return vec![Goal::Repair];
    };
    let initial = world.policy().initial();
    let version = Base { patch: initial.patch.saturating_add(7), ..initial };
    let promotion = promotion(world.policy(), artifact, 0);
    vec![
        Goal::Repair,
        Goal::Build(Build::of(artifact)),
        Goal::Build(Build { again: true, ..Build::of(artifact) }),
        Goal::Promote(promotion.clone()),
        Goal::Promote(Promote { version: Some(version), ..promotion }),
        Goal::Reject { artifact, reason: "bad".into() },
        Goal::Reopen { artifact, reason: "good".into() },
        Goal::Rollback { to: artifact, only: false },
        Goal::Rollback { to: artifact, only: true },
    ]
}

fn pick(artifacts: &[Digest], choice: u8) -> Option<Digest> {
    artifacts.get(usize::from(choice).checked_rem(artifacts.len())?).copied()
}

/// A promotion out of a stage with the evidence that its gate asks for.
fn promotion(policy: &Policy, artifact: Digest, stage: u8) -> Promote {
    let stage = policy.stages().get(usize::from(stage));
    let kinds = stage.map(|stage| stage.gate.evidence.clone()).unwrap_or_default();
    let manual = Evidence::manual(artifact, "an event", NOW);
    let of_each_kind: Vec<Evidence> = kinds.into_iter().map(|kind| Evidence { kind, ..manual.clone() }).collect();
    // A gate that asks for nothing asks for a person.
    let evidence = if of_each_kind.is_empty() { vec![manual] } else { of_each_kind };
    Promote { artifact, evidence, stage: stage.map(|stage| stage.name.clone()), version: None }
}

/// The plan from this listing; every need is answered from the registry.
fn planned(world: &World, registry: &MemoryRegistry, goal: &Goal, listing: &[Tag]) -> Result<Plan, Stop> {
    let mut snapshot = Snapshot::new(world.policy(), listing);
    loop {
        match converge(&snapshot, world.policy(), &Request::new(goal, NOW)) {
            Err(Stop::Needs(Needs(queries))) if !queries.is_empty() => {
                for query in queries {
                    let reply = registry.reply(&query);
                    snapshot.learn(query, reply);
                }
            }
            other => return other,
        }
    }
}

fn file_of(world: &World, plan: &Plan) -> PlanFile {
    let repository = Repository::Layout { path: "memory".into() };
    PlanFile::new(repository, world.policy().hash(), plan)
}

fn finish(world: &World, registry: &mut MemoryRegistry, goal: &Goal) -> Result<Outcome, String> {
    let executor = Executor::new(world.policy().clone(), goal.clone());
    drive_in_memory(registry, executor, NOW).map_err(|error| format!("{error}"))
}

fn applied(world: &World, plan: &Plan, count: usize) -> Result<MemoryRegistry, String> {
    let mut registry = world.registry().clone();
    for action in plan.actions.iter().take(count) {
        registry.put(&action.tag, action.digest, action.expect).map_err(|error| format!("{error}"))?;
    }
    Ok(registry)
}

fn selections(world: &World, registry: &MemoryRegistry) -> Vec<Option<Digest>> {
    let oracle = Oracle::read(registry, world.policy());
    (0..=world.policy().last()).map(|stage| oracle.selected(stage)).collect()
}

fn same<T: PartialEq + core::fmt::Debug>(found: &T, wanted: &T, otherwise: impl Fn() -> String) -> Judged {
    if found == wanted { Ok(()) } else { Err(format!("{}: {found:?} instead of {wanted:?}", otherwise())) }
}
