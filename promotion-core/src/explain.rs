//! The one reporter: reasons as prose. Ids are stable and documented here; sentences may improve.
//!
//! ```
//! use promotion_core::explain::{MEANINGS, render};
//! use promotion_core::reason::{Reason, Refusal};
//! use promotion_core::Digest;
//!
//! let artifact = Digest::of(b"manifest");
//! let refusal = Refusal::because(Reason::NotPromotable { artifact }, [Reason::NoCandidate { artifact }]);
//! let text = render(&refusal);
//! assert!(text.starts_with("cannot promote sha256:05b3abf2"), "{text}");
//! assert!(MEANINGS.iter().any(|(id, _)| *id == refusal.reason.id()));
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;

use crate::Digest;
use crate::reason::{Reason, Refusal};

/// Every id with what it means, in the order of the model: `promotion doctor --explain ID` prints these.
pub const MEANINGS: &[(&str, &str)] = &[
    ("artifact-not-found", "no manifest has this digest in the repository"),
    ("what-not-found", "no artifact of the repository goes by this commit or tag"),
    ("what-ambiguous", "several artifacts were built from this commit"),
    ("not-promotable", "the artifact may not leave its stage; the reasons follow"),
    (
        "not-handed-over",
        "the artifact lacks the first stage's mark, so no build of this pipeline finished handing it over",
    ),
    ("no-candidate", "the artifact has no candidate tag, so the first stage never selected it"),
    ("artifact-rejected", "the highest verdict on the artifact is a rejection; only a person revises it"),
    ("evidence-missing", "the stage's gate needs a kind of evidence that was not given"),
    ("evidence-of-another-digest", "the evidence was observed of other bytes; it proves nothing about these"),
    ("evidence-of-another-commit", "the evidence names a commit that is not the artifact's"),
    ("evidence-ambiguous", "the evidence names only a commit, and several artifacts were built from it"),
    ("evidence-unbound", "the evidence names neither a digest nor a commit, so it is evidence of nothing"),
    ("evidence-of-another-stage", "the evidence was observed in another stage than the one the artifact would leave"),
    ("evidence-of-another-object", "the event is about an object that the configuration names for no stage"),
    ("evidence-reports-failure", "the event says that something failed: it is evidence against the artifact"),
    (
        "evidence-inconclusive",
        "the event says neither that the artifact works nor that it fails, or not where or of what",
    ),
    ("evidence-stale", "the evidence is older than the gate accepts"),
    ("evidence-from-the-future", "the evidence is dated later than now: a clock is wrong, or the date is"),
    ("evidence-undated", "the evidence does not say when it was observed, and the gate accepts only fresh evidence"),
    ("unknown-stage", "no stage of the policy that an artifact can leave has this name"),
    ("stage-untold", "the pipeline has several stages that an artifact can leave, and nothing says which it is"),
    ("earlier-stage-missing", "an earlier stage has not validated the artifact"),
    ("version-not-above", "an explicit version must be above the highest release, or no cluster would select it"),
    ("version-taken", "the explicit version already is the release of another artifact"),
    ("version-outside-line", "the version lies outside the range that this pipeline owns"),
    ("version-before-last-stage", "only the last stage's versions can be chosen; earlier stages number theirs"),
    ("versions-exhausted", "no higher version can be written as a 64-bit number"),
    ("build-number-not-above", "an explicit candidate number must be above every number of its base"),
    (
        "many-artifacts",
        "the build differs from the newest artifact in source or title: one repository holds one artifact",
    ),
    ("commit-mismatch", "the manifest names another commit than the one that was given"),
    ("same-commit-other-content", "two builds of one commit differ: the build is not reproducible"),
    ("ancestry-unknown", "whether this commit is older than the newest one cannot be told, so it was taken for newer"),
    ("rejected-content-again", "exactly these bytes were rejected before"),
    ("mark-taken", "a mark that can only mean this artifact points at another one: somebody wrote it by hand"),
    ("verdicts-exhausted", "the artifact's verdicts have used up every ordinal"),
    ("not-rejected", "there is no rejection to withdraw"),
    ("not-validated", "only a validated artifact can be returned to"),
    ("rollback-elsewhere", "the rollback would make the last stage select something else than what was asked for"),
    ("selects-rejected", "the stage selects a rejected artifact and there is nothing else for it"),
    ("held-by-newer", "the stage runs something newer that nobody rejected; nothing older is released over it"),
    (
        "held-by-hand-made",
        "the stage's release was made by hand, or lost its candidates; nothing older is released over it",
    ),
    ("nothing-to-select", "no artifact qualifies for the stage"),
    ("did-not-converge", "other writers kept changing the repository"),
    ("overwritten", "another writer moved a tag that this one had just written"),
    ("not-recorded", "it was done, and the record of who did it and why could not be kept beside the artifact"),
    ("poison-tag", "a tag that is not ours outranks or ties with what the stage should select"),
    ("dangling-tag", "a tag points at a manifest that does not exist"),
    ("newest-not-selected", "R1 is broken: the first stage does not select the newest unrejected artifact"),
    ("validated-not-selected", "R2 is broken: a stage does not select the newest validated artifact"),
    (
        "half-promoted",
        "the artifact was validated and nothing of it or newer was released: a promotion stopped half-way",
    ),
    ("orphan", "the artifact was handed over and its candidate was lost: no stage can select it"),
    ("release-without-candidate", "a release whose digest has no candidate of the same base: made by hand, or pruned"),
    ("release-without-evidence", "a release whose digest carries no evidence: bytes that nobody validated"),
    ("candidate-without-hand-over", "a candidate whose digest lacks the first stage's mark: made by hand"),
    ("evidence-without-hand-over", "evidence for a digest that was never handed over"),
    ("mark-of-another-commit", "a mark whose key is not the commit of the digest it points at; it counts for nothing"),
    (
        "raise-outside-line",
        "the version after the first one already lies outside the line: there is no room for a release",
    ),
    (
        "stage-selects-lower-label",
        "the stage's constraint and filter admit versions that an earlier stage has not validated",
    ),
    ("stage-cannot-select", "the stage's constraint and filter exclude a version that the pipeline writes for it"),
    ("stage-beyond-line", "the last stage's constraint admits versions outside the line that this pipeline owns"),
    ("stage-crosses-majors", "the last stage's constraint has no upper bound: a new major version goes live by itself"),
    ("overtaken", "the stage selects something newer, so this artifact is no longer, or never was, what it runs"),
    ("not-promoted", "the stage runs the artifact, and nobody has recorded that it works there"),
    (
        "cluster-proves-nothing",
        "what the gate asks for cannot be read from the stage's cluster, or is not healthy there",
    ),
    ("cluster-untold", "the configuration does not say where the stage runs"),
    ("silent-gate", "a candidate waited longer than the deadline for a verdict: the gate may be dead"),
];

