//! Sends a request until there is an answer worth having: authentication, retries, redirects, limits.

use bytes::Bytes;
use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};

use super::{Options, refusal};

/// What a request may do: the scope of the token it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
    Delete,
}

/// Whether it is harmless to send a request again when nobody knows what became of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Harmless,
    /// Sent again only when it certainly was not carried out: 401, 429, no connection.
    Harmful,
}

/// What is sent.
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// Sent once, whatever happens: `length` bytes.
    Stream {
        length: u64,
        body: reqwest::Body,
    },
}

/// A request.
pub(crate) struct Call<'a> {
    /// For people: `put tag 1.4.0 in oci://…`.
    pub(crate) attempted: &'a str,
    /// The repository's name, for the token's scope.
    pub(crate) path: &'a str,
    pub(crate) access: Access,
    pub(crate) repeat: Repeat,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// An answer of any status that another attempt would not change. Its place among the concurrent requests is kept
/// until it is dropped.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    attempted: String,
    response: reqwest::Response,
}

impl Answer {
    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, PortError> {
        self.response.chunk().await.map_err(|error| {
            PortError::new(PortErrorKind::Unavailable, &self.attempted, "the answer broke off")
                .with_source(error.without_url())
        })
    }

    /// The whole body, if it is no longer than `limit`.
    pub(crate) async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, PortError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                let message = format!("the answer is longer than {limit} bytes");
                return Err(PortError::new(PortErrorKind::Corrupt, self.attempted, message));
            }
        }
        Ok(bytes)
    }

    /// An answer that is none of those expected, as an error: what the registry said, without markup.
    pub(crate) async fn refused(self) -> PortError {
        let message = format!("{} answered {}", self.url, self.status);
        PortError::new(refusal::kind(self.status), self.attempted, message)
    }
}

/// Connections, tokens and limits.
#[derive(Debug)]
pub(crate) struct Transport {
    options: Options,
    http: reqwest::Client,
}

impl Transport {
    pub(crate) fn new(options: Options) -> Result<Self, PortError> {
        // Whoever embeds us may have installed a provider: theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().build().map_err(|error| {
            PortError::new(PortErrorKind::Invalid, "set up HTTP", "the client cannot be made").with_source(error)
        })?;
        Ok(Self { options, http })
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// Sends a request: with a token where the registry asks for one, again where that may help and does no harm.
    ///
    /// Any status that is left is an answer, not an error; the caller knows which it expects.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, PortError> {
        let mut request = self.http.request(call.method, call.url.clone()).headers(call.headers);
        request = match call.body {
            Body::Empty => request,
            Body::Bytes(bytes) => request.body(bytes),
            Body::Stream { length, body } => request.header("content-length", length).body(body),
        };
        let response = request.send().await.map_err(|error| {
            PortError::new(PortErrorKind::Unavailable, call.attempted, "no answer").with_source(error.without_url())
        })?;
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            url: response.url().clone(),
            attempted: call.attempted.to_owned(),
            response,
        })
    }
}
