//! `Kustomization`: what a stage runs.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::common::{
    Applied, Condition, Owner, Parts, References, Status, condition, interval, is_current, lenient_time, read,
};
use crate::evidence::{Evidence, EvidenceKind};
use crate::ports::cluster::{Kind, Object, ObjectName};
use crate::time::Timestamp;

/// A `Kustomization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kustomization {
    /// Which one.
    pub name: ObjectName,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.interval`.
    pub interval: Option<Duration>,
    /// `spec.timeout`.
    pub timeout: Option<Duration>,
    /// When its controller last looked at it (`status.history`); controllers before Flux 2.7 do not tell.
    pub reconciled: Option<Timestamp>,
    /// The `OCIRepository` that it follows; `None` where it follows a source of another kind.
    pub source: Option<ObjectName>,
    /// What must be ready before it.
    pub depends_on: Vec<ObjectName>,
    /// Whether it is ready only when what it applied is healthy (`spec.wait`, `spec.healthChecks`).
    pub checks_health: bool,
    /// `status.lastAppliedRevision`.
    pub applied: Option<Applied>,
    /// `status.lastAttemptedRevision`.
    pub attempted: Option<Applied>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Whether the status is of the newest spec.
    pub current: bool,
    /// What it applied, of kinds that are known (`status.inventory`).
    pub inventory: BTreeSet<(Kind, ObjectName)>,
    /// Who would undo what is written to it.
    pub owner: Option<Owner>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    suspend: bool,
    interval: Option<String>,
    timeout: Option<String>,
    source_ref: super::common::Reference,
    depends_on: References,
    wait: bool,
    health_checks: Vec<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusParts {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    last_applied_revision: Option<String>,
    last_attempted_revision: Option<String>,
    inventory: Option<Inventory>,
    history: Vec<Snapshot>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Snapshot {
    #[serde(deserialize_with = "lenient_time")]
    last_reconciled: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Inventory {
    entries: Vec<Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    id: String,
}

impl Kustomization {
    /// Reads a `Kustomization`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { metadata, spec, status } = read::<Parts<Spec, StatusParts>>(object, Kind::Kustomization)?;
        let within = &object.name.namespace;
        let revision = |text: Option<String>| Applied::read(&text?);
        let follows_oci = spec.source_ref.kind.as_deref() == Some(Kind::OciRepository.name());
        let entries = status.inventory.unwrap_or_default().entries;
        Ok(Self {
            name: object.name.clone(),
            suspended: spec.suspend,
            interval: interval(spec.interval.as_deref()),
            timeout: interval(spec.timeout.as_deref()),
            reconciled: status.history.iter().filter_map(|snapshot| snapshot.last_reconciled).max(),
            source: follows_oci.then(|| spec.source_ref.within(within)),
            depends_on: spec.depends_on.iter().map(|other| other.within(within)).collect(),
            checks_health: spec.wait || !spec.health_checks.is_empty(),
            applied: revision(status.last_applied_revision),
            attempted: revision(status.last_attempted_revision),
            current: is_current(metadata.generation, status.observed_generation),
            conditions: status.conditions,
            inventory: entries.iter().filter_map(|entry| inventoried(&entry.id)).collect(),
            owner: metadata.owner(),
        })
    }

    /// The `Ready` condition.
    #[must_use]
    pub fn ready(&self) -> Option<&Condition> {
        condition(&self.conditions, "Ready")
    }

    /// Whether it is ready now, with its newest spec, and not suspended: its status would be old.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.suspended && self.current && self.ready().is_some_and(|ready| ready.status == Status::True)
    }

    /// When its controller last looked at it, if that is longer ago than two of its intervals and a timeout: its controller
    /// does not run, and ready is what it was then.
    #[must_use]
    pub fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        let (last, interval) = self.reconciled.zip(self.interval)?;
        let patience = interval.saturating_mul(2).saturating_add(self.timeout.unwrap_or(interval));
        let age = u64::try_from(now.as_unix().saturating_sub(last.as_unix())).unwrap_or_default();
        (age > patience.as_secs()).then_some(last)
    }

    /// Evidence of the digest that it applied, if it is ready and at work on no other.
    #[must_use]
    pub fn evidence(&self, stage: &str, observed_at: Option<Timestamp>) -> Option<Evidence> {
        let applied = self.applied.as_ref().filter(|_| self.is_ready())?;
        if self.attempted.as_ref().is_some_and(|attempted| attempted.digest != applied.digest) {
            return None;
        }
        Some(Evidence {
            kind: EvidenceKind::Kustomization,
            digest: Some(applied.digest),
            commit: None,
            stage: Some(stage.to_string()),
            observed_at,
            source: format!("Kustomization {}", self.name),
        })
    }
}

/// An entry of an inventory: `namespace_name_group_kind`.
fn inventoried(id: &str) -> Option<(Kind, ObjectName)> {
    let mut parts = id.split('_');
    let (namespace, name, group, kind) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let kind = Kind::all().find(|known| known.group() == group && known.name() == kind)?;
    Some((kind, ObjectName::new(namespace, name)))
}
