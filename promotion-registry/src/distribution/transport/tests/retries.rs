//! What is sent again, and what is not.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn fails(rig: &Rig, times: u64, failure: ResponseTemplate) {
    Mock::given(wiremock::matchers::any()).respond_with(failure).up_to_n_times(times).mount(&rig.server).await;
    rig.otherwise(|_| ResponseTemplate::new(200)).await;
}

async fn put(rig: &Rig, repeat: Repeat, body: Body) -> Answer {
    rig.transport.send(Call { repeat, body, ..rig.call(Method::PUT, "manifests/x") }).await.unwrap()
}

#[tokio::test]
async fn failures_that_may_pass_are_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504, 507] {
        let rig = Rig::new().await;
        fails(&rig, 2, ResponseTemplate::new(status)).await;
        assert_eq!(rig.get("a").await.unwrap().status, 200, "{status}");
        let last = rig.seen.lock().unwrap().last().cloned().unwrap();
        assert!(last.ends_with("Some(200) 3"), "{last}");
    }
}

#[tokio::test]
async fn failures_that_will_not_pass_are_not() {
    for status in [400, 403, 404, 405, 409, 412, 501, 505] {
        let rig = Rig::new().await;
        fails(&rig, 1, ResponseTemplate::new(status)).await;
        assert_eq!(rig.get("a").await.unwrap().status, status);
        assert_eq!(rig.requests().await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn after_the_last_attempt_the_last_answer_is_told() {
    let rig = Rig::new().await;
    let torn = json!({"errors": [{"code": "UNKNOWN", "message": "invalid checksum digest format"}]});
    rig.otherwise(move |_| ResponseTemplate::new(500).set_body_json(&torn)).await;
    let error = rig.refused("manifests/1.4.0").await;
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().ends_with("answered 500: UNKNOWN: invalid checksum digest format"), "{error}");
    assert_eq!(rig.requests().await.len(), 3);
}

#[tokio::test]
async fn what_may_have_been_carried_out_is_not_sent_again_where_that_does_harm() {
    for (status, sent) in [(500, 1), (503, 1), (408, 1), (429, 2)] {
        let rig = Rig::new().await;
        fails(&rig, 1, ResponseTemplate::new(status)).await;
        put(&rig, Repeat::Harmful, Body::Bytes("x".into())).await;
        assert_eq!(rig.requests().await.len(), sent, "{status}");
    }
}

#[tokio::test]
async fn the_same_bytes_are_sent_again_and_a_stream_is_not() {
    let rig = Rig::new().await;
    fails(&rig, 1, ResponseTemplate::new(503)).await;
    assert_eq!(put(&rig, Repeat::Harmless, Body::Bytes("same".into())).await.status, 200);
    let requests = rig.server.received_requests().await.unwrap();
    assert_eq!(requests.iter().map(|request| request.body.as_slice()).collect::<Vec<_>>(), [b"same", b"same"]);

    let rig = Rig::new().await;
    fails(&rig, 1, ResponseTemplate::new(503)).await;
    let stream = Body::Stream { length: 4, body: reqwest::Body::from("once") };
    assert_eq!(put(&rig, Repeat::Harmless, stream).await.status, 503);
    let requests = rig.server.received_requests().await.unwrap();
    assert_eq!((requests.len(), requests[0].body.as_slice()), (1, b"once".as_slice()));
    assert_eq!(header(&requests[0], "content-length"), Some("4"));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_at_once() {
    let body = json!({"errors": [{"code": "TOOMANYREQUESTS", "message": "retry-after: 90s, allowed: 44000/minute"}]});
    let in_header = ResponseTemplate::new(429).insert_header("retry-after", "90");
    for answer in [in_header, ResponseTemplate::new(429).set_body_json(body)] {
        let rig = Rig::new().await;
        rig.otherwise(move |_| answer.clone()).await;
        let error = rig.refused("a").await;
        assert_eq!(*error.kind(), PortErrorKind::RateLimited { retry_after: Some(Duration::from_secs(90)) });
        assert_eq!(rig.requests().await.len(), 1);
    }
}

#[tokio::test]
async fn a_short_wait_is_waited() {
    let rig = Rig::new().await;
    let body =
        json!({"errors": [{"code": "TOOMANYREQUESTS", "message": "retry-after: 10.3ms, allowed: 44000/minute"}]});
    fails(&rig, 2, ResponseTemplate::new(429).set_body_json(body)).await;
    assert_eq!(rig.get("a").await.unwrap().status, 200);
}

#[tokio::test]
async fn no_connection_is_tried_again_even_where_a_repetition_does_harm() {
    let rig = Rig::new().await;
    // A port that was free a moment ago.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Url::parse(&format!("http://{}/v2/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let call = Call { home: &home, url: home.clone(), repeat: Repeat::Harmful, ..rig.call(Method::PUT, "") };
    let Err(error) = rig.transport.send(call).await else { panic!("nobody is there") };
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().starts_with("no connection to 127.0.0.1:"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(rig.seen.lock().unwrap().len(), 3);
}

/// A server that reads a request and hangs up, and how often it did.
async fn hangs_up(said: &'static [u8]) -> (Url, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Url::parse(&format!("http://{}/v2/", listener.local_addr().unwrap())).unwrap();
    let times = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&times);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(said).await;
        }
    });
    (home, times)
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_tried_again_only_where_that_is_harmless() {
    for (repeat, sent) in [(Repeat::Harmless, 3), (Repeat::Harmful, 1)] {
        let (rig, (home, times)) = (Rig::new().await, hangs_up(b"").await);
        let call = Call { home: &home, url: home.clone(), repeat, ..rig.call(Method::POST, "") };
        let Err(error) = rig.transport.send(call).await else { panic!("it hangs up") };
        assert_eq!(*error.kind(), PortErrorKind::Unavailable);
        assert!(error.message().contains("broke off"), "{error}");
        assert_eq!(times.load(Ordering::SeqCst), sent);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_unavailable() {
    let (rig, (home, _)) = (Rig::new().await, hangs_up(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await);
    let call = Call { home: &home, url: home.clone(), ..rig.call(Method::GET, "") };
    let error = body(rig.transport.send(call).await.unwrap()).await.unwrap_err();
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().contains("broke off"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_held_keeps_nobody_waiting() {
    let rig = Rig::with(Options { concurrency: 1, ..quick() }).await;
    rig.otherwise(|_| ResponseTemplate::new(200).set_body_string("bytes")).await;
    let held = rig.get("blobs/a").await.unwrap();
    assert_eq!(rig.get("blobs/b").await.unwrap().status, 200);
    assert_eq!(body(held).await.unwrap(), b"bytes");
}

#[tokio::test]
async fn only_the_registry_makes_something_absent() {
    let unknown = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]});
    let html = || ResponseTemplate::new(404).set_body_raw("<html><title>404</title></html>", "text/html");
    let plain = || ResponseTemplate::new(404).set_body_raw("404 page not found", "text/plain");
    let empty = || ResponseTemplate::new(404);
    let distribution = || empty().insert_header("docker-distribution-api-version", "registry/2.0");
    let oci = || ResponseTemplate::new(404).set_body_json(&unknown);
    for (method, answer, absent) in [
        (Method::GET, oci(), true),
        (Method::GET, html(), false),
        (Method::GET, plain(), false),
        (Method::GET, empty(), false),
        (Method::GET, distribution(), true),
        (Method::HEAD, empty(), true),
        (Method::HEAD, empty().insert_header("content-type", "application/json"), true),
        (Method::HEAD, empty().insert_header("content-type", "text/html; charset=utf-8"), false),
    ] {
        let rig = Rig::new().await;
        let told = format!("{method} {answer:?}");
        rig.otherwise(move |_| answer.clone()).await;
        let answer = rig.transport.send(rig.call(method, "manifests/1.4.0")).await.unwrap();
        assert_eq!(answer.is_absent(), absent, "{told}");
        let kind = answer.refused().await.kind().clone();
        assert_eq!(kind == PortErrorKind::NotFound, absent, "{told}");
    }
}
