//! A request that got no answer, before it is known whose it was.

use std::error::Error;
use std::io;
use std::sync::Arc;

use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::Url;

use super::shown;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    kind: PortErrorKind,
    message: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
    /// What is worth another attempt.
    pub(crate) passing: Passing,
}

/// Whether another attempt may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// No.
    Never,
    /// It may, but the request may have been carried out.
    Perhaps,
    /// It may, and the request was not carried out.
    NotSent,
}

impl Failure {
    pub(crate) fn new(kind: PortErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None, passing: Passing::Never }
    }

    /// Nothing came back in time.
    pub(crate) fn late(message: String) -> Self {
        Self { passing: Passing::Perhaps, ..Self::new(PortErrorKind::Unavailable, message) }
    }

    /// What the client says of a request to `url`.
    pub(crate) fn of(error: reqwest::Error, url: &Url) -> Self {
        let host = shown::host(url);
        let (kind, passing, message) = if let Some(reason) = tls(&error) {
            (PortErrorKind::Unavailable, Passing::Never, format!("no trusted connection to {host}: {reason}"))
        } else if error.is_builder() {
            (PortErrorKind::Invalid, Passing::Never, format!("the request to {host} cannot be made"))
        } else if error.is_connect() {
            (PortErrorKind::Unavailable, Passing::NotSent, format!("no connection to {host}"))
        } else {
            (PortErrorKind::Unavailable, Passing::Perhaps, format!("the connection to {host} broke off"))
        };
        // What rustls says is in the message already.
        let source = (!message.contains("trusted")).then(|| Arc::new(error.without_url()) as _);
        Self { kind, message, source, passing }
    }

    /// The same failure, with what is worth another attempt.
    pub(crate) fn passing(self, passing: Passing) -> Self {
        Self { passing, ..self }
    }

    /// The same failure, with whose it was.
    pub(crate) fn about(self, whom: &str) -> Self {
        Self { message: format!("{whom}: {}", self.message), ..self }
    }

    pub(crate) const fn kind(&self) -> &PortErrorKind {
        &self.kind
    }

    /// The same failure, told as one of `attempted`.
    pub(crate) fn attempting(self, attempted: &str) -> PortError {
        let error = PortError::new(self.kind, attempted, self.message);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// What TLS has against the other side: another attempt would find the same.
fn tls(error: &reqwest::Error) -> Option<String> {
    match error.source().and_then(rustls_error)? {
        rustls::Error::InvalidCertificate(reason) => Some(format!("its certificate is not accepted ({reason})")),
        // Plain HTTP on the other side looks like this.
        rustls::Error::InvalidMessage(_) => {
            Some("it does not speak TLS; a registry without it needs plain HTTP".to_owned())
        }
        _ => None,
    }
}

/// Looks for it along the causes, and in those that hide theirs.
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let hidden = hidden.and_then(|hidden| rustls_error(hidden));
    error.downcast_ref().or(hidden).or_else(|| error.source().and_then(rustls_error))
}
