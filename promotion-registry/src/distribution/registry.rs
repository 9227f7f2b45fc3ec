//! The port, operation by operation.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{
    BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry, Tagged, Unread, Unsettled,
};
use promotion_core::{Digest, Repository, Tag};

use super::Distribution;

/// Questions that wait at once; how many are asked at once is the transport's matter.
const PENDING: usize = 64;

#[async_trait]
impl Registry for Distribution {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn consistency(&self) -> Consistency {
        Consistency::Registers
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        Ok(Guard::none())
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.attempting("list tags".to_owned()).list().await
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.attempting(format!("resolve tag {tag}")).digest_at(self.endpoints.tag(tag)).await
    }

    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        // By position: a closure over references cannot be sent to another thread (rust-lang/rust#64552).
        let questions = (0..tags.len()).map(|at| self.resolve(&tags[at]));
        stream::iter(questions).buffered(PENDING).try_collect().await
    }

    async fn tagged_all(&self, tags: &[Tag]) -> Result<Vec<Option<Tagged>>, PortError> {
        let questions = (0..tags.len()).map(|at| self.fetch_tagged(&tags[at]));
        stream::iter(questions).buffered(PENDING).try_collect().await
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        match self.cache.get(digest) {
            Some(manifest) => Ok(manifest),
            None => self.fetch(digest).await,
        }
    }

    async fn manifest_all(&self, digests: &[Digest]) -> Result<Vec<Option<Manifest>>, PortError> {
        let questions = digests.iter().copied().map(|digest| self.fetch(digest));
        let answers = stream::iter(questions).buffered(PENDING).map(|answer| match answer {
            Err(error) if *error.kind() == PortErrorKind::NotFound => Ok(None),
            answer => answer.map(Some),
        });
        answers.try_collect().await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        match self.put_referrer(manifest, &[]).await? {
            Some(unsettled) => self.settle(manifest, unsettled).await,
            None => Ok(()),
        }
    }

    async fn put_referrer(
        &self,
        manifest: &Manifest,
        blobs: &[(Descriptor, Vec<u8>)],
    ) -> Result<Option<Unsettled>, PortError> {
        let operation = self.attempting(format!("put manifest {}", manifest.digest()));
        let headers = operation.put_with(manifest, blobs).await?;
        operation.enlist(manifest, Some(&headers)).await
    }

    async fn settle(&self, referrer: &Manifest, unsettled: Unsettled) -> Result<(), PortError> {
        self.attempting(format!("put manifest {}", referrer.digest())).settle(referrer, unsettled).await
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        let operation = self.attempting(format!("put tag {tag} on {}", manifest.digest()));
        match operation.write_tag(tag, manifest, expect).await? {
            Some(unread) => operation.read_back(tag, manifest.digest(), unread).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn write_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<Option<Unread>, PortError> {
        let operation = self.attempting(format!("put tag {tag} on {}", manifest.digest()));
        operation.write_tag(tag, manifest, expect).await
    }

    async fn read_back(&self, tag: &Tag, written: Digest, unread: Unread) -> Result<bool, PortError> {
        self.attempting(format!("put tag {tag} on {written}")).read_back(tag, written, unread).await
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        self.attempting(format!("delete tag {tag}")).delete_tag(tag, expected).await
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.attempting(format!("list referrers of {subject}")).referrers(subject).await
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        self.attempting(format!("look for blob {digest}")).has_blob(digest).await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        let told = format!("get blob {}", blob.digest);
        let reader = self.attempting(told.clone()).open(blob, &told).await?;
        Ok(Box::new(reader))
    }

    async fn mount_blob(&self, blob: &Descriptor, from: &Repository) -> Result<bool, PortError> {
        Ok(self.attempting(format!("mount blob {} from {from}", blob.digest)).mount(blob, from).await)
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        self.attempting(format!("put blob {}", blob.digest)).put_blob(blob, source).await
    }
}
