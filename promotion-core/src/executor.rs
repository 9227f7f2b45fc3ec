//! The executor: observe, converge, write, observe, until there is nothing left to write. It performs no IO: it says
//! what to do next and is told what came of it.
//!
//! ```
//! use promotion_core::executor::{Executor, Step};
//! use promotion_core::plan::Goal;
//! use promotion_core::policy::Policy;
//! use promotion_core::ports::Listing;
//! use promotion_core::time::Timestamp;
//!
//! let mut executor = Executor::new(Policy::default(), Goal::Repair);
//! let now = Timestamp::from_unix(0);
//! assert_eq!(executor.next(now), Step::List);
//! executor.listed(&Listing::default());
//! assert!(matches!(executor.next(now), Step::Done(outcome) if outcome.writes.is_empty()));
//! ```

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use serde::Serialize;

use crate::artifact::View;
use crate::converge::{Request, Stop, converge, rules};
use crate::plan::{Action, Goal, Outlook, Plan, PlanFile, Why};
use crate::policy::Policy;
use crate::ports::{Consistency, Listing};
use crate::reason::{Finding, Reason, Refusal};
use crate::snapshot::{Needs, Query, Reply, Snapshot};
use crate::time::Timestamp;
use crate::{Commit, Digest, Tag};

mod drive;
mod essence;

pub use drive::{DriveError, End, Planned, World, drive, drive_in_memory, observe, plan};

/// How often a plan may be made before the repository is called restless.
const MAX_ROUNDS: u32 = 32;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// List the tags, then [`Executor::listed`].
    List,
    /// Find these out, in any order or at once, then [`Executor::learned`] for each.
    Ask(Vec<Query>),
    /// Write this, then [`Executor::wrote`] or [`Executor::conflicted`].
    Write(Action),
    /// Nothing: this is what came of it.
    Done(Box<Outcome>),
    /// Nothing: the state is not what the plan to apply expected. Nothing was written. What would be done now instead.
    Drifted(Box<Plan>),
}

/// What came of a goal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Outcome {
    /// In one word.
    #[serde(rename = "outcome")]
    pub kind: OutcomeKind,
    /// The artifact it was about.
    pub digest: Option<Digest>,
    /// Its commit.
    pub commit: Option<Commit>,
    /// Its youngest candidate.
    pub candidate: Option<Tag>,
    /// Its release, if the last stage selects it.
    pub release: Option<Tag>,
    /// For [`OutcomeKind::Superseded`]: the newer artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Digest>,
    /// What was written, in order.
    pub writes: Vec<Write>,
    /// What a person should know.
    pub warnings: Vec<Finding>,
    /// For [`OutcomeKind::Refused`]: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// An outcome in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// Something was written, and everything is as wanted.
    Done,
    /// Everything was as wanted.
    AlreadyDone,
    /// Recorded; a newer artifact is ahead.
    Superseded,
    /// Not as wanted. Without writes: refused beforehand. With writes: recorded, and something holds the rest back.
    Refused,
}

/// A tag that was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Write {
    /// The tag.
    pub tag: Tag,
    /// What it points at now.
    pub digest: Digest,
    /// What it pointed at before.
    pub was: Option<Digest>,
}

/// One actor's work towards one goal. A value: clone it to explore, drop it to crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executor {
    policy: Policy,
    goal: Goal,
    consistency: Consistency,
    expected: Option<PlanFile>,
    snapshot: Option<Snapshot>,
    /// The listing is older than somebody's write.
    stale: bool,
    /// What tags pointed at before the last listing: what to ask for in one go, and never an answer.
    believed: BTreeMap<Tag, Option<Digest>>,
    plan: Option<Plan>,
    queue: VecDeque<Action>,
    /// The goal's fact was written.
    stated: bool,
    /// After our first write the goal turned out to be refused: only the rules are left to do.
    refused_late: Option<Refusal>,
    writes: Vec<Write>,
    /// A write that the registry says it did, and that was not read back yet.
    accepted: Option<Action>,
    /// Tags that turned out to be somebody else's.
    met: BTreeSet<Tag>,
    warnings: BTreeSet<Finding>,
    rounds: u32,
}

impl Executor {
    /// An actor with a goal.
    #[must_use]
    pub fn new(policy: Policy, goal: Goal) -> Self {
        Self {
            policy,
            goal,
            consistency: Consistency::Registers,
            expected: None,
            snapshot: None,
            stale: true,
            believed: BTreeMap::new(),
            plan: None,
            queue: VecDeque::new(),
            stated: false,
            refused_late: None,
            writes: Vec::new(),
            accepted: None,
            met: BTreeSet::new(),
            warnings: BTreeSet::new(),
            rounds: 0,
        }
    }

    /// An actor that carries out a plan made earlier, or its unfinished rest, and nothing else.
    #[must_use]
    pub fn applying(policy: Policy, file: PlanFile) -> Self {
        Self { expected: Some(file.clone()), ..Self::new(policy, file.goal) }
    }

