//! Timeouts: what stands still is not waited for.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that says this to whoever connects, and then nothing more; and a client with little patience.
async fn silent_after(said: &'static [u8]) -> (Transport, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Url::parse(&format!("http://{}/v2/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if !said.is_empty() {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                stream.write_all(said).await.unwrap();
            }
            held.push(stream);
        }
    });
    let brief = Duration::from_millis(60);
    let timeouts = Timeouts { connect: Duration::from_secs(5), answer: brief, stall: brief };
    let retries = Retries { attempts: 1, ..Retries::default() };
    (Transport::new(Options { timeouts, retries, ..Options::default() }).unwrap(), home)
}

fn call<'a>(home: &'a Url, method: Method, body: Body) -> Call<'a> {
    Call {
        attempted: "try it",
        home,
        path: "acme/platform",
        access: Access::Pull,
        also: None,
        repeat: Repeat::Harmless,
        method,
        url: home.clone(),
        headers: HeaderMap::new(),
        body,
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let (transport, home) = silent_after(b"").await;
    let Err(error) = transport.send(call(&home, Method::GET, Body::Empty)).await else { panic!("nobody answers") };
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().contains("no answer from 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_body_that_stands_still_is_unavailable() {
    let (transport, home) = silent_after(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let mut answer = transport.send(call(&home, Method::GET, Body::Empty)).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "half");
    let error = answer.chunk().await.unwrap_err();
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().contains("no more of the answer"), "{error}");
}

#[tokio::test]
async fn a_refusal_that_stands_still_is_a_refusal() {
    let (transport, home) = silent_after(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 10\r\n\r\nno").await;
    let answer = transport.send(call(&home, Method::GET, Body::Empty)).await.unwrap();
    let error = answer.refused().await;
    assert_eq!(*error.kind(), PortErrorKind::Forbidden);
    assert!(error.message().contains("answered 403: no;"), "{error}");
}

#[tokio::test]
async fn an_upload_that_nobody_takes_is_given_up() {
    let (transport, home) = silent_after(b"").await;
    let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1 << 16]))).take(4096);
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let stream = Body::Stream { length: 4096 << 16, body };
    let Err(error) = transport.send(call(&home, Method::PUT, stream)).await else { panic!("nobody reads") };
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
}

#[tokio::test]
async fn an_upload_waits_for_its_source_as_long_as_that_takes() {
    let rig = Rig::with(Options {
        timeouts: Timeouts {
            answer: Duration::from_millis(50),
            stall: Duration::from_millis(50),
            ..Timeouts::default()
        },
        ..quick()
    })
    .await;
    rig.otherwise(|_| ResponseTemplate::new(201)).await;
    let chunks = futures_util::stream::unfold(0, |sent| async move {
        // Several times as long as the registry would get.
        tokio::time::sleep(Duration::from_millis(200)).await;
        (sent < 2).then_some((Ok::<_, std::io::Error>(Bytes::from_static(b"ab")), sent + 1))
    });
    let stream = Body::Stream { length: 4, body: reqwest::Body::wrap_stream(chunks) };
    let call = Call { body: stream, ..rig.call(Method::PUT, "blobs/uploads/1") };
    assert_eq!(rig.transport.send(call).await.unwrap().status, 201);
}
