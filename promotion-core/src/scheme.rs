//! The tag scheme: which tags are facts of the pipeline, what each says, and how it is written.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::scheme::{Foreign, Kind};
//!
//! let policy = Policy::default();
//! assert!(matches!(policy.classify("1.4.0-rc.2"), Kind::Version(version) if version.is_birth()));
//! assert!(matches!(policy.classify("validated-6f9c0e2-2"), Kind::Mark(mark) if mark.ordinal == 2));
//! // A version to Flux, and not ours: it may outrank everything.
//! assert!(matches!(policy.classify("v1.4.0"), Kind::Foreign(Foreign::Other)));
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use crate::policy::Policy;
use crate::version::{Base, Number, Rank, Version, parse_number};
use crate::{Digest, Tag};

/// Prefix of a rejection.
pub const REJECTED: &str = "rejected-";
/// Prefix of a withdrawn rejection.
pub const REOPENED: &str = "reopened-";

/// What a tag says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A candidate or release of this pipeline's line.
    Version(Version),
    /// A fact about an artifact, keyed by its commit.
    Mark(MarkTag),
    /// A floating tag.
    Channel,
    /// Not ours.
    Foreign(Foreign),
}

/// Why a tag is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Foreign {
    /// A version in our form that another line owns, or nobody.
    OutsideLine,
    /// Any other text.
    Other,
}

/// What a mark says of its artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Which commit it was built from.
    Commit,
    /// It may enter this stage: handed over (0), or validated in the stage before.
    Stage(u8),
    /// It failed, or was rolled back.
    Rejected,
    /// A person withdrew a rejection.
    Reopened,
}

/// A mark as a tag writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkTag {
    /// What it says.
    pub mark: Mark,
    /// Of which artifact.
    pub key: Key,
    /// Which revision of a verdict; 1 for every other mark.
    pub ordinal: u64,
}

/// What marks are keyed by: a prefix of the commit (or of the digest, where the manifest names no commit), and the
/// first eight hex digits of the digest where another artifact holds that key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// 7 to 64 hex digits.
    pub hex: String,
    /// Eight hex digits of the digest.
    pub fork: Option<String>,
}

impl Mark {
    /// Whether it can be revised, so that the highest ordinal counts.
    #[must_use]
    pub const fn is_verdict(self) -> bool {
        match self {
            Self::Commit | Self::Stage(0) => false,
            Self::Stage(_) | Self::Rejected | Self::Reopened => true,
        }
    }
}

impl Key {
    /// Whether this key can mean the artifact of that digest whose full key (commit or digest) is `hex`.
    #[must_use]
    pub fn means(&self, hex: &str, digest: Digest) -> bool {
        hex.starts_with(&self.hex) && self.fork.as_ref().is_none_or(|fork| *fork == digest.short())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fork {
            Some(fork) => write!(f, "{}.{fork}", self.hex),
            None => f.write_str(&self.hex),
        }
    }
}

impl Policy {
    /// What a tag says.
    #[must_use]
    pub fn classify(&self, tag: &str) -> Kind {
        if tag.starts_with(|first: char| first.is_ascii_digit()) {
            return match self.parse_version(tag) {
                Some(version) if self.in_line(version.base) => Kind::Version(version),
                Some(_) => Kind::Foreign(Foreign::OutsideLine),
                None => Kind::Foreign(Foreign::Other),
            };
        }
        if let Some(mark) = self.marks().find_map(|(prefix, mark)| parse_mark(prefix, mark, tag)) {
            return Kind::Mark(mark);
        }
        if self.channels().iter().any(|channel| channel.as_str() == tag) {
            return Kind::Channel;
        }
        Kind::Foreign(Foreign::Other)
    }

    /// Every mark with its prefix.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (&str, Mark)> {
        let stages = self.stages().iter().zip(0..).map(|(stage, index)| (stage.mark.as_str(), Mark::Stage(index)));
        let verdicts = [(REJECTED, Mark::Rejected), (REOPENED, Mark::Reopened), (self.commit_prefix(), Mark::Commit)];
        stages.chain(verdicts)
    }

    /// A version in this scheme's strict form, of whatever line.
    pub(crate) fn parse_version(&self, tag: &str) -> Option<Version> {
        let Some((base, rest)) = tag.split_once('-') else {
            return Some(Version::release(tag.parse().ok()?));
        };
        let base: Base = base.parse().ok()?;
        // Labels may contain hyphens but no dots.
        let (label, number) = rest.split_once('.')?;
        let stage = self.stages().iter().position(|stage| stage.label.as_deref() == Some(label))?;
        let number = match number.split_once('.') {
            Some(("0", k)) => Number::Rebase(parse_number(k).filter(|k| *k > 0)?),
            Some(_) => return None,
            None => Number::Nth(parse_number(number).filter(|n| *n > 0)?),
        };
        Some(Version::candidate(base, u8::try_from(stage).ok()?, number))
    }

    /// How a version is written.
    #[must_use]
    pub fn version_tag(&self, version: &Version) -> Tag {
        let base = version.base;
        let text = match version.rank {
            Rank::Release => base.to_string(),
            Rank::Candidate { stage, number } => {
                let label = self.stages().get(usize::from(stage)).and_then(|stage| stage.label.as_deref());
                format!("{base}-{}.{number}", label.unwrap_or_default())
            }
        };
        tag(&text)
    }

    /// How a mark is written.
    #[must_use]
    pub fn mark_tag(&self, mark: &MarkTag) -> Tag {
        let prefix = self.marks().find(|(_, kind)| *kind == mark.mark).map_or("", |(prefix, _)| prefix);
        match mark.ordinal {
            0 | 1 => tag(&format!("{prefix}{}", mark.key)),
            ordinal => tag(&format!("{prefix}{}-{ordinal}", mark.key)),
        }
    }
}

/// A text that the scheme composed: prefixes, labels and keys are bounded so that it is always a tag.
#[expect(clippy::expect_used, reason = "policy construction bounds every part; tested with the longest of each")]
fn tag(text: &str) -> Tag {
    text.parse().expect("the scheme writes tags")
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn parse_mark(prefix: &str, mark: Mark, tag: &str) -> Option<MarkTag> {
    let rest = tag.strip_prefix(prefix)?;
    let (key, ordinal) = match rest.split_once('-') {
        None => (rest, 1),
        Some((key, ordinal)) if mark.is_verdict() => (key, parse_number(ordinal).filter(|ordinal| *ordinal > 1)?),
        Some(_) => return None,
    };
    let (hex, fork) = match key.split_once('.') {
        None => (key, None),
        Some((hex, fork)) if fork.len() == 8 && is_hex(fork) => (hex, Some(fork.to_string())),
        Some(_) => return None,
    };
    let keyed = (7..=64).contains(&hex.len()) && is_hex(hex);
    keyed.then(|| MarkTag { mark, key: Key { hex: hex.to_string(), fork }, ordinal })
}
