//! Version constraints as Flux evaluates them, which is not how Cargo does.
//!
//! ```
//! use promotion_core::flux::{Constraint, ConstraintError, Version};
//!
//! let constraint = Constraint::parse(">=1.0.0-0 <2.0.0 || 3.x")?;
//! let matches = |tag| Version::parse_tag(tag).is_ok_and(|version| constraint.matches(&version));
//! assert!(matches("3.1.4") && !matches("3.1.4-rc.1"));
//! // A pre-release of 2.0.0 is below 2.0.0, and the group admits pre-releases: `<2.0.0-0` would keep it out.
//! assert!(matches("2.0.0-rc.1"));
//! assert!(Constraint::parse("1.2.3.4").is_err());
//! # Ok::<(), ConstraintError>(())
//! ```

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::version::{Version, VersionError};

mod eval;
mod explain;
mod parse;

pub use explain::{Explanation, GroupExplanation};

/// Groups of which one must accept a version; a group accepts when all of its atoms do.
///
/// - **Syntax:** groups are separated by `||`, atoms by white space or one comma. An atom is an operator (none, `=`, `!=`, `>`, `<`,
///   `>=`, `=>`, `<=`, `=<`, `~`, `~>`, `^`) and a version whose parts may be missing or `x`, `X`, `*`. `A - B` stands for
///   `>= A, <= B` and is replaced before anything else is looked at. At most 512 bytes and 32 groups.
/// - **Pre-releases** pass a group only if one of *its* atoms names a pre-release; then they are ordinary versions below their release.
/// - **Identity** is the text: two constraints are equal when they are written alike.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    text: Box<str>,
    groups: Vec<Group>,
}

/// Atoms that must all accept a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    atoms: Vec<Atom>,
    admits_prereleases: bool,
}

/// One comparison, like `>=1.2.x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom {
    operator: Operator,
    precision: Precision,
    numbers: [u64; 3],
    text: Box<str>,
    pre: Range<usize>,
}

/// How an [`Atom`] compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// No operator or `=`: the version, or anything in what is not written out.
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=` or `=>`
    GreaterEqual,
    /// `<=` or `=<`
    LessEqual,
    /// `~` or `~>`: the last written part may rise.
    Tilde,
    /// `^`: everything after the first part that is not zero may rise.
    Caret,
}

/// How much of an [`Atom`]'s version is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Nothing: `*`.
    Any,
    /// The first number: `1`, `1.x`.
    Major,
    /// Two numbers: `1.2`, `1.2.x`.
    Minor,
    /// All three.
    Full,
}

/// Why a text is not a [`Constraint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// More than 512 bytes.
    #[error("a constraint has at most {} bytes, this one has {len}", Constraint::MAX_LEN)]
    TooLong {
        /// How many it has.
        len: usize,
    },
    /// More than 32 groups.
    #[error("a constraint has at most {} groups, this one has {count}", Constraint::MAX_GROUPS)]
    TooManyGroups {
        /// How many it has.
        count: usize,
    },
    /// No comparison in front of, behind or between `||`, or at all.
    #[error("group {number} of the constraint is empty")]
    EmptyGroup {
        /// Which group, counted from 1.
        number: usize,
    },
    /// Something other than a comparison.
    #[error("expected {expected} at byte {at} of constraint group {group:?}")]
    Syntax {
        /// What should be there.
        expected: &'static str,
        /// The group, after hyphen ranges became comparisons.
        group: String,
        /// The byte offset in the group.
        at: usize,
    },
    /// The version of a comparison has the right form but is none.
    #[error("version {text:?} of the constraint is invalid: {reason}")]
    Version {
        /// What is written.
        text: String,
        /// What is wrong with it.
        reason: VersionError,
    },
}

impl Constraint {
    /// The longest constraint, in bytes.
    pub const MAX_LEN: usize = 512;
    /// The largest number of groups.
    pub const MAX_GROUPS: usize = 32;

    /// Reads a constraint.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        Ok(Self { groups: parse::groups(text)?, text: text.into() })
    }

    /// The text that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its groups, at least one.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The versions at which its answer can change: the ones that its atoms name, in the order of writing.
    pub fn boundaries(&self) -> impl Iterator<Item = Version<'_>> {
        self.groups.iter().flat_map(|group| &group.atoms).map(Atom::version)
    }

    /// Whether a cluster with this constraint considers the version.
    #[must_use]
    #[inline]
    pub fn matches(&self, version: &Version<'_>) -> bool {
        self.groups.iter().any(|group| group.opens_for(version) && group.accepts(version))
    }

    /// The same with every group open to pre-releases, which Flux never asks for.
    #[must_use]
    pub fn matches_including_prereleases(&self, version: &Version<'_>) -> bool {
        self.groups.iter().any(|group| group.accepts(version))
    }

    /// Why it accepts the version or does not, group by group.
    #[must_use]
    pub fn explain(&self, version: &Version<'_>) -> Explanation {
        explain::explain(self, version)
    }
}

impl Group {
    fn new(atoms: Vec<Atom>) -> Self {
        Self { admits_prereleases: atoms.iter().any(|atom| !atom.pre.is_empty()), atoms }
    }

    /// Its atoms, at least one.
    #[must_use]
    pub fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// Whether one of its atoms names a pre-release, so that pre-releases can pass.
    #[must_use]
    pub const fn admits_prereleases(&self) -> bool {
        self.admits_prereleases
    }

    #[inline]
    fn opens_for(&self, version: &Version<'_>) -> bool {
        !version.is_prerelease() || self.admits_prereleases
    }

    #[inline]
    fn accepts(&self, version: &Version<'_>) -> bool {
        self.atoms.iter().all(|atom| atom.accepts(version))
    }
}

impl Atom {
    /// How it compares.
    #[must_use]
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// How much of its version is written out.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// The version that it names, with 0 for what is not written out, and without metadata.
    #[must_use]
    pub fn version(&self) -> Version<'_> {
        let [major, minor, patch] = self.numbers;
        Version { major, minor, patch, pre: &self.text[self.pre.clone()], build: "", text: &self.text }
    }
}

impl Operator {
    /// How it is usually written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterEqual => ">=",
            Self::LessEqual => "<=",
            Self::Tilde => "~",
            Self::Caret => "^",
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.operator.as_str(), self.text)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, atom) in self.atoms.iter().enumerate() {
            write!(f, "{}{atom}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Constraint {}

impl PartialOrd for Constraint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Constraint {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Constraint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, ConstraintError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Constraint {
    type Error = ConstraintError;

    fn try_from(text: String) -> Result<Self, ConstraintError> {
        Self::parse(&text)
    }
}

impl From<Constraint> for String {
    fn from(constraint: Constraint) -> Self {
        constraint.text.to_string()
    }
}
