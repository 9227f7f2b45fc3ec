//! What a registry's refusal means, in the port's words.

use std::time::Duration;

use promotion_core::ports::PortErrorKind;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use super::credentials::Secret;
use super::shown;

/// Codes with which registries say that there is no such thing; the last one is Harbor's.
const ABSENT: [&str; 4] = ["NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"];
/// Errors of one answer that are repeated.
const MOST: usize = 3;

/// What the body of a refusal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The registry's own codes (`DENIED`); empty when it is no error of the distribution API.
    codes: Vec<String>,
    /// For people; empty when nothing is said.
    text: String,
    /// It is a page for a browser.
    page: bool,
}

impl Said {
    /// Reads a body of whatever kind; nothing of it is shown that is or looks like a credential.
    pub(crate) fn read(headers: &HeaderMap, body: &[u8], secrets: &[Secret]) -> Self {
        let body = String::from_utf8_lossy(body);
        let body = body.trim();
        let html = is_page(headers);
        if html || body.starts_with('<') {
            return Self { text: page(body, html, secrets), page: true, ..Self::default() };
        }
        match serde_json::from_str::<Value>(body) {
            Ok(Value::Object(said)) => Self::from_json(&Value::Object(said), secrets),
            // JSON that broke off would be shown as gibberish.
            _ if body.starts_with(['{', '[', '"']) => Self { text: "malformed JSON".to_owned(), ..Self::default() },
            _ => Self { text: shown::text(body, secrets), ..Self::default() },
        }
    }

    fn from_json(said: &Value, secrets: &[Secret]) -> Self {
        let Some(errors) = said["errors"].as_array().filter(|errors| !errors.is_empty()) else {
            // Token endpoints, and what stands in front of registries.
            let names = ["error_description", "message", "details", "detail", "error"];
            let text = names.iter().find_map(|name| said[*name].as_str()).unwrap_or_default();
            return Self { text: shown::text(text, secrets), ..Self::default() };
        };
        let code = |error: &Value| error["code"].as_str().map(|code| shown::text(code, secrets));
        let texts = errors.iter().take(MOST).map(|error| {
            let message = shown::text(error["message"].as_str().unwrap_or_default(), secrets);
            [code(error).unwrap_or_default(), message]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(": ")
        });
        let text = texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
        Self { codes: errors.iter().filter_map(code).collect(), text, page: false }
    }

    fn has(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }

    /// Whether a 404 with this body is a registry's word that there is no such thing.
    pub(crate) fn is_absence(&self) -> bool {
        self.has(&ABSENT)
    }

    /// The repository itself does not exist, not just what was asked of it.
    pub(crate) fn is_no_repository(&self) -> bool {
        self.has(&["NAME_UNKNOWN"])
    }

    /// Nothing is said at all, as in an answer to HEAD.
    pub(crate) const fn is_silent(&self) -> bool {
        self.codes.is_empty() && self.text.is_empty() && !self.page
    }

    /// Whether the registry's own codes were read, so that the answer means what they say.
    pub(crate) const fn is_told(&self) -> bool {
        !self.codes.is_empty()
    }

    /// Whether a tag may not move. Registries agree on no status and no code for it, so their words decide: "immutable"
    /// (Harbor, ECR, Docker Hub, Artifact Registry, Quay), ECR's exception, Nexus' "does not allow updating assets".
    fn is_immutable(&self) -> bool {
        let text = self.text.to_ascii_lowercase();
        ["immutab", "imagetagalreadyexists", "cannot be overwritten", "does not allow updating"]
            .iter()
            .any(|words| text.contains(words))
    }

    /// For people: what was said, or that nothing was.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A page for a browser comes from something that is no registry, or stands before one.
    pub(crate) const fn is_page(&self) -> bool {
        self.page
    }
}

/// The kind of a refusal: by status, and by the registry's own words where they say more. `absent` says whether a 404
/// is a registry's word that there is no such thing.
pub(crate) fn kind(status: StatusCode, said: &Said, absent: bool, retry_after: Option<Duration>) -> PortErrorKind {
    match status.as_u16() {
        404 if absent => PortErrorKind::NotFound,
        // An upload that ended, perhaps with success: another one may begin.
        404 if said.has(&["BLOB_UPLOAD_UNKNOWN"]) => PortErrorKind::Unavailable,
        429 => PortErrorKind::RateLimited { retry_after },
        400..=499 if said.has(&["TOOMANYREQUESTS"]) => PortErrorKind::RateLimited { retry_after },
        400 | 403 | 405 | 409 | 412 | 422 if said.is_immutable() => PortErrorKind::Immutable,
        401 | 407 => PortErrorKind::Unauthorized,
        // What is left of 409 and 412 is a policy's no, such as Harbor's about vulnerable images.
        403 | 409 | 412 | 451 => PortErrorKind::Forbidden,
        405 | 501 => PortErrorKind::Unsupported,
        400..=499 if said.has(&["UNSUPPORTED"]) => PortErrorKind::Unsupported,
        408 | 425 | 500..=599 => PortErrorKind::Unavailable,
        _ => PortErrorKind::Invalid,
    }
}

/// Whether an answer is a page for a browser, whatever its status says.
pub(crate) fn is_page(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|kind| kind.starts_with("text/html"))
}

/// The media type of an answer, in lower case.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(CONTENT_TYPE)?.to_str().ok()?.trim().to_ascii_lowercase())
}

fn page(body: &str, html: bool, secrets: &[Secret]) -> String {
    let lower = body.to_ascii_lowercase();
    if !html && !lower.contains("<html") && !lower.starts_with("<!doctype html") {
        // What a blob store answers.
        let code = between(body, &lower, "<code>", "</code>").map(|code| format!(" ({})", shown::text(code, secrets)));
        return format!("an XML document{}", code.unwrap_or_default());
    }
    let title =
        between(body, &lower, "<title", "</title").and_then(|title| title.split_once('>')).map(|(_, title)| title);
    match title.map(|title| shown::text(title, secrets)).filter(|title| !title.is_empty() && !title.contains('<')) {
        Some(title) => format!("an HTML page titled \"{title}\""),
        None => "an HTML page".to_owned(),
    }
}

fn between<'a>(body: &'a str, lower: &str, start: &str, end: &str) -> Option<&'a str> {
    let from = lower.find(start)? + start.len();
    let to = from + lower.get(from..)?.find(end)?;
    body.get(from..to)
}

#[cfg(test)]
#[path = "refusal/tests.rs"]
mod tests;
