//! `HelmRelease`: a chart that a stage runs.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::common::{Condition, Parts, Reference, Status, condition, is_current, read};
use crate::ports::cluster::{Kind, Object, ObjectName};

/// A `HelmRelease`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmRelease {
    /// Which one.
    pub name: ObjectName,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Where its chart comes from: `spec.chartRef`, or the `HelmChart` that the controller keeps for it
    /// (`status.helmChart`).
    pub chart: Option<(Kind, ObjectName)>,
    /// The manifest of the chart that it took last, where that came from an `OCIRepository`.
    pub chart_digest: Option<String>,
    /// The version of the chart that it took last.
    pub chart_version: Option<String>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Whether the status is of the newest spec.
    pub current: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    suspend: bool,
    chart_ref: Option<Reference>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusParts {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    helm_chart: Option<String>,
    last_attempted_revision: Option<String>,
    last_attempted_revision_digest: Option<String>,
    history: Vec<Snapshot>,
}

/// What was deployed, newest first.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Snapshot {
    oci_digest: Option<String>,
}

impl HelmRelease {
    /// Reads a `HelmRelease`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { metadata, spec, status } = read::<Parts<Spec, StatusParts>>(object, Kind::HelmRelease)?;
        let kept = || {
            let (namespace, name) = status.helm_chart.as_deref()?.split_once('/')?;
            Some((Kind::HelmChart, ObjectName::new(namespace, name)))
        };
        let deployed = status.history.into_iter().next().and_then(|newest| newest.oci_digest);
        Ok(Self {
            name: object.name.clone(),
            suspended: spec.suspend,
            chart: match spec.chart_ref {
                Some(reference) => chart_kind(&reference).map(|kind| (kind, reference.within(&object.name.namespace))),
                None => kept(),
            },
            chart_digest: deployed.or(status.last_attempted_revision_digest),
            chart_version: status.last_attempted_revision,
            current: is_current(metadata.generation, status.observed_generation),
            conditions: status.conditions,
        })
    }

    /// The `Ready` condition.
    #[must_use]
    pub fn ready(&self) -> Option<&Condition> {
        condition(&self.conditions, "Ready")
    }

    /// Whether it is ready now, with its newest spec, and not suspended. A release that has not moved yet shows the health
    /// of what it ran before.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.suspended && self.current && self.ready().is_some_and(|ready| ready.status == Status::True)
    }
}

/// Other kinds (`ExternalArtifact`) are not looked at.
fn chart_kind(reference: &Reference) -> Option<Kind> {
    let kind = reference.kind.as_deref()?;
    [Kind::OciRepository, Kind::HelmChart].into_iter().find(|known| known.name() == kind)
}
