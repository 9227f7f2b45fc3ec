//! What an `ImagePolicy` picks from what its `ImageRepository` scanned.
//!
//! ```
//! use promotion_core::flux::{ImageChoice, ImagePolicy, ImagePolicyError, select_image};
//!
//! let policy: ImagePolicy = serde_json::from_str(
//!     r#"{"policy": {"numerical": {"order": "asc"}},
//!         "filterTags": {"pattern": "^main-[a-f0-9]+-(?P<ts>[0-9]+)$", "extract": "$ts"}}"#,
//! ).unwrap();
//! let tags = ["main-0a1b2c3-1700000000", "main-fffffff-1700000100", "1.2.3"];
//! assert_eq!(select_image(&tags, &policy)?, ImageChoice::Selected("main-fffffff-1700000100"));
//! # Ok::<(), ImagePolicyError>(())
//! ```

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::version::Version;
use super::{Constraint, ConstraintError, FilterError, TagFilter, Template};

mod number;

use number::parse_float;

/// The parts of an `ImagePolicy` and of its `ImageRepository` that decide, spelled as in their manifests.
///
/// Nothing is checked until [`select_image`]: which of several mistakes Flux reports depends on what was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePolicy {
    /// `spec.policy`
    pub policy: PolicyChoice,
    /// `spec.filterTags`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_tags: Option<FilterTags>,
    /// `spec.exclusionList` of the repository: tags that match one of these are not even scanned.
    #[serde(default = "default_exclusions")]
    pub exclusion_list: Vec<String>,
}

fn default_exclusions() -> Vec<String> {
    vec!["^.*\\.sig$".to_string()]
}

/// The policies of one image policy, of which the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChoice {
    /// The highest version in a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<SemverPolicy>,
    /// The last or first text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alphabetical: Option<OrderPolicy>,
    /// The largest or smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numerical: Option<OrderPolicy>,
}

/// `spec.policy.semver`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SemverPolicy {
    /// A [`Constraint`].
    #[serde(default)]
    pub range: String,
}

/// `spec.policy.alphabetical` and `spec.policy.numerical`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPolicy {
    /// `asc` (also when empty) picks the last, `desc` the first.
    #[serde(default)]
    pub order: String,
}

/// `spec.filterTags`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterTags {
    /// A [`TagFilter`].
    #[serde(default)]
    pub pattern: String,
    /// A [`Template`]; when empty, the whole tag is compared.
    #[serde(default)]
    pub extract: String,
}

/// What an image policy picks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ImageChoice<'t> {
    /// This tag.
    Selected(&'t str),
    /// One of these, and which one changes from run to run.
    Ambiguous {
        /// At least two tags, in bytewise order.
        possible: Vec<&'t str>,
    },
}

/// Why an image policy picks nothing, in the order in which Flux looks. It keeps what it picked before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImagePolicyError {
    /// An entry of the exclusion list cannot be used.
    #[error(transparent)]
    Exclusion(FilterError),
    /// No policy is given.
    #[error("an image policy needs one of semver, alphabetical and numerical")]
    NoPolicy,
    /// The range cannot be used.
    #[error(transparent)]
    Range(ConstraintError),
    /// Neither `asc` nor `desc`.
    #[error("order {0:?} is neither asc nor desc")]
    Order(String),
    /// The scan left no tags.
    #[error("no tags were scanned")]
    NoTags,
    /// The filter or its template cannot be used.
    #[error(transparent)]
    Filter(FilterError),
    /// No scanned tag passes the filter.
    #[error("no scanned tag passes the filter")]
    NothingLeft,
    /// No version is in the range.
    #[error("no tag has a version in range {0}")]
    NoVersion(Constraint),
    /// A numerical policy fails as a whole when one candidate is no number.
    #[error("{0:?} is not a number")]
    NotANumber(String),
}

enum Rule {
    Semver(Constraint),
    Alphabetical(Order),
    Numerical(Order),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// Picks from a listing, whose order does not matter: the scan sorts it.
///
/// # Errors
/// Why Flux picks nothing.
pub fn select_image<'t, T>(
    tags: impl IntoIterator<Item = &'t T>,
    policy: &ImagePolicy,
) -> Result<ImageChoice<'t>, ImagePolicyError>
where
    T: AsRef<str> + ?Sized + 't,
{
    let scanned = scan(tags.into_iter().map(AsRef::as_ref), &policy.exclusion_list)?;
    let rule = policy.policy.rule()?;
    if scanned.is_empty() {
        return Err(ImagePolicyError::NoTags);
    }
    let Some(filter) = &policy.filter_tags else {
        return in_order(&rule, &scanned).map(ImageChoice::Selected);
    };
    let keyed = filter.apply(&scanned)?;
    let keys: Vec<&str> = keyed.iter().map(|(key, _)| key.as_str()).collect();
    let possible = in_any_order(&rule, &keys)?;
    // Of keys that agree, the map holds the tag; different keys always stand for different tags.
    let tag = |key: &str| keyed.binary_search_by(|(known, _)| known.as_str().cmp(key)).ok().map(|place| keyed[place].1);
    let mut possible: Vec<&str> = possible.into_iter().filter_map(tag).collect();
    possible.sort_unstable();
    Ok(if let [tag] = possible[..] { ImageChoice::Selected(tag) } else { ImageChoice::Ambiguous { possible } })
}

/// What the repository stores: no excluded tags, bytewise from the last to the first.
fn scan<'t>(tags: impl Iterator<Item = &'t str>, exclusions: &[String]) -> Result<Vec<&'t str>, ImagePolicyError> {
    let exclusions: Vec<TagFilter> = exclusions
        .iter()
        .map(|pattern| TagFilter::parse(pattern))
        .collect::<Result<_, _>>()
        .map_err(ImagePolicyError::Exclusion)?;
    let mut kept: Vec<&str> = tags.filter(|tag| !exclusions.iter().any(|filter| filter.is_match(tag))).collect();
    kept.sort_unstable_by(|a, b| b.cmp(a));
    kept.dedup();
    Ok(kept)
}

