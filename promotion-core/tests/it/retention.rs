//! What retention may delete, from every state that histories of actors leave, and that it may stop anywhere.

use std::collections::BTreeSet;

use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::Goal;
use promotion_core::policy::{Policy, Spec};
use promotion_core::retention::{Deletion, deletions};
use promotion_core::snapshot::{Needs, Snapshot};
use promotion_core::testing::oracle::Oracle;
use promotion_core::testing::strategies::ops_with_strangers;
use promotion_core::testing::world::{Mode, World};
use promotion_core::{Digest, Tag};
use proptest::prelude::*;

use crate::scene::{Scene, cases, tag, three_stages};

/// Answers every need from the registry.
fn planned(registry: &MemoryRegistry, policy: &Policy, keep: &BTreeSet<Digest>) -> Vec<Deletion> {
    let mut snapshot = Snapshot::new(policy, &registry.listing().tags);
    loop {
        match deletions(&snapshot, policy, keep) {
            Ok(plan) => return plan,
            Err(Needs(queries)) => queries.into_iter().for_each(|query| {
                let reply = registry.reply(&query);
                snapshot.learn(query, reply);
            }),
        }
    }
}

fn doomed(scene: &Scene, keep: &[Digest]) -> Vec<String> {
    let plan = planned(&scene.registry, &scene.policy, &keep.iter().copied().collect());
    plan.into_iter().map(|deletion| deletion.tag.to_string()).collect()
}

/// Three releases, oldest first.
fn released() -> (Scene, [Digest; 3]) {
    let mut scene = Scene::new();
    let artifacts = ["aaaaaaa", "bbbbbbb", "ccccccc"].map(|commit| {
        let artifact = scene.build(commit);
        scene.promote(artifact);
        artifact
    });
    (scene, artifacts)
}

/// What every stage selects, and what the rules want it to.
fn rules(registry: &MemoryRegistry, policy: &Policy) -> Vec<[Option<Digest>; 2]> {
    let oracle = Oracle::read(registry, policy);
    (0..=policy.last()).map(|stage| [oracle.selected(stage), oracle.newest(stage)]).collect()
}

#[test]
fn a_whole_artifact_goes_its_hand_over_first_and_its_verdict_last() {
    let (mut scene, [old, middle, _]) = released();
    scene.reject(old);
    let facts =
        ["integration-aaaaaaa", "sha-aaaaaaa", "0.1.0-rc.1", "0.1.0", "validated-aaaaaaa", "rejected-aaaaaaa-2"];
    assert_eq!(doomed(&scene, &[middle]), facts);
}

#[test]
fn what_must_be_kept_is_not_touched() {
    let (scene, [old, middle, live]) = released();
    assert_eq!(doomed(&scene, &[old, middle]), Vec::<String>::new());
    assert!(doomed(&scene, &[]).iter().all(|text| ![Some(live), None].contains(&scene.at(text))));
    assert_eq!(doomed(&scene, &[]).iter().filter(|text| scene.at(text) == Some(old)).count(), 5);
}

#[test]
fn the_highest_release_stays_even_where_no_stage_can_select_it() {
    let mut spec = Spec::default();
    spec.stages.0[1].semver = Some(">= 0.0.0-0, < 2.0.0-0".into());
    spec.stages.0[2].semver = Some(">= 0.0.0, < 2.0.0".into());
    let mut scene = Scene::with(Policy::new(spec).unwrap());
    let one = scene.build("aaaaaaa");
    scene.promote(one);
    let beyond = scene.artifact("bbbbbbb", "beyond");
    scene.put("integration-bbbbbbb", beyond);
    scene.put("2.0.0", beyond);
    assert_eq!([scene.selects(0), scene.selects(1)], [Some(one); 2]);
    assert_eq!(doomed(&scene, &[one]), [""; 0]);
}

#[test]
fn artifacts_go_oldest_first() {
    let mut scene = Scene::new();
    let commits = ["eeeeeee", "aaaaaaa", "ddddddd", "bbbbbbb", "ccccccc"];
    for commit in commits {
        let artifact = scene.build(commit);
        scene.promote(artifact);
    }
    let doomed = doomed(&scene, &[]);
    let handed_over: Vec<&str> = doomed.iter().filter_map(|tag| tag.strip_prefix("integration-")).collect();
    assert_eq!(handed_over, commits[..4]);
}

#[test]
fn nothing_goes_before_there_is_a_release() {
    let mut scene = Scene::new();
    let (bad, _) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.reject(bad);
    assert_eq!(doomed(&scene, &[]), Vec::<String>::new());
}

