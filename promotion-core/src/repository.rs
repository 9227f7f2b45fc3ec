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
use core::net::Ipv6Addr;
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
    /// User information before the host. It may be a password, so nothing is repeated.
    #[error("the repository has user information before its host; name the host alone, and log in to it")]
    UserInformation,
    /// Nothing where the host should be.
    #[error("repository {0:?} has no host")]
    Host(String),
    /// The host is none.
    #[error("{host:?} in repository {repository:?} is not a host: {why}")]
    NotHost {
        /// The offending host, with its port.
        host: String,
        /// What is wrong with it.
        why: &'static str,
        /// The whole text.
        repository: String,
    },
    /// The path is empty.
    #[error("repository {0:?} has no path")]
    Path(String),
    /// A slash at the end.
    #[error("repository {0:?} ends with a slash; leave it away")]
    Slash(String),
    /// A component of the name is not lower-case alphanumeric with single separators.
    #[error(
        "component {component:?} of repository {repository:?} is not a repository name component: lower-case letters \
         and digits, separated by one of . _ __ or by dashes"
    )]
    Component {
        /// The offending component.
        component: String,
        /// The whole text.
        repository: String,
    },
    /// A tag or digest where only a repository belongs.
    #[error("repository {0:?} carries a tag or digest; name the repository alone")]
    Reference(String),
    /// Longer than clients take.
    #[error("host and name of the repository have {0} characters; clients take {LONGEST} at most")]
    Length(usize),
}

/// What most clients take of host, slash and name together (OCI distribution specification, "Pulling manifests").
const LONGEST: usize = 255;

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        if let Some(path) = text.strip_prefix("ocidir://") {
            return match path {
                "" => Err(RepositoryError::Path(text.to_string())),
                path => Ok(Self::Layout { path: path.to_string() }),
            };
        }
        if has_user_information(text) {
            return Err(RepositoryError::UserInformation);
        }
        let rest = text.strip_prefix("oci://").ok_or_else(|| RepositoryError::Scheme(text.to_string()))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        check_host(host, text)?;
        check_path(path, text)?;
        match rest.len() {
            // A host in capitals is the same host (RFC 3986, 3.2.2).
            ..=LONGEST => Ok(Self::Oci { host: host.to_ascii_lowercase(), path: path.to_string() }),
            length => Err(RepositoryError::Length(length)),
        }
    }
}

/// An at sign is a digest's, unless a host follows it: passwords may hold slashes.
fn has_user_information(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let Some((before, after)) = rest.rsplit_once('@') else { return false };
    !before.contains('/') || after.contains('/')
}

fn check_host(host: &str, text: &str) -> Result<(), RepositoryError> {
    if host.is_empty() {
        return Err(RepositoryError::Host(text.to_string()));
    }
    let not = |why| RepositoryError::NotHost { host: host.to_string(), why, repository: text.to_string() };
    if !host.is_ascii() {
        return Err(not("it has letters that are not ASCII; write it in Punycode (xn--…)"));
    }
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => (None, port),
        Some(_) => return Err(not("what is in brackets is no IPv6 address")),
        None if host.matches(':').count() > 1 => return Err(not("an IPv6 address is written in brackets")),
        None => host.split_once(':').map_or((Some(host), ""), |(name, _)| (Some(name), &host[name.len()..])),
    };
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return Err(not("its port is no number from 1 to 65535"));
    }
    if name.is_some_and(|name| !name.split('.').all(is_label)) {
        return Err(not("it is made of letters, digits, dots and dashes, with a letter or digit around each dot"));
    }
    Ok(())
}

