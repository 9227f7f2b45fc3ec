//! Silence: candidates that waited too long for a verdict. A dead gate must raise an alarm.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::silence::silence;
//! use promotion_core::snapshot::Snapshot;
//! use promotion_core::time::Timestamp;
//!
//! let policy = Policy::default();
//! let snapshot = Snapshot::new(&policy, &[]);
//! assert_eq!(silence(&snapshot, &policy, Timestamp::from_unix(0)), Ok(vec![]));
//! ```

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::Digest;
use crate::artifact::View;
use crate::policy::Policy;
use crate::reason::{Finding, Reason};
use crate::snapshot::{Needs, Snapshot};
use crate::time::Timestamp;
use crate::verdicts::Verdicts;

/// For each stage whose gate has a deadline: the oldest artifact that waits in it for longer.
///
/// Only artifacts younger than what the last stage selects wait. The age is that of `created`, an upper bound; without
/// it, or with the epoch that reproducible builders write, it is unknown and raises no alarm.
///
/// # Errors
/// What must be read to tell.
pub fn silence(snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> Result<Vec<Finding>, Needs> {
    let gates = policy.stages().iter().zip(0..policy.last());
    if gates.clone().all(|(stage, _)| stage.gate.verdict_deadline.is_none()) {
        return Ok(Vec::new());
    }
    let view = View::new(snapshot, policy);
    let waiting = waiting(&view)?;
    let mut findings = Vec::new();
    for (stage, index) in gates {
        let Some(deadline) = stage.gate.verdict_deadline else { continue };
        let here = waiting.iter().filter(|(_, verdicts, _)| verdicts.admitted(index) && !verdicts.admitted(index + 1));
        let late = here.filter(|(_, _, since)| now.since(*since).is_some_and(|age| age > deadline));
        if let Some((artifact, _, since)) = late.min_by_key(|(_, _, since)| *since) {
            let (stage, artifact, since) = (stage.name.clone(), *artifact, *since);
            findings.push(Finding::warning(Reason::SilentGate { stage, artifact, since, deadline }));
        }
    }
    Ok(findings)
}

/// Unrejected artifacts younger than what the last stage selects, with the time they say they were built.
fn waiting(view: &View<'_>) -> Result<Vec<(Digest, Verdicts, Timestamp)>, Needs> {
    let running = view.selected(view.policy().last())?.map(|(_, _, digest)| digest);
    let mut waiting = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, tag) in view.births() {
        let Some(digest) = view.digest(tag)? else { continue };
        if Some(digest) == running {
            break;
        }
        let Some(verdicts) = view.verdicts(digest)?.filter(|_| seen.insert(digest)) else { continue };
        let created = view.manifest(digest)?.and_then(|facts| facts.created.as_deref()?.parse::<Timestamp>().ok());
        if let Some(since) = created.filter(|since| since.as_unix() != 0 && !verdicts.rejected()) {
            waiting.push((digest, verdicts, since));
        }
    }
    Ok(waiting)
}
