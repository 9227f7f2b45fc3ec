//! `ocidir://PATH`: an OCI image layout on disk as a registry of one repository.
//!
//! The folder is what the OCI image specification calls an image layout (`oci-layout`, `index.json`,
//! `blobs/sha256/`), so skopeo, oras, regctl and crane read what is written here and the other way round. A tag is
//! the annotation `org.opencontainers.image.ref.name` of an entry of `index.json`.
//!
//! - **Whole or absent.** Every file is written beside its place, flushed, renamed, and its folder flushed. A process
//!   that is killed at any moment leaves a layout that opens, with every write that was acknowledged.
//! - **One writer at a time.** Writers take a lock on the hidden file `.promotion.lock`, so compare-and-swap is true
//!   between tasks, adapter values and processes. Readers need no lock and no permission to write.
//! - **Nothing is lost.** Entries, members and annotations that are not ours keep their exact text. A manifest that
//!   loses its last tag stays reachable by an entry without a name, so that no tool's garbage collection takes it.
//! - **Damage is reported, not mended**: [`PortErrorKind::Corrupt`], with the path of the file.
//!
//! ```
//! use promotion_core::ports::{PortErrorKind, Registry};
//! use promotion_registry::OciDir;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("platform");
//! let missing = OciDir::open(&path).await.unwrap_err();
//! assert_eq!(missing.kind(), &PortErrorKind::NotFound);
//!
//! let layout = OciDir::create(&path).await?;
//! assert!(layout.list_tags().await?.tags.is_empty());
//! assert_eq!(std::fs::read_to_string(path.join("oci-layout"))?, r#"{"imageLayoutVersion":"1.0.0"}"#);
//! # Ok(())
//! # }
//! ```

mod blobs;
mod files;
pub(crate) mod index;
mod layout;
mod lock;
mod manifests;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Repository, Tag};

use self::index::{Edit, Index};
use self::layout::Layout;
use crate::fault::{Fault, blocking};

/// An OCI image layout. Clones are the same adapter value: they share one guard.
#[derive(Debug, Clone)]
pub struct OciDir {
    layout: Arc<Layout>,
}

impl OciDir {
    /// Opens an existing layout.
    ///
    /// # Errors
    /// [`PortErrorKind::NotFound`] when there is none, [`PortErrorKind::Corrupt`] when `oci-layout` or `index.json` is
    /// damaged.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, PortError> {
        let path = path.as_ref().to_owned();
        let attempted = format!("open ocidir://{}", path.display());
        let layout = blocking(move || Layout::open(&path)).await.map_err(|fault| fault.attempting(attempted))?;
        Ok(Self { layout: Arc::new(layout) })
    }

    /// Creates a layout, or opens the one that is there. Several creators at once, or one that is killed and repeated,
    /// make one layout.
    ///
    /// # Errors
    /// [`PortErrorKind::Invalid`] when the folder holds other things, else as [`OciDir::open`].
    pub async fn create(path: impl AsRef<Path>) -> Result<Self, PortError> {
        let path = path.as_ref().to_owned();
        let attempted = format!("create ocidir://{}", path.display());
        let layout = blocking(move || Layout::create(&path)).await.map_err(|fault| fault.attempting(attempted))?;
        Ok(Self { layout: Arc::new(layout) })
    }

    async fn work<T: Send + 'static>(
        &self,
        attempted: String,
        work: impl FnOnce(&Layout) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, PortError> {
        let layout = Arc::clone(&self.layout);
        blocking(move || work(&layout)).await.map_err(|fault| fault.attempting(self.within(&attempted)))
    }

    /// Work that changes the layout. One thread at a time waits for the lock, or many writes of one value could take all
    /// threads that the holder of the lock needs to get on.
    async fn write(
        &self,
        attempted: String,
        work: impl FnOnce(&Layout) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), PortError> {
        let pass = self.layout.writers.pass().lock_owned().await;
        self.work(attempted, move |layout| {
            // Kept by the work itself, which goes on when its caller stops waiting.
            let _pass = pass;
            work(layout)
        })
        .await
    }

    fn within(&self, attempted: &str) -> String {
        format!("{attempted} in {}", self.layout.repository)
    }
}

