//! The promotion record: kept of what was done, never in its way.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use promotion_core::executor::{End, Executor, Outcome, OutcomeKind, Step, drive};
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::plan::{Build, Goal};
use promotion_core::policy::Policy;
use promotion_core::ports::{Consistency, PortErrorKind, Registry};
use promotion_core::record::{self, ANNOTATION, Deed, RECORD, Record};
use promotion_core::testing::still::Still;
use promotion_core::time::Timestamp;
use promotion_core::{Digest, Tag};

use crate::probe::{Probe, patiently};
use crate::scene::{NOW, Scene, commit, tag};

fn still(actor: Option<&'static str>) -> Still {
    Still { now: Timestamp::from_unix(NOW), actor }
}

/// In memory nothing waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("something waited"),
    }
}

fn carry_out(registry: &SharedRegistry, by: Option<&'static str>, goal: Goal) -> Outcome {
    let mut executor = Executor::new(Policy::default(), goal).with_consistency(registry.consistency());
    match now(drive(registry, &mut executor, &still(by))).unwrap() {
        End::Done(outcome) => outcome,
        End::Drifted(plan) => panic!("drifted: {plan:?}"),
    }
}

fn built(registry: &SharedRegistry, prefix: &str) -> Digest {
    let artifact = registry.with(|registry| registry.push_artifact(&commit(prefix), "content"));
    carry_out(registry, Some("ci"), Goal::Build(Build::of(artifact)));
    artifact
}

fn records(registry: &SharedRegistry, artifact: Digest) -> Vec<Record> {
    now(record::read(registry, artifact)).unwrap()
}

fn names(record: &Record) -> Vec<&str> {
    record.tags.iter().map(promotion_core::Tag::as_str).collect()
}

#[test]
fn a_promotion_is_recorded_with_who_when_what_and_the_evidence() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    carry_out(&registry, Some("ada"), Goal::Promote(Scene::promotion(artifact)));
    let records = records(&registry, artifact);
    assert_eq!(records.len(), 1, "a build is not recorded: {records:?}");
    let record = &records[0];
    assert_eq!((record.deed, record.by.as_str(), record.at), (Deed::Promote, "ada", Timestamp::from_unix(NOW)));
    assert_eq!(names(record), ["validated-aaaaaaa", "0.1.0"]);
    assert_eq!(record.evidence, [Scene::evidence(artifact)]);
}

#[test]
fn what_was_already_done_is_not_recorded_again() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    carry_out(&registry, Some("ada"), Goal::Promote(Scene::promotion(artifact)));
    let again = carry_out(&registry, Some("eve"), Goal::Promote(Scene::promotion(artifact)));
    assert_eq!((again.kind, records(&registry, artifact).len()), (OutcomeKind::AlreadyDone, 1));
}

#[test]
fn nobody_in_particular_leaves_no_record() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    carry_out(&registry, None, Goal::Promote(Scene::promotion(artifact)));
    assert_eq!(records(&registry, artifact), []);
}

#[test]
fn a_verdict_is_recorded_with_its_reason() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    carry_out(&registry, Some("ada"), Goal::Reject { artifact, reason: "data loss".into() });
    carry_out(&registry, Some("eve"), Goal::Reopen { artifact, reason: "wrong alarm".into() });
    let told: Vec<_> = records(&registry, artifact).iter().map(|r| (r.deed, r.reason.clone().unwrap())).collect();
    assert_eq!(told, [(Deed::Reject, "data loss".into()), (Deed::Reopen, "wrong alarm".into())]);
}

