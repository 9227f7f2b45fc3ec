//! What a server can get wrong: each mistake is told with what, where and why, and none of them is an absence.

use std::sync::Arc;

use promotion_core::manifest::{Descriptor, Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::ports::{Bytes, Expect, PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Repository};
use promotion_registry::distribution::{Anonymous, Client};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::conforms::{client, known_as, quick};
use crate::distribution_server::{Fake, Fault, PATH, open, raw, refusal, requests};
use crate::support::{manifest, tag};

/// A server that gives one answer to everything.
async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200)
}

fn document(it: &Manifest) -> ResponseTemplate {
    ok().set_body_raw(it.bytes().to_vec(), it.media_type())
}

/// An error of this kind that says all of this.
#[track_caller]
fn told<T: std::fmt::Debug>(result: Result<T, PortError>, kind: &PortErrorKind, says: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for text in says {
        assert!(error.to_string().contains(text), "{text:?} is not in: {error}");
    }
}

#[tokio::test]
async fn a_digest_header_in_no_known_form_is_made_up_for_by_the_bytes() {
    let it = manifest("a");
    let shouted = it.digest().to_string().to_ascii_uppercase();
    for header in ["", "latest", "sha256:", "sha256:abc", "sha256", &shouted, "md5:0cc175b9c0f1b6a831c399e269772661"] {
        let server = always(document(&it).insert_header("docker-content-digest", header)).await;
        assert_eq!(open(&server.uri()).resolve(&tag("t")).await.unwrap(), Some(it.digest()), "{header}");
        assert_eq!(requests(&server).await, ["HEAD manifests/t", "GET manifests/t"], "{header}");
    }
}

#[tokio::test]
async fn a_digest_of_another_algorithm_is_told_with_where() {
    let server = always(ok().insert_header("docker-content-digest", format!("sha512:{}", "a".repeat(128)))).await;
    let result = open(&server.uri()).resolve(&tag("t")).await;
    told(result, &PortErrorKind::Unsupported, &["resolve tag t in oci://", "sha512:aaa", "only sha256"]);
}

#[tokio::test]
async fn a_content_type_is_read_through_whatever_surrounds_it() {
    let bytes = manifest("a").bytes().to_vec();
    let it = Manifest::new(OCI_MANIFEST, bytes.clone());
    let shouted = OCI_MANIFEST.to_ascii_uppercase();
    for header in
        [&format!("{OCI_MANIFEST}; charset=utf-8"), &format!(" {OCI_MANIFEST} ;"), &shouted, "application/json", ""]
    {
        let server = always(ok().set_body_bytes(bytes.clone()).insert_header("content-type", header)).await;
        assert_eq!(open(&server.uri()).manifest(it.digest()).await.unwrap(), it, "{header:?}");
    }
    let bare = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", bytes.len());
    let (server, _) = raw(vec![[bare.into_bytes(), bytes].concat()]).await;
    assert_eq!(open(&server).manifest(it.digest()).await.unwrap(), it, "without one");
}

#[tokio::test]
async fn a_page_with_the_status_of_success_is_no_manifest() {
    let server = always(ok().set_body_raw("<html><title>Sign in</title></html>", "text/html; charset=utf-8")).await;
    let registry = open(&server.uri());
    for result in [
        registry.resolve(&tag("t")).await.map(drop),
        registry.manifest(Digest::of(b"x")).await.map(drop),
        registry.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await,
    ] {
        told(result, &PortErrorKind::Corrupt, &["text/html", "a login page"]);
    }
    told(registry.referrers(Digest::of(b"x")).await, &PortErrorKind::Corrupt, &["a web page"]);
    told(registry.list_tags().await, &PortErrorKind::Corrupt, &["is not a list of tags"]);
}

#[tokio::test]
async fn a_length_that_lies_is_no_shorter_document() {
    let it = manifest("a");
    let head = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {OCI_MANIFEST}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let whole = it.bytes().len();
    let longer = [head(whole + 7).into_bytes(), it.bytes().to_vec()].concat();
    let (server, _) = raw(vec![longer.clone(), longer.clone(), longer]).await;
    told(open(&server).manifest(it.digest()).await, &PortErrorKind::Unavailable, &["broke off"]);
    let (server, _) = raw(vec![[head(whole - 7).into_bytes(), it.bytes().to_vec()].concat()]).await;
    told(open(&server).manifest(it.digest()).await, &PortErrorKind::Corrupt, &["expected the bytes of"]);
    let huge = head(usize::MAX).into_bytes();
    let (server, _) = raw(vec![huge.clone(), huge.clone(), huge]).await;
    told(open(&server).manifest(it.digest()).await, &PortErrorKind::Unavailable, &["broke off"]);
    let wrong = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: many\r\n\r\n{}".to_vec();
    let (server, _) = raw(vec![wrong.clone(), wrong.clone(), wrong]).await;
    told(open(&server).manifest(it.digest()).await, &PortErrorKind::Unavailable, &["broke off"]);
}

