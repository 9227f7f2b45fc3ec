//! Tag filters: Go's regular expressions, of which Rust's differ in what they accept and, worse, in what they mean.
//!
//! ```
//! use promotion_core::flux::{FilterError, TagFilter, Template};
//!
//! let filter = TagFilter::parse(r"^\Qv1.\E(?P<minor>[\d-z]+)")?;
//! assert!(filter.is_match("v1.4.0") && !filter.is_match("v1x4.0"));
//! assert_eq!(filter.expand("v1.4.0", &Template::parse("${minor}-$1x$$")?)?, Some("4-$".into()));
//! assert!(matches!(TagFilter::parse("a**"), Err(FilterError::Invalid { at: 2, .. })));
//! # Ok::<(), FilterError>(())
//! ```

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use self::program::Program;

mod class;
mod cursor;
mod escape;
mod parse;
mod program;
mod template;

pub use template::Template;

/// A regular expression with Go's syntax and meaning, unanchored, for tags.
///
/// Tags are ASCII, so Unicode classes shrink to their ASCII part, and a text that is not ASCII never matches. Two filters are equal
/// when they are written alike.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagFilter {
    pattern: Box<str>,
    program: Program,
    /// The names of the groups in the order of their opening parentheses; names may repeat.
    names: Vec<Option<Box<str>>>,
    repeats_empty: bool,
}

/// Why a pattern is not a [`TagFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Flux rejects it too.
    #[error("{reason} at byte {at} of pattern {pattern:?}")]
    Invalid {
        /// The whole pattern.
        pattern: String,
        /// Where the offending part starts.
        at: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// Flux may accept it, but what it selects then cannot be told reliably.
    #[error("pattern {pattern:?} cannot be predicted: {reason}")]
    Unpredictable {
        /// The whole pattern.
        pattern: String,
        /// Why not.
        reason: &'static str,
    },
}

impl TagFilter {
    /// The longest pattern that is predicted, in bytes; Go would take more.
    pub const MAX_LEN: usize = 4096;

    /// Reads a pattern.
    ///
    /// # Errors
    /// [`FilterError::Invalid`] where Flux fails as well, [`FilterError::Unpredictable`] where it may not.
    pub fn parse(pattern: &str) -> Result<Self, FilterError> {
        let unpredictable = |reason| FilterError::Unpredictable { pattern: pattern.to_string(), reason };
        if pattern.len() > Self::MAX_LEN {
            return Err(unpredictable("it is longer than 4096 bytes"));
        }
        let parse::Parsed { tree, names, repeats_empty } = parse::parse(pattern)?;
        let program =
            Program::compile(&tree, names.len()).map_err(|_| unpredictable("it is too large when compiled"))?;
        Ok(Self { pattern: pattern.into(), program, names, repeats_empty })
    }

    /// The pattern that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the pattern occurs in the tag.
    #[must_use]
    pub fn is_match(&self, tag: &str) -> bool {
        tag.is_ascii() && self.program.is_match(tag.as_bytes())
    }

    /// The template with the groups of the first match put in, or nothing when there is no match.
    ///
    /// A group that does not exist or took no part is empty; of groups with one name, the first that took part counts.
    ///
    /// # Errors
    /// [`FilterError::Unpredictable`] when something that can be empty is repeated, as in `(a|b?)+`: whether such a pattern matches is
    /// certain, but not what its groups then hold.
    pub fn expand(&self, tag: &str, template: &Template) -> Result<Option<String>, FilterError> {
        let Some(places) = tag.is_ascii().then(|| self.program.captures(tag.as_bytes())).flatten() else {
            return Ok(None);
        };
        if self.repeats_empty {
            let reason = "it repeats something that can be empty, so what its groups hold is uncertain";
            return Err(FilterError::Unpredictable { pattern: self.pattern.to_string(), reason });
        }
        let place = |index| places.get(index).copied().flatten();
        let group = |index: usize| Some(&tag[place(2 * index)?..place(2 * index + 1)?]);
        Ok(Some(template.fill(group, |name| {
            let named = |(_, own): &(usize, &Option<Box<str>>)| own.as_deref() == Some(name);
            self.names.iter().enumerate().filter(named).find_map(|(index, _)| group(index + 1))
        })))
    }
}

impl PartialEq for TagFilter {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for TagFilter {}

impl PartialOrd for TagFilter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TagFilter {
    fn cmp(&self, other: &Self) -> Ordering {
        self.pattern.cmp(&other.pattern)
    }
}

impl Hash for TagFilter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pattern.hash(state);
    }
}

impl fmt::Display for TagFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.pattern)
    }
}

impl fmt::Debug for TagFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.pattern, f)
    }
}

impl FromStr for TagFilter {
    type Err = FilterError;

    fn from_str(pattern: &str) -> Result<Self, FilterError> {
        Self::parse(pattern)
    }
}

impl TryFrom<String> for TagFilter {
    type Error = FilterError;

    fn try_from(pattern: String) -> Result<Self, FilterError> {
        Self::parse(&pattern)
    }
}

impl From<TagFilter> for String {
    fn from(filter: TagFilter) -> Self {
        filter.pattern.into()
    }
}
