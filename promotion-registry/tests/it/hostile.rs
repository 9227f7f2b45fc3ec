//! What a registry, a proxy before it, or another writer could do to deceive, stop or hurt us, and does not.

use std::sync::Arc;
use std::time::Duration;

use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::ports::{Bytes, Expect, PortErrorKind, Registry};
use promotion_registry::copy::{Options as CopyOptions, Quiet, Selection, copy};
use promotion_registry::distribution::{
    Client, Credential, Credentials as _, Fixed, Options, Retries, Secret, Timeouts,
};
use promotion_registry::testing::bytes::{referrers, tags};
use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::proxy::{self, Operation, Proxy};
use wiremock::ResponseTemplate;

use crate::distribution_server::{Fake, Fault, open, requests};
use crate::support::{manifest, tag};

/// A load balancer without a registry behind it.
fn not_found() -> Fault {
    Fault::Answer(ResponseTemplate::new(404).set_body_string("default backend - 404"))
}

#[tokio::test]
async fn a_404_of_something_before_the_registry_is_not_absence() {
    let it = manifest("rejected");
    let server = Fake::default().with("t", &it).fails("HEAD", [not_found()]).start().await;
    assert_eq!(open(&server.uri()).resolve(&tag("t")).await.unwrap(), Some(it.digest()));

    let server = Fake::default().with("t", &it).fails("HEAD", [not_found()]).fails("GET", [not_found()]).start().await;
    let error = open(&server.uri()).resolve(&tag("t")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Invalid, "{error}");
    assert!(error.message().contains("default backend"), "{error}");
}

#[tokio::test]
async fn a_404_without_a_word_is_not_absence_until_a_registry_says_so() {
    let silent = || Fault::Answer(ResponseTemplate::new(404));
    let server = Fake::default().fails("HEAD", [silent()]).start().await;
    assert_eq!(open(&server.uri()).resolve(&tag("t")).await.unwrap(), None);
    assert_eq!(requests(&server).await, ["HEAD manifests/t", "GET manifests/t"]);
    let server = Fake::default().fails("HEAD", [silent()]).fails("GET", [silent()]).start().await;
    open(&server.uri()).resolve(&tag("t")).await.unwrap_err();
}

/// The registry's limit is told, and while we wait somebody else writes.
#[tokio::test]
async fn what_was_written_while_the_registry_let_us_wait_is_not_written_over() {
    let registry = Arc::new(FakeRegistry::start(Quirks::default()));
    let theirs = registry.seed("acme/platform", "other", "theirs");
    registry.seed("acme/platform", "source", "ours");
    let proxy = Proxy::before(&registry.host());
    let client = open(&proxy.host());
    let source = client.resolve(&tag("source")).await.unwrap().unwrap();
    let ours = client.manifest(source).await.unwrap();
    let (at, mut waits) = (Arc::clone(&registry), true);
    proxy.fault(move |_, exchange| {
        let now = exchange.operation == Operation::PutTag && std::mem::take(&mut waits);
        now.then(|| {
            at.set_tag("acme/platform", "t", Some(theirs));
            proxy::Fault::status(429)
        })
    });
    let error = client.put_tag(&tag("t"), &ours, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(theirs) }, "{error}");
    assert_eq!(registry.tags("acme/platform")["t"], theirs);
}

#[tokio::test]
async fn a_write_that_has_to_wait_is_done_in_the_end() {
    let ours = manifest("ours");
    let wait = || Fault::Answer(ResponseTemplate::new(429).insert_header("Retry-After", "0.001"));
    let fake = Fake::default().fails("PUT", [wait(), wait()]);
    let server = fake.start().await;
    open(&server.uri()).put_tag(&tag("t"), &ours, Expect::Absent).await.unwrap();
    assert_eq!(fake.tag("t"), Some(ours.digest().to_string()));
    let (head, put) = ("HEAD manifests/t", "PUT manifests/t");
    assert_eq!(requests(&server).await, [head, put, head, put, head, put, head]);
}

#[tokio::test]
async fn a_registry_that_asks_for_more_patience_than_there_is_is_told_at_once() {
    let wait = Fault::Answer(ResponseTemplate::new(429).insert_header("Retry-After", "3600"));
    let fake = Fake::default().fails("PUT", [wait]);
    let server = fake.start().await;
    let error = open(&server.uri()).put_tag(&tag("t"), &manifest("ours"), Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3600)) }, "{error}");
}

