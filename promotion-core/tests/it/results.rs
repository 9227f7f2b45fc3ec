//! What each goal comes to: the results that the model names, and the practice around them.

use promotion_core::Digest;
use promotion_core::evidence::{Evidence, EvidenceKind};
use promotion_core::executor::{Executor, OutcomeKind, Step};
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Build, Goal, Promote, Why};
use promotion_core::policy::{Policy, Spec};
use promotion_core::ports::{Consistency, Expect};
use promotion_core::reason::{Finding, Reason};
use promotion_core::snapshot::{Ancestry, Query, Reply};
use promotion_core::time::Timestamp;

use crate::scene::{NOW, Scene, commit, refusal_ids, tag, three_stages};

#[test]
fn a_build_becomes_a_candidate_with_its_birth_last() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    let outcome = scene.run(Goal::Build(Build::of(artifact)));
    let written: Vec<_> = outcome.writes.iter().map(|write| write.tag.as_str()).collect();
    assert_eq!(written, ["sha-aaaaaaa", "integration-aaaaaaa", "0.1.0-rc.1"]);
    assert_eq!(outcome.candidate, Some(tag("0.1.0-rc.1")));
    assert_eq!(outcome.commit.unwrap().as_str(), commit("aaaaaaa"));
}

#[test]
fn promote_writes_the_evidence_first_and_the_stripped_candidate_last() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let outcome = scene.promote(artifact);
    let written: Vec<_> = outcome.writes.iter().map(|write| write.tag.as_str()).collect();
    assert_eq!((outcome.kind, written), (OutcomeKind::Done, vec!["validated-aaaaaaa", "0.1.0"]));
    assert_eq!(outcome.release, Some(tag("0.1.0")));
}

#[test]
fn promote_again_is_already_done() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.promote(artifact);
    let again = scene.promote(artifact);
    assert_eq!((again.kind, again.writes.len(), again.release), (OutcomeKind::AlreadyDone, 0, Some(tag("0.1.0"))));
}

#[test]
fn promote_half_done_is_completed_never_skipped() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.crash_after(1, Goal::Promote(Scene::promotion(artifact)));
    assert_eq!((scene.at("validated-aaaaaaa"), scene.at("0.1.0")), (Some(artifact), None));
    // Without evidence: the mark is there, so whoever runs next finishes the release.
    let outcome = scene.run(Goal::Promote(Promote { evidence: vec![], ..Scene::promotion(artifact) }));
    assert_eq!((outcome.kind, scene.at("0.1.0")), (OutcomeKind::Done, Some(artifact)));
}

#[test]
fn promote_older_than_live_is_superseded_and_keeps_its_evidence() {
    let mut scene = Scene::new();
    let (old, new) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.promote(new);
    let outcome = scene.promote(old);
    assert_eq!((outcome.kind, outcome.superseded_by), (OutcomeKind::Superseded, Some(new)));
    assert_eq!((scene.at("validated-aaaaaaa"), scene.selects(1)), (Some(old), Some(new)));
    assert_eq!(scene.promote(old).kind, OutcomeKind::Superseded);
}

#[test]
fn promote_re_bases_the_newest_before_it_would_be_masked() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let outcome = scene.promote(first);
    let written: Vec<_> = outcome.writes.iter().map(|write| write.tag.as_str()).collect();
    assert_eq!(written, ["validated-aaaaaaa", "0.1.1-rc.0.1", "0.1.0"]);
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(second), Some(first)));
}

#[test]
fn promote_masked_is_lifted() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let third = scene.build("ccccccc");
    scene.promote(first);
    // 0.1.0-rc.2 lies below the release 0.1.0: its artifact needs a base above it.
    let outcome = scene.promote(second);
    assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
    let release = outcome.release.unwrap();
    let lifted: Vec<_> = outcome.writes.iter().map(|write| write.tag.as_str().to_string()).collect();
    assert!(
        lifted.contains(&format!("{release}-rc.0.2")) || lifted.contains(&format!("{release}-rc.0.1")),
        "{lifted:?}"
    );
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(third), Some(second)));
    scene.assert_rules_hold();
}

#[test]
fn promote_without_hand_over_is_refused() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    let outcome = scene.promote(artifact);
    assert_eq!(refusal_ids(&outcome), ["not-promotable", "not-handed-over"]);
    assert_eq!((outcome.kind, scene.tags()), (OutcomeKind::Refused, vec![]));
}

#[test]
fn promote_without_birth_is_refused() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    scene.crash_after(2, Goal::Build(Build::of(artifact)));
    assert_eq!(refusal_ids(&scene.promote(artifact)), ["not-promotable", "no-candidate"]);
}

