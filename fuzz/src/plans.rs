//! Repositories that plans can be applied to.

use promotion_core::evidence::Evidence;
use promotion_core::executor::{Executor, drive_in_memory};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::Policy;
use promotion_core::time::Timestamp;

/// When plans are applied.
pub const NOW: i64 = 1_800_000_000;

/// One with content alone, one with two candidates, and one whose older candidate was released.
pub fn registries(policy: &Policy) -> Vec<MemoryRegistry> {
    let mut registry = MemoryRegistry::default();
    let artifacts = ["a1", "b2"].map(|commit| registry.push_artifact(&commit.repeat(20), "one"));
    let mut registries = vec![registry.clone()];
    let mut pursue = |goals: &[Goal]| {
        for goal in goals {
            let executor = Executor::new(policy.clone(), goal.clone());
            drive_in_memory(&mut registry, executor, Timestamp::from_unix(NOW)).expect("nothing fails in memory");
        }
        registries.push(registry.clone());
    };
    pursue(&artifacts.map(|artifact| Goal::Build(Build::of(artifact))));
    let evidence = vec![Evidence::manual(artifacts[0], "checked by hand", Timestamp::from_unix(NOW))];
    pursue(&[Goal::Promote(Promote { artifact: artifacts[0], evidence, stage: None, version: None })]);
    registries
}
