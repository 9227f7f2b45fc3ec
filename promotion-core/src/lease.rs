//! Leases: a lock with a holder that must renew it (Kubernetes `coordination.k8s.io/v1`, as client-go's leader election uses
//! it). This is what to do next; who does it waits, reads and writes.
//!
//! Nobody's clock is believed but one's own, and that only for how long something took: a lease has expired when it was seen
//! unchanged for longer than it lasts, whatever the times in it say.
//!
//! ```
//! use core::time::Duration;
//! use promotion_core::lease::{Lease, Turn};
//!
//! let theirs = Lease { holder: "ci-1".into(), lasts: Duration::from_secs(15), ..Lease::default() };
//! assert_eq!(theirs.turn("ci-2", Duration::from_secs(9)), Turn::Wait(Duration::from_secs(6)));
//! assert_eq!(theirs.turn("ci-2", Duration::from_secs(15)), Turn::Take);
//! assert_eq!(Lease::default().turn("ci-2", Duration::ZERO), Turn::Take, "nobody holds it");
//! ```

use alloc::string::{String, ToString};
use core::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ports::cluster::{Kind, Object, ObjectName};
use crate::time::Timestamp;

/// How long a lease lasts that we take.
pub const LASTS: Duration = Duration::from_secs(15);
/// How often it is renewed.
pub const RENEW: Duration = Duration::from_secs(5);
/// How long after its last renewal a holder may still begin a write: what is left is for the write itself.
pub const SAFE: Duration = Duration::from_secs(10);

/// What a lease says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it; empty when nobody does.
    pub holder: String,
    /// How long after a renewal.
    pub lasts: Duration,
    /// How often it changed hands.
    pub transitions: u64,
    /// Changes with every renewal.
    pub version: String,
}

/// What to do about a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is ours: nothing.
    Ours,
    /// Take it: nobody holds it, or whoever did stopped renewing it.
    Take,
    /// Somebody holds it: look again then.
    Wait(Duration),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Parts {
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    holder_identity: Option<String>,
    lease_duration_seconds: Option<u64>,
    lease_transitions: Option<u64>,
}

impl Lease {
    /// Reads a `Lease`.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn of(object: &Object) -> Result<Self, String> {
        let Parts { spec } = Parts::deserialize(&object.document).map_err(|error| error.to_string())?;
        Ok(Self {
            holder: spec.holder_identity.unwrap_or_default(),
            lasts: spec.lease_duration_seconds.map_or(LASTS, Duration::from_secs),
            transitions: spec.lease_transitions.unwrap_or(0),
            version: object.resource_version().unwrap_or_default().to_string(),
        })
    }

    /// What to do as `me`, having seen it unchanged for so long.
    #[must_use]
    pub fn turn(&self, me: &str, unchanged: Duration) -> Turn {
        match self.lasts.checked_sub(unchanged) {
            _ if self.holder == me => Turn::Ours,
            _ if self.holder.is_empty() => Turn::Take,
            Some(left) if !left.is_zero() => Turn::Wait(left),
            _ => Turn::Take,
        }
    }

    /// The lease of a new name, held by `me`.
    #[must_use]
    pub fn new_object(name: &ObjectName, me: &str, now: Timestamp) -> Object {
        let document = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "namespace": name.namespace, "name": name.name },
            "spec": {
                "holderIdentity": me,
                "leaseDurationSeconds": LASTS.as_secs(),
                "acquireTime": micros(now),
                "renewTime": micros(now),
                "leaseTransitions": 0,
            },
        });
        Object { kind: Kind::Lease, name: name.clone(), document }
    }

    /// The merge patch that takes it; a conflict when somebody was quicker.
    #[must_use]
    pub fn take(&self, me: &str, now: Timestamp) -> Value {
        json!({
            "metadata": { "resourceVersion": self.version },
            "spec": {
                "holderIdentity": me,
                "leaseDurationSeconds": LASTS.as_secs(),
                "acquireTime": micros(now),
                "renewTime": micros(now),
                "leaseTransitions": self.transitions.saturating_add(1),
            },
        })
    }

    /// The merge patch that renews it; a conflict when somebody took it.
    #[must_use]
    pub fn renew(&self, now: Timestamp) -> Value {
        json!({ "metadata": { "resourceVersion": self.version }, "spec": { "renewTime": micros(now) } })
    }

    /// The merge patch that gives it back.
    #[must_use]
    pub fn release(&self) -> Value {
        json!({ "metadata": { "resourceVersion": self.version }, "spec": { "holderIdentity": "", "leaseDurationSeconds": 1 } })
    }
}

/// Kubernetes' `MicroTime`.
fn micros(now: Timestamp) -> String {
    let text = now.to_string();
    alloc::format!("{}.000000Z", text.trim_end_matches('Z'))
}