#[test]
fn promote_rejected_is_refused_for_events_and_possible_for_a_person() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.reject(artifact);
    assert_eq!(refusal_ids(&scene.promote(artifact)), ["not-promotable", "artifact-rejected"]);
    let evidence = vec![Evidence::manual(artifact, "looked at it", Timestamp::from_unix(NOW))];
    let outcome = scene.run(Goal::Promote(Promote { evidence, ..Scene::promotion(artifact) }));
    assert_eq!((outcome.kind, scene.at("validated-aaaaaaa-2")), (OutcomeKind::Done, Some(artifact)));
    assert_eq!(scene.selects(1), Some(artifact));
}

#[test]
fn promote_with_evidence_of_something_else_is_refused() {
    let mut scene = Scene::new();
    let (artifact, other) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let refused = |scene: &mut Scene, evidence: Evidence| {
        let outcome = scene.run(Goal::Promote(Promote { evidence: vec![evidence], ..Scene::promotion(artifact) }));
        assert_eq!((outcome.kind, outcome.writes.len()), (OutcomeKind::Refused, 0));
        refusal_ids(&outcome)[1]
    };
    let right = Scene::evidence(artifact);
    let digest = Evidence { digest: Some(other), ..right.clone() };
    assert_eq!(refused(&mut scene, digest), "evidence-of-another-digest");
    let stage = Evidence { stage: Some("live".into()), ..right.clone() };
    // Live is no stage that anything leaves.
    let outcome = scene.run(Goal::Promote(Promote { evidence: vec![stage], ..Scene::promotion(artifact) }));
    assert_eq!(refusal_ids(&outcome), ["unknown-stage"]);
    let commit = Evidence { digest: None, commit: Some("bbbbbbb".parse().unwrap()), ..right.clone() };
    assert_eq!(refused(&mut scene, commit), "evidence-of-another-commit");
    let stale = Evidence { observed_at: Some(Timestamp::from_unix(NOW - 3601)), ..right.clone() };
    assert_eq!(refused(&mut scene, stale), "evidence-stale");
    let future = Evidence { observed_at: Some(Timestamp::from_unix(NOW + 3601)), ..right.clone() };
    assert_eq!(refused(&mut scene, future), "evidence-from-the-future");
    let undated = Evidence { observed_at: None, ..right.clone() };
    assert_eq!(refused(&mut scene, undated), "evidence-undated");
    let kind = Evidence { kind: EvidenceKind::Canary, ..right };
    assert_eq!(refused(&mut scene, kind), "evidence-missing");
    assert_eq!(scene.selects(1), None);
}

#[test]
fn evidence_that_names_only_a_commit_counts_if_one_artifact_has_it() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let evidence = Evidence { digest: None, commit: Some("aaaaaaa".parse().unwrap()), ..Scene::evidence(artifact) };
    let goal = Goal::Promote(Promote { evidence: vec![evidence], ..Scene::promotion(artifact) });
    let rebuilt = scene.artifact("aaaaaaa", "other content");
    scene.run(Goal::Build(Build::of(rebuilt)));
    let ambiguous = Goal::Promote(Promote {
        evidence: vec![Evidence { digest: None, commit: Some("aaaaaaa".parse().unwrap()), ..Scene::evidence(rebuilt) }],
        ..Scene::promotion(rebuilt)
    });
    assert_eq!(refusal_ids(&scene.run(ambiguous)), ["not-promotable", "evidence-ambiguous"]);
    assert_eq!(refusal_ids(&scene.run(goal)), ["not-promotable", "evidence-ambiguous"]);
}

#[test]
fn promote_unknown_is_not_found() {
    let outcome = Scene::new().promote(Digest::of(b"nothing"));
    assert_eq!(refusal_ids(&outcome), ["artifact-not-found"]);
}

#[test]
fn same_digest_built_again_is_a_no_op_that_returns_its_candidate() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.build("bbbbbbb");
    let again = scene.run(Goal::Build(Build::of(artifact)));
    assert_eq!((again.kind, again.candidate), (OutcomeKind::AlreadyDone, Some(tag("0.1.0-rc.1"))));
}

#[test]
fn same_commit_other_content_is_a_new_artifact_and_a_warning() {
    let mut scene = Scene::new();
    let first = scene.build("aaaaaaa");
    let second = scene.artifact("aaaaaaa", "other content");
    let outcome = scene.run(Goal::Build(Build::of(second)));
    let fork = second.short();
    assert_eq!(scene.at(&format!("integration-aaaaaaa.{fork}")), Some(second));
    assert_eq!((scene.at("integration-aaaaaaa"), outcome.candidate), (Some(first), Some(tag("0.1.0-rc.2"))));
    assert!(outcome.warnings.iter().any(|warning| warning.reason.id() == "same-commit-other-content"));
    // Every mark of that artifact is told apart, and counts.
    assert_eq!(scene.promote(second).kind, OutcomeKind::Done);
    assert_eq!(scene.at(&format!("validated-aaaaaaa.{fork}")), Some(second));
}

