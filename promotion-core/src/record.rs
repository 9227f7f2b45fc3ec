//! The promotion record: who did what to an artifact, when and on which evidence, kept beside it as an OCI referrer.
//!
//! Tags are the truth that clusters follow; a record is testimony for people and auditors: of what somebody set out to do,
//! written before the last tag of it. A registry that failed half-way may hold a record of tags that it does not have. It never annotates the
//! artifact, whose digest would change. It is a manifest without content (OCI image specification, "Guidelines for
//! Artifact Usage") whose one annotation holds the record as JSON, so that a single listing of referrers shows them all.
//!
//! ```
//! use promotion_core::manifest::{Manifest, OCI_MANIFEST};
//! use promotion_core::record::{Deed, RECORD, Record};
//!
//! let artifact = Manifest::new(OCI_MANIFEST, br#"{"schemaVersion":2}"#.to_vec());
//! let record = Record {
//!     deed: Deed::Reject,
//!     by: "ada".into(),
//!     at: "2026-03-01T12:00:00Z".parse()?,
//!     stage: None,
//!     tags: vec!["rejected-6f9c0e2".parse()?],
//!     reason: Some("data loss".into()),
//!     evidence: vec![],
//! };
//! let referrer = record.manifest(&artifact.descriptor());
//! assert_eq!(referrer.links()?.subject.unwrap().digest, artifact.digest());
//! assert_eq!(Record::of_manifest(&referrer), Some(record));
//! assert!(referrer.bytes().windows(RECORD.len()).any(|text| text == RECORD.as_bytes()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::executor::Write;
use crate::manifest::{CREATED, Descriptor, Manifest, OCI_MANIFEST};
use crate::plan::Goal;
use crate::policy::Policy;
use crate::ports::{PortError, PortErrorKind, Registry, Unsettled};
use crate::scheme::{Kind, Mark};
use crate::time::Timestamp;
use crate::{Digest, Tag};

/// The artifact type of a record.
pub const RECORD: &str = "application/vnd.promotion.record.v1+json";

/// The annotation that holds a record, as JSON.
pub const ANNOTATION: &str = "io.github.promotion-rs.record";

/// Content of a manifest that has none (OCI image specification, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Evidence was accepted.
    Promote,
    /// It was rejected.
    Reject,
    /// A rejection was withdrawn.
    Reopen,
    /// The last stage was returned to it.
    Rollback,
}

/// Who did what, when and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// What was done.
    pub deed: Deed,
    /// By whom: a person or a CI job, as they call themselves. Nothing proves it.
    pub by: String,
    /// When it was decided, before the first write.
    pub at: Timestamp,
    /// Which stage it left, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// What was to be written on this artifact, in order.
    pub tags: Vec<Tag>,
    /// A person's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// On which evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

impl Record {
    /// What must be recorded of a goal and what was written for it, by artifact. Nothing where nothing was written, and
    /// nothing of a build: its manifest says who made it.
    #[must_use]
    pub fn of(policy: &Policy, goal: &Goal, writes: &[Write], by: &str, at: Timestamp) -> Vec<(Digest, Self)> {
        let record = |artifact: Digest, deed: Deed, reason: Option<&str>| {
            let tags = tags_on(writes, artifact);
            let reason = reason.map(ToString::to_string);
            let record = Self { deed, by: by.to_string(), at, stage: None, tags, reason, evidence: Vec::new() };
            (artifact, record)
        };
        let mut records = match goal {
            Goal::Build(_) | Goal::Repair => Vec::new(),
            Goal::Promote(promote) => {
                let (artifact, record) = record(promote.artifact, Deed::Promote, None);
                let (stage, evidence) = (promote.stage.clone(), promote.evidence.clone());
                alloc::vec![(artifact, Self { stage, evidence, ..record })]
            }
            Goal::Reject { artifact, reason } => alloc::vec![record(*artifact, Deed::Reject, Some(reason))],
            Goal::Reopen { artifact, reason } => alloc::vec![record(*artifact, Deed::Reopen, Some(reason))],
            Goal::Rollback { to, .. } | Goal::RejectAll { to, .. } => {
                let rejected = |write: &&Write| match policy.classify(write.tag.as_str()) {
                    Kind::Mark(mark) => mark.mark == Mark::Rejected,
                    _ => false,
                };
                let reason = alloc::format!("rolled back to {to}");
                let victims = writes.iter().filter(rejected).map(|write| write.digest);
                let mut records: Vec<_> = victims.map(|victim| record(victim, Deed::Reject, Some(&reason))).collect();
                records.push(record(*to, Deed::Rollback, None));
                records
            }
        };
        // A rollback that only rejects writes nothing on what it returns to, and is told there all the same.
        let wrote = !writes.is_empty();
        records.retain(|(_, record)| wrote && (record.deed == Deed::Rollback || !record.tags.is_empty()));
        records
    }

