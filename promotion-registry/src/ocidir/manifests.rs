//! Manifests of a layout: blobs that are read whole.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fs;
use std::io;
use std::sync::PoisonError;

use promotion_core::Digest;
use promotion_core::manifest::{DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::ports::PortErrorKind;
use serde::Deserialize;

use super::files;
use super::index::{Index, Target};
use super::layout::Layout;
use crate::fault::Fault;

/// Whose referrer each manifest is: facts of content, so they never change.
pub(super) type Subjects = HashMap<Digest, Option<Subject>>;

/// A referrer as it is listed.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    of: Digest,
    referrer: Descriptor,
}

/// No manifest is larger; most registries stop at 4 MiB.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What tells a manifest from any other JSON document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sniffed {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Layout {
    /// The digest behind an entry, provided that its content is there.
    pub(super) fn target(&self, index: &Index, tag: &promotion_core::Tag) -> Result<Option<Digest>, Fault> {
        let Some(entry) = index.tag(tag) else { return Ok(None) };
        let digest = match &entry.target {
            Target::Sha256(digest) => *digest,
            Target::Other(digest) => {
                let message =
                    format!("{}: the tag {tag} is {digest}, and only sha256 is supported", self.index_path().display());
                return Err(Fault::new(PortErrorKind::Unsupported, message));
            }
        };
        let path = self.blob_path(digest);
        match self.blob_len(digest)? {
            Some(len) if len == entry.size => Ok(Some(digest)),
            Some(len) => Err(Fault::corrupt(&path, format!("{len} bytes, but the tag {tag} has {} bytes", entry.size))),
            None => Err(Fault::corrupt(&path, format!("the file is missing, but the tag {tag} points at it"))),
        }
    }

    /// A manifest's bytes, verified, with its media type.
    pub(super) fn manifest(&self, index: &Index, digest: Digest) -> Result<Manifest, Fault> {
        let entry = index.digest(digest);
        let Some(bytes) = self.read_whole(digest)? else {
            return Err(match entry {
                Some(_) => {
                    let path = self.blob_path(digest);
                    Fault::corrupt(&path, "the file is missing, but index.json points at it")
                }
                None => Fault::new(PortErrorKind::NotFound, "no such manifest in the layout"),
            });
        };
        let media_type = match entry {
            Some(entry) if !entry.media_type.is_empty() => entry.media_type.clone(),
            _ => match sniff(&bytes) {
                Some(media_type) => media_type,
                None => {
                    return Err(Fault::new(PortErrorKind::NotFound, "the layout has this blob, but it is no manifest"));
                }
            },
        };
        Ok(Manifest::new(media_type, bytes))
    }

    /// Stores manifests' bytes, unless they are there already.
    pub(super) fn store_manifests<'a>(&self, manifests: impl Iterator<Item = &'a Manifest>) -> Result<(), Fault> {
        self.create_blobs()?;
        for manifest in manifests {
            if self.read_whole(manifest.digest())?.is_none() {
                let mut temp = files::Temp::create(&self.blobs())?;
                temp.write(manifest.bytes())?;
                temp.place(&self.blob_path(manifest.digest()))?;
            }
        }
        // Once for all, and also for what somebody else placed just before dying.
        files::sync_folder(&self.blobs())
    }

    /// Everything the manifest points at is in the layout, or among `coming`.
    pub(super) fn check_links(&self, manifest: &Manifest, coming: &dyn Fn(Digest) -> bool) -> Result<(), Fault> {
        let invalid = |message: String| Fault::new(PortErrorKind::Invalid, message);
        let links = manifest.links().map_err(|error| invalid(error.to_string()))?;
        for link in links.blobs.iter().chain(&links.manifests) {
            // Layers that licences keep out of registries are fetched from elsewhere.
            let elsewhere = link.media_type.contains("nondistributable") || link.media_type.contains("foreign");
            if elsewhere || coming(link.digest) {
                continue;
            }
            match self.blob_len(link.digest)? {
                Some(len) if len == link.size => {}
                Some(len) => {
                    return Err(Fault::corrupt(
                        &self.blob_path(link.digest),
                        format!("{len} bytes, but manifest {} expects {} bytes", manifest.digest(), link.size),
                    ));
                }
                None => {
                    let (digest, missing) = (manifest.digest(), link.digest);
                    return Err(invalid(format!(
                        "manifest {digest} points at {missing}, which is not here; put that first"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Manifests of the index whose subject is `subject`, in the index's order, each once.
    pub(super) fn referrers(&self, index: &Index, subject: Digest) -> Result<Vec<Descriptor>, Fault> {
        let mut known = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Descriptor> = Vec::new();
        for entry in &index.entries {
            let Target::Sha256(digest) = entry.target else { continue };
            if !matches!(entry.media_type.as_str(), OCI_MANIFEST | OCI_INDEX | DOCKER_MANIFEST | DOCKER_INDEX) {
                continue;
            }
            let fact = match known.entry(digest) {
                Slot::Occupied(slot) => slot.into_mut(),
                Slot::Vacant(slot) => slot.insert(read_subject(&self.manifest(index, digest)?)),
            };
            if let Some(fact) = fact
                && fact.of == subject
                && found.iter().all(|seen| seen.digest != digest)
            {
                found.push(fact.referrer.clone());
            }
        }
        Ok(found)
    }

    /// A blob's bytes, verified; `None` when it is not there.
    fn read_whole(&self, digest: Digest) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.blob_path(digest);
        match self.blob_len(digest)? {
            None => return Ok(None),
            Some(len) if len > LARGEST => {
                let message = format!("{}: {len} bytes are too many for a manifest", path.display());
                return Err(Fault::new(PortErrorKind::Unsupported, message));
            }
            Some(_) => {}
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::io("read", &path, error)),
        };
        let got = Digest::of(&bytes);
        if got != digest {
            return Err(Fault::corrupt(&path, format!("the bytes are {got}; remove the file and put it again")));
        }
        Ok(Some(bytes))
    }
}

/// The media type of a manifest that no entry describes (a child of an index); `None` when it is another document.
fn sniff(bytes: &[u8]) -> Option<String> {
    let document: Sniffed =
        serde_json::from_slice(bytes).ok().filter(|document: &Sniffed| document.schema_version == Some(2))?;
    match document.media_type {
        Some(media_type) => Some(media_type),
        // The specification lets the member away, and then only the OCI types are possible.
        None if document.manifests.is_some() => Some(OCI_INDEX.to_owned()),
        None if document.config.is_some() && document.layers.is_some() => Some(OCI_MANIFEST.to_owned()),
        None => None,
    }
}

fn read_subject(manifest: &Manifest) -> Option<Subject> {
    let (of, referrer) = manifest.as_referrer().ok()??;
    Some(Subject { of, referrer })
}
