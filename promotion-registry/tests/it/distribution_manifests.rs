//! Reading manifests and tags over the distribution API: exact bytes, and nothing believed that can be checked.

use promotion_core::Digest;
use promotion_core::manifest::{Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::ports::{PortErrorKind, Registry};
use wiremock::ResponseTemplate;

use crate::distribution_server::{Fake, Fault, open, raw, refusal, requests};
use crate::support::{manifest, tag};

fn digest_header(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).insert_header("Docker-Content-Digest", text)
}

#[tokio::test]
async fn a_tag_is_resolved_by_its_header_in_one_request() {
    let it = manifest("a");
    let server = Fake::default().with("t", &it).start().await;
    assert_eq!(open(&server.uri()).resolve(&tag("t")).await.unwrap(), Some(it.digest()));
    assert_eq!(open(&server.uri()).resolve(&tag("none")).await.unwrap(), None);
    assert_eq!(requests(&server).await, ["HEAD manifests/t", "HEAD manifests/none"]);
}

#[tokio::test]
async fn without_a_readable_header_the_bytes_are_hashed() {
    let it = manifest("a");
    for head in
        [ResponseTemplate::new(200), digest_header("sha256:ABC"), digest_header("junk"), ResponseTemplate::new(405)]
    {
        let server = Fake::default().with("t", &it).fails("HEAD", [Fault::Answer(head)]).start().await;
        assert_eq!(open(&server.uri()).resolve(&tag("t")).await.unwrap(), Some(it.digest()));
        assert_eq!(requests(&server).await, ["HEAD manifests/t", "GET manifests/t"]);
    }
}