    /// The record as a referrer of its artifact.
    #[must_use]
    pub fn manifest(&self, subject: &Descriptor) -> Manifest {
        // A record is plain data; there is no text that cannot be written.
        let record = serde_json::to_string(self).unwrap_or_default();
        let document = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": RECORD,
            "config": empty(),
            "layers": [empty()],
            "subject": { "mediaType": subject.media_type, "digest": subject.digest, "size": subject.size },
            "annotations": { CREATED: self.at.to_string(), ANNOTATION: record },
        });
        Manifest::new(OCI_MANIFEST, document.to_string().into_bytes())
    }

    /// The record that a referrer is; `None` when it is something else.
    #[must_use]
    pub fn of_manifest(manifest: &Manifest) -> Option<Self> {
        Self::of_annotations(&manifest.annotations().ok()?)
    }

    fn of_annotations(annotations: &BTreeMap<String, String>) -> Option<Self> {
        serde_json::from_str(annotations.get(ANNOTATION)?).ok()
    }
}

fn tags_on(writes: &[Write], artifact: Digest) -> Vec<Tag> {
    writes.iter().filter(|write| write.digest == artifact).map(|write| write.tag.clone()).collect()
}

fn empty() -> Descriptor {
    Descriptor {
        media_type: EMPTY_TYPE.to_string(),
        digest: Digest::of(EMPTY),
        size: EMPTY.len() as u64,
        artifact_type: None,
        annotations: BTreeMap::new(),
    }
}

/// A record that is beside its artifact, and that another writer could still lose.
#[derive(Debug)]
pub(crate) struct Begun {
    referrer: Manifest,
    unsettled: Option<Unsettled>,
}

/// Writes a record beside its artifact, up to where the artifact lists it for the first time. It moves no tag of ours; a
/// registry without the referrers API keeps it under the tag that the distribution specification prescribes.
///
/// # Errors
/// When the registry fails.
pub(crate) async fn begin(registry: &dyn Registry, artifact: Digest, record: &Record) -> Result<Begun, PortError> {
    let subject = registry.manifest(artifact).await?.descriptor();
    let referrer = record.manifest(&subject);
    let unsettled = registry.put_referrer(&referrer, &[(empty(), EMPTY.to_vec())]).await?;
    Ok(Begun { referrer, unsettled })
}

impl Begun {
    /// Stays until no other writer can lose it any more.
    ///
    /// # Errors
    /// When the registry fails.
    pub(crate) async fn finish(self, registry: &dyn Registry) -> Result<Digest, PortError> {
        if let Some(unsettled) = self.unsettled {
            registry.settle(&self.referrer, unsettled).await?;
        }
        Ok(self.referrer.digest())
    }
}

/// Writes a record beside its artifact, and stays until no other writer can lose it.
///
/// # Errors
/// When the registry fails.
pub async fn write(registry: &dyn Registry, artifact: Digest, record: &Record) -> Result<Digest, PortError> {
    begin(registry, artifact, record).await?.finish(registry).await
}

/// Every record of an artifact, oldest first (those of one second by what was done). A referrer that calls itself a record and cannot be read as one is
/// skipped, be it text that says nothing or a manifest that the registry cannot give: anybody can write one.
///
/// # Errors
/// When the registry fails.
pub async fn read(registry: &dyn Registry, artifact: Digest) -> Result<Vec<Record>, PortError> {
    let referrers = registry.referrers(artifact).await?;
    // Registries from before the specification's 1.1 tell another artifact type.
    let is_ours = |referrer: &Descriptor| {
        referrer.artifact_type.as_deref() == Some(RECORD) || referrer.annotations.contains_key(ANNOTATION)
    };
    let ours = referrers.into_iter().filter(is_ours);
    let (mut records, mut bare) = (Vec::new(), Vec::new());
    for referrer in ours {
        match Record::of_annotations(&referrer.annotations) {
            Some(record) => records.push(record),
            // A listing should repeat the annotations, and some registries do not.
            None => bare.push(referrer.digest),
        }
    }
    records.extend(readable(registry, &bare).await?.iter().filter_map(Record::of_manifest));
    records.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.cmp(b)));
    Ok(records)
}

/// Those manifests that can be read; one that cannot must not hide the others.
async fn readable(registry: &dyn Registry, digests: &[Digest]) -> Result<Vec<Manifest>, PortError> {
    match registry.manifest_all(digests).await {
        Err(error) if is_broken(error.kind()) => {}
        all => return Ok(all?.into_iter().flatten().collect()),
    }
    let mut manifests = Vec::new();
    for digest in digests {
        match registry.manifest(*digest).await {
            Err(error) if is_broken(error.kind()) => {}
            manifest => manifests.push(manifest?),
        }
    }
    Ok(manifests)
}

/// Whether a failure is about one manifest, and not about the registry.
const fn is_broken(kind: &PortErrorKind) -> bool {
    matches!(kind, PortErrorKind::NotFound | PortErrorKind::Corrupt | PortErrorKind::Unsupported)
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Promote => "promote",
            Self::Reject => "reject",
            Self::Reopen => "reopen",
            Self::Rollback => "rollback",
        })
    }
}
