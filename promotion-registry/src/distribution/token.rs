//! Token endpoints: <https://distribution.github.io/distribution/spec/auth/token/> and its OAuth2 form.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use promotion_core::ports::PortErrorKind;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;
use tokio::time::Instant;

use super::credentials::{Credential, Secret};
use super::failure::{Failure, Passing};
use super::refusal::{self, Said};
use super::retry::{self, Tries};
use super::shown;
use super::transport::Body;
use super::wire::{Outgoing, Wire};

/// How long a token lives that does not say it: what the specification says.
const LIFETIME: u64 = 60;
/// The most of its life that a token may lose on its way.
const MARGIN: Duration = Duration::from_secs(10);
/// A token in JSON is never longer.
const LONGEST: usize = 1 << 20;

/// A value of `Authorization`, and what belongs to it.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    /// What must not be shown.
    pub(crate) secrets: Vec<Secret>,
    /// It was made with a credential.
    pub(crate) known: bool,
    /// `None`: as long as it is not refused.
    until: Option<Instant>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    pub(crate) fn is_fresh(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }

    fn new(header: &str, secrets: Vec<Secret>, known: bool) -> Result<Self, Failure> {
        let invalid = |_| Failure::new(PortErrorKind::Invalid, "the credential holds characters that cannot be sent");
        let mut header = HeaderValue::from_str(header).map_err(invalid)?;
        header.set_sensitive(true);
        Ok(Self { header, secrets, known, until: None })
    }
}

/// User and password, sent with each request.
pub(crate) fn basic(user: &str, password: &Secret) -> Result<Token, Failure> {
    let header = http_auth::basic::encode_credentials(user, password.expose());
    let encoded = Secret::new(header.trim_start_matches("Basic "));
    Token::new(&header, vec![password.clone(), encoded], true)
}

/// A token that is sent as it is.
pub(crate) fn bearer(token: &Secret, known: bool) -> Result<Token, Failure> {
    Token::new(&format!("Bearer {}", token.expose()), vec![token.clone()], known)
}

/// Where a token is to be had, and what for.
#[derive(Debug)]
pub(crate) struct Endpoint<'a> {
    pub(crate) realm: &'a Url,
    pub(crate) service: Option<&'a str>,
    pub(crate) scopes: &'a [String],
    /// Whose credentials it gets.
    pub(crate) registry: &'a str,
    /// That registry.
    pub(crate) home: &'a Url,
}

/// Fetches a token, with the credential there is.
pub(crate) async fn fetch(
    wire: &Wire,
    endpoint: &Endpoint<'_>,
    credential: Option<Credential>,
) -> Result<Token, Failure> {
    if credential.is_some() && !may_learn(endpoint.realm, endpoint.home, wire.options().plain_http) {
        let host = shown::host(endpoint.realm);
        let message = format!("the token endpoint {host} speaks plain HTTP: no credentials are sent to it");
        return Err(Failure::new(PortErrorKind::Invalid, message));
    }
    let (mut outgoing, login) = request(endpoint, credential.as_ref())?;
    let mut tries = Tries::new(wire.options().retries);
    loop {
        let (failure, asked) = match attempt(wire, endpoint, &mut outgoing, &login, tries.next()).await {
            Ok(said) => return read(&said, endpoint, &login),
            Err(failed) => failed,
        };
        let pause = tries.pause(asked).filter(|_| failure.passing != Passing::Never);
        // Whoever needs the token must not start over: this was tried often enough.
        let Some(pause) = pause else { return Err(failure.passing(Passing::Never)) };
        tokio::time::sleep(pause).await;
    }
}

/// What an endpoint is told of us besides its parameters.
#[derive(Default)]
struct Login {
    header: Option<HeaderValue>,
    secrets: Vec<Secret>,
}

/// Whether an endpoint may be told a credential. Plain HTTP was allowed for the registry, and for no host that it names.
fn may_learn(realm: &Url, home: &Url, plain_http: bool) -> bool {
    let host = realm.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    realm.scheme() == "https" || loopback || (plain_http && realm.host() == home.host())
}

fn request<'a>(endpoint: &Endpoint<'a>, credential: Option<&Credential>) -> Result<(Outgoing<'a>, Login), Failure> {
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    if let Some(Credential::Identity(refresh)) = credential {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = Some(Body::Bytes(form(endpoint, refresh)));
        let outgoing =
            Outgoing { method: Method::POST, url: endpoint.realm.clone(), headers, body, home: endpoint.realm };
        return Ok((outgoing, Login { header: None, secrets: vec![refresh.clone()] }));
    }
    let login = match credential {
        Some(Credential::Basic { user, password }) => {
            let token = basic(user, password)?;
            Login { header: Some(token.header), secrets: token.secrets }
        }
        _ => Login::default(),
    };
    let mut url = endpoint.realm.clone();
    add_parameters(&mut url, endpoint, |pairs| endpoint.scopes.iter().for_each(|scope| pairs(("scope", scope))));
    let body = Some(Body::Empty);
    Ok((Outgoing { method: Method::GET, url, headers, body, home: endpoint.realm }, login))
}

/// The form of a refresh: written by the one library here that escapes such pairs, as the query of a URL.
fn form(endpoint: &Endpoint<'_>, refresh: &Secret) -> Bytes {
    let mut url = endpoint.realm.clone();
    url.set_query(None);
    add_parameters(&mut url, endpoint, |pairs| {
        pairs(("scope", &endpoint.scopes.join(" ")));
        pairs(("client_id", "promotion"));
        pairs(("grant_type", "refresh_token"));
        pairs(("refresh_token", refresh.expose()));
    });
    Bytes::from(url.query().unwrap_or_default().to_owned())
}

