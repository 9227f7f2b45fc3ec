//! Why an artifact is not where it should be: the way from its build to the last stage, link by link, and the first one
//! that is broken.
//!
//! Each stage's links are data ([`FIRST`], [`NEXT`], [`LAST`]); each link is a question, and a function answers it from what
//! the registry and the stage's cluster said. An unknown answer is no pass, and does not end the walk: a later link may
//! be broken for sure.
//!
//! ```
//! use promotion_core::memory::MemoryRegistry;
//! use promotion_core::policy::Policy;
//! use promotion_core::snapshot::Snapshot;
//! use promotion_core::why::{Facts, Walk, why};
//!
//! let (mut registry, policy) = (MemoryRegistry::default(), Policy::default());
//! let digest = registry.push_artifact("6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "content");
//! let mut snapshot = Snapshot::new(&policy, &registry.listing().tags);
//! let facts = Facts { repository: "oci://ghcr.io/acme/platform", observed: None };
//! let trace = loop {
//!     match why(&snapshot, &policy, digest, Walk::Everything, &facts) {
//!         Ok(trace) => break trace,
//!         Err(needs) => needs.0.into_iter().for_each(|query| {
//!             let reply = registry.reply(&query);
//!             snapshot.learn(query, reply);
//!         }),
//!     }
//! };
//! assert_eq!(trace.verdict().unwrap().id(), "not-handed-over");
//! ```

mod cluster;
mod registry;

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::artifact::View;
use crate::cluster::Observed;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::snapshot::{Needs, Snapshot};
use crate::{Commit, Digest};

/// A question about one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Was it built and handed over?
    Built,
    /// Is it what the stage should select?
    Selected,
    /// Does the stage's cluster see it?
    Seen,
    /// Does the cluster run it?
    Applied,
    /// Is what runs healthy?
    Healthy,
    /// Is anybody told?
    Announced,
    /// Was that recorded?
    Promoted,
}

/// The links of the first stage.
pub const FIRST: &[Question] = &[
    Question::Built,
    Question::Selected,
    Question::Seen,
    Question::Applied,
    Question::Healthy,
    Question::Announced,
    Question::Promoted,
];

/// The links of a stage between the first and the last.
pub const NEXT: &[Question] = FIRST.split_at(1).1;

/// The links of the last stage: nothing leaves it.
pub const LAST: &[Question] = &[Question::Selected, Question::Seen, Question::Applied, Question::Healthy];

/// An answer, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes, because of this.
    Pass(String),
    /// No.
    Fail(Reason),
    /// Nobody can tell.
    Unknown(Reason),
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Of which stage.
    pub stage: String,
    /// The question.
    pub question: Question,
    /// Its answer.
    pub answer: Answer,
}

/// The way of one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The artifact.
    pub digest: Digest,
    /// Its commit.
    pub commit: Option<Commit>,
    /// The links, in order, up to the first that is broken.
    pub links: Vec<Link>,
}

impl Trace {
    /// The first broken link's reason; else the first one that nobody can tell about; `None` when everything holds.
    #[must_use]
    pub fn verdict(&self) -> Option<&Reason> {
        let failed = self.links.iter().find_map(|link| match &link.answer {
            Answer::Fail(reason) => Some(reason),
            Answer::Pass(_) | Answer::Unknown(_) => None,
        });
        failed.or_else(|| {
            self.links.iter().find_map(|link| match &link.answer {
                Answer::Unknown(reason) => Some(reason),
                Answer::Pass(_) | Answer::Fail(_) => None,
            })
        })
    }

    /// Whether every link holds, as far as anybody can tell.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.links.iter().any(|link| matches!(link.answer, Answer::Fail(_)))
    }
}

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// From the build to the last stage.
    Everything,
    /// One stage alone.
    Stage(u8),
}

/// What was found out besides the repository's tags.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The repository, as sources write it.
    pub repository: &'f str,
    /// What the clusters said, of the stages that were asked; `None` where only the registry is of interest.
    pub observed: Option<&'f [Observed]>,
}

