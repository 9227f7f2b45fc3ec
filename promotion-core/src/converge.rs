//! The one planner: add a fact, then make two rules true.
//!
//! - **R1**: the first stage selects the newest unrejected artifact (the one with the highest unrejected birth).
//! - **R2**: every later stage selects the newest artifact that the stages before it validated and nobody rejected.
//!
//! [`converge`] yields the writes, in an order of which every prefix is safe to stop at, and the empty plan when there
//! is nothing to write. Every command is a fact and this function, so whoever runs next finishes what a crash left.
//!
//! ```
//! use promotion_core::converge::{Request, Stop, converge};
//! use promotion_core::plan::{Build, Goal};
//! use promotion_core::policy::Policy;
//! use promotion_core::snapshot::{Query, Reply, Snapshot};
//! use promotion_core::{Digest, time::Timestamp};
//!
//! let (policy, artifact) = (Policy::default(), Digest::of(b"manifest"));
//! let goal = Goal::Build(Build::of(artifact));
//! let request = Request::new(&goal, Timestamp::from_unix(0));
//! let mut snapshot = Snapshot::new(&policy, &[]);
//!
//! let Err(Stop::Needs(needs)) = converge(&snapshot, &policy, &request) else { panic!() };
//! assert_eq!(needs, Query::Manifest(artifact).into());
//! snapshot.learn(Query::Manifest(artifact), Reply::Manifest(Some(Default::default())));
//!
//! let plan = converge(&snapshot, &policy, &request).unwrap();
//! let tags: Vec<_> = plan.actions.iter().map(|action| action.tag.as_str()).collect();
//! assert_eq!(tags, [&*format!("integration-{}", &artifact.hex()[..7]), "0.1.0-rc.1"]);
//! ```

mod goals;
mod rules;

use alloc::vec::Vec;

use crate::artifact::View;
use crate::plan::{Action, Goal, Outlook, Plan, Promote, Why};
use crate::policy::Policy;
use crate::ports::Expect;
use crate::reason::{Finding, Reason, Refusal};
use crate::snapshot::{Needs, Snapshot, flux_order};
use crate::time::Timestamp;
use crate::{Digest, Tag};

pub(crate) use rules::is_stripped_candidate;

/// What to plan for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The goal.
    pub goal: &'a Goal,
    /// The time, by which evidence is fresh or stale.
    pub now: Timestamp,
    /// The goal's fact was written: do not state it again, whatever others have said since. Two who each want the last
    /// word would otherwise go on for ever.
    pub stated: bool,
}

impl<'a> Request<'a> {
    /// A goal whose fact is still to be written.
    #[must_use]
    pub const fn new(goal: &'a Goal, now: Timestamp) -> Self {
        Self { goal, now, stated: false }
    }
}

/// Why there is no plan yet, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// These must be read first; then ask again.
    Needs(Needs),
    /// The goal is refused.
    Refused(Refusal),
}

impl From<Needs> for Stop {
    fn from(needs: Needs) -> Self {
        Self::Needs(needs)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}

/// The writes that add the goal's fact and make the rules true.
///
/// # Errors
/// [`Stop::Needs`] until everything is known that the plan depends on, then perhaps [`Stop::Refused`].
pub fn converge(snapshot: &Snapshot, policy: &Policy, request: &Request<'_>) -> Result<Plan, Stop> {
    state_and_settle(snapshot, policy, request).map_err(|stop| match stop {
        Stop::Needs(needs) => Stop::Needs(with_the_rules(needs, snapshot, policy)),
        refused @ Stop::Refused(_) => refused,
    })
}

fn state_and_settle(snapshot: &Snapshot, policy: &Policy, request: &Request<'_>) -> Result<Plan, Stop> {
    let mut draft = Draft::new(snapshot, policy, request.goal);
    let stated = goals::state(&mut draft, request)?;
    let explicit = match request.goal {
        Goal::Promote(Promote { artifact, version: Some(version), .. }) => Some((*artifact, *version)),
        _ => None,
    };
    let held = rules::rules(&mut draft, explicit)?;
    let outlook = match stated {
        Some(outlook) => outlook,
        None => goals::outlook(&draft, request, &held)?,
    };
    draft.finish(held, outlook)
}

/// What must be read, and with it what the rules always need: the youngest candidate, and what each stage selects. Asked
/// for at once, the two cost the round trips of the longer one.
#[must_use]
pub fn with_the_rules(mut needs: Needs, snapshot: &Snapshot, policy: &Policy) -> Needs {
    let view = View::new(snapshot, policy);
    let youngest = view.births().next().map(|(_, tag)| view.tagged(tag).map(drop));
    let selected = (0..=policy.last()).map(|stage| match view.selected(stage)? {
        Some((_, _, digest)) => view.verdicts(digest).map(drop),
        None => Ok(()),
    });
    needs.0.extend(youngest.into_iter().chain(selected).filter_map(Result::err).flat_map(|more| more.0));
    needs
}

/// A rule that cannot be made true now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hold {
    stage: u8,
    reason: Reason,
}

