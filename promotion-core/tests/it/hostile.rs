//! What a hostile reader of the rules tried, each of which once worked.

use promotion_core::audit::audit;
use promotion_core::board::{artifacts, board};
use promotion_core::evidence::Evidence;
use promotion_core::executor::{Executor, Outcome, OutcomeKind, Step};
use promotion_core::lifecycle::State;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::plan::{Build, Goal, PlanFile, Promote};
use promotion_core::policy::{Policy, Spec};
use promotion_core::proofs::prove;
use promotion_core::reason::Severity;
use promotion_core::snapshot::{Ancestry, Needs, Query, Reply, Snapshot};
use promotion_core::time::Timestamp;
use promotion_core::version::Level;

use crate::scene::{NOW, Scene, commit, refusal_ids, tag, three_stages};

fn now() -> Timestamp {
    Timestamp::from_unix(NOW)
}

/// Runs to the end, where `reply` may answer otherwise than the registry does.
fn finish(scene: &mut Scene, mut executor: Executor, reply: impl Fn(&Query) -> Option<Reply>) -> Outcome {
    loop {
        match executor.next(now()) {
            Step::Done(outcome) => return *outcome,
            Step::Ask(queries) => {
                for query in queries {
                    let answer = reply(&query).unwrap_or_else(|| scene.registry.reply(&query));
                    executor.learned(query, answer);
                }
            }
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    }
}

fn until_written(scene: &mut Scene, executor: &mut Executor, writes: usize) {
    while executor.writes().len() < writes {
        let step = executor.next(now());
        scene.registry.answer(executor, step).unwrap();
    }
}

fn until_a_write(scene: &mut Scene, executor: &mut Executor) {
    loop {
        match executor.next(now()) {
            Step::Write(_) => return,
            step => scene.registry.answer(executor, step).unwrap(),
        }
    }
}

/// Everything there is to know.
fn everything(scene: &Scene) -> Snapshot {
    let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
    let tags = scene.registry.tags().iter();
    for query in tags.flat_map(|(tag, digest)| [Query::Tag(tag.clone()), Query::Manifest(*digest)]) {
        let reply = scene.registry.reply(&query);
        snapshot.learn(query, reply);
    }
    snapshot
}

/// Runs to the end; the first stage must never select rejected bytes on the way.
fn never_selecting_rejected(scene: &mut Scene, goal: Goal) -> Outcome {
    let mut executor = scene.executor(goal);
    loop {
        match executor.next(now()) {
            Step::Done(outcome) => return *outcome,
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
        let selected = scene.selects(0).unwrap();
        assert!(!scene.oracle().rejected(selected), "{:?}", scene.oracle().selected_tag(0));
    }
}

fn with(change: impl Fn(&mut Spec)) -> Result<Policy, promotion_core::policy::PolicyError> {
    let mut spec = Spec::default();
    change(&mut spec);
    Policy::new(spec)
}

#[test]
fn evidence_that_names_nothing_proves_nothing() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let evidence = vec![Evidence { digest: None, commit: None, ..Scene::evidence(artifact) }];
    let outcome = scene.run(Goal::Promote(Promote { evidence, ..Scene::promotion(artifact) }));
    assert_eq!((refusal_ids(&outcome), scene.selects(1)), (vec!["not-promotable", "evidence-unbound"], None));
}

#[test]
fn evidence_of_a_commit_stays_ambiguous_when_tags_get_longer() {
    let mut scene = Scene::new();
    let first = scene.build("aaaaaaa");
    scene.policy = with(|spec| spec.tags.short = 8).unwrap();
    let second = scene.artifact("aaaaaaa", "other content");
    scene.run(Goal::Build(Build::of(second)));
    let commit = Some(commit("aaaaaaa").parse().unwrap());
    let evidence = vec![Evidence { digest: None, commit, ..Scene::evidence(first) }];
    let outcome = scene.run(Goal::Promote(Promote { evidence, ..Scene::promotion(second) }));
    assert_eq!(refusal_ids(&outcome), ["not-promotable", "evidence-ambiguous"]);
}

#[test]
fn an_explicit_version_below_a_rejected_release_is_not_written_for_ever() {
    let mut scene = Scene::new();
    let good = scene.build("aaaaaaa");
    let explicit = Goal::Promote(Promote { version: Some("0.1.3".parse().unwrap()), ..Scene::promotion(good) });
    scene.run(explicit.clone());
    let bad = scene.build("bbbbbbb");
    scene.promote(bad);
    scene.crash_after(1, Goal::Reject { artifact: bad, reason: "bad".into() });
    assert_eq!((scene.run(explicit).kind, scene.selects(1)), (OutcomeKind::Done, Some(good)));
}

#[test]
fn a_manifest_that_cannot_be_read_sends_no_stage_back() {
    let mut scene = Scene::new();
    let old = scene.build("aaaaaaa");
    scene.promote(old);
    let new = scene.build("bbbbbbb");
    scene.promote(new);
    let executor = scene.executor(Goal::Repair);
    let missing = |query: &Query| (*query == Query::Manifest(new)).then_some(Reply::Manifest(None));
    let outcome = finish(&mut scene, executor, missing);
    assert_eq!((outcome.writes, scene.selects(0), scene.selects(1)), (vec![], Some(new), Some(new)));
    assert!(outcome.warnings.iter().any(|warning| warning.reason.id() == "dangling-tag"));
}

#[test]
fn a_lost_birth_does_not_send_live_back() {
    let mut scene = Scene::new();
    let (old, new) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.promote(old);
    assert_eq!(scene.promote(new).release, Some(tag("0.1.1")));
    scene.registry.delete_tag(&tag("0.1.0-rc.2"));
    scene.run(Goal::Repair);
    assert_eq!(scene.selects(1), Some(new));
}

#[test]
fn a_rejection_is_recorded_although_versions_ran_out() {
    let policy = with(|spec| {
        spec.versions.line = Some(">=1.2.0 <=1.2.1".into());
        spec.versions.initial = "1.2.0".into();
    });
    let mut scene = Scene::with(policy.unwrap());
    let good = scene.build("aaaaaaa");
    scene.promote(good);
    let bad = scene.build("bbbbbbb");
    scene.promote(bad);
    assert_eq!(refusal_ids(&scene.reject(bad)), ["selects-rejected"]);
    assert!(scene.oracle().rejected(bad));
}

#[test]
fn rejected_bytes_get_no_birth() {
    let mut scene = Scene::new();
    let bad = scene.artifact("aaaaaaa", "content");
    scene.build("bbbbbbb");
    scene.reject(bad);
    let outcome = never_selecting_rejected(&mut scene, Goal::Build(Build::of(bad)));
    assert_eq!((refusal_ids(&outcome), outcome.writes), (vec!["artifact-rejected"], vec![]));
}

#[test]
fn rejected_bytes_are_not_nominated_again() {
    let mut scene = Scene::new();
    let (bad, good) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.reject(bad);
    let again = Goal::Build(Build { again: true, ..Build::of(bad) });
    assert_eq!(refusal_ids(&never_selecting_rejected(&mut scene, again.clone())), ["artifact-rejected"]);
    assert_eq!(scene.selects(0), Some(good));
    scene.run(Goal::Reopen { artifact: bad, reason: "a mistake".into() });
    assert_eq!((scene.run(again).kind, scene.selects(0)), (OutcomeKind::Done, Some(bad)));
}

#[test]
fn a_rollback_to_something_half_promoted_rejects_nothing_older() {
    let mut scene = Scene::new();
    let old = scene.build("aaaaaaa");
    scene.promote(old);
    let new = scene.build("bbbbbbb");
    scene.crash_after(1, Goal::Promote(Scene::promotion(new)));
    let outcome = scene.run(Goal::Rollback { to: new, only: false });
    assert_eq!((outcome.kind, scene.selects(1)), (OutcomeKind::Done, Some(new)));
    assert!(!scene.oracle().rejected(old));
}

#[test]
fn a_plan_is_still_checked_after_a_conflict_on_its_first_write() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("aaaaaaa", "content");
    let mut planner = scene.executor(Goal::Build(Build::of(artifact)));
    until_a_write(&mut scene, &mut planner);
    let file = PlanFile::new("ocidir://x".parse().unwrap(), scene.policy.hash(), planner.planned().unwrap());
    let applying = Executor::applying(scene.policy.clone(), file);
    let mut executor = applying.with_consistency(scene.registry.consistency());
    until_a_write(&mut scene, &mut executor);
    let other = scene.artifact("aaaaaaa", "other content");
    scene.run(Goal::Build(Build::of(other)));
    loop {
        match executor.next(now()) {
            Step::Drifted(_) => break,
            Step::Done(outcome) => panic!("{outcome:#?}"),
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    }
    assert_eq!(executor.writes(), []);
}

#[test]
fn nothing_but_a_version_of_ours_is_a_version_to_flux() {
    assert!(with(|spec| spec.channels = vec!["v9.0.0".into()]).is_err());
    assert!(with(|spec| spec.stages.0[1].mark = Some("v9.0.0-{short}".into())).is_err());
}

#[test]
fn verdicts_that_ran_out_of_ordinals_are_an_error() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.put(&format!("rejected-aaaaaaa-{}", u64::MAX), artifact);
    let outcome = scene.run(Goal::Reopen { artifact, reason: "good".into() });
    assert_eq!(refusal_ids(&outcome), ["verdicts-exhausted"]);
}

