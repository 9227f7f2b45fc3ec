//! Where a redirect may lead.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::shown;

/// Redirects followed for one request.
pub(crate) const HOPS: usize = 5;

/// Where to go on; `None` when the answer is no redirect. The error says why it is not followed.
pub(crate) fn next(
    method: &Method,
    replayable: bool,
    status: StatusCode,
    headers: &HeaderMap,
    from: &Url,
) -> Result<Option<Url>, String> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(LOCATION) else {
        return Err(format!("{} answered {} without a Location", shown::url(from), status.as_u16()));
    };
    let to = location.to_str().ok().and_then(|location| from.join(location).ok());
    let Some(mut to) = to.filter(|to| matches!(to.scheme(), "http" | "https") && to.has_host()) else {
        return Err(format!("{} redirects to what is no HTTP URL", shown::url(from)));
    };
    shown::forget_user(&mut to);
    match objection(method, replayable, status, from, &to) {
        Some(reason) => Err(format!("{} redirects to {}: {reason}", shown::url(from), shown::url(&to))),
        None => Ok(Some(to)),
    }
}

/// What speaks against following.
fn objection(method: &Method, replayable: bool, status: StatusCode, from: &Url, to: &Url) -> Option<String> {
    if from.scheme() == "https" && to.scheme() == "http" {
        return Some("from TLS to plain HTTP is not followed".to_owned());
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    if from.origin() != to.origin() {
        return Some(format!("a {method} is not sent to another host"));
    }
    if !matches!(status.as_u16(), 307 | 308) {
        return Some(format!("{} would turn a {method} into another method", status.as_u16()));
    }
    (!replayable).then(|| format!("the body of this {method} cannot be sent twice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(method: Method, status: u16, location: &str) -> Result<Option<String>, String> {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        let from = Url::parse("https://r.example/v2/a/blobs/x").unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        Ok(next(&method, true, status, &headers, &from)?.map(String::from))
    }

    #[test]
    fn reads_go_wherever_tls_is_kept() {
        assert_eq!(
            follow(Method::GET, 307, "https://s3.example/b?sig=1"),
            Ok(Some("https://s3.example/b?sig=1".into()))
        );
        assert_eq!(follow(Method::HEAD, 302, "/other"), Ok(Some("https://r.example/other".into())));
        assert_eq!(follow(Method::GET, 307, "https://me:pw@s3.example/b"), Ok(Some("https://s3.example/b".into())));
        assert_eq!(follow(Method::GET, 304, "/other"), Ok(None));
        assert!(follow(Method::GET, 307, "http://s3.example/b?sig=1").unwrap_err().contains("from TLS to plain HTTP"));
        assert!(follow(Method::GET, 307, "file:///etc/passwd").unwrap_err().contains("no HTTP URL"));
    }

    #[test]
    fn writes_stay_with_the_host_and_keep_their_method() {
        assert_eq!(follow(Method::PUT, 308, "/x"), Ok(Some("https://r.example/x".into())));
        assert!(follow(Method::PUT, 307, "https://evil.example/").unwrap_err().contains("another host"));
        assert!(follow(Method::POST, 301, "/x").unwrap_err().contains("another method"));
        assert!(follow(Method::PUT, 307, "https://r.example:8443/").unwrap_err().contains("another host"));
    }

    #[test]
    fn what_refuses_shows_no_signature() {
        let refused = follow(Method::GET, 307, "http://u:p@s3.example/b?X-Amz-Signature=abc").unwrap_err();
        assert!(refused.contains("http://s3.example/b") && !refused.contains("abc") && !refused.contains("u:p"));
    }

    #[test]
    fn a_stream_is_sent_once() {
        let headers = HeaderMap::from_iter([(LOCATION, "/x".parse().unwrap())]);
        let from = Url::parse("https://r.example/").unwrap();
        let refused = next(&Method::PUT, false, StatusCode::TEMPORARY_REDIRECT, &headers, &from).unwrap_err();
        assert!(refused.contains("cannot be sent twice"));
        let missing = next(&Method::GET, true, StatusCode::FOUND, &HeaderMap::new(), &from).unwrap_err();
        assert!(missing.contains("without a Location"));
    }
}
