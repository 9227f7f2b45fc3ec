//! `Alert` and `Provider`: which events leave a cluster, and whereto.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::common::{Parts, read};
use crate::ports::cluster::{Kind, Object, ObjectName};

/// Which objects an alert listens to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EventSource {
    /// Their kind.
    pub kind: String,
    /// Their name, or `*` for all.
    pub name: String,
    /// Their namespace; the alert's where absent.
    pub namespace: Option<String>,
    /// Labels that they must have.
    pub match_labels: Option<alloc::collections::BTreeMap<String, String>>,
}

/// An `Alert`. It has no status: only events tell whether it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Which one.
    pub name: ObjectName,
    /// `spec.suspend`.
    pub suspended: bool,
    /// The `Provider`, in the same namespace.
    pub provider: ObjectName,
    /// `spec.eventSeverity`: `info` passes everything, `error` only errors.
    pub severity: String,
    /// What it listens to.
    pub sources: Vec<EventSource>,
    /// Messages must match one of these Go regular expressions, if there are any.
    pub inclusions: Vec<String>,
    /// Messages must match none of these.
    pub exclusions: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AlertSpec {
    suspend: bool,
    provider_ref: super::common::Reference,
    event_severity: Option<String>,
    event_sources: Vec<EventSource>,
    inclusion_list: Vec<String>,
    exclusion_list: Vec<String>,
}

impl Alert {
    /// Reads an `Alert`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let parts = read::<Parts<AlertSpec, Option<serde_json::Value>>>(object, Kind::Alert)?;
        let spec = parts.spec;
        Ok(Self {
            name: object.name.clone(),
            suspended: spec.suspend,
            provider: ObjectName::new(&*object.name.namespace, spec.provider_ref.name),
            severity: spec.event_severity.unwrap_or_else(|| "info".into()),
            sources: spec.event_sources,
            inclusions: spec.inclusion_list,
            exclusions: spec.exclusion_list,
        })
    }

    /// Whether it listens to an object; labels are not known here, so a source that asks for some is taken for one that
    /// listens.
    #[must_use]
    pub fn watches(&self, kind: Kind, name: &ObjectName) -> bool {
        self.sources.iter().any(|source| {
            source.kind == kind.name()
                && (source.name == name.name || source.name == "*")
                && source.namespace.as_deref().unwrap_or(&self.name.namespace) == name.namespace
        })
    }
}

/// A `Provider`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Which one.
    pub name: ObjectName,
    /// `spec.type`: `githubdispatch`, `generic`, …
    pub r#type: String,
    /// `spec.address`.
    pub address: Option<String>,
    /// The Secret with its credentials.
    pub secret: Option<String>,
    /// `spec.suspend`.
    pub suspended: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ProviderSpec {
    r#type: String,
    address: Option<String>,
    secret_ref: Option<super::common::Reference>,
    suspend: bool,
}

impl Provider {
    /// Reads a `Provider`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let parts = read::<Parts<ProviderSpec, Option<serde_json::Value>>>(object, Kind::Provider)?;
        let spec = parts.spec;
        Ok(Self {
            name: object.name.clone(),
            r#type: spec.r#type,
            address: spec.address,
            secret: spec.secret_ref.map(|secret| secret.name),
            suspended: spec.suspend,
        })
    }

    /// Whether it passes on "Reconciliation finished". `githubdispatch` gets no event that only updates a commit status, and
    /// this is one; it gets "Health check passed", which a Kustomization sends that waits for health.
    #[must_use]
    pub fn drops_reconciliations(&self) -> bool {
        matches!(self.r#type.as_str(), "githubdispatch")
    }
}
