//! An in-memory registry: a plain value for tests, models and browsers, and (with `std`) a shared one behind the port.
//!
//! ```
//! use promotion_core::memory::MemoryRegistry;
//! use promotion_core::ports::Expect;
//!
//! let mut registry = MemoryRegistry::default();
//! let first = registry.push_artifact("6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "one");
//! let tag = "0.1.0-rc.1".parse().unwrap();
//! registry.put(&tag, first, Expect::Absent).unwrap();
//! let second = registry.push_artifact("7a1b2c3d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "two");
//! assert!(registry.put(&tag, second, Expect::Absent).is_err());
//! ```

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::manifest::{Manifest, OCI_MANIFEST};
use crate::ports::{Consistency, Expect, Listing, PortError, PortErrorKind};
use crate::{Digest, Tag};

mod cluster;
#[cfg(feature = "std")]
mod shared;

pub use cluster::MemoryCluster;
#[cfg(feature = "std")]
pub use shared::SharedRegistry;

/// A repository as a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemoryRegistry {
    tags: BTreeMap<Tag, Digest>,
    manifests: BTreeMap<Digest, Manifest>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    consistency: Consistency,
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new(Consistency::CompareAndSwap)
    }
}

impl MemoryRegistry {
    /// An empty repository. On [`Consistency::Registers`] expectations are not checked: the last writer wins.
    #[must_use]
    pub const fn new(consistency: Consistency) -> Self {
        Self { tags: BTreeMap::new(), manifests: BTreeMap::new(), blobs: BTreeMap::new(), consistency }
    }

    /// What keeps writers apart.
    #[must_use]
    pub const fn consistency(&self) -> Consistency {
        self.consistency
    }

    /// Stores a manifest by digest.
    pub fn push(&mut self, manifest: Manifest) -> Digest {
        let digest = manifest.digest();
        self.manifests.insert(digest, manifest);
        digest
    }

    /// Stores a manifest of this commit whose bytes depend on `content`.
    pub fn push_artifact(&mut self, commit: &str, content: &str) -> Digest {
        let document = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "annotations": {
                "org.opencontainers.image.revision": format!("main@sha1:{commit}"),
                "content": content,
            },
        });
        self.push(Manifest::new(OCI_MANIFEST, document.to_string().into_bytes()))
    }

    /// What a tag points at.
    #[must_use]
    pub fn digest(&self, tag: &Tag) -> Option<Digest> {
        self.tags.get(tag).copied()
    }

    /// A manifest.
    #[must_use]
    pub fn manifest(&self, digest: Digest) -> Option<&Manifest> {
        self.manifests.get(&digest)
    }

    /// Every tag with what it points at, in byte order.
    #[must_use]
    pub const fn tags(&self) -> &BTreeMap<Tag, Digest> {
        &self.tags
    }

    /// The listing, in byte order.
    #[must_use]
    pub fn listing(&self) -> Listing {
        Listing { tags: self.tags.keys().cloned().collect(), not_tags: Vec::new() }
    }

    /// Points a tag at a manifest; returns what it pointed at before.
    ///
    /// # Errors
    /// [`PortErrorKind::NotFound`] without the manifest, [`PortErrorKind::Conflict`] when the expectation fails and is
    /// checked here.
    pub fn put(&mut self, tag: &Tag, digest: Digest, expect: Expect) -> Result<Option<Digest>, PortError> {
        if !self.manifests.contains_key(&digest) {
            return Err(PortError::new(PortErrorKind::NotFound, format!("tag {tag}"), format!("no manifest {digest}")));
        }
        let found = self.digest(tag);
        let met = match expect {
            Expect::Absent => found.is_none(),
            Expect::Equals(expected) => found == Some(expected),
            Expect::Any => true,
        };
        if met || found == Some(digest) || self.consistency == Consistency::Registers {
            self.tags.insert(tag.clone(), digest);
            return Ok(found);
        }
        let message = "the tag is not what was expected";
        Err(PortError::new(PortErrorKind::Conflict { found }, format!("tag {tag}"), message))
    }

    /// Removes a tag.
    pub fn delete_tag(&mut self, tag: &Tag) -> Option<Digest> {
        self.tags.remove(tag)
    }

    /// Removes a manifest, leaving its tags dangling, as some registries' clean-ups do.
    pub fn delete_manifest(&mut self, digest: Digest) {
        self.manifests.remove(&digest);
    }
}
