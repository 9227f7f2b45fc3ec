//! Policy: the pipeline's stages, its versions and its tags, checked once and then relied on.
//!
//! [`Spec`] is what people write (and has the defaults); [`Policy`] is what the planner reads.
//!
//! ```
//! use promotion_core::policy::{Policy, Spec};
//!
//! let policy = Policy::default();
//! assert_eq!(policy.stages().len(), 2);
//! assert_eq!(policy.stage("live").unwrap().constraint.to_string(), ">= 0.0.0");
//!
//! let mut spec = Spec::default();
//! spec.versions.label = "01".into();
//! assert_eq!(Policy::new(spec).unwrap_err().to_string(), "label \"01\" of stage \"integration\" is not a pre-release identifier with a letter");
//! ```

mod spec;

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

pub use self::spec::{GateSpec, SourceKind, Spec, StageSpec, StagesSpec, TagsSpec, VersionsSpec};
use crate::evidence::EvidenceKind;
use crate::flux::{Constraint, ConstraintError, FilterError, TagFilter, Version as FluxVersion};
use crate::time::{DurationError, parse_duration};
use crate::version::{Base, Level, Version};
use crate::{Digest, Tag};

/// A checked policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    spec: Spec,
    initial: Base,
    line: Option<Constraint>,
    /// The first stage whose constraint admits what no stage has validated, with a witness.
    unsound: Option<(String, String)>,
    commit_prefix: String,
    stages: Vec<Stage>,
    channels: Vec<Tag>,
}

/// A stage that follows tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The name.
    pub name: String,
    /// Which versions the stage's cluster accepts.
    pub constraint: Constraint,
    /// Which tags it looks at.
    pub filter: Option<TagFilter>,
    /// The mark's prefix, up to the commit.
    pub mark: String,
    /// The label of the stage's candidates; `None` for the last stage, whose versions are releases.
    pub label: Option<String>,
    /// What lets an artifact leave this stage.
    pub gate: Gate,
}

/// What an artifact must show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    /// Kinds of evidence, all of which are needed.
    pub evidence: Vec<EvidenceKind>,
    /// The oldest acceptable evidence.
    pub fresh: Option<Duration>,
    /// After how long without a verdict a candidate is an alarm.
    pub verdict_deadline: Option<Duration>,
}

/// Why a [`Spec`] is no [`Policy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// `versions.initial` is not `X.Y.Z`.
    #[error("versions.initial: {0}")]
    Initial(crate::version::BaseError),
    /// `versions.line` is not a constraint.
    #[error("versions.line: {0}")]
    Line(ConstraintError),
    /// `versions.initial` lies outside `versions.line`.
    #[error("versions.initial {initial} is outside versions.line {line:?}")]
    InitialOutsideLine {
        /// The first base.
        initial: Base,
        /// The line.
        line: String,
    },
    /// `tags.short` is not 7, 8 or 40.
    #[error("tags.short is {0}; expected 7, 8 or 40")]
    Short(usize),
    /// A mark that is not `PREFIX-{short}`.
    #[error(
        "mark {mark:?} of {owner} is not PREFIX-{{short}} with a prefix that starts with a letter and is no version"
    )]
    Mark {
        /// The stage, or `tags.commit`.
        owner: String,
        /// What was written.
        mark: String,
    },
    /// Two marks with one prefix.
    #[error("mark prefix {0:?} is used twice")]
    MarkTwice(String),
    /// Fewer than two stages with an oci source, or too many to number.
    #[error("a pipeline has 2 to 16 stages with source oci, this one has {0}")]
    Stages(usize),
    /// Two stages with one name.
    #[error("stage {0:?} is listed twice")]
    StageTwice(String),
    /// A stage with an oci source and no constraint.
    #[error("stage {0:?} has source oci and no semver constraint")]
    NoConstraint(String),
    /// A stage's constraint does not parse.
    #[error("semver of stage {stage:?}: {error}")]
    Constraint {
        /// The stage.
        stage: String,
        /// What is wrong.
        error: ConstraintError,
    },
    /// A stage's filter does not parse, or cannot be predicted.
    #[error("filter of stage {stage:?}: {error}")]
    Filter {
        /// The stage.
        stage: String,
        /// What is wrong.
        error: FilterError,
    },
    /// A label that is not one pre-release identifier with a letter.
    #[error("label {label:?} of stage {stage:?} is not a pre-release identifier with a letter")]
    Label {
        /// The stage.
        stage: String,
        /// The label.
        label: String,
    },
    /// A pre-release stage other than the first without a label.
    #[error("stage {0:?} needs a label: every stage before the last has its own")]
    NoLabel(String),
    /// A label on the last stage.
    #[error("stage {0:?} is the last: its versions are releases and carry no label")]
    LastLabel(String),
    /// Labels that do not ascend.
    #[error("label {label:?} of stage {stage:?} must sort after {before:?}, the label of the stage before it")]
    LabelOrder {
        /// The later stage.
        stage: String,
        /// Its label.
        label: String,
        /// The earlier stage's label.
        before: String,
    },
    /// A gate's duration does not parse.
    #[error("gate of stage {stage:?}: {error}")]
    Duration {
        /// The stage.
        stage: String,
        /// What is wrong.
        error: DurationError,
    },
    /// A channel that is not a tag, or that the scheme or Flux would read as something else.
    #[error("channel {0:?} is not a tag, or is also a mark of this scheme or a version to Flux")]
    Channel(String),
}

