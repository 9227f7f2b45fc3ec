//! Versions that this pipeline writes: strict, and ordered as Flux orders them.
//!
//! ```
//! use promotion_core::version::{Base, Number, Version};
//!
//! let base: Base = "1.4.0".parse()?;
//! let rebase = Version::candidate(base, 0, Number::Rebase(1));
//! let second = Version::candidate(base, 0, Number::Nth(2));
//! let tenth = Version::candidate(base, 0, Number::Nth(10));
//! let release = Version::release(base);
//! assert!(rebase < second && second < tenth && tenth < release);
//! assert!(release < Version::candidate(base.next_patch().unwrap(), 0, Number::Rebase(1)));
//! assert!("v1.4.0".parse::<Base>().is_err());
//! # Ok::<(), promotion_core::version::BaseError>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// `X.Y.Z`: no `v`, no leading zeros, each part at most `u64::MAX` (semver.org, 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base {
    /// X.
    pub major: u64,
    /// Y.
    pub minor: u64,
    /// Z.
    pub patch: u64,
}

/// Which part of a base a build raises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Z.
    #[default]
    Patch,
    /// Y; Z becomes 0.
    Minor,
    /// X; Y and Z become 0.
    Major,
}

/// What follows a candidate's label.
///
/// `rc.0.K` (a re-base) sorts below `rc.N` (N >= 1) of its base, and numbers compare as numbers: `rc.10 > rc.9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    /// `0.K`: an artifact lifted above a release; says nothing about its age.
    Rebase(u64),
    /// `N`: for the first label a birth, for later labels a promotion.
    Nth(u64),
}

/// Where a version stands within its base. Labels are numbered by their stage, in ascending text order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// `X.Y.Z-<label of stage>.<number>`.
    Candidate {
        /// Index of the stage whose label it carries.
        stage: u8,
        /// The number.
        number: Number,
    },
    /// `X.Y.Z`.
    Release,
}

/// A version of the pipeline's own, ordered as Flux orders the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// X.Y.Z.
    pub base: Base,
    /// Candidate or release.
    pub rank: Rank,
}

/// Why a text is not a [`Base`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseError {
    /// Not three dot-separated numbers without leading zeros.
    #[error("version {0:?} is not X.Y.Z (three numbers without leading zeros, no v)")]
    Form(String),
    /// A number above `u64::MAX`.
    #[error("a number of version {0:?} does not fit 64 bits")]
    Overflow(String),
}

impl Base {
    /// `major.minor.patch`.
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch }
    }

    /// The lowest base above this one; `None` at the largest patch.
    #[must_use]
    pub fn next_patch(self) -> Option<Self> {
        self.bump(Level::Patch)
    }

    /// The base raised at `level`; `None` on overflow.
    #[must_use]
    pub fn bump(self, level: Level) -> Option<Self> {
        Some(match level {
            Level::Patch => Self { patch: self.patch.checked_add(1)?, ..self },
            Level::Minor => Self { minor: self.minor.checked_add(1)?, patch: 0, ..self },
            Level::Major => Self { major: self.major.checked_add(1)?, minor: 0, patch: 0 },
        })
    }
}

/// A number as strict semver writes it.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if digits && canonical { text.parse().ok() } else { None }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(text: &str) -> Result<Self, BaseError> {
        let mut parts = text.split('.');
        let mut next = || {
            let part = parts.next().ok_or_else(|| BaseError::Form(text.to_string()))?;
            parse_number(part).ok_or_else(|| {
                let digits = part.bytes().all(|byte| byte.is_ascii_digit());
                let overflow = digits && part.len() > 19 && !part.starts_with('0');
                if overflow { BaseError::Overflow(text.to_string()) } else { BaseError::Form(text.to_string()) }
            })
        };
        let base = Self::new(next()?, next()?, next()?);
        if parts.next().is_some() { Err(BaseError::Form(text.to_string())) } else { Ok(base) }
    }
}

impl TryFrom<String> for Base {
    type Error = BaseError;

    fn try_from(text: String) -> Result<Self, BaseError> {
        text.parse()
    }
}

impl From<Base> for String {
    fn from(base: Base) -> Self {
        base.to_string()
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rebase(k) => write!(f, "0.{k}"),
            Self::Nth(n) => write!(f, "{n}"),
        }
    }
}

impl Version {
    /// `X.Y.Z`.
    #[must_use]
    pub const fn release(base: Base) -> Self {
        Self { base, rank: Rank::Release }
    }

    /// `X.Y.Z-<label>.<number>` with the label of the stage.
    #[must_use]
    pub const fn candidate(base: Base, stage: u8, number: Number) -> Self {
        Self { base, rank: Rank::Candidate { stage, number } }
    }

    /// The stage whose own version this is: a candidate's label, or the last stage for a release.
    #[must_use]
    pub const fn stage(&self, last: u8) -> u8 {
        match self.rank {
            Rank::Candidate { stage, .. } => stage,
            Rank::Release => last,
        }
    }

    /// Whether this says when an artifact was built: the first label with a number of its own.
    #[must_use]
    pub const fn is_birth(&self) -> bool {
        matches!(self.rank, Rank::Candidate { stage: 0, number: Number::Nth(_) })
    }

    /// Whether this is a release.
    #[must_use]
    pub const fn is_release(&self) -> bool {
        matches!(self.rank, Rank::Release)
    }
}
