//! Each thing that can be wrong with a repository, and nothing where nothing is.

use promotion_core::artifact::View;
use promotion_core::audit::audit;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::{Policy, Spec};
use promotion_core::reason::{Finding, Reason, Severity};

use crate::finding::answered;
use crate::scene::{Scene, tag, three_stages};

fn findings(scene: &Scene) -> Vec<Finding> {
    answered(&scene.registry, &scene.policy, |view: &View<'_>| audit(view.snapshot(), view.policy())).0
}

/// Severity and id of each finding.
fn told(scene: &Scene) -> Vec<(Severity, &'static str)> {
    findings(scene).iter().map(|finding| (finding.severity, finding.reason.id())).collect()
}

const NOTHING: [(Severity, &str); 0] = [];
const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;
const INFO: Severity = Severity::Info;

#[test]
fn what_the_pipeline_wrote_has_no_findings() {
    for policy in [Policy::default(), three_stages()] {
        let mut scene = Scene::with(policy);
        assert_eq!(told(&scene), NOTHING);
        let (one, two) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
        assert_eq!(told(&scene), NOTHING);
        scene.promote(one);
        assert_eq!(told(&scene), NOTHING);
        scene.promote(two);
        scene.reject(two);
        scene.put("latest", one);
        assert_eq!(told(&scene), NOTHING);
    }
}

#[test]
fn tags_of_ours_whose_manifest_is_gone_are_errors() {
    let mut scene = Scene::new();
    scene.build("aaaaaaa");
    let gone = scene.artifact("bbbbbbb", "gone");
    for text in ["latest", "0.0.9-rc.1", "sha-bbbbbbb"] {
        scene.put(text, gone);
    }
    scene.registry.delete_manifest(gone);
    let dangling = |text: &str| Finding::error(Reason::DanglingTag { tag: tag(text), artifact: gone });
    assert_eq!(findings(&scene), [dangling("0.0.9-rc.1"), dangling("sha-bbbbbbb")], "nobody else's tag is our matter");
}

#[test]
fn a_promotion_that_stopped_in_the_middle_is_told() {
    let mut scene = Scene::new();
    let one = scene.build("aaaaaaa");
    scene.crash_after(1, Goal::Promote(Scene::promotion(one)));
    let half = Reason::HalfPromoted { artifact: one, mark: tag("validated-aaaaaaa") };
    assert_eq!(findings(&scene), [Finding::error(half)]);
}

#[test]
fn a_stage_in_the_middle_that_does_not_select_what_was_validated_is_told() {
    let mut scene = Scene::with(three_stages());
    let one = scene.build("aaaaaaa");
    scene.crash_after(1, Goal::Promote(Promote { stage: Some("alpha".into()), ..Scene::promotion(one) }));
    let reason = Reason::ValidatedNotSelected { stage: "rc".into(), newest: one, selected: None };
    assert_eq!(findings(&scene), [Finding::error(reason)]);
}

#[test]
fn a_newest_that_is_masked_is_told() {
    let mut scene = Scene::new();
    let (one, two) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.crash_after(1, Goal::Promote(Scene::promotion(one)));
    scene.put("0.1.0", one);
    let reason = Reason::NewestNotSelected { stage: "integration".into(), newest: two, selected: Some(tag("0.1.0")) };
    assert_eq!(findings(&scene), [Finding::error(reason)]);
}

#[test]
fn a_stage_that_something_newer_holds_is_told_by_that_alone() {
    let mut scene = Scene::new();
    let one = scene.build("aaaaaaa");
    scene.promote(one);
    let two = scene.build("bbbbbbb");
    scene.promote(two);
    // Its evidence is lost, and its release is newer than all that is validated.
    scene.registry.delete_tag(&tag("validated-bbbbbbb"));
    let ids: Vec<&str> = told(&scene).iter().map(|(_, id)| *id).collect();
    assert!(ids.contains(&"release-without-evidence"), "{ids:?}");
    assert!(!ids.contains(&"half-promoted") && !ids.contains(&"validated-not-selected"), "{ids:?}");
}

#[test]
fn versions_that_no_run_writes_are_told() {
    let mut scene = Scene::new();
    let stray = scene.artifact("aaaaaaa", "stray");
    scene.put("0.1.0-rc.1", stray);
    assert_eq!(told(&scene), [(WARNING, "candidate-without-hand-over")]);

    let mut scene = Scene::new();
    let orphan = scene.artifact("aaaaaaa", "orphan");
    scene.put("integration-aaaaaaa", orphan);
    assert_eq!(told(&scene), [(WARNING, "orphan")]);
    scene.put("rejected-aaaaaaa", orphan);
    assert_eq!(told(&scene), NOTHING, "nobody waits for what was rejected");
}

#[test]
fn a_release_that_nothing_vouches_for_is_an_error_until_live_is_above_it() {
    let mut scene = Scene::new();
    let one = scene.build("aaaaaaa");
    scene.put("0.1.1", one);
    let errors: Vec<_> = told(&scene).into_iter().filter(|(severity, _)| *severity == ERROR).collect();
    assert!(errors.contains(&(ERROR, "release-without-candidate")), "{errors:?}");
    assert!(errors.contains(&(ERROR, "release-without-evidence")), "{errors:?}");
    scene.promote(one);
    let two = scene.build("bbbbbbb");
    scene.promote(two);
    let ids = told(&scene);
    assert!(ids.contains(&(INFO, "release-without-candidate")), "{ids:?}");
    assert!(!ids.iter().any(|(severity, _)| *severity == ERROR), "it is history: {ids:?}");
}

#[test]
fn marks_that_count_for_nothing_are_errors() {
    let mut scene = Scene::new();
    let (one, other) = (scene.build("aaaaaaa"), scene.artifact("ccccccc", "other"));
    scene.put("sha-bbbbbbb", one);
    let commit = one_commit(&scene, one);
    let reason = Reason::MarkOfAnotherCommit { mark: tag("sha-bbbbbbb"), artifact: one, commit };
    assert_eq!(findings(&scene), [Finding::error(reason)]);
    scene.registry.delete_tag(&tag("sha-bbbbbbb"));
    scene.put("validated-ccccccc", other);
    assert!(told(&scene).contains(&(ERROR, "evidence-without-hand-over")), "{:?}", told(&scene));
}

fn one_commit(scene: &Scene, digest: promotion_core::Digest) -> Option<promotion_core::Commit> {
    answered(&scene.registry, &scene.policy, |view| view.artifact(digest)).0.unwrap().commit
}

#[test]
fn an_image_that_names_no_commit_has_one_all_the_same() {
    let mut scene = Scene::new();
    let image = scene.registry.push(Manifest::new(OCI_MANIFEST, br#"{"schemaVersion":2}"#.to_vec()));
    let build = Build {
        revision: Some("main@sha1:aaaaaaa000000000000000000000000000000000".parse().unwrap()),
        ..Build::of(image)
    };
    scene.run(Goal::Build(build));
    scene.put("sha-aaaaaaa0", image);
    assert_eq!(told(&scene), NOTHING, "more digits of the same commit");
    scene.put("sha-bbbbbbb", image);
    let reason = Reason::MarkOfAnotherCommit { mark: tag("sha-bbbbbbb"), artifact: image, commit: None };
    assert_eq!(findings(&scene), [Finding::warning(reason)]);
}

#[test]
fn strangers_that_a_stage_prefers_are_told_each() {
    let mut scene = Scene::new();
    let one = scene.build("aaaaaaa");
    scene.promote(one);
    scene.put("v0.0.9", one);
    assert_eq!(told(&scene), NOTHING, "it is below");
    let poison = |stage: &str, text: &str| {
        Finding::warning(Reason::PoisonTag { stage: stage.into(), tag: tag(text), above: Some(tag("0.1.0")) })
    };
    for text in ["v0.1.0", "v9.0.0", "v8.0.0-beta"] {
        scene.put(text, one);
    }
    let mut expected = vec![
        poison("integration", "v9.0.0"),
        poison("integration", "v8.0.0-beta"),
        poison("integration", "v0.1.0"),
        poison("live", "v9.0.0"),
        poison("live", "v0.1.0"),
    ];
    expected.sort_by(|a, b| a.reason.cmp(&b.reason));
    assert_eq!(findings(&scene), expected);
}

#[test]
fn what_is_wrong_with_the_policy_is_wrong_with_its_repositories() {
    let mut spec = Spec::default();
    spec.stages.0[2].semver = Some(">= 0.0.0-0".into());
    let proofs = |scene: &Scene| promotion_core::proofs::prove(&scene.policy);
    let scene = Scene::with(Policy::new(spec).unwrap());
    let worse = proofs(&scene).into_iter().filter(|finding| finding.severity > INFO).count();
    assert!(worse > 0);
    assert_eq!(findings(&scene).len(), worse, "{:#?}", findings(&scene));
    // Of a hidden version nothing in an empty repository could tell.
    let mut spec = Spec::default();
    spec.stages.0[1].semver = Some(">= 0.0.0-0, != 1.2.3-rc.7".into());
    let scene = Scene::with(Policy::new(spec).unwrap());
    assert_eq!(told(&scene), [(ERROR, "stage-cannot-select")]);
    let scene = Scene::new();
    assert!(proofs(&scene).iter().all(|finding| finding.severity == INFO), "the default is sound");
    assert_eq!(told(&scene), NOTHING);
}
