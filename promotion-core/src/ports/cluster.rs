//! The cluster port: what a stage's cluster is told to follow, and what it runs. Adapters hand over objects as the API
//! server writes them; what they mean is [`crate::cluster`].
//!
//! ```
//! use promotion_core::ports::cluster::{Kind, Object, Reading};
//!
//! let document = serde_json::json!({
//!     "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
//!     "metadata": { "namespace": "flux-system", "name": "platform" },
//! });
//! let object = Object::of(document).unwrap();
//! assert_eq!((object.kind, object.name.to_string().as_str()), (Kind::OciRepository, "flux-system/platform"));
//! assert!(Reading::<()>::Unknown("forbidden".into()).known().is_none(), "unknown is never healthy");
//! ```

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use async_trait::async_trait;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::PortError;

/// What reading something from a cluster came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// It is there.
    Known(T),
    /// The cluster says that there is none, or has no such kind.
    Absent,
    /// The cluster did not say: forbidden, unreachable, not to be understood. Never healthy, never absent.
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

    /// The reading by reference.
    pub fn as_ref(&self) -> Reading<&T> {
        match self {
            Self::Known(value) => Reading::Known(value),
            Self::Absent => Reading::Absent,
            Self::Unknown(why) => Reading::Unknown(why.clone()),
        }
    }

    /// Reads on in what is known; what cannot be understood is unknown.
    pub fn and_then<U>(self, read: impl FnOnce(T) -> Result<U, String>) -> Reading<U> {
        match self {
            Self::Known(value) => read(value).map_or_else(Reading::Unknown, Reading::Known),
            Self::Absent => Reading::Absent,
            Self::Unknown(why) => Reading::Unknown(why),
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

impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A kind of object that is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Flux's source of an artifact.
    OciRepository,
    /// What Flux applies of a source.
    Kustomization,
    /// A Helm chart that Flux installs.
    HelmRelease,
    /// A chart, as its source has it.
    HelmChart,
    /// Which events leave a cluster.
    Alert,
    /// Whereto events leave a cluster.
    Provider,
    /// Which tags Flux looks for.
    ImageRepository,
    /// Which of them Flux chooses.
    ImagePolicy,
    /// Writes chosen tags to Git.
    ImageUpdateAutomation,
    /// A check of canary-checker.
    Canary,
    /// What happened to an object.
    Event,
    /// A lock with a holder.
    Lease,
}

/// Where the API serves a kind.
struct Served {
    kind: Kind,
    name: &'static str,
    plural: &'static str,
    group: &'static str,
    /// Newest first; the fields that are read are the same in all of them.
    versions: &'static [&'static str],
}

const SERVED: &[Served] = &[
    served(Kind::OciRepository, "OCIRepository", "ocirepositories", "source.toolkit.fluxcd.io", &["v1", "v1beta2"]),
    served(Kind::Kustomization, "Kustomization", "kustomizations", "kustomize.toolkit.fluxcd.io", &["v1", "v1beta2"]),
    served(Kind::HelmRelease, "HelmRelease", "helmreleases", "helm.toolkit.fluxcd.io", &["v2", "v2beta2", "v2beta1"]),
    served(Kind::HelmChart, "HelmChart", "helmcharts", "source.toolkit.fluxcd.io", &["v1", "v1beta2"]),
    served(Kind::Alert, "Alert", "alerts", "notification.toolkit.fluxcd.io", &["v1beta3", "v1beta2"]),
    served(Kind::Provider, "Provider", "providers", "notification.toolkit.fluxcd.io", &["v1beta3", "v1beta2"]),
    served(
        Kind::ImageRepository,
        "ImageRepository",
        "imagerepositories",
        "image.toolkit.fluxcd.io",
        &["v1", "v1beta2"],
    ),
    served(Kind::ImagePolicy, "ImagePolicy", "imagepolicies", "image.toolkit.fluxcd.io", &["v1", "v1beta2"]),
    served(
        Kind::ImageUpdateAutomation,
        "ImageUpdateAutomation",
        "imageupdateautomations",
        "image.toolkit.fluxcd.io",
        &["v1", "v1beta2"],
    ),
    served(Kind::Canary, "Canary", "canaries", "canaries.flanksource.com", &["v1"]),
    served(Kind::Event, "Event", "events", "", &["v1"]),
    served(Kind::Lease, "Lease", "leases", "coordination.k8s.io", &["v1"]),
];