#[test]
fn a_rejected_candidate_above_the_highest_release_stays_with_its_rejection() {
    let (mut scene, [old, middle, _]) = released();
    let bad = scene.build("ddddddd");
    scene.reject(bad);
    assert_eq!(doomed(&scene, &[old, middle]), Vec::<String>::new());
}

#[test]
fn what_a_channel_or_a_stranger_points_at_stays() {
    let (mut scene, [old, middle, _]) = released();
    scene.put("production", old);
    scene.put("v0.0.1", middle);
    assert_eq!(doomed(&scene, &[]), Vec::<String>::new());
}

#[test]
fn an_artifact_whose_manifest_is_gone_stays() {
    let (mut scene, [old, middle, _]) = released();
    scene.registry.delete_manifest(old);
    assert_eq!(doomed(&scene, &[middle]), Vec::<String>::new());
}

#[test]
fn a_build_that_has_no_candidate_yet_stays() {
    let (mut scene, [old, middle, _]) = released();
    let begun = scene.artifact("eeeeeee", "content");
    scene.put("sha-eeeeeee", begun);
    scene.put("integration-eeeeeee", begun);
    assert_eq!(doomed(&scene, &[old, middle]), Vec::<String>::new());
}

#[test]
fn a_promotion_that_crashed_keeps_what_it_was_about_to_release() {
    let (mut scene, [old, middle, _]) = released();
    // Its candidate is hidden by a release made by hand, and its evidence is all that was written.
    let next = scene.build("ddddddd");
    let by_hand = scene.artifact("fffffff", "by hand");
    scene.crash_after(1, Goal::Promote(Scene::promotion(next)));
    scene.put("3.0.0", by_hand);
    let gone: BTreeSet<Option<Digest>> = doomed(&scene, &[]).iter().map(|text| scene.at(text)).collect();
    assert!(!gone.contains(&Some(next)), "{gone:?}");
    assert!(gone.contains(&Some(old)) && gone.contains(&Some(middle)), "{gone:?}");
}

#[test]
fn an_unread_tag_is_a_question_and_nothing_is_deleted_on_a_guess() {
    let (scene, _) = released();
    let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
    let unread = tag("production");
    let listing: Vec<Tag> = scene.registry.listing().tags.into_iter().chain([unread.clone()]).collect();
    let mut with_a_channel = Snapshot::new(&scene.policy, &listing);
    let all = BTreeSet::new();
    assert!(deletions(&snapshot, &scene.policy, &all).is_err());
    while let Err(Needs(queries)) = deletions(&snapshot, &scene.policy, &all) {
        for query in queries {
            let reply = scene.registry.reply(&query);
            snapshot.learn(query.clone(), reply.clone());
            with_a_channel.learn(query, reply);
        }
    }
    let needs = deletions(&with_a_channel, &scene.policy, &all).unwrap_err();
    assert_eq!(needs, promotion_core::snapshot::Query::Tag(unread).into());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), ..ProptestConfig::default() })]

    #[test]
    fn retention_changes_no_rule_wherever_it_stops(history in ops_with_strangers(40), pick: u8, three: bool) {
        let policy = if three { three_stages() } else { Policy::default() };
        let mut world = World::new(policy.clone(), Mode::CompareAndSwap);
        world.run(&history);
        let keep: BTreeSet<Digest> =
            world.artifacts().iter().zip(0..8).filter(|(_, bit)| pick >> bit & 1 == 1).map(|(digest, _)| *digest).collect();
        let (mut registry, before) = (world.registry().clone(), rules(world.registry(), &policy));
        let plan = planned(&registry, &policy, &keep);
        for (done, Deletion { tag, digest }) in plan.iter().enumerate() {
            prop_assert!(!keep.contains(digest));
            prop_assert_eq!(registry.delete_tag(tag), Some(*digest));
            prop_assert_eq!(&rules(&registry, &policy), &before, "after {} of {:#?}", done + 1, plan);
            // Whoever plans again goes on with the rest.
            prop_assert_eq!(&planned(&registry, &policy, &keep)[..], &plan[done + 1..]);
        }
        let gone: BTreeSet<Digest> = plan.iter().map(|deletion| deletion.digest).collect();
        let left: BTreeSet<Digest> = registry.tags().values().copied().collect();
        prop_assert!(gone.is_disjoint(&left), "an artifact was deleted in part");
    }
}
