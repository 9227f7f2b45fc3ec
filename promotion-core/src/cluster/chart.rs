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
    /// `status.artifact.revision`: `tag@sha256:…` of an `OCIRepository`, the chart's version of a `HelmChart`.
    pub revision: Option<String>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Whether the status is of the newest spec.
    pub current: bool,
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
        let Parts { metadata, status, .. } = read::<Parts<serde_json::Value, StatusParts>>(object, object.kind)?;
        Ok(Self {
            kind: object.kind,
            revision: status.artifact.map(|artifact| artifact.revision).filter(|revision| !revision.is_empty()),
            current: is_current(metadata.generation, status.observed_generation),
            conditions: status.conditions,
        })
    }

    /// What keeps the chart from being what its spec asks for; `None` when it is that.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        if !self.current {
            return Some(Fault::OldStatus);
        }
        let ready = condition(&self.conditions, "Ready").filter(|ready| ready.status == Status::False)?;
        Some(Fault::SourceFails { reason: ready.reason.clone(), message: ready.message.clone(), since: ready.since })
    }

    /// What the release has, and what its chart is by now, where they differ. A controller that does not tell what it took
    /// (before Flux 2.3 of an `OCIRepository`) is believed.
    #[must_use]
    pub fn is_ahead_of(&self, release: &HelmRelease) -> Option<Fault> {
        let wanted = self.revision.as_deref()?;
        let (has, wanted) = match self.kind {
            Kind::OciRepository => (release.chart_digest.as_deref()?, wanted.rsplit('@').next().unwrap_or(wanted)),
            _ => (release.chart_version.as_deref()?, wanted),
        };
        (has != wanted).then(|| Fault::ChartNotApplied { has: has.to_string(), wanted: wanted.to_string() })
    }
}
