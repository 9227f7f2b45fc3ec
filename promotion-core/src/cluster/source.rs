//! `OCIRepository`: what a stage follows.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::common::{Applied, Condition, Metadata, Owner, Parts, condition, interval, is_current, lenient_time, read};
use super::pin::{PINNED, Pinned};
use crate::flux::{SelectError, Selector};
use crate::ports::cluster::{Kind, Object, ObjectName};
use crate::time::Timestamp;

/// `spec.ref`. A digest counts before a range of versions, and that before a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reference {
    /// One manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The highest version of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Of the tags that match this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver_filter: Option<String>,
    /// One tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// An `OCIRepository`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Which one.
    pub name: ObjectName,
    /// `spec.url`.
    pub url: String,
    /// `spec.interval`.
    pub interval: Option<Duration>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.ref`.
    pub reference: Reference,
    /// `spec.layerSelector.mediaType`.
    pub media_type: Option<String>,
    /// Whether signatures are asked for (`spec.verify`).
    pub verifies: bool,
    /// `status.artifact.revision`.
    pub artifact: Option<Applied>,
    /// `status.artifact.lastUpdateTime`.
    pub updated: Option<Timestamp>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Whether the status is of the newest spec.
    pub current: bool,
    /// Who would undo what is written to it.
    pub owner: Option<Owner>,
    /// What it followed before promotion pinned it, as the object remembers. Somebody may have changed `spec.ref` since.
    pub pinned: Option<Pinned>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    url: String,
    interval: Option<String>,
    suspend: bool,
    r#ref: Option<Reference>,
    layer_selector: Option<LayerSelector>,
    verify: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct LayerSelector {
    media_type: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusParts {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    artifact: Option<ArtifactParts>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ArtifactParts {
    revision: String,
    #[serde(deserialize_with = "lenient_time")]
    last_update_time: Option<Timestamp>,
}

impl Source {
    /// Reads an `OCIRepository`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { metadata, spec, status } = read::<Parts<Spec, StatusParts>>(object, Kind::OciRepository)?;
        let artifact = status.artifact.as_ref();
        Ok(Self {
            name: object.name.clone(),
            url: spec.url,
            interval: interval(spec.interval.as_deref()),
            suspended: spec.suspend,
            reference: spec.r#ref.unwrap_or_default(),
            media_type: spec.layer_selector.and_then(|selector| selector.media_type),
            verifies: spec.verify.is_some_and(|verify| !verify.is_null()),
            artifact: artifact.and_then(|artifact| Applied::read(&artifact.revision)),
            updated: artifact.and_then(|artifact| artifact.last_update_time),
            current: is_current(metadata.generation, status.observed_generation),
            conditions: status.conditions,
            owner: metadata.owner(),
            pinned: pinned_before(&metadata)?,
        })
    }

    /// The `Ready` condition.
    #[must_use]
    pub fn ready(&self) -> Option<&Condition> {
        self.condition("Ready")
    }

    /// A condition by its type.
    #[must_use]
    pub fn condition(&self, r#type: &str) -> Option<&Condition> {
        condition(&self.conditions, r#type)
    }

    /// What it selects tags by; `None` where it follows a digest or a tag.
    ///
    /// # Errors
    /// When its constraint or filter cannot be used.
    pub fn selector(&self) -> Option<Result<Selector, SelectError>> {
        let reference = Some(&self.reference).filter(|reference| reference.digest.is_none())?;
        let semver = reference.semver.as_deref()?;
        Some(Selector::parse(semver, reference.semver_filter.as_deref(), self.media_type.as_deref()))
    }
}

/// An annotation that cannot be read must not be overwritten: it is all that is known of before.
fn pinned_before(metadata: &Metadata) -> Result<Option<Pinned>, String> {
    let Some(text) = metadata.annotation(PINNED) else { return Ok(None) };
    serde_json::from_str(text)
        .map(Some)
        .map_err(|error| alloc::format!("its annotation {PINNED} cannot be read: {error}"))
}
