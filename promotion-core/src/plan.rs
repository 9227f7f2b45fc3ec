//! Goals and plans: what somebody wants, and the ordered writes that make it so.
//!
//! ```
//! use promotion_core::plan::{Goal, Promote};
//! use promotion_core::Digest;
//!
//! let goal = Goal::Reject { artifact: Digest::of(b"manifest"), reason: "data loss".into() };
//! assert_eq!(goal.name(), "reject");
//! assert_eq!(goal.artifact(), Some(Digest::of(b"manifest")));
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::ports::Expect;
use crate::reason::{Finding, Reason};
use crate::version::{Base, Level};
use crate::{Digest, Repository, Revision, Tag};

/// What somebody wants: a fact to add. The rules do the rest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Goal {
    /// Make an artifact a candidate.
    Build(Build),
    /// Add evidence that an artifact is good.
    Promote(Promote),
    /// Add that an artifact is bad.
    Reject {
        /// The artifact.
        artifact: Digest,
        /// Why.
        reason: String,
    },
    /// Withdraw a rejection.
    Reopen {
        /// The artifact.
        artifact: Digest,
        /// Why.
        reason: String,
    },
    /// Let the last stage select an older validated artifact.
    Rollback {
        /// The artifact to return to.
        to: Digest,
        /// Reject only what the last stage selects, not everything younger.
        only: bool,
    },
    /// A rollback whose victims are decided: those that existed when it was planned.
    RejectAll {
        /// What to reject, in this order.
        artifacts: Vec<Digest>,
        /// The artifact to return to.
        to: Digest,
    },
    /// No fact: make the rules true.
    Repair,
}

/// An artifact to make a candidate; its content is already in the registry, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Build {
    /// The artifact.
    pub artifact: Digest,
    /// Its commit, where the manifest names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The candidate's number, instead of the next free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Which part to raise above the highest release; the policy's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bump: Option<Level>,
    /// A new birth even if it has one: deliberately the newest.
    #[serde(default)]
    pub again: bool,
    /// Ask whether its commit is an ancestor of the newest artifact's.
    #[serde(default)]
    pub ancestry: bool,
}

/// An artifact to promote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Promote {
    /// The artifact.
    pub artifact: Digest,
    /// What was observed of it.
    pub evidence: Vec<Evidence>,
    /// Which stage it leaves by it; where absent, the evidence's, or the only one there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The release to give it, instead of its own base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Base>,
}

impl Build {
    /// A build as a pipeline makes it: the next free number, no questions.
    #[must_use]
    pub const fn of(artifact: Digest) -> Self {
        Self { artifact, revision: None, number: None, bump: None, again: false, ancestry: false }
    }
}

impl Goal {
    /// The goal's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Build(_) => "build",
            Self::Promote(_) => "promote",
            Self::Reject { .. } => "reject",
            Self::Reopen { .. } => "reopen",
            Self::Rollback { .. } | Self::RejectAll { .. } => "rollback",
            Self::Repair => "repair",
        }
    }

    /// The artifact it is about.
    #[must_use]
    pub const fn artifact(&self) -> Option<Digest> {
        match self {
            Self::Build(Build { artifact, .. })
            | Self::Promote(Promote { artifact, .. })
            | Self::Reject { artifact, .. }
            | Self::Reopen { artifact, .. }
            | Self::Rollback { to: artifact, .. }
            | Self::RejectAll { to: artifact, .. } => Some(*artifact),
            Self::Repair => None,
        }
    }
}

/// One write. Its postcondition: the tag points at the digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Action {
    /// The tag to write.
    pub tag: Tag,
    /// What it shall point at.
    pub digest: Digest,
    /// What it must be before.
    pub expect: Expect,
    /// What it is for.
    pub why: Why,
}

/// What a write is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Why {
    /// The commit tag.
    Commit,
    /// The first stage's mark.
    HandOver,
    /// The candidate that makes a build visible.
    Birth,
    /// Evidence that admits to a stage.
    Evidence {
        /// The stage it admits to.
        stage: String,
    },
    /// A rejection.
    Rejection,
    /// A rejection withdrawn.
    Reopening,
    /// The newest artifact would be hidden, or is.
    Rebase {
        /// The stage that would not select it.
        stage: String,
    },
    /// An artifact raised above what stands over it, so that its release is a stripped candidate.
    Lift,
    /// The version that makes a stage select the artifact.
    Release {
        /// The stage.
        stage: String,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit => f.write_str("names the commit"),
            Self::HandOver => f.write_str("hands the artifact over to the first stage"),
            Self::Birth => f.write_str("makes the build visible as the newest candidate"),
            Self::Evidence { stage } => write!(f, "records the evidence that admits it to {stage}"),
            Self::Rejection => f.write_str("records the rejection"),
            Self::Reopening => f.write_str("withdraws the rejection"),
            Self::Rebase { stage } => write!(f, "keeps the newest artifact the one that {stage} selects"),
            Self::Lift => f.write_str("lifts the artifact, so that its release is a stripped candidate"),
            Self::Release { stage } => write!(f, "makes {stage} select it"),
        }
    }
}

