//! A repository as it would be if one manifest were in it: what `push --dry-run` plans on.

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Repository, Tag};

use crate::connect::Fresh;
use crate::error::Failure;
use crate::exit::Exit;

/// A repository, or none yet, and a manifest that is not in it.
pub(super) struct Overlay {
    repository: Repository,
    below: Option<Fresh>,
    manifest: Manifest,
}

impl Overlay {
    /// A repository that could not be found is none yet.
    pub(super) fn new(
        below: Result<Box<dyn Registry>, Failure>,
        repository: Repository,
        manifest: Manifest,
    ) -> Result<Self, Failure> {
        let below = match below {
            Ok(below) => Some(Fresh(below)),
            Err(failure) if failure.exit == Exit::NotFound => None,
            Err(failure) => return Err(failure),
        };
        Ok(Self { repository, below, manifest })
    }

    fn read_only<T>(&self, attempted: &str) -> Result<T, PortError> {
        Err(PortError::new(PortErrorKind::Unsupported, attempted, "nothing is read or written here but plans"))
    }
}

#[async_trait]
impl Registry for Overlay {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn consistency(&self) -> Consistency {
        self.below.as_ref().map_or(Consistency::Exclusive, Fresh::consistency)
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        Ok(Guard::none())
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        match &self.below {
            Some(below) => below.list_tags().await,
            None => Ok(Listing::default()),
        }
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        match &self.below {
            Some(below) => below.resolve(tag).await,
            None => Ok(None),
        }
    }

    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        match &self.below {
            Some(below) => below.resolve_all(tags).await,
            None => Ok(vec![None; tags.len()]),
        }
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        match &self.below {
            _ if digest == self.manifest.digest() => Ok(self.manifest.clone()),
            Some(below) => below.manifest(digest).await,
            None => self.read_only("get manifest"),
        }
    }

    async fn put_manifest(&self, _: &Manifest) -> Result<(), PortError> {
        self.read_only("put manifest")
    }

    async fn put_tag(&self, _: &Tag, _: &Manifest, _: Expect) -> Result<(), PortError> {
        self.read_only("put tag")
    }

    async fn delete_tag(&self, _: &Tag, _: Digest) -> Result<(), PortError> {
        self.read_only("delete tag")
    }

    async fn referrers(&self, _: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.read_only("list referrers")
    }

    async fn has_blob(&self, _: Digest) -> Result<bool, PortError> {
        self.read_only("look for blob")
    }

    async fn blob(&self, _: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        self.read_only("get blob")
    }

    async fn put_blob(&self, _: &Descriptor, _: &mut dyn BlobSource) -> Result<(), PortError> {
        self.read_only("put blob")
    }
}
