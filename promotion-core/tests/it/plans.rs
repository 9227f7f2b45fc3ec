//! What a plan costs to make.

use promotion_core::converge::{Request, Stop, converge};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Goal, Plan};
use promotion_core::policy::Policy;
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
