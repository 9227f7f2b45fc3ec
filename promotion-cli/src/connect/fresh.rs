//! A repository that may not be there yet.

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{
    BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry, Tagged, Unread, Unsettled,
};
use promotion_core::{Digest, Repository, Tag};

/// For commands that create: a registry makes a repository with its first manifest, so until then "there is no such
/// repository" means that it has no tags. (Some registries say so even of one with manifests.)
pub(crate) struct Fresh(pub(crate) Box<dyn Registry>);

#[async_trait]
impl Registry for Fresh {
    fn repository(&self) -> &Repository {
        self.0.repository()
    }

    fn consistency(&self) -> Consistency {
        self.0.consistency()
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        self.0.lock().await
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        match self.0.list_tags().await {
            Err(error) if *error.kind() == PortErrorKind::NotFound => Ok(Listing::default()),
            listed => listed,
        }
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.0.resolve(tag).await
    }

    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        self.0.resolve_all(tags).await
    }

    async fn tagged_all(&self, tags: &[Tag]) -> Result<Vec<Option<Tagged>>, PortError> {
        self.0.tagged_all(tags).await
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.0.manifest(digest).await
    }

    async fn manifest_all(&self, digests: &[Digest]) -> Result<Vec<Option<Manifest>>, PortError> {
        self.0.manifest_all(digests).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.0.put_manifest(manifest).await
    }

    async fn put_referrer(
        &self,
        manifest: &Manifest,
        blobs: &[(Descriptor, Vec<u8>)],
    ) -> Result<Option<Unsettled>, PortError> {
        self.0.put_referrer(manifest, blobs).await
    }

    async fn settle(&self, referrer: &Manifest, unsettled: Unsettled) -> Result<(), PortError> {
        self.0.settle(referrer, unsettled).await
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.0.put_tag(tag, manifest, expect).await
    }

    async fn write_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<Option<Unread>, PortError> {
        self.0.write_tag(tag, manifest, expect).await
    }

    async fn read_back(&self, tag: &Tag, written: Digest, unread: Unread) -> Result<bool, PortError> {
        self.0.read_back(tag, written, unread).await
    }

    async fn put_manifests(&self, manifests: &[Manifest]) -> Result<(), PortError> {
        self.0.put_manifests(manifests).await
    }

    async fn put_tags(&self, writes: &[(Tag, Manifest, Expect)]) -> Result<(), PortError> {
        self.0.put_tags(writes).await
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        self.0.delete_tag(tag, expected).await
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.0.referrers(subject).await
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        self.0.has_blob(digest).await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        self.0.blob(blob).await
    }

    async fn mount_blob(&self, blob: &Descriptor, from: &Repository) -> Result<bool, PortError> {
        self.0.mount_blob(blob, from).await
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        self.0.put_blob(blob, source).await
    }
}
