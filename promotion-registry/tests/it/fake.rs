//! The registry in the process answers as the registries that it stands for.

use promotion_core::Digest;
use promotion_core::manifest::OCI_MANIFEST;
use promotion_registry::testing::fake::{Auth, FakeRegistry, Immutability, Paging, Quirks, TagDelete};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::servers::{client, peers_agree_about};

const NAME: &str = "acme/platform";

fn start(quirks: Quirks) -> (FakeRegistry, Client) {
    (FakeRegistry::start(quirks), client())
}

fn at(client: &Client, method: Method, registry: &FakeRegistry, path: &str) -> RequestBuilder {
    client.request(method, format!("http://{}/v2/{NAME}/{path}", registry.host()))
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

async fn status(request: RequestBuilder) -> u16 {
    send(request).await.status().as_u16()
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().unwrap().to_owned())
}

/// The status and the code of an error.
async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = send(request).await;
    let status = response.status().as_u16();
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, body["errors"][0]["code"].as_str().unwrap().to_owned())
}

/// A page's tags, and the address of the next one.
async fn page(client: &Client, registry: &FakeRegistry, path: &str) -> (Vec<String>, Option<String>) {
    let response = send(client.get(format!("http://{}{path}", registry.host()))).await;
    let link = header(&response, "link");
    let next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (body["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect(), next)
}

/// Every tag by `Link`, up to ten pages, and whether that was the end.
async fn pages(client: &Client, registry: &FakeRegistry, query: &str) -> (Vec<Vec<String>>, bool) {
    let (mut pages, mut next) = (Vec::new(), Some(format!("/v2/{NAME}/tags/list{query}")));
    while let Some(path) = next.take().filter(|_| pages.len() < 10) {
        let (tags, link) = page(client, registry, &path).await;
        pages.push(tags);
        next = link;
    }
    let ended = pages.len() < 10;
    (pages, ended)
}

fn seeded(paging: Paging) -> (FakeRegistry, Client) {
    let (registry, client) = start(Quirks { paging, ..Quirks::default() });
    for tag in ["b", "e", "a", "d", "c"] {
        registry.seed(NAME, tag, tag);
    }
    (registry, client)
}

#[tokio::test]
async fn every_page_is_in_the_style_asked_for() {
    for paging in [Paging::Link, Paging::OpaqueCursor, Paging::CapsAt(2)] {
        let (registry, client) = seeded(paging);
        let n = if paging == Paging::CapsAt(2) { 100 } else { 2 };
        let (pages, ended) = pages(&client, &registry, &format!("?n={n}")).await;
        assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["e"]], "{paging:?}");
        assert!(ended, "{paging:?}");
    }
    let (registry, client) = seeded(Paging::RepeatsPages);
    let (repeated, ended) = pages(&client, &registry, "?n=2").await;
    assert!(!ended && repeated.iter().all(|tags| *tags == ["a", "b"]));
}

#[tokio::test]
async fn pages_without_links_go_by_the_last_tag() {
    let list = |query: &str| format!("/v2/{NAME}/tags/list{query}");
    let (registry, client) = seeded(Paging::NoLinkButLast);
    assert_eq!(page(&client, &registry, &list("?n=2&last=b")).await, (vec!["c".to_owned(), "d".to_owned()], None));
    assert_eq!(page(&client, &registry, &list("?n=2&last=e")).await, (Vec::new(), None));
    let (registry, client) = seeded(Paging::RestartsForever);
    assert_eq!(page(&client, &registry, &list("?n=1&last=d")).await, (vec!["e".to_owned()], None));
    assert_eq!(page(&client, &registry, &list("?n=1&last=e")).await, (vec!["a".to_owned()], None));
    let (registry, client) = seeded(Paging::IgnoresN);
    let (tags, link) = page(&client, &registry, &list("?n=1&last=b")).await;
    assert_eq!((tags.len(), link), (5, None));
    assert!(!tags.is_sorted());
}

#[tokio::test]
async fn an_immutable_tag_is_refused_in_the_registrys_words() {
    let expected = [
        (Immutability::Harbor412, 412, "PRECONDITION"),
        (Immutability::Ecr400TagInvalid, 400, "TAG_INVALID"),
        (Immutability::Hub403, 403, "DENIED"),
        (Immutability::ArtifactRegistry, 400, "FAILED_PRECONDITION"),
    ];
    for (immutability, status, code) in expected {
        let (registry, client) = start(Quirks { immutability, ..Quirks::default() });
        let digest = registry.seed(NAME, "1.0.0", "one");
        let bytes = registry.manifest(NAME, &digest).unwrap();
        let put = |tag: &str| {
            let request = at(&client, Method::PUT, &registry, &format!("manifests/{tag}"));
            request.header("content-type", OCI_MANIFEST).body(bytes.clone())
        };
        assert_eq!(refusal(put("1.0.0")).await, (status, code.to_owned()));
        assert_eq!(send(put("1.0.1")).await.status(), 201);
        assert_eq!(registry.tags(NAME).get("1.0.1"), Some(&digest));
    }
}

