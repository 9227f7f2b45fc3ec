//! Storing blobs over the distribution API: whole and verified, or not at all.

use async_trait::async_trait;
use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{BlobSource, Bytes, PortError, PortErrorKind, Registry};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::distribution_blobs::blob;
use crate::distribution_server::{PATH, open, refusal, requests};

/// A server without any blob, whose upload sessions are at `location`.
async fn server(location: &str) -> MockServer {
    let server = MockServer::start().await;
    let begun = ResponseTemplate::new(202).insert_header("location", location);
    Mock::given(method("POST")).respond_with(begun).with_priority(9).mount(&server).await;
    Mock::given(method("HEAD")).respond_with(refusal(404, "BLOB_UNKNOWN")).with_priority(9).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).with_priority(9).mount(&server).await;
    Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(204)).with_priority(9).mount(&server).await;
    server
}

async fn put(server: &MockServer, blob: &Descriptor, bytes: &[u8]) -> Result<(), PortError> {
    open(&server.uri()).put_blob(blob, &mut Bytes::new(bytes.to_vec())).await
}

async fn methods(server: &MockServer) -> Vec<String> {
    requests(server).await.into_iter().map(|request| request.split(' ').next().unwrap().to_owned()).collect()
}

fn large() -> Vec<u8> {
    (0_u32..700_000).flat_map(u32::to_be_bytes).collect()
}

#[tokio::test]
async fn an_upload_is_one_put_to_the_place_that_was_named() {
    for bytes in [Vec::new(), b"small".to_vec(), large()] {
        let server = server("/somewhere/7?_state=a%2Fb%3D&x").await;
        put(&server, &blob(&bytes), &bytes).await.unwrap();
        let digest = Digest::of(&bytes);
        let (head, target) = (format!("HEAD blobs/{digest}"), digest.to_string().replace(':', "%3A"));
        let sent = format!("PUT /somewhere/7?_state=a%2Fb%3D&x&digest={target}");
        assert_eq!(requests(&server).await, [head.as_str(), "POST blobs/uploads/", sent.as_str()]);
        let put = server.received_requests().await.unwrap().pop().unwrap();
        assert!(put.body == bytes, "the bytes differ");
        assert_eq!(put.headers["content-length"], bytes.len().to_string());
    }
}

#[tokio::test]
async fn an_upload_without_a_location_is_a_precise_error() {
    let server = MockServer::start().await;
    Mock::given(method("HEAD")).respond_with(refusal(404, "BLOB_UNKNOWN")).mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).mount(&server).await;
    let error = put(&server, &blob(b"x"), b"x").await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt);
    assert!(error.message().contains("no Location"), "{error}");
}

#[tokio::test]
async fn a_small_blob_is_sent_again_in_another_session() {
    let server = server("/up").await;
    let failed = ResponseTemplate::new(500);
    Mock::given(method("PUT")).respond_with(failed).up_to_n_times(1).with_priority(1).mount(&server).await;
    put(&server, &blob(b"x"), b"x").await.unwrap();
    assert_eq!(methods(&server).await, ["HEAD", "POST", "PUT", "DELETE", "HEAD", "POST", "PUT"]);
}

#[tokio::test]
async fn an_upload_that_failed_and_yet_is_there_is_success() {
    for bytes in [b"small".to_vec(), large()] {
        let server = server("/up").await;
        let digest = Digest::of(&bytes);
        Mock::given(method("PUT")).respond_with(ResponseTemplate::new(500)).with_priority(1).mount(&server).await;
        let absent = refusal(404, "BLOB_UNKNOWN");
        Mock::given(method("HEAD")).respond_with(absent).up_to_n_times(1).with_priority(1).mount(&server).await;
        let there = Mock::given(path(format!("{PATH}/blobs/{digest}"))).and(method("HEAD"));
        there.respond_with(ResponseTemplate::new(200)).with_priority(2).mount(&server).await;
        put(&server, &blob(&bytes), &bytes).await.unwrap();
    }
}

#[tokio::test]
async fn a_large_blob_that_failed_is_for_the_caller_to_repeat() {
    let server = server("/up").await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(500)).with_priority(1).mount(&server).await;
    let bytes = large();
    let error = put(&server, &blob(&bytes), &bytes).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable, "{error}");
    let methods = methods(&server).await;
    assert_eq!(methods.iter().filter(|method| *method == "PUT").count(), 1);
    assert_eq!(methods.last().unwrap(), "DELETE", "the session is given back");
}

/// Gives its bytes in pieces, then fails.
struct Failing(Vec<u8>);

#[async_trait]
impl BlobSource for Failing {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        if self.0.is_empty() {
            return Err(PortError::new(PortErrorKind::Forbidden, "read the source", "it is a secret"));
        }
        let rest = self.0.split_off(self.0.len().min(100_000));
        Ok(Some(std::mem::replace(&mut self.0, rest)))
    }
}

#[tokio::test]
async fn what_the_source_does_wrong_is_never_stored() {
    let bytes = large();
    let mut forged = bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    let (short, long) = (bytes[..bytes.len() - 1].to_vec(), [bytes.as_slice(), b"x"].concat());
    for wrong in [forged, short, long, Vec::new()] {
        let server = server("/up").await;
        let error = put(&server, &blob(&bytes), &wrong).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{error}");
        assert!(!methods(&server).await.contains(&"PUT".to_owned()), "a whole request reached the server");
        assert_eq!(methods(&server).await.last().unwrap(), "DELETE", "the session is given back");
    }
    let server = server("/up").await;
    let failing = &mut Failing(bytes[..2_000_000].to_vec());
    let error = open(&server.uri()).put_blob(&blob(&bytes), failing).await.unwrap_err();
    assert_eq!(error.to_string(), "forbidden: read the source: it is a secret");
    assert!(!methods(&server).await.contains(&"PUT".to_owned()), "a whole request reached the server");
}

#[tokio::test]
async fn an_early_refusal_of_a_large_blob_is_the_error() {
    let server = server("/up").await;
    Mock::given(method("PUT")).respond_with(refusal(403, "DENIED")).with_priority(1).mount(&server).await;
    let bytes = large();
    let error = put(&server, &blob(&bytes), &bytes).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Forbidden, "{error}");
}

#[tokio::test]
async fn a_blob_is_mounted_or_the_session_is_given_back() {
    let it = blob(b"x");
    for (status, mounted, asked) in [(201, true, 1), (202, false, 2), (403, false, 1), (404, false, 1)] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).insert_header("location", "/up/9");
        let post = Mock::given(method("POST")).and(query_param("from", "acme/other"));
        post.and(query_param("mount", it.digest.to_string())).respond_with(answer).mount(&server).await;
        Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
        let host = server.uri().replace("http://", "oci://");
        let from = format!("{host}/acme/other").parse().unwrap();
        assert_eq!(open(&server.uri()).mount_blob(&it, &from).await.unwrap(), mounted, "{status}");
        let requests = requests(&server).await;
        assert_eq!(requests.len(), asked, "{requests:?}");
        assert!(asked == 1 || requests[1] == "DELETE /up/9", "{requests:?}");
    }
    let server = MockServer::start().await;
    let elsewhere = "oci://elsewhere.example/acme/other".parse().unwrap();
    assert!(!open(&server.uri()).mount_blob(&it, &elsewhere).await.unwrap());
    assert!(requests(&server).await.is_empty(), "another registry's blobs cannot be mounted");
}