#[test]
fn an_image_without_annotations_is_keyed_by_its_digest() {
    let mut scene = Scene::new();
    let artifact = scene.registry.push(Manifest::new(OCI_MANIFEST, b"{\"schemaVersion\":2}".to_vec()));
    let revision = Some(format!("main@sha1:{}", commit("aaaaaaa")).parse().unwrap());
    scene.run(Goal::Build(Build { revision, ..Build::of(artifact) }));
    let mark = format!("integration-{}", &artifact.hex()[..7]);
    assert_eq!((scene.at("sha-aaaaaaa"), scene.at(&mark)), (Some(artifact), Some(artifact)));
    assert_eq!(scene.promote(artifact).kind, OutcomeKind::Done);
    scene.assert_rules_hold();
}

#[test]
fn a_given_commit_that_is_not_the_manifests_is_refused() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    let revision = Some(commit("bbbbbbb").parse().unwrap());
    let outcome = scene.run(Goal::Build(Build { revision, ..Build::of(artifact) }));
    assert_eq!(refusal_ids(&outcome), ["commit-mismatch"]);
}

#[test]
fn explicit_versions_must_be_above_the_highest_release_and_hide_nothing() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let explicit = |artifact, version: &str| {
        Goal::Promote(Promote { version: Some(version.parse().unwrap()), ..Scene::promotion(artifact) })
    };
    let outcome = scene.run(explicit(first, "2.0.0"));
    let written: Vec<_> = outcome.writes.iter().map(|write| write.tag.as_str()).collect();
    assert_eq!(written, ["validated-aaaaaaa", "2.0.1-rc.0.1", "2.0.0-rc.0.1", "2.0.0"]);
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(second), Some(first)));
    assert_eq!(scene.run(explicit(first, "2.0.0")).kind, OutcomeKind::AlreadyDone);
    assert_eq!(refusal_ids(&scene.run(explicit(second, "1.0.0"))), ["version-not-above"]);
    assert_eq!(refusal_ids(&scene.run(explicit(second, "2.0.0"))), ["version-taken"]);
    assert_eq!(scene.build("ccccccc"), scene.selects(0).unwrap());
}

#[test]
fn a_line_owns_its_versions_and_ignores_the_others() {
    let mut spec = Spec::default();
    spec.versions.line = Some("1.2.x-0".into());
    spec.versions.initial = "1.2.0".into();
    spec.stages.0[1].semver = Some("1.2.x-0".into());
    spec.stages.0[2].semver = Some("1.2.x".into());
    let mut scene = Scene::with(Policy::new(spec).unwrap());
    let foreign = scene.artifact("fffffff", "another line");
    scene.put("1.3.5", foreign);
    scene.put("99999999.0.0", foreign);
    let artifact = scene.build("aaaaaaa");
    assert_eq!(scene.at("1.2.0-rc.1"), Some(artifact));
    let outcome = scene.promote(artifact);
    assert_eq!((outcome.kind, outcome.release), (OutcomeKind::Done, Some(tag("1.2.0"))));
    let version = Some("1.3.0".parse().unwrap());
    let outside = scene.run(Goal::Promote(Promote { version, ..Scene::promotion(artifact) }));
    assert_eq!(refusal_ids(&outside), ["version-outside-line"]);
}

#[test]
fn one_repository_holds_one_artifact() {
    let mut scene = Scene::new();
    let of = |scene: &mut Scene, prefix: &str, source: &str| {
        let document = serde_json::json!({ "schemaVersion": 2, "annotations": {
            "org.opencontainers.image.revision": format!("main@sha1:{}", commit(prefix)),
            "org.opencontainers.image.source": source,
        }});
        scene.registry.push(Manifest::new(OCI_MANIFEST, document.to_string().into_bytes()))
    };
    let ours = of(&mut scene, "aaaaaaa", "https://example.com/ours");
    let theirs = of(&mut scene, "bbbbbbb", "https://example.com/theirs");
    scene.run(Goal::Build(Build::of(ours)));
    let outcome = scene.run(Goal::Build(Build::of(theirs)));
    assert_eq!((refusal_ids(&outcome), outcome.writes.len()), (vec!["many-artifacts"], 0));
    // Another clone of the same source is no other artifact.
    let clone = of(&mut scene, "ccccccc", "git@example.com:ours.git");
    assert_eq!(scene.run(Goal::Build(Build::of(clone))).kind, OutcomeKind::Done);
}

