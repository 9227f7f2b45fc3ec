//! Ports: what the core needs from the world, in the core's own words.
//!
//! An adapter implements [`Registry`]; it moves bytes and reports facts, and decides nothing. Every adapter passes the
//! one conformance suite of the `testing` feature.
//!
//! ```
//! use promotion_core::ports::{PortError, PortErrorKind};
//!
//! let error = PortError::new(PortErrorKind::Unauthorized, "GET /v2/acme/platform/tags/list", "token expired");
//! assert_eq!(error.to_string(), "unauthorized: GET /v2/acme/platform/tags/list: token expired");
//! ```

pub mod cluster;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::manifest::{Descriptor, Manifest};
use crate::{Digest, Repository, Tag};

/// What a tag must be for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expect {
    /// The tag must not exist.
    Absent,
    /// The tag must point at this digest.
    Equals(Digest),
    /// Whatever it is (channels only).
    Any,
}

/// How far two writers of one repository are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Plain registers: the last writer of a tag wins.
    Registers,
    /// A write whose expectation fails is refused atomically.
    CompareAndSwap,
    /// [`Registry::lock`] excludes every other writer until its guard is dropped.
    Exclusive,
}

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Every tag, in the registry's order, repetitions kept (Flux breaks ties by them).
    pub tags: Vec<Tag>,
    /// Names that are no tags by the specification's grammar (an image layout may hold any text).
    pub not_tags: Vec<String>,
}

/// Held while a writer owns the repository; dropping it releases the lock.
pub struct Guard(#[expect(dead_code, reason = "held for its Drop alone")] Option<Box<dyn Send + Sync>>);

impl Guard {
    /// A guard that releases when `inner` is dropped.
    #[must_use]
    pub fn new(inner: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(inner)))
    }

    /// The guard of a registry that has no lock.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// A referrer that its subject lists, and that a writer who read the list before could still write out of it.
///
/// Only where a registry does not list referrers itself, and each writer of the tag that stands in for it (OCI distribution
/// specification, "Referrers Tag Schema") writes all of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// How long such a writer can be on its way.
    pub wait: Duration,
}

/// What a tag points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The digest.
    pub digest: Digest,
    /// The manifest; `None` when it does not exist.
    pub manifest: Option<Manifest>,
}

/// A tag that the registry says it wrote, and that nobody has seen yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// What it pointed at before.
    pub was: Option<Digest>,
}

/// Bytes of a blob, in order. Constant memory: a chunk is at most a few hundred KiB.
#[async_trait]
pub trait BlobSource: Send {
    /// The next chunk, never empty; `None` at the end.
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError>;
}

/// Bytes in memory as a [`BlobSource`].
#[derive(Debug, Clone)]
pub struct Bytes {
    bytes: Vec<u8>,
    read: usize,
}

impl Bytes {
    const CHUNK: usize = 256 << 10;

    /// A source of these bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, read: 0 }
    }
}

#[async_trait]
impl BlobSource for Bytes {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let rest = &self.bytes[self.read..];
        let chunk = rest[..rest.len().min(Self::CHUNK)].to_vec();
        self.read += chunk.len();
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

/// One repository of a registry.
///
/// An answer is a fact or an error: nothing is "probably absent". All digests are verified by the adapter.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Which repository this is.
    fn repository(&self) -> &Repository;

    /// What keeps concurrent writers apart here.
    fn consistency(&self) -> Consistency;

    /// Waits for exclusive use where the registry offers it, else returns [`Guard::none`] at once.
    ///
    /// Writes of the same adapter value do not need the guard; it keeps other writers out between them.
    async fn lock(&self) -> Result<Guard, PortError>;

    /// All tags, complete, or an error; [`PortErrorKind::NotFound`] when the repository does not exist.
    async fn list_tags(&self) -> Result<Listing, PortError>;

    /// The digest a tag points at now; `None` when the registry says that there is no such tag.
    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError>;