impl PolicyChoice {
    fn rule(&self) -> Result<Rule, ImagePolicyError> {
        match self {
            Self { semver: Some(semver), .. } => {
                Constraint::parse(&semver.range).map(Rule::Semver).map_err(ImagePolicyError::Range)
            }
            Self { alphabetical: Some(policy), .. } => policy.parse().map(Rule::Alphabetical),
            Self { numerical: Some(policy), .. } => policy.parse().map(Rule::Numerical),
            Self { semver: None, alphabetical: None, numerical: None } => Err(ImagePolicyError::NoPolicy),
        }
    }
}

impl OrderPolicy {
    fn parse(&self) -> Result<Order, ImagePolicyError> {
        match self.order.to_ascii_lowercase().as_str() {
            "" | "asc" => Ok(Order::Ascending),
            "desc" => Ok(Order::Descending),
            _ => Err(ImagePolicyError::Order(self.order.clone())),
        }
    }
}

impl FilterTags {
    /// What is compared, in byte order, and the tag that it stands for: of several, the bytewise smallest, which comes last in the scan.
    fn apply<'t>(&self, scanned: &[&'t str]) -> Result<Vec<(String, &'t str)>, ImagePolicyError> {
        let filter = TagFilter::parse(&self.pattern).map_err(ImagePolicyError::Filter)?;
        if self.extract.is_empty() {
            let passing = scanned.iter().filter(|tag| filter.is_match(tag));
            return Ok(passing.rev().map(|tag| (tag.to_string(), *tag)).collect());
        }
        let template = Template::parse(&self.extract).map_err(ImagePolicyError::Filter)?;
        let keyed = |tag: &&'t str| match filter.expand(tag, &template) {
            Ok(key) => key.map(|key| Ok((key, *tag))),
            Err(error) => Some(Err(ImagePolicyError::Filter(error))),
        };
        let mut all = scanned.iter().filter_map(keyed).collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable();
        all.dedup_by(|later, kept| later.0 == kept.0);
        Ok(all)
    }
}

/// One pass over keys whose order is known.
fn in_order<'k>(rule: &Rule, keys: &[&'k str]) -> Result<&'k str, ImagePolicyError> {
    match rule {
        Rule::Semver(range) => best_versions(range, keys)?.first().copied().ok_or(ImagePolicyError::NothingLeft),
        Rule::Alphabetical(order) => extreme(*order, keys),
        Rule::Numerical(order) => {
            let numbers = numbers(keys)?;
            let mut best = *numbers.first().ok_or(ImagePolicyError::NothingLeft)?;
            // A tie goes to the later one, and so does every comparison with NaN.
            for next in &numbers {
                if !order.prefers(best.0, next.0) {
                    best = *next;
                }
            }
            Ok(best.1)
        }
    }
}

/// Every key that some order of the keys lets win.
fn in_any_order<'k>(rule: &Rule, keys: &[&'k str]) -> Result<Vec<&'k str>, ImagePolicyError> {
    match rule {
        Rule::Semver(range) => best_versions(range, keys),
        Rule::Alphabetical(order) => extreme(*order, keys).map(|key| vec![key]),
        Rule::Numerical(order) => {
            let numbers = numbers(keys)?;
            if numbers.is_empty() {
                return Err(ImagePolicyError::NothingLeft);
            }
            // Whatever directly follows a NaN wins over it, so with one of them nothing is ruled out.
            let any_nan = numbers.iter().any(|(number, _)| number.is_nan());
            let beaten = |number: f64| numbers.iter().any(|(other, _)| order.prefers(*other, number));
            Ok(numbers.iter().filter(|(number, _)| any_nan || !beaten(*number)).map(|(_, key)| *key).collect())
        }
    }
}

impl Order {
    fn prefers(self, a: f64, b: f64) -> bool {
        match self {
            Self::Ascending => a > b,
            Self::Descending => a < b,
        }
    }
}

/// The keys with the highest version in the range, in their order.
fn best_versions<'k>(range: &Constraint, keys: &[&'k str]) -> Result<Vec<&'k str>, ImagePolicyError> {
    if keys.is_empty() {
        return Err(ImagePolicyError::NothingLeft);
    }
    let mut best: Vec<Version<'k>> = Vec::new();
    let versions = keys.iter().filter_map(|key| Version::parse_tag(key).ok());
    for version in versions.filter(|version| range.matches(version)) {
        let order = best.first().map(|best| version.precedence(best));
        if order.is_some_and(core::cmp::Ordering::is_lt) {
            continue;
        }
        if order.is_some_and(core::cmp::Ordering::is_gt) {
            best.clear();
        }
        best.push(version);
    }
    if best.is_empty() {
        Err(ImagePolicyError::NoVersion(range.clone()))
    } else {
        Ok(best.iter().map(Version::text).collect())
    }
}

fn extreme<'k>(order: Order, keys: &[&'k str]) -> Result<&'k str, ImagePolicyError> {
    let extreme = match order {
        Order::Ascending => keys.iter().max(),
        Order::Descending => keys.iter().min(),
    };
    extreme.copied().ok_or(ImagePolicyError::NothingLeft)
}

fn numbers<'k>(keys: &[&'k str]) -> Result<Vec<(f64, &'k str)>, ImagePolicyError> {
    let number = |key: &&'k str| {
        parse_float(key).map(|number| (number, *key)).ok_or_else(|| ImagePolicyError::NotANumber(key.to_string()))
    };
    keys.iter().map(number).collect()
}
