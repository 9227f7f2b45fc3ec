//! The lease that keeps writers apart where the repository does not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use promotion_cluster::{Access, Held, Kubernetes, Validity};
use promotion_core::ports::cluster::{Cluster, ObjectName};
use promotion_core::ports::{Guard, PortError, PortErrorKind};
use tokio::task::JoinHandle;

use crate::config::{Config, Lock};
use crate::output::Output;
use crate::world::{actor, now};

/// How long to wait for another writer.
const PATIENCE: Duration = Duration::from_secs(600);

/// A lease that is taken with the repository's lock, and without which nothing is written.
pub(crate) struct LeaseLock {
    name: ObjectName,
    /// The cluster that it lives in: the last stage's, or the one that this runs in.
    access: Access,
    out: Output,
    held: Mutex<Option<Arc<Validity>>>,
    ending: Mutex<Vec<JoinHandle<()>>>,
}

impl LeaseLock {
    /// The configured lease, if any.
    pub(crate) fn of(config: &Config, out: &Output) -> Option<Self> {
        let Lock::Lease { namespace, name } = &config.settings.lock else { return None };
        let last = config.policy.stages().last().and_then(|stage| config.settings.clusters.get(&stage.name));
        Some(Self {
            name: ObjectName::new(&**namespace, &**name),
            access: Access { context: last.and_then(|cluster| cluster.context.clone()), ..Access::default() },
            out: out.clone(),
            held: Mutex::default(),
            ending: Mutex::default(),
        })
    }

    /// Takes it. The guard gives it back.
    pub(crate) async fn take(&self) -> Result<Guard, PortError> {
        if self.access.context.is_none() && crate::app::variable("KUBERNETES_SERVICE_HOST").is_none() {
            // Two people with two current contexts would both hold it.
            let message = "nothing says in which cluster: set context under clusters for the last stage".to_owned();
            return Err(PortError::new(PortErrorKind::Invalid, format!("take Lease {}", self.name), message));
        }
        let cluster = Arc::new(Kubernetes::connect(&self.access).await?);
        let cluster_name = cluster.name().to_owned();
        let waiting = |holder: &str| self.out.note(&format!("waiting for {holder}, who holds Lease {}", self.name));
        let held = Held::take(cluster, self.name.clone(), &identity(), now, PATIENCE, waiting).await?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.validity());
        self.out.detail(&format!("holding Lease {} in {}", self.name, cluster_name));
        let (guard, ending) = held.into_guard();
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
        Ok(Guard::new(guard))
    }

    /// Whether a write may begin, or go on.
    pub(crate) fn begin(&self) -> Result<(), PortError> {
        self.left().map(|_| ())
    }

    /// How long until it must be asked again.
    pub(crate) fn left(&self) -> Result<Duration, PortError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().and_then(|validity| validity.left()).ok_or_else(|| self.lost())
    }

    fn lost(&self) -> PortError {
        let message = "it was lost to another writer, or could not be renewed in time: nothing more is written";
        PortError::new(PortErrorKind::Unavailable, format!("keep Lease {}", self.name), message)
    }

    /// Waits until what was taken is given back.
    pub(crate) async fn settle(&self) {
        let ending = std::mem::take(&mut *self.ending.lock().unwrap_or_else(PoisonError::into_inner));
        for task in ending {
            // One that ended badly gave nothing back; it expires.
            let _ = task.await;
        }
    }
}

/// Nobody else's: two processes that called themselves alike would both hold it.
fn identity() -> String {
    let host = crate::app::variable("HOSTNAME").unwrap_or_else(|| "unknown-host".to_owned());
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{}@{host}-{}-{nanos:x}", actor(), std::process::id())
}
