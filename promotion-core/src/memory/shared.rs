//! The in-memory registry behind the port.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::MemoryRegistry;
use crate::manifest::{Descriptor, Manifest};
use crate::ports::{BlobSource, Bytes, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry};
use crate::{Digest, Repository, Tag};

/// A [`MemoryRegistry`] that several actors share.
#[derive(Debug, Clone)]
pub struct SharedRegistry {
    repository: Repository,
    inner: Arc<Mutex<MemoryRegistry>>,
}

impl Default for SharedRegistry {
    fn default() -> Self {
        Self::new(MemoryRegistry::default())
    }
}

impl SharedRegistry {
    /// Shares a registry under the name `ocidir://memory`.
    #[must_use]
    pub fn new(registry: MemoryRegistry) -> Self {
        let repository = Repository::Layout { path: "memory".to_string() };
        Self { repository, inner: Arc::new(Mutex::new(registry)) }
    }

    /// Looks at it or changes it. Every operation leaves it consistent, so a panic elsewhere does not poison it.
    pub fn with<T>(&self, look: impl FnOnce(&mut MemoryRegistry) -> T) -> T {
        look(&mut self.inner())
    }

    fn inner(&self) -> MutexGuard<'_, MemoryRegistry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(what: impl Into<alloc::string::String>) -> PortError {
    PortError::new(PortErrorKind::NotFound, what, "not in this registry")
}

#[async_trait]
impl Registry for SharedRegistry {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn consistency(&self) -> Consistency {
        self.inner().consistency
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        Ok(Guard::none())
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        Ok(self.inner().listing())
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        Ok(self.inner().digest(tag))
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.inner().manifest(digest).cloned().ok_or_else(|| not_found(format!("manifest {digest}")))
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.inner().push(manifest.clone());
        Ok(())
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        let mut inner = self.inner();
        inner.push(manifest.clone());
        inner.put(tag, manifest.digest(), expect).map(|_| ())
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        let mut inner = self.inner();
        match inner.digest(tag) {
            None => Ok(()),
            Some(found) if found == expected => {
                inner.delete_tag(tag);
                Ok(())
            }
            found => Err(PortError::new(
                PortErrorKind::Conflict { found },
                format!("delete tag {tag}"),
                "the tag is not what was expected",
            )),
        }
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        let inner = self.inner();
        let referrer = |manifest: &Manifest| manifest.as_referrer().ok().flatten();
        let all = inner.manifests.values().filter_map(referrer);
        Ok(all.filter(|(of, _)| *of == subject).map(|(_, referrer)| referrer).collect())
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        Ok(self.inner().blobs.contains_key(&digest))
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        let bytes = self.inner().blobs.get(&blob.digest).cloned();
        let bytes = bytes.ok_or_else(|| not_found(format!("blob {}", blob.digest)))?;
        if bytes.len() as u64 != blob.size {
            let message = format!("the blob has {} bytes, the descriptor says {}", bytes.len(), blob.size);
            return Err(PortError::new(PortErrorKind::Corrupt, format!("blob {}", blob.digest), message));
        }
        Ok(Box::new(Bytes::new(bytes)))
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        if self.inner().blobs.contains_key(&blob.digest) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = source.next_chunk().await? {
            bytes.extend(chunk);
        }
        let found = Digest::of(&bytes);
        if found != blob.digest || bytes.len() as u64 != blob.size {
            let message = format!("the bytes are {found} and {} bytes long", bytes.len());
            return Err(PortError::new(PortErrorKind::Corrupt, format!("blob {}", blob.digest), message));
        }
        self.inner().blobs.insert(found, bytes);
        Ok(())
    }
}
