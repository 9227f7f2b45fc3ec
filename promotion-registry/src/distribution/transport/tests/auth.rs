//! Authentication: by the challenge of the request itself, once for everybody.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use wiremock::matchers::{body_string_contains, header, method, path, query_param};

use super::*;

/// `Basic ann:hunter22`
const BASIC: &str = "Basic YW5uOmh1bnRlcjIy";

fn challenge(realm: &str) -> ResponseTemplate {
    let value = format!(r#"Bearer realm="{realm}",service="registry",scope="repository:acme/platform:pull""#);
    let error = json!({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]});
    ResponseTemplate::new(401).insert_header("www-authenticate", value.as_str()).set_body_json(error)
}

/// A registry that takes these tokens.
async fn wants(rig: &Rig, tokens: &'static [&'static str]) {
    let realm = format!("{}/token", rig.server.uri());
    rig.otherwise(move |request| {
        let sent = super::header(request, "authorization").and_then(|sent| sent.strip_prefix("Bearer "));
        if sent.is_some_and(|sent| tokens.contains(&sent)) { ResponseTemplate::new(200) } else { challenge(&realm) }
    })
    .await;
}

fn token(value: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "token": value, "expires_in": 300 }))
}

#[tokio::test]
async fn without_a_challenge_there_is_one_request_and_no_probe() {
    let rig = Rig::known_as(user()).await;
    rig.otherwise(|_| ResponseTemplate::new(200)).await;
    assert_eq!(rig.get("tags/list").await.unwrap().status, 200);
    assert_eq!(rig.requests().await, ["GET /v2/acme/platform/tags/list"]);
    let requests = rig.server.received_requests().await.unwrap();
    assert_eq!(super::header(&requests[0], "authorization"), None);
}

#[tokio::test]
async fn thirty_two_first_calls_fetch_one_token() {
    let rig = Rig::known_as(user()).await;
    wants(&rig, &["good"]).await;
    Mock::given(path("/token"))
        .and(method("GET"))
        .and(query_param("service", "registry"))
        .and(query_param("scope", "repository:acme/platform:pull"))
        .and(header("authorization", BASIC))
        .respond_with(token("good"))
        .expect(1)
        .mount(&rig.server)
        .await;
    let answers = join_all((0..32).map(|_| rig.get("tags/list"))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status == 200));
}

#[tokio::test]
async fn the_next_scope_is_asked_for_without_being_refused_first() {
    let rig = Rig::new().await;
    wants(&rig, &["good"]).await;
    Mock::given(path("/token")).respond_with(token("good")).mount(&rig.server).await;
    rig.get("a").await.unwrap();
    let push = Call { access: Access::Push, also: Some("acme/base"), ..rig.call(Method::PUT, "b") };
    assert_eq!(rig.transport.send(push).await.unwrap().status, 200);
    let all = rig.server.received_requests().await.unwrap();
    let scopes: Vec<_> =
        all.iter().flat_map(|request| request.url.query_pairs()).filter(|pair| pair.0 == "scope").collect();
    let asked: Vec<_> = scopes.iter().map(|pair| pair.1.as_ref()).collect();
    let expected = ["repository:acme/platform:pull", "repository:acme/platform:pull,push", "repository:acme/base:pull"];
    assert_eq!(asked, expected);
    // Refused, token, again; token, PUT.
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn a_token_for_pushing_serves_for_pulling() {
    let rig = Rig::new().await;
    wants(&rig, &["good"]).await;
    Mock::given(path("/token")).respond_with(token("good")).expect(1).mount(&rig.server).await;
    rig.transport.send(Call { access: Access::Push, ..rig.call(Method::PUT, "b") }).await.unwrap();
    assert_eq!(rig.get("a").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_once_more() {
    let rig = Rig::new().await;
    let realm = format!("{}/token", rig.server.uri());
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    // Only the second token is good, and only from the second request on.
    rig.otherwise(move |request| match super::header(request, "authorization") {
        _ if request.url.path() == "/token" => token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst))),
        Some("Bearer t0") if request.url.path().ends_with("first") => ResponseTemplate::new(200),
        Some("Bearer t1") => ResponseTemplate::new(200),
        _ => challenge(&realm),
    })
    .await;
    assert_eq!(rig.get("first").await.unwrap().status, 200);
    let answers = join_all((0..8).map(|_| rig.get("second"))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status == 200));
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_second_refusal_is_final_and_says_whose_credentials_were_sent() {
    let rig = Rig::known_as(user()).await;
    wants(&rig, &[]).await;
    Mock::given(path("/token")).respond_with(token("bad")).expect(1).mount(&rig.server).await;
    let error = rig.refused("tags/list").await;
    assert_eq!(*error.kind(), PortErrorKind::Unauthorized);
    let host = rig.server.address();
    let said = format!(
        "http://{host}/v2/acme/platform/tags/list answered 401: UNAUTHORIZED: authentication required; \
         sent with the credentials found for {host}"
    );
    assert_eq!(error.message(), said);
    assert_eq!(rig.requests().await.len(), 3);
}

