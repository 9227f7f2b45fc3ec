//! Candidates that wait too long raise an alarm, and nothing else does.

use promotion_core::artifact::View;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::{Policy, Spec};
use promotion_core::reason::Reason;
use promotion_core::silence::silence;
use promotion_core::time::Timestamp;
use promotion_core::{Digest, Tag};

use crate::finding::answered;
use crate::scene::{NOW, Scene, commit};

const HOUR: i64 = 3600;

fn waiting_an_hour() -> Scene {
    let mut spec = Spec::default();
    spec.stages.0[1].gate.verdict_deadline = Some("1h".into());
    Scene::with(Policy::new(spec).unwrap())
}

/// Built so many seconds before now; `None` where nobody knows.
fn built(scene: &mut Scene, prefix: &str, age: Option<i64>) -> Digest {
    let mut annotations =
        serde_json::json!({ "org.opencontainers.image.revision": format!("main@sha1:{}", commit(prefix)) });
    if let Some(age) = age {
        annotations["org.opencontainers.image.created"] = Timestamp::from_unix(NOW - age).to_string().into();
    }
    let manifest = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "annotations": annotations });
    let artifact = scene.registry.push(Manifest::new(OCI_MANIFEST, manifest.to_string().into_bytes()));
    scene.run(Goal::Build(Build::of(artifact)));
    artifact
}

/// Who waits too long, by stage.
fn silent(scene: &Scene) -> Vec<(String, Digest)> {
    let now = Timestamp::from_unix(NOW);
    let (findings, rounds) =
        answered(&scene.registry, &scene.policy, |view: &View<'_>| silence(view.snapshot(), view.policy(), now));
    if scene.policy.stages().iter().all(|stage| stage.gate.verdict_deadline.is_none()) {
        assert!(rounds.is_empty(), "without a deadline nothing is read");
    }
    let told = findings.into_iter().map(|finding| match finding.reason {
        Reason::SilentGate { stage, artifact, .. } => (stage, artifact),
        other => panic!("{other:?}"),
    });
    told.collect()
}

fn of_integration(artifact: Digest) -> Vec<(String, Digest)> {
    vec![("integration".to_owned(), artifact)]
}

#[test]
fn a_candidate_without_a_verdict_is_an_alarm_after_its_time_and_not_before() {
    for (age, late) in [(HOUR - 1, false), (HOUR, false), (HOUR + 1, true)] {
        let mut scene = waiting_an_hour();
        let one = built(&mut scene, "aaaaaaa", Some(age));
        assert_eq!(silent(&scene), if late { of_integration(one) } else { vec![] }, "{age} s");
    }
    let mut scene = Scene::new();
    built(&mut scene, "aaaaaaa", Some(9 * HOUR));
    assert_eq!(silent(&scene), [], "nobody set a time");
}

#[test]
fn the_oldest_that_waits_is_told() {
    let mut scene = waiting_an_hour();
    built(&mut scene, "aaaaaaa", Some(2 * HOUR));
    let oldest = built(&mut scene, "bbbbbbb", Some(5 * HOUR));
    built(&mut scene, "ccccccc", Some(3 * HOUR));
    assert_eq!(silent(&scene), of_integration(oldest));
}

#[test]
fn whoever_has_a_verdict_does_not_wait() {
    let mut scene = waiting_an_hour();
    let (one, two) = (built(&mut scene, "aaaaaaa", Some(3 * HOUR)), built(&mut scene, "bbbbbbb", Some(2 * HOUR)));
    assert_eq!(silent(&scene), of_integration(one));
    scene.reject(one);
    assert_eq!(silent(&scene), of_integration(two));
    scene.crash_after(1, Goal::Promote(Scene::promotion(two)));
    assert_eq!(silent(&scene), [], "it is validated, if not live");
}

#[test]
fn what_is_older_than_live_does_not_wait() {
    let mut scene = waiting_an_hour();
    built(&mut scene, "aaaaaaa", Some(9 * HOUR));
    let two = built(&mut scene, "bbbbbbb", Some(3 * HOUR));
    scene.promote(two);
    assert_eq!(silent(&scene), []);
    let three = built(&mut scene, "ccccccc", Some(2 * HOUR));
    assert_eq!(silent(&scene), of_integration(three));
}

#[test]
fn an_age_that_nobody_knows_raises_no_alarm() {
    let mut scene = waiting_an_hour();
    built(&mut scene, "aaaaaaa", None);
    built(&mut scene, "bbbbbbb", Some(NOW));
    assert_eq!(silent(&scene), [], "reproducible builders write the epoch");
}

#[test]
fn each_stage_has_its_own_time() {
    let mut spec = Spec::default();
    let stage = |name: &str, filter: Option<&str>, label: Option<&str>, deadline: &str| {
        let mut stage = spec.stages.0[1].clone();
        (stage.name, stage.mark, stage.label) = (name.into(), None, label.map(Into::into));
        stage.semver = Some(if label.is_some() { ">= 0.0.0-0" } else { ">= 0.0.0" }.into());
        stage.filter = filter.map(Into::into);
        stage.gate.verdict_deadline = Some(deadline.into());
        stage
    };
    spec.stages.0 = vec![
        stage("alpha", Some(r"-alpha\."), Some("alpha"), "1h"),
        stage("rc", Some(r"-rc\."), Some("rc"), "3h"),
        stage("live", None, None, "1s"),
    ];
    let mut scene = Scene::with(Policy::new(spec).unwrap());
    let leave =
        |artifact, stage: &str| Goal::Promote(Promote { stage: Some(stage.into()), ..Scene::promotion(artifact) });
    let one = built(&mut scene, "aaaaaaa", Some(4 * HOUR));
    assert_eq!(silent(&scene), [("alpha".to_owned(), one)]);
    scene.run(leave(one, "alpha"));
    assert_eq!(silent(&scene), [("rc".to_owned(), one)]);
    let two = built(&mut scene, "bbbbbbb", Some(2 * HOUR));
    assert_eq!(silent(&scene), [("alpha".to_owned(), two), ("rc".to_owned(), one)]);
    scene.run(leave(two, "alpha"));
    assert_eq!(silent(&scene), [("rc".to_owned(), one)], "two hours are not three");
    scene.run(leave(one, "rc"));
    assert_eq!(
        silent(&scene),
        [],
        "nobody waits in the last stage: {:?}",
        scene.registry.tags().keys().collect::<Vec<&Tag>>()
    );
}
