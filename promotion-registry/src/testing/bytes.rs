//! What strangers' bytes are read as: the readers of this crate, without the registries and files around them.
//!
//! ```
//! use promotion_registry::testing::bytes::{Challenge, challenge, next_page, tags};
//!
//! assert_eq!(tags(br#"{"name":"acme/platform","tags":["0.1.0"]}"#), Some(vec!["0.1.0".to_owned()]));
//! assert_eq!(next_page(&[br#"</v2/a/tags/list?last=x>; rel="next""#]), Ok(Some("/v2/a/tags/list?last=x".to_owned())));
//! assert_eq!(challenge(&[b"Basic realm=x"]), Ok(Challenge::Basic));
//! ```

use std::path::Path;

use promotion_core::manifest::Descriptor;
use promotion_core::{Digest, Tag};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LINK, WWW_AUTHENTICATE};

use crate::distribution::docker_config::File;
use crate::distribution::{Credential, challenge as challenges, link, listing, referrers};
use crate::ocidir::index::{self, Edit, Target};

/// How a registry wants to be told who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// By user and password.
    Basic,
    /// By a token.
    Bearer {
        /// Where it is to be had.
        realm: String,
        /// For which service.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
}

/// The challenge of `WWW-Authenticate` headers that is answered.
///
/// # Errors
/// When none of them can be.
pub fn challenge(values: &[&[u8]]) -> Result<Challenge, &'static str> {
    challenges::choose(&headers(&WWW_AUTHENTICATE, values)).map(|chosen| match chosen {
        challenges::Challenge::Basic => Challenge::Basic,
        challenges::Challenge::Bearer { realm, service, scope } => {
            Challenge::Bearer { realm: realm.into(), service, scope }
        }
    })
}

/// The next page of a listing, as `Link` headers name it.
///
/// # Errors
/// When they speak of one and cannot be read.
pub fn next_page(values: &[&[u8]]) -> Result<Option<String>, &'static str> {
    let headers = headers(&LINK, values);
    link::next(&headers).map(|next| next.map(str::to_owned)).map_err(|_| "unreadable")
}

/// The names that a page of a listing has; `None` when it is no such page.
#[must_use]
pub fn tags(page: &[u8]) -> Option<Vec<String>> {
    listing::names(page).ok()
}

/// The referrers that an index lists.
///
/// # Errors
/// When it is no index.
pub fn referrers(index: &[u8]) -> Result<Vec<Descriptor>, String> {
    referrers::entries(index)
}

/// The index with one more referrer; `None` when it is there already.
///
/// # Errors
/// When it is no index.
pub fn with_referrer(index: &[u8], referrer: &Descriptor) -> Result<Option<Vec<u8>>, String> {
    referrers::with_referrer(index, referrer)
}

/// What a credential file of Docker or Podman has for a repository. No helper is run: `helpers` gets the names of those
/// that would be, and they know nothing.
///
/// # Errors
/// When the file, or what it has for the repository, is broken.
pub fn credential(
    file: &[u8],
    host: &str,
    path: &str,
    helpers: &mut Vec<String>,
) -> Result<Option<Credential>, String> {
    let mut ask = |document: &serde_json::Value, _: &str| {
        helpers.push(document["credsStore"].as_str().unwrap_or_default().to_owned());
        Ok(None)
    };
    let found = File::parse(Path::new("config.json"), host, file).and_then(|file| file.find(host, path, &mut ask));
    found.map_err(|fault| fault.attempting("find credentials").to_string())
}

/// The `index.json` of an image layout.
#[derive(Debug)]
pub struct Index(index::Index);

impl Index {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        index::Index::parse(bytes).map(Self)
    }

    /// As it is written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// The tags, in their order.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.0.listing.tags
    }

    /// What a tag points at; `None` too for a digest of an algorithm that is not ours.
    #[must_use]
    pub fn digest(&self, tag: &Tag) -> Option<Digest> {
        match self.0.tag(tag)?.target {
            Target::Sha256(digest) => Some(digest),
            Target::Other(_) => None,
        }
    }

    /// Whether an entry has this digest.
    #[must_use]
    pub fn has(&self, digest: Digest) -> bool {
        self.0.digest(digest).is_some()
    }

    /// The index with a tag pointed at a manifest.
    ///
    /// # Errors
    /// When that makes no index.
    pub fn point(&self, tag: &Tag, to: &Descriptor) -> Result<Self, String> {
        let mut edit = Edit::new(&self.0);
        edit.point(tag, to)?;
        edit.finish().map(Self)
    }

    /// The index without a tag.
    ///
    /// # Errors
    /// When that makes no index.
    pub fn untag(&self, tag: &Tag) -> Result<Self, String> {
        let mut edit = Edit::new(&self.0);
        edit.untag(tag)?;
        edit.finish().map(Self)
    }
}

/// What of these can be a header at all.
fn headers(name: &HeaderName, values: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values.iter().filter_map(|value| HeaderValue::from_bytes(value).ok()) {
        headers.append(name, value);
    }
    headers
}
