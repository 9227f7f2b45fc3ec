//! Whatever a server sends: nothing panics, nothing waits for ever, and nothing is "absent" that no registry calls so.

use std::time::Duration;

use promotion_core::ports::{Expect, PortErrorKind, Registry};
use promotion_registry::Distribution;
use promotion_registry::distribution::{Client, Credential, Fixed, Options, Retries, Secret};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::{manifest, tag};

/// No test waits so long unless it waits for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

/// How many cases a property tries: `PROPTEST_CASES`, for a longer search than the usual.
pub(crate) fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Answers every connection with these bytes, and closes it.
async fn server(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let serve = tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = connection.read(&mut head).await;
                let _ = connection.write_all(&answer).await;
                let _ = connection.shutdown().await;
                // Until the client has hung up: a reset would take unread bytes along.
                while connection.read(&mut head).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    (host, serve)
}

fn open(host: &str) -> Distribution {
    let pause = Duration::from_millis(1);
    let credential = Credential::Basic { user: "ada".to_owned(), password: Secret::new("correct horse") };
    let options = Options {
        plain_http: true,
        credentials: std::sync::Arc::new(Fixed { host: host.to_owned(), credential }),
        retries: Retries { attempts: 2, pause, longest: pause },
        ..Options::default()
    };
    crate::conforms::open(&Client::new(options).unwrap(), &format!("{host}/acme/platform"))
}

/// What each operation makes of the server, against the law that holds for it. `json` is the body, where it is one.
async fn laws(registry: &Distribution, json: Option<serde_json::Value>) {
    let (it, t) = (manifest("a"), tag("t"));
    let absent = |kind: &PortErrorKind| *kind == PortErrorKind::NotFound;
    assert_ne!(registry.resolve(&t).await.ok(), Some(None), "a tag is absent by nobody's word");
    match registry.list_tags().await {
        Ok(_) => assert!(json.as_ref().is_some_and(|json| json.get("tags").is_some()), "a listing of nothing"),
        Err(error) => assert!(!absent(error.kind()), "{error}"),
    }
    let error = registry.manifest(it.digest()).await.unwrap_err();
    assert!(!absent(error.kind()), "{error}");
    assert_ne!(registry.has_blob(it.digest()).await.ok(), Some(false), "a blob is absent by nobody's word");
    if registry.referrers(it.digest()).await.is_ok() {
        assert!(json.is_some_and(|json| json["schemaVersion"] == 2), "referrers of no index");
    }
    registry.put_tag(&t, &it, Expect::Any).await.unwrap_err();
    registry.delete_tag(&t, it.digest()).await.unwrap_err();
    if let Ok(mut source) = registry.blob(&it.descriptor()).await {
        while let Ok(Some(chunk)) = source.next_chunk().await {
            assert!(!chunk.is_empty());
        }
    }
}

fn check(answer: &[u8], json: Option<serde_json::Value>) {
    Runtime::new().unwrap().block_on(async {
        let (host, serve) = server(answer.to_vec()).await;
        let outcome = tokio::time::timeout(FOR_EVER, laws(&open(&host), json)).await;
        serve.abort();
        assert!(outcome.is_ok(), "it waits for ever");
    });
}

/// Any status but the one with which a registry calls something absent, for HEAD has no body to say more.
fn status() -> impl Strategy<Value = u16> {
    let known = [
        100, 101, 103, 200, 201, 202, 203, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 405, 407, 408,
        409, 410, 411, 412, 413, 415, 416, 421, 422, 425, 429, 431, 451, 500, 501, 502, 503, 504, 599, 600, 999,
    ];
    prop::sample::select(known.to_vec())
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = [
        "Content-Type",
        "Docker-Content-Digest",
        "Link",
        "Retry-After",
        "WWW-Authenticate",
        "Content-Range",
        "Date",
        "OCI-Subject",
        "OCI-Tag",
        "Content-Encoding",
        "Transfer-Encoding",
        "Content-Length",
        "Connection",
        "Set-Cookie",
    ];
    let words = [
        "",
        "0",
        "-1",
        "18446744073709551616",
        "chunked",
        "gzip",
        "text/html",
        "application/json",
        "close",
        "keep-alive",
        "sha256:",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "</v2/acme/platform/tags/list?last=a>; rel=next",
        "<>; rel=next",
        "<http://[>; rel=next",
        "Basic realm=\"x\"",
        "Bearer realm=\"http://127.0.0.1:1/token\"",
        "Bearer realm=",
        "bytes 0-1/2",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ];
    let value = prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        Just(format!("sha256:{}", "a".repeat(64)).into_bytes()),
        Just(format!("sha512:{}", "a".repeat(128)).into_bytes()),
        prop::collection::vec(any::<u8>().prop_filter("ends a line", |byte| !matches!(byte, b'\r' | b'\n')), 0..40),
    ];
    (prop::sample::select(names.to_vec()).prop_map(ToOwned::to_owned), value)
}

/// Redirects stay on this machine.
fn location() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(vec![
        "",
        "/",
        "?",
        "http://[",
        "http://127.0.0.1:1/",
        "file:///etc",
        "/v2/a?b#c",
    ]))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let texts = [
        "",
        "{}",
        "[]",
        "null",
        "7",
        "{\"tags\":null}",
        "{\"tags\":[\"a\"]}",
        "{\"tags\":[7]}",
        "{\"token\":\"t\"}",
        "{\"errors\":[]}",
        "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"\\u0000\"}]}",
        "{\"errors\":{\"code\":\"MANIFEST_UNKNOWN\"}}",
        "<html><title>x</title>",
        "{\"schemaVersion\":2}",
        "{\"schemaVersion\":2,\"manifests\":[{}]}",
        "{\"schemaVersion\":2,\"config\":{}}",
    ];
    prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases(48)) })]

    #[test]
    fn any_answer_is_an_answer_or_an_error(
        status in status(),
        headers in prop::collection::vec(header(), 0..5),
        location in location(),
        body in body(),
    ) {
        let mut answer = format!("HTTP/1.1 {status} \r\n").into_bytes();
        for (name, value) in &headers {
            answer.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        answer.extend(location.map(|it| format!("Location: {it}\r\n")).unwrap_or_default().into_bytes());
        answer.extend(b"\r\n");
        answer.extend(&body);
        // What the headers make of the body is for the client to know: any JSON object in it counts.
        check(&answer, serde_json::from_slice(&body).ok());
    }

    #[test]
    fn any_bytes_are_an_error(answer in prop::collection::vec(any::<u8>(), 0..400), start in "(HTTP/1.1 200 OK\r\n|HTTP/1.[01] )?") {
        check(&[start.as_bytes(), &answer].concat(), None);
    }
}
