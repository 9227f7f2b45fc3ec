//! A slow second opinion on versions, constraints and selection, written from the rules without a look at the crate's own
//! code: texts are split with `split`, every way of matching is tried, and everything is sorted.
//!
//! ```
//! use promotion_core::testing::naive;
//!
//! let live = naive::constraint(">=1.0.0-0 <2.0.0").unwrap();
//! assert!(live.accepts(&naive::version("2.0.0-rc.1").unwrap()));
//! let (first, matching) = naive::select(&live, &["1.0.0", "latest", "v1.0.0", "0.9.0"]);
//! assert_eq!((first, matching), (vec!["1.0.0", "v1.0.0"], 2));
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

mod constraint;

pub use constraint::{NaiveConstraint, constraint};

/// A version as its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaiveVersion {
    /// Major, minor and patch.
    pub numbers: Vec<u64>,
    /// The identifiers of the pre-release.
    pub pre: Vec<String>,
}

/// Reads a tag: what has no two dots is no version.
#[must_use]
pub fn version(tag: &str) -> Option<NaiveVersion> {
    if tag.matches('.').count() < 2 { None } else { loose(tag) }
}

/// Reads any text.
#[must_use]
pub fn loose(text: &str) -> Option<NaiveVersion> {
    if text.len() > 256 {
        return None;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, meta) = text.split_once('+').map_or((text, None), |(text, meta)| (text, Some(meta)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let numbers: Vec<&str> = core.split('.').collect();
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let identifiers = |text: &str| {
        text.split('.').all(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    if numbers.len() > 3 || !numbers.iter().all(|number| digits(number)) || !meta.is_none_or(identifiers) {
        return None;
    }
    if !pre.is_none_or(identifiers) {
        return None;
    }
    let pre: Vec<String> = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
    if pre.iter().any(|id| digits(id) && id.len() > 1 && id.starts_with('0')) {
        return None;
    }
    let mut numbers: Vec<u64> = numbers.iter().map(|number| number.parse().ok()).collect::<Option<_>>()?;
    numbers.resize(3, 0);
    Some(NaiveVersion { numbers, pre })
}

/// The order that decides what a cluster runs.
#[must_use]
pub fn order(a: &NaiveVersion, b: &NaiveVersion) -> Ordering {
    let numbers = a.numbers.cmp(&b.numbers);
    if numbers != Ordering::Equal {
        return numbers;
    }
    if a.pre.is_empty() || b.pre.is_empty() {
        return a.pre.is_empty().cmp(&b.pre.is_empty());
    }
    for (a, b) in a.pre.iter().zip(&b.pre) {
        let by_id = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.as_bytes().cmp(b.as_bytes()),
        };
        if by_id != Ordering::Equal {
            return by_id;
        }
    }
    a.pre.len().cmp(&b.pre.len())
}

/// The tags that share the highest accepted version, in listing order, and how many tags are accepted.
#[must_use]
pub fn select<'t>(constraint: &NaiveConstraint, tags: &[&'t str]) -> (Vec<&'t str>, usize) {
    highest(tags, |version| constraint.accepts(version))
}

/// [`select`] with `>=low`, for a `low` that is a version.
#[must_use]
pub fn at_least<'t>(low: &str, tags: &[&'t str]) -> (Vec<&'t str>, usize) {
    let low = version(low);
    highest(tags, |version| {
        let Some(low) = &low else { return false };
        order(version, low) != Ordering::Less && (version.pre.is_empty() || !low.pre.is_empty())
    })
}

fn highest<'t>(tags: &[&'t str], accepts: impl Fn(&NaiveVersion) -> bool) -> (Vec<&'t str>, usize) {
    let mut matching: Vec<(NaiveVersion, &str)> =
        tags.iter().filter_map(|tag| Some((version(tag)?, *tag))).filter(|(version, _)| accepts(version)).collect();
    let count = matching.len();
    matching.sort_by(|a, b| order(&b.0, &a.0));
    let Some(top) = matching.first().map(|(version, _)| version.clone()) else {
        return (Vec::new(), 0);
    };
    let first = matching.into_iter().filter(|(version, _)| order(version, &top).is_eq());
    (first.map(|(_, tag)| tag).collect(), count)
}
