//! The guarantees of single plans, from the states that random histories leave behind.

use promotion_core::converge::{Request, Stop, converge};
use promotion_core::executor::{Executor, OutcomeKind, drive_in_memory};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Build, Goal, Plan, PlanFile, Promote};
use promotion_core::policy::Policy;
use promotion_core::snapshot::{Needs, Query, Snapshot};
use promotion_core::testing::oracle::Oracle;
use promotion_core::testing::strategies::ops;
use promotion_core::testing::world::{Mode, Op, World};
use promotion_core::time::Timestamp;
use promotion_core::{Digest, Repository, Tag};
use proptest::prelude::*;

use crate::scene::{NOW, Scene, cases, three_stages};

/// The registry that a history leaves, crashed actors and all.
fn state(policy: &Policy, history: &[Op]) -> World {
    let mut world = World::new(policy.clone(), Mode::CompareAndSwap);
    world.run(history);
    world
}

/// What somebody may want of that state.
fn goals(world: &World, pick: usize) -> Vec<Goal> {
    let Some(artifact) = world.artifacts().get(pick % world.artifacts().len().max(1)).copied() else {
        return vec![Goal::Repair];
    };
    let promotion = Promote { stage: Some(world.policy().stages()[0].name.clone()), ..Scene::promotion(artifact) };
    vec![
        Goal::Repair,
        Goal::Build(Build::of(artifact)),
        Goal::Build(Build { again: true, ..Build::of(artifact) }),
        Goal::Promote(promotion.clone()),
        Goal::Promote(Promote { version: Some("0.1.7".parse().unwrap()), ..promotion }),
        Goal::Reject { artifact, reason: "bad".into() },
        Goal::Reopen { artifact, reason: "good".into() },
        Goal::Rollback { to: artifact, only: false },
        Goal::Rollback { to: artifact, only: true },
    ]
}

/// Answers every need from the registry; also what was asked, in order.
fn planned(
    registry: &MemoryRegistry,
    policy: &Policy,
    goal: &Goal,
    listing: &[Tag],
) -> (Result<Plan, Stop>, Vec<Query>) {
    let mut snapshot = Snapshot::new(policy, listing);
    let request = Request::new(goal, Timestamp::from_unix(NOW));
    let mut asked = Vec::new();
    loop {
        match converge(&snapshot, policy, &request) {
            Err(Stop::Needs(Needs(queries))) => {
                assert!(!queries.is_empty(), "a need that names nothing");
                for query in queries {
                    let reply = registry.reply(&query);
                    asked.push(query.clone());
                    snapshot.learn(query, reply);
                }
            }
            other => return (other, asked),
        }
    }
}

fn listing(registry: &MemoryRegistry) -> Vec<Tag> {
    registry.listing().tags
}

fn selections(registry: &MemoryRegistry, policy: &Policy) -> Vec<Option<Digest>> {
    let oracle = Oracle::read(registry, policy);
    (0..=policy.last()).map(|stage| oracle.selected(stage)).collect()
}

fn finish(registry: &mut MemoryRegistry, policy: &Policy, goal: &Goal) -> promotion_core::executor::Outcome {
    let executor = Executor::new(policy.clone(), goal.clone());
    drive_in_memory(registry, executor, Timestamp::from_unix(NOW)).unwrap()
}

