//! What the model checker found while the rules were made: each would go wrong without one of them.

use promotion_core::executor::{OutcomeKind, Step};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::ports::Listing;
use promotion_core::snapshot::{Query, Reply};
use promotion_core::time::Timestamp;
use promotion_core::{Digest, converge, reason::Reason};

use crate::scene::{NOW, Scene, refusal_ids, tag, three_stages};

#[test]
fn a_release_is_never_written_before_its_evidence() {
    // Planners of their own for each goal wrote the release first, and a crash left live with unproven bytes.
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    scene.crash_after(1, Goal::Promote(Scene::promotion(artifact)));
    assert_eq!((scene.at("validated-aaaaaaa"), scene.selects(1)), (Some(artifact), None));
}

#[test]
fn a_repair_does_not_make_a_crashed_older_build_the_newest() {
    let mut scene = Scene::new();
    let old = scene.artifact("aaaaaaa", "content");
    scene.crash_after(2, Goal::Build(Build::of(old)));
    let new = scene.build("bbbbbbb");
    assert_eq!(scene.run(Goal::Repair).kind, OutcomeKind::AlreadyDone);
    assert_eq!(scene.selects(0), Some(new));
    // Only somebody who means it gives it its candidate.
    scene.run(Goal::Build(Build::of(old)));
    assert_eq!(scene.selects(0), Some(old));
}

#[test]
fn two_re_basers_do_not_race_for_one_tag_for_ever() {
    // Both see the first stage select a rejected artifact, and both want the same newest lifted.
    let mut scene = Scene::new();
    let (good, bad) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.crash_after(1, Goal::Reject { artifact: bad, reason: "bad".into() });
    let (mut one, mut two) = (scene.executor(Goal::Repair), scene.executor(Goal::Repair));
    let mut ended = 0;
    for turn in 0..200 {
        let executor = if turn % 2 == 0 { &mut one } else { &mut two };
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => {
                assert!(outcome.writes.len() <= 1, "{outcome:#?}");
                ended += 1;
            }
            step => scene.registry.answer(executor, step).unwrap(),
        }
    }
    assert!(ended > 2);
    assert_eq!((scene.selects(0), scene.tags().iter().filter(|tag| tag.contains("-rc.0.")).count()), (Some(good), 1));
}

#[test]
fn a_release_is_not_placed_below_a_rejected_artifacts_candidate() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    // The second was lifted to 0.1.1 when the first was released, and then rejected.
    scene.promote(first);
    assert_eq!(scene.at("0.1.1-rc.0.1"), Some(second));
    let third = scene.build("ccccccc");
    scene.reject(second);
    scene.reject(third);
    // The first is the newest again; a later release of it must not leave the rejected ones selectable.
    scene.assert_rules_hold();
    let explicit = Promote { version: Some("0.1.2".parse().unwrap()), ..Scene::promotion(first) };
    scene.run(Goal::Promote(explicit));
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(first), Some(first)));
    scene.assert_rules_hold();
}

#[test]
fn what_is_lifted_clears_the_candidates_of_older_and_rejected_artifacts() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let third = scene.build("ccccccc");
    // An older artifact holds a high candidate.
    scene.put("0.3.0-rc.0.1", first);
    scene.run(Goal::Repair);
    assert_eq!(scene.selects(0), Some(third));
    let outcome = scene.promote(second);
    let release = outcome.release.unwrap();
    assert_eq!((release.as_str(), scene.at("0.3.0-rc.0.2")), ("0.3.0", Some(second)));
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(third), Some(second)));
}

#[test]
fn an_explicit_version_does_not_hide_the_newest_build() {
    let mut scene = Scene::new();
    let (first, newest) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let explicit = Promote { version: Some("7.0.0".parse().unwrap()), ..Scene::promotion(first) };
    // At no point of it: the newest is lifted first.
    for writes in 1..=4 {
        let mut copy = Scene { registry: scene.registry.clone(), policy: scene.policy.clone() };
        copy.crash_after(writes, Goal::Promote(explicit.clone()));
        assert_eq!(copy.selects(0), Some(newest), "after {writes} writes");
    }
    scene.run(Goal::Promote(explicit));
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(newest), Some(first)));
}

#[test]
fn evidence_read_before_versions_in_a_torn_listing_releases_nothing_older() {
    let mut scene = Scene::new();
    let old = scene.build("aaaaaaa");
    scene.promote(old);
    let new = scene.build("bbbbbbb");
    let marks_before = scene.registry.listing();
    scene.promote(new);
    // The page with the marks was read before the promotion, the page with the versions after it.
    let versions_after = scene.registry.listing().tags.into_iter().filter(|tag| tag.as_str() < "i");
    let marks = marks_before.tags.into_iter().filter(|tag| tag.as_str() >= "i");
    let torn = Listing { tags: versions_after.chain(marks).collect(), not_tags: vec![] };
    let mut executor = scene.executor(Goal::Promote(Promote { evidence: vec![], ..Scene::promotion(old) }));
    loop {
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::List => executor.listed(&torn),
            Step::Done(outcome) => {
                assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["held-by-newer"]));
                assert_eq!(outcome.writes, []);
                break;
            }
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    }
}