    /// With the registry's consistency, which decides what must be read again after a write.
    #[must_use]
    pub fn with_consistency(self, consistency: Consistency) -> Self {
        Self { consistency, ..self }
    }

    /// With what [`observe`] has just read, which then is not read again. Ignored where a lock keeps other writers out:
    /// nobody held it when this was read.
    #[must_use]
    pub fn knowing(self, snapshot: Snapshot) -> Self {
        match self.consistency {
            Consistency::Exclusive => self,
            Consistency::Registers | Consistency::CompareAndSwap => {
                Self { snapshot: Some(snapshot), stale: false, ..self }
            }
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The plan being carried out.
    #[must_use]
    pub const fn planned(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// What was written so far; what is lost with an error is only what was not.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// What is known of the repository.
    #[must_use]
    pub const fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// What to do next, given the time. Asking twice is the same as asking once.
    pub fn next(&mut self, now: Timestamp) -> Step {
        if self.snapshot.is_none() || self.stale {
            return Step::List;
        }
        if let Some(action) = self.queue.front() {
            return Step::Write(action.clone());
        }
        match self.replan(now) {
            Err(Stop::Needs(Needs(queries))) => Step::Ask(queries.into_iter().collect()),
            Err(Stop::Refused(refusal)) if self.writes.is_empty() => Step::Done(Box::new(self.refused(refusal))),
            // Even the rules are refused: what was written stays, and is reported.
            Err(Stop::Refused(refusal)) if self.refused_late.is_some() => Step::Done(Box::new(self.refused(refusal))),
            Err(Stop::Refused(refusal)) => {
                self.refused_late = Some(refusal);
                self.next(now)
            }
            Ok(plan) => self.follow(plan),
        }
    }

    fn follow(&mut self, plan: Plan) -> Step {
        self.warnings.extend(plan.findings.iter().cloned());
        // Until the first write every plan is checked: a conflict may have changed it.
        let differs = |file: &PlanFile| file.policy_hash != self.policy.hash() || !file.covers(&plan);
        if self.writes.is_empty() && self.expected.as_ref().is_some_and(differs) {
            return Step::Drifted(Box::new(plan));
        }
        let Some(first) = plan.actions.first().cloned() else {
            return Step::Done(Box::new(self.outcome(&plan.outlook)));
        };
        if self.rounds == MAX_ROUNDS {
            return Step::Done(Box::new(self.refused(Reason::DidNotConverge { rounds: self.rounds }.into())));
        }
        self.rounds += 1;
        if self.refused_late.is_none() {
            self.goal = plan.goal.clone();
        }
        self.queue = plan.actions.iter().cloned().collect();
        self.plan = Some(plan);
        Step::Write(first)
    }

    /// The plan; or everything that must be read for it if the tags still point where they did: one round trip, and not
    /// one for each answer that leads to the next question.
    fn replan(&mut self, now: Timestamp) -> Result<Plan, Stop> {
        let mut unread = Needs(self.unverified());
        let replanned = loop {
            match self.converge(now) {
                Err(Stop::Needs(Needs(queries))) => {
                    let supposed = self.suppose(&queries);
                    unread.0.extend(queries);
                    if !supposed {
                        break Err(Needs::default().into());
                    }
                }
                replanned => break replanned,
            }
        };
        if unread.0.is_empty() {
            return replanned;
        }
        for query in &unread.0 {
            if let (Query::Tag(tag), Some(snapshot)) = (query, &mut self.snapshot) {
                snapshot.forget(tag);
            }
        }
        Err(unread.into())
    }

    /// Where the last writer of a tag wins, our own writes are read back after the listing that follows them.
    fn unverified(&self) -> BTreeSet<Query> {
        let unread = |write: &&Write| self.snapshot.as_ref().is_some_and(|known| known.digest(&write.tag).is_err());
        self.writes.iter().filter(unread).map(|write| Query::Tag(write.tag.clone())).collect()
    }

    /// Takes it that tags point where they did before the listing; `false` when that answers none of these.
    fn suppose(&mut self, queries: &BTreeSet<Query>) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return false };
        let mut supposed = false;
        for query in queries {
            if let Query::Tag(tag) = query
                && let Some(digest) = self.believed.get(tag)
            {
                snapshot.learn(query.clone(), Reply::Digest(*digest));
                supposed = true;
            }
        }
        supposed
    }

    fn converge(&self, now: Timestamp) -> Result<Plan, Stop> {
        let Some(snapshot) = &self.snapshot else { return Err(Needs::default().into()) };
        match &self.refused_late {
            None => converge(snapshot, &self.policy, &Request { goal: &self.goal, now, stated: self.stated }),
            Some(_) => rules(snapshot, &self.policy),
        }
    }

    /// The answer to [`Step::List`].
    pub fn listed(&mut self, listing: &Listing) {
        let tags_stay = self.consistency != Consistency::Registers;
        // A listing may lag behind what was written and read back, and behind what stood in our way.
        let known = self.writes.iter().map(|write| &write.tag).chain(&self.met);
        let tags: Vec<Tag> = listing.tags.iter().chain(known).cloned().collect();
        self.snapshot = Some(match self.snapshot.take() {
            Some(known) => {
                self.believed = known.resolved().map(|(tag, digest)| (tag.clone(), digest)).collect();
                self.believed.extend(self.writes.iter().map(|write| (write.tag.clone(), Some(write.digest))));
                known.relisted(&self.policy, &tags, tags_stay)
            }
            None => Snapshot::new(&self.policy, &tags),
        });
        self.stale = false;
    }

    /// The tags that are asked for after the next listing if it brings nothing new. An answer of before the listing is as
    /// good as one of after it: what counts is that both are later than our last write. Only where what tags point at
    /// must be asked again at all.
    #[must_use]
    pub fn foreseen(&self, now: Timestamp) -> Vec<Tag> {
        let (Some(snapshot), Consistency::Registers) = (&self.snapshot, self.consistency) else { return Vec::new() };
        let mut next = self.clone();
        next.listed(&Listing { tags: snapshot.tags().cloned().collect(), not_tags: Vec::new() });
        let Step::Ask(queries) = next.next(now) else { return Vec::new() };
        let tag = |query| if let Query::Tag(tag) = query { Some(tag) } else { None };
        queries.into_iter().filter_map(tag).collect()
    }

    /// The answer to one query of [`Step::Ask`].
    pub fn learned(&mut self, query: Query, reply: Reply) {
        if let (Query::Tag(tag), Reply::Digest(found)) = (&query, &reply)
            && let Some(write) = self.writes.iter().rev().find(|write| write.tag == *tag)
            && *found != Some(write.digest)
        {
            let overwritten = Reason::Overwritten { tag: tag.clone(), wanted: write.digest, found: *found };
            self.warnings.insert(Finding::warning(overwritten));
        }
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.learn(query, reply);
        }
    }