#[tokio::test]
async fn a_copy_within_one_client_does_not_wait_for_itself() {
    let fake = FakeRegistry::start(Quirks::default());
    let proxy = Proxy::before(&fake.host());
    proxy.fault(|_, exchange| exchange.path.contains("mount=").then(|| proxy::Fault::status(405)));
    let client = Client::new(Options { plain_http: true, concurrency: 1, ..Options::default() }).unwrap();
    let at = |name: &str| client.open(&format!("oci://{}", proxy.repository(name)).parse().unwrap()).unwrap();
    let (from, to) = (at("acme/from"), at("acme/to"));
    let bytes = vec![7; 3 << 20];
    let layer = Manifest::new("application/octet-stream", bytes.clone()).descriptor();
    from.put_blob(&layer, &mut Bytes::new(bytes)).await.unwrap();
    let members = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": layer, "layers": []});
    let it = Manifest::new(OCI_MANIFEST, members.to_string().into_bytes());
    from.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
    let options = CopyOptions::default();
    let copied = copy(&from, &to, &Selection::All, &options, &Quiet);
    tokio::time::timeout(Duration::from_secs(30), copied).await.expect("it waits for itself").unwrap();
    assert_eq!(to.resolve(&tag("1.0.0")).await.unwrap(), Some(it.digest()));
}

#[tokio::test]
async fn sizes_that_nobody_could_store_are_an_error_and_no_panic() {
    let memory = || SharedRegistry::new(MemoryRegistry::default());
    let (from, to) = (memory(), memory());
    let blob =
        |seed: &str| serde_json::json!({"mediaType": "x/y", "digest": manifest(seed).digest(), "size": u64::MAX});
    let members =
        serde_json::json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob("a"), "layers": [blob("b")]});
    let it = Manifest::new(OCI_MANIFEST, members.to_string().into_bytes());
    from.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
    copy(&from, &to, &Selection::All, &CopyOptions::default(), &Quiet).await.unwrap_err();
    assert_eq!(to.resolve(&tag("1.0.0")).await.unwrap(), None);
}

#[tokio::test]
async fn a_document_that_comes_byte_by_byte_is_given_up() {
    let registry = FakeRegistry::start(Quirks::default());
    registry.seed("acme/platform", "1.0.0", "one");
    let proxy = Proxy::before(&registry.host());
    // Bytes come often enough to be no stall, and the whole would take minutes.
    proxy.fault(|_, _| Some(proxy::Fault::SlowBody(Duration::from_millis(100))));
    let (stall, answer) = (Duration::from_millis(300), Duration::from_secs(20));
    let timeouts = Timeouts { stall, answer, ..Timeouts::default() };
    let retries = Retries { attempts: 1, ..Retries::default() };
    let client = Client::new(Options { plain_http: true, timeouts, retries, ..Options::default() }).unwrap();
    let at = client.open(&format!("oci://{}", proxy.repository("acme/platform")).parse().unwrap()).unwrap();
    let digest = registry.tags("acme/platform")["1.0.0"];
    let error = at.manifest(digest).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_credential_is_found_where_the_schemes_own_port_is_written() {
    let credential = Credential::Bearer(Secret::new("hunter22"));
    let given = |host: &str| Fixed { host: host.to_owned(), credential: credential.clone() };
    for (host, asked, found) in [
        ("r.example:443", "r.example", true),
        ("r.example:80", "r.example", true),
        ("r.example", "r.example", true),
        ("r.example:5000", "r.example", false),
        ("r.example:443", "r.example:5000", false),
        ("r.example.evil", "r.example", false),
        ("r.example", "r.example:5000", false),
    ] {
        assert_eq!(given(host).find(asked, "acme").await.unwrap().is_some(), found, "{host} {asked}");
    }
}

/// A derived reader takes a list of the members' values for the object, and `[null]` for a listing of no tags.
#[test]
fn a_list_of_values_is_no_document() {
    assert_eq!(tags(b" [null]"), None);
    assert_eq!(tags(br#"[["0.1.0"]]"#), None);
    assert!(referrers(b"[2,[]]").is_err());
}