impl Default for Policy {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant; the test of the defaults covers it")]
        Self::new(Spec::default()).expect("the defaults are a policy")
    }
}

impl Policy {
    /// Checks a spec.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order of the file.
    pub fn new(spec: Spec) -> Result<Self, PolicyError> {
        let initial: Base = spec.versions.initial.parse().map_err(PolicyError::Initial)?;
        let line = spec.versions.line.as_deref().map(Constraint::parse).transpose().map_err(PolicyError::Line)?;
        if !matches!(spec.tags.short, 7 | 8 | 40) {
            return Err(PolicyError::Short(spec.tags.short));
        }
        let commit_prefix = mark_prefix("tags.commit", &spec.tags.commit)?;
        let stages = stages(&spec)?;
        let mut policy = Self { spec, initial, line, unsound: None, commit_prefix, stages, channels: Vec::new() };
        if !policy.in_line(initial) {
            let line = policy.spec.versions.line.clone().unwrap_or_default();
            return Err(PolicyError::InitialOutsideLine { initial, line });
        }
        policy.check_prefixes()?;
        policy.channels = policy.checked_channels()?;
        policy.unsound = crate::proofs::unsound(&policy);
        Ok(policy)
    }

    /// As it was written, defaults filled in.
    #[must_use]
    pub const fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Identifies the policy: the digest of its canonical JSON.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(&serde_json::to_vec(&self.spec).unwrap_or_default())
    }

    /// The first base of an empty repository.
    #[must_use]
    pub const fn initial(&self) -> Base {
        self.initial
    }

    /// Which part a build raises.
    #[must_use]
    pub const fn bump(&self) -> Level {
        self.spec.versions.bump
    }

    /// The stages that follow tags, first to last.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage of this name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The index of the last stage, whose versions are releases.
    #[must_use]
    pub fn last(&self) -> u8 {
        // Construction bounds the number of stages to 16.
        u8::try_from(self.stages.len().saturating_sub(1)).unwrap_or(u8::MAX)
    }

    /// The version range this pipeline owns; `None` for all.
    #[must_use]
    pub const fn line(&self) -> Option<&Constraint> {
        self.line.as_ref()
    }

    /// Whether a base belongs to this pipeline's line.
    #[must_use]
    pub fn in_line(&self, base: Base) -> bool {
        let Some(line) = &self.line else { return true };
        let text = base.to_string();
        FluxVersion::parse_tag(&text).is_ok_and(|version| line.matches(&version))
    }

    /// The first stage that could select what no stage before it has validated, with a version that shows it.
    #[must_use]
    pub fn unsound(&self) -> Option<(&str, &str)> {
        self.unsound.as_ref().map(|(stage, witness)| (stage.as_str(), witness.as_str()))
    }

    /// The commit tag's prefix.
    #[must_use]
    pub fn commit_prefix(&self) -> &str {
        &self.commit_prefix
    }

    /// Hex digits of a commit in a tag.
    #[must_use]
    pub const fn short(&self) -> usize {
        self.spec.tags.short
    }

    /// The floating tags.
    #[must_use]
    pub fn channels(&self) -> &[Tag] {
        &self.channels
    }

    /// Whether the stage's cluster would consider this version of ours: an own or later label, within its constraint
    /// and filter. Lower labels are what R1 and R2 keep out; that the constraint agrees is a config proof.
    #[must_use]
    pub fn sees(&self, stage: u8, version: &Version, tag: &str) -> bool {
        let Some(rules) = self.stages.get(usize::from(stage)) else { return false };
        version.stage(self.last()) >= stage && rules.accepts(tag)
    }

    fn check_prefixes(&self) -> Result<(), PolicyError> {
        let mut prefixes: Vec<&str> = self.stages.iter().map(|stage| stage.mark.as_str()).collect();
        prefixes.extend([self.commit_prefix.as_str(), crate::scheme::REJECTED, crate::scheme::REOPENED]);
        prefixes.sort_unstable();
        match prefixes.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(PolicyError::MarkTwice(pair[0].to_owned())),
            None => Ok(()),
        }
    }

    fn checked_channels(&self) -> Result<Vec<Tag>, PolicyError> {
        let check = |name: &String| {
            let invalid = || PolicyError::Channel(name.clone());
            let tag: Tag = name.parse().map_err(|_| invalid())?;
            let free = matches!(self.classify(tag.as_str()), crate::scheme::Kind::Foreign(_))
                && FluxVersion::parse_tag(tag.as_str()).is_err();
            if free { Ok(tag) } else { Err(invalid()) }
        };
        self.spec.channels.iter().map(check).collect()
    }
}

