//! A lease at work: taken, renewed while it is held, given back; and never trusted after it could have expired.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use promotion_core::lease::{LASTS, Lease, RENEW, SAFE, Turn};
use promotion_core::ports::cluster::{Cluster, Kind, ObjectName, Reading};
use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::time::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Looks for a change at least this often.
const LOOK: Duration = Duration::from_secs(2);

/// The time, for people who read the lease.
pub type Clock = fn() -> Timestamp;

/// A lease that is held until its guard is dropped, or until the process that holds it ends and it expires.
#[derive(Debug)]
pub struct Held {
    name: ObjectName,
    validity: Arc<Validity>,
    end: oneshot::Sender<()>,
    renewing: JoinHandle<()>,
}

/// Whether a lease is still ours, as its holder's own clock tells.
#[derive(Debug)]
pub struct Validity {
    /// When the last renewal was sent that succeeded.
    renewed: Mutex<Instant>,
    lost: AtomicBool,
}

impl Validity {
    fn now() -> Self {
        Self { renewed: Mutex::new(Instant::now()), lost: AtomicBool::new(false) }
    }

    fn renew(&self, sent: Instant) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = sent;
    }

    /// How long a write that begins now may take before somebody else may hold the lease; `None` when none may begin: somebody
    /// took it, or it may expire soon.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        let holds = !self.lost.load(Ordering::Acquire) && renewed < SAFE;
        LASTS.checked_sub(renewed).filter(|_| holds)
    }
}

impl Held {
    /// Takes a lease; waits for whoever holds it, for `patience` at most. `waiting` is told once for whom.
    ///
    /// # Errors
    /// [`PortErrorKind::Unavailable`] when it is still held then; else what the cluster said.
    pub async fn take(
        cluster: Arc<dyn Cluster>,
        name: ObjectName,
        me: &str,
        clock: Clock,
        patience: Duration,
        waiting: impl Fn(&str) + Send,
    ) -> Result<Self, PortError> {
        let begun = Instant::now();
        // When the version that is there was seen first.
        let mut seen: Option<(String, Instant)> = None;
        let mut told = false;
        loop {
            let sent = Instant::now();
            let taken = match cluster.get(Kind::Lease, &name).await {
                Reading::Unknown(why) => {
                    return Err(PortError::new(PortErrorKind::Unavailable, format!("take Lease {name}"), why));
                }
                Reading::Absent => cluster.create(&Lease::new_object(&name, me, clock())).await,
                Reading::Known(object) => {
                    let lease = Lease::of(&object)
                        .map_err(|why| PortError::new(PortErrorKind::Corrupt, format!("read Lease {name}"), why))?;
                    let since = match &seen {
                        Some((version, since)) if *version == lease.version => *since,
                        _ => seen.insert((lease.version.clone(), Instant::now())).1,
                    };
                    match lease.turn(me, since.elapsed()) {
                        Turn::Ours | Turn::Take => cluster.patch(Kind::Lease, &name, &lease.take(me, clock())).await,
                        Turn::Wait(left) => {
                            if !told {
                                waiting(&lease.holder);
                                told = true;
                            }
                            if begun.elapsed() >= patience {
                                let message = format!("{} holds it, and renews it", lease.holder);
                                let what = format!("take Lease {name}");
                                return Err(PortError::new(PortErrorKind::Unavailable, what, message));
                            }
                            tokio::time::sleep(left.min(LOOK)).await;
                            continue;
                        }
                    }
                }
            };
            match taken {
                Ok(object) => {
                    let lease = Lease::of(&object).unwrap_or_default();
                    return Ok(Self::hold(cluster, name, (lease, me.to_owned()), clock, sent));
                }
                // Somebody was quicker: look again.
                Err(error) if matches!(error.kind(), PortErrorKind::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn hold(
        cluster: Arc<dyn Cluster>,
        name: ObjectName,
        (lease, me): (Lease, String),
        clock: Clock,
        sent: Instant,
    ) -> Self {
        let validity = Arc::new(Validity::now());
        validity.renew(sent);
        let (end, ended) = oneshot::channel();
        let renewing = tokio::spawn(renew(cluster, name.clone(), lease, clock, Arc::clone(&validity), me, ended));
        Self { name, validity, end, renewing }
    }

    /// Which lease.
    #[must_use]
    pub const fn name(&self) -> &ObjectName {
        &self.name
    }

    /// To be asked before each write.
    #[must_use]
    pub fn validity(&self) -> Arc<Validity> {
        Arc::clone(&self.validity)
    }

    /// Something to drop when it is to be given back, so that the next one need not wait; and the task that does so, to be
    /// waited for before the process ends. Where it fails, the lease expires.
    #[must_use]
    pub fn into_guard(self) -> (impl Send + Sync + 'static, JoinHandle<()>) {
        (self.end, self.renewing)
    }
}

/// Renews until told to end, then releases; ends by itself when somebody else took it.
async fn renew(
    cluster: Arc<dyn Cluster>,
    name: ObjectName,
    mut lease: Lease,
    clock: Clock,
    validity: Arc<Validity>,
    me: String,
    mut ended: oneshot::Receiver<()>,
) {
    loop {
        let told = tokio::time::timeout(RENEW, &mut ended).await;
        if told.is_ok() {
            // Nothing is left to do where this fails: it expires.
            let _ = cluster.patch(Kind::Lease, &name, &lease.release()).await;
            return;
        }
        let sent = Instant::now();
        // A cluster that does not answer must not keep us from noticing that time passes.
        let patch = lease.renew(clock());
        let answer = tokio::time::timeout(LASTS, cluster.patch(Kind::Lease, &name, &patch)).await;
        match answer {
            Ok(Ok(object)) => {
                lease = Lease::of(&object).unwrap_or(lease);
                validity.renew(sent);
            }
            Ok(Err(error)) if matches!(error.kind(), PortErrorKind::Conflict { .. } | PortErrorKind::NotFound) => {
                // Our own renewal, of which only the answer was lost, conflicts too.
                match cluster.get(Kind::Lease, &name).await.and_then(|object| Lease::of(&object)) {
                    Reading::Known(found) if found.holder == me => lease = found,
                    Reading::Unknown(_) => {}
                    Reading::Known(_) | Reading::Absent => {
                        validity.lost.store(true, Ordering::Release);
                        return;
                    }
                }
            }
            // It may answer the next time, while the lease lasts.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
