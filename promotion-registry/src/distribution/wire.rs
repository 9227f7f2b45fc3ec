//! One request and its answer: redirects, timeouts, the observer. No retries, and no thought about who we are.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};

use super::answer::rest;
use super::failure::Failure;
use super::transport::Body;
use super::upload::{Progress, Watched};
use super::{Exchange, Options, redirect, shown, tls};

/// What is sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// `None` once a body that cannot be sent twice was sent.
    pub(crate) body: Option<Body>,
    /// The one host that may learn who we are.
    pub(crate) home: &'a Url,
}

impl Outgoing<'_> {
    /// Whether it can be sent again.
    pub(crate) const fn replayable(&self) -> bool {
        matches!(self.body, Some(Body::Empty | Body::Bytes(_)))
    }

    fn take_body(&mut self) -> Result<Body, Failure> {
        let body = match &self.body {
            Some(Body::Empty) => Some(Body::Empty),
            Some(Body::Bytes(bytes)) => Some(Body::Bytes(bytes.clone())),
            _ => self.body.take(),
        };
        body.ok_or_else(|| Failure::new(PortErrorKind::Unavailable, "what is sent once cannot be sent again"))
    }
}

/// Connections, and how they are used.
pub(crate) struct Wire {
    http: reqwest::Client,
    options: Options,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client would show its proxies and their passwords.
        f.debug_struct("Wire").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(options: Options) -> Result<Self, PortError> {
        Ok(Self { http: tls::client(&options)?, options })
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// Sends a request, and goes where the answer says; `authorization` goes home and nowhere else.
    pub(crate) async fn send(
        &self,
        outgoing: &mut Outgoing<'_>,
        authorization: Option<&HeaderValue>,
        attempt: u32,
    ) -> Result<Response, Failure> {
        let mut url = outgoing.url.clone();
        let mut trusted = true;
        for _ in 0..=redirect::HOPS {
            // Once away from home, whoever was asked decides where it goes: then it is never attached again.
            trusted &= url.origin() == outgoing.home.origin();
            let mut response = self.exchange(outgoing, &url, authorization.filter(|_| trusted), attempt).await?;
            let replayable = outgoing.replayable();
            match redirect::next(&outgoing.method, replayable, response.status(), response.headers(), &url) {
                Ok(None) => return Ok(response),
                Ok(Some(next)) => {
                    url = next;
                    rest(&mut response, self.options.timeouts.stall).await;
                }
                Err(reason) => return Err(Failure::new(PortErrorKind::Invalid, reason)),
            }
        }
        let message = format!("{} redirects without end (more than {})", shown::url(&outgoing.url), redirect::HOPS);
        Err(Failure::new(PortErrorKind::Invalid, message))
    }

    async fn exchange(
        &self,
        outgoing: &mut Outgoing<'_>,
        url: &Url,
        authorization: Option<&HeaderValue>,
        attempt: u32,
    ) -> Result<Response, Failure> {
        let mut request = self.http.request(outgoing.method.clone(), url.clone()).headers(outgoing.headers.clone());
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let (request, progress) = attach(request, outgoing.take_body()?, &outgoing.method);
        let outcome = self.wait(request, progress.as_deref(), url).await;
        self.observe(&outgoing.method, url, outcome.as_ref().ok(), attempt);
        outcome
    }

    /// Waits for the answer to begin: as long as the body makes progress, and then no longer than allowed.
    async fn wait(&self, request: RequestBuilder, progress: Option<&Progress>, url: &Url) -> Result<Response, Failure> {
        let timeouts = &self.options.timeouts;
        let mut sending = pin!(request.send());
        loop {
            let patience = progress.map_or(timeouts.answer, |progress| progress.patience(timeouts));
            let mark = progress.and_then(Progress::mark);
            match tokio::time::timeout(patience, &mut sending).await {
                Ok(outcome) => return outcome.map_err(|error| Failure::of(error, url)),
                Err(_) if progress.is_some_and(|progress| progress.mark().is_none() || progress.mark() != mark) => {}
                Err(_) => return Err(Failure::late(format!("no answer from {} in {patience:?}", shown::host(url)))),
            }
        }
    }

    fn observe(&self, method: &Method, url: &Url, response: Option<&Response>, attempt: u32) {
        if let Some(observer) = &self.options.observer {
            let status = response.map(|response| response.status().as_u16());
            observer.0(&Exchange { method: method.as_str(), url: &shown::url(url), status, attempt });
        }
    }
}

fn attach(request: RequestBuilder, body: Body, method: &Method) -> (RequestBuilder, Option<Arc<Progress>>) {
    match body {
        // Some registries want to be told that nothing follows.
        Body::Empty if matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
            (request.header(CONTENT_LENGTH, 0), None)
        }
        Body::Empty => (request, None),
        Body::Bytes(bytes) => {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let (body, progress) = Watched::new(bytes.into(), length);
            (request.body(reqwest::Body::wrap(body)), Some(progress))
        }
        Body::Stream { length, body } => {
            let (body, progress) = Watched::new(body, length);
            (request.body(reqwest::Body::wrap(body)), Some(progress))
        }
    }
}
