//! What may be shown of what others sent: no query, no user information, no control characters, no credential.

use reqwest::Url;

use super::credentials::Secret;

/// Longest text of another that an error repeats.
const LONGEST: usize = 300;

/// A URL without what may carry a credential.
pub(crate) fn url(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    forget_user(&mut shown);
    shown.into()
}

/// Takes user information away: the client would send it instead of ours.
pub(crate) fn forget_user(url: &mut Url) {
    // Fails for URLs that cannot have either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

/// Host and port of a URL.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A text on one line, bounded, with whatever is or looks like a credential masked.
pub(crate) fn text(raw: &str, secrets: &[Secret]) -> String {
    let mut line = one_line(raw);
    for secret in secrets {
        let secret = one_line(secret.expose());
        // A secret of a letter or two is no secret, and masking it would leave no text.
        if secret.len() > 3 {
            line = line.replace(&secret, "***");
        }
    }
    bounded(&mask(&line))
}

fn one_line(raw: &str) -> String {
    let clean: String = raw.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that turn around or hide what a terminal shows.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn bounded(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn mask(line: &str) -> String {
    let mut after_scheme = false;
    let mut words = Vec::new();
    for word in line.split(' ') {
        words.push(if after_scheme && word.len() >= 8 { "***".to_owned() } else { mask_word(word) });
        let scheme = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
        after_scheme = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic");
    }
    words.join(" ")
}

fn mask_word(word: &str) -> String {
    let mut word = mask_url(word);
    let lower = word.to_ascii_lowercase();
    let named = ["token=", "password=", "passwd=", "secret=", "signature=", "credential=", "sig="];
    let ends = named.iter().filter_map(|name| lower.find(name).map(|at| at + name.len()));
    // A JSON Web Token always begins like this: `{"` in base64.
    let token = word.find("eyJ").filter(|at| word.len() - at >= 16);
    if let Some(end) = ends.chain(token).min() {
        word.truncate(end);
        word.push_str("***");
    }
    word
}

/// The word with its URL, if it holds one, without user information and query.
fn mask_url(word: &str) -> String {
    let Some(start) = word.find("://").map(|at| at + 3) else { return word.to_owned() };
    let (scheme, rest) = word.split_at(start);
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let authority = rest.find('/').unwrap_or(rest.len());
    let user = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}{}", &rest[user..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_query_and_user() {
        let signed = Url::parse("https://user:pw@s3.example/blob?X-Amz-Signature=abc#frag").unwrap();
        assert_eq!(url(&signed), "https://s3.example/blob");
        assert_eq!(host(&Url::parse("http://localhost:5000/v2/").unwrap()), "localhost:5000");
    }

    #[test]
    fn what_looks_like_a_credential_is_masked() {
        let shown = |raw: &str| text(raw, &[]);
        assert_eq!(shown("see https://u:p@h/x?token=abc, please"), "see https://h/x please");
        assert_eq!(shown("got Authorization: Bearer abcdefgh.ijk"), "got Authorization: Bearer ***");
        assert_eq!(shown("bad eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), "bad ***");
        assert_eq!(shown("refresh_token=abcdef&x=1"), "refresh_token=***");
        assert_eq!(shown("basic auth is off"), "basic auth is off");
    }

    #[test]
    fn known_secrets_are_masked_wherever_they_are() {
        assert_eq!(text("x-hunter22-y", &[Secret::new("hunter22")]), "x-***-y");
    }

    #[test]
    fn control_characters_and_length_are_bounded() {
        assert_eq!(text("a\u{1b}[31m\r\nb\u{202e}c", &[]), "a [31m b c");
        assert_eq!(text(&"ü ".repeat(1000), &[]).chars().count(), LONGEST + 1);
    }
}
