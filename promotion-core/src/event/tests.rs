use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::error::Error as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Event, EventError, Form, MAX_BYTES, SourceRevision, Verdict, parse};

const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const COMMIT: &str = "6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9";

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/fixtures/events/", $name, ".json")).as_slice()
    };
}

fn read(json: &Value) -> Result<Event, EventError> {
    parse(json.to_string().as_bytes())
}

fn message(json: &Value) -> String {
    read(json).unwrap_err().to_string()
}

/// The smallest Flux event.
fn flux() -> Value {
    json!({
        "involvedObject": {"kind": "Kustomization", "name": "platform", "namespace": "flux-system"},
        "severity": "info", "reason": "ReconciliationSucceeded", "message": "",
    })
}

/// What an event says about the artifact: tag, digest, commit.
fn artifact(event: &Event) -> (Option<&str>, Option<String>, Option<&str>) {
    let tag = event.tag.as_ref().map(crate::Tag::as_str);
    (tag, event.digest.map(|digest| digest.to_string()), event.commit.as_ref().map(crate::Commit::as_str))
}

#[test]
fn a_flux_event_names_object_artifact_and_moment() {
    let event = parse(fixture!("flux-kustomization-succeeded")).unwrap();
    assert_eq!((event.form, event.verdict), (Form::Flux, Verdict::Success));
    assert_eq!(event.object.as_ref().unwrap().to_string(), "Kustomization/platform.flux-system");
    assert_eq!(event.reason, "ReconciliationSucceeded");
    assert_eq!(event.message, "Reconciliation finished in 1.204311538s, next run in 10m0s");
    assert_eq!(artifact(&event), (Some("1.4.0-rc.2"), Some(DIGEST.into()), Some(COMMIT)));
    assert_eq!(event.at.unwrap().to_string(), "2026-08-07T13:12:44Z");
    assert_eq!(event.metadata["cluster"], "integration");
    assert_eq!(event.source, "event of kustomize-controller about Kustomization/platform.flux-system");
}

#[test]
fn prefixed_metadata_reads_the_same_and_an_annotation_cannot_pose_as_the_controller() {
    let event = parse(fixture!("flux-kustomization-prefixed")).unwrap();
    assert_eq!(artifact(&event), (Some("1.4.0-rc.2"), Some(DIGEST.into()), Some(COMMIT)));
}

#[test]
fn passed_health_checks_are_success_although_the_reason_is_progressing() {
    let event = parse(fixture!("flux-kustomization-health-check-passed")).unwrap();
    assert_eq!((event.verdict, event.reason.as_str()), (Verdict::Success, "Progressing"));
    let event = parse(fixture!("flux-kustomization-applied")).unwrap();
    assert_eq!(event.verdict, Verdict::Progressing, "applied is not yet healthy");
}

#[test]
fn failures_and_waiting_are_not_success() {
    let event = parse(fixture!("flux-kustomization-failed")).unwrap();
    assert_eq!(event.verdict, Verdict::Failure);
    assert_eq!(event.digest.unwrap().to_string(), DIGEST);
    let event = parse(fixture!("flux-kustomization-dependency")).unwrap();
    assert_eq!(event.verdict, Verdict::Progressing);
    for reason in ["RollbackSucceeded", "UninstallSucceeded", "NewArtifact", "info", "", "succeeded?"] {
        let mut json = flux();
        json["reason"] = reason.into();
        assert_eq!(read(&json).unwrap().verdict, Verdict::Info, "{reason}");
    }
}

#[test]
fn an_error_is_a_failure_whatever_its_reason() {
    let mut json = flux();
    json["severity"] = "error".into();
    assert_eq!(read(&json).unwrap().verdict, Verdict::Failure);
    json["severity"] = "trace".into();
    assert_eq!(read(&json).unwrap().verdict, Verdict::Info);
}

#[test]
fn a_digest_reference_has_no_tag() {
    let event = parse(fixture!("flux-kustomization-digest-ref")).unwrap();
    assert_eq!(artifact(&event), (None, Some(DIGEST.into()), None));
}

#[test]
fn a_git_revision_gives_a_commit_and_no_digest() {
    let event = parse(fixture!("flux-kustomization-git")).unwrap();
    assert_eq!(artifact(&event), (None, None, Some(COMMIT)));
}

#[test]
fn the_tarball_digest_of_a_source_is_never_taken_for_the_artifact() {
    let event = parse(fixture!("flux-ocirepository-new-artifact")).unwrap();
    assert_eq!(event.verdict, Verdict::Info, "fetched is not validated");
    assert_eq!(artifact(&event), (Some("1.4.0-rc.2"), Some(DIGEST.into()), None));
}

