//! The proxy passes what it is not told to break, and records all of it.

use std::time::Duration;

use promotion_core::Digest;
use promotion_core::manifest::OCI_MANIFEST;
use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::proxy::{Fault, Operation, Proxy, nobody};
use reqwest::{Client, RequestBuilder};

use crate::servers::{client, peers_agree_about};

struct Fixture {
    registry: FakeRegistry,
    proxy: Proxy,
    client: Client,
    digest: Digest,
}

fn start() -> Fixture {
    let registry = FakeRegistry::start(Quirks::default());
    let digest = registry.seed("platform", "1.0.0", "one");
    let proxy = Proxy::before(&registry.host());
    Fixture { registry, proxy, client: client(), digest }
}

impl Fixture {
    fn url(&self, path: &str) -> String {
        format!("http://{}/v2/platform/{path}", self.proxy.host())
    }

    fn get(&self) -> RequestBuilder {
        self.client.get(self.url("manifests/1.0.0"))
    }

    fn put(&self, tag: &str) -> RequestBuilder {
        let bytes = self.registry.manifest("platform", &self.digest).unwrap();
        self.client.put(self.url(&format!("manifests/{tag}"))).header("content-type", OCI_MANIFEST).body(bytes)
    }

    /// The body of an answer that comes whole.
    async fn body(&self) -> Vec<u8> {
        self.get().send().await.unwrap().bytes().await.unwrap().to_vec()
    }
}

#[tokio::test]
async fn what_passes_is_recorded() {
    let it = start();
    it.client.head(it.url("manifests/1.0.0")).send().await.unwrap();
    it.put("stable").header("authorization", "Basic eA==").send().await.unwrap();
    it.client.get(it.url("tags/list?n=1")).send().await.unwrap();
    it.client.get(it.url(&format!("manifests/{}", it.digest))).send().await.unwrap();
    it.client.head(it.url("manifests/absent")).send().await.unwrap();
    let seen = it.proxy.take();
    let seen: Vec<_> = seen.iter().map(|it| (it.operation, it.status, it.authorized, it.path.as_str())).collect();
    let by_digest = format!("/v2/platform/manifests/{}", it.digest);
    assert_eq!(
        seen,
        [
            (Operation::HeadTag, Some(200), false, "/v2/platform/manifests/1.0.0"),
            (Operation::PutTag, Some(201), true, "/v2/platform/manifests/stable"),
            (Operation::ListTags, Some(200), false, "/v2/platform/tags/list?n=1"),
            (Operation::GetDigest, Some(200), false, &by_digest),
            (Operation::HeadTag, Some(404), false, "/v2/platform/manifests/absent"),
        ]
    );
    assert!(it.proxy.exchanges().is_empty());
}

#[tokio::test]
async fn absolute_locations_stay_at_the_proxy() {
    let it = start();
    it.registry.change(|quirks| quirks.location = promotion_registry::testing::fake::Location::Absolute);
    let begun = it.client.post(it.url("blobs/uploads/")).send().await.unwrap();
    let location = begun.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&it.url("blobs/uploads/")), "{location}");
}

#[tokio::test]
async fn a_large_blob_passes_unchanged() {
    let it = start();
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|at| (at % 251) as u8).collect();
    let digest = it.registry.seed_blob("platform", bytes.clone());
    let answer = it.client.get(it.url(&format!("blobs/{digest}"))).send().await.unwrap();
    assert!(answer.bytes().await.unwrap() == bytes);
}

#[tokio::test]
async fn a_lost_answer_is_a_write_that_happened_and_a_reset_is_none() {
    let it = start();
    it.proxy.fault_once(Operation::PutTag, Fault::Reset.after_forwarding());
    assert!(it.put("lost").send().await.is_err());
    it.proxy.fault(|n, _| (n == 1).then_some(Fault::Reset));
    assert!(it.put("reset").send().await.is_err());
    assert_eq!(it.put("whole").send().await.unwrap().status(), 201);
    assert_eq!(it.registry.tags("platform").into_keys().collect::<Vec<_>>(), ["1.0.0", "lost", "whole"]);
    let statuses: Vec<_> = it.proxy.exchanges().iter().map(|exchange| exchange.status).collect();
    assert_eq!(statuses, [None, None, Some(201)]);
}