#[test]
fn a_rollback_is_recorded_on_what_it_returns_to_and_on_every_victim() {
    let registry = SharedRegistry::default();
    let (old, new) = (built(&registry, "aaaaaaa"), built(&registry, "bbbbbbb"));
    carry_out(&registry, Some("ada"), Goal::Promote(Scene::promotion(old)));
    carry_out(&registry, Some("ada"), Goal::Promote(Scene::promotion(new)));
    carry_out(&registry, Some("eve"), Goal::Rollback { to: old, only: false });
    let last = |artifact| {
        let all = records(&registry, artifact);
        all.into_iter().find(|record| record.deed != Deed::Promote).unwrap()
    };
    assert_eq!((last(old).deed, last(old).by.as_str()), (Deed::Rollback, "eve"));
    let victim = last(new);
    assert_eq!((victim.deed, victim.reason), (Deed::Reject, Some(format!("rolled back to {old}"))));
}

#[test]
fn a_record_moves_no_tag_and_changes_no_digest() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    carry_out(&registry, Some("ada"), Goal::Promote(Scene::promotion(artifact)));
    let tags = now(registry.list_tags()).unwrap().tags;
    let tags: Vec<&str> = tags.iter().map(promotion_core::Tag::as_str).collect();
    assert_eq!(tags, ["0.1.0", "0.1.0-rc.1", "integration-aaaaaaa", "sha-aaaaaaa", "validated-aaaaaaa"]);
    assert_eq!(now(registry.manifest(artifact)).unwrap().digest(), artifact);
}

#[test]
fn a_referrer_that_only_calls_itself_a_record_is_skipped() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    let subject = serde_json::to_string(&now(registry.manifest(artifact)).unwrap().descriptor()).unwrap();
    for annotations in [format!(r#"{{"{ANNOTATION}":"not json"}}"#), "{}".to_owned()] {
        let text = format!(
            r#"{{"schemaVersion":2,"artifactType":"{RECORD}","subject":{subject},"annotations":{annotations}}}"#
        );
        now(registry.put_manifest(&Manifest::new(OCI_MANIFEST, text.into_bytes()))).unwrap();
    }
    assert_eq!(records(&registry, artifact), []);
}

#[test]
fn what_was_read_before_is_not_read_again_where_no_lock_is_held() {
    for (consistency, listings) in [(Consistency::Registers, 1), (Consistency::Exclusive, 2)] {
        let mut scene = Scene::new();
        let artifact = scene.build("aaaaaaa");
        let mut executor = Executor::new(scene.policy.clone(), Goal::Promote(Scene::promotion(artifact)))
            .with_consistency(consistency);
        let snapshot = promotion_core::snapshot::Snapshot::new(&scene.policy, &scene.registry.listing().tags);
        executor = executor.knowing(snapshot);
        let mut listed = 1;
        loop {
            match executor.next(Timestamp::from_unix(NOW)) {
                Step::Write(_) => break,
                Step::List => listed += 1,
                _ => {}
            }
            let step = executor.next(Timestamp::from_unix(NOW));
            scene.registry.answer(&mut executor, step).unwrap();
        }
        assert_eq!(listed, listings, "{consistency:?}");
    }
}

fn tags(registry: &SharedRegistry) -> BTreeMap<Tag, Digest> {
    registry.with(|registry| registry.tags().clone())
}

#[test]
fn one_broken_record_hides_no_other() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    for by in ["ada", "eve"] {
        carry_out(&registry, Some(by), Goal::Reject { artifact, reason: "data loss".into() });
        carry_out(&registry, Some(by), Goal::Reopen { artifact, reason: "wrong alarm".into() });
    }
    let all = records(&registry, artifact);
    let first = now(registry.referrers(artifact)).unwrap()[0].digest;
    let broken = |kind| {
        let mut probe = Probe::steady(&registry);
        probe.broken = Some((first, kind));
        patiently(record::read(&probe, artifact))
    };
    for kind in [PortErrorKind::Corrupt, PortErrorKind::Unsupported, PortErrorKind::NotFound] {
        let read = broken(kind.clone()).unwrap();
        assert_eq!(read.len(), all.len() - 1, "{kind:?}");
        assert!(read.iter().all(|record| all.contains(record)));
    }
    assert_eq!(broken(PortErrorKind::Unavailable).unwrap_err().kind(), &PortErrorKind::Unavailable);
}

