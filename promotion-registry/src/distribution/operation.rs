//! One operation of the port: what all its requests have in common.

use std::time::Duration;

use promotion_core::Digest;
use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};

use super::Distribution;
use super::endpoints::Endpoints;
use super::refusal;
use super::shown;
use super::transport::{Access, Answer, Body, Call, Repeat};

/// How many times as long as for its next bytes a whole document is waited for.
const PATIENCE: u32 = 10;

/// An operation, as people know it, and the repository it works on.
pub(super) struct Operation<'a> {
    pub(super) registry: &'a Distribution,
    attempted: String,
}

/// A GET's outcome.
pub(super) enum Got {
    /// Status 200, with the whole body.
    Document(Document),
    /// Anything else.
    Other(Box<Answer>),
}

/// An answer that was read to its end.
pub(super) struct Document {
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    pub(super) body: Vec<u8>,
}

/// That a text is not a list: a derived reader would also take one of the members' values, and `[null]` for a listing of
/// no tags.
pub(super) fn object(text: &[u8]) -> Result<(), String> {
    match text.trim_ascii_start().first() {
        Some(b'[') => Err("a list, not an object".to_owned()),
        _ => Ok(()),
    }
}

/// How much of a document is read, and what it is called when it is larger.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) bytes: usize,
    pub(super) what: &'static str,
}

impl Distribution {
    /// An operation, told as one on this repository.
    pub(super) fn attempting(&self, attempted: String) -> Operation<'_> {
        Operation { registry: self, attempted: format!("{attempted} in {}", self.repository) }
    }
}

impl<'a> Operation<'a> {
    pub(super) fn endpoints(&self) -> &'a Endpoints {
        &self.registry.endpoints
    }

    pub(super) fn error(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        PortError::new(kind, &self.attempted, message)
    }

    pub(super) fn corrupt(&self, message: impl Into<String>) -> PortError {
        self.error(PortErrorKind::Corrupt, message)
    }

    /// A request without a body that may be sent again.
    pub(super) fn call(&self, method: Method, url: Url, access: Access) -> Call<'_> {
        Call {
            attempted: &self.attempted,
            home: self.endpoints().home(),
            path: self.registry.path(),
            access,
            also: None,
            repeat: Repeat::Harmless,
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, PortError> {
        self.registry.transport.send(call).await
    }

    pub(super) async fn head(&self, url: Url, accept: Option<&'static str>) -> Result<Answer, PortError> {
        self.send(self.reading(Method::HEAD, url, accept)).await
    }

    /// Reads a document; one that breaks off half-way is asked for again.
    pub(super) async fn get(&self, url: &Url, accept: Option<&'static str>, limit: Limit) -> Result<Got, PortError> {
        let mut attempt = 1;
        loop {
            let answer = self.send(self.reading(Method::GET, url.clone(), accept)).await?;
            if answer.status != StatusCode::OK {
                return Ok(Got::Other(Box::new(answer)));
            }
            let (headers, at) = (answer.headers.clone(), answer.url.clone());
            match self.read(answer, limit).await {
                Err(error) if *error.kind() == PortErrorKind::Unavailable && attempt < self.attempts() => {
                    self.pause(attempt).await;
                    attempt += 1;
                }
                body => return Ok(Got::Document(Document { headers, url: at, body: body? })),
            }
        }
    }

    /// A 404 that is the registry's own word is `Ok`: anything may answer 404 for what it never heard of.
    pub(super) async fn absent(&self, answer: Answer) -> Result<(), PortError> {
        if answer.is_absent() { Ok(()) } else { Err(answer.refused().await) }
    }

    /// Whoever answers a write with a page for a browser is no registry, and has stored nothing.
    pub(super) fn no_page(&self, headers: &HeaderMap) -> Result<(), PortError> {
        if !refusal::is_page(headers) {
            return Ok(());
        }
        let home = shown::url(self.endpoints().home());
        Err(self.corrupt(format!("{home} answered a write with a page for a browser; is this a registry?")))
    }

    /// The digest that a header names; `None` when there is none or it is unreadable.
    pub(super) fn named_digest(&self, headers: &HeaderMap) -> Option<Digest> {
        headers.get("docker-content-digest")?.to_str().ok()?.trim().parse().ok()
    }

    /// Attempts in all, where this adapter and not the transport decides what is tried again.
    pub(super) fn attempts(&self) -> u32 {
        self.registry.transport.options().retries.attempts.max(1)
    }

    /// Waits after an attempt that failed, at least as long as the registry asks for; false when that is too long.
    pub(super) async fn pause_after(&self, attempt: u32, error: &PortError) -> bool {
        if let PortErrorKind::RateLimited { retry_after: Some(asked) } = error.kind() {
            if *asked > self.registry.transport.options().retries.longest {
                return false;
            }
            tokio::time::sleep(*asked).await;
        }
        self.pause(attempt).await;
        true
    }

    /// Waits after an attempt, counted from 1.
    pub(super) async fn pause(&self, attempt: u32) {
        tokio::time::sleep(self.pause_length(attempt)).await;
    }

    /// How long to wait after an attempt, counted from 1: twice as long each time.
    pub(super) fn pause_length(&self, attempt: u32) -> Duration {
        let retries = &self.registry.transport.options().retries;
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        retries.pause.saturating_mul(factor).min(retries.longest)
    }

    fn reading(&self, method: Method, url: Url, accept: Option<&'static str>) -> Call<'_> {
        let mut call = self.call(method, url, Access::Pull);
        if let Some(accept) = accept {
            call.headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        call
    }

    /// A document that keeps coming, but byte by byte, would be waited for during days.
    async fn read(&self, answer: Answer, limit: Limit) -> Result<Vec<u8>, PortError> {
        let patience = self.registry.transport.options().timeouts.stall.saturating_mul(PATIENCE);
        tokio::time::timeout(patience, self.read_all(answer, limit)).await.unwrap_or_else(|_| {
            let message = format!("{} did not come to its end in {patience:?}", limit.what);
            Err(self.error(PortErrorKind::Unavailable, message))
        })
    }

    async fn read_all(&self, mut answer: Answer, limit: Limit) -> Result<Vec<u8>, PortError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > limit.bytes {
                let message = format!("{} is larger than {} bytes", limit.what, limit.bytes);
                return Err(self.error(PortErrorKind::Unsupported, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The media type of an answer, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next().unwrap_or_default().trim();
    Some(media_type.to_ascii_lowercase()).filter(|media_type| !media_type.is_empty())
}
