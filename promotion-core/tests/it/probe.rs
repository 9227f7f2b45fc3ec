//! A registry that fails in the middle of things.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::memory::SharedRegistry;
use promotion_core::ports::{
    BlobSource, Bytes, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry, Unread, Unsettled,
};
use promotion_core::{Digest, Repository, Tag};

/// A registry that takes its time, and fails as told.
pub(crate) struct Probe {
    inner: SharedRegistry,
    /// Operations until one fails.
    left: AtomicUsize,
    /// Whether only that one fails, and not all after it.
    once: bool,
    /// Whether anything failed at the end of these operations.
    failed: AtomicBool,
    /// Whether a referrer was listed, and that it stays so failed.
    unsettled: AtomicBool,
    /// A listing after a write comes only when somebody reads a tag meanwhile.
    pub(crate) lists_while_read: bool,
    /// Whether a tag was read since one was written; `true` before the first.
    read: AtomicBool,
    /// A write of this tag is read back only when somebody lists meanwhile.
    pub(crate) reads_back_while_listing: Option<Tag>,
    /// Whether a listing was begun since a tag was written.
    listing: AtomicBool,
    listings: AtomicUsize,
    /// Whether a tag was accepted, and reading it back failed.
    unseen: AtomicBool,
    /// A tag that is not seen at the first look.
    pub(crate) lags_until: Option<Tag>,
    /// A tag that somebody else moves as soon as we wrote it.
    pub(crate) taken_by: Option<(Tag, Digest)>,
    /// A manifest that cannot be read.
    pub(crate) broken: Option<(Digest, PortErrorKind)>,
    /// Tags that are read before the first listing has come are not there yet.
    pub(crate) absent_at_first: AtomicBool,
    /// A tag that somebody deletes before the listing has come.
    pub(crate) unlisted: Option<Tag>,
    /// No manifest can be stored without a tag.
    pub(crate) refuses: Option<PortErrorKind>,
}

impl Probe {
    pub(crate) fn new(inner: &SharedRegistry, left: usize, once: bool) -> Self {
        Self {
            inner: inner.clone(),
            left: AtomicUsize::new(left),
            once,
            failed: AtomicBool::new(false),
            unsettled: AtomicBool::new(false),
            lists_while_read: false,
            read: AtomicBool::new(true),
            reads_back_while_listing: None,
            listing: AtomicBool::new(false),
            listings: AtomicUsize::new(0),
            unseen: AtomicBool::new(false),
            lags_until: None,
            taken_by: None,
            broken: None,
            absent_at_first: AtomicBool::new(false),
            unlisted: None,
            refuses: None,
        }
    }

    /// One whose operations do not fail by their number.
    pub(crate) fn steady(inner: &SharedRegistry) -> Self {
        Self::new(inner, usize::MAX, true)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn left_a_referrer_unsettled(&self) -> bool {
        self.unsettled.load(Ordering::Relaxed)
    }

    /// How often tags were listed.
    pub(crate) fn listings(&self) -> usize {
        self.listings.load(Ordering::Relaxed)
    }

    pub(crate) fn left_a_tag_unseen(&self) -> bool {
        self.unseen.load(Ordering::Relaxed)
    }

    /// Whoever else is at work has a turn before it.
    async fn step(&self) -> Result<(), PortError> {
        let mut waited = false;
        poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left > 0 || (self.once && self.has_failed()) {
            return Ok(());
        }
        self.failed.store(true, Ordering::Relaxed);
        Err(error(PortErrorKind::Unavailable))
    }
}

fn error(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "anything", "the plug was pulled")
}

#[async_trait]
impl Registry for Probe {
    fn repository(&self) -> &Repository {
        self.inner.repository()
    }

    fn consistency(&self) -> Consistency {
        self.inner.consistency()
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        self.step().await?;
        self.inner.lock().await
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.listing.store(true, Ordering::Relaxed);
        self.listings.fetch_add(1, Ordering::Relaxed);
        self.step().await?;
        let comes = || !self.lists_while_read || self.read.load(Ordering::Relaxed);
        poll_fn(|_| if comes() { Poll::Ready(()) } else { Poll::Pending }).await;
        let mut listing = self.inner.list_tags().await?;
        listing.tags.retain(|tag| Some(tag) != self.unlisted.as_ref());
        self.absent_at_first.store(false, Ordering::Relaxed);
        Ok(listing)
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        let absent = self.absent_at_first.load(Ordering::Relaxed);
        self.step().await?;
        self.read.store(true, Ordering::Relaxed);
        if absent {
            return Ok(None);
        }
        self.inner.resolve(tag).await
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.step().await?;
        if let Some((_, kind)) = self.broken.as_ref().filter(|(broken, _)| *broken == digest) {
            return Err(error(kind.clone()));
        }
        self.inner.manifest(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.step().await?;
        if let Some(kind) = &self.refuses {
            return Err(error(kind.clone()));
        }
        self.inner.put_manifest(manifest).await
    }

    async fn put_referrer(
        &self,
        manifest: &Manifest,
        blobs: &[(Descriptor, Vec<u8>)],
    ) -> Result<Option<Unsettled>, PortError> {
        for (blob, bytes) in blobs {
            self.put_blob(blob, &mut Bytes::new(bytes.clone())).await?;
        }
        self.put_manifest(manifest).await.map(|()| Some(Unsettled { wait: Duration::ZERO }))
    }

    async fn settle(&self, _: &Manifest, _: Unsettled) -> Result<(), PortError> {
        let settled = self.step().await;
        self.unsettled.fetch_or(settled.is_err(), Ordering::Relaxed);
        settled
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.step().await?;
        self.read.store(false, Ordering::Relaxed);
        self.listing.store(false, Ordering::Relaxed);
        self.inner.put_tag(tag, manifest, expect).await
    }

    /// As a registry without transactions does it: first it is accepted, then it is looked for.
    async fn write_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<Option<Unread>, PortError> {
        let was = self.inner.resolve(tag).await?;
        self.put_tag(tag, manifest, expect).await?;
        if let Some((_, other)) = self.taken_by.as_ref().filter(|(taken, _)| taken == tag) {
            let theirs = self.inner.manifest(*other).await?;
            self.inner.put_tag(tag, &theirs, Expect::Any).await?;
        }
        Ok(Some(Unread { was }))
    }

    async fn read_back(&self, tag: &Tag, written: Digest, _: Unread) -> Result<bool, PortError> {
        let begun = || self.reads_back_while_listing.as_ref() != Some(tag) || self.listing.load(Ordering::Relaxed);
        poll_fn(|_| if begun() { Poll::Ready(()) } else { Poll::Pending }).await;
        let step = self.step().await;
        self.unseen.fetch_or(step.is_err(), Ordering::Relaxed);
        step?;
        match self.inner.resolve(tag).await? {
            Some(found) if found == written => Ok(self.lags_until.as_ref() != Some(tag)),
            found => Err(error(PortErrorKind::Conflict { found })),
        }
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        self.step().await?;
        self.inner.delete_tag(tag, expected).await
    }

    /// Without annotations, as some registries list them.
    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.step().await?;
        let mut referrers = self.inner.referrers(subject).await?;
        referrers.iter_mut().for_each(|referrer| referrer.annotations.clear());
        Ok(referrers)
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        self.step().await?;
        self.inner.has_blob(digest).await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        self.step().await?;
        self.inner.blob(blob).await
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        self.step().await?;
        self.inner.put_blob(blob, source).await
    }
}

/// Polls until it is done.
pub(crate) fn patiently<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    for _ in 0..10_000 {
        if let Poll::Ready(value) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("it does not end")
}
