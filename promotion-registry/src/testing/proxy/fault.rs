//! What can go wrong with an exchange.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Request, Response, StatusCode, Uri};

use super::{body, forward};
use crate::testing::listener::{Answer, Body, Broken, full};

/// The parameter by which an endless redirect knows itself again.
const HOP: &str = "endless-redirect=";

/// What goes wrong with an exchange.
///
/// Faults that make up an answer (`Reset`, `Status`, `Html` and the redirects) keep the request from the registry, unless
/// they are [after forwarding](Fault::after_forwarding). The others change the registry's own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is reset before any answer. [`Proxy::hang_up`](super::Proxy::hang_up) and
    /// [`nobody`](super::nobody) refuse to connect at all.
    Reset,
    /// The answer breaks off in the middle of its body, with a reset.
    ResetMidBody,
    /// This status, headers and body.
    Status(u16, Vec<(String, String)>, String),
    /// This status with a page of HTML, as load balancers answer.
    Html(u16),
    /// A redirect to the same path, again and again.
    EndlessRedirect,
    /// A redirect to this URL.
    RedirectToOtherHost(String),
    /// Half of the body, as if it were all of it.
    TruncatedJson,
    /// A digest that is not that of the bytes.
    WrongDigest {
        /// The `Docker-Content-Digest` is another one.
        header: bool,
        /// A byte of the body is another one.
        body: bool,
    },
    /// The body comes byte by byte, with this pause before each.
    SlowBody(Duration),
    /// Half of the body comes, and then nothing, on an open connection.
    StalledBody,
    /// The request is forwarded after this time.
    Delay(Duration),
    /// The registry answers first, and is then heard no more: see [`Fault::after_forwarding`].
    AfterForwarding(Box<Fault>),
}

impl Fault {
    /// Only the status, with no headers and no body.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), String::new())
    }

    /// The same after the registry has done what was asked: the write happened, and the client does not learn of it.
    #[must_use]
    pub fn after_forwarding(self) -> Self {
        Self::AfterForwarding(Box::new(self))
    }

    /// The fault that a request carries on, being the next hop of an endless redirect.
    pub(super) fn carried_on(uri: &Uri) -> Option<Self> {
        uri.query()?.contains(HOP).then_some(Self::EndlessRedirect)
    }

    pub(super) async fn apply(self, upstream: &str, request: Request<Incoming>) -> Answer {
        let (fault, after) = match self {
            Self::AfterForwarding(fault) => (*fault, true),
            fault => (fault, false),
        };
        match (fault.made_up(request.uri()), &fault) {
            (Some(answer), _) if after => {
                finish(forward(upstream, request).await?).await?;
                answer
            }
            (Some(answer), _) => answer,
            (None, Self::Delay(time)) if !after => {
                tokio::time::sleep(*time).await;
                forward(upstream, request).await
            }
            (None, _) => fault.alter(forward(upstream, request).await?).await,
        }
    }

    /// The answer of a fault that needs no registry.
    fn made_up(&self, uri: &Uri) -> Option<Answer> {
        match self {
            Self::Reset => Some(Err(Broken)),
            Self::Status(status, headers, body) => Some(Ok(made_up(*status, headers, body))),
            Self::Html(status) => {
                let headers = [(CONTENT_TYPE.to_string(), "text/html".to_owned())];
                Some(Ok(made_up(*status, &headers, "<html><body><h1>something is wrong</h1></body></html>")))
            }
            Self::EndlessRedirect => Some(Ok(redirect(next_hop(uri)))),
            Self::RedirectToOtherHost(url) => Some(Ok(redirect(url.clone()))),
            _ => None,
        }
    }

    /// What becomes of the registry's answer.
    async fn alter(self, answer: Response<Body>) -> Answer {
        match self {
            Self::ResetMidBody => Ok(answer.map(|it| body::broken(it, true))),
            Self::StalledBody => Ok(answer.map(|it| body::broken(it, false))),
            Self::SlowBody(pause) => Ok(answer.map(|it| body::dribbling(it, pause))),
            Self::TruncatedJson => truncated(answer).await,
            Self::WrongDigest { header, body } => Ok(with_wrong_digest(answer, header, body)),
            Self::Delay(time) => {
                tokio::time::sleep(time).await;
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }
}

/// Reads an answer to its end, so that the registry is done with the request.
async fn finish(answer: Response<Body>) -> Result<(), Broken> {
    answer.into_body().collect().await.map(|_| ())
}

fn made_up(status: u16, headers: &[(String, String)], body: &str) -> Response<Body> {
    let mut answer = Response::new(full(body.to_owned()));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        answer.headers_mut().append(name, value.parse().expect("a header's value"));
    }
    answer
}

fn redirect(to: String) -> Response<Body> {
    made_up(StatusCode::TEMPORARY_REDIRECT.as_u16(), &[(LOCATION.to_string(), to)], "")
}

/// The same path with the number of the hop, so that no client takes it for the page that it has just left.
fn next_hop(uri: &Uri) -> String {
    let hop = uri.query().and_then(|query| query.split_once(HOP)).and_then(|(_, hop)| hop.parse::<u64>().ok());
    format!("{}?{HOP}{}", uri.path(), hop.unwrap_or_default() + 1)
}

async fn truncated(answer: Response<Body>) -> Answer {
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let bytes = body.collect().await?.to_bytes();
    Ok(Response::from_parts(parts, full(bytes.slice(..bytes.len() / 2))))
}

fn with_wrong_digest(answer: Response<Body>, header: bool, body: bool) -> Response<Body> {
    let (mut parts, bytes) = answer.into_parts();
    if header {
        let wrong = format!("sha256:{}", "0".repeat(64));
        let wrong = HeaderValue::from_str(&wrong).expect("a header's value");
        parts.headers.insert("docker-content-digest", wrong);
    }
    let bytes = if body { body::altered(bytes) } else { bytes };
    Response::from_parts(parts, bytes)
}
