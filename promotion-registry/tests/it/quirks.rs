//! The registries that are known, each with what is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::ports::{Expect, PortError, PortErrorKind, Registry};
use promotion_registry::Distribution;
use promotion_registry::distribution::Anonymous;
use promotion_registry::testing::fake::{Auth, FakeRegistry, Immutability, Paging, Quirks, TagDelete};
use promotion_registry::testing::proxy::{Operation, Proxy};
use wiremock::matchers::{method, path_regex, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::conforms::{client, known_as};
use crate::distribution_server::{Fake, Fault, PATH, requests};
use crate::support::{manifest, tag};

const NAME: &str = "acme/platform";

/// A registry with one quirk, seen through a proxy that counts.
struct Rig {
    registry: FakeRegistry,
    proxy: Proxy,
    client: Distribution,
}

impl Rig {
    fn new(change: impl FnOnce(&mut Quirks)) -> Self {
        let registry = FakeRegistry::start(Quirks::default());
        registry.change(change);
        let proxy = Proxy::before(&registry.host());
        let client = at(&proxy.host());
        Self { registry, proxy, client }
    }

    /// An artifact under a tag, as it is read.
    async fn seeded(&self, name: &str, content: &str) -> Manifest {
        let digest = self.registry.seed(NAME, name, content);
        self.client.manifest(digest).await.unwrap()
    }

    async fn put(&self, name: &str, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.client.put_tag(&tag(name), manifest, expect).await
    }

    fn tags(&self) -> BTreeMap<String, String> {
        self.registry.tags(NAME).into_iter().map(|(tag, digest)| (tag, digest.to_string())).collect()
    }

    async fn listed(&self) -> Vec<String> {
        names(&self.client).await
    }
}

/// `acme/platform` at a host without TLS.
fn at(host: &str) -> Distribution {
    crate::conforms::open(&client(Arc::new(Anonymous)), &format!("{host}/{NAME}"))
}

async fn names(registry: &Distribution) -> Vec<String> {
    registry.list_tags().await.unwrap().tags.iter().map(ToString::to_string).collect()
}

/// An error in the shape of the specification.
fn said(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let errors = serde_json::json!({"errors": [{"code": code, "message": message}]});
    ResponseTemplate::new(status).set_body_json(errors)
}

fn page(tags: &[String]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(serde_json::json!({"name": NAME, "tags": tags}))
}

fn many(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("1.0.{n}")).collect()
}

