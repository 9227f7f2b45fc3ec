//! Progress: how far long reading has come, and which tags were written, told by the registry that is at work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{
    BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry, Tagged, Unread, Unsettled,
};
use promotion_core::{Digest, Repository, Tag};

use crate::connect::LeaseLock;
use crate::output::StatusLine;

/// How many manifests the step at hand reads, and how many of them it has.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    wanted: Arc<AtomicUsize>,
    read: Arc<AtomicUsize>,
    status: StatusLine,
}

impl Counter {
    pub(crate) fn new(status: &StatusLine) -> Self {
        Self { wanted: Arc::default(), read: Arc::default(), status: status.clone() }
    }

    /// One that nobody sees.
    pub(crate) fn silent() -> Self {
        Self::new(&StatusLine::off())
    }

    /// A step begins that reads so many.
    pub(crate) fn expect(&self, manifests: usize) {
        self.wanted.store(manifests, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
    }

    fn count(&self, manifests: usize) {
        let read = self.read.fetch_add(manifests, Ordering::Relaxed) + manifests;
        self.status.show(&format!("reading manifests: {read} of {}", self.wanted.load(Ordering::Relaxed).max(read)));
    }
}

/// The tags that were written so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Writes>>);

#[derive(Debug, Default)]
struct Writes {
    done: Vec<Tag>,
    under_way: Vec<Tag>,
}

impl Written {
    /// A write begins; until it ends nobody knows what became of it.
    fn begin<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) {
        self.writes().under_way = tags.into_iter().cloned().collect();
    }

    fn end(&self, done: bool) {
        let mut writes = self.writes();
        let tags = std::mem::take(&mut writes.under_way);
        writes.done.extend(tags.into_iter().filter(|_| done));
    }

    /// They, in their order.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        self.writes().done.clone()
    }

    /// Those whose write was begun and did not end.
    pub(crate) fn under_way(&self) -> Vec<Tag> {
        self.writes().under_way.clone()
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A repository that counts what is read of it, and remembers what was written.
pub(crate) struct Watched {
    pub(crate) inner: Box<dyn Registry>,
    pub(crate) counter: Counter,
    pub(crate) written: Written,
    /// Without which nothing is written, where one is configured.
    pub(crate) lease: Option<Arc<LeaseLock>>,
}

impl Watched {
    /// A write, given up when the lease could expire under it: by then another writer may be at work. It goes on for as long as
    /// the lease is renewed.
    async fn while_held<T>(&self, write: impl Future<Output = Result<T, PortError>> + Send) -> Result<T, PortError> {
        let Some(lease) = &self.lease else { return write.await };
        let mut write = std::pin::pin!(write);
        lease.begin()?;
        loop {
            match tokio::time::timeout(lease.left()?, &mut write).await {
                Ok(written) => return written,
                Err(_) => lease.begin()?,
            }
        }
    }
}

#[async_trait]
impl Registry for Watched {
    fn repository(&self) -> &Repository {
        self.inner.repository()
    }

    fn consistency(&self) -> Consistency {
        self.inner.consistency()
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        match &self.lease {
            Some(lease) => lease.take().await,
            None => self.inner.lock().await,
        }
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.inner.list_tags().await
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.inner.resolve(tag).await
    }

    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        self.inner.resolve_all(tags).await
    }

    async fn tagged_all(&self, tags: &[Tag]) -> Result<Vec<Option<Tagged>>, PortError> {
        let tagged = self.inner.tagged_all(tags).await?;
        self.counter.count(tagged.iter().flatten().count());
        Ok(tagged)
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.counter.count(1);
        self.inner.manifest(digest).await
    }

    async fn manifest_all(&self, digests: &[Digest]) -> Result<Vec<Option<Manifest>>, PortError> {
        let manifests = self.inner.manifest_all(digests).await?;
        self.counter.count(digests.len());
        Ok(manifests)
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.inner.put_manifest(manifest).await
    }

    async fn put_referrer(
        &self,
        manifest: &Manifest,
        blobs: &[(Descriptor, Vec<u8>)],
    ) -> Result<Option<Unsettled>, PortError> {
        self.inner.put_referrer(manifest, blobs).await
    }

    async fn settle(&self, referrer: &Manifest, unsettled: Unsettled) -> Result<(), PortError> {
        self.inner.settle(referrer, unsettled).await
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.written.begin([tag]);
        let put = self.while_held(self.inner.put_tag(tag, manifest, expect)).await;
        self.written.end(put.is_ok());
        put
    }

    async fn write_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<Option<Unread>, PortError> {
        self.written.begin([tag]);
        let put = self.while_held(self.inner.write_tag(tag, manifest, expect)).await;
        if !matches!(put, Ok(Some(_))) {
            self.written.end(put.is_ok());
        }
        put
    }

    async fn read_back(&self, tag: &Tag, written: Digest, unread: Unread) -> Result<bool, PortError> {
        let read = self.inner.read_back(tag, written, unread).await;
        match &read {
            Ok(_) => self.written.end(true),
            Err(error) if matches!(error.kind(), PortErrorKind::Conflict { .. }) => self.written.end(false),
            // It was accepted: who is interrupted now hears that it is there, perhaps.
            Err(_) => {}
        }
        read
    }

    async fn put_manifests(&self, manifests: &[Manifest]) -> Result<(), PortError> {
        self.inner.put_manifests(manifests).await
    }

    /// Where they are not written at once, each is told as soon as it is.
    async fn put_tags(&self, writes: &[(Tag, Manifest, Expect)]) -> Result<(), PortError> {
        if self.inner.consistency() == Consistency::Exclusive {
            self.written.begin(writes.iter().map(|(tag, ..)| tag));
            let put = self.inner.put_tags(writes).await;
            self.written.end(put.is_ok());
            return put;
        }
        for (tag, manifest, expect) in writes {
            self.put_tag(tag, manifest, *expect).await?;
        }
        Ok(())
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        self.while_held(self.inner.delete_tag(tag, expected)).await
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.inner.referrers(subject).await
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        self.inner.has_blob(digest).await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        self.inner.blob(blob).await
    }

    async fn mount_blob(&self, blob: &Descriptor, from: &Repository) -> Result<bool, PortError> {
        self.inner.mount_blob(blob, from).await
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        self.inner.put_blob(blob, source).await
    }
}
