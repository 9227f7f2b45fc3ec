//! The cluster port: what a stage's cluster is told to follow, and what it runs.
//!
//! ```
//! use promotion_core::ports::cluster::{Kustomization, ObjectName, Reading};
//!
//! let platform = Kustomization::new(ObjectName::new("flux-system", "platform"));
//! assert_eq!(platform.evidence("integration"), None, "nothing applied, nothing proved");
//! assert!(Reading::<()>::Unknown("forbidden".into()).known().is_none(), "unknown is never healthy");
//! ```

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use async_trait::async_trait;

use crate::evidence::{Evidence, EvidenceKind};
use crate::time::Timestamp;
use crate::{Digest, Tag};

/// What reading something from a cluster came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// It is there.
    Known(T),
    /// The cluster says that there is none, or has no such kind.
    Absent,
    /// The cluster did not say: forbidden, unreachable. Never healthy, never absent.
    Unknown(String),
}

impl<T> Reading<T> {
    /// The value, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }
}

/// Namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// `namespace/name`.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A revision as Flux writes it: `tag@sha256:…`, or the digest alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Applied {
    /// The tag it was found by.
    pub tag: Option<Tag>,
    /// The manifest.
    pub digest: Digest,
}

/// The `Ready` condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ready {
    /// `True`; `False` and `Unknown` are both not ready.
    pub status: bool,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// Since when (`lastTransitionTime`).
    pub since: Option<Timestamp>,
}

/// An `OCIRepository`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Which one.
    pub name: ObjectName,
    /// `spec.url`.
    pub url: String,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.ref.semver`.
    pub semver: Option<String>,
    /// `spec.ref.semverFilter`.
    pub filter: Option<String>,
    /// `spec.ref.tag`.
    pub tag: Option<Tag>,
    /// `spec.ref.digest`.
    pub digest: Option<Digest>,
    /// `status.artifact.revision`.
    pub artifact: Option<Applied>,
    /// The `Ready` condition.
    pub ready: Option<Ready>,
}

/// A `Kustomization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kustomization {
    /// Which one.
    pub name: ObjectName,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `status.lastAppliedRevision`.
    pub applied: Option<Applied>,
    /// The `Ready` condition.
    pub ready: Option<Ready>,
    /// When the cluster was asked.
    pub observed_at: Option<Timestamp>,
}

impl Kustomization {
    /// One that was never reconciled.
    #[must_use]
    pub const fn new(name: ObjectName) -> Self {
        Self { name, suspended: false, applied: None, ready: None, observed_at: None }
    }

    /// Evidence of the digest it applied: only if it is ready now, and not suspended (its status would be old).
    #[must_use]
    pub fn evidence(&self, stage: &str) -> Option<Evidence> {
        let applied = self.applied.as_ref().filter(|_| !self.suspended)?;
        self.ready.as_ref().filter(|ready| ready.status)?;
        Some(Evidence {
            kind: EvidenceKind::Kustomization,
            digest: Some(applied.digest),
            commit: None,
            stage: Some(stage.to_string()),
            observed_at: self.observed_at,
            source: format!("Kustomization {}", self.name),
        })
    }
}

/// A stage's cluster. Adapters report; whether it is good is decided elsewhere.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// One `OCIRepository`.
    async fn source(&self, name: &ObjectName) -> Reading<Source>;

    /// Every `OCIRepository`.
    async fn sources(&self) -> Reading<Vec<Source>>;

    /// One `Kustomization`.
    async fn kustomization(&self, name: &ObjectName) -> Reading<Kustomization>;
}
