//! Writing tags over the distribution API: the requests it takes, and what is made of answers that do not come.

use promotion_core::Digest;
use promotion_core::ports::{Expect, PortErrorKind, Registry};
use wiremock::ResponseTemplate;

use crate::distribution_server::{Fake, Fault, open, raw, refusal, requests};
use crate::support::{manifest, tag};

/// Harbor's words.
fn immutable() -> ResponseTemplate {
    let message = "Failed to process request due to '1.0.0' configured as immutable.";
    let errors = serde_json::json!({ "errors": [{ "code": "PRECONDITION", "message": message }] });
    ResponseTemplate::new(412).set_body_json(errors)
}

fn answer(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

#[tokio::test]
async fn a_retag_to_two_tags_takes_seven_requests() {
    let source = manifest("a");
    let server = Fake::default().with("1.0.0-rc.1", &source).start().await;
    let registry = open(&server.uri());
    let read = registry.manifest(source.digest()).await.unwrap();
    registry.put_tag(&tag("1.0.0"), &read, Expect::Absent).await.unwrap();
    registry.put_tag(&tag("validated"), &read, Expect::Absent).await.unwrap();
    let get = format!("GET manifests/{}", source.digest());
    let mut expected = vec![get.as_str()];
    for tag in ["1.0.0", "validated"] {
        expected.extend(match tag {
            "1.0.0" => ["HEAD manifests/1.0.0", "PUT manifests/1.0.0", "HEAD manifests/1.0.0"],
            _ => ["HEAD manifests/validated", "PUT manifests/validated", "HEAD manifests/validated"],
        });
    }
    assert_eq!(requests(&server).await, expected);
}

#[tokio::test]
async fn a_tag_that_is_right_already_is_looked_at_once() {
    let it = manifest("a");
    let server = Fake::default().with("t", &it).start().await;
    open(&server.uri()).put_tag(&tag("t"), &it, Expect::Absent).await.unwrap();
    assert_eq!(requests(&server).await, ["HEAD manifests/t"]);
}

#[tokio::test]
async fn a_put_that_was_carried_out_and_told_as_a_failure_is_not_sent_again() {
    let fake = Fake::default().fails("PUT", [Fault::Done(answer(500))]);
    let server = fake.start().await;
    open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    assert_eq!(fake.tag("t"), Some(manifest("a").digest().to_string()));
    assert_eq!(requests(&server).await, ["HEAD manifests/t", "PUT manifests/t", "HEAD manifests/t"]);
}

#[tokio::test]
async fn a_put_whose_answer_never_came_is_looked_after_before_anything_else() {
    let it = manifest("a");
    let absent = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ndocker-distribution-api-version: registry/2.0\r\n\r\n";
    let absent = absent.as_bytes().to_vec();
    let there = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ndocker-content-digest: {}\r\n\r\n", it.digest());
    let (server, asked) = raw(vec![absent, Vec::new(), there.into_bytes()]).await;
    open(&server).put_tag(&tag("t"), &it, Expect::Absent).await.unwrap();
    let methods: Vec<String> =
        asked.lock().unwrap().iter().map(|head| head.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(methods, ["HEAD", "PUT", "HEAD"]);
}

#[tokio::test]
async fn a_put_that_failed_is_sent_again_after_a_look() {
    let fake = Fake::default().fails("PUT", [Fault::Answer(answer(503))]);
    let server = fake.start().await;
    open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    let (head, put) = ("HEAD manifests/t", "PUT manifests/t");
    assert_eq!(requests(&server).await, [head, put, head, put, head]);
}

#[tokio::test]
async fn a_put_that_never_succeeds_is_given_up() {
    let faults = (0..20).map(|_| Fault::Answer(answer(500)));
    let server = Fake::default().fails("PUT", faults).start().await;
    let error = open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
    let puts = requests(&server).await.into_iter().filter(|request| request.starts_with("PUT")).count();
    assert_eq!(puts, 3, "as many as there are attempts");
}

#[tokio::test]
async fn what_somebody_else_wrote_meanwhile_is_a_conflict_and_stays() {
    let (ours, theirs) = (manifest("ours"), manifest("theirs"));
    let fake = Fake::default()
        .with("", &theirs)
        .fails("PUT", [Fault::Answer(answer(500))])
        .fails("HEAD", [Fault::Answer(refusal(404, "MANIFEST_UNKNOWN")), Fault::Moved("t", theirs.digest())]);
    let server = fake.start().await;
    let error = open(&server.uri()).put_tag(&tag("t"), &ours, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(theirs.digest()) }, "{error}");
    assert_eq!(fake.tag("t"), Some(theirs.digest().to_string()));
}

#[tokio::test]
async fn what_somebody_else_wrote_during_our_last_attempt_is_a_conflict() {
    let (ours, theirs) = (manifest("ours"), manifest("theirs"));
    let absent = || Fault::Answer(refusal(404, "MANIFEST_UNKNOWN"));
    let fake = Fake::default()
        .with("", &theirs)
        .fails("PUT", (0..3).map(|_| Fault::Answer(answer(500))))
        .fails("HEAD", [absent(), absent(), absent(), Fault::Moved("t", theirs.digest())]);
    let server = fake.start().await;
    let error = open(&server.uri()).put_tag(&tag("t"), &ours, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(theirs.digest()) }, "{error}");
}

#[tokio::test]
async fn what_reads_back_as_somebody_elses_is_a_conflict() {
    let (ours, theirs) = (manifest("ours"), manifest("theirs"));
    let fake = Fake::default()
        .with("", &theirs)
        .fails("HEAD", [Fault::Answer(refusal(404, "MANIFEST_UNKNOWN")), Fault::Moved("t", theirs.digest())]);
    let server = fake.start().await;
    let error = open(&server.uri()).put_tag(&tag("t"), &ours, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(theirs.digest()) }, "{error}");
}