/// Digits only: a number's parser also takes signs.
fn is_port(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A label of a domain's name (RFC 1123, 2.1).
fn is_label(label: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = label.as_bytes();
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn check_path(path: &str, text: &str) -> Result<(), RepositoryError> {
    if path.is_empty() {
        return Err(RepositoryError::Path(text.to_string()));
    }
    if path.contains([':', '@']) {
        return Err(RepositoryError::Reference(text.to_string()));
    }
    match path.split('/').find(|component| !is_name_component(component)) {
        None => Ok(()),
        Some("") if path.ends_with('/') && !path.contains("//") => Err(RepositoryError::Slash(text.to_string())),
        Some(component) => {
            Err(RepositoryError::Component { component: component.to_string(), repository: text.to_string() })
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Repository>().unwrap_err().to_string()
    }

    #[test]
    fn hosts_of_every_kind_are_taken() {
        let hosts =
            ["ghcr.io", "localhost", "r:5000", "1.dkr.ecr.eu-central-1.amazonaws.com", "xn--rgistry-bya.example"];
        for host in hosts.into_iter().chain(["127.0.0.1:65535", "[::1]", "[2001:db8::1]:5000", "[::ffff:1.2.3.4]:1"]) {
            let text = format!("oci://{host}/acme/platform");
            assert_eq!(text.parse::<Repository>().unwrap().to_string(), text);
        }
        let shouted = "oci://GHCR.io/acme".parse::<Repository>().unwrap();
        assert_eq!(shouted, "oci://ghcr.io/acme".parse().unwrap(), "the same host is the same repository");
    }

    #[test]
    fn what_is_no_host_says_why() {
        for (host, why) in [
            ("r:", "no number from 1 to 65535"),
            ("r:0", "no number from 1 to 65535"),
            ("r:65536", "no number from 1 to 65535"),
            ("r:+80", "no number from 1 to 65535"),
            ("r:http", "no number from 1 to 65535"),
            ("[::1]5000", "no number from 1 to 65535"),
            ("::1", "written in brackets"),
            ("[::g]", "no IPv6 address"),
            ("[::1", "written in brackets"),
            ("[::1%25eth0]", "no IPv6 address"),
            ("régistry.example", "Punycode"),
            ("ghcr.io。", "Punycode"),
            ("r?x=", "letters, digits, dots and dashes"),
            ("r#x", "letters, digits, dots and dashes"),
            ("r%2f", "letters, digits, dots and dashes"),
            ("r\\x", "letters, digits, dots and dashes"),
            ("r\n", "letters, digits, dots and dashes"),
            ("r.", "letter or digit around each dot"),
            ("a..b", "letter or digit around each dot"),
            ("-a", "letter or digit around each dot"),
            ("..", "letter or digit around each dot"),
            ("a_b", "letters, digits, dots and dashes"),
        ] {
            let error = refused(&format!("oci://{host}/acme"));
            assert!(error.contains("is not a host") && error.contains(why), "{host}: {error}");
        }
        assert!(refused("oci:///acme").contains("has no host"));
    }

    #[test]
    fn names_are_those_of_the_specification() {
        for name in ["a", "a/b/c", "a.b_c__d-e---f", "0", "v2/tags/list"] {
            assert!(format!("oci://r.example/{name}").parse::<Repository>().is_ok(), "{name}");
        }
        for name in [
            "A", "a/../b", "a/./b", "..", "a//b", "/a", "a___b", "a._b", ".a", "-a", "a-", "ü", "a b", "a%2fb", "a?n=1",
        ] {
            assert!(refused(&format!("oci://r.example/{name}")).contains("lower-case letters"), "{name}");
        }
        assert!(refused("oci://r.example/a/").contains("ends with a slash"));
        for text in ["oci://r.example", "oci://r.example/"] {
            assert!(refused(text).contains("has no path"), "{text}");
        }
        let digest = format!("oci://r.example/a@{}", crate::Digest::of(b"x"));
        for text in ["oci://r.example/a:1.0.0", "oci://r.example/a@1.0.0", &digest] {
            assert!(refused(text).contains("a tag or digest"), "{text}");
        }
    }

    #[test]
    fn a_scheme_is_one_of_two_and_written_out() {
        for text in [
            "",
            "r.example/a",
            "OCI://r.example/a",
            "oci:/r.example/a",
            "oci:r.example/a",
            "https://r.example/a",
            " oci://r.example/a",
        ] {
            assert!(refused(text).contains("neither oci:// nor ocidir://"), "{text}");
        }
    }

    #[test]
    fn host_and_name_have_255_characters_at_most() {
        let name = |length: usize| format!("oci://r.example/{}", "a".repeat(length - "r.example/".len()));
        assert!(name(255).parse::<Repository>().is_ok());
        assert!(refused(&name(256)).contains("have 256 characters"));
    }

    #[test]
    fn a_password_is_never_repeated() {
        for text in [
            "oci://me:s3cret@r.example/a",
            "oci://me:s3cret@r.example",
            "oci://s3cret@r.example/a:1",
            "oci://me:s3c/s3cret@r.example/a",
            "https://me:s3cret@r.example/a",
            "me:s3cret@r.example/a",
        ] {
            let error = refused(text);
            assert!(error.contains("user information") && !error.contains("s3cret"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_a_url_with_that_host_and_name(text in "oci://[a-z0-9.:/@_\\[\\]?#%\\\\A-]{0,20}/[a-z0-9._/-]{0,12}") {
            if let Ok(repository) = text.parse::<Repository>() {
                prop_assert_eq!(repository.to_string().parse::<Repository>(), Ok(repository.clone()));
                let Repository::Oci { host, path } = repository else { unreachable!() };
                prop_assert!(!host.contains(['/', '?', '#', '@', '\\', '%']) && !path.contains(['?', '#', '%', '@', ':']));
                prop_assert!(path.split('/').all(|component| !component.is_empty() && component != ".."));
            }
        }
    }
}
