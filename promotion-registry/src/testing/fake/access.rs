//! Who may do what, and the tokens that say so.

use std::collections::BTreeSet;

use bytes::Bytes;
use hyper::header::WWW_AUTHENTICATE;
use hyper::{Request, Response, StatusCode};
use reqwest::Url;
use serde_json::{Value, json};

use super::Auth;
use super::answer::{error, header, json as answer, parameters, with};
use super::state::State;
use crate::testing::route::Route;

/// What a token is good for.
#[derive(Debug)]
pub(super) struct Token {
    /// `repository:NAME:ACTION`, one for each action.
    grants: BTreeSet<String>,
    /// How many requests it is good for still.
    uses: Option<u32>,
}

impl State {
    /// The refusal of a request that says too little about who asks.
    pub(super) fn refusal(&mut self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let route = Route::parse(request.uri().path());
        let needed = needed(request);
        match &self.quirks.auth {
            Auth::None => None,
            _ if route == Route::Token => None,
            Auth::Basic { user, password } => (header(request, "authorization") != basic(user, password))
                .then(|| with(unauthorized(), WWW_AUTHENTICATE, "Basic realm=\"fake\"")),
            Auth::AnonymousPull { .. } if needed.iter().all(|grant| grant.ends_with(":pull")) => None,
            Auth::AnonymousPull { .. } | Auth::Bearer { .. } => self.bearer_refusal(request, &needed),
        }
    }

    fn bearer_refusal(&mut self, request: &Request<Bytes>, needed: &[String]) -> Option<Response<Bytes>> {
        let shown = header(request, "authorization").strip_prefix("Bearer ");
        let known = shown.and_then(|shown| self.tokens.get_mut(shown)).filter(|token| token.uses != Some(0));
        let problem = match known {
            Some(token) if needed.iter().all(|grant| token.grants.contains(grant)) => {
                token.uses = token.uses.map(|uses| uses - 1);
                return None;
            }
            Some(_) => ",error=\"insufficient_scope\"",
            None if shown.is_some() => ",error=\"invalid_token\"",
            None => "",
        };
        // The realm is at the host that the client asked for, so that a proxy before it sees these requests too.
        let host = header(request, "host");
        let scope = scope(needed).map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"fake\"{scope}{problem}");
        Some(with(unauthorized(), WWW_AUTHENTICATE, challenge))
    }

    /// Hands out a token for the scopes that are asked for, as far as the asker may have them.
    pub(super) fn token(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let (user, password, anonymous, uses) = match &self.quirks.auth {
            Auth::Bearer { user, password, uses } => (user, password, false, *uses),
            Auth::AnonymousPull { user, password } => (user, password, true, None),
            Auth::None | Auth::Basic { .. } => return super::answer::not_found(),
        };
        let form = form(request);
        let given = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let shown = header(request, "authorization");
        let known = shown == basic(user, password)
            || given("refresh_token") == Some(password)
            || (given("username") == Some(user) && given("password") == Some(password));
        let nobody = shown.is_empty() && form.is_empty();
        if !known && (!anonymous || !nobody) {
            return with(unauthorized(), WWW_AUTHENTICATE, "Basic realm=\"fake\"");
        }
        let mut scopes = parameters(request, "scope");
        scopes.extend(given("scope").map(ToOwned::to_owned));
        let asked = scopes.iter().flat_map(|scopes| scopes.split(' ')).flat_map(grants);
        let grants = asked.filter(|grant| known || grant.ends_with(":pull")).collect();
        let token = format!("token-{}", self.next());
        self.tokens.insert(token.clone(), Token { grants, uses });
        answer(StatusCode::OK, json!({"token": token, "access_token": token, "expires_in": 300}))
    }
}

/// What a request needs: reading, or reading and writing, of the repository, and reading of the one that it mounts from.
fn needed(request: &Request<Bytes>) -> Vec<String> {
    let (Route::Tags { repository }
    | Route::Manifest { repository, .. }
    | Route::Blob { repository, .. }
    | Route::Uploads { repository }
    | Route::Upload { repository, .. }
    | Route::Referrers { repository, .. }) = Route::parse(request.uri().path())
    else {
        return Vec::new();
    };
    let actions = match request.method().as_str() {
        "GET" | "HEAD" => ["pull"].as_slice(),
        "DELETE" => &["delete"],
        _ => &["pull", "push"],
    };
    actions.iter().map(|action| format!("repository:{repository}:{action}")).collect()
}

/// The scope that asks for these grants, which are of one repository.
fn scope(grants: &[String]) -> Option<String> {
    let (first, others) = grants.split_first()?;
    let actions = others.iter().filter_map(|grant| grant.rsplit_once(':')).map(|(_, action)| format!(",{action}"));
    Some(format!("{first}{}", actions.collect::<String>()))
}

/// A scope's grants, one for each action.
fn grants(scope: &str) -> Vec<String> {
    let Some((resource, actions)) = scope.rsplit_once(':') else { return Vec::new() };
    actions.split(',').map(|action| format!("{resource}:{action}")).collect()
}

/// The fields of a form, as OAuth2 sends them.
fn form(request: &Request<Bytes>) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(request.body());
    let Ok(url) = Url::parse(&format!("http://registry.test/?{text}")) else { return Vec::new() };
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

fn unauthorized() -> Response<Bytes> {
    error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required", Value::Null)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// Base64 of the few bytes of a header is no reason for a dependency.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(three.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let letter = ALPHABET[bits >> (18 - 6 * at) & 63];
            text.push(if at <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_encoded_as_rfc_4648_has_it() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_scope_names_every_action_once() {
        let grants = grants("repository:acme/platform:pull,push");
        assert_eq!(grants, ["repository:acme/platform:pull", "repository:acme/platform:push"]);
        assert_eq!(scope(&grants).as_deref(), Some("repository:acme/platform:pull,push"));
    }
}