#[tokio::test]
async fn a_registry_that_takes_a_moment_is_waited_for() {
    let missing = || Fault::Answer(refusal(404, "MANIFEST_UNKNOWN"));
    let server = Fake::default().fails("HEAD", [missing(), missing(), missing()]).start().await;
    open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    let puts = requests(&server).await.into_iter().filter(|request| request.starts_with("PUT")).count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn a_write_that_cannot_be_read_back_is_an_error() {
    let server = Fake::default().fails("PUT", [Fault::Lost]).start().await;
    let error = open(&server.uri()).put_tag(&tag("Nightly"), &manifest("a"), Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable);
    assert!(error.message().contains("still reads as absent"), "{error}");
    assert!(error.message().contains("lower case"), "{error}");
}

#[tokio::test]
async fn a_registry_that_stores_another_digest_is_corrupt() {
    let other = Digest::of(b"other").to_string();
    let lie = answer(201).insert_header("Docker-Content-Digest", other.as_str());
    let server = Fake::default().fails("PUT", [Fault::Answer(lie)]).start().await;
    let error = open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    assert!(error.message().contains(&other), "{error}");
}

#[tokio::test]
async fn an_immutable_tag_says_what_it_is() {
    let old = manifest("old");
    let fake = Fake::default().with("t", &old).fails("PUT", [Fault::Answer(immutable())]);
    let server = fake.start().await;
    let registry = open(&server.uri());
    let error = registry.put_tag(&tag("t"), &manifest("new"), Expect::Any).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Immutable);
    assert!(error.message().contains(&old.digest().to_string()), "{error}");
    assert_eq!(registry.capabilities().immutable_tags, Some(true));
}

#[tokio::test]
async fn an_immutable_tag_that_somebody_wrote_the_same_is_success() {
    // Who may only create tags is refused as one who may not.
    for refused in [immutable(), refusal(403, "DENIED")] {
        let server = Fake::default().fails("PUT", [Fault::Done(refused)]).start().await;
        open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    }
}

#[tokio::test]
async fn a_failure_to_look_is_never_absence() {
    for status in [400, 401, 403, 500, 503] {
        let faults = (0..20).map(|_| Fault::Answer(answer(status)));
        let server = Fake::default().fails("HEAD", faults).start().await;
        let error = open(&server.uri()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap_err();
        assert_ne!(error.kind(), &PortErrorKind::NotFound, "{status}: {error}");
        assert!(requests(&server).await.iter().all(|request| request.starts_with("HEAD")), "{status}: it wrote");
    }
}

#[tokio::test]
async fn deleting_takes_the_tag_and_looks_after_the_manifest() {
    let it = manifest("a");
    let fake = Fake::default().with("one", &it).with("two", &it);
    let server = fake.start().await;
    let registry = open(&server.uri());
    registry.delete_tag(&tag("one"), it.digest()).await.unwrap();
    assert_eq!((fake.tag("one"), fake.tag("two")), (None, Some(it.digest().to_string())));
    assert_eq!(registry.capabilities().tag_delete, Some(true));
    let last = format!("HEAD manifests/{}", it.digest());
    let asked = ["HEAD manifests/one", "DELETE manifests/one", "HEAD manifests/one", last.as_str()];
    assert_eq!(requests(&server).await, asked);
}

#[tokio::test]
async fn a_registry_that_cannot_delete_tags_is_never_asked_to_delete_a_digest() {
    for refused in [refusal(400, "DIGEST_INVALID"), refusal(405, "UNSUPPORTED"), answer(405)] {
        let it = manifest("a");
        let server = Fake::default().with("t", &it).fails("DELETE", [Fault::Answer(refused)]).start().await;
        let registry = open(&server.uri());
        let error = registry.delete_tag(&tag("t"), it.digest()).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Unsupported, "{error}");
        assert_eq!(registry.capabilities().tag_delete, Some(false));
        assert_eq!(requests(&server).await, ["HEAD manifests/t", "DELETE manifests/t"]);
    }
}

#[tokio::test]
async fn a_manifest_that_is_deleted_with_its_tag_is_told_loudly() {
    let it = manifest("a");
    let gone = || Fault::Answer(refusal(404, "MANIFEST_UNKNOWN"));
    let present = Fault::Answer(answer(200).insert_header("Docker-Content-Digest", it.digest().to_string().as_str()));
    let server = Fake::default().with("t", &it).fails("HEAD", [present, gone(), gone()]).start().await;
    let error = open(&server.uri()).delete_tag(&tag("t"), it.digest()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    assert!(error.message().contains("deleted the manifest"), "{error}");
}

#[tokio::test]
async fn several_tags_in_one_request_are_recognised_by_the_answer() {
    let it = manifest("a");
    let offers = answer(201).insert_header("OCI-Tag", "t");
    for (fake, expected) in [
        (Fake::default().with("t", &it), false),
        (Fake::default().with("t", &it).fails("PUT", [Fault::Answer(offers)]), true),
    ] {
        let server = fake.start().await;
        let registry = open(&server.uri());
        for _ in 0..2 {
            assert_eq!(registry.probe_multi_tag(&tag("t"), &it).await.unwrap(), expected);
        }
        let put = format!("PUT manifests/{}?tag=t", it.digest());
        assert_eq!(requests(&server).await, ["HEAD manifests/t", put.as_str()], "asked once");
        let error = open(&server.uri()).probe_multi_tag(&tag("t"), &manifest("b")).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(it.digest()) }, "the probe changes nothing");
    }
}
