//! A registry's answer.

use std::time::Duration;

use bytes::Bytes;
use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode, Url};

use super::credentials::Secret;
use super::refusal::{self, Said};
use super::{retry, shown};

/// Bytes of a refusal that are read: more is no error message.
const LONGEST_REFUSAL: usize = 64 << 10;

/// An answer of any status that another attempt would not change.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    attempted: String,
    /// How long to wait for the next bytes.
    stall: Duration,
    body: Body,
    /// Absent when it is no refusal.
    refusal: Option<Box<Refusal>>,
}

enum Body {
    Coming(Box<Response>),
    /// Of a refusal, read already; taken by the first who asks.
    Read(Option<Bytes>),
}

struct Refusal {
    kind: PortErrorKind,
    message: String,
    retry_after: Option<Duration>,
    no_repository: bool,
    /// It broke off before it said what it means.
    torn: bool,
}

/// What is known of the request that was answered.
pub(crate) struct Asked<'a> {
    pub(crate) attempted: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) home: &'a Url,
    pub(crate) stall: Duration,
    pub(crate) secrets: &'a [Secret],
    pub(crate) hint: Option<String>,
}

impl Answer {
    /// Reads the answer's head, and all of a refusal.
    pub(crate) async fn read(mut response: Response, asked: Asked<'_>) -> Self {
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        let (body, refusal) = if status.is_success() {
            (Body::Coming(Box::new(response)), None)
        } else {
            let (bytes, whole) = rest(&mut response, asked.stall).await;
            let refusal = Refusal::read(&headers, &url, status, (&bytes, whole), &asked);
            (Body::Read(Some(bytes).filter(|bytes| !bytes.is_empty())), Some(Box::new(refusal)))
        };
        Self { status, headers, url, attempted: asked.attempted.to_owned(), stall: asked.stall, body, refusal }
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, PortError> {
        let response = match &mut self.body {
            Body::Read(bytes) => return Ok(bytes.take()),
            Body::Coming(response) => response,
        };
        let unavailable = |message: String| PortError::new(PortErrorKind::Unavailable, &self.attempted, message);
        match tokio::time::timeout(self.stall, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => {
                let message = format!("the answer of {} broke off", shown::host(&self.url));
                Err(unavailable(message).with_source(error.without_url()))
            }
            Err(_) => {
                let stall = self.stall;
                Err(unavailable(format!("no more of the answer of {} in {stall:?}", shown::host(&self.url))))
            }
        }
    }

    /// Whether the registry says that there is no such thing: a 404 of its own. One of a proxy, a web page or a blob
    /// store behind a redirect says nothing about the registry's content.
    pub(crate) fn is_absent(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.kind == PortErrorKind::NotFound)
    }

    /// Whether its head alone shows that it is a registry's: proxies and load balancers answer pages, text, or nothing.
    pub(crate) fn is_of_a_registry(&self) -> bool {
        let json = refusal::content_type(&self.headers).is_some_and(|kind| kind.starts_with("application/json"));
        json || self.headers.contains_key("docker-distribution-api-version")
    }

    /// Whether the registry says that there is no such repository, rather than nothing of that name in it.
    pub(crate) fn is_no_repository(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.no_repository)
    }

    /// Whether it is a refusal that broke off before it said what it means.
    pub(crate) fn is_torn(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.torn)
    }

    /// How long the registry asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.refusal.as_ref().and_then(|refusal| refusal.retry_after)
    }

    /// An answer that is none of those expected, as an error: what the registry said, without markup.
    #[expect(clippy::unused_async, reason = "callers need not know that a refusal is read already")]
    pub(crate) async fn refused(self) -> PortError {
        self.into_error()
    }

    /// [`Answer::refused`], at once.
    pub(crate) fn into_error(self) -> PortError {
        let Self { status, url, attempted, refusal, .. } = self;
        let Some(refusal) = refusal else {
            let message = format!("{} answered {}, which is not expected here", shown::url(&url), status.as_u16());
            return PortError::new(PortErrorKind::Invalid, attempted, message);
        };
        PortError::new(refusal.kind, attempted, refusal.message)
    }
}

impl Refusal {
    fn read(
        headers: &HeaderMap,
        url: &Url,
        status: StatusCode,
        (bytes, whole): (&[u8], bool),
        asked: &Asked<'_>,
    ) -> Self {
        let said = Said::read(headers, bytes, asked.secrets);
        let retry_after = retry::asked(headers, &String::from_utf8_lossy(bytes));
        // A registry answers for its content from its own host; elsewhere a redirect led to something else.
        let absent = url.origin() == asked.home.origin()
            && (said.is_absence() || (whole && said.is_silent() && may_be_silent(headers, asked.method)));
        let mut kind = refusal::kind(status, &said, absent, retry_after);
        // What decides may be in the part that is missing.
        let torn = !whole && !said.is_told() && matches!(status.as_u16(), 400 | 404 | 405 | 409 | 412 | 422);
        if torn {
            kind = PortErrorKind::Unavailable;
        }
        let whose = matches!(kind, PortErrorKind::Unauthorized | PortErrorKind::Forbidden);
        let hint = asked.hint.as_deref().filter(|_| whose);
        let mut message = message(url, status, &said, hint);
        if torn {
            message.push_str("; the answer broke off");
        }
        Self { message, kind, retry_after, no_repository: said.is_no_repository(), torn }
    }
}

fn message(url: &Url, status: StatusCode, said: &Said, hint: Option<&str>) -> String {
    let mut message = format!("{} answered {}", shown::url(url), status.as_u16());
    match said.text() {
        "" => message.extend(status.canonical_reason().map(|reason| format!(" {reason}"))),
        text => message.extend([": ", text]),
    }
    if said.is_page() {
        message.push_str("; is this a registry?");
    }
    message.extend(hint.map(|hint| format!("; {hint}")));
    message
}

/// HEAD has no body; an answer to GET without one must show otherwise that it is a registry's.
fn may_be_silent(headers: &HeaderMap, method: &Method) -> bool {
    !refusal::is_page(headers) && (*method == Method::HEAD || headers.contains_key("docker-distribution-api-version"))
}

/// What there is of a body that is only read for what it may say, or so that the connection serves again; it may break
/// off, or take too long in all, for the status says what matters, mostly: whether it did not is the second answer.
pub(crate) async fn rest(response: &mut Response, stall: Duration) -> (Bytes, bool) {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < LONGEST_REFUSAL {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        true
    };
    let whole = tokio::time::timeout(stall, read).await.unwrap_or(false);
    bytes.truncate(LONGEST_REFUSAL);
    (bytes.into(), whole)
}