#[test]
fn lost_evidence_does_not_send_live_back() {
    let mut scene = Scene::new();
    let old = scene.build("aaaaaaa");
    scene.promote(old);
    let new = scene.build("bbbbbbb");
    scene.promote(new);
    scene.registry.delete_tag(&tag("validated-bbbbbbb"));
    let outcome = scene.run(Goal::Repair);
    assert_eq!((outcome.writes.len(), scene.selects(1)), (0, Some(new)));
    assert!(outcome.warnings.iter().any(|warning| warning.reason.id() == "held-by-newer"), "{outcome:#?}");
}

#[test]
fn a_hand_made_release_is_not_undone_by_the_next_build() {
    let mut scene = Scene::new();
    let (by_hand, older) = (scene.artifact("fffffff", "by hand"), scene.build("aaaaaaa"));
    scene.put("3.0.0", by_hand);
    let outcome = scene.promote(older);
    assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["held-by-hand-made"]));
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(older), Some(by_hand)));
    // What is built after it is above it, and goes live like any other.
    let next = scene.build("bbbbbbb");
    assert_eq!((scene.selects(1), scene.at("3.0.1-rc.1")), (Some(by_hand), Some(next)));
    assert_eq!((scene.promote(next).kind, scene.selects(1)), (OutcomeKind::Done, Some(next)));
}

#[test]
fn a_rejected_hand_made_release_holds_nothing() {
    // The hold protects what nobody calls bad; a rollback must be able to leave a bad release made by hand.
    let mut scene = Scene::new();
    let good = scene.build("aaaaaaa");
    scene.promote(good);
    let by_hand = scene.artifact("fffffff", "by hand");
    scene.put("3.0.0", by_hand);
    assert_eq!(scene.run(Goal::Repair).writes.len(), 1, "only the newest is lifted");
    let outcome = scene.run(Goal::Rollback { to: good, only: false });
    assert_eq!((outcome.kind, scene.selects(1)), (OutcomeKind::Done, Some(good)));
    scene.assert_rules_hold();
}

#[test]
fn a_lost_verdict_of_a_kept_candidate_is_what_retention_must_not_cause() {
    // Deleting a rejection and keeping the candidate brings rejected bytes back: the planner cannot know better.
    let mut scene = Scene::new();
    let (good, bad) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.reject(bad);
    assert_eq!(scene.selects(0), Some(good));
    scene.registry.delete_tag(&tag("rejected-bbbbbbb"));
    scene.run(Goal::Repair);
    assert_eq!(scene.selects(0), Some(bad));
    // Deleting all facts of the artifact does not.
    for gone in ["rejected-bbbbbbb", "0.1.0-rc.2", "integration-bbbbbbb", "sha-bbbbbbb"] {
        scene.registry.delete_tag(&tag(gone));
    }
    let rebased: Vec<String> =
        scene.tags().iter().filter(|tag| tag.contains("-rc.0.")).map(ToString::to_string).collect();
    for gone in rebased.iter().filter(|text| scene.at(text) == Some(bad)).cloned().collect::<Vec<_>>() {
        scene.registry.delete_tag(&tag(&gone));
    }
    scene.run(Goal::Repair);
    assert_eq!(scene.selects(0), Some(good));
}

#[test]
fn un_rejecting_does_not_release_without_a_gate() {
    let mut scene = Scene::new();
    let (old, new) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.promote(old);
    scene.promote(new);
    scene.reject(new);
    scene.run(Goal::Reopen { artifact: new, reason: "a mistake".into() });
    scene.run(Goal::Repair);
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(new), Some(old)));
}

#[test]
fn an_actor_does_not_refuse_after_its_own_write() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let mut promoter = scene.executor(Goal::Promote(Scene::promotion(first)));
    while promoter.writes().len() < 2 {
        let step = promoter.next(Timestamp::from_unix(NOW));
        scene.registry.answer(&mut promoter, step).unwrap();
    }
    // Its evidence and the lift of the newest are written; then a person rejects what it promotes.
    scene.put("rejected-aaaaaaa-2", first);
    let outcome = loop {
        match promoter.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => break outcome,
            step => scene.registry.answer(&mut promoter, step).unwrap(),
        }
    };
    // It goes on to the end, and says how the goal stands.
    assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["artifact-rejected"]));
    assert_eq!(scene.selects(0), Some(second));
    scene.assert_rules_hold();
}

