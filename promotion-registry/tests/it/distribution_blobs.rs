//! Reading blobs over the distribution API: verified, bounded, and taken up again where a connection broke.

use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{PortError, PortErrorKind, Registry};

use crate::distribution_server::{open, raw};

pub(crate) fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: "application/octet-stream".to_owned(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

fn bytes() -> Vec<u8> {
    (0_u32..50_000).flat_map(u32::to_be_bytes).collect()
}

/// Reads a blob whose server gives these answers, one per connection.
async fn read(answers: Vec<Vec<u8>>, blob: &Descriptor) -> (Result<Vec<u8>, PortError>, Vec<u8>, Vec<String>) {
    let (server, asked) = raw(answers).await;
    let registry = open(&server);
    let mut back = Vec::new();
    let outcome = async {
        let mut reader = registry.blob(blob).await?;
        while let Some(chunk) = reader.next_chunk().await? {
            back.extend(chunk);
        }
        Ok(())
    };
    let outcome = outcome.await;
    let asked = asked.lock().unwrap().clone();
    (outcome.map(|()| back.clone()), back, asked)
}

#[tokio::test]
async fn a_broken_connection_is_taken_up_where_it_broke() {
    let bytes = bytes();
    let head = format!("200 OK\r\ncontent-length: {}", bytes.len());
    let rest = |from: usize, to: usize| {
        let range = format!("content-range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        whole(&format!("206 Partial Content\r\n{range}\r\ncontent-length: {}", bytes.len() - from), &bytes[from..to])
    };
    let answers = vec![whole(&head, &bytes[..70_000]), rest(70_000, 120_000), rest(120_000, bytes.len())];
    let (outcome, _, asked) = read(answers, &blob(&bytes)).await;
    assert!(outcome.unwrap() == bytes);
    assert!(asked[1].contains("range: bytes=70000-") && asked[2].contains("range: bytes=120000-"), "{asked:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_last_byte_is_no_failure() {
    let bytes = bytes();
    let unfinished = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
    let answer = whole("200 OK\r\ntransfer-encoding: chunked", &unfinished);
    let (outcome, _, _) = read(vec![answer], &blob(&bytes)).await;
    assert!(outcome.unwrap() == bytes);
}

#[tokio::test]
async fn a_registry_that_does_not_resume_is_an_error() {
    let bytes = bytes();
    let head = format!("200 OK\r\ncontent-length: {}", bytes.len());
    let wrong = format!("206 Partial Content\r\ncontent-range: bytes 0-9/{}\r\ncontent-length: 10", bytes.len());
    for second in [whole(&head, &bytes), whole(&wrong, &bytes[..10])] {
        let (outcome, _, _) = read(vec![whole(&head, &bytes[..70_000]), second], &blob(&bytes)).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("does not resume"), "{error}");
    }
}

#[tokio::test]
async fn wrong_bytes_are_corrupt_and_never_given_out_whole() {
    let honest = bytes();
    let mut forged = honest.clone();
    *forged.last_mut().unwrap() ^= 1;
    let longer = [honest.as_slice(), b"more"].concat();
    let chunked = |body: &[u8]| {
        let framed = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
        whole("200 OK\r\ntransfer-encoding: chunked", &framed)
    };
    let length = |body: &[u8]| whole(&format!("200 OK\r\ncontent-length: {}", body.len()), body);
    for (what, answer) in [
        ("forged", length(&forged)),
        ("a wrong length", length(&longer)),
        ("longer than it says", chunked(&longer)),
        ("forged, of no known length", chunked(&forged)),
    ] {
        let (outcome, given, _) = read(vec![answer], &blob(&honest)).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{what}: {error}");
        assert!(given.len() < honest.len(), "{what}: the last chunk was given out");
    }
}

#[tokio::test]
async fn a_blob_of_no_bytes_is_verified_too() {
    let (outcome, _, _) = read(vec![whole("200 OK\r\ncontent-length: 0", b"")], &blob(b"")).await;
    assert!(outcome.unwrap().is_empty());
    let lied = Descriptor { size: 0, ..blob(b"x") };
    let (outcome, _, _) = read(vec![whole("200 OK\r\ncontent-length: 0", b"")], &lied).await;
    assert_eq!(outcome.unwrap_err().kind(), &PortErrorKind::Corrupt);
}

#[tokio::test]
async fn an_absent_blob_is_told_by_a_registry_only() {
    let refused = |kind: &str, body: &str| {
        whole(&format!("404 Not Found\r\ncontent-type: {kind}\r\ncontent-length: {}", body.len()), body.as_bytes())
    };
    let (outcome, _, _) =
        read(vec![refused("application/json", r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#)], &blob(b"x")).await;
    assert_eq!(outcome.unwrap_err().kind(), &PortErrorKind::NotFound);
    let (outcome, _, _) = read(vec![refused("text/html", "<html>")], &blob(b"x")).await;
    assert_ne!(outcome.unwrap_err().kind(), &PortErrorKind::NotFound);
}