/// How the goal stands once the plan's writes are done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outlook {
    /// As wanted.
    Reached,
    /// Recorded, and a newer artifact is ahead of it: nothing else to do.
    Superseded {
        /// The newer artifact.
        by: Digest,
    },
    /// Recorded, and something holds the rest back.
    Held(Reason),
}

/// The writes that make a goal and the rules true, in order.
///
/// Deterministic: equal snapshots, policies and goals give equal plans.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    /// The goal, with everything decided that must not be decided again.
    pub goal: Goal,
    /// The writes; empty when there is nothing to do.
    pub actions: Vec<Action>,
    /// How the goal stands afterwards.
    pub outlook: Outlook,
    /// What a person should know: strangers that outrank us, rules held back.
    pub findings: Vec<Finding>,
}

/// A plan as a file: what `--dry-run --out` writes and `apply` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    /// `promotion/v1`.
    pub schema: String,
    /// `Plan`.
    pub kind: String,
    /// The repository it was made for.
    pub repository: Repository,
    /// The goal.
    pub goal: Goal,
    /// The policy it was made under.
    pub policy_hash: Digest,
    /// The writes.
    pub actions: Vec<PlannedAction>,
    /// The digest of all of the above.
    pub hash: Digest,
}

/// A write in a [`PlanFile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAction {
    /// `tag`: point the tag at the digest.
    pub op: String,
    /// The tag.
    pub tag: Tag,
    /// The digest.
    pub digest: Digest,
    /// `absent`, or the digest the tag must point at before.
    pub expect: String,
    /// What it is for, for people.
    pub why: String,
}

/// Why a text is not a plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFileError {
    /// Not JSON of a plan's shape.
    #[error("not a plan: {0}")]
    Json(String),
    /// Another schema or kind.
    #[error("expected schema promotion/v1 and kind Plan, found {schema:?} and {kind:?}")]
    Schema {
        /// The schema found.
        schema: String,
        /// The kind found.
        kind: String,
    },
    /// The hash does not match: the file was edited or is torn.
    #[error("the plan's hash is {stated}, its content hashes to {computed}: it was edited after it was made")]
    Hash {
        /// What the file says.
        stated: Digest,
        /// What it is.
        computed: Digest,
    },
}

impl PlanFile {
    /// The schema of every document of this version.
    pub const SCHEMA: &str = "promotion/v1";

    /// A plan for a repository under a policy.
    #[must_use]
    pub fn new(repository: Repository, policy_hash: Digest, plan: &Plan) -> Self {
        let actions = plan.actions.iter().map(PlannedAction::from).collect();
        let mut file = Self {
            schema: Self::SCHEMA.to_string(),
            kind: "Plan".to_string(),
            repository,
            goal: plan.goal.clone(),
            policy_hash,
            actions,
            hash: policy_hash,
        };
        file.hash = file.content_hash();
        file
    }

    /// Reads and checks a plan file.
    ///
    /// # Errors
    /// When it is not one, is of another version, or was changed.
    pub fn parse(json: &[u8]) -> Result<Self, PlanFileError> {
        let file: Self = serde_json::from_slice(json).map_err(|error| PlanFileError::Json(error.to_string()))?;
        if file.schema != Self::SCHEMA || file.kind != "Plan" {
            return Err(PlanFileError::Schema { schema: file.schema, kind: file.kind });
        }
        let computed = file.content_hash();
        if computed == file.hash { Ok(file) } else { Err(PlanFileError::Hash { stated: file.hash, computed }) }
    }

    fn content_hash(&self) -> Digest {
        let content = (&self.schema, &self.kind, &self.repository, &self.goal, &self.policy_hash, &self.actions);
        Digest::of(&serde_json::to_vec(&content).unwrap_or_default())
    }

    /// Whether `now`, planned afresh, is this plan or its unfinished rest.
    #[must_use]
    pub fn covers(&self, now: &Plan) -> bool {
        let fresh: Vec<PlannedAction> = now.actions.iter().map(PlannedAction::from).collect();
        let same =
            |a: &PlannedAction, b: &PlannedAction| (&a.tag, &a.digest, &a.expect) == (&b.tag, &b.digest, &b.expect);
        let skipped = self.actions.len().checked_sub(fresh.len());
        skipped.is_some_and(|skipped| self.actions[skipped..].iter().zip(&fresh).all(|(a, b)| same(a, b)))
    }
}

impl PlannedAction {
    /// Whether the write may be done where its tag points at this: as it expects, or at what it would write.
    #[must_use]
    pub fn fits(&self, found: Option<Digest>) -> bool {
        let met = match self.expect.as_str() {
            "any" => true,
            "absent" => found.is_none(),
            expected => found.is_some_and(|found| found.to_string() == expected),
        };
        met || found == Some(self.digest)
    }
}

impl From<&Action> for PlannedAction {
    fn from(action: &Action) -> Self {
        Self {
            op: "tag".to_string(),
            tag: action.tag.clone(),
            digest: action.digest,
            expect: match action.expect {
                Expect::Absent => "absent".to_string(),
                Expect::Equals(digest) => digest.to_string(),
                Expect::Any => "any".to_string(),
            },
            why: action.why.to_string(),
        }
    }
}
