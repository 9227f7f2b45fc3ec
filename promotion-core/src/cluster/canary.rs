//! `Canary`: a check of canary-checker, with when it last ran.

use alloc::string::String;
use core::time::Duration;

use serde::Deserialize;

use super::common::{Parts, interval, is_current, lenient_time, read};
use crate::ports::cluster::{Kind, Object, ObjectName};
use crate::time::Timestamp;

/// A `Canary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Which one.
    pub name: ObjectName,
    /// How often it runs (`spec.interval`, in seconds, or `spec.schedule` as `@every 30s`).
    pub interval: Option<Duration>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether its last run passed; `None` before the first.
    pub passed: Option<bool>,
    /// When it last ran.
    pub last_run: Option<Timestamp>,
    /// What it said.
    pub message: String,
    /// Whether that is of its newest spec.
    pub current: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    interval: u64,
    schedule: String,
    suspend: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusParts {
    observed_generation: Option<i64>,
    status: Option<String>,
    #[serde(deserialize_with = "lenient_time")]
    last_check: Option<Timestamp>,
    message: Option<String>,
    error_message: Option<String>,
}

impl Canary {
    /// Reads a `Canary`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { metadata, spec, status } = read::<Parts<Spec, StatusParts>>(object, Kind::Canary)?;
        let every = interval(spec.schedule.strip_prefix("@every ").map(str::trim));
        let suspended = spec.suspend || metadata.annotation("suspend") == Some("true");
        Ok(Self {
            name: object.name.clone(),
            interval: every.or_else(|| (spec.interval > 0).then(|| Duration::from_secs(spec.interval))),
            suspended,
            passed: status.status.map(|status| status == "Passed"),
            last_run: status.last_check,
            current: is_current(metadata.generation, status.observed_generation),
            message: status.error_message.or(status.message).unwrap_or_default(),
        })
    }

    /// Whether its last run was long enough ago that one was missed: two intervals, or one hour where it has none.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let patience = self.interval.map_or(Duration::from_secs(3600), |interval| interval * 2);
        self.last_run.is_none_or(|last| now.since(last).is_some_and(|age| age > patience))
    }
}
