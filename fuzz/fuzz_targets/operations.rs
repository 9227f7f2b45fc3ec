//! Random histories of actors that overtake each other and crash converge, and break no law on the way.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use promotion_core::policy::Policy;
use promotion_core::testing::laws::{Histories, Law};
use promotion_core::testing::world::{Op, Violation, World};
use promotion_fuzz::ops::{decode, three_stages};

static TWO: LazyLock<Policy> = LazyLock::new(Policy::default);
static THREE: LazyLock<Policy> = LazyLock::new(three_stages);

fuzz_target!(|bytes: &[u8]| {
    let history = decode(bytes);
    let policy = if history.three_stages { THREE.clone() } else { TWO.clone() };
    let mut world = World::new(policy, history.mode);
    world.run(&history.ops);
    world.settle();
    let meddled = history.ops.iter().any(|op| matches!(op, Op::ByHand { .. } | Op::Stranger { .. }));
    // Some laws hold even when releases are made by hand and strangers' tags come and go.
    let always = |law: &str| Law::named(law).is_some_and(|law| law.histories == Histories::WithStrangers);
    let promised = |violation: &&Violation| !meddled || always(violation.law);
    let broken: Vec<_> = world.violations().iter().filter(promised).collect();
    assert!(broken.is_empty(), "{broken:#?}\n{history:#?}\n{}", world.trace().join("\n"));
});
