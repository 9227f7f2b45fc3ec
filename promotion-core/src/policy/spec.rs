//! A policy as people write it.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::evidence::EvidenceKind;
use crate::version::Level;

/// A policy as it is written; every field has a default, and together they are the two-stage pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// How versions are numbered.
    pub versions: VersionsSpec,
    /// How commits are written into tags.
    pub tags: TagsSpec,
    /// The stages, first to last; those with a git source are not the planner's.
    pub stages: StagesSpec,
    /// Floating tags: classified, never facts.
    pub channels: Vec<String>,
}

/// How versions are numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VersionsSpec {
    /// The first base of an empty repository: `0.1.0`.
    pub initial: String,
    /// Which part a build raises above the highest release: `patch`.
    pub bump: Level,
    /// The first pre-release stage's label: `rc`.
    pub label: String,
    /// The version range this pipeline owns, as a Flux constraint; all versions when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// How commits are written into tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagsSpec {
    /// The commit tag: `sha-{short}`.
    pub commit: String,
    /// Hex digits in `{short}`: 7, 8 or 40.
    pub short: usize,
}

/// The list of stages, which defaults to dev, integration and live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StagesSpec(pub Vec<StageSpec>);

/// One stage as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// The stage's name.
    pub name: String,
    /// What the stage's cluster follows.
    pub source: SourceKind,
    /// The `OCIRepository`'s `ref.semver`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// The `OCIRepository`'s `ref.semverFilter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The mark an artifact carries to enter the stage: `PREFIX-{short}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// The label of this stage's candidates; every stage but the last has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What an artifact must show in this stage to leave it for the next.
    #[serde(default, skip_serializing_if = "GateSpec::is_default")]
    pub gate: GateSpec,
}

/// What a stage's cluster follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A Git branch: no artifacts involved.
    Git,
    /// A repository's tags.
    Oci,
}

/// A gate as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSpec {
    /// Kinds of evidence, all of which are needed: `[kustomization]`.
    pub evidence: Vec<EvidenceKind>,
    /// The oldest acceptable evidence, a Go duration: `1h`; any age when `null`, which is written because it is not the default.
    pub fresh: Option<String>,
    /// After how long without a verdict a candidate is an alarm, a Go duration; never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_deadline: Option<String>,
}

impl Default for VersionsSpec {
    fn default() -> Self {
        Self { initial: "0.1.0".into(), bump: Level::Patch, label: "rc".into(), line: None }
    }
}

impl Default for TagsSpec {
    fn default() -> Self {
        Self { commit: "sha-{short}".into(), short: 7 }
    }
}

impl Default for GateSpec {
    fn default() -> Self {
        Self { evidence: vec![EvidenceKind::Kustomization], fresh: Some("1h".into()), verdict_deadline: None }
    }
}

impl GateSpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for StagesSpec {
    fn default() -> Self {
        let stage = |name: &str, source, semver: Option<&str>, mark: Option<&str>| StageSpec {
            name: name.into(),
            source,
            semver: semver.map(Into::into),
            filter: None,
            mark: mark.map(Into::into),
            label: None,
            gate: GateSpec::default(),
        };
        Self(vec![
            stage("dev", SourceKind::Git, None, None),
            stage("integration", SourceKind::Oci, Some(">= 0.0.0-0"), Some("integration-{short}")),
            stage("live", SourceKind::Oci, Some(">= 0.0.0"), Some("validated-{short}")),
        ])
    }
}
