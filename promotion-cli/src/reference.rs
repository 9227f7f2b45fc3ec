//! A repository, or one artifact in it, as `copy` takes them.
//!
//! `oci://HOST[:PORT]/PATH[:TAG|@DIGEST]`: a colon before the first slash is a port's, one after it a tag's.
//! `ocidir://PATH[:TAG|@DIGEST]`: a colon in the last component is a tag's, so a folder whose own name has a colon is
//! written with a slash at the end; `C:` alone is a drive.

use std::fmt;
use std::str::FromStr;

use promotion_core::{Digest, Repository, Tag};

/// What is named in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// Nothing: the repository as a whole.
    Whole,
    /// A tag.
    Tag(Tag),
    /// A digest.
    Digest(Digest),
}

/// A repository, or one artifact in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) repository: Repository,
    pub(crate) at: At,
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (repository, tag, digest) = if let Some(rest) = text.strip_prefix("oci://") {
            of_registry(rest)
        } else if let Some(path) = text.strip_prefix("ocidir://") {
            of_layout(path)
        } else {
            return Err(no_scheme(text));
        };
        let repository = repository.parse().map_err(|error| format!("{error}"))?;
        let at = match (tag, digest) {
            (None, None) => At::Whole,
            (Some(tag), None) => At::Tag(tag.parse().map_err(|error| format!("{error}"))?),
            (None, Some(digest)) => At::Digest(digest.parse().map_err(|error| format!("{error}"))?),
            (Some(_), Some(_)) => return Err("it has a tag and a digest; expected one of them".to_owned()),
        };
        Ok(Self { repository, at })
    }
}

type Parts<'a> = (String, Option<&'a str>, Option<&'a str>);

fn of_registry(rest: &str) -> Parts<'_> {
    let path = rest.find('/').map_or(rest.len(), |slash| slash + 1);
    let (host, path) = rest.split_at(path);
    let (path, digest) = split(path, path.find('@'));
    let (path, tag) = split(path, path.find(':'));
    (format!("oci://{host}{path}"), tag, digest)
}

fn of_layout(path: &str) -> Parts<'_> {
    let (path, digest) = split(path, path.rfind("@sha256:"));
    let name = path.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    let colon = path[name..].rfind(':').map(|colon| name + colon);
    let drive = colon == Some(1) && path.starts_with(|first: char| first.is_ascii_alphabetic()) && path.len() == 2;
    let (path, tag) = split(path, colon.filter(|_| !drive));
    (format!("ocidir://{path}"), tag, digest)
}

/// What is before a separator of one byte, and what is after it.
fn split(text: &str, at: Option<usize>) -> (&str, Option<&str>) {
    at.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])))
}

fn no_scheme(text: &str) -> String {
    let scheme = if text.starts_with(['.', '/', '~', '\\']) { "ocidir" } else { "oci" };
    let bare = text.split_once("://").map_or(text, |(_, bare)| bare);
    format!("it starts with neither oci:// nor ocidir://; did you mean {scheme}://{bare}?")
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Whole => write!(f, "{}", self.repository),
            At::Tag(tag) => write!(f, "{}:{tag}", self.repository),
            At::Digest(digest) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let Reference { repository, at } = text.parse().unwrap();
        let at = match at {
            At::Whole => String::new(),
            At::Tag(tag) => format!(":{tag}"),
            At::Digest(digest) => format!("@{digest}"),
        };
        (repository.to_string(), at)
    }

    #[test]
    fn a_port_is_no_tag_and_a_drive_is_none_either() {
        let digest = format!("@{}", Digest::of(b"x"));
        let table = [
            ("oci://r.example/acme/x", ""),
            ("oci://localhost:5000/acme/x", ""),
            ("oci://localhost:5000/acme/x", ":1.4.0"),
            ("oci://localhost:5000/acme/x", &digest),
            ("oci://[::1]:5000/acme/x", ":1.4.0"),
            ("ocidir://x", ""),
            ("ocidir://x", ":1.4.0"),
            ("ocidir://./a:b/x", ""),
            ("ocidir://./a:b/x", ":1.4.0"),
            ("ocidir://a:b/", ""),
            ("ocidir://a@b", ""),
            ("ocidir://a@b", &digest),
            ("ocidir://C:", ""),
            (r"ocidir://C:\x", ""),
            (r"ocidir://C:\x", ":1.4.0"),
            ("ocidir:///srv/x", ":1.4.0"),
        ];
        for (repository, at) in table {
            let text = format!("{repository}{at}");
            assert_eq!(parts(&text), (repository.to_owned(), at.to_owned()), "{text}");
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn every_wrong_form_is_told() {
        let digest = Digest::of(b"x");
        let table = [
            ("ghcr.io/acme/x:1".to_owned(), "did you mean oci://ghcr.io/acme/x:1?"),
            ("docker://ghcr.io/acme/x".to_owned(), "did you mean oci://ghcr.io/acme/x?"),
            ("./x:1".to_owned(), "did you mean ocidir://./x:1?"),
            ("oci://ghcr.io".to_owned(), "has no path"),
            ("oci://ghcr.io/".to_owned(), "has no path"),
            ("oci:///acme".to_owned(), "has no host"),
            ("oci://me:secret@ghcr.io/acme".to_owned(), "user information"),
            ("oci://ghcr.io/Acme/x".to_owned(), "component \"Acme\""),
            ("oci://ghcr.io/acme//x".to_owned(), "component \"\""),
            ("oci://ghcr.io/acme/x:".to_owned(), "a tag cannot be empty"),
            ("oci://ghcr.io/acme/x:1.0+meta".to_owned(), "unexpected character '+'"),
            (format!("oci://ghcr.io/acme/x:1@{digest}"), "a tag and a digest"),
            ("oci://ghcr.io/acme/x@1.0".to_owned(), "has no algorithm"),
            ("oci://ghcr.io/acme/x@sha512:00".to_owned(), "not supported"),
            ("oci://ghcr.io/acme/x@sha256:00".to_owned(), "64 lowercase hex digits"),
            ("ocidir://".to_owned(), "has no path"),
            ("ocidir://layout:".to_owned(), "a tag cannot be empty"),
            ("ocidir://x:-".to_owned(), "unexpected character '-'"),
            ("ocidir://x@sha256:00".to_owned(), "64 lowercase hex digits"),
            (format!("ocidir://x:1@{digest}"), "a tag and a digest"),
        ];
        for (text, told) in table {
            let error = text.parse::<Reference>().unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
