//! Redirects: credentials stay at home.

use wiremock::matchers::{header, path};

use super::*;

fn to(url: &str) -> ResponseTemplate {
    ResponseTemplate::new(307).insert_header("location", url)
}

/// A registry that wants Basic and answers whom it knows.
async fn knows(answer: ResponseTemplate) -> Rig {
    let rig = Rig::known_as(user()).await;
    Mock::given(header("authorization", "Basic YW5uOmh1bnRlcjIy")).respond_with(answer).mount(&rig.server).await;
    rig.otherwise(|_| ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#)).await;
    rig
}

#[tokio::test]
async fn a_blob_elsewhere_is_fetched_without_credentials() {
    let store = MockServer::start().await;
    let rig = knows(to(&format!("{}/blob?X-Amz-Signature=s3cr3t", store.uri()))).await;
    Mock::given(path("/blob")).respond_with(ResponseTemplate::new(200).set_body_string("bytes")).mount(&store).await;
    let answer = rig.get("blobs/a").await.unwrap();
    assert_eq!(answer.url.path(), "/blob");
    assert_eq!(body(answer).await.unwrap(), b"bytes");
    let requests = store.received_requests().await.unwrap();
    assert_eq!((requests.len(), super::header(&requests[0], "authorization")), (1, None));
    assert!(!format!("{:?}", rig.seen.lock().unwrap()).contains("s3cr3t"));
}

#[tokio::test]
async fn who_is_sent_home_by_another_host_is_nobody_there() {
    let other = MockServer::start().await;
    let rig = knows(to(&format!("{}/away", other.uri()))).await;
    Mock::given(path("/away")).respond_with(to(&format!("{}/back", rig.server.uri()))).mount(&other).await;
    let error = rig.refused("a").await;
    assert_eq!(*error.kind(), PortErrorKind::Unauthorized);
    let requests = rig.server.received_requests().await.unwrap();
    let back: Vec<_> = requests.iter().filter(|request| request.url.path() == "/back").collect();
    assert!(!back.is_empty());
    assert!(back.iter().all(|request| super::header(request, "authorization").is_none()));
}

#[tokio::test]
async fn a_missing_blob_of_a_store_is_not_the_registrys_word() {
    let store = MockServer::start().await;
    let rig = Rig::new().await;
    let location = format!("{}/blob", store.uri());
    rig.otherwise(move |_| to(&location)).await;
    let missing = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
    Mock::given(path("/blob")).respond_with(ResponseTemplate::new(404).set_body_string(missing)).mount(&store).await;
    let answer = rig.get("blobs/a").await.unwrap();
    assert!(!answer.is_absent());
    assert!(answer.refused().await.message().contains("an XML document (NoSuchKey)"));
}

#[tokio::test]
async fn redirects_without_end_end() {
    let rig = Rig::new().await;
    rig.otherwise(|_| to("/v2/again")).await;
    let error = rig.refused("a").await;
    assert_eq!(*error.kind(), PortErrorKind::Invalid);
    assert!(error.message().contains("redirects without end"), "{error}");
    assert_eq!(rig.requests().await.len(), 6);
}

#[tokio::test]
async fn a_write_is_repeated_at_the_same_host_only() {
    let rig = Rig::new().await;
    Mock::given(path("/v2/there")).respond_with(ResponseTemplate::new(201)).mount(&rig.server).await;
    rig.otherwise(|_| to("/v2/there")).await;
    let put = Call { body: Body::Bytes("bytes".into()), ..rig.call(Method::PUT, "a") };
    assert_eq!(rig.transport.send(put).await.unwrap().status, 201);
    let requests = rig.server.received_requests().await.unwrap();
    assert_eq!((requests[1].method.as_str(), requests[1].body.as_slice()), ("PUT", b"bytes".as_slice()));

    let (rig, other) = (Rig::new().await, MockServer::start().await);
    let location = format!("{}/there", other.uri());
    rig.otherwise(move |_| to(&location)).await;
    let Err(error) = rig.transport.send(rig.call(Method::PUT, "a")).await else { panic!("it is refused") };
    assert_eq!(*error.kind(), PortErrorKind::Invalid);
    assert!(other.received_requests().await.unwrap().is_empty());
}