fn add_parameters(url: &mut Url, endpoint: &Endpoint<'_>, more: impl FnOnce(&mut dyn FnMut((&str, &str)))) {
    let mut pairs = url.query_pairs_mut();
    if let Some(service) = endpoint.service {
        pairs.append_pair("service", service);
    }
    more(&mut |(name, value)| {
        pairs.append_pair(name, value);
    });
}

/// One request to the endpoint: what it said, or why it said nothing, and how long it asks to wait.
async fn attempt(
    wire: &Wire,
    endpoint: &Endpoint<'_>,
    outgoing: &mut Outgoing<'_>,
    login: &Login,
    number: u32,
) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
    let host = shown::host(endpoint.realm);
    let sent = wire.send(outgoing, login.header.as_ref(), number).await;
    let response = sent.map_err(|failure| (failure.about(&format!("the token endpoint {host}")), None))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = body(response, wire.options().timeouts.stall)
        .await
        .map_err(|why| (Failure::late(format!("the answer of the token endpoint {host} {why}")), None))?;
    if status.is_success() {
        return Ok(body);
    }
    let asked = retry::asked(&headers, &String::from_utf8_lossy(&body));
    Err((refused(endpoint, status, &Said::read(&headers, &body, &login.secrets), asked, login), asked))
}

/// An endpoint's failure, told as its own.
fn refused(
    endpoint: &Endpoint<'_>,
    status: StatusCode,
    said: &Said,
    asked: Option<Duration>,
    login: &Login,
) -> Failure {
    let (host, registry) = (shown::host(endpoint.realm), endpoint.registry);
    let text = match said.text() {
        "" => status.canonical_reason().unwrap_or("nothing more").to_owned(),
        text => text.to_owned(),
    };
    let mut message = format!("the token endpoint {host} answered {}: {text}", status.as_u16());
    let kind = match refusal::kind(status, said, false, asked) {
        // Of a refresh token that is not valid any more, OAuth2 says 400.
        PortErrorKind::Invalid if !login.secrets.is_empty() && status == StatusCode::BAD_REQUEST => {
            PortErrorKind::Unauthorized
        }
        kind => kind,
    };
    if matches!(kind, PortErrorKind::Unauthorized | PortErrorKind::Forbidden) {
        message.push_str(&match login.secrets.is_empty() {
            true => format!("; no credentials found for {registry}: docker login {registry}"),
            false => format!("; it was sent the credentials found for {registry}"),
        });
    }
    let passing = matches!(kind, PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. });
    Failure::new(kind, message).passing(if passing { Passing::Perhaps } else { Passing::Never })
}

/// All of a short answer, at once or not at all.
async fn body(response: Response, stall: Duration) -> Result<Vec<u8>, &'static str> {
    tokio::time::timeout(stall, bounded(response)).await.unwrap_or(Err("does not come to its end"))
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= LONGEST => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err("does not end"),
            Err(_) => return Err("broke off"),
        }
    }
}

/// The token in an endpoint's answer.
fn read(said: &[u8], endpoint: &Endpoint<'_>, login: &Login) -> Result<Token, Failure> {
    let host = shown::host(endpoint.realm);
    let none = |what: &str| Failure::new(PortErrorKind::Invalid, format!("the token endpoint {host} {what}"));
    let said: Value = serde_json::from_slice(said).map_err(|_| none("answered what is no JSON"))?;
    let text = |name: &str| said[name].as_str().filter(|text| !text.is_empty());
    let token = text("token").or_else(|| text("access_token")).ok_or_else(|| none("answered without a token"))?;
    let mut token = bearer(&Secret::new(token), !login.secrets.is_empty())
        .map_err(|_| none("answered a token with characters that cannot be sent"))?;
    token.secrets.extend(login.secrets.iter().cloned());
    let life = lifetime(&said["expires_in"]);
    token.until = Instant::now().checked_add(life - (life / 4).min(MARGIN));
    Ok(token)
}

/// Some endpoints send a number as text.
fn lifetime(expires_in: &Value) -> Duration {
    let text = expires_in.as_str().and_then(|text| text.parse().ok());
    let seconds = expires_in.as_f64().or(text).filter(|seconds| *seconds > 0.0);
    let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    life.unwrap_or(Duration::from_secs(LIFETIME))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifetimes_of_every_form_are_read() {
        for (value, seconds) in [(json!(300), 300), (json!("120"), 120), (json!(90.0), 90)] {
            assert_eq!(lifetime(&value), Duration::from_secs(seconds));
        }
        for odd in [json!(null), json!(0), json!(-5), json!("soon"), json!(1e300), json!([])] {
            assert_eq!(lifetime(&odd), Duration::from_secs(LIFETIME), "{odd}");
        }
    }

    #[test]
    fn credentials_go_over_plain_http_only_to_this_machine_or_when_told_to_to_the_registry() {
        let home = Url::parse("http://r.example/v2/a/").unwrap();
        for (realm, alone, told) in [
            ("https://auth.example/token", true, true),
            ("http://auth.example/token", false, false),
            ("http://r.example:5001/token", false, true),
            ("http://r.example.evil/token", false, false),
            ("http://localhost:5001/token", true, true),
            ("http://127.0.0.1/token", true, true),
            ("http://[::1]/token", true, true),
            ("http://localhost.example/token", false, false),
        ] {
            let realm = Url::parse(realm).unwrap();
            let may = |plain_http| may_learn(&realm, &home, plain_http);
            assert_eq!((may(false), may(true)), (alone, told), "{realm}");
        }
    }
}