#[tokio::test]
async fn distribution_2_8_a_torn_tag_is_read_again_and_never_absent() {
    let rig = Rig::new(|it| it.torn_500 = Some(2));
    let (old, new) = (rig.seeded("stable", "one").await, rig.seeded("1.0.1", "two").await);
    for turn in 0..6 {
        assert_eq!(rig.client.resolve(&tag("stable")).await.unwrap(), Some(old.digest()), "read {turn}");
    }
    rig.put("stable", &new, Expect::Equals(old.digest())).await.unwrap();
    assert_eq!(rig.tags()["stable"], new.digest().to_string());
    rig.registry.change(|it| it.torn_500 = Some(1));
    let error = rig.client.resolve(&tag("stable")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
    let error = rig.put("1.0.2", &new, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
    assert_eq!(rig.tags().get("1.0.2"), None, "nothing is written over what cannot be read");
}

#[tokio::test]
async fn distribution_2_8_a_tag_that_cannot_be_deleted_stays_with_its_digest() {
    let rig = Rig::new(|it| it.tag_delete = TagDelete::Refused400);
    let it = rig.seeded("1.0.0", "one").await;
    let error = rig.client.delete_tag(&tag("1.0.0"), it.digest()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unsupported, "{error}");
    assert_eq!(rig.proxy.count(Operation::DeleteTag), 1);
    assert_eq!(rig.listed().await, ["1.0.0"]);
}

#[tokio::test]
async fn distribution_2_8_manifests_are_asked_for_by_their_types() {
    let rig = Rig::new(|it| it.accept_needed = true);
    let digest = rig.registry.seed(NAME, "1.0.0", "one");
    assert_eq!(rig.client.resolve(&tag("1.0.0")).await.unwrap(), Some(digest));
    assert_eq!(rig.client.manifest(digest).await.unwrap().media_type(), OCI_MANIFEST);
}

#[tokio::test]
async fn distribution_2_8_every_tag_comes_at_once_in_its_own_order() {
    let rig = Rig::new(|it| it.paging = Paging::IgnoresN);
    let expected: Vec<String> = many(0..1500).into_iter().rev().collect();
    for name in many(0..1500) {
        rig.registry.seed(NAME, &name, "one");
    }
    assert_eq!(rig.listed().await, expected);
    assert_eq!(rig.proxy.count(Operation::ListTags), 1);
}

#[tokio::test]
async fn distribution_3_pages_are_as_short_as_it_likes() {
    let rig = Rig::new(|it| it.paging = Paging::CapsAt(3));
    let mut expected = many(0..10);
    expected.sort();
    for name in &expected {
        rig.registry.seed(NAME, name, "one");
    }
    assert_eq!(rig.listed().await, expected);
    assert_eq!(rig.proxy.count(Operation::ListTags), 4);
}

#[tokio::test]
async fn zot_a_page_after_a_tag_that_is_gone_begins_the_listing_again() {
    // A full page without a Link, then 404 without a word, which is no other repository's.
    let server = MockServer::start().await;
    let gone = ResponseTemplate::new(404);
    Mock::given(query_param("last", "1.0.999")).respond_with(gone).up_to_n_times(1).mount(&server).await;
    Mock::given(query_param("last", "1.0.999")).respond_with(page(&many(1000..1002))).mount(&server).await;
    Mock::given(query_param("n", "1000")).respond_with(page(&many(0..1000))).with_priority(9).mount(&server).await;
    assert_eq!(names(&at(&server.address().to_string())).await, many(0..1002));
    assert_eq!(requests(&server).await.len(), 4);
}

#[tokio::test]
async fn zot_pages_that_are_gone_again_and_again_are_no_complete_listing() {
    let server = MockServer::start().await;
    Mock::given(query_param("last", "1.0.999")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    Mock::given(query_param("n", "1000")).respond_with(page(&many(0..1000))).with_priority(9).mount(&server).await;
    let error = at(&server.address().to_string()).list_tags().await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable);
    assert!(error.message().contains("was not found, 3 times"), "{error}");
}

#[tokio::test]
async fn zot_create_only_is_immutable_where_pushing_is_allowed() {
    // 403, and 401 with a challenge to whom it does not know.
    let denied = said(403, "DENIED", "requested access to the resource is denied");
    let unknown =
        said(401, "UNAUTHORIZED", "authentication required").insert_header("www-authenticate", "Basic realm=\"zot\"");
    for refused in [denied, unknown] {
        let (old, new) = (manifest("old"), manifest("new"));
        let fake = Fake::default().with("t", &old).with("", &new).fails("PUT", [Fault::Answer(refused)]);
        let server = fake.start().await;
        let registry = at(&server.address().to_string());
        let error = registry.put_tag(&tag("t"), &new, Expect::Any).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Immutable, "{error}");
        assert!(error.message().contains(&format!("tag t is {} and may not move", old.digest())), "{error}");
        assert_eq!(
            (fake.tag("t"), registry.capabilities().immutable_tags),
            (Some(old.digest().to_string()), Some(true))
        );
    }
}

#[tokio::test]
async fn zot_who_may_not_push_at_all_is_told_so() {
    let denied = || Fault::Answer(said(403, "DENIED", "requested access to the resource is denied"));
    let (old, new) = (manifest("old"), manifest("new"));
    for fake in [Fake::default().with("t", &old).with("", &new), Fake::default().with("t", &old)] {
        let fake = fake.fails("PUT", [denied(), denied()]);
        let server = fake.start().await;
        let error = at(&server.address().to_string()).put_tag(&tag("t"), &new, Expect::Any).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Forbidden, "{error}");
        let known = fake.bytes(&new.digest().to_string()).is_some();
        let puts = requests(&server).await.iter().filter(|request| request.starts_with("PUT")).count();
        assert_eq!(puts, 1 + usize::from(known), "what is not there is not put to find out");
    }
}

