//! Listing tags over the distribution API: every page, to a proven end.

use std::sync::atomic::{AtomicUsize, Ordering};

use promotion_core::ports::{Listing, PortError, PortErrorKind, Registry};
use wiremock::matchers::{any, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::distribution_server::{PATH, open, refusal, requests};

fn page<S: AsRef<str>>(tags: &[S]) -> ResponseTemplate {
    let tags: Vec<&str> = tags.iter().map(AsRef::as_ref).collect();
    ResponseTemplate::new(200).set_body_json(serde_json::json!({ "name": "another/name", "tags": tags }))
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("1.0.{n}")).collect()
}

/// A server that gives these answers one after the other, the last one again and again.
async fn server(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let next = AtomicUsize::new(0);
    let answer = move |_: &Request| answers[next.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)].clone();
    Mock::given(path(format!("{PATH}/tags/list"))).respond_with(answer).mount(&server).await;
    server
}

async fn list(server: &MockServer) -> Result<Listing, PortError> {
    open(&server.uri()).list_tags().await
}

fn texts(listing: &Listing) -> Vec<&str> {
    listing.tags.iter().map(promotion_core::Tag::as_str).collect()
}

#[tokio::test]
async fn links_are_followed_as_they_are_written() {
    let server = MockServer::start().await;
    let absolute = format!("<{}{PATH}/tags/list?cursor=%2Bz>; rel=\"next\"", server.uri());
    let first = page(&["b"]).insert_header("link", r#"</x>; rel="prev", <list?next=a%2Fb==&n=7>; rel=next"#);
    Mock::given(query_param("n", "1000")).respond_with(first).mount(&server).await;
    Mock::given(query_param("n", "7")).respond_with(page(&["a"]).insert_header("link", absolute)).mount(&server).await;
    Mock::given(query_param("cursor", "+z")).respond_with(page(&["c"])).mount(&server).await;
    assert_eq!(texts(&list(&server).await.unwrap()), ["b", "a", "c"]);
    let asked = ["GET tags/list?n=1000", "GET tags/list?next=a%2Fb==&n=7", "GET tags/list?cursor=%2Bz"];
    assert_eq!(requests(&server).await, asked);
}

#[tokio::test]
async fn a_next_page_at_another_host_is_refused() {
    let elsewhere = page(&["a"]).insert_header("link", r#"<http://evil.example/v2/x?token=t>; rel="next""#);
    let error = list(&server(vec![elsewhere]).await).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    assert!(error.message().contains("http://evil.example/v2/x"), "{error}");
    assert!(!error.to_string().contains("token"), "a query is never shown: {error}");
}

#[tokio::test]
async fn a_full_page_without_a_link_is_asked_for_more() {
    let server = server(vec![page(&names(0..1000)), page(&names(1000..2000)), page(&names(2000..2001))]).await;
    assert_eq!(list(&server).await.unwrap().tags.len(), 2001);
    let asked = ["GET tags/list?n=1000", "GET tags/list?n=1000&last=1.0.999", "GET tags/list?n=1000&last=1.0.1999"];
    assert_eq!(requests(&server).await, asked);
}

#[tokio::test]
async fn a_registry_that_begins_anew_ends_the_listing() {
    let server = server(vec![page(&names(0..1000))]).await;
    assert_eq!(list(&server).await.unwrap().tags.len(), 1000, "nothing is listed twice");
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn fewer_and_more_names_than_asked_for_are_all() {
    for count in [0, 1, 999, 1001, 3000] {
        let server = server(vec![page(&names(0..count))]).await;
        assert_eq!(list(&server).await.unwrap().tags.len(), count);
        assert_eq!(requests(&server).await.len(), 1, "{count} names");
    }
}

#[tokio::test]
async fn order_and_repetitions_are_the_registrys() {
    let first = page(&["v1", "1", "v1"]).insert_header("link", "<list?n=2>; rel=next");
    let again = page(&["1", "0"]).insert_header("link", "<list?n=3>; rel=next");
    let server = server(vec![first, again, page(&["0", "1"])]).await;
    assert_eq!(texts(&list(&server).await.unwrap()), ["v1", "1", "v1", "1", "0"], "a page of known names is a restart");
}

#[tokio::test]
async fn a_listing_that_does_not_end_is_an_error() {
    let same = page(&["a"]).insert_header("link", r#"<list?n=1000>; rel="next""#);
    let server = server(vec![same]).await;
    let error = list(&server).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{error}");
    assert_eq!(requests(&server).await.len(), 1, "the same page is not asked for again");

    let server = MockServer::start().await;
    let turns = AtomicUsize::new(0);
    let turn = move |_: &Request| {
        let link = format!("<list?cursor={}>; rel=next", turns.fetch_add(1, Ordering::Relaxed));
        page(&["a"]).insert_header("link", link.as_str())
    };
    Mock::given(any()).respond_with(turn).mount(&server).await;
    let error = list(&server).await.unwrap_err();
    assert!(error.message().contains("does not end"), "{error}");
    assert!(requests(&server).await.len() < 20, "cursors that lead nowhere are followed a few times only");
}

#[tokio::test]
async fn a_page_that_is_gone_begins_the_listing_again() {
    let full = page(&names(0..1000));
    let server = server(vec![full, refusal(404, "NAME_UNKNOWN"), page(&["a", "b"])]).await;
    assert_eq!(texts(&list(&server).await.unwrap()), ["a", "b"]);
}

#[tokio::test]
async fn no_tags_are_no_error_and_no_repository_is_one() {
    let empty = ResponseTemplate::new(200).set_body_string(r#"{"name":"acme/platform","tags":null}"#);
    assert!(list(&server(vec![empty]).await).await.unwrap().tags.is_empty());
    let error = list(&server(vec![refusal(404, "NAME_UNKNOWN")]).await).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::NotFound);
    let page = ResponseTemplate::new(404).set_body_raw("<html>no such page</html>", "text/html");
    let error = list(&server(vec![page]).await).await.unwrap_err();
    assert_ne!(error.kind(), &PortErrorKind::NotFound, "a web server knows nothing of repositories: {error}");
}

#[tokio::test]
async fn names_that_are_no_tags_are_told_apart() {
    let listing = list(&server(vec![page(&["1.0.0", "1.0.0+meta", "ok"])]).await).await.unwrap();
    assert_eq!(
        (texts(&listing), listing.not_tags.as_slice()),
        (vec!["1.0.0", "ok"], ["1.0.0+meta".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn a_listing_that_would_fill_the_memory_is_refused() {
    let body = |names: &str| ResponseTemplate::new(200).set_body_string(format!(r#"{{"tags":[{names}"z"]}}"#));
    for (names, told) in [
        ("\"a\",".repeat(1_000_000), "the listing has more than 1000000 names"),
        (format!("{:?},", "a".repeat(16 << 20)), "larger than 16777216 bytes"),
    ] {
        let error = list(&server(vec![body(&names)]).await).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Unsupported);
        assert!(error.message().contains(told), "{error}");
    }
    let listing = list(&server(vec![body(&"\"a\",".repeat(999_999))]).await).await.unwrap();
    assert_eq!(listing.tags.len(), 1_000_000);
}

#[tokio::test]
async fn what_is_no_list_of_tags_is_corrupt() {
    for body in [r#"{"tags":["a","#, "<html>sign in</html>", r#"{"tags":"a"}"#, "[]x", "{}", ""] {
        let error = list(&server(vec![ResponseTemplate::new(200).set_body_string(body)]).await).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{body}: {error}");
        assert!(error.attempted().starts_with("list tags in oci://"), "{error}");
    }
}