#[async_trait]
impl Registry for OciDir {
    fn repository(&self) -> &Repository {
        &self.layout.repository
    }

    fn consistency(&self) -> Consistency {
        Consistency::Exclusive
    }

    /// Waits for the lock file, however long another holder takes. A caller that stops waiting leaves a thread behind,
    /// which lets the lock go as soon as it gets it.
    async fn lock(&self) -> Result<Guard, PortError> {
        let turn = self.layout.writers.turn().lock_owned().await;
        let pass = self.layout.writers.pass().lock_owned().await;
        self.work("lock".to_owned(), move |layout| {
            let _pass = pass;
            Ok(Guard::new((layout.writers.hold()?, turn)))
        })
        .await
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.work("list tags".to_owned(), |layout| Ok(layout.index()?.listing.clone())).await
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        let wanted = tag.clone();
        self.work(format!("resolve tag {tag}"), move |layout| layout.target(&*layout.index()?, &wanted)).await
    }

    async fn resolve_all(&self, tags: &[Tag]) -> Result<Vec<Option<Digest>>, PortError> {
        let wanted = tags.to_vec();
        let resolve = move |layout: &Layout| {
            let index = layout.index()?;
            wanted.iter().map(|tag| layout.target(&index, tag)).collect()
        };
        self.work(format!("resolve {} tags", tags.len()), resolve).await
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.work(format!("get manifest {digest}"), move |layout| layout.manifest(&*layout.index()?, digest)).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.put_manifests(std::slice::from_ref(manifest)).await
    }

    /// All of them in a single write of `index.json`, or none.
    async fn put_manifests(&self, manifests: &[Manifest]) -> Result<(), PortError> {
        let attempted = match manifests {
            [manifest] => format!("put manifest {}", manifest.digest()),
            _ => format!("put {} manifests", manifests.len()),
        };
        let manifests = manifests.to_vec();
        self.write(attempted, move |layout| put_manifests(layout, &manifests)).await
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.put_tags(&[(tag.clone(), manifest.clone(), expect)]).await
    }

    /// All of them in a single write of `index.json`, or none; [`PortErrorKind::Invalid`] when one tag is given two
    /// manifests.
    async fn put_tags(&self, writes: &[(Tag, Manifest, Expect)]) -> Result<(), PortError> {
        let attempted = match writes {
            [(tag, manifest, _)] => format!("put tag {tag} on {}", manifest.digest()),
            _ => format!("put {} tags", writes.len()),
        };
        let writes = writes.to_vec();
        self.write(attempted, move |layout| put_tags(layout, &writes)).await
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        let doomed = tag.clone();
        let delete = move |layout: &Layout| {
            layout.update(|index, edit| match current(index, &doomed)? {
                None => Ok(None),
                Some(found) if found != expected => Err(conflict(&doomed, Some(found), &format!("{expected}"))),
                Some(_) => {
                    let mut edit = edit();
                    edit.untag(&doomed).map_err(invalid)?;
                    Ok(Some(edit))
                }
            })
        };
        self.write(format!("delete tag {tag}"), delete).await
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.work(format!("list referrers of {subject}"), move |layout| layout.referrers(&*layout.index()?, subject))
            .await
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        self.work(format!("look for blob {digest}"), move |layout| Ok(layout.blob_len(digest)?.is_some())).await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        let attempted = format!("get blob {}", blob.digest);
        let (blob, named) = (blob.clone(), self.within(&attempted));
        self.work(attempted, move |layout| Ok(Box::new(layout.read_blob(&blob, named)?) as Box<dyn BlobSource>)).await
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        let attempted = self.within(&format!("put blob {}", blob.digest));
        blobs::write_blob(&self.layout, blob, source, &attempted).await
    }
}