#[test]
fn a_strangers_tag_in_the_way_of_a_verdict_is_stepped_over() {
    let mut scene = Scene::new();
    let other = scene.build("aaaaaaa");
    let bad = scene.artifact("aaaaaaa", "other content");
    scene.run(Goal::Build(Build::of(bad)));
    scene.promote(bad);
    scene.put(&format!("rejected-aaaaaaa.{}-2", bad.short()), other);
    scene.reject(bad);
    assert!(scene.oracle().rejected(bad));
}

#[test]
fn a_reopened_release_is_a_state_that_exists() {
    let mut scene = Scene::new();
    for prefix in ["aaaaaaa", "bbbbbbb"] {
        let artifact = scene.build(prefix);
        scene.promote(artifact);
    }
    let bad = scene.at("0.1.1").unwrap();
    scene.reject(bad);
    scene.run(Goal::Reopen { artifact: bad, reason: "good".into() });
    let rows = artifacts(&everything(&scene), &scene.policy).unwrap();
    assert!(rows.iter().all(|row| row.state != State::Impossible), "{rows:#?}");
}

#[test]
fn two_commits_on_one_digest_are_found() {
    let mut scene = Scene::new();
    let artifact = scene.registry.push(Manifest::new(OCI_MANIFEST, b"{\"schemaVersion\":2}".to_vec()));
    for prefix in ["aaaaaaa", "bbbbbbb"] {
        let revision = Some(format!("main@sha1:{}", commit(prefix)).parse().unwrap());
        scene.run(Goal::Build(Build { revision, ..Build::of(artifact) }));
    }
    let findings = audit(&everything(&scene), &scene.policy).unwrap();
    assert!(findings.iter().any(|finding| finding.reason.id() == "mark-of-another-commit"), "{findings:?}");
}