fn page(tags: &serde_json::Value) -> ResponseTemplate {
    ok().set_body_json(serde_json::json!({"name": "acme/platform", "tags": tags}))
}

#[tokio::test]
async fn a_next_page_that_cannot_be_gone_to_is_told() {
    for (link, says) in [
        ("<http://[>; rel=next", "no address"),
        ("<ftp://elsewhere.example/v2/>; rel=next", "no address"),
        ("<//elsewhere.example/v2/x>; rel=next", "http://elsewhere.example/v2/x: another host"),
        ("<http://me:pw@elsewhere.example/v2/x?sig=1>; rel=next", "http://elsewhere.example/v2/x: another host"),
        ("<https://127.0.0.1/v2/x>; rel=next", "another host"),
    ] {
        let server = always(page(&serde_json::json!(["a"])).insert_header("link", link)).await;
        told(open(&server.uri()).list_tags().await, &PortErrorKind::Corrupt, &[says, "list tags in oci://"]);
    }
}

#[tokio::test]
async fn a_link_that_cannot_be_read_is_no_end_of_a_listing() {
    for link in ["/v2/acme/platform/tags/list?last=a; rel=next", "<list?last=a; rel=\"next\"", "next"] {
        let server = always(page(&serde_json::json!(["a"])).insert_header("link", link)).await;
        told(open(&server.uri()).list_tags().await, &PortErrorKind::Corrupt, &["Link", "cannot be read"]);
    }
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 14\r\nlink: <list?last=";
    let unreadable = [head.as_bytes(), b"\xff>; rel=next\r\n\r\n{\"tags\":[\"a\"]}"].concat();
    let (server, _) = raw(vec![unreadable]).await;
    told(open(&server).list_tags().await, &PortErrorKind::Corrupt, &["Link", "cannot be read"]);
    // Letters that are no ASCII are read as what they are nearly everywhere.
    let readable = format!("{head}ü>; rel=next\r\n\r\n{{\"tags\":[\"a\"]}}").into_bytes();
    let last = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 14\r\n\r\n{\"tags\":[\"b\"]}".to_vec();
    let (server, asked) = raw(vec![readable, last]).await;
    assert_eq!(open(&server).list_tags().await.unwrap().tags, [tag("a"), tag("b")]);
    assert!(asked.lock().unwrap()[1].starts_with("GET /v2/acme/platform/tags/list?last=%C3%BC "));
    // Links to other things are none of ours.
    for link in ["</v2/>; rel=prev", "<https://docs.example>; rel=\"help\"", ""] {
        let server = always(page(&serde_json::json!(["a"])).insert_header("link", link)).await;
        assert_eq!(open(&server.uri()).list_tags().await.unwrap().tags, [tag("a")], "{link}");
    }
}

#[tokio::test]
async fn a_listing_of_other_things_than_names_is_corrupt() {
    for tags in
        [serde_json::json!([1, 2]), serde_json::json!([null]), serde_json::json!({"a": 1}), serde_json::json!(7)]
    {
        let server = always(page(&tags)).await;
        told(open(&server.uri()).list_tags().await, &PortErrorKind::Corrupt, &["/tags/list is not a list of tags"]);
    }
}

#[tokio::test]
async fn names_that_are_no_tags_are_listed_apart_however_long() {
    let long = "a".repeat(1 << 20);
    let names = ["", ".a", "a b", "a/b", "../x", "a:b", "sha256:x", "ü", "a\u{0}", &long];
    let server = always(page(&serde_json::json!(names.iter().chain(&["1.0.0"]).collect::<Vec<_>>()))).await;
    let listing = open(&server.uri()).list_tags().await.unwrap();
    assert_eq!((listing.tags, listing.not_tags), (vec![tag("1.0.0")], names.map(ToOwned::to_owned).to_vec()));
}

fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor { media_type: "application/octet-stream".to_owned(), ..Manifest::new("", bytes.to_vec()).descriptor() }
}