fn apply(registry: &mut MemoryRegistry, plan: &Plan, count: usize) {
    for action in &plan.actions[..count] {
        registry.put(&action.tag, action.digest, action.expect).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(150), ..ProptestConfig::default() })]

    #[test]
    fn plan_is_deterministic(history in ops(30), pick: usize, three: bool) {
        let policy = if three { three_stages() } else { Policy::default() };
        let world = state(&policy, &history);
        let forwards = listing(world.registry());
        let mut shuffled: Vec<Tag> = forwards.iter().rev().cloned().collect();
        shuffled.extend(forwards.iter().take(3).cloned());
        for goal in goals(&world, pick) {
            let (one, _) = planned(world.registry(), &policy, &goal, &forwards);
            let (two, _) = planned(world.registry(), &policy, &goal, &shuffled);
            prop_assert_eq!(&one, &two);
            if let Ok(plan) = one {
                let repository: Repository = "ocidir://x".parse().unwrap();
                let file = PlanFile::new(repository, policy.hash(), &plan);
                let json = serde_json::to_vec(&file).unwrap();
                prop_assert_eq!(PlanFile::parse(&json).unwrap(), file);
            }
        }
    }

    #[test]
    fn converged_plan_is_empty(history in ops(30), pick: usize, three: bool) {
        let policy = if three { three_stages() } else { Policy::default() };
        let world = state(&policy, &history);
        for goal in goals(&world, pick) {
            let mut registry = world.registry().clone();
            let first = finish(&mut registry, &policy, &goal);
            // A refusal writes nothing, so it mends nothing either; whoever writes converges to the end.
            if first.kind == OutcomeKind::Refused && first.writes.is_empty() {
                continue;
            }
            let again = finish(&mut registry, &policy, &Goal::Repair);
            prop_assert!(again.writes.is_empty(), "{:?} left {:?}", goal, again);
            // A goal that was reached is reached: saying it again changes nothing.
            if matches!(first.kind, OutcomeKind::Done | OutcomeKind::AlreadyDone | OutcomeKind::Superseded) {
                let again = finish(&mut registry, &policy, &goal);
                prop_assert!(again.writes.is_empty(), "{:?} twice: {:?}", goal, again);
            }
        }
    }

    #[test]
    fn any_prefix_then_converge_reaches_the_same_selection(history in ops(30), pick: usize, three: bool) {
        let policy = if three { three_stages() } else { Policy::default() };
        let world = state(&policy, &history);
        for goal in goals(&world, pick) {
            let (Ok(plan), _) = planned(world.registry(), &policy, &goal, &listing(world.registry())) else { continue };
            let mut whole = world.registry().clone();
            apply(&mut whole, &plan, plan.actions.len());
            for count in 0..plan.actions.len() {
                let mut crashed = world.registry().clone();
                apply(&mut crashed, &plan, count);
                finish(&mut crashed, &policy, &plan.goal);
                prop_assert_eq!(
                    selections(&crashed, &policy), selections(&whole, &policy), "{:#?} stopped after {}", plan, count
                );
                // The rest of the plan is what is left to do of it, so applying it again is no drift.
                let mut again = world.registry().clone();
                apply(&mut again, &plan, count);
                let (rest, _) = planned(&again, &policy, &plan.goal, &listing(&again));
                let file = PlanFile::new("ocidir://x".parse().unwrap(), policy.hash(), &plan);
                prop_assert!(file.covers(&rest.clone().unwrap()), "{:#?} after {} is {:#?}", plan, count, rest);
            }
        }
    }

    #[test]
    fn unknown_is_never_absent(history in ops(30), pick: usize, known: u64) {
        let policy = Policy::default();
        let world = state(&policy, &history);
        for goal in goals(&world, pick) {
            let (whole, _) = planned(world.registry(), &policy, &goal, &listing(world.registry()));
            // However little is known at first, the answer is a question or the same plan, never another one.
            let mut snapshot = Snapshot::new(&policy, &listing(world.registry()));
            for (index, tag) in listing(world.registry()).into_iter().enumerate() {
                if known >> (index % 64) & 1 == 1 {
                    let query = Query::Tag(tag);
                    let reply = world.registry().reply(&query);
                    snapshot.learn(query, reply);
                }
            }
            match converge(&snapshot, &policy, &Request::new(&goal, Timestamp::from_unix(NOW))) {
                Err(Stop::Needs(Needs(queries))) => prop_assert!(!queries.is_empty()),
                other => prop_assert_eq!(other, whole),
            }
        }
    }

    #[test]
    fn duplicate_and_reordered_events_converge(history in ops(30), order in prop::collection::vec(any::<u8>(), 1..12)) {
        let policy = Policy::default();
        let mut world = state(&policy, &history);
        world.settle();
        let events: Vec<Goal> = order
            .iter()
            .filter_map(|pick| world.artifacts().get(usize::from(*pick) % world.artifacts().len().max(1)))
            .map(|artifact| Goal::Promote(Scene::promotion(*artifact)))
            .collect();
        let mut forwards = world.registry().clone();
        events.iter().for_each(|goal| { finish(&mut forwards, &policy, goal); });
        let mut backwards = world.registry().clone();
        events.iter().rev().chain(&events).for_each(|goal| { finish(&mut backwards, &policy, goal); });
        prop_assert_eq!(selections(&forwards, &policy), selections(&backwards, &policy));
    }

    #[test]
    fn integration_selects_the_newest_unrejected(history in ops(30)) {
        let policy = Policy::default();
        let mut world = state(&policy, &history);
        world.settle();
        let oracle = Oracle::read(world.registry(), &policy);
        if oracle.newest(0).is_some() {
            prop_assert_eq!(oracle.selected(0), oracle.newest(0));
        }
    }

    #[test]
    fn live_selects_the_newest_validated_unrejected(history in ops(30)) {
        let policy = Policy::default();
        let mut world = state(&policy, &history);
        world.settle();
        let oracle = Oracle::read(world.registry(), &policy);
        if oracle.newest(1).is_some() {
            prop_assert_eq!(oracle.selected(1), oracle.newest(1));
        }
    }

    #[test]
    fn what_must_be_read_does_not_grow_with_the_repository(released in 1..60_usize) {
        let mut scene = Scene::new();
        for build in 0..released {
            let artifact = scene.build(&format!("{build:07x}"));
            scene.promote(artifact);
        }
        let newest = scene.build("fffffff");
        let goal = Goal::Promote(Scene::promotion(newest));
        let (plan, asked) = planned(&scene.registry, &scene.policy, &goal, &listing(&scene.registry));
        prop_assert_eq!(plan.unwrap().actions.len(), 2);
        // Its candidate, marks and manifest, and the same of what live runs: whatever lies below is not read.
        prop_assert!(asked.len() <= 14, "{} queries: {:#?}", asked.len(), asked);
    }
}