    /// The write of [`Step::Write`] was done and read back.
    pub fn wrote(&mut self, was: Option<Digest>) {
        self.accepted = None;
        let Some(action) = self.queue.pop_front() else { return };
        let fact = |why: &Why| matches!(why, Why::Birth | Why::Evidence { .. } | Why::Rejection | Why::Reopening);
        if fact(&action.why) && !self.queue.iter().any(|rest| fact(&rest.why)) {
            self.stated = true;
        }
        self.writes.push(Write { tag: action.tag, digest: action.digest, was });
        self.stale = self.queue.is_empty();
    }

    /// The write of [`Step::Write`] was not done: somebody else had written the tag.
    pub fn conflicted(&mut self) {
        self.accepted = None;
        if let (Some(action), Some(snapshot)) = (self.queue.pop_front(), &mut self.snapshot) {
            snapshot.forget(&action.tag);
            self.met.insert(action.tag);
        }
        self.queue.clear();
        self.stale = true;
    }

    fn refused(&self, refusal: Refusal) -> Outcome {
        Outcome { kind: OutcomeKind::Refused, refusal: Some(refusal), ..self.facts() }
    }

    fn outcome(&self, outlook: &Outlook) -> Outcome {
        if let Some(refusal) = &self.refused_late {
            return self.refused(refusal.clone());
        }
        match outlook {
            Outlook::Reached if self.writes.is_empty() => Outcome { kind: OutcomeKind::AlreadyDone, ..self.facts() },
            Outlook::Reached => self.facts(),
            Outlook::Superseded { by } => {
                Outcome { kind: OutcomeKind::Superseded, superseded_by: Some(*by), ..self.facts() }
            }
            Outlook::Held(reason) => self.refused(reason.clone().into()),
        }
    }

    /// What can be said of the artifact from what was read anyway.
    fn facts(&self) -> Outcome {
        let mut facts = Outcome {
            kind: OutcomeKind::Done,
            digest: self.goal.artifact(),
            commit: None,
            candidate: None,
            release: None,
            superseded_by: None,
            writes: self.writes.clone(),
            warnings: self.warnings.iter().cloned().collect(),
            refusal: None,
        };
        let (Some(digest), Some(snapshot)) = (facts.digest, &self.snapshot) else { return facts };
        let view = View::new(snapshot, &self.policy);
        let manifest = view.manifest(digest).ok().flatten();
        facts.commit = manifest.and_then(|manifest| Some(manifest.revision.as_ref()?.commit.clone()));
        let birth = view.birth_of(digest).ok().flatten();
        facts.candidate = birth.map(|birth| self.policy.version_tag(&birth));
        let selected = view.selected(self.policy.last()).ok().flatten();
        facts.release = selected.filter(|(_, _, selected)| *selected == digest).map(|(_, tag, _)| tag);
        facts
    }
}
