//! `HelmRelease`: a chart that a stage runs.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::common::{Condition, Parts, Status, condition, is_current, read};
use crate::ports::cluster::{Kind, Object, ObjectName};

/// A `HelmRelease`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmRelease {
    /// Which one.
    pub name: ObjectName,
    /// `spec.suspend`.
    pub suspended: bool,
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
}

impl HelmRelease {
    /// Reads a `HelmRelease`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { metadata, spec, status } = read::<Parts<Spec, StatusParts>>(object, Kind::HelmRelease)?;
        Ok(Self {
            name: object.name.clone(),
            suspended: spec.suspend,
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
