//! A registry that fails once, where it is told to.
//!
//! ```
//! use std::pin::pin;
//! use std::task::{Context, Poll, Waker};
//!
//! use promotion_core::memory::SharedRegistry;
//! use promotion_core::ports::Registry;
//! use promotion_core::testing::faulty::{Call, Fault, Faulty};
//!
//! let inner = SharedRegistry::default();
//! let faulty = Faulty::new(&inner, Fault { call: Call::List, nth: 1, ..Fault::default() });
//! let mut twice = pin!(async { (faulty.list_tags().await.is_ok(), faulty.list_tags().await.is_ok()) });
//! // In memory nothing waits. Calls are counted from 0, so the second of them fails.
//! assert_eq!(twice.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready((true, false)));
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use crate::manifest::{Descriptor, Manifest};
use crate::ports::{BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry};
use crate::{Digest, Repository, Tag};

/// Which call fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// [`Registry::lock`].
    Lock,
    /// [`Registry::list_tags`].
    List,
    /// [`Registry::resolve`] and [`Registry::resolve_all`].
    Resolve,
    /// [`Registry::manifest`] and [`Registry::manifest_all`].
    Manifest,
    /// [`Registry::put_tag`].
    #[default]
    PutTag,
    /// [`Registry::put_manifest`].
    PutManifest,
    /// [`Registry::put_blob`].
    PutBlob,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Of which call.
    pub call: Call,
    /// Of which of them, counted from 0.
    pub nth: usize,
    /// Whether it takes effect all the same, as when an answer is lost.
    pub effect: bool,
    /// What is said of it.
    pub kind: PortErrorKind,
}

impl Default for Fault {
    /// The first tag cannot be written.
    fn default() -> Self {
        Self { call: Call::PutTag, nth: 0, effect: false, kind: PortErrorKind::Unavailable }
    }
}

/// A registry with a fault.
pub struct Faulty<'r> {
    inner: &'r dyn Registry,
    fault: Fault,
    calls: AtomicUsize,
}

impl<'r> Faulty<'r> {
    /// That registry with this fault.
    #[must_use]
    pub fn new(inner: &'r dyn Registry, fault: Fault) -> Self {
        Self { inner, fault, calls: AtomicUsize::new(0) }
    }

    async fn call<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        if call != self.fault.call || self.calls.fetch_add(1, Ordering::Relaxed) != self.fault.nth {
            return work.await;
        }
        if self.fault.effect {
            work.await?;
        }
        Err(PortError::new(self.fault.kind.clone(), alloc::format!("{call:?}"), "the test wants it so"))
    }
}

#[async_trait]
impl Registry for Faulty<'_> {
    fn repository(&self) -> &Repository {
        self.inner.repository()
    }

    fn consistency(&self) -> Consistency {
        self.inner.consistency()
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        self.call(Call::Lock, self.inner.lock()).await
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.call(Call::List, self.inner.list_tags()).await
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.call(Call::Resolve, self.inner.resolve(tag)).await
    }

    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        self.call(Call::Resolve, self.inner.resolve_all(tags)).await
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.call(Call::Manifest, self.inner.manifest(digest)).await
    }

    async fn manifest_all(&self, digests: &[Digest]) -> Result<Vec<Option<Manifest>>, PortError> {
        self.call(Call::Manifest, self.inner.manifest_all(digests)).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.call(Call::PutManifest, self.inner.put_manifest(manifest)).await
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.call(Call::PutTag, self.inner.put_tag(tag, manifest, expect)).await
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        self.inner.delete_tag(tag, expected).await
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

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        self.call(Call::PutBlob, self.inner.put_blob(blob, source)).await
    }
}