#[tokio::test]
async fn a_manifest_is_kept_only_if_all_it_refers_to_is_there() {
    let (registry, client) = start(Quirks::default());
    let put = |reference: &str, body: String| {
        let request = at(&client, Method::PUT, &registry, &format!("manifests/{reference}"));
        request.header("content-type", OCI_MANIFEST).body(body)
    };
    let absent = Digest::of(b"absent").to_string();
    let config = json!({"mediaType": "application/json", "digest": absent, "size": 6});
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).to_string();
    assert_eq!(refusal(put("1.0.0", manifest.clone())).await, (400, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    assert_eq!(refusal(put("1.0.0", "no manifest".to_owned())).await, (400, "MANIFEST_INVALID".to_owned()));
    assert_eq!(refusal(put(&absent, manifest.clone())).await, (400, "DIGEST_INVALID".to_owned()));
    let list = at(&client, Method::GET, &registry, "tags/list");
    assert_eq!(refusal(list).await, (404, "NAME_UNKNOWN".to_owned()));
    registry.seed_blob(NAME, "absent");
    assert_eq!(status(put("1.0.0", manifest)).await, 201);
}

#[tokio::test]
async fn deleting_a_tag_does_what_the_registry_does() {
    for (tag_delete, expected, left) in [
        (TagDelete::Works, 202, vec!["stable"]),
        (TagDelete::Refused400, 400, vec!["1.0.0", "stable"]),
        (TagDelete::Refused405, 405, vec!["1.0.0", "stable"]),
        (TagDelete::DeletesManifest, 202, vec![]),
    ] {
        let (registry, client) = start(Quirks { tag_delete, ..Quirks::default() });
        registry.seed(NAME, "1.0.0", "one");
        registry.seed(NAME, "stable", "one");
        assert_eq!(status(at(&client, Method::DELETE, &registry, "manifests/1.0.0")).await, expected);
        assert_eq!(registry.tags(NAME).into_keys().collect::<Vec<_>>(), left, "{tag_delete:?}");
    }
}

#[tokio::test]
async fn reads_are_as_odd_as_asked_for() {
    let (registry, client) = start(Quirks { torn_500: Some(2), accept_needed: true, ..Quirks::default() });
    let digest = registry.seed(NAME, "1.0.0", "one");
    let head = |accept: &str| at(&client, Method::HEAD, &registry, "manifests/1.0.0").header("accept", accept);
    let whole = send(head(OCI_MANIFEST)).await;
    assert_eq!(header(&whole, "docker-content-digest"), Some(digest.to_string()));
    assert_eq!(status(head(OCI_MANIFEST)).await, 500);
    assert_eq!(status(head("*/*")).await, 404);
    registry.change(|quirks| *quirks = Quirks { no_digest_header: true, html_404: true, ..Quirks::default() });
    assert_eq!(header(&send(head(OCI_MANIFEST)).await, "docker-content-digest"), None);
    let missing = send(at(&client, Method::GET, &registry, "manifests/absent")).await;
    assert_eq!((missing.status().as_u16(), header(&missing, "content-type").as_deref()), (404, Some("text/html")));
}

#[tokio::test]
async fn a_moved_tag_drops_the_digest_where_tags_are_in_lower_case() {
    let (registry, client) = start(Quirks { lower_cases_tags: true, ..Quirks::default() });
    let old = registry.seed(NAME, "main", "one");
    let bytes = registry.manifest(NAME, &registry.seed(NAME, "other", "two")).unwrap();
    let put = at(&client, Method::PUT, &registry, "manifests/MAIN").header("content-type", OCI_MANIFEST);
    assert_eq!(status(put.body(bytes)).await, 201);
    assert_eq!(status(at(&client, Method::GET, &registry, &format!("manifests/{old}"))).await, 404);
    assert_eq!(registry.tags(NAME).into_keys().collect::<Vec<_>>(), ["main", "other"]);
}

#[tokio::test]
async fn one_put_sets_several_tags_where_that_is_known() {
    let (registry, client) = start(Quirks { multi_tag_put: true, ..Quirks::default() });
    let digest = registry.seed(NAME, "1.0.0", "one");
    let put = at(&client, Method::PUT, &registry, &format!("manifests/{digest}?tag=1.0.1&tag=stable"));
    let put = put.header("content-type", OCI_MANIFEST).body(registry.manifest(NAME, &digest).unwrap());
    let response = send(put).await;
    let told: Vec<_> = response.headers().get_all("oci-tag").iter().collect();
    assert_eq!(told, ["1.0.1", "stable"]);
    assert_eq!(registry.tags(NAME).into_keys().collect::<Vec<_>>(), ["1.0.0", "1.0.1", "stable"]);
}

#[tokio::test]
async fn blobs_come_in_chunks_whole_and_mounted() {
    let (registry, client) = start(Quirks::default());
    let begun = send(at(&client, Method::POST, &registry, "blobs/uploads/")).await;
    let upload = format!("http://{}{}", registry.host(), header(&begun, "location").unwrap());
    assert_eq!(status(client.patch(&upload).header("content-range", "0-1").body("ab")).await, 202);
    assert_eq!(status(client.patch(&upload).header("content-range", "1-2").body("bc")).await, 416);
    let digest = Digest::of(b"abc");
    assert_eq!(status(client.put(format!("{upload}&digest={digest}")).body("c")).await, 201);
    assert!(registry.has_blob(NAME, &digest));
    let wrong = at(&client, Method::POST, &registry, &format!("blobs/uploads/?digest={digest}")).body("xyz");
    assert_eq!(refusal(wrong).await, (400, "DIGEST_INVALID".to_owned()));
    let mount = |digest: Digest| {
        let path = format!("http://{}/v2/other/blobs/uploads/?mount={digest}&from={NAME}", registry.host());
        client.post(path)
    };
    assert_eq!(status(mount(digest)).await, 201);
    assert!(registry.has_blob("other", &digest));
    assert_eq!(status(mount(Digest::of(b"absent"))).await, 202);
}

#[tokio::test]
async fn a_token_is_good_for_its_scope_until_it_expires() {
    let auth = Auth::Bearer { user: "alice".to_owned(), password: "secret".to_owned(), uses: Some(1) };
    let (registry, client) = start(Quirks { auth, ..Quirks::default() });
    registry.seed(NAME, "1.0.0", "one");
    let list = || at(&client, Method::GET, &registry, "tags/list");
    let challenge = header(&send(list()).await, "www-authenticate").unwrap();
    let scope = format!("repository:{NAME}:pull");
    let realm = format!("http://{}/token", registry.host());
    assert_eq!(challenge, format!("Bearer realm=\"{realm}\",service=\"fake\",scope=\"{scope}\""));
    let token = format!("{realm}?service=fake&scope={scope}");
    assert_eq!(status(client.get(&token)).await, 401);
    assert_eq!(status(client.get(&token).header("authorization", "Basic YWxpY2U6d3Jvbmc=")).await, 401);
    let answer = send(client.get(&token).header("authorization", "Basic YWxpY2U6c2VjcmV0")).await;
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let bearer = format!("Bearer {}", answer["token"].as_str().unwrap());
    let write = at(&client, Method::POST, &registry, "blobs/uploads/").header("authorization", &bearer);
    assert_eq!(status(write).await, 401);
    assert_eq!(status(list().header("authorization", &bearer)).await, 200);
    assert_eq!(status(list().header("authorization", &bearer)).await, 401);
}

#[tokio::test]
async fn reading_may_be_free_where_writing_is_not() {
    let auth = Auth::AnonymousPull { user: "alice".to_owned(), password: "secret".to_owned() };
    let (registry, client) = start(Quirks { auth, ..Quirks::default() });
    registry.seed(NAME, "1.0.0", "one");
    assert_eq!(status(client.get(format!("http://{}/v2/", registry.host()))).await, 200);
    assert_eq!(status(at(&client, Method::GET, &registry, "tags/list")).await, 200);
    assert_eq!(status(at(&client, Method::POST, &registry, "blobs/uploads/")).await, 401);
}

#[tokio::test]
async fn referrers_are_found_unless_there_is_no_such_api() {
    let (registry, client) = start(Quirks::default());
    let subject = registry.seed(NAME, "1.0.0", "one");
    let config = registry.seed_blob(NAME, "{}").to_string();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.test", "layers": [],
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject.to_string(), "size": 1},
    });
    let bytes = manifest.to_string();
    let digest = Digest::of(bytes.as_bytes());
    let put = at(&client, Method::PUT, &registry, &format!("manifests/{digest}"));
    let put = send(put.header("content-type", OCI_MANIFEST).body(bytes)).await;
    assert_eq!(header(&put, "oci-subject"), Some(subject.to_string()));
    let list = || at(&client, Method::GET, &registry, &format!("referrers/{subject}"));
    let found: Value = serde_json::from_slice(&send(list()).await.bytes().await.unwrap()).unwrap();
    assert_eq!(found["manifests"][0]["digest"], digest.to_string());
    registry.change(|quirks| quirks.no_referrers_api = true);
    assert_eq!(status(list()).await, 404);
}

#[test]
#[ignore = "needs crane, skopeo, oras and regctl: scripts/components"]
fn every_client_reads_what_one_pushed() {
    peers_agree_about(&FakeRegistry::start(Quirks::default()).host());
}