/// One artifact that was validated and not released, and another to promote.
fn half_done() -> (Scene, Digest, Digest) {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.crash_after(1, Goal::Promote(Scene::promotion(first)));
    assert_eq!(scene.selects(1), None);
    (scene, first, second)
}

#[test]
fn an_actor_that_is_refused_after_its_own_write_still_makes_the_rules_true() {
    let (mut scene, first, second) = half_done();
    let third = scene.artifact("ccccccc", "content");
    let build = Build { number: Some(7), ..Build::of(third) };
    let mut builder = scene.executor(Goal::Build(build));
    while builder.writes().len() < 2 {
        let step = builder.next(Timestamp::from_unix(NOW));
        scene.registry.answer(&mut builder, step).unwrap();
    }
    // Its marks are written; then somebody else takes its number.
    scene.put("0.1.0-rc.7", second);
    let outcome = scene.finish(builder);
    assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["build-number-not-above"]));
    assert_eq!(scene.selects(1), Some(first), "what another had left half done");
    scene.assert_rules_hold();
}

#[test]
fn who_is_refused_before_his_first_write_writes_nothing_not_even_what_the_rules_want() {
    let (mut scene, first, second) = half_done();
    scene.put("rejected-bbbbbbb", second);
    let refused = scene.promote(second);
    assert_eq!((refused.kind, refused.writes), (OutcomeKind::Refused, vec![]));
    assert_eq!(scene.selects(1), None);
    scene.run(Goal::Repair);
    assert_eq!(scene.selects(1), Some(first));
}

#[test]
fn an_error_is_never_absent() {
    // A listed tag that was not resolved is a question, whatever else is known.
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let next = scene.artifact("bbbbbbb", "content");
    let mut executor = scene.executor(Goal::Build(Build::of(next)));
    assert_eq!(executor.next(Timestamp::from_unix(NOW)), Step::List);
    executor.listed(&scene.registry.listing());
    let Step::Ask(queries) = executor.next(Timestamp::from_unix(NOW)) else { panic!("nothing asked") };
    assert!(!queries.is_empty());
    let snapshot = executor.snapshot().unwrap();
    assert!(snapshot.digest(&tag("0.1.0-rc.1")).is_err());
    assert_eq!(snapshot.digest(&tag("0.1.0")), Ok(None));
    assert!(matches!(scene.registry.reply(&Query::Manifest(artifact)), Reply::Manifest(Some(_))));
    let goal = Goal::Reject { artifact: Digest::of(b"x"), reason: "r".into() };
    let request = converge::Request::new(&goal, Timestamp::from_unix(NOW));
    assert!(matches!(converge(snapshot, &scene.policy, &request), Err(converge::Stop::Needs(_))));
    assert_eq!(Reason::DidNotConverge { rounds: 1 }.id(), "did-not-converge");
}

#[test]
fn two_who_nominate_again_do_not_overtake_each_other_for_ever() {
    let mut scene = Scene::new();
    let (first, second) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    scene.build("ccccccc");
    let again = |artifact| Goal::Build(Build { again: true, ..Build::of(artifact) });
    let (mut one, mut two) = (scene.executor(again(first)), scene.executor(again(second)));
    let mut outcomes = [None, None];
    for turn in 0..400 {
        let (index, executor) = if turn % 2 == 0 { (0, &mut one) } else { (1, &mut two) };
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => outcomes[index] = Some(outcome),
            step => scene.registry.answer(executor, step).unwrap(),
        }
    }
    assert!(outcomes.iter().flatten().all(|outcome| outcome.kind == OutcomeKind::Done), "{outcomes:#?}");
    // One birth each, and whichever came last is the newest.
    assert_eq!(scene.tags().iter().filter(|tag| tag.starts_with("0.1.0-rc.")).count(), 5);
    scene.assert_rules_hold();
}

#[test]
fn an_explicit_version_that_was_overtaken_is_not_written_for_ever() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let by_hand = scene.artifact("fffffff", "by hand");
    scene.put("0.1.2", artifact);
    scene.put("0.1.3", by_hand);
    // The version is there, on this artifact, and something made by hand stands above it.
    let explicit = Promote { version: Some("0.1.2".parse().unwrap()), ..Scene::promotion(artifact) };
    let outcome = scene.run(Goal::Promote(explicit));
    assert_eq!((outcome.kind, refusal_ids(&outcome)), (OutcomeKind::Refused, vec!["held-by-hand-made"]));
    assert_eq!(outcome.writes.iter().filter(|write| write.tag == tag("0.1.2")).count(), 0);
}