#[test]
fn rejecting_what_live_keeps_selecting_is_never_done() {
    let policy = with(|spec| spec.stages.0[2].semver = Some("<0.1.2".into()));
    let mut scene = Scene::with(policy.unwrap());
    let good = scene.build("aaaaaaa");
    scene.promote(good);
    let bad = scene.build("bbbbbbb");
    scene.promote(bad);
    let outcome = scene.reject(bad);
    assert_eq!((refusal_ids(&outcome), scene.selects(1)), (vec!["selects-rejected"], Some(bad)));
}

#[test]
fn an_explicit_version_is_never_dropped_silently() {
    let mut scene = Scene::with(with(|spec| spec.stages.0[2].semver = Some("<5".into())).unwrap());
    let artifact = scene.build("aaaaaaa");
    scene.promote(artifact);
    let version = Some("6.0.0".parse().unwrap());
    let outcome = scene.run(Goal::Promote(Promote { version, ..Scene::promotion(artifact) }));
    assert_eq!(refusal_ids(&outcome), ["stage-cannot-select"]);
    let mut scene = Scene::with(three_stages());
    let artifact = scene.build("aaaaaaa");
    let early = Promote { version, stage: Some("alpha".into()), ..Scene::promotion(artifact) };
    assert_eq!(refusal_ids(&scene.run(Goal::Promote(early))), ["version-before-last-stage"]);
}