/// Stores every manifest, then keeps those that are new by an entry without a name.
fn put_manifests(layout: &Layout, manifests: &[Manifest]) -> Result<(), Fault> {
    layout.update(|index, edit| {
        store(layout, index, manifests.iter())?;
        let mut new = HashSet::new();
        let unknown = manifests.iter().filter(|manifest| index.digest(manifest.digest()).is_none());
        let unknown: Vec<&Manifest> = unknown.filter(|manifest| new.insert(manifest.digest())).collect();
        if unknown.is_empty() {
            return Ok(None);
        }
        let mut edit = edit();
        for manifest in unknown {
            edit.keep(&manifest.descriptor()).map_err(invalid)?;
        }
        Ok(Some(edit))
    })
}

/// Checks every expectation, then stores every manifest, then writes the index once.
fn put_tags(layout: &Layout, writes: &[(Tag, Manifest, Expect)]) -> Result<(), Fault> {
    if is_done(layout, writes)? {
        return Ok(());
    }
    layout.update(|index, edit| {
        let mut wanted: HashMap<&Tag, Digest> = HashMap::with_capacity(writes.len());
        let mut moves = Vec::new();
        for (tag, manifest, expect) in writes {
            let digest = manifest.digest();
            match wanted.insert(tag, digest) {
                Some(other) if other != digest => {
                    return Err(invalid(format!("tag {tag} is given {other} and {digest}")));
                }
                Some(_) => continue,
                None => {}
            }
            let found = current(index, tag)?;
            if found == Some(digest) {
                continue;
            }
            match *expect {
                Expect::Absent if found.is_some() => return Err(conflict(tag, found, "nothing")),
                Expect::Equals(expected) if found != Some(expected) => {
                    return Err(conflict(tag, found, &expected.to_string()));
                }
                Expect::Absent | Expect::Equals(_) | Expect::Any => moves.push((tag, manifest)),
            }
        }
        store(layout, index, writes.iter().map(|(_, manifest, _)| manifest))?;
        if moves.is_empty() {
            return Ok(None);
        }
        let mut edit: Edit = edit();
        for (tag, manifest) in moves {
            edit.point(tag, &manifest.descriptor()).map_err(invalid)?;
        }
        Ok(Some(edit))
    })
}

/// Whether every tag is its manifest already: then nothing is written, and neither lock nor permission is needed.
fn is_done(layout: &Layout, writes: &[(Tag, Manifest, Expect)]) -> Result<bool, Fault> {
    let index = layout.index()?;
    for (tag, manifest, _) in writes {
        let there = || Ok(layout.blob_len(manifest.digest())? == Some(manifest.bytes().len() as u64));
        if current(&index, tag)? != Some(manifest.digest()) || !there()? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Stores manifests, each once; nothing is stored when one of them points at something that is not there.
fn store<'a>(
    layout: &Layout,
    index: &Index,
    manifests: impl Iterator<Item = &'a Manifest> + Clone,
) -> Result<(), Fault> {
    let coming: HashSet<Digest> = manifests.clone().map(Manifest::digest).collect();
    let mut seen = HashSet::new();
    for manifest in manifests.clone().filter(|manifest| seen.insert(manifest.digest())) {
        if index.digest(manifest.digest()).is_none() {
            layout.check_links(manifest, &|digest| coming.contains(&digest))?;
        }
    }
    let mut seen = HashSet::new();
    layout.store_manifests(manifests.filter(|manifest| seen.insert(manifest.digest())))
}

/// What a tag points at, whether or not its content is there.
fn current(index: &Index, tag: &Tag) -> Result<Option<Digest>, Fault> {
    match index.tag(tag).map(|entry| &entry.target) {
        None => Ok(None),
        Some(index::Target::Sha256(digest)) => Ok(Some(*digest)),
        Some(index::Target::Other(digest)) => Err(Fault::new(
            PortErrorKind::Unsupported,
            format!("the tag {tag} is {digest}, and only sha256 is supported"),
        )),
    }
}

fn conflict(tag: &Tag, found: Option<Digest>, expected: &str) -> Fault {
    let is = found.map_or_else(|| "absent".to_owned(), |found| found.to_string());
    Fault::new(PortErrorKind::Conflict { found }, format!("expected {expected} at tag {tag}, but it is {is}"))
}

fn invalid(message: String) -> Fault {
    Fault::new(PortErrorKind::Invalid, message)
}
