//! Commits: what people ask about. A manifest names its commit in full; tags carry a prefix.
//!
//! ```
//! use promotion_core::{Commit, CommitPrefix, Revision};
//!
//! let revision: Revision = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9".parse()?;
//! assert_eq!(revision.branch.as_deref(), Some("main"));
//! assert_eq!(revision.commit.prefix(7), "6f9c0e2");
//! assert!(revision.commit.starts_with(&"6f9c0e2d".parse::<CommitPrefix>()?));
//! assert!("6f9c".parse::<CommitPrefix>().is_err(), "fewer than seven digits say nothing");
//! # Ok::<(), promotion_core::CommitError>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A full commit id: 40 (SHA-1) or 64 (SHA-256) lowercase hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

/// A commit as a person or a tag names it: 7 to 64 lowercase hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitPrefix(String);

/// The annotation `org.opencontainers.image.revision` as Flux writes it: `branch@sha1:<40 hex>`; a bare commit id, as
/// other builders write it, is accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision {
    /// The branch or tag, where it was given.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Commit,
}

/// Why a text is not a commit, prefix or revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Not 40 or 64 lowercase hex digits.
    #[error("commit {0:?} is not 40 or 64 lowercase hex digits")]
    Commit(String),
    /// Not 7 to 64 lowercase hex digits.
    #[error("commit {0:?} is not 7 to 64 lowercase hex digits")]
    Prefix(String),
    /// Not `branch@sha1:<commit>`.
    #[error("revision {0:?} is not BRANCH@sha1:COMMIT with a full commit id")]
    Revision(String),
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Commit {
    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first `len` digits, or all where there are fewer.
    #[must_use]
    pub fn prefix(&self, len: usize) -> &str {
        self.0.get(..len).unwrap_or(&self.0)
    }

    /// Whether the prefix names this commit.
    #[must_use]
    pub fn starts_with(&self, prefix: &CommitPrefix) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

impl CommitPrefix {
    /// The prefix's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Commit> for CommitPrefix {
    fn from(commit: &Commit) -> Self {
        Self(commit.0.clone())
    }
}

impl FromStr for Commit {
    type Err = CommitError;

    fn from_str(text: &str) -> Result<Self, CommitError> {
        if matches!(text.len(), 40 | 64) && is_hex(text) {
            Ok(Self(text.to_string()))
        } else {
            Err(CommitError::Commit(text.to_string()))
        }
    }
}

impl FromStr for CommitPrefix {
    type Err = CommitError;

    fn from_str(text: &str) -> Result<Self, CommitError> {
        if (7..=64).contains(&text.len()) && is_hex(text) {
            Ok(Self(text.to_string()))
        } else {
            Err(CommitError::Prefix(text.to_string()))
        }
    }
}

impl FromStr for Revision {
    type Err = CommitError;

    fn from_str(text: &str) -> Result<Self, CommitError> {
        let invalid = || CommitError::Revision(text.to_string());
        let (branch, commit) = match text.rsplit_once('@') {
            Some(("", _)) => return Err(invalid()),
            Some((branch, commit)) => (Some(branch.to_string()), commit),
            None => (None, text),
        };
        let hex = match commit.split_once(':') {
            Some(("sha1", hex)) if hex.len() == 40 => hex,
            Some(("sha256", hex)) if hex.len() == 64 => hex,
            Some(_) => return Err(invalid()),
            None => commit,
        };
        Ok(Self { branch, commit: hex.parse().map_err(|_| invalid())? })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = if self.commit.0.len() == 40 { "sha1" } else { "sha256" };
        match &self.branch {
            Some(branch) => write!(f, "{branch}@{algorithm}:{}", self.commit),
            None => write!(f, "{algorithm}:{}", self.commit),
        }
    }
}

macro_rules! text_newtype {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = CommitError;

            fn try_from(text: String) -> Result<Self, CommitError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}

text_newtype!(Commit, CommitPrefix, Revision);

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for CommitPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CommitPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
