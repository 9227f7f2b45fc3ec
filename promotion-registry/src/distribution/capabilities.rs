//! What a registry was seen to do: learned from answers on the way, never asked for.

use std::sync::{Mutex, PoisonError};

/// What is known of a registry's abilities; `None` where nothing showed it yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It lists referrers itself, without the tag `sha256-…` that stands in for it.
    pub referrers_api: Option<bool>,
    /// It takes several tags with one manifest (`?tag=…`, answered by `OCI-Tag`).
    pub multi_tag_put: Option<bool>,
    /// It refuses to move a tag.
    pub immutable_tags: Option<bool>,
    /// It keeps a tag with capitals apart from the same tag in lower case.
    pub case_sensitive_tags: Option<bool>,
    /// It deletes a tag without its manifest.
    pub tag_delete: Option<bool>,
    /// It gives its tags in pages with a `Link` to the next.
    pub pages: Option<bool>,
}

/// Capabilities that all clones of an adapter value learn together.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<Capabilities>);

impl Learned {
    pub(super) fn now(&self) -> Capabilities {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Capabilities)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
