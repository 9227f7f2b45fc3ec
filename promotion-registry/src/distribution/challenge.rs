//! `WWW-Authenticate`: how a registry wants to be told who we are.

use http_auth::ChallengeRef;
use reqwest::Url;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// The challenge that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token of this endpoint.
    Bearer { realm: Url, service: Option<String>, scope: Option<String> },
    /// User and password.
    Basic,
}

/// The challenge to answer: Bearer before Basic. The error says what is wrong with them all.
pub(crate) fn choose(headers: &HeaderMap) -> Result<Challenge, &'static str> {
    let mut best = Err("without saying how (no WWW-Authenticate header)");
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(challenges) =
            value.to_str().map_err(drop).and_then(|text| http_auth::parse_challenges(text).map_err(drop))
        else {
            best = best.or(Err("in a way that cannot be read (its WWW-Authenticate header is malformed)"));
            continue;
        };
        for challenge in challenges {
            best = better(best, understand(&challenge));
        }
    }
    best
}

/// Bearer before Basic before whatever is wrong.
fn better(
    one: Result<Challenge, &'static str>,
    other: Result<Challenge, &'static str>,
) -> Result<Challenge, &'static str> {
    match (&one, &other) {
        (Ok(Challenge::Bearer { .. }), _) | (Ok(_), Err(_)) => one,
        (Ok(Challenge::Basic), Ok(Challenge::Basic)) => one,
        _ => other,
    }
}

fn understand(challenge: &ChallengeRef<'_>) -> Result<Challenge, &'static str> {
    if challenge.scheme.eq_ignore_ascii_case("basic") {
        return Ok(Challenge::Basic);
    }
    if !challenge.scheme.eq_ignore_ascii_case("bearer") {
        return Err("in a way that is not supported (neither Bearer nor Basic)");
    }
    let realm = parameter(challenge, "realm").and_then(|realm| Url::parse(&realm).ok());
    let Some(realm) = realm.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
        return Err("without saying where a token is to be had (its Bearer challenge names no usable realm)");
    };
    let (service, scope) = (parameter(challenge, "service"), parameter(challenge, "scope"));
    Ok(Challenge::Bearer { realm, service, scope })
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(found.1.to_unescaped()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn chosen(values: &[&str]) -> Result<Challenge, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        choose(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Result<Challenge, &'static str> {
        let realm = Url::parse(realm).unwrap();
        Ok(Challenge::Bearer { realm, service: service.map(str::to_owned), scope: scope.map(str::to_owned) })
    }

    #[test]
    fn challenges_of_real_registries_are_understood() {
        let hub =
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#;
        let expected = bearer("https://auth.docker.io/token", Some("registry.docker.io"), Some("repository:a/b:pull"));
        assert_eq!(chosen(&[hub]), expected);
        let zot = r#"Bearer realm="https://zot.example/token",service="zot",scope="""#;
        assert_eq!(chosen(&[zot]), bearer("https://zot.example/token", Some("zot"), None));
        assert_eq!(
            chosen(&[r#"Basic realm="https://1.dkr.ecr.eu.amazonaws.com/",service="ecr.amazonaws.com""#]),
            Ok(Challenge::Basic)
        );
    }

    #[test]
    fn bearer_is_preferred_in_whatever_order_and_header() {
        let token = bearer("https://h/t", None, None);
        assert_eq!(chosen(&[r#"Basic realm="x", Bearer realm="https://h/t""#]), token);
        assert_eq!(chosen(&[r#"bearer Realm="https://h/t""#, r#"Basic realm="x""#]), token);
        assert_eq!(chosen(&["Bearer realm=", r#"Basic realm="x""#]), Ok(Challenge::Basic));
        assert_eq!(chosen(&[r#"Basic realm="x""#, "Bearer realm="]), Ok(Challenge::Basic));
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        assert!(chosen(&[]).unwrap_err().contains("no WWW-Authenticate"));
        assert!(chosen(&["Bearer realm=\"https://h"]).unwrap_err().contains("malformed"));
        assert!(chosen(&["Negotiate"]).unwrap_err().contains("neither"));
        for realm in [r#"Bearer service="x""#, r#"Bearer realm="/token""#, r#"Bearer realm="file:///etc""#] {
            assert!(chosen(&[realm]).unwrap_err().contains("no usable realm"), "{realm}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), scheme in "(Bearer|Basic)? ?") {
            let bytes = [scheme.as_bytes(), &bytes].concat();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]);
                let _ = choose(&headers);
            }
        }
    }
}