#[tokio::test]
async fn a_location_that_cannot_be_gone_to_is_told() {
    for (location, kind, says) in [
        ("http://[", PortErrorKind::Corrupt, "a Location that is no address"),
        ("ftp://elsewhere.example/up", PortErrorKind::Corrupt, "a Location that is no address"),
        ("http://127.0.0.1:1/up?sig=s3cret", PortErrorKind::Unavailable, "no connection to 127.0.0.1:1"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("HEAD")).respond_with(refusal(404, "BLOB_UNKNOWN")).mount(&server).await;
        let begun = ResponseTemplate::new(202).insert_header("location", location);
        Mock::given(method("POST")).respond_with(begun).mount(&server).await;
        let result = open(&server.uri()).put_blob(&blob(b"x"), &mut Bytes::new(b"x".to_vec())).await;
        let shown = format!("{result:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        told(result, &kind, &[says, "put blob sha256:"]);
    }
}

#[tokio::test]
async fn a_location_of_every_legal_form_is_gone_to() {
    for form in ["relative", "path", "absolute", "with user information"] {
        let server = MockServer::start().await;
        let host = server.address();
        let location = match form {
            "relative" => "7?state=a%2Bb".to_owned(),
            "path" => format!("{PATH}/blobs/uploads/7?state=a%2Bb"),
            "absolute" => format!("http://{host}{PATH}/blobs/uploads/7?state=a%2Bb"),
            _ => format!("http://me:s3cret@{host}{PATH}/blobs/uploads/7?state=a%2Bb"),
        };
        Mock::given(method("HEAD")).respond_with(refusal(404, "BLOB_UNKNOWN")).mount(&server).await;
        let begun = ResponseTemplate::new(202).insert_header("location", location);
        Mock::given(method("POST")).respond_with(begun).mount(&server).await;
        let put = Mock::given(method("PUT")).and(path(format!("{PATH}/blobs/uploads/7")));
        put.respond_with(ResponseTemplate::new(201)).mount(&server).await;
        open(&server.uri()).put_blob(&blob(b"x"), &mut Bytes::new(b"x".to_vec())).await.unwrap();
        let asked = server.received_requests().await.unwrap();
        let put = asked.last().unwrap();
        assert!(put.url.query().unwrap().starts_with("state=a%2Bb&digest=sha256"), "{form}: {}", put.url);
        assert!(put.headers.get("authorization").is_none(), "{form}: a Location tells nobody who we are");
    }
}

#[tokio::test]
async fn a_retry_after_that_is_none_is_passed_over() {
    for after in ["soon", "-5", "", "1e300", "99999999999999999999s", "Thu, 99 Foo 2026 00:00:00 GMT", "NaN"] {
        let limited = || Fault::Answer(refusal(429, "TOOMANYREQUESTS").insert_header("retry-after", after));
        let server = Fake::default().with("t", &manifest("a")).fails("HEAD", [limited(), limited()]).start().await;
        let found = open(&server.uri()).resolve(&tag("t")).await.unwrap();
        assert_eq!(found, Some(manifest("a").digest()), "{after:?}");
    }
}

#[tokio::test]
async fn a_retry_after_of_years_is_told_and_not_waited() {
    for after in ["99999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let server = always(refusal(429, "TOOMANYREQUESTS").insert_header("retry-after", after)).await;
        let error = open(&server.uri()).list_tags().await.unwrap_err();
        assert!(matches!(error.kind(), PortErrorKind::RateLimited { retry_after: Some(_) }), "{error}");
        assert_eq!(requests(&server).await.len(), 1, "{after}");
    }
}

#[tokio::test]
async fn a_challenge_that_cannot_be_met_says_why() {
    for (challenges, says) in [
        (vec![], "without saying how"),
        (vec!["Negotiate"], "neither Bearer nor Basic"),
        (vec!["Digest realm=\"x\", nonce=\"y\""], "neither Bearer nor Basic"),
        (vec!["Bearer realm=\"http://["], "malformed"),
        (vec!["Bearer realm=\"\""], "no usable realm"),
        (vec!["Negotiate", "Bearer service=\"x\""], "no usable realm"),
        (vec!["Negotiate", "Basic realm=\"x\""], "a user and a password"),
    ] {
        let unauthorized = challenges.iter().fold(refusal(401, "UNAUTHORIZED"), |answer, challenge| {
            answer.append_header("www-authenticate", *challenge)
        });
        let server = always(unauthorized).await;
        told(open(&server.uri()).list_tags().await, &PortErrorKind::Unauthorized, &[says, "list tags in oci://"]);
    }
}

/// What a token endpoint that answers so makes of a listing.
async fn with_token(answer: ResponseTemplate) -> Result<Vec<promotion_core::Tag>, PortError> {
    let server = MockServer::start().await;
    let realm = format!("Bearer realm=\"{}/token\",service=\"s\"", server.uri());
    Mock::given(path("/token")).respond_with(answer).with_priority(1).mount(&server).await;
    Mock::given(wiremock::matchers::header_exists("authorization"))
        .respond_with(page(&serde_json::json!(["a"])))
        .with_priority(2)
        .mount(&server)
        .await;
    let unauthorized = refusal(401, "UNAUTHORIZED").insert_header("www-authenticate", realm.as_str());
    Mock::given(any()).respond_with(unauthorized).mount(&server).await;
    let host = server.address().to_string();
    let client = client(known_as(&host, "ada", "s3cret"));
    let listed = crate::conforms::open(&client, &format!("{host}/acme/platform")).list_tags().await;
    listed.map(|listing| listing.tags)
}

#[tokio::test]
async fn a_token_endpoint_that_gives_none_is_told_as_itself() {
    let says = |body: &str, kind: &str| ok().set_body_raw(body.to_owned(), kind);
    let huge = format!("{{\"token\":\"{}\"}}", "a".repeat(2 << 20));
    for (answer, what) in [
        (says("<html>sign in</html>", "text/html"), "no JSON"),
        (says("", "application/json"), "no JSON"),
        (says("{}", "application/json"), "without a token"),
        (says("[]", "application/json"), "without a token"),
        (says(r#"{"token":""}"#, "application/json"), "without a token"),
        (says(r#"{"token":7,"access_token":null}"#, "application/json"), "without a token"),
        (says("{\"token\":\"a\\nb\"}", "application/json"), "characters that cannot be sent"),
        (says(&huge, "application/json"), "does not end"),
    ] {
        let error = with_token(answer).await.unwrap_err();
        assert!(error.to_string().contains("token endpoint"), "{error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(!matches!(error.kind(), PortErrorKind::NotFound) && !error.to_string().contains("s3cret"), "{error}");
    }
    let listed = with_token(says(r#"{"token":"","access_token":"t","expires_in":"x"}"#, "application/json")).await;
    assert_eq!(listed.unwrap(), [tag("a")], "either name of a token will do");
}

#[tokio::test]
async fn an_index_with_children_of_another_algorithm_is_carried_as_it_is() {
    let child =
        serde_json::json!({"mediaType": OCI_MANIFEST, "digest": format!("sha512:{}", "a".repeat(128)), "size": 2});
    let body = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}).to_string();
    let it = Manifest::new(OCI_INDEX, body.into_bytes());
    let fake = Fake::default().with("t", &it);
    let server = fake.start().await;
    let registry = open(&server.uri());
    assert_eq!(registry.manifest(it.digest()).await.unwrap(), it);
    registry.put_tag(&tag("released"), &it, Expect::Absent).await.unwrap();
    assert_eq!(fake.bytes("released").as_deref(), Some(it.bytes()));
    // What has to look into it says what it found there.
    let error = it.links().unwrap_err().to_string();
    assert!(error.contains("sha512"), "{error}");
}

#[tokio::test]
async fn referrers_of_another_algorithm_are_left_out_and_broken_ones_are_told() {
    let entry = |digest: &str| serde_json::json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": 2});
    let listed = |entries: serde_json::Value| {
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        ok().set_body_raw(index.to_string(), OCI_INDEX)
    };
    let known = Digest::of(b"known");
    let sha512 = format!("sha512:{}", "a".repeat(128));
    let server = always(listed(serde_json::json!([entry(&sha512), entry(&known.to_string())]))).await;
    let found = open(&server.uri()).referrers(Digest::of(b"x")).await.unwrap();
    assert_eq!(found.iter().map(|it| it.digest).collect::<Vec<_>>(), [known]);
    for broken in [serde_json::json!([{}]), serde_json::json!([1]), serde_json::json!("x")] {
        let server = always(listed(broken)).await;
        told(open(&server.uri()).referrers(Digest::of(b"x")).await, &PortErrorKind::Corrupt, &["is no index"]);
    }
}

#[test]
fn a_repository_that_is_none_of_a_registry_is_told() {
    let client = Client::new(quick()).unwrap();
    let layout: Repository = "ocidir://./x".parse().unwrap();
    told(client.open(&layout), &PortErrorKind::Invalid, &["a layout on disk"]);
    for host in ["r?x", "r#x", "999.999.999.999", "r\\x", "", "me:pw@r"] {
        let made = Repository::Oci { host: host.to_owned(), path: "acme".to_owned() };
        told(client.open(&made), &PortErrorKind::Invalid, &["its host is none"]);
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_unavailable() {
    let nobody = promotion_registry::testing::proxy::nobody();
    let registry = crate::conforms::open(&client(Arc::new(Anonymous)), &format!("{nobody}/acme"));
    told(registry.resolve(&tag("t")).await, &PortErrorKind::Unavailable, &["no connection to 127.0.0.1:"]);
    told(registry.list_tags().await, &PortErrorKind::Unavailable, &["no connection to 127.0.0.1:"]);
}