#[tokio::test]
async fn basic_is_sent_to_who_asks_for_it_and_then_at_once() {
    let rig = Rig::known_as(user()).await;
    Mock::given(header("authorization", BASIC)).respond_with(ResponseTemplate::new(200)).mount(&rig.server).await;
    rig.otherwise(|_| ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#)).await;
    assert_eq!(rig.get("a").await.unwrap().status, 200);
    let push = Call { access: Access::Push, ..rig.call(Method::POST, "b") };
    assert_eq!(rig.transport.send(push).await.unwrap().status, 200);
    assert_eq!(rig.requests().await.len(), 3);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    let rig = Rig::known_as(user()).await;
    rig.otherwise(|_| ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#)).await;
    assert_eq!(*rig.refused("a").await.kind(), PortErrorKind::Unauthorized);
    assert_eq!(rig.requests().await.len(), 2);
    // The next request looks for another password, finds none, and is not repeated.
    assert_eq!(*rig.refused("a").await.kind(), PortErrorKind::Unauthorized);
    assert_eq!(rig.requests().await.len(), 3);
}

#[tokio::test]
async fn without_credentials_it_says_where_to_log_in() {
    let rig = Rig::new().await;
    rig.otherwise(|_| ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#)).await;
    let error = rig.refused("a").await;
    assert_eq!(*error.kind(), PortErrorKind::Unauthorized);
    assert!(error.message().ends_with(&format!("docker login {}", rig.server.address())), "{error}");
    assert_eq!(rig.requests().await.len(), 1);
}

#[tokio::test]
async fn a_challenge_that_cannot_be_read_is_told() {
    for (value, said) in
        [("Bearer realm=\"", "malformed"), ("Negotiate", "neither"), ("Bearer x=\"y\"", "no usable realm")]
    {
        let rig = Rig::new().await;
        rig.otherwise(move |_| ResponseTemplate::new(401).insert_header("www-authenticate", value)).await;
        let error = rig.refused("a").await;
        assert_eq!(*error.kind(), PortErrorKind::Unauthorized);
        assert!(error.message().contains(said), "{error}");
    }
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let rig = Rig::known_as(Credential::Identity(Secret::new("re&fresh"))).await;
    wants(&rig, &["good"]).await;
    Mock::given(path("/token"))
        .and(method("POST"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains("grant_type=refresh_token"))
        .and(body_string_contains("refresh_token=re%26fresh"))
        .and(body_string_contains("scope=repository%3Aacme%2Fplatform%3Apull"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "good"})))
        .expect(1)
        .mount(&rig.server)
        .await;
    assert_eq!(rig.get("a").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_bearer_token_is_sent_as_it_is() {
    let rig = Rig::known_as(Credential::Bearer(Secret::new("good"))).await;
    wants(&rig, &["good"]).await;
    assert_eq!(rig.get("a").await.unwrap().status, 200);
    assert_eq!(rig.requests().await.len(), 2);
}

#[tokio::test]
async fn a_token_endpoint_elsewhere_gets_the_credentials() {
    let (rig, other) = (Rig::known_as(user()).await, MockServer::start().await);
    let realm = format!("{}/token", other.uri());
    Mock::given(header("authorization", "Bearer good"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&rig.server)
        .await;
    rig.otherwise(move |_| challenge(&realm)).await;
    Mock::given(header("authorization", BASIC)).respond_with(token("good")).expect(1).mount(&other).await;
    assert_eq!(rig.get("a").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_token_endpoint_over_plain_http_on_the_network_gets_none() {
    let rig = Rig::known_as(user()).await;
    rig.otherwise(|_| challenge("http://auth.invalid/token")).await;
    let error = rig.refused("a").await;
    assert_eq!(*error.kind(), PortErrorKind::Invalid);
    assert!(error.message().contains("auth.invalid speaks plain HTTP"), "{error}");
}

#[tokio::test]
async fn the_failure_of_a_token_endpoint_is_told_as_its_own_and_shared() {
    let rig = Rig::known_as(user()).await;
    wants(&rig, &[]).await;
    let details = json!({"details": "incorrect username or password"});
    let refusal = ResponseTemplate::new(401).set_body_json(details);
    Mock::given(path("/token")).respond_with(refusal).expect(1).mount(&rig.server).await;
    let host = rig.server.address();
    for error in join_all((0..8).map(|_| rig.refused("a"))).await {
        assert_eq!(*error.kind(), PortErrorKind::Unauthorized);
        let said = format!(
            "the token endpoint {host} answered 401: incorrect username or password; \
             it was sent the credentials found for {host}"
        );
        assert_eq!(error.message(), said);
    }
}

#[tokio::test]
async fn a_token_endpoint_is_asked_again_when_it_fails() {
    let rig = Rig::new().await;
    wants(&rig, &["good"]).await;
    let busy = ResponseTemplate::new(503);
    Mock::given(path("/token")).respond_with(busy).up_to_n_times(2).mount(&rig.server).await;
    Mock::given(path("/token")).respond_with(token("good")).mount(&rig.server).await;
    assert_eq!(rig.get("a").await.unwrap().status, 200);
    assert_eq!(rig.requests().await.len(), 5);
}

#[tokio::test]
async fn a_token_endpoint_that_stays_broken_is_not_asked_for_ever() {
    let rig = Rig::new().await;
    wants(&rig, &["good"]).await;
    Mock::given(path("/token")).respond_with(ResponseTemplate::new(503)).expect(3).mount(&rig.server).await;
    let error = rig.refused("a").await;
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().contains("the token endpoint"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_answers_no_token_is_told() {
    for body in ["", "<html>", "{}", r#"{"token":""}"#, r#"{"token":7}"#, "{\"token\":\"a\\nb\"}"] {
        let rig = Rig::new().await;
        wants(&rig, &["good"]).await;
        Mock::given(path("/token"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&rig.server)
            .await;
        let error = rig.refused("a").await;
        assert!(error.message().starts_with("the token endpoint"), "{body}: {error}");
    }
}

#[tokio::test]
async fn who_gives_up_while_fetching_a_token_leaves_it_to_the_next() {
    let rig = Arc::new(Rig::new().await);
    wants(&rig, &["good"]).await;
    let (asked, mut first) = tokio::sync::mpsc::unbounded_channel();
    Mock::given(path("/token"))
        .respond_with(move |_: &Request| {
            let _ = asked.send(());
            // Long enough that the first is sure to have given up.
            token("good").set_delay(Duration::from_millis(200))
        })
        .mount(&rig.server)
        .await;
    let one = Arc::clone(&rig);
    let leader = tokio::spawn(async move { one.get("a").await.map(|answer| answer.status) });
    first.recv().await.unwrap();
    let two = Arc::clone(&rig);
    let follower = tokio::spawn(async move { two.get("b").await.map(|answer| answer.status) });
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    assert_eq!(follower.await.unwrap().unwrap(), 200);
}

#[tokio::test]
async fn what_failed_ahead_of_a_request_is_not_tried_ahead_again() {
    let rig = Rig::new().await;
    // Anybody may read, nobody unknown may push.
    let challenge = || ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#);
    Mock::given(method("PUT")).respond_with(challenge()).mount(&rig.server).await;
    rig.otherwise(|_| ResponseTemplate::new(200)).await;
    let push = || Call { access: Access::Push, ..rig.call(Method::PUT, "b") };
    for _ in 0..2 {
        assert!(rig.transport.send(push()).await.is_err());
        assert_eq!(rig.get("a").await.unwrap().status, 200);
    }
    assert_eq!(rig.requests().await.len(), 4);
}

#[tokio::test]
async fn a_location_at_another_host_learns_nothing() {
    let (rig, other) = (Rig::known_as(user()).await, MockServer::start().await);
    Mock::given(header("authorization", BASIC)).respond_with(ResponseTemplate::new(200)).mount(&rig.server).await;
    rig.otherwise(|_| ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#)).await;
    let asks = ResponseTemplate::new(401).insert_header("www-authenticate", r#"Basic realm="r""#);
    Mock::given(method("PUT")).respond_with(asks).mount(&other).await;
    rig.get("a").await.unwrap();
    let url = Url::parse(&format!("{}/upload/1", other.uri())).unwrap();
    let answer = rig.transport.send(Call { url, ..rig.call(Method::PUT, "b") }).await.unwrap();
    assert_eq!(answer.status, 401);
    let requests = other.received_requests().await.unwrap();
    assert_eq!((requests.len(), super::header(&requests[0], "authorization")), (1, None));
}
