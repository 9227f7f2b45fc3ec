//! Why a constraint accepts a version or does not: data first, prose by its `Display`.
//!
//! ```
//! use promotion_core::flux::{Constraint, Version};
//!
//! let constraint: Constraint = "1.x || >=2.5.0-0 <3".parse()?;
//! let explanation = constraint.explain(&Version::parse_tag("1.9.0-rc.1")?);
//! assert!(!explanation.accepted && explanation.groups[0].closed);
//! assert_eq!(
//!     explanation.to_string(),
//!     "1.9.0-rc.1 is not accepted: 1.x names no pre-release and so admits none; >=2.5.0-0 does not hold"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::{Atom, Constraint, Group};
use crate::flux::Version;

/// What each group of a constraint says about a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The version, with all three numbers written out.
    pub version: String,
    /// Whether at least one group accepts it.
    pub accepted: bool,
    /// One verdict per group, in the order of writing.
    pub groups: Vec<GroupExplanation>,
}

/// What one group says about a version: it accepts when it is not closed and nothing failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupExplanation {
    /// The group, hyphen ranges written as comparisons.
    pub group: String,
    /// The version is a pre-release, and no atom of the group names one.
    pub closed: bool,
    /// The atoms that do not hold.
    pub failed: Vec<String>,
}

impl GroupExplanation {
    /// Whether this group alone accepts the version.
    #[must_use]
    pub fn accepts(&self) -> bool {
        !self.closed && self.failed.is_empty()
    }
}

pub(super) fn explain(constraint: &Constraint, version: &Version<'_>) -> Explanation {
    let groups: Vec<_> = constraint.groups().iter().map(|group| explain_group(group, version)).collect();
    Explanation { version: version.to_string(), accepted: groups.iter().any(GroupExplanation::accepts), groups }
}

fn explain_group(group: &Group, version: &Version<'_>) -> GroupExplanation {
    let fails = |atom: &&Atom| !atom.accepts(version);
    GroupExplanation {
        group: group.to_string(),
        closed: !group.opens_for(version),
        failed: group.atoms().iter().filter(fails).map(ToString::to_string).collect(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = self.groups.iter().find(|group| group.accepts()) {
            return write!(f, "{} is accepted by {}", self.version, group.group);
        }
        write!(f, "{} is not accepted: ", self.version)?;
        for (index, group) in self.groups.iter().enumerate() {
            write!(f, "{}{group}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for GroupExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.closed, self.failed.as_slice()) {
            (false, []) => write!(f, "{} accepts it", self.group),
            (true, _) => write!(f, "{} names no pre-release and so admits none", self.group),
            (false, [failed]) => write!(f, "{failed} does not hold"),
            (false, failed) => write!(f, "{} do not hold", failed.join(" and ")),
        }
    }
}