#[test]
fn a_record_that_is_not_kept_is_told_in_the_registrys_words() {
    let registry = SharedRegistry::default();
    let artifact = built(&registry, "aaaaaaa");
    let mut probe = Probe::steady(&registry);
    probe.refuses = Some(PortErrorKind::Unsupported);
    let mut executor = Executor::new(Policy::default(), Goal::Promote(Scene::promotion(artifact)));
    let End::Done(outcome) = patiently(drive(&probe, &mut executor, &still(Some("ada")))).unwrap() else {
        panic!("drifted");
    };
    let told = format!("{:?}", outcome.warnings);
    assert!(told.contains("the plug was pulled"), "{told}");
}

/// The record is written beside the tags, and before the last of them: wherever that breaks off.
#[test]
fn whatever_fails_no_write_is_forgotten_and_a_second_run_ends_as_the_first_should() {
    for consistency in [Consistency::Registers, Consistency::CompareAndSwap] {
        let start = SharedRegistry::new(MemoryRegistry::new(consistency));
        let (old, new) = (built(&start, "aaaaaaa"), built(&start, "bbbbbbb"));
        carry_out(&start, None, Goal::Promote(Scene::promotion(old)));
        breaks_anywhere(&start, [old, new], &Goal::Promote(Scene::promotion(new)));
        carry_out(&start, None, Goal::Promote(Scene::promotion(new)));
        breaks_anywhere(&start, [old, new], &Goal::Rollback { to: old, only: false });
    }
}

fn breaks_anywhere(start: &SharedRegistry, artifacts: [Digest; 2], goal: &Goal) {
    let again = || SharedRegistry::new(start.with(|registry| registry.clone()));
    let (before, clean) = (tags(start), again());
    carry_out(&clean, Some("ada"), goal.clone());
    let count = |at: &SharedRegistry| artifacts.iter().map(|artifact| records(at, *artifact).len()).sum::<usize>();
    let (clean, all) = (tags(&clean), count(&clean));
    let wanted: Vec<&Tag> = clean.keys().filter(|tag| !before.contains_key(*tag)).collect();
    for once in [true, false] {
        for step in 0.. {
            let (at, context) = (again(), format!("{goal:?} breaks at {step}, once: {once}"));
            let probe = Probe::new(&at, step, once);
            let mut executor = Executor::new(Policy::default(), goal.clone()).with_consistency(at.consistency());
            let end = patiently(drive(&probe, &mut executor, &still(Some("ada"))));
            let after = tags(&at);
            assert!(after.iter().all(|(tag, digest)| clean.get(tag) == Some(digest)), "{context}: {after:?}");
            let written: Vec<&Tag> = after.keys().filter(|tag| !before.contains_key(*tag)).collect();
            let kept = count(&at);
            match end {
                Ok(End::Done(outcome)) => {
                    assert_eq!(written, wanted, "{context}");
                    let unsure = kept < all || probe.left_a_referrer_unsettled();
                    assert_eq!(unsure, !outcome.warnings.is_empty(), "{context}: {:?}", outcome.warnings);
                }
                Ok(End::Drifted(plan)) => panic!("{context}: {plan:?}"),
                Err(error) => {
                    let mut told: Vec<&Tag> = error.writes.iter().map(|write| &write.tag).collect();
                    told.sort_unstable();
                    // One that was accepted and could not be looked at is told apart.
                    assert_eq!(error.unseen.is_some(), probe.left_a_tag_unseen(), "{context}");
                    told.extend(error.unseen.as_ref().map(|write| &write.tag));
                    told.sort_unstable();
                    assert_eq!(told, written, "{context}");
                    // What failed was not the record: it is kept, unless nothing works any more.
                    let as_it_should = kept == all || (kept == 0 && written.is_empty());
                    assert!(as_it_should || !once, "{context}: {kept} records of {written:?}");
                    assert!(kept == all || written != wanted, "{context}: the last tag is there, and no record");
                }
            }
            carry_out(&at, Some("eve"), goal.clone());
            assert_eq!(tags(&at), clean, "{context}");
            if !probe.has_failed() {
                assert!(step > 10, "{step} operations are not all that there are");
                break;
            }
        }
    }
}