/// Every id with what it means, also those about the objects of clusters, and about manifests and workflows.
pub fn meanings() -> impl Iterator<Item = (&'static str, &'static str)> {
    MEANINGS.iter().chain(crate::cluster::MEANINGS).chain(crate::lint::MEANINGS).copied()
}

/// What an id means; `None` for an unknown id.
#[must_use]
pub fn meaning(id: &str) -> Option<&'static str> {
    meanings().find(|(known, _)| *known == id).map(|(_, meaning)| meaning)
}

/// A refusal as indented lines, most general first.
#[must_use]
pub fn render(refusal: &Refusal) -> String {
    Told::from(refusal).to_string()
}

/// What a serialized refusal tells people, for whoever holds only that: its `Display` is [`render`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Told {
    /// What is refused, as a sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub fix: Option<String>,
    /// Why.
    #[serde(default)]
    pub because: Vec<Told>,
}

impl From<&Refusal> for Told {
    fn from(refusal: &Refusal) -> Self {
        let because = refusal.because.iter().map(Self::from).collect();
        Self { message: refusal.reason.message(), fix: refusal.reason.fix(), because }
    }
}

impl Told {
    fn lines(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        writeln!(f, "{indent}{}", self.message)?;
        if let Some(fix) = &self.fix {
            writeln!(f, "{indent}  -> {fix}")?;
        }
        self.because.iter().try_for_each(|because| because.lines(f, depth + 1))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines(f, 0)
    }
}

