//! Where artifacts live: a repository in a registry, or an OCI image layout on disk.
//!
//! ```
//! use promotion_core::Repository;
//!
//! let remote: Repository = "oci://ghcr.io/acme/platform".parse()?;
//! assert_eq!(remote, Repository::Oci { host: "ghcr.io".into(), path: "acme/platform".into() });
//! let local: Repository = "ocidir://./build/platform".parse()?;
//! assert_eq!(local.to_string(), "ocidir://./build/platform");
//! assert!("oci://ghcr.io/acme/platform:latest".parse::<Repository>().is_err());
//! # Ok::<(), promotion_core::RepositoryError>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A repository: one artifact's tags and manifests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Repository {
    /// `oci://HOST[:PORT]/PATH`, as Flux writes it: a repository of a registry.
    Oci {
        /// Host and optional port.
        host: String,
        /// The repository's name (OCI distribution specification, `<name>`).
        path: String,
    },
    /// `ocidir://PATH`: an OCI image-layout folder.
    Layout {
        /// The folder, absolute or relative to the working directory.
        path: String,
    },
}

/// Why a text is not a [`Repository`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Neither `oci://` nor `ocidir://`.
    #[error("repository {0:?} starts with neither oci:// nor ocidir://")]
    Scheme(String),
    /// Nothing where the host should be.
    #[error("repository {0:?} has no host")]
    Host(String),
    /// The path is empty.
    #[error("repository {0:?} has no path")]
    Path(String),
    /// A component of the name is not lower-case alphanumeric with single separators.
    #[error("component {component:?} of repository {repository:?} is not a repository name component")]
    Component {
        /// The offending component.
        component: String,
        /// The whole text.
        repository: String,
    },
    /// A tag or digest where only a repository belongs.
    #[error("repository {0:?} carries a tag or digest; name the repository alone")]
    Reference(String),
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        if let Some(path) = text.strip_prefix("ocidir://") {
            return match path {
                "" => Err(RepositoryError::Path(text.to_string())),
                path => Ok(Self::Layout { path: path.to_string() }),
            };
        }
        let rest = text.strip_prefix("oci://").ok_or_else(|| RepositoryError::Scheme(text.to_string()))?;
        let (host, path) = rest.split_once('/').ok_or_else(|| RepositoryError::Path(text.to_string()))?;
        if host.is_empty() || host.contains(['@', ' ']) {
            return Err(RepositoryError::Host(text.to_string()));
        }
        if path.is_empty() {
            return Err(RepositoryError::Path(text.to_string()));
        }
        if path.contains([':', '@']) {
            return Err(RepositoryError::Reference(text.to_string()));
        }
        if let Some(component) = path.split('/').find(|component| !is_name_component(component)) {
            return Err(RepositoryError::Component { component: component.to_string(), repository: text.to_string() });
        }
        Ok(Self::Oci { host: host.to_string(), path: path.to_string() })
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (OCI distribution specification, "Pulling manifests").
fn is_name_component(component: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
    ends && bytes
        .split(alphanumeric)
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

impl TryFrom<String> for Repository {
    type Error = RepositoryError;

    fn try_from(text: String) -> Result<Self, RepositoryError> {
        text.parse()
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.to_string()
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oci { host, path } => write!(f, "oci://{host}/{path}"),
            Self::Layout { path } => write!(f, "ocidir://{path}"),
        }
    }
}
