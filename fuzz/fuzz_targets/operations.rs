//! Random histories of actors that overtake each other and crash converge, and break no law on the way.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use promotion_core::policy::Policy;
use promotion_core::testing::world::{Op, Violation, World};
use promotion_fuzz::ops::{decode, three_stages};

static TWO: LazyLock<Policy> = LazyLock::new(Policy::default);
static THREE: LazyLock<Policy> = LazyLock::new(three_stages);

/// What is promised even when releases are made by hand and strangers' tags come and go.
const ALWAYS: [&str; 5] = [
    "live_never_selects_a_prerelease",
    "live_implies_evidence_for_that_digest",
    "foreign_tags_are_untouched",
    "repair_makes_the_rules_true",
    "actors_come_to_an_end",
];

fuzz_target!(|bytes: &[u8]| {
    let history = decode(bytes);
    let policy = if history.three_stages { THREE.clone() } else { TWO.clone() };
    let mut world = World::new(policy, history.mode);
    world.run(&history.ops);
    world.settle();
    let meddled = history.ops.iter().any(|op| matches!(op, Op::ByHand { .. } | Op::Stranger { .. }));
    let promised = |violation: &&Violation| !meddled || ALWAYS.contains(&violation.law);
    let broken: Vec<_> = world.violations().iter().filter(promised).collect();
    assert!(broken.is_empty(), "{broken:#?}\n{history:#?}\n{}", world.trace().join("\n"));
});
