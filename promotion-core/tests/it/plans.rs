//! What a plan costs to make.

use promotion_core::Digest;
use promotion_core::converge::{Request, Stop, converge};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Action, Build, Goal, Plan, PlanFile, PlanFileError, PlannedAction, Why};
use promotion_core::policy::Policy;
use promotion_core::ports::Expect;
use promotion_core::snapshot::{Needs, Query, Snapshot};
use promotion_core::time::Timestamp;
use proptest::prelude::*;

use crate::scene::{NOW, Scene, cases};

/// Answers every need from the registry; also what was asked, in order.
fn planned(registry: &MemoryRegistry, policy: &Policy, goal: &Goal) -> (Result<Plan, Stop>, Vec<Query>) {
    let mut snapshot = Snapshot::new(policy, &registry.listing().tags);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(150), ..ProptestConfig::default() })]

    #[test]
    fn what_must_be_read_does_not_grow_with_the_repository(released in 1..60_usize) {
        let mut scene = Scene::new();
        for build in 0..released {
            let artifact = scene.build(&format!("{build:07x}"));
            scene.promote(artifact);
        }
        let newest = scene.build("fffffff");
        let goal = Goal::Promote(Scene::promotion(newest));
        let (plan, asked) = planned(&scene.registry, &scene.policy, &goal);
        prop_assert_eq!(plan.unwrap().actions.len(), 2);
        // Its candidate, marks and manifest, and the same of what live runs: whatever lies below is not read.
        prop_assert!(asked.len() <= 14, "{} queries: {:#?}", asked.len(), asked);
    }
}

#[test]
fn what_a_goal_says_is_said_once() {
    let mut scene = Scene::new();
    let [one, two, three] = ["aaaaaaa", "bbbbbbb", "ccccccc"].map(|commit| scene.build(commit));
    scene.promote(one);
    scene.promote(two);
    scene.reject(three);
    let reason = || "because".to_owned();
    let goals = [
        Goal::Build(Build { again: true, ..Build::of(one) }),
        Goal::Promote(Scene::promotion(three)),
        Goal::Promote(Scene::promotion(one)),
        Goal::Reject { artifact: two, reason: reason() },
        Goal::Reopen { artifact: three, reason: reason() },
        Goal::Rollback { to: one, only: false },
        Goal::RejectAll { to: one, artifacts: vec![two] },
    ];
    for goal in goals {
        let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
        let request = Request { stated: true, ..Request::new(&goal, Timestamp::from_unix(NOW)) };
        let plan = loop {
            match converge(&snapshot, &scene.policy, &request) {
                Err(Stop::Needs(Needs(queries))) => queries.into_iter().for_each(|query| {
                    let reply = scene.registry.reply(&query);
                    snapshot.learn(query, reply);
                }),
                Err(Stop::Refused(refusal)) => panic!("{}: {refusal:?}", goal.name()),
                Ok(plan) => break plan,
            }
        };
        let facts = plan
            .actions
            .iter()
            .filter(|action| matches!(action.why, Why::Birth | Why::Evidence { .. } | Why::Rejection | Why::Reopening));
        assert_eq!(facts.count(), 0, "{}: {:?}", goal.name(), plan.actions);
    }
}

#[test]
fn goals_are_called_as_the_commands_are() {
    let artifact = promotion_core::Digest::of(b"artifact");
    let reason = || "because".to_owned();
    let named = [
        (Goal::Build(Build::of(artifact)), "build"),
        (Goal::Promote(Scene::promotion(artifact)), "promote"),
        (Goal::Reject { artifact, reason: reason() }, "reject"),
        (Goal::Reopen { artifact, reason: reason() }, "reopen"),
        (Goal::Rollback { to: artifact, only: true }, "rollback"),
        (Goal::RejectAll { to: artifact, artifacts: vec![] }, "rollback"),
        (Goal::Repair, "repair"),
    ];
    for (goal, name) in named {
        assert_eq!(goal.name(), name);
    }
}

#[test]
fn a_plan_file_is_what_was_written_or_says_why_not() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let plan = planned(&scene.registry, &scene.policy, &Goal::Promote(Scene::promotion(artifact))).0.unwrap();
    let file = PlanFile::new("oci://ghcr.io/acme/platform".parse().unwrap(), scene.policy.hash(), &plan);
    let written = serde_json::to_value(&file).unwrap();
    let read = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = written.clone();
        change(&mut changed);
        PlanFile::parse(changed.to_string().as_bytes())
    };
    assert_eq!(read(&|_| ()), Ok(file));
    assert!(matches!(read(&|file| file["schema"] = "promotion/v2".into()), Err(PlanFileError::Schema { .. })));
    assert!(matches!(read(&|file| file["kind"] = "Board".into()), Err(PlanFileError::Schema { .. })));
    assert!(matches!(read(&|file| file["actions"] = serde_json::json!([])), Err(PlanFileError::Hash { .. })));
    assert!(matches!(read(&|file| file["policy_hash"] = artifact.to_string().into()), Err(PlanFileError::Hash { .. })));
    assert!(matches!(read(&|file| file["actions"] = 1.into()), Err(PlanFileError::Json(_))));
    assert!(matches!(PlanFile::parse(b"{"), Err(PlanFileError::Json(_))));
}

#[test]
fn a_planned_write_fits_what_it_expects_and_what_it_would_write() {
    let [one, two, three] = ["one", "two", "three"].map(|text| Digest::of(text.as_bytes()));
    let fits = |expect: Expect, found: Option<Digest>| {
        let write = Action { tag: "0.1.0".parse().unwrap(), digest: one, expect, why: Why::Lift };
        PlannedAction::from(&write).fits(found)
    };
    for (expect, others) in [
        (Expect::Absent, [(None, true), (Some(two), false), (Some(three), false)]),
        (Expect::Equals(two), [(None, false), (Some(two), true), (Some(three), false)]),
        (Expect::Any, [(None, true), (Some(two), true), (Some(three), true)]),
    ] {
        assert!(fits(expect, Some(one)), "{expect:?}: it is written already");
        for (found, fitting) in others {
            assert_eq!(fits(expect, found), fitting, "{expect:?} finds {found:?}");
        }
    }
}
