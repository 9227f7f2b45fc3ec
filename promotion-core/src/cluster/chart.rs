//! Where a `HelmRelease` takes its chart from: an `OCIRepository` or a `HelmChart`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;

use super::common::{Condition, Parts, Status, condition, is_current, read};
use super::release::HelmRelease;
use super::trouble::Fault;
use crate::ports::cluster::{Kind, Object};

/// A chart, as its source has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Of an `OCIRepository` or of a `HelmChart`.
    pub kind: Kind,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `status.artifact.revision`: `tag@sha256:…` of an `OCIRepository`, the chart's version of a `HelmChart`.
    pub revision: Option<String>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Whether the status is of the newest spec.
    pub current: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    suspend: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusParts {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    artifact: Option<Artifact>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Artifact {
    revision: String,
}

impl Chart {
    /// Reads an `OCIRepository` or a `HelmChart`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { metadata, spec, status } = read::<Parts<Spec, StatusParts>>(object, object.kind)?;
        Ok(Self {
            kind: object.kind,
            suspended: spec.suspend,
            revision: status.artifact.map(|artifact| artifact.revision).filter(|revision| !revision.is_empty()),
            current: is_current(metadata.generation, status.observed_generation),
            conditions: status.conditions,
        })
    }

    /// What keeps the chart from being what its spec asks for. Suspended, a source takes note of its newest spec and fetches
    /// nothing.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let ready = condition(&self.conditions, "Ready");
        match ready {
            _ if self.suspended => Some(Fault::Suspended),
            _ if !self.current => Some(Fault::OldStatus),
            Some(ready) if ready.status == Status::True && self.revision.is_some() => None,
            Some(ready) => Some(Fault::SourceFails {
                reason: ready.reason.clone(),
                message: ready.message.clone(),
                since: ready.since,
            }),
            None => Some(Fault::SourceFails {
                reason: "Unknown".to_string(),
                message: "it has no Ready condition yet".to_string(),
                since: None,
            }),
        }
    }

    /// What the release has, and what its chart is by now, where they differ. A controller that does not tell what it took
    /// (before Flux 2.3 of an `OCIRepository`) is believed.
    #[must_use]
    pub fn is_ahead_of(&self, release: &HelmRelease) -> Option<Fault> {
        let wanted = self.revision.as_deref()?;
        // Where the tag is no version, helm-controller writes all of the revision for the digest.
        let digest = |revision: &'_ str| revision.rsplit('@').next().map(ToString::to_string).unwrap_or_default();
        let (has, wanted) = match self.kind {
            Kind::OciRepository => (digest(release.chart_digest.as_deref()?), digest(wanted)),
            _ => (release.chart_version.clone()?, wanted.to_string()),
        };
        (has != wanted).then_some(Fault::ChartNotApplied { has, wanted })
    }
}
