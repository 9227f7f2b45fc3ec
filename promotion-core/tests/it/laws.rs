//! The guarantees of the model, each a property by its name, over random histories of actors that overtake each other
//! and crash.

use promotion_core::policy::Policy;
use promotion_core::testing::strategies::{ops, ops_with_strangers, ops_without_crashes};
use promotion_core::testing::world::{Mode, Op, World};
use proptest::prelude::*;

use crate::scene::cases;

const CASES: u32 = 400;

fn check(policy: Policy, mode: Mode, ops: &[Op], laws: &[&str]) -> Result<(), TestCaseError> {
    let mut world = World::new(policy, mode);
    world.run(ops);
    world.settle();
    let broken: Vec<_> = world.violations().iter().filter(|violation| laws.contains(&violation.law)).collect();
    prop_assert!(broken.is_empty(), "{broken:#?}\n{}", world.trace().join("\n"));
    Ok(())
}

macro_rules! laws {
    ($($name:ident: $modes:expr, $ops:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: cases(CASES), ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(ops in $ops) {
                    for mode in $modes {
                        check(Policy::default(), mode, &ops, &[stringify!($name)])?;
                    }
                }
            )*
        }

        /// Stages are configuration: the same laws, one more stage.
        mod three_stages {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig { cases: cases(CASES / 2), ..ProptestConfig::default() })]
                $(
                    #[test]
                    fn $name(ops in $ops) {
                        for mode in $modes {
                            check(crate::scene::three_stages(), mode, &ops, &[stringify!($name)])?;
                        }
                    }
                )*
            }
        }
    };
}

const ALL: [Mode; 3] = [Mode::Locked, Mode::CompareAndSwap, Mode::Registers];

laws! {
    facts_never_move: ALL, ops(40);
    bytes_are_identical: ALL, ops(40);
    release_is_a_stripped_candidate_of_the_same_digest: ALL, ops(40);
    releases_only_go_up: ALL, ops(40);
    live_never_selects_a_prerelease: ALL, ops_with_strangers(40);
    live_implies_evidence_for_that_digest: ALL, ops_with_strangers(40);
    foreign_tags_are_untouched: ALL, ops_with_strangers(40);
    integration_never_steps_back: ALL, ops(40);
    live_never_steps_back: ALL, ops(40);
    nothing_rejected_is_newly_selected: ALL, ops(40);
    what_is_newly_selected_is_admitted: ALL, ops_with_strangers(40);
    done_means_done: ALL, ops(40);
    whoever_stops_last_leaves_it_right: ALL, ops_without_crashes(40);
    repair_makes_the_rules_true: ALL, ops_with_strangers(40);
    audit_finds_nothing_after_repair: ALL, ops_with_strangers(40);
    actors_come_to_an_end: ALL, ops_with_strangers(40);
}
