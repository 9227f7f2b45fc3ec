//! What a registry in the process holds.

use std::collections::BTreeMap;

use bytes::Bytes;
use promotion_core::Digest;
use promotion_core::manifest::OCI_MANIFEST;
use serde_json::json;

use super::Quirks;
use super::access::Token;

/// Everything that a registry in the process knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) quirks: Quirks,
    pub(super) repositories: BTreeMap<String, Repository>,
    /// What has come of each upload.
    pub(super) uploads: BTreeMap<String, Vec<u8>>,
    pub(super) tokens: BTreeMap<String, Token>,
    /// Uploads and tokens ever, which number them.
    pub(super) handed_out: u64,
    /// Reads of tags ever.
    pub(super) tag_reads: u64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Repository {
    /// In the order in which they came.
    pub(super) tags: Vec<(String, Digest)>,
    pub(super) manifests: BTreeMap<Digest, Stored>,
    pub(super) blobs: BTreeMap<Digest, Bytes>,
}

/// A manifest as it was put.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
    /// It was put by its digest: it needs no tag to stay.
    pub(super) by_digest: bool,
}

impl State {
    pub(super) fn new(quirks: Quirks) -> Self {
        let (repositories, uploads, tokens) = <_>::default();
        Self { quirks, repositories, uploads, tokens, handed_out: 0, tag_reads: 0 }
    }

    /// A repository, which comes into being when something is put into it.
    pub(super) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    /// The next number to hand out.
    pub(super) fn next(&mut self) -> u64 {
        self.handed_out += 1;
        self.handed_out
    }

    pub(super) fn seed(&mut self, repository: &str, tag: &str, content: &str) -> Digest {
        let repository = self.repository(repository);
        let config = repository.put_blob(Bytes::from_static(b"{}"));
        let layer = repository.put_blob(Bytes::from(content.to_owned()));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config.to_string(), "size": 2},
            "layers": [{"mediaType": "text/plain", "digest": layer.to_string(), "size": content.len()}],
        });
        let bytes = Bytes::from(manifest.to_string());
        let digest = Digest::of(&bytes);
        let stored = Stored { media_type: OCI_MANIFEST.to_owned(), bytes, by_digest: false };
        repository.manifests.insert(digest, stored);
        repository.set_tag(tag, Some(digest));
        digest
    }
}

impl Repository {
    pub(super) fn put_blob(&mut self, bytes: Bytes) -> Digest {
        let digest = Digest::of(&bytes);
        self.blobs.insert(digest, bytes);
        digest
    }

    pub(super) fn tag(&self, name: &str) -> Option<Digest> {
        self.tags.iter().find(|(tag, _)| tag == name).map(|(_, digest)| *digest)
    }

    /// Moves a tag, which keeps its place, or adds or removes it.
    pub(super) fn set_tag(&mut self, name: &str, digest: Option<Digest>) {
        let place = self.tags.iter().position(|(tag, _)| tag == name);
        match (place, digest) {
            (Some(place), Some(digest)) => self.tags[place].1 = digest,
            (None, Some(digest)) => self.tags.push((name.to_owned(), digest)),
            (Some(place), None) => drop(self.tags.remove(place)),
            (None, None) => {}
        }
    }

    /// Drops a manifest that no tag holds and nobody put by its digest.
    pub(super) fn collect(&mut self, digest: &Digest) {
        let tagged = self.tags.iter().any(|(_, tagged)| tagged == digest);
        if !tagged && self.manifests.get(digest).is_some_and(|stored| !stored.by_digest) {
            self.manifests.remove(digest);
        }
    }
}
