//! No credential is ever shown, whatever a server makes of it.

use std::error::Error;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::*;

/// What a server may do with what it learns.
#[derive(Debug, Clone, Copy)]
enum Echo {
    Json,
    Token,
    Text,
    Html,
    Location,
    Challenge,
}

/// A server that repeats everything it was told, in the worst places.
fn echo(request: &Request, secret: &str, status: u16, how: Echo) -> ResponseTemplate {
    let told = format!("{secret}: {} {}", request.url, String::from_utf8_lossy(&request.body));
    let values: Vec<_> = request.headers.values().filter_map(|value| value.to_str().ok()).collect();
    let bare: Vec<_> = values.iter().filter_map(|value| value.split(' ').next_back()).collect();
    let told = format!("{told} {:?} {bare:?} {:?}", values, request.headers);
    let answer = ResponseTemplate::new(status);
    match how {
        Echo::Json => answer.set_body_json(json!({"errors": [{"code": "DENIED", "message": told}]})),
        Echo::Token => answer.set_body_json(json!({ "details": told })),
        Echo::Text => answer.set_body_string(told),
        Echo::Html => answer.set_body_raw(format!("<html><title>{told}</title></html>"), "text/html"),
        Echo::Location => {
            let secret = values.join("").replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let url = format!("https://{secret}:{secret}@127.0.0.1:1/x?token={secret}#{secret}");
            answer.insert_header("location", url.as_str())
        }
        Echo::Challenge => answer.insert_header("www-authenticate", format!("Odd {}=", values.join("")).as_str()),
    }
}

/// All that anybody could print of an error.
fn everything(error: &PortError) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(shown, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    shown
}

fn credential() -> impl Strategy<Value = (Credential, String)> {
    ("[a-zA-Z0-9_-]{12,40}", 0..3).prop_map(|(secret, kind)| {
        let hidden = Secret::new(&*secret);
        let credential = match kind {
            0 => Credential::Basic { user: "ann".to_owned(), password: hidden },
            1 => Credential::Identity(hidden),
            _ => Credential::Bearer(hidden),
        };
        (credential, secret)
    })
}

async fn shown(
    credential: Credential,
    secret: String,
    status: u16,
    how: Echo,
    at_endpoint: bool,
    basic: bool,
) -> String {
    let rig = Rig::known_as(credential).await;
    let realm = format!("{}/token", rig.server.uri());
    let challenge = if basic { r#"Basic realm="r""#.to_owned() } else { format!("Bearer realm=\"{realm}\"") };
    rig.otherwise(move |request| {
        let endpoint = request.url.path() == "/token";
        if endpoint == at_endpoint && request.headers.contains_key("authorization") || endpoint && at_endpoint {
            return echo(request, &secret, status, how);
        }
        match endpoint {
            true => ResponseTemplate::new(200).set_body_json(json!({"token": "a-token-of-the-endpoint"})),
            false => ResponseTemplate::new(401).insert_header("www-authenticate", challenge.as_str()),
        }
    })
    .await;
    let error = rig.refused("manifests/1.4.0").await;
    format!("{} {:?} {:?}", everything(&error), rig.transport, rig.seen.lock().unwrap())
}

#[test]
fn no_credential_is_shown_whatever_is_made_of_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let statuses = prop::sample::select(vec![302, 307, 400, 401, 403, 404, 405, 409, 412, 413, 418, 429, 500, 503]);
    let hows = [Echo::Json, Echo::Token, Echo::Text, Echo::Html, Echo::Location, Echo::Challenge];
    let cases = (credential(), statuses, prop::sample::select(hows.to_vec()), any::<bool>(), any::<bool>());
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&cases, |((credential, secret), status, how, at_endpoint, basic)| {
            let shown = runtime.block_on(shown(credential, secret.clone(), status, how, at_endpoint, basic));
            let encoded = http_auth::basic::encode_credentials("ann", &secret);
            for hidden in [&secret, encoded.trim_start_matches("Basic "), "a-token-of-the-endpoint"] {
                prop_assert!(!shown.contains(hidden), "{hidden} in {shown}");
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn options_show_no_password() {
    let proxy = crate::distribution::Proxy { http: Some("http://u:hunter22@proxy".to_owned()), ..Default::default() };
    let credentials = Arc::new(Fixed { host: "r.example".to_owned(), credential: user() });
    let options = Options { proxy, credentials, ..Options::default() };
    assert!(!format!("{options:?}").contains("hunter22"));
    assert!(!format!("{:?}", Transport::new(options).unwrap()).contains("hunter22"));
    let odd = crate::distribution::Proxy { https: Some("http://u:hunter22@[proxy".to_owned()), ..Default::default() };
    let error = Transport::new(Options { proxy: odd, ..Options::default() }).unwrap_err();
    assert!(error.message().contains("the proxy for https:// is no URL"), "{error}");
    assert!(!everything(&error).contains("hunter22"));
}