/// A plan in the making.
struct Draft<'s> {
    view: View<'s>,
    goal: Goal,
    actions: Vec<Action>,
    findings: Vec<Finding>,
}

impl<'s> Draft<'s> {
    fn new(snapshot: &'s Snapshot, policy: &'s Policy, goal: &Goal) -> Self {
        let view = View::new(snapshot, policy);
        Self { view, goal: goal.clone(), actions: Vec::new(), findings: Vec::new() }
    }

    /// Plans a fact: a tag that does not exist yet.
    fn fact(&mut self, tag: Tag, digest: Digest, why: Why) -> Result<(), Stop> {
        match self.view.digest(&tag)? {
            Some(by) if by != digest => return Err(Reason::MarkTaken { mark: tag, by }.into()),
            Some(_) => return Ok(()),
            None => {}
        }
        self.view.write(tag.clone(), digest);
        self.actions.push(Action { tag, digest, expect: Expect::Absent, why });
        Ok(())
    }

    fn finish(mut self, held: Vec<Hold>, outlook: Outlook) -> Result<Plan, Stop> {
        self.findings.extend(held.into_iter().map(|hold| Finding::warning(hold.reason)));
        self.warn_of_strangers()?;
        self.warn_of_dangling()?;
        // By the one comparison: the other derived ones would be as large again in the browser build.
        self.findings.sort_unstable_by(Ord::cmp);
        self.findings.dedup_by(|a, b| Ord::cmp(a, b).is_eq());
        Ok(Plan { goal: self.goal, actions: self.actions, outlook, findings: self.findings })
    }

    fn stage_name(&self, stage: u8) -> alloc::string::String {
        self.view.policy().stages().get(usize::from(stage)).map(|stage| stage.name.clone()).unwrap_or_default()
    }

    /// Candidates younger than the newest artifact whose manifests are said not to exist: nothing can be done for them,
    /// and a registry that said so by mistake would otherwise go unnoticed.
    fn warn_of_dangling(&mut self) -> Result<(), Needs> {
        let newest = self.view.newest(|_, verdicts| !verdicts.rejected())?;
        for (tag, artifact) in newest.into_iter().flat_map(|newest| newest.dangling) {
            self.findings.push(Finding::warning(Reason::DanglingTag { tag, artifact }));
        }
        Ok(())
    }

    /// For each stage, the highest stranger that its cluster would prefer to what we want it to select.
    fn warn_of_strangers(&mut self) -> Result<(), Needs> {
        for (stage, index) in self.view.policy().stages().iter().zip(0..) {
            let accepted = self.view.snapshot().strangers().iter().find(|tag| stage.accepts(tag.as_str()));
            let Some(stranger) = accepted else { continue };
            let ours = self.view.selected(index)?.map(|(_, tag, _)| tag);
            if ours.as_ref().is_none_or(|ours| flux_order(stranger, ours).is_ge()) {
                let poison = Reason::PoisonTag { stage: stage.name.clone(), tag: stranger.clone(), above: ours };
                self.findings.push(Finding::warning(poison));
            }
        }
        Ok(())
    }
}

/// The writes that make the rules true, whatever anybody wants: half-done work, and all that is left to do for an
/// actor whose goal was refused after its own first write.
///
/// # Errors
/// As [`converge`].
pub fn rules(snapshot: &Snapshot, policy: &Policy) -> Result<Plan, Stop> {
    let mut draft = Draft::new(snapshot, policy, &Goal::Repair);
    let held = rules::rules(&mut draft, None)?;
    draft.finish(held, Outlook::Reached)
}
