//! Taking a step at a registry.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::compare::{facts_are_kept, outcome_is, records_say, state_is};
use super::{State, Step, nominations};
use crate::Tag;
use crate::executor::{DriveError, End, Executor, Outcome, drive};
use crate::memory::MemoryRegistry;
use crate::plan::Goal;
use crate::ports::{Expect, PortError, PortErrorKind, Registry};
use crate::scheme::Kind;
use crate::testing::faulty::{Call, Fault, Faulty};
use crate::testing::still::Still;
use crate::version::{Base, Version};

/// Who acts.
pub(super) const ACTOR: &str = "ada";

/// Takes a step at a registry that has seen every step before it, and says what then is not as `state`, the state after
/// the step, has it.
pub async fn play(registry: &dyn Registry, step: &Step, state: &State) -> Vec<String> {
    match take(registry, step, state).await {
        Ok(differences) => differences,
        Err(error) => alloc::vec![format!("the registry failed by itself: {error}")],
    }
}

async fn take(registry: &dyn Registry, step: &Step, state: &State) -> Result<Vec<String>, PortError> {
    let before = read(registry).await?;
    let mut found = Vec::new();
    match step {
        Step::Pursue(goal) => {
            let outcome = pursue(registry, goal, state).await?;
            found.extend(outcome_is(&outcome, goal, state, true));
            found.extend(records_say(registry, goal, &outcome, state).await?);
        }
        Step::Crash { goal, facts } => {
            let _gone = attempt(&Faulty::new(registry, stop_after(*facts)), goal, state).await;
        }
        Step::Mend { goal, writes } => {
            let _gone = attempt(&Faulty::new(registry, stop_after(*writes)), goal, state).await;
            let between = read(registry).await?;
            found.extend(facts_are_kept(&before, &between, None));
            found.extend(super::compare::no_detour(&before, &between, state));
            let outcome = pursue(registry, &Goal::Repair, state).await?;
            found.extend(outcome_is(&outcome, &Goal::Repair, state, false));
        }
        Step::Retry { goal, fault } => {
            let outcome = match attempt(&Faulty::new(registry, fault.clone()), goal, state).await {
                Ok(outcome) => outcome,
                Err(stopped) => {
                    let between = read(registry).await?;
                    let told = stopped.writes.iter().filter(|write| between.digest(&write.tag) != Some(write.digest));
                    found.extend(told.map(|write| format!("{} was told, and is not there", write.tag)));
                    found.extend(facts_are_kept(&before, &between, None));
                    pursue(registry, goal, state).await?
                }
            };
            found.extend(outcome_is(&outcome, goal, state, false));
        }
        Step::Busy(times) => {
            for goal in nominations(*times) {
                let outcome = pursue(registry, &goal, state).await?;
                found = outcome_is(&outcome, &goal, state, true);
            }
        }
        Step::ByHand(artifact) => {
            let tag = above_everything(&before, state);
            registry.put_tag(&tag, &registry.manifest(*artifact).await?, Expect::Absent).await?;
        }
        Step::Stranger { tag, artifact } => {
            registry.put_tag(tag, &registry.manifest(*artifact).await?, Expect::Any).await?;
        }
        Step::Jump(_) => {}
    }
    let after = read(registry).await?;
    let moved = match step {
        Step::Stranger { tag, .. } => Some(tag),
        _ => None,
    };
    found.extend(facts_are_kept(&before, &after, moved));
    found.extend(state_is(&after, state));
    Ok(found)
}

/// Whoever is gone after `writes` tags does not write the next.
const fn stop_after(writes: usize) -> Fault {
    Fault { call: Call::PutTag, nth: writes, effect: false, kind: PortErrorKind::Unavailable }
}

async fn attempt(registry: &dyn Registry, goal: &Goal, state: &State) -> Result<Outcome, DriveError> {
    let executor = Executor::new(state.policy.clone(), goal.clone());
    let mut executor = executor.with_consistency(registry.consistency());
    match drive(registry, &mut executor, &Still { now: state.now, actor: Some(ACTOR) }).await? {
        End::Done(outcome) => Ok(outcome),
        End::Drifted(_) => {
            let error = PortError::new(PortErrorKind::Invalid, goal.name(), "nothing was planned, yet it drifted");
            Err(DriveError { error, writes: Vec::new(), unseen: None })
        }
    }
}

async fn pursue(registry: &dyn Registry, goal: &Goal, state: &State) -> Result<Outcome, PortError> {
    attempt(registry, goal, state).await.map_err(|stopped| stopped.error)
}

/// A registry's tags and what they point at, as a value.
async fn read(registry: &dyn Registry) -> Result<MemoryRegistry, PortError> {
    let mut copy = MemoryRegistry::default();
    let tags = match registry.list_tags().await {
        // To some, a repository without tags does not exist.
        Err(error) if *error.kind() == PortErrorKind::NotFound => Vec::new(),
        listing => listing?.tags,
    };
    let digests = registry.resolve_all(&tags).await?;
    let known: Vec<_> = digests.iter().flatten().copied().collect();
    for manifest in registry.manifest_all(&known).await?.into_iter().flatten() {
        copy.push(manifest);
    }
    for (tag, digest) in tags.iter().zip(digests) {
        if let Some(digest) = digest {
            copy.put(tag, digest, Expect::Any)?;
        }
    }
    Ok(copy)
}

/// A release above every version there is.
fn above_everything(registry: &MemoryRegistry, state: &State) -> Tag {
    let bases = registry.tags().keys().filter_map(|tag| match state.policy.classify(tag.as_str()) {
        Kind::Version(version) => Some(version.base),
        _ => None,
    });
    let base = bases.max().and_then(Base::next_patch).unwrap_or(state.policy.initial());
    state.policy.version_tag(&Version::release(base))
}