const fn served(
    kind: Kind,
    name: &'static str,
    plural: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
) -> Served {
    Served { kind, name, plural, group, versions }
}

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        SERVED.iter().map(|served| served.kind)
    }

    fn served(self) -> &'static Served {
        SERVED.iter().find(|served| served.kind == self).unwrap_or(&SERVED[0])
    }

    /// As manifests write it: `OCIRepository`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.served().name
    }

    /// As URLs write it: `ocirepositories`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.served().plural
    }

    /// The API group; the core group is empty.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.served().group
    }

    /// The versions that are understood, newest first.
    #[must_use]
    pub fn versions(self) -> &'static [&'static str] {
        self.served().versions
    }

    /// As commands write it: `ocirepository`, with the group where another one may have the same name.
    #[must_use]
    pub fn argument(self) -> String {
        let name = self.name().to_lowercase();
        match self {
            Self::Kustomization | Self::Alert | Self::Provider | Self::Canary => {
                alloc::format!("{name}.{}", self.group())
            }
            _ => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An object as the API server writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub name: ObjectName,
    /// All of it.
    pub document: Value,
}

impl Object {
    /// A document with `apiVersion`, `kind` and `metadata.name`; `None` for kinds and versions that are not known. What lies in
    /// no namespace lies in `default`.
    #[must_use]
    pub fn of(document: Value) -> Option<Self> {
        let text = |path: &str| document.pointer(path).and_then(Value::as_str);
        let (group, version) = text("/apiVersion")?.rsplit_once('/').unwrap_or(("", text("/apiVersion")?));
        let kind = text("/kind")?;
        let known = |served: &&Served| served.name == kind && served.group == group;
        let served = SERVED.iter().find(known).filter(|served| served.versions.contains(&version))?;
        let namespace = text("/metadata/namespace").unwrap_or("default");
        let name = ObjectName::new(namespace, text("/metadata/name")?);
        Some(Self { kind: served.kind, name, document })
    }

    /// What `metadata.resourceVersion` says, for changes that must not overtake another's.
    #[must_use]
    pub fn resource_version(&self) -> Option<&str> {
        self.document.pointer("/metadata/resourceVersion")?.as_str()
    }
}

/// A stage's cluster. Adapters report and carry out; whether something is good is decided elsewhere.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// What people call it: the kubeconfig's context, or where its manifests lie.
    fn name(&self) -> &str;

    /// Whether it answers for this moment; what somebody exported answers for one that nobody knows.
    fn is_live(&self) -> bool {
        true
    }

    /// Every object of a kind in a namespace.
    async fn list(&self, kind: Kind, namespace: &str) -> Reading<Vec<Object>>;

    /// One object.
    async fn get(&self, kind: Kind, name: &ObjectName) -> Reading<Object>;

    /// Changes one object by a JSON merge patch (RFC 7396). A `metadata.resourceVersion` in it must still be the object's,
    /// else it is a conflict.
    ///
    /// # Errors
    /// When it cannot be changed: it is gone, changed meanwhile, forbidden, or this cluster is only a folder.
    async fn patch(&self, kind: Kind, name: &ObjectName, patch: &Value) -> Result<Object, PortError>;

    /// Creates one object.
    ///
    /// # Errors
    /// As [`Cluster::patch`]; it is a conflict when it is there.
    async fn create(&self, object: &Object) -> Result<Object, PortError>;
}

impl<T> From<Option<T>> for Reading<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }
}
