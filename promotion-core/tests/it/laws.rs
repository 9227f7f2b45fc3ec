//! The guarantees of the model, each a property by its name, over random histories of actors that overtake each other
//! and crash, under several policies.

use std::collections::BTreeSet;

use promotion_core::policy::Policy;
use promotion_core::testing::laws::{LAWS, Law};

use crate::scene::{search, three_stages};

const CASES: u32 = 400;

#[track_caller]
fn keeps(law: &str, policy: &Policy, cases: u32) {
    let (law, search) = (Law::named(law).unwrap(), search(cases));
    if let Err(found) = law.check(policy, &search) {
        panic!(
            "{found}\nagain: PROPTEST_RNG_SEED={} PROPTEST_CASES={} cargo test -p promotion-core --test it {}",
            search.seed, search.cases, law.id
        );
    }
}

macro_rules! laws {
    ($($name:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                keeps(stringify!($name), &Policy::default(), CASES);
            }
        )*

        /// Stages are configuration: the same laws, one more stage.
        mod three_stages {
            $(
                #[test]
                fn $name() {
                    super::keeps(stringify!($name), &super::three_stages(), super::CASES / 2);
                }
            )*
        }
    };
}

laws! {
    live_implies_evidence_for_that_digest
    live_never_selects_a_prerelease
    facts_never_move
    bytes_are_identical
    foreign_tags_are_untouched
    release_is_a_stripped_candidate_of_the_same_digest
    releases_only_go_up
    integration_never_steps_back
    live_never_steps_back
    nothing_rejected_is_newly_selected
    what_is_newly_selected_is_admitted
    done_means_done
    actors_come_to_an_end
    actors_converge
    whoever_stops_last_leaves_it_right
    repair_makes_the_rules_true
    audit_finds_nothing_after_repair
    integration_selects_the_newest_unrejected
    live_selects_the_newest_validated_unrejected
    a_new_build_can_go_live
    plan_is_deterministic
    converged_plan_is_empty
    any_prefix_then_converge_reaches_the_same_selection
    unknown_is_never_absent
    duplicate_and_reordered_events_converge
}

#[test]
fn every_law_is_tested() {
    let laws: BTreeSet<&str> = LAWS.iter().map(|law| law.id).collect();
    assert_eq!(laws, TESTED.iter().copied().collect());
    assert_eq!(laws.len(), LAWS.len(), "two laws of one name");
}
