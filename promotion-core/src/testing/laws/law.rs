//! Every law: its name, its sentence, and where it holds.
//!
//! ```
//! use promotion_core::testing::laws::LAWS;
//!
//! for law in LAWS {
//!     println!("{}: {}", law.id, law.promise);
//! }
//! ```

use super::plans;
use super::{Histories, Judge, Law};
use crate::testing::world::Mode;

/// Whatever keeps writers apart, or nothing.
const EVERYWHERE: &[Mode] = &[Mode::Locked, Mode::CompareAndSwap, Mode::Registers];
/// Where a tag that somebody else wrote meanwhile is not overwritten.
const GUARDED: &[Mode] = &[Mode::Locked, Mode::CompareAndSwap];
/// One actor at a time.
const LOCKED: &[Mode] = &[Mode::Locked];

const fn always(id: &'static str, promise: &'static str, modes: &'static [Mode], histories: Histories) -> Law {
    Law { id, promise, modes, histories, judge: Judge::World }
}

const fn of_a_state(id: &'static str, promise: &'static str, judge: plans::JudgeState) -> Law {
    // A plan is made from what is there, however it came to be.
    Law { id, promise, modes: &[Mode::CompareAndSwap], histories: Histories::Ordinary, judge: Judge::State(judge) }
}

macro_rules! laws {
    ($($name:ident = $law:expr;)*) => {
        $(pub(crate) const $name: Law = $law;)*

        /// Every law, those of whole histories first.
        pub const LAWS: &[Law] = &[$($name),*];
    };
}

laws! {
    LIVE_IMPLIES_EVIDENCE_FOR_THAT_DIGEST = always(
        "live_implies_evidence_for_that_digest",
        "a stage selects only what was shown to be good, by its digest, in the stage before",
        EVERYWHERE,
        Histories::WithStrangers,
    );
    LIVE_NEVER_SELECTS_A_PRERELEASE = always(
        "live_never_selects_a_prerelease",
        "the last stage selects releases only",
        EVERYWHERE,
        Histories::WithStrangers,
    );
    FACTS_NEVER_MOVE = always(
        "facts_never_move",
        "a tag that says something of an artifact never says it of another",
        GUARDED,
        Histories::Ordinary,
    );
    BYTES_ARE_IDENTICAL = always(
        "bytes_are_identical",
        "a promoted artifact has the bytes that were built",
        EVERYWHERE,
        Histories::Ordinary,
    );
    FOREIGN_TAGS_ARE_UNTOUCHED = always(
        "foreign_tags_are_untouched",
        "a tag that is not the pipeline's stays as it is",
        EVERYWHERE,
        Histories::WithStrangers,
    );
    RELEASE_IS_A_STRIPPED_CANDIDATE_OF_THE_SAME_DIGEST = always(
        "release_is_a_stripped_candidate_of_the_same_digest",
        "what a stage is given was a candidate of the same number and the same bytes before",
        GUARDED,
        Histories::Ordinary,
    );
    RELEASES_ONLY_GO_UP = always(
        "releases_only_go_up",
        "a release is written above every release",
        LOCKED,
        Histories::Ordinary,
    );
    INTEGRATION_NEVER_STEPS_BACK = always(
        "integration_never_steps_back",
        "the first stage never selects something older, unless what it selected was rejected",
        LOCKED,
        Histories::Ordinary,
    );
    LIVE_NEVER_STEPS_BACK = always(
        "live_never_steps_back",
        "a later stage never selects something older, unless what it selected was rejected",
        GUARDED,
        Histories::Ordinary,
    );
    NOTHING_REJECTED_IS_NEWLY_SELECTED = always(
        "nothing_rejected_is_newly_selected",
        "no version makes a stage select what is rejected",
        LOCKED,
        Histories::Ordinary,
    );
    WHAT_IS_NEWLY_SELECTED_IS_ADMITTED = always(
        "what_is_newly_selected_is_admitted",
        "no version makes a stage select what is not admitted to it",
        LOCKED,
        Histories::WithStrangers,
    );
    DONE_MEANS_DONE = always(
        "done_means_done",
        "whoever reports success leaves every stage with what it should select",
        LOCKED,
        Histories::Ordinary,
    );
    ACTORS_COME_TO_AN_END = always(
        "actors_come_to_an_end",
        "nobody goes on for ever, however they overtake each other",
        EVERYWHERE,
        Histories::WithStrangers,
    );
    ACTORS_CONVERGE = always(
        "actors_converge",
        "nobody gives up, however they overtake each other",
        GUARDED,
        Histories::WithStrangers,
    );
    WHOEVER_STOPS_LAST_LEAVES_IT_RIGHT = always(
        "whoever_stops_last_leaves_it_right",
        "once everybody has ended without a crash, every stage selects what it should",
        GUARDED,
        Histories::WithoutCrashes,
    );
    REPAIR_MAKES_THE_RULES_TRUE = always(
        "repair_makes_the_rules_true",
        "after a repair every stage selects what it should, whatever happened before",
        EVERYWHERE,
        Histories::WithStrangers,
    );
    AUDIT_FINDS_NOTHING_AFTER_REPAIR = always(
        "audit_finds_nothing_after_repair",
        "an audit after a repair finds nothing that is wrong",
        GUARDED,
        Histories::WithStrangers,
    );
    INTEGRATION_SELECTS_THE_NEWEST_UNREJECTED = of_a_state(
        "integration_selects_the_newest_unrejected",
        "the first stage comes to select the newest artifact that nobody rejected",
        plans::integration_selects_the_newest_unrejected,
    );
    LIVE_SELECTS_THE_NEWEST_VALIDATED_UNREJECTED = of_a_state(
        "live_selects_the_newest_validated_unrejected",
        "each later stage comes to select the newest validated artifact that nobody rejected, unless it runs a newer one",
        plans::live_selects_the_newest_validated_unrejected,
    );
    A_NEW_BUILD_CAN_GO_LIVE = of_a_state(
        "a_new_build_can_go_live",
        "whatever happened, a new build with evidence reaches the last stage",
        plans::a_new_build_can_go_live,
    );
    PLAN_IS_DETERMINISTIC = of_a_state(
        "plan_is_deterministic",
        "the same repository and the same wish give the same plan",
        plans::plan_is_deterministic,
    );
    CONVERGED_PLAN_IS_EMPTY = of_a_state(
        "converged_plan_is_empty",
        "saying the same again writes nothing",
        plans::converged_plan_is_empty,
    );
    ANY_PREFIX_THEN_CONVERGE_REACHES_THE_SAME_SELECTION = of_a_state(
        "any_prefix_then_converge_reaches_the_same_selection",
        "whoever finishes what a crash left arrives where the plan was going",
        plans::any_prefix_then_converge_reaches_the_same_selection,
    );
    UNKNOWN_IS_NEVER_ABSENT = of_a_state(
        "unknown_is_never_absent",
        "what was not read is asked for and never taken as missing",
        plans::unknown_is_never_absent,
    );
    DUPLICATE_AND_REORDERED_EVENTS_CONVERGE = of_a_state(
        "duplicate_and_reordered_events_converge",
        "events that come twice or in another order lead to the same selection",
        plans::duplicate_and_reordered_events_converge,
    );
}
