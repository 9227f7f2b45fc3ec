//! `Event`: what happened to an object, for an hour or so.

use alloc::string::String;

use serde::Deserialize;

use super::common::{lenient_time, read};
use crate::ports::cluster::{Kind, Object, ObjectName};
use crate::time::Timestamp;

/// An `Event`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The kind of what it is about.
    pub about_kind: String,
    /// What it is about.
    pub about: ObjectName,
    /// `Normal` or `Warning`.
    pub r#type: String,
    /// Why, in one word.
    pub reason: String,
    /// What happened.
    pub message: String,
    /// When last.
    pub at: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Parts {
    involved_object: super::common::Reference,
    r#type: String,
    reason: String,
    message: String,
    #[serde(deserialize_with = "lenient_time")]
    last_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient_time")]
    event_time: Option<Timestamp>,
}

impl Event {
    /// Reads an `Event`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let parts = read::<Parts>(object, Kind::Event)?;
        Ok(Self {
            about: parts.involved_object.within(&object.name.namespace),
            about_kind: parts.involved_object.kind.unwrap_or_default(),
            r#type: parts.r#type,
            reason: parts.reason,
            message: parts.message,
            at: parts.last_timestamp.or(parts.event_time),
        })
    }
}