#[test]
fn a_helm_release_names_its_chart_manifest() {
    let event = parse(fixture!("flux-helmrelease-upgraded")).unwrap();
    assert_eq!(event.verdict, Verdict::Success);
    assert_eq!(artifact(&event), (None, Some(DIGEST.into()), None));
}

#[test]
fn buckets_and_git_sources_have_no_artifact_in_a_registry() {
    for kind in ["Bucket", "GitRepository"] {
        let mut json = flux();
        json["involvedObject"]["kind"] = kind.into();
        json["metadata"] = json!({ "revision": format!("main@{DIGEST}") });
        assert_eq!(artifact(&read(&json).unwrap()), (None, None, None), "{kind}");
    }
}

#[test]
fn the_commit_is_believed_in_the_order_of_flux() {
    let other = "0123456789012345678901234567890123456789";
    let mut json = flux();
    json["metadata"] = json!({
        "revision": format!("main@sha1:{other}"), "originRevision": format!("main@sha1:{other}"), "commit": COMMIT,
    });
    assert_eq!(artifact(&read(&json).unwrap()), (None, None, Some(COMMIT)));
    json["metadata"] = json!({ "revision": DIGEST, "originRevision": COMMIT, "commit": "not a commit" });
    assert_eq!(artifact(&read(&json).unwrap()), (None, Some(DIGEST.into()), Some(COMMIT)));
}