#[tokio::test]
async fn zot_a_docker_type_that_is_not_taken_is_named() {
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let it = Manifest::new(docker, br#"{"schemaVersion":2}"#.to_vec());
    let refused = said(415, "MANIFEST_INVALID", "manifest invalid");
    let server = Fake::default().fails("PUT", [Fault::Answer(refused)]).start().await;
    let error = at(&server.address().to_string()).put_tag(&tag("t"), &it, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Invalid);
    assert!(error.message().contains("415: MANIFEST_INVALID"), "{error}");
    assert!(error.message().contains(&format!("it was sent as {docker}")), "{error}");
}

#[tokio::test]
async fn zot_several_tags_in_one_request_are_recognised() {
    for (offers, expected) in [(true, true), (false, false)] {
        let rig = Rig::new(|it| it.multi_tag_put = offers);
        let it = rig.seeded("1.0.0", "one").await;
        assert_eq!(rig.client.probe_multi_tag(&tag("1.0.0"), &it).await.unwrap(), expected);
        assert_eq!(rig.listed().await, ["1.0.0"], "the probe changes nothing");
    }
}

#[tokio::test]
async fn ghcr_pages_of_a_hundred_keep_the_oldest_first() {
    let server = MockServer::start().await;
    let all: Vec<String> = (0..250).map(|n| format!("0.1.{}-rc.1", 250 - n)).collect();
    let pages = all.clone();
    let answer = move |request: &Request| {
        let last = request.url.query_pairs().find(|(name, _)| name == "last").map(|(_, last)| last.into_owned());
        let start = last.map_or(0, |last| 1 + pages.iter().position(|tag| *tag == last).unwrap());
        let end = (start + 100).min(pages.len());
        let link = format!("<{PATH}/tags/list?last={}&n=100>; rel=\"next\"", pages[end - 1]);
        let answer = page(&pages[start..end]);
        if end < pages.len() { answer.insert_header("link", link.as_str()) } else { answer }
    };
    Mock::given(method("GET")).respond_with(answer).mount(&server).await;
    assert_eq!(names(&at(&server.address().to_string())).await, all);
    assert_eq!(requests(&server).await.len(), 3);
}

#[tokio::test]
async fn ghcr_a_tag_that_cannot_be_deleted_says_what_can() {
    let rig = Rig::new(|it| it.tag_delete = TagDelete::Refused405);
    let it = rig.seeded("1.0.0", "one").await;
    let error = rig.client.delete_tag(&tag("1.0.0"), it.digest()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unsupported);
    assert!(error.message().contains("the registry's own tools"), "{error}");
    assert_eq!(rig.listed().await, ["1.0.0"]);
}

#[tokio::test]
async fn ghcr_a_wait_that_only_the_text_asks_for_is_waited() {
    let limited = said(429, "TOOMANYREQUESTS", "retry-after: 10.3ms, allowed: 2000/minute");
    let fake = Fake::default().fails("PUT", [Fault::Answer(limited.clone()), Fault::Answer(limited)]);
    let server = fake.start().await;
    at(&server.address().to_string()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    let (head, put) = ("HEAD manifests/t", "PUT manifests/t");
    let told = "whoever waited looks whether somebody else was faster";
    assert_eq!(requests(&server).await, [head, put, head, put, head, put, head], "{told}");
}

#[tokio::test]
async fn ghcr_everybody_reads_and_only_who_is_known_writes() {
    let (user, password) = ("ada".to_owned(), "correct horse".to_owned());
    let rig = Rig::new(|it| it.auth = Auth::AnonymousPull { user, password });
    let digest = rig.registry.seed(NAME, "1.0.0", "one");
    let it = rig.client.manifest(digest).await.unwrap();
    assert_eq!(rig.listed().await, ["1.0.0"]);
    assert_eq!(rig.proxy.count(Operation::Token), 0, "what is free needs no token");
    let host = rig.proxy.host();
    let error = rig.put("1.0.1", &it, Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unauthorized, "{error}");
    assert!(error.message().contains(&format!("docker login {host}")), "{error}");
    let known = client(known_as(&host, "ada", "correct horse"));
    let known = crate::conforms::open(&known, &format!("{host}/{NAME}"));
    known.put_tag(&tag("1.0.1"), &it, Expect::Absent).await.unwrap();
    assert_eq!(rig.listed().await, ["1.0.0", "1.0.1"]);
}

#[tokio::test]
async fn docker_hub_a_retag_pulls_once() {
    let rig = Rig::new(|it| it.torn_500 = None);
    let digest = rig.registry.seed(NAME, "0.1.0-rc.1", "one");
    let found = rig.client.resolve(&tag("0.1.0-rc.1")).await.unwrap();
    assert_eq!(found, Some(digest));
    let it = rig.client.manifest(digest).await.unwrap();
    for name in ["0.1.0", "validated", "0.1.0"] {
        rig.put(name, &it, Expect::Any).await.unwrap();
    }
    let pulls = rig.proxy.count(Operation::GetDigest) + rig.proxy.count(Operation::GetTag);
    assert_eq!((pulls, rig.proxy.count(Operation::PutTag)), (1, 2), "a GET of a manifest counts as a pull");
}

#[tokio::test]
async fn every_way_to_refuse_an_immutable_tag_is_immutable() {
    use Immutability::{ArtifactRegistry, Ecr400TagInvalid, Harbor412, Hub403};
    for immutability in [Harbor412, Ecr400TagInvalid, Hub403, ArtifactRegistry] {
        let rig = Rig::new(|it| it.immutability = immutability);
        let (old, new) = (rig.seeded("1.0.0", "one").await, rig.seeded("1.0.1", "two").await);
        let error = rig.put("1.0.0", &new, Expect::Any).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Immutable, "{immutability:?}: {error}");
        let is = format!("tag 1.0.0 is {} and may not move", old.digest());
        assert!(error.message().contains(&is), "{immutability:?}: {error}");
        rig.proxy.take();
        for expect in [Expect::Any, Expect::Absent, Expect::Equals(new.digest())] {
            rig.put("1.0.0", &old, expect).await.unwrap();
        }
        assert_eq!(rig.proxy.count(Operation::PutTag), 0, "{immutability:?}: the same digest needs no write");
        rig.put("1.0.2", &new, Expect::Absent).await.unwrap();
    }
}

#[tokio::test]
async fn ecr_is_never_asked_for_more_than_a_thousand_tags() {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let n = request.url.query_pairs().find(|(name, _)| name == "n").map(|(_, n)| n.parse::<usize>().unwrap());
        match n {
            Some(1..=1000) => page(&many(0..3)),
            _ => said(400, "UNSUPPORTED", "Invalid parameter at 'maxResults': must be at most 1000"),
        }
    };
    Mock::given(path_regex("tags/list$")).respond_with(answer).mount(&server).await;
    assert_eq!(names(&at(&server.address().to_string())).await, many(0..3));
}

