//! Histories over small domains, so that actors meet.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::testing::world::{Given, Intent, Op};

/// Histories of builders, promoters and people with crashes, at most `len` operations long.
pub fn ops(len: usize) -> impl Strategy<Value = Vec<Op>> {
    vec(
        prop_oneof![
            4 => intent().prop_map(Op::Start),
            8 => step(),
            1 => any::<u8>().prop_map(|actor| Op::Crash { actor }),
        ],
        0..=len,
    )
}

/// [`ops`] without crashes.
pub fn ops_without_crashes(len: usize) -> impl Strategy<Value = Vec<Op>> {
    vec(
        prop_oneof![
            4 => intent().prop_map(Op::Start),
            8 => step(),
        ],
        0..=len,
    )
}

/// [`ops`] with releases made by hand and tags that are not ours.
pub fn ops_with_strangers(len: usize) -> impl Strategy<Value = Vec<Op>> {
    vec(
        prop_oneof![
            6 => intent().prop_map(Op::Start),
            8 => step(),
            1 => any::<u8>().prop_map(|actor| Op::Crash { actor }),
            1 => any::<u8>().prop_map(|artifact| Op::ByHand { artifact }),
            1 => any::<u8>().prop_map(|which| Op::Stranger { which }),
        ],
        0..=len,
    )
}

/// A few requests of one actor, or enough for it to end.
fn step() -> impl Strategy<Value = Op> {
    let steps = prop_oneof![2 => 1..12_u8, 1 => Just(60_u8)];
    (any::<u8>(), steps).prop_map(|(actor, steps)| Op::Step { actor, steps })
}

/// What an actor may want.
pub fn intent() -> impl Strategy<Value = Intent> {
    let given = prop_oneof![
        8 => Just(Given::Right),
        1 => Just(Given::OfAnother),
        1 => Just(Given::Stale),
        1 => Just(Given::Nothing),
        1 => Just(Given::Manual),
    ];
    // Around where numbers get another digit: text would order them otherwise.
    let number = prop_oneof![9 => Just(None), 1 => (8..12_u8).prop_map(Some)];
    let version = prop_oneof![9 => Just(None), 1 => (0..6_u8).prop_map(Some)];
    prop_oneof![
        6 => (0..4_u8, 0..2_u8, number, prop::bool::weighted(0.15))
            .prop_map(|(commit, content, number, again)| Intent::Build { commit, content, number, again }),
        8 => (any::<u8>(), any::<u8>(), given, version).prop_map(|(artifact, stage, evidence, version)| {
            Intent::Promote { artifact, stage, evidence, version }
        }),
        2 => any::<u8>().prop_map(|artifact| Intent::Reject { artifact }),
        1 => any::<u8>().prop_map(|artifact| Intent::Reopen { artifact }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(to, only)| Intent::Rollback { to, only }),
        1 => Just(Intent::Repair),
    ]
}
