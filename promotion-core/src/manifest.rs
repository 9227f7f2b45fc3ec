//! Manifests as bytes: forwarded exactly, read leniently, never written back from a parsed form (that would change
//! the digest).
//!
//! ```
//! use promotion_core::manifest::{Manifest, OCI_MANIFEST};
//!
//! let bytes = br#"{"schemaVersion":2,"annotations":{"org.opencontainers.image.revision":"main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9"}}"#;
//! let manifest = Manifest::new(OCI_MANIFEST, bytes.to_vec());
//! let facts = manifest.read()?;
//! assert_eq!(facts.revision.unwrap().commit.prefix(7), "6f9c0e2");
//! # Ok::<(), promotion_core::manifest::ManifestError>(())
//! ```

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{Digest, Revision};

/// Media type of an OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of a Docker schema 2 manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Media type of a Docker manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Annotation with the commit: `org.opencontainers.image.revision`.
pub const REVISION: &str = "org.opencontainers.image.revision";
/// Annotation with the source repository: `org.opencontainers.image.source`.
pub const SOURCE: &str = "org.opencontainers.image.source";
/// Annotation with the artifact's title: `org.opencontainers.image.title`.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Annotation with the time of building: `org.opencontainers.image.created`.
pub const CREATED: &str = "org.opencontainers.image.created";

/// A manifest or index: its exact bytes, their media type and digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Manifest {
    digest: Digest,
    media_type: String,
    bytes: Vec<u8>,
}

/// What a manifest says that the model needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ManifestFacts {
    /// The commit, from [`REVISION`]; `None` when the annotation is missing or not a revision.
    pub revision: Option<Revision>,
    /// [`SOURCE`], as written.
    pub source: Option<String>,
    /// [`TITLE`], as written.
    pub title: Option<String>,
    /// [`CREATED`], as written (an upper bound of the artifact's age, never proof).
    pub created: Option<String>,
}

/// A reference from a manifest to other content (OCI image specification, descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The content's media type.
    pub media_type: String,
    /// The content's digest.
    pub digest: Digest,
    /// The content's size in bytes.
    pub size: u64,
    /// What kind of artifact a referrer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations of the descriptor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Everything a manifest or index points at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// Config and layers: blobs.
    pub blobs: Vec<Descriptor>,
    /// Children of an index: manifests.
    pub manifests: Vec<Descriptor>,
    /// What this manifest is a referrer of.
    pub subject: Option<Descriptor>,
}

/// Why bytes cannot be read as a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON of a manifest's shape.
    #[error("manifest {digest} is not readable: {message}")]
    Json {
        /// The manifest.
        digest: Digest,
        /// What the JSON reader said.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    artifact_type: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    annotations: BTreeMap<String, String>,
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    manifests: Vec<Descriptor>,
    subject: Option<Descriptor>,
}

/// Go writers emit `null` for an empty list or map.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Manifest {
    /// A manifest of these bytes; the digest is computed, never believed.
    #[must_use]
    pub fn new(media_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { digest: Digest::of(&bytes), media_type: media_type.into(), bytes }
    }

    /// The digest of the bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The exact bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A descriptor of this manifest.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest,
            size: self.bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads what the model needs.
    ///
    /// # Errors
    /// When the bytes are not a JSON object of a manifest's shape.
    pub fn read(&self) -> Result<ManifestFacts, ManifestError> {
        let mut document = self.document()?;
        Ok(ManifestFacts {
            revision: document.annotations.get(REVISION).and_then(|text| text.parse().ok()),
            source: document.annotations.remove(SOURCE),
            title: document.annotations.remove(TITLE),
            created: document.annotations.remove(CREATED),
        })
    }

    /// Its annotations.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn annotations(&self) -> Result<BTreeMap<String, String>, ManifestError> {
        Ok(self.document()?.annotations)
    }

    /// Everything the manifest points at.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn links(&self) -> Result<Links, ManifestError> {
        let document = self.document()?;
        Ok(Links {
            blobs: document.config.into_iter().chain(document.layers).collect(),
            manifests: document.manifests,
            subject: document.subject,
        })
    }

    /// What a listing of referrers says of this manifest, and of which subject; `None` when it has none (OCI distribution
    /// specification, "Listing Referrers").
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn as_referrer(&self) -> Result<Option<(Digest, Descriptor)>, ManifestError> {
        let document = self.document()?;
        let artifact_type = document.artifact_type.or_else(|| document.config.map(|config| config.media_type));
        let referrer = Descriptor { artifact_type, annotations: document.annotations, ..self.descriptor() };
        Ok(document.subject.map(|subject| (subject.digest, referrer)))
    }

    fn document(&self) -> Result<Document, ManifestError> {
        let unreadable = |message| ManifestError::Json { digest: self.digest, message };
        // A derived reader would also take a list of the members' values.
        if self.bytes.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
            return Err(unreadable("a list, not an object".to_string()));
        }
        serde_json::from_slice(&self.bytes).map_err(|error| unreadable(error.to_string()))
    }
}