#[tokio::test]
async fn ecr_public_a_cursor_is_followed_as_it_is_written() {
    let rig = Rig::new(|it| it.paging = Paging::OpaqueCursor);
    let mut expected = many(0..2500);
    expected.sort();
    for name in &expected {
        rig.registry.seed(NAME, name, "one");
    }
    assert_eq!(rig.listed().await, expected);
    assert_eq!(rig.proxy.count(Operation::ListTags), 3);
}

#[tokio::test]
async fn harbor_a_policys_no_is_not_immutability() {
    let message = "To continue with pull, please contact your project administrator: not signed";
    let refused = said(412, "PROJECTPOLICYVIOLATION", message);
    let server = Fake::default().fails("PUT", [Fault::Answer(refused)]).start().await;
    let error = at(&server.address().to_string()).put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Forbidden);
    assert!(error.message().contains("not signed"), "{error}");
}

#[tokio::test]
async fn gitea_a_tag_with_capitals_is_told_as_what_it_became() {
    let rig = Rig::new(|it| it.lower_cases_tags = true);
    let it = rig.seeded("other", "one").await;
    for turn in 0..3 {
        let error = rig.put("1.0.0-RC.1", &it, Expect::Absent).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Invalid, "{turn}: {error}");
        assert!(error.message().contains("listed as 1.0.0-rc.1"), "{error}");
    }
    assert_eq!(rig.client.capabilities().case_sensitive_tags, Some(false));
    assert_eq!(rig.proxy.count(Operation::PutTag), 1, "what is known is not tried again");
}