#[test]
fn what_is_read_after_the_last_write_is_read_beside_the_listing() {
    let registry = SharedRegistry::new(MemoryRegistry::new(Consistency::Registers));
    let (old, new) = (built(&registry, "aaaaaaa"), built(&registry, "bbbbbbb"));
    for (artifact, release) in [(old, tag("0.1.0")), (new, tag("0.1.1"))] {
        let mut probe = Probe::steady(&registry);
        probe.lists_while_read = true;
        // The release is seen by then, too.
        probe.reads_back_while_listing = Some(release);
        let goal = Goal::Promote(Scene::promotion(artifact));
        let mut executor = Executor::new(Policy::default(), goal).with_consistency(registry.consistency());
        let End::Done(outcome) = patiently(drive(&probe, &mut executor, &still(None))).unwrap() else {
            panic!("drifted");
        };
        assert_eq!(outcome.kind, OutcomeKind::Done);
    }
}

/// A registry may accept a write and show it a moment later; what was read until then may be from before.
#[test]
fn what_was_read_beside_a_write_that_took_its_time_is_read_again() {
    let listings = |lags_until: Option<Tag>| {
        let registry = SharedRegistry::new(MemoryRegistry::new(Consistency::Registers));
        let artifact = built(&registry, "aaaaaaa");
        let mut probe = Probe::steady(&registry);
        probe.lags_until = lags_until;
        let goal = Goal::Promote(Scene::promotion(artifact));
        let mut executor = Executor::new(Policy::default(), goal).with_consistency(registry.consistency());
        patiently(drive(&probe, &mut executor, &still(None))).unwrap();
        probe.listings()
    };
    assert_eq!((listings(None), listings(Some(tag("0.1.0")))), (2, 3));
}

/// Somebody takes the release between the answer to our write and our look at it.
#[test]
fn a_last_write_that_is_not_there_any_more_is_a_conflict() {
    let registry = SharedRegistry::new(MemoryRegistry::new(Consistency::Registers));
    let (ours, other) = (built(&registry, "aaaaaaa"), built(&registry, "bbbbbbb"));
    let mut probe = Probe::steady(&registry);
    probe.taken_by = Some((tag("0.1.0"), other));
    let goal = Goal::Promote(Scene::promotion(ours));
    let mut executor = Executor::new(Policy::default(), goal).with_consistency(registry.consistency());
    let End::Done(outcome) = patiently(drive(&probe, &mut executor, &still(None))).unwrap() else {
        panic!("drifted");
    };
    assert!(outcome.writes.iter().all(|write| write.tag != tag("0.1.0")), "{outcome:?}");
    assert_eq!(tags(&registry).get(&tag("0.1.0")), Some(&other), "it is not fought over");
}

#[test]
fn only_where_tags_may_have_moved_is_anything_foreseen() {
    for (consistency, foreseen) in [(Consistency::Registers, 3), (Consistency::CompareAndSwap, 0)] {
        let registry = SharedRegistry::new(MemoryRegistry::new(consistency));
        let artifact = built(&registry, "aaaaaaa");
        let mut executor =
            Executor::new(Policy::default(), Goal::Promote(Scene::promotion(artifact))).with_consistency(consistency);
        let at = Timestamp::from_unix(NOW);
        assert_eq!(executor.foreseen(at), [], "nothing was listed yet");
        registry.with(|registry| {
            while executor.writes().len() < 2 {
                let step = executor.next(at);
                registry.answer(&mut executor, step).unwrap();
            }
        });
        let names: Vec<String> = executor.foreseen(at).iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), foreseen, "{names:?}");
        assert_eq!(executor.next(at), Step::List, "looking ahead changes nothing");
    }
}