    /// [`Registry::resolve`] for several tags, in their order; adapters with latency override it.
    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        let mut digests = Vec::with_capacity(tags.len());
        for tag in tags {
            digests.push(self.resolve(tag).await?);
        }
        Ok(digests)
    }

    /// What tags point at, as [`Registry::resolve_all`] tells it, and what is there, as [`Registry::manifest_all`] does:
    /// for adapters that can ask for both at once.
    async fn tagged_all(&self, tags: &[Tag]) -> Result<Vec<Option<Tagged>>, PortError> {
        let digests = self.resolve_all(tags).await?;
        let known: Vec<Digest> = digests.iter().flatten().copied().collect();
        let mut manifests = self.manifest_all(&known).await?.into_iter();
        let mut tagged = |digest| Tagged { digest, manifest: manifests.next().flatten() };
        Ok(digests.into_iter().map(|digest| digest.map(&mut tagged)).collect())
    }

    /// A manifest's exact bytes, verified; [`PortErrorKind::NotFound`] when there is none.
    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError>;

    /// [`Registry::manifest`] for several digests, in their order; `None` for one that there is not. Adapters with latency
    /// override it.
    async fn manifest_all(&self, digests: &[Digest]) -> Result<Vec<Option<Manifest>>, PortError> {
        let mut manifests = Vec::with_capacity(digests.len());
        for digest in digests {
            match self.manifest(*digest).await {
                Ok(manifest) => manifests.push(Some(manifest)),
                Err(error) if *error.kind() == PortErrorKind::NotFound => manifests.push(None),
                Err(error) => return Err(error),
            }
        }
        Ok(manifests)
    }

    /// Stores a manifest by digest, without a tag. Everything it points at must exist already; its subject, if it has one,
    /// lists it from then on.
    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError>;

    /// [`Registry::put_manifest`] up to where the subject lists it for the first time, for those who have something to do
    /// meanwhile: [`Registry::settle`] is the rest, `None` when there is none. With the small blobs that it points at, which
    /// are most likely there already.
    async fn put_referrer(
        &self,
        manifest: &Manifest,
        blobs: &[(Descriptor, Vec<u8>)],
    ) -> Result<Option<Unsettled>, PortError> {
        for (blob, bytes) in blobs {
            self.put_blob(blob, &mut Bytes::new(bytes.clone())).await?;
        }
        self.put_manifest(manifest).await.map(|()| None)
    }

    /// Waits until nobody can write this referrer out of the list any more, and lists it again if somebody did.
    async fn settle(&self, _referrer: &Manifest, _unsettled: Unsettled) -> Result<(), PortError> {
        Ok(())
    }

    /// [`Registry::put_manifest`] for several, in their order: what one points at may come before it. Stops at the first
    /// that cannot be stored.
    async fn put_manifests(&self, manifests: &[Manifest]) -> Result<(), PortError> {
        for manifest in manifests {
            self.put_manifest(manifest).await?;
        }
        Ok(())
    }

    /// Points a tag at a manifest, storing exactly these bytes.
    ///
    /// A tag that already points at this manifest is success under every expectation, without a write (immutable registries refuse
    /// even the same digest). [`PortErrorKind::Conflict`] when the expectation fails, [`PortErrorKind::Immutable`]
    /// when the registry forbids moving the tag. Readable back when it returns.
    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError>;

    /// [`Registry::put_tag`] without looking whether it can be read back, for those who have something to read meanwhile:
    /// [`Registry::read_back`] is the rest, and nothing was written for certain before it; `None` when there is no rest.
    async fn write_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<Option<Unread>, PortError> {
        self.put_tag(tag, manifest, expect).await.map(|()| None)
    }

    /// Waits until the tag reads as it was written, and tells whether it did at the first look: where it did not, what was
    /// read meanwhile may be older than the write. [`PortErrorKind::Conflict`] when the tag is something else by now.
    async fn read_back(&self, _tag: &Tag, _written: Digest, _unread: Unread) -> Result<bool, PortError> {
        Ok(true)
    }

    /// [`Registry::put_tag`] for several tags, in their order. Stops at the first that cannot be written; an adapter that
    /// can write all of them at once, or none, does.
    async fn put_tags(&self, writes: &[(Tag, Manifest, Expect)]) -> Result<(), PortError> {
        for (tag, manifest, expect) in writes {
            self.put_tag(tag, manifest, *expect).await?;
        }
        Ok(())
    }

    /// Removes a tag and nothing else, provided that it points at `expected`; already absent is success.
    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError>;

    /// Manifests whose subject is this digest, in the registry's order.
    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError>;

    /// Whether a blob is there.
    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError>;

    /// Opens a blob for reading; the bytes are verified by the end of the stream
    /// ([`PortErrorKind::Corrupt`] instead of the last chunk).
    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError>;

    /// Takes a blob from another repository of the same registry without moving its bytes; `false` when that cannot be
    /// done, for whatever reason, and the blob must be copied.
    async fn mount_blob(&self, _blob: &Descriptor, _from: &Repository) -> Result<bool, PortError> {
        Ok(false)
    }

    /// Stores a blob; [`PortErrorKind::Corrupt`] when the bytes are not what the descriptor says. An existing blob is
    /// success without reading the source.
    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError>;
}

/// What kind of failure a port met. Callers decide by this alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortErrorKind {
    /// The registry says there is no such thing.
    NotFound,
    /// Who are you?
    Unauthorized,
    /// You may not.
    Forbidden,
    /// An expectation failed: the tag is this digest, or absent.
    Conflict {
        /// What the tag was found to be.
        found: Option<Digest>,
    },
    /// The registry does not let tags move.
    Immutable,
    /// Too many requests.
    RateLimited {
        /// How long the registry asked to wait.
        retry_after: Option<Duration>,
    },
    /// Not reachable, timed out, or failed on its side.
    Unavailable,
    /// Bytes that are not what they should be: a wrong digest, a torn file.
    Corrupt,
    /// The registry cannot do this at all.
    Unsupported,
    /// The request is wrong: it will never succeed.
    Invalid,
}

impl PortErrorKind {
    /// The kind's stable id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Conflict { .. } => "conflict",
            Self::Immutable => "immutable",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Invalid => "invalid",
        }
    }
}

/// A failure at a port: kind, what was attempted, and what was said. Client types never appear in it.
#[derive(Debug)]
pub struct PortError {
    kind: PortErrorKind,
    attempted: String,
    message: String,
    source: Option<Box<dyn core::error::Error + Send + Sync>>,
}

impl PortError {
    /// A failure of `attempted` (an operation and its object), with what was said of it.
    #[must_use]
    pub fn new(kind: PortErrorKind, attempted: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, attempted: attempted.into(), message: message.into(), source: None }
    }

    /// The same, with the cause; the message must not repeat it.
    #[must_use]
    pub fn with_source(mut self, source: impl core::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> &PortErrorKind {
        &self.kind
    }

    /// What was attempted.
    #[must_use]
    pub fn attempted(&self) -> &str {
        &self.attempted
    }

    /// What was said of it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.kind.id(), self.attempted, self.message)
    }
}

impl core::error::Error for PortError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn core::error::Error + 'static))
    }
}