#[test]
fn a_release_waits_if_the_newest_cannot_be_lifted_above_it() {
    let filter = Some(r"^[0-9.]+(-rc\.[1-9][0-9]*)?$".into());
    let mut scene = Scene::with(with(|spec| spec.stages.0[1].filter = filter.clone()).unwrap());
    let (old, new) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let outcome = scene.promote(old);
    assert_eq!((refusal_ids(&outcome), scene.selects(0)), (vec!["stage-cannot-select"], Some(new)));
    assert_eq!((scene.at("validated-aaaaaaa"), scene.selects(1)), (Some(old), None));
}

#[test]
fn proofs_see_single_versions_that_a_constraint_names() {
    let policy = with(|spec| spec.stages.0[2].semver = Some(">=0.0.0 || =1.0.0-rc.5".into())).unwrap();
    assert!(prove(&policy).iter().any(|finding| finding.reason.id() == "stage-selects-lower-label"));
    let policy = with(|spec| spec.stages.0[1].semver = Some(">=0.0.0-0 !=0.1.0-rc.7".into())).unwrap();
    assert!(prove(&policy).iter().any(|finding| finding.reason.id() == "stage-cannot-select"));
}

#[test]
fn proofs_see_filters_that_count_digits() {
    let ids = |filter: &str| -> Vec<&str> {
        let policy = with(|spec| spec.stages.0[1].filter = Some(filter.into())).unwrap();
        prove(&policy).iter().map(|finding| finding.reason.id()).collect()
    };
    for hides_what_comes_later in [
        r"-rc\.(0\.)?\d$",
        r"-rc\.(0\.)?\d{1,3}$",
        r"-rc\.(\d+|0\.\d{1,2})$",
        r"^\d+\.\d{1,2}\.\d+-rc\.",
        r"^\d+\.\d+\.\d{1,3}-rc\.",
    ] {
        assert!(ids(hides_what_comes_later).contains(&"stage-cannot-select"), "{hides_what_comes_later}");
    }
    assert!(!ids(r"^\d+\.\d+\.\d+(-rc\.(0\.)?\d+)?$").contains(&"stage-cannot-select"));
}

#[test]
fn proofs_see_a_line_without_room() {
    let found = |bump: Level, line: &str| {
        let policy = with(|spec| {
            spec.versions.bump = bump;
            spec.versions.line = Some(line.into());
        });
        prove(&policy.unwrap()).iter().any(|finding| finding.reason.id() == "raise-outside-line")
    };
    assert!(found(Level::Patch, "0.1.0"));
    assert!(found(Level::Minor, ">= 0.1.0 < 0.2.0"));
    // A lifted artifact is raised by a patch, whatever builds raise.
    assert!(found(Level::Minor, "0.1.0 || 0.2.0"));
    assert!(!found(Level::Patch, ">= 0.1.0 < 0.2.0") && !found(Level::Minor, "0.x"));
}

#[test]
fn under_a_policy_that_shows_candidates_to_live_nothing_is_built() {
    let mut scene = Scene::with(with(|spec| spec.stages.0[2].semver = Some(">= 0.0.0-0".into())).unwrap());
    let artifact = scene.artifact("aaaaaaa", "content");
    let outcome = scene.run(Goal::Build(Build::of(artifact)));
    assert_eq!((refusal_ids(&outcome), outcome.writes), (vec!["stage-selects-lower-label"], vec![]));
    // Nor lifted by anybody else's run; a verdict is recorded all the same.
    scene.put("0.1.0-rc.1", artifact);
    scene.put("0.2.0", artifact);
    assert_eq!(scene.run(Goal::Repair).writes, []);
    assert_eq!(scene.reject(artifact).writes.len(), 1);
    let shown = board(&everything(&scene), &scene.policy).unwrap().findings;
    assert!(shown.iter().any(|finding| finding.reason.id() == "stage-selects-lower-label"));
}

#[test]
fn nobody_is_overtaken_by_rejected_bytes() {
    let mut scene = Scene::new();
    let bad = scene.build("bbbbbbb");
    scene.reject(bad);
    let artifact = scene.artifact("aaaaaaa", "content");
    let executor = scene.executor(Goal::Build(Build { ancestry: true, ..Build::of(artifact) }));
    let ancestor =
        |query: &Query| matches!(query, Query::Ancestry { .. }).then_some(Reply::Ancestry(Ancestry::Ancestor));
    assert_eq!(finish(&mut scene, executor, ancestor).kind, OutcomeKind::Done);
    assert_eq!(scene.selects(0), Some(artifact));
}