#[test]
fn revisions_are_told_apart() {
    let git = |text: &str| match SourceRevision::read(text) {
        SourceRevision::Git(revision) => (revision.branch, revision.commit.to_string()),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(git(&format!("main/{COMMIT}")), (Some("main".into()), COMMIT.into()));
    assert_eq!(git(&format!("feature/x/{COMMIT}")), (Some("feature/x".into()), COMMIT.into()));
    assert_eq!(git(&format!("HEAD/{COMMIT}")), (None, COMMIT.into()));
    assert_eq!(git(&format!("sha1:{COMMIT}")), (None, COMMIT.into()));
    assert_eq!(git(COMMIT), (None, COMMIT.into()));
    let sha256 = DIGEST.trim_start_matches("sha256:");
    assert_eq!(git(&format!("feature/x@{DIGEST}")).1, sha256, "a slash cannot be in a tag");
    for other in ["", "6.5.4", "6.5.4+2cf24dba", &format!("latest/{sha256}"), "1.0.0@sha256:2cf2", "@", "main@sha1:"] {
        assert_eq!(SourceRevision::read(other), SourceRevision::Other, "{other}");
    }
}

#[test]
fn a_dispatch_carries_the_same_event() {
    let direct = parse(fixture!("flux-kustomization-health-check-passed")).unwrap();
    let webhook = parse(fixture!("dispatch-webhook")).unwrap();
    let request = parse(fixture!("dispatch-request")).unwrap();
    assert_eq!(
        webhook.source,
        "event of kustomize-controller about Kustomization/platform.flux-system, by repository_dispatch of acme/platform"
    );
    for event in [webhook, request] {
        assert_eq!(event.form, Form::Dispatch);
        assert_eq!(Event { form: Form::Flux, source: direct.source.clone(), ..event }, direct);
    }
    let bare = json!({ "client_payload": flux() });
    assert_eq!(read(&bare).unwrap().form, Form::Dispatch);
}

#[test]
fn a_dispatch_that_names_another_object_is_refused() {
    for path in ["action", "event_type"] {
        let mut json = json!({ "client_payload": flux() });
        json[path] = "Kustomization/apps.flux-system".into();
        assert_eq!(
            message(&json),
            format!(
                "{path} is \"Kustomization/apps.flux-system\", but the payload is about Kustomization/platform.flux-system"
            )
        );
    }
}

#[test]
fn a_commit_status_names_commit_and_object() {
    let event = parse(fixture!("status-succeeded")).unwrap();
    assert_eq!((event.form, event.verdict), (Form::Status, Verdict::Success));
    assert_eq!(event.object.as_ref().unwrap().to_string(), "Kustomization/platform");
    assert_eq!(event.reason, "reconciliation succeeded");
    assert_eq!(artifact(&event), (None, None, Some(COMMIT)));
    assert_eq!(event.at.unwrap().to_string(), "2026-08-07T13:12:45Z");
    assert_eq!(event.source, "commit status kustomization/platform/0c9c2e41 of acme/platform");
    assert_eq!(parse(fixture!("status-failed")).unwrap().verdict, Verdict::Failure);
}

#[test]
fn a_status_of_somebody_else_says_nothing() {
    let event = parse(fixture!("status-foreign")).unwrap();
    assert_eq!((event.object, event.verdict), (None, Verdict::Info));
}

#[test]
fn a_green_status_that_only_waits_is_not_success() {
    let mut json: Value = serde_json::from_slice(fixture!("status-succeeded")).unwrap();
    json["description"] = "dependency not ready".into();
    assert_eq!(read(&json).unwrap().verdict, Verdict::Progressing);
    json["state"] = "pending".into();
    assert_eq!(read(&json).unwrap().verdict, Verdict::Progressing);
}

#[test]
fn errors_name_the_field() {
    let with = |path: &str, value: Value| {
        let mut json = flux();
        *json.pointer_mut(path).unwrap() = value;
        message(&json)
    };
    assert_eq!(with("/involvedObject", json!([])), "involvedObject is an array; expected an object");
    assert_eq!(with("/involvedObject/kind", json!(null)), "involvedObject.kind is missing");
    assert_eq!(with("/involvedObject/name", json!({})), "involvedObject.name is an object; expected text");
    assert_eq!(
        with("/involvedObject/namespace", json!("a b")),
        "involvedObject.namespace is \"a b\"; expected a Kubernetes name"
    );
    assert_eq!(with("/severity", json!("warning")), "severity is \"warning\"; expected info, error or trace");
    assert_eq!(with("/reason", json!(true)), "reason is true or false; expected text");
    let nested = json!({ "client_payload": { "involvedObject": { "kind": 1 } } });
    assert_eq!(message(&nested), "client_payload.involvedObject.kind is a number; expected text");
    let mut json = flux();
    json["metadata"] = json!({ "kustomize.toolkit.fluxcd.io/revision": 1 });
    assert_eq!(message(&json), "metadata[\"kustomize.toolkit.fluxcd.io/revision\"] is a number; expected text");
    let mut json = flux();
    json["timestamp"] = "yesterday".into();
    let error = read(&json).unwrap_err();
    assert_eq!(error.to_string(), "timestamp is not a time");
    assert!(error.source().unwrap().to_string().contains("yesterday"));
    let status = json!({ "sha": "6f9c0e2", "context": "", "state": "success" });
    assert_eq!(message(&status), "sha is \"6f9c0e2\"; expected a full commit id");
    let status = json!({ "sha": COMMIT, "context": "", "state": "green" });
    assert_eq!(message(&status), "state is \"green\"; expected success, failure, error or pending");
}

#[test]
fn what_is_no_event_is_refused() {
    assert_eq!(parse(b"[]").unwrap_err().to_string(), "the event is an array; expected an object");
    assert_eq!(parse(b"{}"), Err(EventError::Unknown));
    assert!(matches!(parse(b""), Err(EventError::Json(_))));
    assert!(matches!(parse(b"{\"sha\": \"\xff\"}"), Err(EventError::Json(_))));
    let both = json!({ "involvedObject": {}, "client_payload": flux() });
    assert_eq!(message(&both), "the event has both involvedObject and client_payload; expected one of them");
}

#[test]
fn a_null_time_or_metadata_is_absent() {
    let mut json = flux();
    json["timestamp"] = Value::Null;
    json["metadata"] = Value::Null;
    let event = read(&json).unwrap();
    assert_eq!((event.at, event.metadata.len()), (None, 0));
}

#[test]
fn size_and_depth_are_bounded() {
    assert_eq!(parse(&vec![b' '; MAX_BYTES + 1]), Err(EventError::TooLarge(MAX_BYTES + 1)));
    for open in ["[", "{\"a\":"] {
        assert!(matches!(parse(open.repeat(MAX_BYTES / open.len()).as_bytes()), Err(EventError::Json(_))));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn an_event_type_is_believed_only_when_it_is_the_objects(kind in "[A-Z][a-zA-Z]{0,9}", name in "[a-z0-9.-]{1,9}", claimed in "[A-Za-z/.]{0,9}") {
        let mut payload = flux();
        payload["involvedObject"]["kind"] = kind.as_str().into();
        payload["involvedObject"]["name"] = name.as_str().into();
        let honest = format!("{kind}/{name}.flux-system");
        let honest_is_read = read(&json!({ "action": honest, "client_payload": payload })).is_ok();
        prop_assert!(honest_is_read);
        let refused = matches!(read(&json!({ "action": claimed, "client_payload": payload })), Err(EventError::Mismatch { .. }));
        prop_assert_eq!(refused, claimed != honest);
    }

    #[test]
    fn any_revision_is_read_without_panic(text in "\\PC{0,80}") {
        let _ = SourceRevision::read(&text);
    }
}