/// Walks an artifact's links until one is broken.
///
/// # Errors
/// What must be read to tell.
pub fn why(
    snapshot: &Snapshot,
    policy: &Policy,
    digest: Digest,
    walk: Walk,
    facts: &Facts<'_>,
) -> Result<Trace, Needs> {
    let view = View::new(snapshot, policy);
    let commit = view.manifest(digest)?.and_then(|manifest| Some(manifest.revision.as_ref()?.commit.clone()));
    let mut trace = Trace { digest, commit, links: Vec::new() };
    for (stage, index) in policy.stages().iter().zip(0..) {
        if matches!(walk, Walk::Stage(only) if only != index) {
            continue;
        }
        let observed = facts.observed.unwrap_or_default().iter().find(|observed| observed.site.stage == stage.name);
        let case = Case { view: &view, digest, stage: index, name: &stage.name, facts, observed };
        if index < policy.last() && walk == Walk::Everything && case.went_on()? {
            let question = Question::Selected;
            let evidence = alloc::format!("it was validated, and {} has gone on", stage.name);
            trace.links.push(Link { stage: stage.name.clone(), question, answer: Answer::Pass(evidence) });
            continue;
        }
        for question in questions(index, policy.last()) {
            if observed.is_none() && !case.is_asked(*question) {
                continue;
            }
            let answer = case.answer(*question)?;
            let broken = matches!(answer, Answer::Fail(_));
            trace.links.push(Link { stage: stage.name.clone(), question: *question, answer });
            if broken {
                return Ok(trace);
            }
        }
    }
    Ok(trace)
}

const fn questions(stage: u8, last: u8) -> &'static [Question] {
    match stage {
        _ if stage == last => LAST,
        0 => FIRST,
        _ => NEXT,
    }
}

/// One artifact in one stage.
struct Case<'c, 's> {
    view: &'c View<'s>,
    digest: Digest,
    stage: u8,
    name: &'c str,
    facts: &'c Facts<'c>,
    observed: Option<&'c Observed>,
}

impl Case<'_, '_> {
    /// Without a cluster: one question about it is enough to say that there is none.
    fn is_asked(&self, question: Question) -> bool {
        match question {
            Question::Built | Question::Selected | Question::Promoted => true,
            Question::Seen => self.facts.observed.is_some(),
            Question::Applied | Question::Healthy | Question::Announced => false,
        }
    }

    fn answer(&self, question: Question) -> Result<Answer, Needs> {
        match question {
            Question::Built => self.built(),
            Question::Selected => self.selected(),
            Question::Seen => self.seen(),
            Question::Applied => Ok(self.applied()),
            Question::Healthy => Ok(self.healthy()),
            Question::Announced => self.announced(),
            Question::Promoted => self.promoted(),
        }
    }
}

impl Question {
    /// As people ask it, of a stage.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Built => "built and handed over",
            Self::Selected => "is what the stage should select",
            Self::Seen => "seen by the stage's cluster",
            Self::Applied => "applied there",
            Self::Healthy => "healthy there",
            Self::Announced => "announced to the outside",
            Self::Promoted => "recorded as working there",
        }
    }
}

impl Serialize for Link {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("stage", &self.stage)?;
        map.serialize_entry("question", &self.question)?;
        let mut reason = |answer: &str, reason: &Reason| {
            map.serialize_entry("answer", answer)?;
            map.serialize_entry("id", reason.id())?;
            map.serialize_entry("subject", &reason.subject())?;
            map.serialize_entry("message", &reason.message())?;
            map.serialize_entry("fix", &reason.fix())
        };
        match &self.answer {
            Answer::Fail(broken) => reason("fail", broken)?,
            Answer::Unknown(unknown) => reason("unknown", unknown)?,
            Answer::Pass(evidence) => {
                map.serialize_entry("answer", "pass")?;
                map.serialize_entry("message", evidence)?;
            }
        }
        map.end()
    }
}