#[test]
fn superseded_means_that_something_younger_is_live() {
    let mut scene = Scene::new();
    let old = scene.build("aaaaaaa");
    scene.promote(old);
    let new = scene.build("bbbbbbb");
    let by_hand = scene.artifact("fffffff", "by hand");
    let mut executor = scene.executor(Goal::Promote(Scene::promotion(new)));
    until_written(&mut scene, &mut executor, 1);
    scene.put("rejected-bbbbbbb-2", new);
    scene.put("reopened-bbbbbbb-3", new);
    scene.put("0.1.1", by_hand);
    assert_eq!(refusal_ids(&finish(&mut scene, executor, |_| None)), ["not-validated"]);

    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let by_hand = scene.artifact("fffffff", "by hand");
    scene.put("3.0.0", by_hand);
    scene.promote(second);
    assert_eq!(refusal_ids(&scene.promote(first)), ["held-by-hand-made"]);
}

#[test]
fn a_listing_that_lags_behind_our_own_writes_changes_nothing() {
    let mut scene = Scene::new();
    let old = scene.build("9999999");
    scene.promote(old);
    let artifact = scene.build("aaaaaaa");
    let before = scene.registry.listing();
    for goal in [Goal::Promote(Scene::promotion(artifact)), Goal::Build(Build::of(scene.artifact("bbbbbbb", "c")))] {
        let mut executor = Executor::new(scene.policy.clone(), goal);
        let outcome = loop {
            match executor.next(now()) {
                Step::Done(outcome) => break outcome,
                Step::List => executor.listed(&before),
                step => scene.registry.answer(&mut executor, step).unwrap(),
            }
        };
        assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
    }
}

#[test]
fn a_listing_that_lags_behind_somebody_elses_birth_does_not_stop_a_build() {
    let mut scene = Scene::new();
    scene.build("9999999");
    let before = scene.registry.listing();
    let theirs = scene.build("aaaaaaa");
    let ours = scene.artifact("bbbbbbb", "c");
    let mut executor = Executor::new(scene.policy.clone(), Goal::Build(Build::of(ours)));
    let outcome = loop {
        match executor.next(now()) {
            Step::Done(outcome) => break outcome,
            Step::List => executor.listed(&before),
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    };
    assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
    assert_eq!((scene.at("0.1.0-rc.2"), scene.at("0.1.0-rc.3")), (Some(theirs), Some(ours)));
}

#[test]
fn a_board_over_a_release_made_by_hand_reads_no_more_than_others() {
    let reads = |builds: usize| {
        let mut scene = Scene::new();
        for build in 0..builds {
            let artifact = scene.build(&format!("{build:07x}"));
            scene.promote(artifact);
        }
        let by_hand = scene.artifact("ddddddd", "by hand");
        scene.put("7.0.0", by_hand);
        scene.run(Goal::Repair);
        let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
        let mut reads = 0;
        while let Err(Needs(queries)) = board(&snapshot, &scene.policy) {
            reads += queries.len();
            for query in queries {
                let reply = scene.registry.reply(&query);
                snapshot.learn(query, reply);
            }
        }
        reads
    };
    assert_eq!(reads(5), reads(40));
}

#[test]
fn a_release_made_by_hand_is_history_once_something_better_is_live() {
    let mut scene = Scene::new();
    let by_hand = scene.artifact("fffffff", "by hand");
    scene.put("3.0.0", by_hand);
    let severities = |scene: &Scene| {
        let findings = audit(&everything(scene), &scene.policy).unwrap();
        findings.iter().map(|finding| finding.severity).max()
    };
    assert_eq!(severities(&scene), Some(Severity::Error));
    let artifact = scene.build("aaaaaaa");
    scene.promote(artifact);
    assert_eq!((scene.selects(1), severities(&scene)), (Some(artifact), Some(Severity::Info)));
}

#[test]
fn a_list_of_values_is_no_manifest() {
    let manifest = Manifest::new(OCI_MANIFEST, b"\n[null,{},null,[],[],null]".to_vec());
    assert!(manifest.read().is_err() && manifest.links().is_err());
}