#[test]
fn a_known_ancestor_of_the_newest_gets_no_birth() {
    let build = |scene: &mut Scene, prefix: &str, ancestry: Ancestry| {
        let artifact = scene.artifact(prefix, "content");
        let goal = Goal::Build(Build { ancestry: true, ..Build::of(artifact) });
        let mut executor: Executor = scene.executor(goal);
        loop {
            match executor.next(Timestamp::from_unix(NOW)) {
                Step::Done(outcome) => return *outcome,
                Step::Ask(queries) => {
                    for query in queries {
                        let reply = match &query {
                            Query::Ancestry { .. } => Reply::Ancestry(ancestry),
                            other => scene.registry.reply(other),
                        };
                        executor.learned(query, reply);
                    }
                }
                step => scene.registry.answer(&mut executor, step).unwrap(),
            }
        }
    };
    let mut scene = Scene::new();
    let newest = scene.build("bbbbbbb");
    let outcome = build(&mut scene, "aaaaaaa", Ancestry::Ancestor);
    assert_eq!((outcome.kind, outcome.superseded_by), (OutcomeKind::Superseded, Some(newest)));
    assert_eq!((outcome.candidate, scene.selects(0)), (None, Some(newest)));
    let outcome = build(&mut scene, "ccccccc", Ancestry::Unknown);
    assert_eq!(outcome.kind, OutcomeKind::Done);
    assert!(outcome.warnings.iter().any(|warning| warning.reason.id() == "ancestry-unknown"));
    assert_eq!(build(&mut scene, "ddddddd", Ancestry::Unrelated).warnings, []);
}

#[test]
fn build_numbers_must_be_above_the_highest_of_their_base() {
    let mut scene = Scene::new();
    let number = |scene: &mut Scene, prefix: &str, number| {
        let artifact = scene.artifact(prefix, "content");
        scene.run(Goal::Build(Build { number: Some(number), ..Build::of(artifact) }))
    };
    assert_eq!(number(&mut scene, "aaaaaaa", 41).candidate, Some(tag("0.1.0-rc.41")));
    assert_eq!(number(&mut scene, "aaaaaaa", 41).kind, OutcomeKind::AlreadyDone);
    assert_eq!(refusal_ids(&number(&mut scene, "bbbbbbb", 41)), ["build-number-not-above"]);
    assert_eq!(refusal_ids(&number(&mut scene, "bbbbbbb", 7)), ["build-number-not-above"]);
    // The refused builds left nothing that would stop a good number.
    assert_eq!(number(&mut scene, "bbbbbbb", 100).candidate, Some(tag("0.1.0-rc.100")));
}

#[test]
fn numbers_are_numbers_and_overflow_is_an_error() {
    let mut scene = Scene::new();
    let old = scene.artifact("aaaaaaa", "content");
    scene.put("0.1.0-rc.9", old);
    scene.put("0.1.0-rc.10", old);
    scene.build("bbbbbbb");
    assert!(scene.at("0.1.0-rc.11").is_some());
    scene.put(&format!("0.1.0-rc.{}", u64::MAX), old);
    let artifact = scene.artifact("ccccccc", "content");
    assert_eq!(refusal_ids(&scene.run(Goal::Build(Build::of(artifact)))), ["versions-exhausted"]);
}

#[test]
fn rejecting_the_newest_lets_integration_go_on_with_the_one_before() {
    let mut scene = Scene::new();
    let (good, bad) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    assert_eq!(scene.reject(bad).kind, OutcomeKind::Done);
    assert_eq!(scene.selects(0), Some(good));
    assert_eq!(scene.reject(bad).kind, OutcomeKind::AlreadyDone);
    scene.assert_rules_hold();
}

#[test]
fn rejecting_the_only_validated_artifact_says_that_live_still_selects_it() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.promote(artifact);
    let outcome = scene.reject(artifact);
    assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["selects-rejected"]));
    assert_eq!((scene.at("rejected-aaaaaaa-2"), scene.selects(1)), (Some(artifact), Some(artifact)));
    // The same digest built again after that changes nothing, and says how to.
    let again = scene.run(Goal::Build(Build::of(artifact)));
    assert_eq!(again.kind, OutcomeKind::AlreadyDone);
    let fix = again.warnings.iter().find(|warning| warning.reason.id() == "rejected-content-again").unwrap();
    assert!(fix.reason.fix().unwrap().contains("candidate --again"));
}

#[test]
fn a_reopened_artifact_needs_fresh_evidence() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.promote(artifact);
    let next = scene.build("bbbbbbb");
    scene.promote(next);
    scene.reject(next);
    assert_eq!(scene.selects(1), Some(artifact));
    let reopened = scene.run(Goal::Reopen { artifact: next, reason: "it was the network".into() });
    assert_eq!((reopened.kind, scene.at("reopened-bbbbbbb-3")), (OutcomeKind::Done, Some(next)));
    assert_eq!(scene.selects(1), Some(artifact), "un-rejecting releases nothing");
    let without = scene.run(Goal::Promote(Promote { evidence: vec![], ..Scene::promotion(next) }));
    assert_eq!(refusal_ids(&without), ["not-promotable", "evidence-missing"]);
    assert_eq!((scene.promote(next).kind, scene.selects(1)), (OutcomeKind::Done, Some(next)));
    assert_eq!(scene.at("validated-bbbbbbb-4"), Some(next));
    assert_eq!(refusal_ids(&scene.run(Goal::Reopen { artifact, reason: "why not".into() })), ["not-rejected"]);
}

