//! Reasons: why something is refused, held back or worth a warning, as data. [`crate::explain`] turns them into prose.
//!
//! ```
//! use promotion_core::reason::{Reason, Refusal};
//! use promotion_core::Digest;
//!
//! let artifact = Digest::of(b"manifest");
//! let refusal = Refusal::because(Reason::NotPromotable { artifact }, [Reason::NoCandidate { artifact }]);
//! assert_eq!(refusal.reason.id(), "not-promotable");
//! assert_eq!(refusal.because[0].reason.id(), "no-candidate");
//! ```

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::cluster::Trouble;
use crate::evidence::EvidenceKind;
use crate::lint::Flaw;
use crate::time::Timestamp;
use crate::version::Base;
use crate::{Commit, CommitPrefix, Digest, Tag};

/// One reason. Its id is stable; its data is all there is to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is documented by its meaning, which `explain::meaning` tells")]
pub enum Reason {
    // What was asked for does not exist.
    ArtifactNotFound { artifact: Digest },
    WhatNotFound { what: String },
    WhatAmbiguous { what: String, artifacts: Vec<Digest> },
    // Promotion.
    NotPromotable { artifact: Digest },
    NotHandedOver { artifact: Digest, mark: Tag },
    NoCandidate { artifact: Digest },
    ArtifactRejected { artifact: Digest, mark: Tag },
    EvidenceMissing { stage: String, kind: EvidenceKind },
    EvidenceOfAnotherDigest { expected: Digest, found: Digest },
    EvidenceOfAnotherCommit { expected: Option<Commit>, found: CommitPrefix },
    EvidenceAmbiguous { commit: CommitPrefix },
    EvidenceUnbound { kind: EvidenceKind },
    EvidenceOfAnotherStage { expected: String, found: String },
    EvidenceOfAnotherObject { found: String, expected: String },
    EvidenceReportsFailure { source: String, said: String },
    EvidenceInconclusive { source: String, said: String },
    EvidenceStale { kind: EvidenceKind, observed_at: Timestamp, fresh: Duration },
    EvidenceFromTheFuture { kind: EvidenceKind, observed_at: Timestamp },
    EvidenceUndated { kind: EvidenceKind },
    UnknownStage { stage: String },
    StageUntold { artifact: Digest },
    EarlierStageMissing { stage: String },
    // Versions.
    VersionNotAbove { version: Base, highest: Base },
    VersionTaken { version: Base, by: Digest },
    VersionOutsideLine { version: Base, line: String },
    VersionBeforeLastStage { version: Base, stage: String },
    VersionsExhausted { above: Base },
    BuildNumberNotAbove { base: Base, number: u64, highest: u64 },
    // Building.
    ManyArtifacts { annotation: String, newest: String, found: String },
    CommitMismatch { manifest: Commit, given: Commit },
    SameCommitOtherContent { commit: String, other: Digest },
    AncestryUnknown { commit: Commit, newest: Commit },
    RejectedContentAgain { artifact: Digest, mark: Tag },
    // Verdicts.
    NotRejected { artifact: Digest },
    MarkTaken { mark: Tag, by: Digest },
    VerdictsExhausted { artifact: Digest },
    NotValidated { artifact: Digest },
    RollbackElsewhere { wanted: Digest, instead: Option<Digest> },
    // Rules held back.
    SelectsRejected { stage: String, tag: Tag, artifact: Digest },
    HeldByNewer { stage: String, tag: Tag, artifact: Digest },
    HeldByHandMade { stage: String, tag: Tag, artifact: Digest },
    NothingToSelect { stage: String },
    // Actors.
    DidNotConverge { rounds: u32 },
    Overwritten { tag: Tag, wanted: Digest, found: Option<Digest> },
    NotRecorded { artifact: Digest, error: String },
    // Strangers and damage.
    PoisonTag { stage: String, tag: Tag, above: Option<Tag> },
    DanglingTag { tag: Tag, artifact: Digest },
    // Audit.
    NewestNotSelected { stage: String, newest: Digest, selected: Option<Tag> },
    ValidatedNotSelected { stage: String, newest: Digest, selected: Option<Tag> },
    HalfPromoted { artifact: Digest, mark: Tag },
    Orphan { artifact: Digest, mark: Tag },
    ReleaseWithoutCandidate { tag: Tag, artifact: Digest },
    ReleaseWithoutEvidence { tag: Tag, artifact: Digest },
    CandidateWithoutHandOver { tag: Tag, artifact: Digest },
    EvidenceWithoutHandOver { mark: Tag, artifact: Digest },
    MarkOfAnotherCommit { mark: Tag, artifact: Digest, commit: Option<Commit> },
    // Configuration.
    RaiseOutsideLine { initial: Base, version: Base, line: String },
    StageSelectsLowerLabel { stage: String, witness: String },
    StageCannotSelect { stage: String, witness: String },
    StageBeyondLine { stage: String, witness: String },
    StageCrossesMajors { stage: String },
    // Where an artifact is.
    Overtaken { stage: String, tag: Tag, by: Digest },
    NotPromoted { stage: String, artifact: Digest },
    ClusterUntold { stage: String },
    ClusterProvesNothing { stage: String },
    Cluster(Box<Trouble>),
    Flaw(Box<Flaw>),
    // Time.
    SilentGate { stage: String, artifact: Digest, since: Timestamp, deadline: Duration },
}

impl From<Trouble> for Reason {
    fn from(trouble: Trouble) -> Self {
        Self::Cluster(Box::new(trouble))
    }
}

impl From<Flaw> for Reason {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(Box::new(flaw))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

/// A refusal: nothing was written. The tree says why, most general first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refusal {
    /// What is refused.
    pub reason: Reason,
    /// Why.
    pub because: Vec<Refusal>,
}

impl Refusal {
    /// A refusal for these reasons.
    #[must_use]
    pub fn because(reason: Reason, because: impl IntoIterator<Item = Reason>) -> Self {
        Self { reason, because: because.into_iter().map(Self::from).collect() }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, because: Vec::new() }
    }
}

/// The whole tree as indented lines, as [`crate::explain::render`] writes it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::explain::render(self).trim_end())
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A person should decide.
    Warning,
    /// An invariant is broken.
    Error,
}

/// Something that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is.
    pub reason: Reason,
}

impl Finding {
    /// A broken invariant.
    #[must_use]
    pub const fn error(reason: Reason) -> Self {
        Self { severity: Severity::Error, reason }
    }

    /// Something for a person to decide.
    #[must_use]
    pub const fn warning(reason: Reason) -> Self {
        Self { severity: Severity::Warning, reason }
    }

    /// Something worth knowing.
    #[must_use]
    pub const fn info(reason: Reason) -> Self {
        Self { severity: Severity::Info, reason }
    }
}

fn entries<M: SerializeMap>(map: &mut M, reason: &Reason) -> Result<(), M::Error> {
    map.serialize_entry("id", reason.id())?;
    map.serialize_entry("subject", &reason.subject())?;
    map.serialize_entry("message", &reason.message())?;
    map.serialize_entry("fix", &reason.fix())
}

impl Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entries(&mut map, &self.reason)?;
        map.serialize_entry("because", &self.because)?;
        map.end()
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("severity", &self.severity)?;
        entries(&mut map, &self.reason)?;
        map.end()
    }
}