#[tokio::test]
async fn gitea_a_tag_in_lower_case_is_not_moved_by_its_spelling_in_capitals() {
    let rig = Rig::new(|it| it.lower_cases_tags = true);
    let (one, two) = (rig.seeded("stable", "one").await, rig.seeded("other", "two").await);
    for (manifest, turn) in [(&two, "another digest"), (&one, "the same digest")] {
        let fresh = at(&rig.proxy.host());
        let error = fresh.put_tag(&tag("Stable"), manifest, Expect::Any).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Invalid, "{turn}: {error}");
    }
    let error = at(&rig.proxy.host()).delete_tag(&tag("STABLE"), one.digest()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Invalid, "{error}");
    assert_eq!((rig.proxy.count(Operation::PutTag), rig.tags()["stable"].clone()), (0, one.digest().to_string()));
}

#[tokio::test]
async fn capitals_are_looked_after_once_where_they_are_kept() {
    let rig = Rig::new(|_| {});
    let it = rig.seeded("stable", "one").await;
    for name in ["Stable", "1.0.0-RC.1", "1.0.0-RC.2"] {
        rig.put(name, &it, Expect::Absent).await.unwrap();
    }
    assert_eq!(rig.tags().len(), 4);
    assert_eq!(rig.proxy.count(Operation::ListTags), 1);
}

#[tokio::test]
async fn gitea_a_digest_that_vanished_with_its_tag_is_not_found() {
    let rig = Rig::new(|it| it.lower_cases_tags = true);
    let (one, two) = (rig.seeded("stable", "one").await, rig.seeded("other", "two").await);
    rig.put("stable", &two, Expect::Equals(one.digest())).await.unwrap();
    let error = rig.client.manifest(one.digest()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::NotFound, "{error}");
    // With its bytes at hand it can be put back, and with a companion tag it would have stayed.
    rig.put("kept", &one, Expect::Absent).await.unwrap();
    rig.put("stable", &one, Expect::Any).await.unwrap();
    rig.put("stable", &two, Expect::Any).await.unwrap();
    assert_eq!(rig.client.manifest(one.digest()).await.unwrap(), one);
}

#[tokio::test]
async fn a_registry_that_deletes_the_manifest_with_its_tag_is_told_loudly() {
    let rig = Rig::new(|it| it.tag_delete = TagDelete::DeletesManifest);
    let it = rig.seeded("1.0.0", "one").await;
    rig.put("stable", &it, Expect::Absent).await.unwrap();
    let error = rig.client.delete_tag(&tag("1.0.0"), it.digest()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{error}");
    assert!(error.message().contains("together with tag 1.0.0"), "{error}");
}

#[tokio::test]
async fn artifact_registry_a_blob_comes_whole() {
    let rig = Rig::new(|it| it.monolithic_only = true);
    let large = vec![7_u8; 3 << 20];
    let blob = promotion_core::manifest::Descriptor {
        media_type: "application/octet-stream".to_owned(),
        digest: promotion_core::Digest::of(&large),
        size: large.len() as u64,
        artifact_type: None,
        annotations: BTreeMap::new(),
    };
    rig.client.put_blob(&blob, &mut promotion_core::ports::Bytes::new(large)).await.unwrap();
    assert!(rig.registry.has_blob(NAME, &blob.digest));
}

#[tokio::test]
async fn go_containerregistry_a_listing_that_begins_anew_ends() {
    let rig = Rig::new(|it| it.paging = Paging::RestartsForever);
    let mut expected = many(0..1000);
    expected.sort();
    for name in &expected {
        rig.registry.seed(NAME, name, "one");
    }
    assert_eq!(rig.listed().await, expected, "nothing twice");
    assert_eq!(rig.proxy.count(Operation::ListTags), 2);
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_no_listing() {
    let rig = Rig::new(|it| it.paging = Paging::RepeatsPages);
    for name in many(0..5) {
        rig.registry.seed(NAME, &name, "one");
    }
    let error = rig.client.list_tags().await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    assert!(error.message().contains("does not end"), "{error}");
}

#[tokio::test]
async fn a_page_of_html_is_no_registrys_word() {
    let rig = Rig::new(|it| it.html_404 = true);
    let it = rig.seeded("1.0.0", "one").await;
    for error in [
        rig.client.resolve(&tag("absent")).await.unwrap_err(),
        rig.client.manifest(promotion_core::Digest::of(b"absent")).await.unwrap_err(),
        rig.put("absent", &it, Expect::Absent).await.unwrap_err(),
        rig.client.has_blob(promotion_core::Digest::of(b"absent")).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), &PortErrorKind::Invalid, "{error}");
    }
}
