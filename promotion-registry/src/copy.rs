//! Copies artifacts between any two repositories, whole: blobs, children of indexes, referrers, tags. Digests are kept,
//! because bytes are forwarded as they are.
//!
//! - **Content first, tags last.** A copy that stops anywhere leaves no tag that points at something incomplete.
//! - **Again is cheap.** What the destination has is not sent; running it again goes on where it stopped.
//! - **Nothing is replaced unasked.** A tag that is something else at the destination stops the copy before its first
//!   byte, unless [`Options::overwrite`] says otherwise.
//! - **Constant memory.** Blobs are streamed, [`Options::concurrency`] of them at once; only manifests are held.
//!
//! ```
//! use promotion_core::manifest::{Manifest, OCI_MANIFEST};
//! use promotion_core::ports::{Expect, Registry};
//! use promotion_registry::OciDir;
//! use promotion_registry::copy::{Options, Quiet, Selection, copy};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let connected = OciDir::create(folder.path().join("connected")).await?;
//! let isolated = OciDir::create(folder.path().join("isolated")).await?;
//! let manifest = Manifest::new(OCI_MANIFEST, br#"{"schemaVersion":2}"#.to_vec());
//! connected.put_tag(&"1.4.0".parse()?, &manifest, Expect::Absent).await?;
//!
//! let report = copy(&connected, &isolated, &Selection::All, &Options::default(), &Quiet).await?;
//! assert_eq!(report.tags.len(), 1);
//! assert_eq!(isolated.resolve(&"1.4.0".parse()?).await?, Some(manifest.digest()));
//! # Ok(())
//! # }
//! ```

mod blobs;
mod graph;
mod tags;

use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Tag};
use serde::Serialize;

use self::graph::Graph;
use self::tags::Target;

/// What to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One tag, under the same name or another.
    Tag {
        /// Its name at the source.
        from: Tag,
        /// Its name at the destination.
        to: Tag,
    },
    /// One digest, under a tag or none.
    Digest {
        /// The manifest.
        digest: Digest,
        /// Its tag at the destination.
        to: Option<Tag>,
    },
    /// Every tag. A manifest that no tag leads to is no part of it.
    All,
}

/// How to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Also what refers to the copied manifests: signatures, attestations, records, and their own referrers.
    pub referrers: bool,
    /// Moves tags that are something else at the destination.
    pub overwrite: bool,
    /// Writes nothing, and reports what would be written.
    pub dry_run: bool,
    /// Blobs at once.
    pub concurrency: usize,
    /// How often a blob is sent in all when the connection breaks; from its start each time.
    pub attempts: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { referrers: true, overwrite: false, dry_run: false, concurrency: 4, attempts: 3 }
    }
}

/// Is told how far a copy has come.
pub trait Progress: Send + Sync {
    /// What there is to look at: so many blobs, so many bytes.
    fn planned(&self, blobs: usize, bytes: u64) {
        let _ = (blobs, bytes);
    }

    /// A blob is being sent, from its start; a second time when the first attempt failed.
    fn started(&self, blob: &Descriptor) {
        let _ = blob;
    }

    /// More of it was sent.
    fn advanced(&self, blob: &Descriptor, bytes: u64) {
        let _ = (blob, bytes);
    }

    /// A blob is there; it need not have been sent.
    fn done(&self, blob: &Descriptor, how: Moved) {
        let _ = (blob, how);
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {}

/// How a blob got to the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It was sent.
    Copied,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was there.
    Skipped,
}

/// How many of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Sent.
    pub copied: usize,
    /// Taken from another repository of the same registry.
    pub mounted: usize,
    /// There already.
    pub skipped: usize,
}

impl Counts {
    fn count(&mut self, how: Moved) {
        match how {
            Moved::Copied => self.copied += 1,
            Moved::Mounted => self.mounted += 1,
            Moved::Skipped => self.skipped += 1,
        }
    }
}

/// A tag of the selection at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedTag {
    /// The tag.
    pub tag: Tag,
    /// What it points at.
    pub digest: Digest,
    /// What it pointed at before; the same digest when nothing was to do.
    pub was: Option<Digest>,
}

/// What was copied; with [`Options::dry_run`], what would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Tags, in the order in which they are written.
    pub tags: Vec<CopiedTag>,
    /// Manifests and indexes, referrers included.
    pub manifests: Counts,
    /// Configs and layers.
    pub blobs: Counts,
    /// Bytes of the blobs that were sent.
    pub bytes: u64,
    /// Layers that their licence keeps out of registries: they stay where their manifest says.
    pub foreign: Vec<Digest>,
    /// Names at the source that are no tags, and so cannot be copied.
    pub not_tags: Vec<String>,
    /// Referrers that the source lists and does not have; a tag that lists one of them is left out, too.
    pub missing: Vec<Digest>,
}

/// Copies what is selected from one repository to another.
///
/// # Errors
/// What either side says; [`PortErrorKind::NotFound`] when something that is selected or pointed at is not at the
/// source (a referrer may be missing, see [`Report::missing`]); [`PortErrorKind::Conflict`] when a tag is something else at the destination and may not be moved.
pub async fn copy(
    from: &dyn Registry,
    to: &dyn Registry,
    selection: &Selection,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, PortError> {
    let mut report = Report::default();
    let mut targets = tags::selected(from, selection, &mut report).await?;
    let all = *selection == Selection::All;
    if all && !options.referrers {
        targets.retain(|target| !target.is_companion());
    }
    let graph = graph::discover(from, &mut targets, options.referrers, all).await?;
    tags::look(to, &mut targets, options.overwrite).await?;
    report.foreign.extend(graph.foreign());
    report.missing.extend(graph.missing());
    blobs::copy(from, to, &graph.blobs(), options, progress, &mut report).await?;
    manifests(to, &graph, options, &mut report).await?;
    tags::write(to, targets, &graph, options, &mut report).await?;
    Ok(report)
}

/// Manifests by digest: children before their index, subjects before their referrers.
async fn manifests(to: &dyn Registry, graph: &Graph, options: &Options, report: &mut Report) -> Result<(), PortError> {
    for batch in graph.ordered().chunks(BATCH) {
        let digests: Vec<Digest> = batch.iter().map(|manifest| manifest.digest()).collect();
        let there = to.manifest_all(&digests).await?;
        let missing = batch.iter().zip(&there).filter(|(_, there)| there.is_none());
        let missing: Vec<Manifest> = missing.map(|(manifest, _)| (*manifest).clone()).collect();
        if !options.dry_run && !missing.is_empty() {
            to.put_manifests(&missing).await?;
        }
        for there in there {
            report.manifests.count(if there.is_some() { Moved::Skipped } else { Moved::Copied });
        }
    }
    Ok(())
}

/// Questions asked at once; the adapter bounds how many of them are under way.
const BATCH: usize = 64;

/// A failure of this module's own, told with the repository it is about.
fn failed(kind: PortErrorKind, attempted: &str, at: &dyn Registry, message: impl Into<String>) -> PortError {
    PortError::new(kind, format!("{attempted} in {}", at.repository()), message)
}

/// A manifest that must be known by now.
fn known<'a>(graph: &'a Graph, target: &Target, at: &dyn Registry) -> Result<&'a Manifest, PortError> {
    graph.manifest(target.digest).ok_or_else(|| {
        failed(PortErrorKind::NotFound, &format!("copy {}", target.digest), at, "the manifest is not there")
    })
}