#[test]
fn what_is_lifted_and_released_at_once_is_finished_as_it_was_begun() {
    // Shown good in the first stage and not released from it; what hides it there is rejected.
    let start = || {
        let mut scene = Scene::with(three_stages());
        let (good, bad) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
        scene.crash_after(1, Goal::Promote(Promote { stage: Some("alpha".into()), ..Scene::promotion(good) }));
        (scene, bad)
    };
    let (mut scene, bad) = start();
    let whole: Vec<_> = scene.reject(bad).writes.into_iter().map(|write| write.tag).collect();
    assert_eq!(whole.len(), 3, "{whole:?}");
    for crash in 1..whole.len() {
        let (mut scene, bad) = start();
        scene.crash_after(crash, Goal::Reject { artifact: bad, reason: "bad".into() });
        let rest: Vec<_> = scene.reject(bad).writes.into_iter().map(|write| write.tag).collect();
        assert_eq!(rest, whole[crash..], "after {:?}", &whole[..crash]);
    }
}

#[test]
fn a_chosen_version_is_not_given_to_who_overtook_it() {
    let mut scene = Scene::new();
    let (chosen, newer) = (scene.build("aaaaaaa"), scene.build("bbbbbbb"));
    let version = Some("0.9.0".parse().unwrap());
    let goal = Goal::Promote(Promote { version, ..Scene::promotion(chosen) });
    let mut promoter = scene.executor(goal);
    // Its evidence is written, and the newest is to be lifted above what it will release: then the newest is promoted, and
    // somebody takes the tag that it was to be lifted to.
    scene.until_it_writes(&mut promoter, "0.9.1-rc.0.");
    scene.promote(newer);
    let third = scene.artifact("ccccccc", "third");
    scene.put("0.9.1-rc.0.1", third);
    let outcome = scene.finish(promoter);
    assert_eq!((scene.at("0.9.0"), scene.selects(1)), (None, Some(newer)), "{outcome:#?}");
}

#[test]
fn a_rollback_rejects_all_that_it_set_out_to_whoever_comes_between() {
    let mut scene = Scene::new();
    let [one, two, three] = ["aaaaaaa", "bbbbbbb", "ccccccc"].map(|commit| scene.released(commit));
    let mut executor = scene.executor(Goal::Rollback { to: one, only: false });
    scene.until_it_writes(&mut executor, "rejected-");
    let Step::Write(first) = executor.next(Timestamp::from_unix(NOW)) else { panic!("nothing is written") };
    scene.registry.answer(&mut executor, Step::Write(first)).unwrap();
    let Step::Write(second) = executor.next(Timestamp::from_unix(NOW)) else { panic!("nothing is written") };
    assert!(second.tag.as_str().starts_with("rejected-"), "{second:?}");
    let stranger = scene.artifact("ddddddd", "stranger");
    scene.put(second.tag.as_str(), stranger);
    scene.finish(executor);
    let rejected = [two, three].map(|artifact| scene.oracle().rejected(artifact));
    assert_eq!((scene.selects(1), rejected), (Some(one), [true; 2]), "{:?}", scene.tags());
}

#[test]
fn what_a_newer_birth_replaces_is_not_asked_for_its_verdicts() {
    let mut scene = Scene::new();
    scene.released("aaaaaaa");
    let newer = scene.build("bbbbbbb");
    let mut executor = scene.executor(Goal::Promote(Scene::promotion(newer)));
    let mut asked = Vec::new();
    loop {
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Write(_) => break,
            step => {
                if let Step::Ask(queries) = &step {
                    asked.extend(queries.clone());
                }
                scene.registry.answer(&mut executor, step).unwrap();
            }
        }
    }
    assert!(!asked.contains(&Query::Tag(tag("validated-aaaaaaa"))), "{asked:?}");
    // Whatever is said of it meanwhile changes nothing.
    let running = scene.at("0.1.0").unwrap();
    scene.put("rejected-aaaaaaa-2", running);
    scene.finish(executor);
    assert_eq!((scene.selects(0), scene.selects(1)), (Some(newer), Some(newer)), "{:?}", scene.tags());
    scene.assert_rules_hold();
}

#[test]
fn what_runs_and_cannot_be_read_is_not_replaced_by_a_newer_birth() {
    let mut scene = Scene::new();
    let running = scene.released("aaaaaaa");
    let newer = scene.build("bbbbbbb");
    let mut executor = scene.executor(Goal::Promote(Scene::promotion(newer)));
    let outcome = loop {
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => break outcome,
            Step::Ask(queries) => queries.into_iter().for_each(|query| {
                let gone = query == Query::Manifest(running);
                let reply = if gone { Reply::Manifest(None) } else { scene.registry.reply(&query) };
                executor.learned(query, reply);
            }),
            step => scene.registry.answer(&mut executor, step).unwrap(),
        }
    };
    assert_eq!(scene.selects(1), Some(running), "{outcome:#?}");
    assert!(
        outcome.warnings.iter().any(|warning| matches!(warning.reason, Reason::DanglingTag { .. })),
        "{outcome:#?}"
    );
}