#[test]
fn nominating_again_makes_an_old_artifact_deliberately_the_newest() {
    let mut scene = Scene::new();
    let (old, new) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    assert_eq!(scene.selects(0), Some(new));
    let again = |scene: &mut Scene| scene.run(Goal::Build(Build { again: true, ..Build::of(old) }));
    assert_eq!(again(&mut scene).candidate, Some(tag("0.1.0-rc.3")));
    assert_eq!(scene.selects(0), Some(old));
    assert_eq!(again(&mut scene).kind, OutcomeKind::AlreadyDone);
}

#[test]
fn rollback_rejects_what_is_younger_and_releases_nothing_in_between() {
    let mut scene = Scene::new();
    let good = scene.build("aaaaaaa");
    scene.promote(good);
    let middle = scene.build("bbbbbbb");
    scene.promote(middle);
    let bad = scene.build("ccccccc");
    scene.promote(bad);
    let candidate = scene.build("ddddddd");
    let outcome = scene.run(Goal::Rollback { to: good, only: false });
    assert_eq!((outcome.kind, scene.selects(0), scene.selects(1)), (OutcomeKind::Done, Some(good), Some(good)));
    let releases: Vec<_> = outcome.writes.iter().filter(|write| !write.tag.as_str().contains('-')).collect();
    assert!(releases.iter().all(|write| write.digest == good), "{releases:?}");
    assert!([middle, bad, candidate].iter().all(|artifact| scene.oracle().rejected(*artifact)));
    scene.assert_rules_hold();
    // The next build is not the rollback's business.
    let next = scene.build("eeeeeee");
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(next), Some(good)));
}

#[test]
fn rollback_only_rejects_just_what_is_live_or_is_refused() {
    let mut scene = Scene::new();
    let good = scene.build("aaaaaaa");
    scene.promote(good);
    let middle = scene.build("bbbbbbb");
    scene.promote(middle);
    let bad = scene.build("ccccccc");
    scene.promote(bad);
    let candidate = scene.build("ddddddd");
    let refused = scene.run(Goal::Rollback { to: good, only: true });
    assert_eq!((refusal_ids(&refused), refused.writes.len()), (vec!["rollback-elsewhere"], 0));
    let outcome = scene.run(Goal::Rollback { to: middle, only: true });
    assert_eq!((outcome.kind, scene.selects(0), scene.selects(1)), (OutcomeKind::Done, Some(candidate), Some(middle)));
    let unvalidated = scene.run(Goal::Rollback { to: candidate, only: false });
    assert_eq!(refusal_ids(&unvalidated), ["not-validated"]);
}

#[test]
fn a_rollback_that_crashed_is_finished_without_new_victims() {
    let mut scene = Scene::new();
    let good = scene.build("aaaaaaa");
    scene.promote(good);
    let bad = scene.build("bbbbbbb");
    scene.promote(bad);
    scene.crash_after(1, Goal::Rollback { to: good, only: false });
    let next = scene.build("ccccccc");
    // Building converged what the crash left.
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(next), Some(good)));
    scene.assert_rules_hold();
}

#[test]
fn repair_has_nothing_to_do_on_an_empty_repository() {
    let outcome = Scene::new().run(Goal::Repair);
    assert_eq!((outcome.kind, outcome.writes.len()), (OutcomeKind::AlreadyDone, 0));
}

#[test]
fn poison_is_warned_of_and_left_alone() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.put("v9.0.0", artifact);
    let outcome = scene.promote(artifact);
    let poisoned: Vec<_> = outcome.warnings.iter().filter(|warning| warning.reason.id() == "poison-tag").collect();
    assert_eq!((outcome.kind, poisoned.len()), (OutcomeKind::Done, 2));
    // Our own versions do not follow strangers.
    assert_eq!(outcome.release, Some(tag("0.1.0")));
}

#[test]
fn three_stages_move_an_artifact_label_by_label() {
    let mut scene = Scene::with(three_stages());
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let leave =
        |artifact, stage: &str| Goal::Promote(Promote { stage: Some(stage.into()), ..Scene::promotion(artifact) });
    let outcome = scene.run(leave(first, "alpha"));
    assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
    assert_eq!((scene.selects(0), scene.selects(1), scene.selects(2)), (Some(second), Some(first), None));
    assert_eq!((scene.at("validated-alpha-aaaaaaa"), scene.at("0.1.0-rc.1")), (Some(first), Some(first)));
    // The same event again promotes nothing further, and an event that names no stage is not guessed about.
    assert_eq!(scene.run(leave(first, "alpha")).kind, OutcomeKind::AlreadyDone);
    assert_eq!(refusal_ids(&scene.promote(first)), ["stage-untold"]);
    let outcome = scene.run(leave(first, "rc"));
    assert_eq!((outcome.kind, outcome.release), (OutcomeKind::Done, Some(tag("0.1.0"))));
    assert_eq!((scene.at("validated-rc-aaaaaaa"), scene.selects(2)), (Some(first), Some(first)));
    assert_eq!(refusal_ids(&scene.run(leave(second, "rc"))), ["not-promotable", "earlier-stage-missing"]);
    scene.assert_rules_hold();
}