#[tokio::test]
async fn only_the_exchange_that_is_chosen_breaks() {
    let it = start();
    it.proxy.fault(|n, exchange| (n == 2 && exchange.operation == Operation::GetTag).then(|| Fault::status(503)));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(it.get().send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 200]);
}

#[tokio::test]
async fn made_up_answers_are_as_they_were_told() {
    let it = start();
    let headers = vec![("retry-after".to_owned(), "10.3ms".to_owned())];
    it.proxy.fault_once(Operation::GetTag, Fault::Status(429, headers, "slow down".to_owned()));
    let answer = it.get().send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (429, b"10.3ms".as_slice()));
    assert_eq!(answer.bytes().await.unwrap(), "slow down");
    it.proxy.fault_once(Operation::GetTag, Fault::Html(502));
    assert_eq!(it.get().send().await.unwrap().headers()["content-type"], "text/html");
    it.proxy.fault_once(Operation::GetTag, Fault::EndlessRedirect);
    assert!(it.get().send().await.unwrap_err().is_redirect());
    let elsewhere = Proxy::before(&it.registry.host());
    let url = format!("http://{}/elsewhere", elsewhere.host());
    it.proxy.fault_once(Operation::GetTag, Fault::RedirectToOtherHost(url));
    it.get().header("authorization", "Basic eA==").send().await.unwrap();
    assert_eq!(elsewhere.exchanges()[0].path, "/elsewhere");
}

#[tokio::test]
async fn bodies_are_broken_as_they_were_told() {
    let it = start();
    let whole = it.body().await;
    it.proxy.fault_once(Operation::GetTag, Fault::TruncatedJson);
    assert_eq!(it.body().await, whole[..whole.len() / 2]);
    it.proxy.fault_once(Operation::GetTag, Fault::WrongDigest { header: false, body: true });
    let altered = it.body().await;
    assert!(altered.len() == whole.len() && altered != whole);
    it.proxy.fault_once(Operation::GetTag, Fault::WrongDigest { header: true, body: false });
    let answer = it.get().send().await.unwrap();
    assert_ne!(answer.headers()["docker-content-digest"], it.digest.to_string().as_str());
    assert_eq!(answer.bytes().await.unwrap(), whole);
    it.proxy.fault_once(Operation::GetTag, Fault::SlowBody(Duration::from_micros(1)));
    assert_eq!(it.body().await, whole);
}

#[tokio::test]
async fn half_a_body_comes_before_a_reset_and_before_a_stall() {
    let it = start();
    let half = it.body().await.len() / 2;
    for fault in [Fault::ResetMidBody, Fault::StalledBody] {
        it.proxy.fault_once(Operation::GetTag, fault.clone());
        let mut answer = it.get().send().await.unwrap();
        let mut got = 0;
        while got < half {
            got += answer.chunk().await.unwrap().unwrap().len();
        }
        assert_eq!(got, half, "{fault:?}");
        if fault == Fault::ResetMidBody {
            assert!(answer.chunk().await.is_err());
        }
    }
}

#[tokio::test]
async fn nobody_answers_where_nothing_listens() {
    let it = start();
    it.proxy.hang_up();
    assert!(it.get().send().await.unwrap_err().is_connect());
    assert!(it.client.get(format!("http://{}/v2/", nobody())).send().await.unwrap_err().is_connect());
}

#[test]
#[ignore = "needs crane, skopeo, oras and regctl: scripts/components"]
fn every_client_works_through_the_proxy() {
    let registry = FakeRegistry::start(Quirks::default());
    peers_agree_about(&Proxy::before(&registry.host()).host());
}
