//! What an event's metadata says about the artifact.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use super::document::Document;
use super::{EventError, Object, SourceRevision};
use crate::{Commit, Digest, Tag};

/// Metadata keys without the prefix that tells whose they are: the involved object's API group, or Flux's event group.
///
/// Controllers send the prefixes, notification-controller removes them on the way out. As there, the object's own
/// group wins, so that an annotation cannot pose as what the controller said.
pub(super) fn metadata(document: &Document<'_>, group: Option<&str>) -> Result<BTreeMap<String, String>, EventError> {
    let mut plain = BTreeMap::new();
    let mut of_object = BTreeMap::new();
    let Some(entries) = document.optional_object("metadata")? else { return Ok(plain) };
    for (key, value) in entries.texts()? {
        match key.split_once('/') {
            Some(("event.toolkit.fluxcd.io", rest)) => {
                plain.entry(rest.to_string()).or_insert_with(|| value.to_string());
            }
            Some((prefix, rest)) if group.map_or(prefix.ends_with(".toolkit.fluxcd.io"), |group| group == prefix) => {
                of_object.insert(rest.to_string(), value.to_string());
            }
            _ => {
                plain.insert(key.to_string(), value.to_string());
            }
        }
    }
    plain.append(&mut of_object);
    Ok(plain)
}

/// What the metadata says about the artifact.
#[derive(Default)]
pub(super) struct Artifact {
    pub(super) tag: Option<Tag>,
    pub(super) digest: Option<Digest>,
    pub(super) commit: Option<Commit>,
}

impl Artifact {
    pub(super) fn of(object: &Object, metadata: &BTreeMap<String, String>) -> Self {
        let read = |key: &str| metadata.get(key).map(|text| SourceRevision::read(text));
        let mut artifact = Self::default();
        match read("revision") {
            // A Git repository hashed with SHA-256 writes revisions of the same form, and a bucket's digest is of its
            // index: neither names anything in a registry.
            Some(SourceRevision::Oci { .. }) if matches!(object.kind.as_str(), "GitRepository" | "Bucket") => {}
            Some(SourceRevision::Oci { tag, digest }) => (artifact.tag, artifact.digest) = (tag, Some(digest)),
            Some(SourceRevision::Git(revision)) => artifact.commit = Some(revision.commit),
            Some(SourceRevision::Other) | None => {}
        }
        // A HelmRelease's revision is the chart's version; the chart's manifest is named apart. (The key `digest` of a
        // source's event is that of the tarball which Flux unpacked, and says nothing about the registry.)
        if object.kind == "HelmRelease" {
            artifact.digest = metadata.get("oci-digest").and_then(|text| text.parse().ok());
        }
        // Flux's own order of belief; a value that is no commit yields to the next.
        for key in ["originRevision", "commit"] {
            if let Some(SourceRevision::Git(revision)) = read(key) {
                artifact.commit = Some(revision.commit);
            }
        }
        artifact
    }
}
