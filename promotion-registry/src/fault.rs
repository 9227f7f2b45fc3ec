//! Failures below the port: what went wrong and where, before it is known which operation was attempted.

use std::fmt::Display;
use std::io;
use std::path::Path;

use promotion_core::ports::{PortError, PortErrorKind};

/// A failure that still lacks the operation it belongs to.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: PortErrorKind,
    message: String,
    source: Option<io::Error>,
}

impl Fault {
    pub(crate) fn new(kind: PortErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Content that is not what it should be, with the file that holds it.
    pub(crate) fn corrupt(path: &Path, what: impl Display) -> Self {
        Self::new(PortErrorKind::Corrupt, format!("{}: {what}", path.display()))
    }

    /// A failed system call: `doing` says to what end, the source says why.
    pub(crate) fn io(doing: &str, path: &Path, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => PortErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => PortErrorKind::Forbidden,
            // A file where a folder should be: trying again will not help.
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => PortErrorKind::Invalid,
            _ => PortErrorKind::Unavailable,
        };
        let message = format!("cannot {doing} {}", path.display());
        Self { kind, message, source: Some(error) }
    }

    /// The same failure, told as one of `attempted`.
    pub(crate) fn attempting(self, attempted: impl Into<String>) -> PortError {
        let error = PortError::new(self.kind, attempted, self.message);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// Runs work on files on a thread where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            Err(Fault::new(PortErrorKind::Unavailable, format!("the thread that did the work ended early: {error}")))
        }
    }
}
