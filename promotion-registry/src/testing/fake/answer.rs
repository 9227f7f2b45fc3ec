//! Answers in the words of the specification.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use promotion_core::Digest;
use reqwest::Url;
use serde_json::{Value, json};

/// The header that tells the digest of what is answered.
pub(super) const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}

pub(super) fn json(status: StatusCode, body: impl ToString) -> Response<Bytes> {
    let mut answer = empty(status);
    *answer.body_mut() = Bytes::from(body.to_string());
    with(answer, CONTENT_TYPE, "application/json")
}

/// An error with one of the specification's codes, or of the registry that is imitated.
pub(super) fn error(status: StatusCode, code: &str, message: &str, detail: Value) -> Response<Bytes> {
    json(status, json!({"errors": [{"code": code, "message": message, "detail": detail}]}))
}

/// The answer of a Go server to a path that it does not know.
pub(super) fn not_found() -> Response<Bytes> {
    let mut answer = empty(StatusCode::NOT_FOUND);
    *answer.body_mut() = Bytes::from_static(b"404 page not found\n");
    with(answer, CONTENT_TYPE, "text/plain; charset=utf-8")
}

pub(super) fn unsupported(status: StatusCode) -> Response<Bytes> {
    error(status, "UNSUPPORTED", "The operation is unsupported.", Value::Null)
}

pub(super) fn digest_invalid(digest: &str) -> Response<Bytes> {
    let message = "provided digest did not match uploaded content";
    error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message, json!({"digest": digest}))
}

pub(super) fn name_unknown(repository: &str) -> Response<Bytes> {
    let message = "repository name not known to registry";
    error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message, json!({"name": repository}))
}

pub(super) fn manifest_unknown(reference: &str) -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown", json!({"unknown": reference}))
}

pub(super) fn with(mut answer: Response<Bytes>, name: HeaderName, value: impl ToString) -> Response<Bytes> {
    let value = HeaderValue::from_str(&value.to_string()).expect("a header's value");
    answer.headers_mut().append(name, value);
    answer
}

/// An answer that tells a digest.
pub(super) fn of(status: StatusCode, digest: &Digest) -> Response<Bytes> {
    with(empty(status), DIGEST, digest)
}

/// The values of a parameter of the query, in their order.
pub(super) fn parameters(request: &Request<Bytes>, name: &str) -> Vec<String> {
    let Ok(url) = Url::parse(&format!("http://registry.test{}", request.uri())) else { return Vec::new() };
    url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
}

/// The first value of a parameter of the query.
pub(super) fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    parameters(request, name).into_iter().next()
}

/// A header's value; empty if there is none.
pub(super) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