#[test]
fn a_version_that_a_stage_cannot_select_is_held_not_written_for_ever() {
    let mut spec = Spec::default();
    spec.stages.0[2].semver = Some(">= 5.0.0".into());
    let mut scene = Scene::with(Policy::new(spec).unwrap());
    let artifact = scene.build("aaaaaaa");
    let outcome = scene.promote(artifact);
    assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["stage-cannot-select"]));
    assert_eq!((scene.at("validated-aaaaaaa"), scene.selects(1)), (Some(artifact), None));
}

#[test]
fn every_tag_of_a_promotion_has_the_bytes_that_were_built() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let before: MemoryRegistry = scene.registry.clone();
    scene.promote(artifact);
    for tag in ["0.1.0-rc.1", "0.1.0", "validated-aaaaaaa"] {
        let digest = scene.at(tag).unwrap();
        assert_eq!(scene.registry.manifest(digest).unwrap().bytes(), before.manifest(artifact).unwrap().bytes());
    }
}

#[test]
fn a_candidate_whose_manifest_is_said_to_be_gone_is_warned_of() {
    let mut scene = Scene::new();
    let first = scene.build("aaaaaaa");
    let second = scene.build("bbbbbbb");
    let mut executor = scene.executor(Goal::Promote(Scene::promotion(first)));
    let outcome = loop {
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => break outcome,
            Step::Ask(queries) => queries.into_iter().for_each(|query| {
                let lie = query == Query::Manifest(second);
                let reply = if lie { Reply::Manifest(None) } else { scene.registry.reply(&query) };
                executor.learned(query, reply);
            }),
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    };
    let warnings: Vec<_> = outcome.warnings.iter().map(|warning| warning.reason.id()).collect();
    assert_eq!(warnings, ["dangling-tag"]);
}

#[test]
fn a_fact_whose_tag_is_somebody_elses_is_refused() {
    let mut scene = Scene::new();
    let (one, other) = (scene.build("aaaaaaa"), scene.artifact("bbbbbbb", "other"));
    // The key, and the one with which a second holder would be told apart.
    let forked = format!("validated-aaaaaaa.{}", one.short());
    scene.put("validated-aaaaaaa", other);
    scene.put(&forked, other);
    for ordinal in 2..5 {
        scene.put(&format!("{forked}-{ordinal}"), other);
    }
    let outcome = scene.promote(one);
    assert!(outcome.refusal.is_none(), "a verdict goes on to the next number: {outcome:#?}");
    assert_eq!(outcome.writes[0].tag, tag(&format!("{forked}-5")));

    // A hand-over has no numbers.
    let two = scene.artifact("ccccccc", "two");
    let forked = format!("integration-ccccccc.{}", two.short());
    scene.put("integration-ccccccc", other);
    scene.put(&forked, other);
    let refusal = scene.run(Goal::Build(Build::of(two))).refusal.unwrap();
    assert_eq!(refusal.reason, Reason::MarkTaken { mark: tag(&forked), by: other });
}

#[test]
fn who_is_always_beaten_gives_up_and_says_so() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    let mut executor = scene.executor(Goal::Build(Build::of(artifact)));
    let mut beaten = 0;
    let outcome = loop {
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => break outcome,
            Step::Write(_) => {
                executor.conflicted();
                beaten += 1;
                assert!(beaten < 1000, "it goes on for ever");
            }
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    };
    assert_eq!(outcome.refusal.unwrap().reason, Reason::DidNotConverge { rounds: beaten });
    assert_eq!(outcome.writes, []);
}

#[test]
fn a_stage_is_called_by_its_name() {
    let mut scene = Scene::with(three_stages());
    let one = scene.build("aaaaaaa");
    let leave = Promote { stage: Some("rc".into()), ..Scene::promotion(one) };
    let refusal = scene.run(Goal::Promote(leave)).refusal.unwrap();
    assert_eq!(refusal.because[0].reason, Reason::EarlierStageMissing { stage: "alpha".into() });
}

#[test]
fn a_given_commit_that_is_the_manifests_is_no_contradiction() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    let revision = format!("other@sha1:{}", commit("aaaaaaa")).parse().unwrap();
    let outcome = scene.run(Goal::Build(Build { revision: Some(revision), ..Build::of(artifact) }));
    assert_eq!(outcome.kind, OutcomeKind::Done);
}