/// A digest short enough for a sentence and long enough to paste.
fn short(digest: &Digest) -> String {
    format!("sha256:{}", digest.short())
}

fn seconds(duration: &Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn or_nothing(value: &Option<impl ToString>) -> String {
    value.as_ref().map_or_else(|| "nothing".to_string(), ToString::to_string)
}

impl Reason {
    /// The stable id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::ArtifactNotFound { .. } => "artifact-not-found",
            Self::WhatNotFound { .. } => "what-not-found",
            Self::WhatAmbiguous { .. } => "what-ambiguous",
            Self::NotPromotable { .. } => "not-promotable",
            Self::NotHandedOver { .. } => "not-handed-over",
            Self::NoCandidate { .. } => "no-candidate",
            Self::ArtifactRejected { .. } => "artifact-rejected",
            Self::EvidenceMissing { .. } => "evidence-missing",
            Self::EvidenceOfAnotherDigest { .. } => "evidence-of-another-digest",
            Self::EvidenceOfAnotherCommit { .. } => "evidence-of-another-commit",
            Self::EvidenceAmbiguous { .. } => "evidence-ambiguous",
            Self::EvidenceUnbound { .. } => "evidence-unbound",
            Self::VersionBeforeLastStage { .. } => "version-before-last-stage",
            Self::MarkTaken { .. } => "mark-taken",
            Self::VerdictsExhausted { .. } => "verdicts-exhausted",
            Self::EvidenceOfAnotherStage { .. } => "evidence-of-another-stage",
            Self::EvidenceOfAnotherObject { .. } => "evidence-of-another-object",
            Self::EvidenceReportsFailure { .. } => "evidence-reports-failure",
            Self::EvidenceInconclusive { .. } => "evidence-inconclusive",
            Self::EvidenceStale { .. } => "evidence-stale",
            Self::EvidenceFromTheFuture { .. } => "evidence-from-the-future",
            Self::EvidenceUndated { .. } => "evidence-undated",
            Self::UnknownStage { .. } => "unknown-stage",
            Self::StageUntold { .. } => "stage-untold",
            Self::EarlierStageMissing { .. } => "earlier-stage-missing",
            Self::VersionNotAbove { .. } => "version-not-above",
            Self::VersionTaken { .. } => "version-taken",
            Self::VersionOutsideLine { .. } => "version-outside-line",
            Self::VersionsExhausted { .. } => "versions-exhausted",
            Self::BuildNumberNotAbove { .. } => "build-number-not-above",
            Self::ManyArtifacts { .. } => "many-artifacts",
            Self::CommitMismatch { .. } => "commit-mismatch",
            Self::SameCommitOtherContent { .. } => "same-commit-other-content",
            Self::AncestryUnknown { .. } => "ancestry-unknown",
            Self::RejectedContentAgain { .. } => "rejected-content-again",
            Self::NotRejected { .. } => "not-rejected",
            Self::NotValidated { .. } => "not-validated",
            Self::RollbackElsewhere { .. } => "rollback-elsewhere",
            Self::SelectsRejected { .. } => "selects-rejected",
            Self::HeldByNewer { .. } => "held-by-newer",
            Self::HeldByHandMade { .. } => "held-by-hand-made",
            Self::NothingToSelect { .. } => "nothing-to-select",
            Self::DidNotConverge { .. } => "did-not-converge",
            Self::Overwritten { .. } => "overwritten",
            Self::NotRecorded { .. } => "not-recorded",
            Self::PoisonTag { .. } => "poison-tag",
            Self::DanglingTag { .. } => "dangling-tag",
            Self::NewestNotSelected { .. } => "newest-not-selected",
            Self::ValidatedNotSelected { .. } => "validated-not-selected",
            Self::HalfPromoted { .. } => "half-promoted",
            Self::Orphan { .. } => "orphan",
            Self::ReleaseWithoutCandidate { .. } => "release-without-candidate",
            Self::ReleaseWithoutEvidence { .. } => "release-without-evidence",
            Self::CandidateWithoutHandOver { .. } => "candidate-without-hand-over",
            Self::EvidenceWithoutHandOver { .. } => "evidence-without-hand-over",
            Self::MarkOfAnotherCommit { .. } => "mark-of-another-commit",
            Self::StageSelectsLowerLabel { .. } => "stage-selects-lower-label",
            Self::StageCannotSelect { .. } => "stage-cannot-select",
            Self::StageBeyondLine { .. } => "stage-beyond-line",
            Self::RaiseOutsideLine { .. } => "raise-outside-line",
            Self::StageCrossesMajors { .. } => "stage-crosses-majors",
            Self::Overtaken { .. } => "overtaken",
            Self::NotPromoted { .. } => "not-promoted",
            Self::ClusterUntold { .. } => "cluster-untold",
            Self::ClusterProvesNothing { .. } => "cluster-proves-nothing",
            Self::Cluster(trouble) => trouble.id(),
            Self::Flaw(flaw) => flaw.id(),
            Self::SilentGate { .. } => "silent-gate",
        }
    }

    /// What it is about: a digest, tag, version, stage or commit, in full.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::ArtifactNotFound { artifact }
            | Self::NotPromotable { artifact }
            | Self::NotHandedOver { artifact, .. }
            | Self::NoCandidate { artifact }
            | Self::ArtifactRejected { artifact, .. }
            | Self::RejectedContentAgain { artifact, .. }
            | Self::NotRejected { artifact }
            | Self::StageUntold { artifact }
            | Self::VerdictsExhausted { artifact }
            | Self::NotValidated { artifact }
            | Self::HalfPromoted { artifact, .. }
            | Self::Orphan { artifact, .. }
            | Self::SilentGate { artifact, .. }
            | Self::EvidenceOfAnotherDigest { expected: artifact, .. }
            | Self::NotRecorded { artifact, .. }
            | Self::Overtaken { by: artifact, .. }
            | Self::NotPromoted { artifact, .. }
            | Self::RollbackElsewhere { wanted: artifact, .. } => artifact.to_string(),
            Self::WhatNotFound { what } | Self::WhatAmbiguous { what, .. } => what.clone(),
            Self::EvidenceMissing { stage, .. }
            | Self::EvidenceOfAnotherStage { expected: stage, .. }
            | Self::UnknownStage { stage }
            | Self::EarlierStageMissing { stage }
            | Self::NothingToSelect { stage }
            | Self::ClusterUntold { stage }
            | Self::ClusterProvesNothing { stage }
            | Self::NewestNotSelected { stage, .. }
            | Self::ValidatedNotSelected { stage, .. }
            | Self::StageSelectsLowerLabel { stage, .. }
            | Self::StageCannotSelect { stage, .. }
            | Self::StageBeyondLine { stage, .. }
            | Self::StageCrossesMajors { stage } => stage.clone(),
            Self::EvidenceOfAnotherCommit { found, .. } | Self::EvidenceAmbiguous { commit: found } => {
                found.to_string()
            }
            Self::EvidenceOfAnotherObject { found, .. } => found.clone(),
            Self::Cluster(trouble) => trouble.object.to_string(),
            Self::Flaw(flaw) => flaw.place.clone(),
            Self::EvidenceReportsFailure { source, .. } | Self::EvidenceInconclusive { source, .. } => source.clone(),
            Self::EvidenceStale { kind, .. }
            | Self::EvidenceFromTheFuture { kind, .. }
            | Self::EvidenceUnbound { kind }
            | Self::EvidenceUndated { kind } => kind.to_string(),
            Self::VersionNotAbove { version, .. }
            | Self::VersionTaken { version, .. }
            | Self::VersionOutsideLine { version, .. }
            | Self::RaiseOutsideLine { version, .. }
            | Self::VersionBeforeLastStage { version, .. }
            | Self::VersionsExhausted { above: version }
            | Self::BuildNumberNotAbove { base: version, .. } => version.to_string(),
            Self::ManyArtifacts { annotation, .. } => annotation.clone(),
            Self::CommitMismatch { given, .. } => given.to_string(),
            Self::SameCommitOtherContent { commit, .. } => commit.clone(),
            Self::AncestryUnknown { commit, .. } => commit.to_string(),
            Self::DidNotConverge { rounds } => rounds.to_string(),
            Self::SelectsRejected { tag, .. }
            | Self::HeldByNewer { tag, .. }
            | Self::HeldByHandMade { tag, .. }
            | Self::Overwritten { tag, .. }
            | Self::PoisonTag { tag, .. }
            | Self::DanglingTag { tag, .. }
            | Self::ReleaseWithoutCandidate { tag, .. }
            | Self::ReleaseWithoutEvidence { tag, .. }
            | Self::CandidateWithoutHandOver { tag, .. }
            | Self::EvidenceWithoutHandOver { mark: tag, .. }
            | Self::MarkTaken { mark: tag, .. }
            | Self::MarkOfAnotherCommit { mark: tag, .. } => tag.to_string(),
        }
    }

    /// One sentence: what, where and why.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::ArtifactNotFound { artifact } => format!("no manifest {artifact} in this repository"),
            Self::WhatNotFound { what } => format!("no artifact goes by {what:?} in this repository"),
            Self::WhatAmbiguous { what, artifacts } => {
                let artifacts: Vec<String> = artifacts.iter().map(short).collect();
                format!("several artifacts were built from {what}: {}", artifacts.join(", "))
            }
            Self::NotPromotable { artifact } => format!("cannot promote {}", short(artifact)),
            Self::NotHandedOver { artifact, mark } => {
                format!("{} was never handed over: {mark} does not point at it", short(artifact))
            }
            Self::NoCandidate { artifact } => format!("{} has no candidate tag", short(artifact)),
            Self::ArtifactRejected { artifact, mark } => format!("{} is rejected by {mark}", short(artifact)),
            Self::EvidenceMissing { stage, kind } => format!("{stage} needs {kind} evidence and none was given"),
            Self::EvidenceOfAnotherDigest { expected, found } => {
                format!("the evidence is of {}, not of {}", short(found), short(expected))
            }
            Self::EvidenceOfAnotherCommit { expected: Some(expected), found } => {
                format!("the evidence is of commit {found}, the artifact was built from {expected}")
            }
            Self::EvidenceOfAnotherCommit { expected: None, found } => {
                format!("the evidence is of commit {found}, the artifact's manifest names no commit")
            }
            Self::EvidenceAmbiguous { commit } => {
                format!("the evidence names only commit {commit}, from which several artifacts were built")
            }
            Self::EvidenceUnbound { kind } => format!("the {kind} evidence names neither a digest nor a commit"),
            Self::VersionBeforeLastStage { version, stage } => {
                format!("version {version} cannot be given on leaving {stage}")
            }
            Self::MarkTaken { mark, by } => format!("{mark} points at {}", short(by)),
            Self::VerdictsExhausted { artifact } => format!("no verdict can follow those on {}", short(artifact)),
            Self::EvidenceOfAnotherStage { expected, found } => {
                format!("the evidence is from {found}, the artifact would leave {expected}")
            }
            Self::EvidenceOfAnotherObject { found, expected } => {
                format!("the event is about {found}; evidence comes from {expected}")
            }
            Self::EvidenceReportsFailure { source, said } => format!("the {source} reports failure: {said}"),
            Self::EvidenceInconclusive { source, said } => format!("the {source} is no evidence: {said}"),
            Self::EvidenceStale { kind, observed_at, fresh } => {
                format!("the {kind} evidence is of {observed_at}, older than {}", seconds(fresh))
            }
            Self::EvidenceFromTheFuture { kind, observed_at } => {
                format!("the {kind} evidence is dated {observed_at}, which is in the future")
            }
            Self::EvidenceUndated { kind } => format!("the {kind} evidence does not say when it was observed"),
            Self::UnknownStage { stage } => format!("no stage {stage:?} that an artifact could leave"),
            Self::StageUntold { artifact } => format!("nothing says which stage {} would leave", short(artifact)),
            Self::EarlierStageMissing { stage } => format!("{stage} has not validated it"),
            Self::VersionNotAbove { version, highest } => {
                format!("version {version} is not above {highest}, the highest release")
            }
            Self::VersionTaken { version, by } => format!("version {version} is the release of {}", short(by)),
            Self::VersionOutsideLine { version, line } => format!("version {version} is outside the line {line:?}"),
            Self::VersionsExhausted { above } => format!("no version can follow {above}"),
            Self::BuildNumberNotAbove { base, number, highest } => {
                format!("build number {number} is not above {highest}, the highest of {base}")
            }
            Self::ManyArtifacts { annotation, newest, found } => {
                format!("{annotation} is {found:?}, the newest artifact here has {newest:?}")
            }
            Self::CommitMismatch { manifest, given } => {
                format!("the manifest was built from {manifest}, not from {given}")
            }
            Self::SameCommitOtherContent { commit, other } => {
                format!("commit {commit} was built before with other content, {}", short(other))
            }
            Self::AncestryUnknown { commit, newest } => {
                format!("cannot tell whether {} is older than {}", commit.prefix(12), newest.prefix(12))
            }
            Self::RejectedContentAgain { artifact, mark } => {
                format!("exactly these bytes, {}, are rejected by {mark}", short(artifact))
            }
            Self::NotRejected { artifact } => format!("{} is not rejected", short(artifact)),
            Self::NotValidated { artifact } => format!("{} was not validated", short(artifact)),
            Self::RollbackElsewhere { wanted, instead: Some(instead) } => {
                format!("the last stage would select {} instead of {}", short(instead), short(wanted))
            }
            Self::RollbackElsewhere { wanted, instead: None } => {
                format!("the last stage would select nothing instead of {}", short(wanted))
            }
            Self::SelectsRejected { stage, tag, artifact } => {
                format!("{stage} still selects {tag}, {}, which is rejected", short(artifact))
            }
            Self::HeldByNewer { stage, tag, artifact } => {
                format!("{stage} runs {tag}, {}, which is newer and not rejected", short(artifact))
            }
            Self::HeldByHandMade { stage, tag, artifact } => {
                format!("{stage} runs {tag}, {}, which is not the release of a candidate", short(artifact))
            }
            Self::NothingToSelect { stage } => format!("nothing qualifies for {stage}"),
            Self::DidNotConverge { rounds } => {
                format!("the repository kept changing: not done after {rounds} rounds")
            }
            Self::Overwritten { tag, wanted, found } => {
                format!("{tag} was written as {} and is {} now", short(wanted), or_nothing(&found.as_ref().map(short)))
            }
            Self::NotRecorded { artifact, error } => format!("no record was kept beside {}: {error}", short(artifact)),
            Self::PoisonTag { stage, tag, above } => {
                format!("{stage} would select {tag}, which is not ours, over {}", or_nothing(above))
            }
            Self::DanglingTag { tag, artifact } => format!("{tag} points at {}, which does not exist", short(artifact)),
            Self::NewestNotSelected { stage, newest, selected }
            | Self::ValidatedNotSelected { stage, newest, selected } => {
                format!("{stage} should select {} and selects {}", short(newest), or_nothing(selected))
            }
            Self::HalfPromoted { artifact, mark } => {
                format!("{} carries {mark} and neither it nor anything newer is released", short(artifact))
            }
            Self::Orphan { artifact, mark } => {
                format!("{} carries {mark} and has no candidate tag", short(artifact))
            }
            Self::ReleaseWithoutCandidate { tag, artifact } => {
                format!("release {tag}, {}, has no candidate of its base", short(artifact))
            }
            Self::ReleaseWithoutEvidence { tag, artifact } => {
                format!("release {tag}, {}, carries no evidence", short(artifact))
            }
            Self::CandidateWithoutHandOver { tag, artifact } => {
                format!("candidate {tag}, {}, was never handed over", short(artifact))
            }
            Self::EvidenceWithoutHandOver { mark, artifact } => {
                format!("{mark} points at {}, which was never handed over", short(artifact))
            }
            Self::MarkOfAnotherCommit { mark, artifact, commit: Some(commit) } => {
                format!("{mark} points at {}, which was built from {}", short(artifact), commit.prefix(12))
            }
            Self::MarkOfAnotherCommit { mark, artifact, commit: None } => {
                format!("{mark} points at {}, whose manifest names no commit", short(artifact))
            }
            Self::RaiseOutsideLine { initial, version, line } => {
                format!("{version}, which follows {initial}, is outside the line {line:?}")
            }
            Self::StageSelectsLowerLabel { stage, witness } => {
                format!("{stage} can select {witness}, which no stage before it has validated")
            }
            Self::StageCannotSelect { stage, witness } => format!("{stage} cannot select {witness}"),
            Self::StageBeyondLine { stage, witness } => {
                format!("{stage} can select {witness}, which is outside this pipeline's line")
            }
            Self::StageCrossesMajors { stage } => format!("{stage} accepts every higher major version"),
            Self::Overtaken { stage, tag, by } => format!("{stage} selects {tag}, {}, which is newer", short(by)),
            Self::NotPromoted { stage, artifact } => {
                format!("nobody has recorded that {} works in {stage}", short(artifact))
            }
            Self::ClusterUntold { stage } => format!("nothing says in which cluster {stage} runs"),
            Self::ClusterProvesNothing { stage } => format!("the cluster of {stage} proves nothing"),
            Self::Cluster(trouble) => trouble.message(),
            Self::Flaw(flaw) => flaw.message(),
            Self::SilentGate { stage, artifact, since, deadline } => {
                format!("{} waits in {stage} since {since}, longer than {}", short(artifact), seconds(deadline))
            }
        }
    }

    /// What to do about it, where there is something.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        Some(match self {
            Self::WhatAmbiguous { .. } => "name the digest".into(),
            Self::ArtifactNotFound { .. } | Self::WhatNotFound { .. } => {
                "promotion list --all shows what is there".into()
            }
            Self::NotHandedOver { artifact, .. } | Self::NoCandidate { artifact } | Self::Orphan { artifact, .. } => {
                format!("run its build again, or promotion repair --only {artifact}")
            }
            Self::ArtifactRejected { artifact, .. } => {
                format!("if the rejection was wrong: promotion reopen {artifact} --reason WHY, then validate it again")
            }
            Self::EvidenceMissing { .. } => "give --event or --gate, or --manual --reason WHY".into(),
            Self::EvidenceOfAnotherDigest { found, .. } => format!("promote what was validated: {found}"),
            Self::EvidenceOfAnotherCommit { .. } | Self::EvidenceOfAnotherStage { .. } => {
                "promote what the evidence is about, or give the evidence of this artifact".into()
            }
            Self::EvidenceOfAnotherObject { .. } => {
                "if it should count, name the object under clusters in promotion.yaml".into()
            }
            Self::EvidenceReportsFailure { .. } => {
                "if the artifact is bad: promotion reject it; else wait for the next event".into()
            }
            Self::EvidenceInconclusive { .. } => {
                "give the event that says that the stage's Kustomization or HelmRelease is ready".into()
            }
            Self::EvidenceUnbound { .. } => "give evidence that says of which digest it is".into(),
            Self::VersionBeforeLastStage { .. } => "give --version when it leaves the stage before the last".into(),
            Self::MarkTaken { mark, .. } => format!("find out who wrote {mark}; delete it if it is a mistake"),
            Self::VerdictsExhausted { .. } => "delete the verdict with the absurd ordinal".into(),
            Self::EvidenceAmbiguous { .. } => "name the digest, with evidence that names it too".into(),
            Self::EvidenceStale { .. } | Self::EvidenceUndated { .. } => {
                "wait for the next event, or raise gate.fresh of the stage".into()
            }
            Self::EvidenceFromTheFuture { .. } => "check the clocks of this machine and of the cluster".into(),
            Self::UnknownStage { .. } => "name a stage before the last one".into(),
            Self::StageUntold { .. } => {
                "give --stage, or say under clusters which object belongs to which stage".into()
            }
            Self::EarlierStageMissing { stage } => format!("promote it out of {stage} first"),
            Self::VersionNotAbove { highest, .. } => format!("choose a version above {highest}, or none"),
            Self::VersionTaken { .. } => "choose a free version, or none".into(),
            Self::VersionOutsideLine { .. } => "choose a version inside versions.line, or widen the line".into(),
            Self::VersionsExhausted { .. } => {
                "remove the mistyped version that is so high, or set versions.line".into()
            }
            Self::BuildNumberNotAbove { highest, .. } => format!("use a number above {highest}, or none"),
            Self::ManyArtifacts { .. } => {
                "push it to a repository of its own; if it is the same source under another name, give --source".into()
            }
            Self::CommitMismatch { manifest, .. } => format!("give --revision {manifest}, or none"),
            Self::SameCommitOtherContent { .. } => {
                "make the build reproducible (branch, source and time are part of it); each keeps its own marks".into()
            }
            Self::AncestryUnknown { .. } => "fetch the whole history (fetch-depth: 0) and give --git".into(),
            Self::RejectedContentAgain { artifact, .. } => format!(
                "if they are good after all: promotion reopen {artifact} --reason WHY, then promotion candidate --again"
            ),
            Self::NotValidated { .. } => "choose a validated artifact; promotion list --stable shows them".into(),
            Self::RollbackElsewhere { .. } => "roll back without --only, or to what it would select".into(),
            Self::SelectsRejected { .. } => "validate a newer build; it will be selected instead".into(),
            Self::HeldByNewer { artifact, .. } | Self::HeldByHandMade { artifact, .. } => {
                format!("if it is bad: promotion reject {artifact} --reason WHY")
            }
            Self::NotPromoted { artifact, .. } => format!("promotion promote {artifact}"),
            Self::ClusterUntold { stage } => {
                format!("name its namespace and source under clusters.{stage} in promotion.yaml")
            }
            Self::Cluster(trouble) => return trouble.fix(),
            Self::Flaw(flaw) => flaw.fix(),
            Self::Overtaken { by, .. } => format!("promotion why {by}"),
            Self::DidNotConverge { .. } => "run it again when the other writers are done, or use a lock".into(),
            Self::Overwritten { .. } => "promotion audit names what is left to repair".into(),
            Self::NotRecorded { .. } => {
                "note elsewhere who did it and why: the tags stand, and running it again adds no record".into()
            }
            Self::PoisonTag { tag, .. } => {
                format!("delete {tag} if it is a mistake, or exclude it with the stage's filter")
            }
            Self::DanglingTag { tag, .. } => format!("push the manifest again, or delete {tag}"),
            Self::NewestNotSelected { .. } | Self::ValidatedNotSelected { .. } | Self::HalfPromoted { .. } => {
                "promotion repair".into()
            }
            Self::ReleaseWithoutCandidate { .. } | Self::ReleaseWithoutEvidence { .. } => {
                "build it through the pipeline, which releases it above this; or delete the tag if nothing runs it"
                    .into()
            }
            Self::CandidateWithoutHandOver { artifact, .. } => format!("promotion repair --only {artifact}"),
            Self::EvidenceWithoutHandOver { mark, .. } | Self::MarkOfAnotherCommit { mark, .. } => {
                format!("find out who wrote {mark}; delete it if it is a mistake")
            }
            Self::RaiseOutsideLine { .. } => "widen versions.line, or let versions.bump raise a lower part".into(),
            Self::StageSelectsLowerLabel { .. } => "raise its lower bound, drop the -0, or add a filter".into(),
            Self::StageCannotSelect { .. } => "add -0 to the lower bound, or widen the constraint and filter".into(),
            Self::StageBeyondLine { .. } => "give the stage the line's own constraint".into(),
            Self::StageCrossesMajors { .. } => "bound it (<2.0.0-0), if a major version needs a decision".into(),
            Self::SilentGate { .. } => {
                "see whether the stage applied it and whether its alert fires; then promotion promote, or reject".into()
            }
            Self::NotPromotable { .. }
            | Self::NotRejected { .. }
            | Self::NothingToSelect { .. }
            | Self::ClusterProvesNothing { .. } => return None,
        })
    }
}
