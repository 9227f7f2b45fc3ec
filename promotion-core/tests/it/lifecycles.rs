//! Where an artifact stands, step by step.

use promotion_core::artifact::View;
use promotion_core::lifecycle::{Facts, Holders, State};
use promotion_core::plan::Goal;
use promotion_core::snapshot::Needs;
use promotion_core::{Digest, plan::Build};

use crate::finding::answered;
use crate::scene::Scene;

fn facts(scene: &Scene, digest: Digest) -> Facts {
    let question = |view: &View<'_>| -> Result<Option<Facts>, Needs> {
        let holders = Holders::of(view)?;
        Ok(view.artifact(digest)?.map(|artifact| Facts::of(&artifact, &holders, view.policy().last())))
    };
    answered(&scene.registry, &scene.policy, question).0.unwrap()
}

fn state(scene: &Scene, digest: Digest) -> State {
    facts(scene, digest).state()
}

#[test]
fn an_artifact_goes_from_pushed_to_released() {
    let mut scene = Scene::new();
    let one = scene.artifact("aaaaaaa", "content");
    assert_eq!(state(&scene, one), State::Pushed);
    scene.crash_after(2, Goal::Build(Build::of(one)));
    assert_eq!(state(&scene, one), State::Orphaned);
    scene.build("aaaaaaa");
    assert_eq!(state(&scene, one), State::Candidate);
    scene.crash_after(1, Goal::Promote(Scene::promotion(one)));
    assert_eq!(state(&scene, one), State::Validated);
    scene.promote(one);
    assert_eq!(state(&scene, one), State::Released);
    assert!(!facts(&scene, one).overtaken, "by itself");
}

#[test]
fn whoever_something_newer_is_released_than_is_superseded() {
    let mut scene = Scene::new();
    let (one, two, three) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"), scene.build("ccccccc"));
    scene.promote(two);
    assert_eq!(
        [one, two, three].map(|digest| state(&scene, digest)),
        [State::Superseded, State::Released, State::Candidate]
    );
    scene.promote(three);
    assert_eq!(
        [one, two, three].map(|digest| state(&scene, digest)),
        [State::Superseded, State::Superseded, State::Released]
    );
    scene.promote(one);
    assert_eq!(state(&scene, one), State::Superseded, "evidence for it changes nothing");
}

#[test]
fn a_rejection_counts_until_it_is_withdrawn() {
    let mut scene = Scene::new();
    let one = scene.build("aaaaaaa");
    scene.build("bbbbbbb");
    scene.reject(one);
    assert_eq!(state(&scene, one), State::Rejected);
    scene.run(Goal::Reopen { artifact: one, reason: "a mistake".into() });
    assert_eq!(state(&scene, one), State::Candidate);
}

#[test]
fn evidence_from_before_a_rejection_does_not_count_after_it() {
    let mut scene = Scene::new();
    let one = scene.build("aaaaaaa");
    scene.crash_after(1, Goal::Promote(Scene::promotion(one)));
    scene.reject(one);
    scene.run(Goal::Reopen { artifact: one, reason: "a mistake".into() });
    assert!(facts(&scene, one).withdrawn);
    assert_eq!(state(&scene, one), State::Candidate);
    scene.promote(one);
    assert!(!facts(&scene, one).withdrawn);
    assert_eq!(state(&scene, one), State::Released);
}

#[test]
fn what_no_run_writes_is_impossible() {
    let put = |tags: &[&str]| {
        let mut scene = Scene::new();
        let one = scene.artifact("aaaaaaa", "content");
        tags.iter().for_each(|tag| scene.put(tag, one));
        state(&scene, one)
    };
    assert_eq!(put(&["sha-aaaaaaa"]), State::Pushed);
    for tags in [
        &["0.1.0-rc.1"][..],
        &["0.1.0"],
        &["validated-aaaaaaa"],
        &["integration-aaaaaaa", "0.1.0"],
        &["integration-aaaaaaa", "validated-aaaaaaa"],
        &["integration-aaaaaaa", "0.1.0-rc.1", "0.1.0"],
    ] {
        assert_eq!(put(tags), State::Impossible, "{tags:?}");
    }
}
