//! What is shown of a repository costs what is shown, not what the repository holds.

use std::collections::BTreeSet;

use promotion_core::board::{Wanted, artifacts, board, newest_artifacts};
use promotion_core::memory::MemoryRegistry;
use promotion_core::policy::Policy;
use promotion_core::snapshot::{Needs, Snapshot};
use promotion_core::testing::strategies::ops;
use promotion_core::testing::world::{Mode, World};
use proptest::prelude::*;

use crate::scene::{Scene, cases};

/// The answer; how many things were asked, and in how many rounds.
fn asked<T>(
    registry: &MemoryRegistry,
    policy: &Policy,
    question: impl Fn(&Snapshot) -> Result<T, Needs>,
) -> (T, usize, usize) {
    let mut snapshot = Snapshot::new(policy, &registry.listing().tags);
    let (mut queries, mut rounds) = (0, 0);
    loop {
        match question(&snapshot) {
            Ok(answer) => return (answer, queries, rounds),
            Err(Needs(needs)) => {
                (queries, rounds) = (queries + needs.len(), rounds + 1);
                needs.into_iter().for_each(|query| {
                    let reply = registry.reply(&query);
                    snapshot.learn(query, reply);
                });
            }
        }
    }
}

fn released(builds: usize) -> Scene {
    let mut scene = Scene::new();
    for build in 0..builds {
        let artifact = scene.build(&format!("{build:07x}"));
        scene.promote(artifact);
    }
    scene
}

#[test]
fn a_board_and_a_listing_cost_the_same_in_a_repository_of_any_age() {
    let cost = |builds: usize| {
        let scene = released(builds);
        let (policy, registry) = (&scene.policy, &scene.registry);
        let (_, board, _) = asked(registry, policy, |snapshot| board(snapshot, policy));
        let (_, list, _) =
            asked(registry, policy, |snapshot| newest_artifacts(snapshot, policy, &Wanted::Versioned, 5));
        (board, list)
    };
    assert_eq!(cost(20), cost(200));
}

#[test]
fn many_waiting_candidates_take_few_rounds() {
    let mut scene = Scene::new();
    for build in 0..100 {
        scene.build(&format!("{build:07x}"));
    }
    let policy = &scene.policy;
    let (board, queries, rounds) = asked(&scene.registry, policy, |snapshot| board(snapshot, policy));
    assert_eq!(board.pending.len(), 100);
    // A tag, its manifest, then its marks: at most three rounds for each window, and windows grow by half.
    assert!(rounds <= 45, "{rounds} rounds for {queries} queries");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64), ..ProptestConfig::default() })]

    #[test]
    fn a_listing_is_the_beginning_of_the_whole(history in ops(40), limit in 0..8_usize) {
        let policy = Policy::default();
        let mut world = World::new(policy.clone(), Mode::CompareAndSwap);
        world.run(&history);
        let (all, _, _) = asked(world.registry(), &policy, |snapshot| artifacts(snapshot, &policy));
        let versioned: Vec<_> = all.iter().filter(|row| !row.versions.is_empty()).collect();
        let ((rows, more), _, _) = asked(world.registry(), &policy, |snapshot| {
            newest_artifacts(snapshot, &policy, &Wanted::Versioned, limit)
        });
        prop_assert_eq!(rows.len(), versioned.len().min(limit));
        prop_assert!(more || versioned.len() <= limit, "{} artifacts and no more", versioned.len());
        for (row, whole) in rows.iter().zip(versioned) {
            prop_assert_eq!((row.digest, row.state, &row.commit), (whole.digest, whole.state, &whole.commit));
            prop_assert!(whole.versions.starts_with(&row.versions), "{:?} {:?}", row.versions, whole.versions);
        }
    }

    #[test]
    fn a_listing_of_some_has_their_rows(history in ops(40), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let policy = Policy::default();
        let mut world = World::new(policy.clone(), Mode::CompareAndSwap);
        world.run(&history);
        let (all, _, _) = asked(world.registry(), &policy, |snapshot| artifacts(snapshot, &policy));
        let versioned: Vec<_> = all.into_iter().filter(|row| !row.versions.is_empty()).collect();
        let these: BTreeSet<_> = picks.iter().filter(|_| !versioned.is_empty()).map(|pick| pick.get(&versioned).digest).collect();
        let wanted = Wanted::These(these.clone());
        let ((rows, _), _, _) =
            asked(world.registry(), &policy, |snapshot| newest_artifacts(snapshot, &policy, &wanted, usize::MAX));
        prop_assert_eq!(rows.iter().map(|row| row.digest).collect::<BTreeSet<_>>(), these);
    }
}
