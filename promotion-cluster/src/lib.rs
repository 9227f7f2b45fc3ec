//! Clusters as evidence: what a stage's cluster says of the artifact it runs.
//!
//! Adapters of [`Cluster`] belong here. [`MemoryCluster`] is the port's in-memory use: it stands in for a real cluster
//! in tests and examples, and answers as one does, "unknown" included.
//!
//! ```
//! use promotion_cluster::{MemoryCluster, stage_evidence};
//! use promotion_core::Digest;
//! use promotion_core::ports::cluster::{Applied, Kustomization, ObjectName, Ready};
//! # use std::future::Future;
//! # use std::task::{Context, Poll, Waker};
//! # fn block_on<T>(future: impl Future<Output = T>) -> T {
//! #     match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
//! #         Poll::Ready(value) => value,
//! #         Poll::Pending => unreachable!(),
//! #     }
//! # }
//!
//! let name = ObjectName::new("flux-system", "platform");
//! let digest = Digest::of(b"manifest");
//! let ready = Ready { status: true, reason: "ReconciliationSucceeded".into(), message: String::new(), since: None };
//! let platform = Kustomization {
//!     applied: Some(Applied { tag: None, digest }),
//!     ready: Some(ready),
//!     ..Kustomization::new(name.clone())
//! };
//! let mut cluster = MemoryCluster::default();
//! cluster.kustomizations.insert(name.clone(), platform);
//! let evidence = block_on(stage_evidence(&cluster, "integration", &name)).unwrap();
//! assert_eq!(evidence.digest, Some(digest));
//!
//! cluster.forbidden = Some("kustomizations is forbidden".into());
//! let error = block_on(stage_evidence(&cluster, "integration", &name)).unwrap_err();
//! assert_eq!(error.to_string(), "Kustomization flux-system/platform is unknown: kustomizations is forbidden");
//! ```

use promotion_core::evidence::Evidence;
use promotion_core::ports::cluster::{Cluster, ObjectName, Reading};

pub use promotion_core::memory::MemoryCluster;

#[cfg(feature = "testing")]
pub mod testing;

/// Why a cluster gives no evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoEvidence {
    /// There is no such object.
    Absent(ObjectName),
    /// It is there, and not ready, suspended or without an applied revision.
    NotReady(ObjectName),
    /// The cluster did not say.
    Unknown(ObjectName, String),
}

impl core::fmt::Display for NoEvidence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Absent(name) => write!(f, "there is no Kustomization {name}"),
            Self::NotReady(name) => write!(f, "Kustomization {name} is not ready with an applied revision"),
            Self::Unknown(name, why) => write!(f, "Kustomization {name} is unknown: {why}"),
        }
    }
}

impl core::error::Error for NoEvidence {}

/// What a stage's Kustomization proves.
///
/// # Errors
/// When it proves nothing; unknown is never healthy.
pub async fn stage_evidence(cluster: &dyn Cluster, stage: &str, name: &ObjectName) -> Result<Evidence, NoEvidence> {
    match cluster.kustomization(name).await {
        Reading::Known(found) => found.evidence(stage).ok_or_else(|| NoEvidence::NotReady(name.clone())),
        Reading::Absent => Err(NoEvidence::Absent(name.clone())),
        Reading::Unknown(why) => Err(NoEvidence::Unknown(name.clone(), why)),
    }
}