#[tokio::test]
async fn a_header_that_belies_the_bytes_is_corrupt() {
    let other = Digest::of(b"other").to_string();
    let body = digest_header(&other).set_body_raw(manifest("a").bytes().to_vec(), OCI_MANIFEST);
    let fake =
        Fake::default().fails("HEAD", [Fault::Answer(ResponseTemplate::new(200))]).fails("GET", [Fault::Answer(body)]);
    let error = open(&fake.start().await.uri()).resolve(&tag("t")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    assert!(
        error.message().contains(&other) && error.message().contains(&manifest("a").digest().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn another_algorithm_is_named() {
    let sha512 = format!("sha512:{}", "a".repeat(128));
    let server = Fake::default().fails("HEAD", [Fault::Answer(digest_header(&sha512))]).start().await;
    let error = open(&server.uri()).resolve(&tag("t")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn many_answers_come_in_the_order_of_the_questions() {
    let manifests: Vec<Manifest> = (0..40).map(|n| manifest(&n.to_string())).collect();
    let fake = manifests.iter().enumerate().fold(Fake::default(), |fake, (n, it)| fake.with(&format!("t{n}"), it));
    let server = fake.start().await;
    let registry = open(&server.uri());
    let questions: Vec<_> = (0..100).map(|n| tag(&format!("t{}", n * 7 % 50))).collect();
    let answers = registry.resolve_all(&questions).await.unwrap();
    let expected: Vec<_> = (0..100).map(|n| manifests.get(n * 7 % 50).map(Manifest::digest)).collect();
    assert_eq!(answers, expected);
    let unknown = Digest::of(b"unknown");
    let read = registry.manifest_all(&[manifests[3].digest(), unknown, manifests[1].digest()]).await.unwrap();
    assert_eq!(read, [Some(manifests[3].clone()), None, Some(manifests[1].clone())]);
}

#[tokio::test]
async fn one_failed_answer_fails_all() {
    let faults = (0..9).map(|_| Fault::Answer(ResponseTemplate::new(403)));
    let server = Fake::default().with("a", &manifest("a")).fails("HEAD", faults).start().await;
    let error = open(&server.uri()).resolve_all(&[tag("a"), tag("b"), tag("c")]).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Forbidden);
}

#[tokio::test]
async fn bytes_of_another_digest_are_corrupt() {
    let forged = ResponseTemplate::new(200).set_body_raw(manifest("forged").bytes().to_vec(), OCI_MANIFEST);
    let server = Fake::default().fails("GET", [Fault::Answer(forged)]).start().await;
    let wanted = manifest("a").digest();
    let error = open(&server.uri()).manifest(wanted).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    let (expected, got) = (wanted.to_string(), manifest("forged").digest().to_string());
    assert!(error.message().contains(&expected) && error.message().contains(&got), "{error}");
}

#[tokio::test]
async fn a_media_type_is_what_answer_and_manifest_agree_on() {
    let said = manifest("a");
    let silent_index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let silent_image = br#"{"schemaVersion":2,"config":{},"layers":[]}"#;
    for (header, body, expected) in [
        (Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"), said.bytes(), Some(OCI_MANIFEST)),
        (None, said.bytes(), Some(OCI_MANIFEST)),
        (Some("application/json"), said.bytes(), Some(OCI_MANIFEST)),
        (Some(OCI_INDEX), silent_index.as_slice(), Some(OCI_INDEX)),
        (Some("application/octet-stream"), silent_index.as_slice(), Some(OCI_INDEX)),
        (None, silent_image.as_slice(), Some(OCI_MANIFEST)),
        (Some(OCI_INDEX), said.bytes(), None),
        (Some("text/html"), said.bytes(), None),
        (None, br#"{"hello":"world"}"#.as_slice(), None),
    ] {
        let content_type = header.map(|header| format!("content-type: {header}\r\n")).unwrap_or_default();
        let mut answer =
            format!("HTTP/1.1 200 OK\r\n{content_type}content-length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        let (server, _) = raw(vec![answer]).await;
        let read = open(&server).manifest(Digest::of(body)).await;
        match expected {
            Some(expected) => assert_eq!(read.unwrap().media_type(), expected, "{header:?}"),
            None => assert_eq!(read.unwrap_err().kind(), &PortErrorKind::Corrupt, "{header:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let it = manifest("a");
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {OCI_MANIFEST}\r\ncontent-length: {}\r\n\r\n", it.bytes().len());
    let whole = [head.as_bytes(), it.bytes()].concat();
    let (server, asked) = raw(vec![whole[..whole.len() - 5].to_vec(), whole]).await;
    assert_eq!(open(&server).manifest(it.digest()).await.unwrap(), it);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_manifest_of_more_than_four_mebibytes_is_refused() {
    let large = ResponseTemplate::new(200).set_body_raw(vec![b' '; (4 << 20) + 1], OCI_MANIFEST);
    let server = Fake::default().fails("GET", [Fault::Answer(large)]).start().await;
    let error = open(&server.uri()).manifest(Digest::of(b"large")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unsupported);
    assert!(error.message().contains("4194304"), "{error}");
}

#[tokio::test]
async fn only_a_registry_can_say_that_there_is_no_manifest() {
    let digest = Digest::of(b"nothing");
    for (answer, absent) in [
        (refusal(404, "MANIFEST_UNKNOWN"), true),
        (ResponseTemplate::new(404).set_body_raw("<html>no</html>", "text/html"), false),
        (ResponseTemplate::new(404).set_body_string("404 page not found"), false),
    ] {
        let server = Fake::default().fails("GET", [Fault::Answer(answer)]).start().await;
        let error = open(&server.uri()).manifest(digest).await.unwrap_err();
        assert_eq!(*error.kind() == PortErrorKind::NotFound, absent, "{error}");
    }
}

/// A 404 without a word is absence where the registry shows itself; one whose words did not arrive is nothing yet.
#[tokio::test]
async fn a_404_that_breaks_off_is_not_absence() {
    let torn = || {
        let head =
            "HTTP/1.1 404 Not Found\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Length: 120\r\n\r\n";
        head.as_bytes().to_vec()
    };
    let silent = || {
        let head = "HTTP/1.1 404 Not Found\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        head.as_bytes().to_vec()
    };
    let (address, _) = raw(vec![silent()]).await;
    assert_eq!(open(&address).tagged_all(&[tag("1.0.0")]).await.unwrap(), [None]);
    let (address, asked) = raw(vec![torn(), silent()]).await;
    assert_eq!(open(&address).tagged_all(&[tag("1.0.0")]).await.unwrap(), [None]);
    assert_eq!(asked.lock().unwrap().len(), 2, "it is asked again");
    let (address, _) = raw(vec![torn(), torn(), torn()]).await;
    let error = open(&address).tagged_all(&[tag("1.0.0")]).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("broke off"), "{error}");
}