impl Stage {
    /// Whether the stage's cluster would consider this tag.
    #[must_use]
    pub fn accepts(&self, tag: &str) -> bool {
        let passes = self.filter.as_ref().is_none_or(|filter| filter.is_match(tag));
        passes && FluxVersion::parse_tag(tag).is_ok_and(|version| self.constraint.matches(&version))
    }
}

fn stages(spec: &Spec) -> Result<Vec<Stage>, PolicyError> {
    let written: Vec<&StageSpec> = spec.stages.0.iter().filter(|stage| stage.source == SourceKind::Oci).collect();
    if !(2..=16).contains(&written.len()) {
        return Err(PolicyError::Stages(written.len()));
    }
    let mut stages: Vec<Stage> = Vec::new();
    for (index, stage) in written.iter().enumerate() {
        if stages.iter().any(|other| other.name == stage.name) {
            return Err(PolicyError::StageTwice(stage.name.clone()));
        }
        let semver = stage.semver.as_deref().ok_or_else(|| PolicyError::NoConstraint(stage.name.clone()))?;
        let constraint =
            Constraint::parse(semver).map_err(|error| PolicyError::Constraint { stage: stage.name.clone(), error })?;
        let filter = stage
            .filter
            .as_deref()
            .map(TagFilter::parse)
            .transpose()
            .map_err(|error| PolicyError::Filter { stage: stage.name.clone(), error })?;
        let label = label(spec, index, written.len(), stage, stages.last())?;
        let mark = match (&stage.mark, stages.last()) {
            (Some(mark), _) => mark.clone(),
            (None, None) => alloc::format!("{}-{{short}}", stage.name),
            (None, Some(_)) if written.len() == 2 => "validated-{short}".into(),
            (None, Some(before)) => alloc::format!("validated-{}-{{short}}", before.name),
        };
        let mark = mark_prefix(&alloc::format!("stage {:?}", stage.name), &mark)?;
        stages.push(Stage { name: stage.name.clone(), constraint, filter, mark, label, gate: gate(stage)? });
    }
    Ok(stages)
}

fn label(
    spec: &Spec,
    index: usize,
    count: usize,
    stage: &StageSpec,
    before: Option<&Stage>,
) -> Result<Option<String>, PolicyError> {
    let last = index + 1 == count;
    let label = match &stage.label {
        Some(_) if last => return Err(PolicyError::LastLabel(stage.name.clone())),
        Some(label) => label.clone(),
        None if last => return Ok(None),
        None if index == 0 => spec.versions.label.clone(),
        None => return Err(PolicyError::NoLabel(stage.name.clone())),
    };
    let identifier = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !identifier || label.len() > 32 || !label.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Err(PolicyError::Label { stage: stage.name.clone(), label });
    }
    match before.and_then(|before| before.label.as_ref()) {
        Some(before) if *before >= label => {
            Err(PolicyError::LabelOrder { stage: stage.name.clone(), label, before: before.clone() })
        }
        _ => Ok(Some(label)),
    }
}

fn gate(stage: &StageSpec) -> Result<Gate, PolicyError> {
    let duration = |text: &Option<String>| {
        text.as_deref()
            .map(parse_duration)
            .transpose()
            .map_err(|error| PolicyError::Duration { stage: stage.name.clone(), error })
    };
    Ok(Gate {
        evidence: stage.gate.evidence.clone(),
        fresh: duration(&stage.gate.fresh)?,
        verdict_deadline: duration(&stage.gate.verdict_deadline)?,
    })
}

/// `PREFIX-{short}` without its `{short}`.
fn mark_prefix(owner: &str, mark: &str) -> Result<String, PolicyError> {
    let prefix = mark.strip_suffix("{short}").filter(|prefix| {
        let letter = prefix.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        // 128 - 64 (a full commit) - 9 (fork) - 20 (ordinal) leaves room for this.
        // A mark must never be a version to Flux, as v9.0.0-6f9c0e2 is.
        let version = prefix.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        letter && !version && prefix.ends_with('-') && prefix.len() <= 34 && Tag::check(prefix).is_ok()
    });
    prefix.map(ToOwned::to_owned).ok_or_else(|| PolicyError::Mark { owner: owner.to_owned(), mark: mark.to_owned() })
}