#[test]
fn a_second_image_of_a_commit_gets_a_tag_of_its_own() {
    let mut scene = Scene::new();
    let build = |scene: &mut Scene, bytes: &str| {
        let image = scene.registry.push(Manifest::new(OCI_MANIFEST, bytes.as_bytes().to_vec()));
        let revision = format!("main@sha1:{}", commit("aaaaaaa")).parse().unwrap();
        (image, scene.run(Goal::Build(Build { revision: Some(revision), ..Build::of(image) })))
    };
    let (one, outcome) = build(&mut scene, r#"{"schemaVersion":2}"#);
    assert_eq!((scene.at("sha-aaaaaaa"), outcome.warnings.len()), (Some(one), 0));
    let (two, outcome) = build(&mut scene, r#"{"schemaVersion":2,"layers":[]}"#);
    assert_eq!(scene.at(&format!("sha-aaaaaaa.{}", two.short())), Some(two));
    let told = Reason::SameCommitOtherContent { commit: "aaaaaaa".into(), other: one };
    assert!(outcome.warnings.iter().any(|warning| warning.reason == told), "{:?}", outcome.warnings);
    assert_eq!(build(&mut scene, r#"{"schemaVersion":2}"#).1.kind, OutcomeKind::AlreadyDone);
}

#[test]
fn who_asks_for_no_ancestry_or_for_another_nomination_is_not_overtaken() {
    for (ancestry, again) in [(false, false), (false, true), (true, true)] {
        let mut scene = Scene::new();
        scene.build("bbbbbbb");
        let artifact = scene.artifact("aaaaaaa", "content");
        let mut executor = scene.executor(Goal::Build(Build { ancestry, again, ..Build::of(artifact) }));
        let outcome = loop {
            match executor.next(Timestamp::from_unix(NOW)) {
                Step::Done(outcome) => break outcome,
                Step::Ask(queries) => {
                    assert!(
                        !queries.iter().any(|query| matches!(query, Query::Ancestry { .. })),
                        "nobody needs to know"
                    );
                    queries.into_iter().for_each(|query| {
                        let reply = scene.registry.reply(&query);
                        executor.learned(query, reply);
                    });
                }
                step => scene.registry.answer(&mut executor, step).unwrap(),
            }
        };
        assert_eq!((outcome.kind, scene.selects(0)), (OutcomeKind::Done, Some(artifact)));
    }
}

#[test]
fn a_build_number_says_what_it_is_not_above() {
    let mut scene = Scene::new();
    let number = |scene: &mut Scene, prefix: &str, number| {
        let artifact = scene.artifact(prefix, "content");
        scene.run(Goal::Build(Build { number: Some(number), ..Build::of(artifact) }))
    };
    number(&mut scene, "aaaaaaa", 41);
    let refusal = number(&mut scene, "bbbbbbb", 41).refusal.unwrap();
    let base = "0.1.0".parse().unwrap();
    assert_eq!(refusal.reason, Reason::BuildNumberNotAbove { base, number: 41, highest: 41 });
    assert_eq!(number(&mut scene, "bbbbbbb", 42).candidate, Some(tag("0.1.0-rc.42")), "the very next");
}

#[test]
fn evidence_admits_to_the_next_stage_and_is_of_the_one_before() {
    let mut scene = Scene::with(three_stages());
    let one = scene.build("aaaaaaa");
    let leave = |stage: &str, of: &str| {
        let evidence = Evidence { stage: Some(of.into()), ..Scene::evidence(one) };
        Goal::Promote(Promote { evidence: vec![evidence], stage: Some(stage.into()), ..Scene::promotion(one) })
    };
    let refusal = scene.run(leave("alpha", "rc")).refusal.unwrap();
    let (expected, found) = ("alpha".to_owned(), "rc".to_owned());
    assert_eq!(refusal.because[0].reason, Reason::EvidenceOfAnotherStage { expected, found });
    for (stage, next) in [("alpha", "rc"), ("rc", "live")] {
        let mut executor = scene.executor(leave(stage, stage));
        let action = loop {
            match executor.next(Timestamp::from_unix(NOW)) {
                Step::Write(action) => break action,
                Step::Done(outcome) => panic!("{outcome:#?}"),
                step => scene.registry.answer(&mut executor, step).unwrap(),
            }
        };
        assert_eq!(action.why, Why::Evidence { stage: next.into() });
        scene.run(leave(stage, stage));
    }
}

#[test]
fn a_rollback_that_somebody_gets_in_the_way_of_says_what_it_is() {
    let mut scene = Scene::new();
    let [one, two] = ["aaaaaaa", "bbbbbbb"].map(|commit| scene.released(commit));
    let mut executor = scene.executor(Goal::Rollback { to: one, only: false });
    scene.until_it_writes(&mut executor, "0.");
    let by_hand = scene.artifact("ccccccc", "by hand");
    scene.put("9.0.0", by_hand);
    let outcome = scene.finish(executor);
    assert_eq!(outcome.kind, OutcomeKind::Refused);
    assert_eq!(refusal_ids(&outcome), ["held-by-hand-made"]);
    assert_eq!(scene.at("rejected-bbbbbbb-2"), Some(two), "what was written stays");
}

#[test]
fn a_rollback_goes_on_where_a_rejection_of_the_same_commit_came_first() {
    let mut scene = Scene::new();
    let [one, two] = ["aaaaaaa", "bbbbbbb"].map(|commit| scene.released(commit));
    let mut executor = scene.executor(Goal::Rollback { to: one, only: false });
    scene.until_it_writes(&mut executor, "rejected-");
    let twin = scene.artifact("bbbbbbb", "another build of it");
    scene.put("rejected-bbbbbbb-2", twin);
    let outcome = scene.finish(executor);
    assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
    assert_eq!((scene.selects(1), scene.oracle().rejected(two)), (Some(one), true), "{:?}", scene.tags());
}

#[test]
fn evidence_is_fresh_to_the_second() {
    let mut spec = Spec::default();
    spec.stages.0[1].gate.fresh = Some("10m".into());
    let policy = Policy::new(spec).unwrap();
    let told = |age: i64| {
        let mut scene = Scene::with(policy.clone());
        let artifact = scene.build("aaaaaaa");
        let mut goal = Scene::promotion(artifact);
        goal.evidence[0].observed_at = Some(Timestamp::from_unix(NOW - age));
        refusal_ids(&scene.run(Goal::Promote(goal)))
    };
    assert_eq!((told(600), told(-300)), (vec![], vec![]));
    assert!(told(601).contains(&"evidence-stale"), "{:?}", told(601));
    assert!(told(-301).contains(&"evidence-from-the-future"), "{:?}", told(-301));
}

#[test]
fn a_rollback_that_the_last_stage_could_not_see_is_refused_with_the_reason() {
    let mut spec = Spec::default();
    spec.stages.0[2].semver = Some(">= 0.0.0, < 0.1.2".into());
    let mut scene = Scene::with(Policy::new(spec).unwrap());
    let [one, two] = ["aaaaaaa", "bbbbbbb"].map(|commit| scene.released(commit));
    assert_eq!((scene.at("0.1.1"), scene.selects(1)), (Some(two), Some(two)));
    let refused = scene.run(Goal::Rollback { to: one, only: false });
    assert_eq!(refusal_ids(&refused), ["rollback-elsewhere", "stage-cannot-select"]);
    assert_eq!(refused.writes, []);
}

#[test]
fn a_rollback_to_what_is_live_rejects_nothing_be_it_made_by_hand() {
    let mut scene = Scene::new();
    let by_hand = scene.artifact("aaaaaaa", "by hand");
    for text in ["integration-aaaaaaa", "validated-aaaaaaa", "0.5.0"] {
        scene.put(text, by_hand);
    }
    for only in [false, true] {
        let outcome = scene.run(Goal::Rollback { to: by_hand, only });
        assert_eq!((outcome.kind, outcome.writes), (OutcomeKind::AlreadyDone, vec![]));
    }
}

#[test]
fn whoever_overwrites_a_verdict_is_told_of() {
    let mut scene = Scene::new();
    scene.registry = MemoryRegistry::new(Consistency::Registers);
    let [one, two] = ["aaaaaaa", "bbbbbbb"].map(|commit| scene.build(commit));
    scene.promote(two);
    scene.reject(one);
    let mut person = scene.executor(Goal::Reopen { artifact: one, reason: "a mistake".into() });
    scene.until_it_writes(&mut person, "reopened-");
    let step = person.next(Timestamp::from_unix(NOW));
    scene.registry.answer(&mut person, step).unwrap();
    let tag = person.writes()[0].tag.clone();
    scene.registry.put(&tag, two, Expect::Any).unwrap();
    let outcome = scene.finish(person);
    let overwritten = Finding::warning(Reason::Overwritten { tag, wanted: one, found: Some(two) });
    assert!(outcome.warnings.contains(&overwritten), "{outcome:#?}");
}

#[test]
fn after_its_writes_an_actor_asks_once() {
    let mut scene = Scene::new();
    scene.registry = MemoryRegistry::new(Consistency::Registers);
    let [one, two, three] = ["aaaaaaa", "bbbbbbb", "ccccccc"].map(|commit| scene.build(commit));
    scene.promote(one);
    let mut promoter = scene.executor(Goal::Promote(Scene::promotion(two)));
    scene.until_it_writes(&mut promoter, "0.1.1");
    let mut asked = 0;
    loop {
        match promoter.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => break assert_eq!((outcome.kind, asked), (OutcomeKind::Done, 1)),
            step => {
                asked += usize::from(matches!(step, Step::Ask(_)));
                scene.registry.answer(&mut promoter, step).unwrap();
            }
        }
    }
    assert_eq!([scene.selects(0), scene.selects(1)], [Some(three), Some(two)]);
}
