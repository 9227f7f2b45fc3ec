//! What many kinds have in common: metadata, conditions, revisions.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ports::cluster::{Kind, Object, ObjectName};
use crate::time::{Timestamp, parse_duration};
use crate::{Digest, Tag};

/// Reads an object's document as `T`; of what is read, everything must have the right shape.
pub(super) fn read<T: DeserializeOwned>(object: &Object, kind: Kind) -> Result<T, String> {
    if object.kind != kind {
        return Err(format!("{} {} is no {kind}", object.kind, object.name));
    }
    T::deserialize(&object.document).map_err(|error| format!("{kind} {} cannot be read: {error}", object.name))
}

/// The parts of a document.
#[derive(Deserialize)]
#[serde(bound = "S: Default + DeserializeOwned, T: Default + DeserializeOwned")]
pub(super) struct Parts<S, T> {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: S,
    #[serde(default)]
    pub(super) status: T,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) generation: Option<i64>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
    pub(super) owner_references: Vec<OwnerReference>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct OwnerReference {
    kind: String,
    name: String,
}

/// Something that writes an object again whenever it differs from what it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Owner {
    /// What it is: `Kustomization`, `Helm release`, `Argo CD application`, or the kind of an owner reference.
    pub kind: String,
    /// Its name, with its namespace where that is known.
    pub name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Metadata {
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.labels.as_ref()?.get(key).map(String::as_str)
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Who would undo what somebody else writes.
    pub(super) fn owner(&self) -> Option<Owner> {
        let owner = |kind: &str, name: String| Some(Owner { kind: kind.to_string(), name });
        if let Some(reference) = self.owner_references.first() {
            return owner(&reference.kind, reference.name.clone());
        }
        // An object can tell its Kustomization to leave it alone once it exists.
        let left_alone = self.annotation("kustomize.toolkit.fluxcd.io/reconcile") == Some("disabled")
            || matches!(self.annotation("kustomize.toolkit.fluxcd.io/ssa"), Some("Ignore" | "IfNotPresent"));
        for (label, kind, alone) in [
            ("kustomize.toolkit.fluxcd.io", "Kustomization", left_alone),
            ("helm.toolkit.fluxcd.io", "HelmRelease", false),
            ("fluxcd.controlplane.io", "FluxInstance", false),
            ("resourceset.fluxcd.controlplane.io", "ResourceSet", false),
        ] {
            if let Some(name) = self.label(&format!("{label}/name")).filter(|_| !alone) {
                let namespace = self.label(&format!("{label}/namespace"));
                return owner(kind, namespace.map_or_else(|| name.to_string(), |place| format!("{place}/{name}")));
            }
        }
        let argo = self.annotation("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
        if let Some(name) = argo.or_else(|| self.label("argocd.argoproj.io/instance")) {
            return owner("Argo CD application", name.to_string());
        }
        owner("Helm release", self.annotation("meta.helm.sh/release-name")?.to_string())
    }
}

/// Three-valued, as conditions are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Yes.
    True,
    /// No.
    False,
    /// Neither; also what is not written at all.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One condition of a status.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// Which one: `Ready`.
    pub r#type: String,
    /// Whether it holds.
    pub status: Status,
    /// Why, in one word.
    pub reason: String,
    /// Why.
    pub message: String,
    /// Since when.
    #[serde(rename = "lastTransitionTime", deserialize_with = "lenient_time")]
    pub since: Option<Timestamp>,
    /// Of which generation.
    pub observed_generation: Option<i64>,
}

pub(super) fn condition<'c>(conditions: &'c [Condition], r#type: &str) -> Option<&'c Condition> {
    conditions.iter().find(|condition| condition.r#type == r#type)
}

/// Whether a status is of the newest spec; controllers that do not say are believed.
pub(super) fn is_current(generation: Option<i64>, observed: Option<i64>) -> bool {
    generation.zip(observed).is_none_or(|(newest, observed)| observed >= newest)
}

/// A revision as Flux writes it: `tag@sha256:…`, or the digest alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Applied {
    /// The tag it was found by.
    pub tag: Option<Tag>,
    /// The manifest.
    pub digest: Digest,
}

impl Applied {
    /// Reads a revision; `None` for those of other sources (`main@sha1:…`).
    #[must_use]
    pub fn read(revision: &str) -> Option<Self> {
        match revision.rsplit_once('@') {
            Some((tag, digest)) => Some(Self { tag: tag.parse().ok(), digest: digest.parse().ok()? }),
            None => Some(Self { tag: None, digest: revision.parse().ok()? }),
        }
    }
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{tag} (sha256:{})", self.digest.short()),
            None => write!(f, "sha256:{}", self.digest.short()),
        }
    }
}

/// A Go duration; what is none is not there.
pub(super) fn interval(text: Option<&str>) -> Option<Duration> {
    parse_duration(text?).ok()
}

/// A time; what is none is not there, so that one odd date hides nothing else.
pub(super) fn lenient_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// The names of `kind` in a list of references.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    pub(super) kind: Option<String>,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

impl Reference {
    pub(super) fn within(&self, namespace: &str) -> ObjectName {
        ObjectName::new(self.namespace.as_deref().unwrap_or(namespace), &*self.name)
    }
}

pub(super) type References = Vec<Reference>;
