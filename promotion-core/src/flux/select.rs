//! What an `OCIRepository` with a `semver` reference picks from a listing.
//!
//! ```
//! use promotion_core::flux::{SelectError, Selector, select};
//!
//! let tags = ["latest", "1.4.0", "1.5.0-rc.2", "1.5.0-rc.10", "sha-abc1234"];
//! let integration = Selector::parse(">= 0.0.0-0", None, None)?;
//! assert_eq!(select(&tags, &integration)?.tag, Some("1.5.0-rc.10"));
//!
//! let live = Selector::parse(">= 2", None, None)?;
//! assert_eq!(select(&tags, &live).unwrap_err().to_string(), "no match found for semver: >= 2");
//! # Ok::<(), SelectError>(())
//! ```

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::version::Version;
use super::{Constraint, ConstraintError, FilterError, TagFilter};

/// The media type of a Helm chart layer, for which Flux reads `_` in a tag as `+`.
pub const HELM_CHART_MEDIA_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// Up to this many matching tags Flux's sort keeps tied ones in listing order; beyond, their order is an accident.
const STABLE_SORT: usize = 12;

/// What decides about a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// `spec.ref.semver`
    pub constraint: Constraint,
    /// `spec.ref.semverFilter`, which sees the tags as they are.
    #[serde(default)]
    pub filter: Option<TagFilter>,
    /// Whether tags are versions of Helm charts: `_` stands for `+`.
    #[serde(default)]
    pub chart: bool,
    /// How many of the next best tags to report.
    #[serde(default = "five")]
    pub runners_up: usize,
}

const fn five() -> usize {
    Selector::RUNNERS_UP
}

/// What Flux picks. Every tag is spelled as in the listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Selection<'t> {
    /// The tag, or nothing when it cannot be told.
    pub tag: Option<&'t str>,
    /// Its version; when it cannot be told, that of the first tied tag.
    pub version: Version<'t>,
    /// The tags between which it cannot be told, in listing order.
    pub ambiguous: Vec<&'t str>,
    /// The next best tags, best first.
    pub runners_up: Vec<&'t str>,
}

/// Why nothing is selected; in the order in which Flux looks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The filter cannot be used.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The constraint cannot be used.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    /// No tag matches; Flux keeps what is deployed.
    #[error("no match found for semver: {constraint}")]
    NoMatch {
        /// The constraint as it is written.
        constraint: String,
    },
}

impl Selector {
    /// How many of the next best tags are reported unless told otherwise.
    pub const RUNNERS_UP: usize = 5;

    /// A selector for this constraint, without filter, for tags that are no charts.
    #[must_use]
    pub const fn new(constraint: Constraint) -> Self {
        Self { constraint, filter: None, chart: false, runners_up: Self::RUNNERS_UP }
    }

    /// Reads `spec.ref.semver`, `spec.ref.semverFilter` and `spec.layerSelector.mediaType`.
    ///
    /// # Errors
    /// The filter's or the constraint's; when both are wrong, the filter's, like Flux.
    pub fn parse(constraint: &str, filter: Option<&str>, media_type: Option<&str>) -> Result<Self, SelectError> {
        let filter = filter.map(TagFilter::parse).transpose()?;
        let chart = media_type == Some(HELM_CHART_MEDIA_TYPE);
        Ok(Self { filter, chart, ..Self::new(Constraint::parse(constraint)?) })
    }

    /// How many entries of a listing this selector considers.
    #[must_use]
    pub fn matching<'t, T: AsRef<str> + ?Sized + 't>(&self, tags: impl IntoIterator<Item = &'t T>) -> usize {
        tags.into_iter().filter(|tag| self.consider(tag.as_ref()).is_some()).count()
    }

    /// The version of a tag that this selector considers, or nothing.
    ///
    /// The version is read before the filter is asked, because most tags are no versions and that is the cheaper question.
    #[must_use]
    #[inline]
    pub fn consider<'t>(&self, tag: &'t str) -> Option<Version<'t>> {
        // Most tags are marks, and their first letters tell.
        let bytes = tag.as_bytes();
        let first = bytes.get(usize::from(bytes.first() == Some(&b'v')));
        if !first.is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let version = if self.chart { Version::parse_chart_tag(tag) } else { Version::parse_tag(tag) }.ok()?;
        let passes =
            self.constraint.matches(&version) && self.filter.as_ref().is_none_or(|filter| filter.is_match(tag));
        passes.then_some(version)
    }
}

/// Picks from a listing, whose order and duplicates count when versions tie. A tag that does not match costs no
/// allocation, and one that is older than all that is reported hardly a look; only a tie is worth a second pass.
///
/// # Errors
/// [`SelectError::NoMatch`]
pub fn select<'t, T, I>(tags: I, selector: &Selector) -> Result<Selection<'t>, SelectError>
where
    T: AsRef<str> + ?Sized + 't,
    I: IntoIterator<Item = &'t T, IntoIter: Clone>,
{
    let tags = tags.into_iter();
    let mut podium = Podium::new(selector.runners_up);
    for tag in tags.clone() {
        let tag = tag.as_ref();
        if podium.floor.is_some_and(|floor| is_below(tag, floor)) {
            continue;
        }
        if let Some(version) = selector.consider(tag) {
            podium.admit(&version);
        }
    }
    let crowded = || tags.filter(|tag| selector.consider(tag.as_ref()).is_some()).nth(STABLE_SORT).is_some();
    podium.selection(crowded).ok_or_else(|| SelectError::NoMatch { constraint: selector.constraint.to_string() })
}

/// Whether a tag's numbers are below these, as far as that can be told from its first digits; a tag that is no version
/// may be below as well, which is as good. Nothing is below that might not be.
fn is_below(tag: &str, floor: [u64; 3]) -> bool {
    let mut rest = tag.as_bytes();
    rest = rest.strip_prefix(b"v").unwrap_or(rest);
    for bound in floor {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = rest[..digits]
            .iter()
            .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        match number.map(|number| number.cmp(&bound)) {
            Some(Ordering::Less) => return true,
            Some(Ordering::Equal) => {}
            Some(Ordering::Greater) | None => return false,
        }
        // A part that is missing is zero, which no part of the floor is above unless it says so.
        rest = rest.get(digits..).and_then(|rest| rest.strip_prefix(b".")).unwrap_or_default();
    }
    false
}

/// The best versions so far.
struct Podium<'t> {
    /// All that tie for the first place, in listing order, duplicates included.
    first: Vec<Version<'t>>,
    /// The next best, best first, no tag twice.
    next: Vec<Version<'t>>,
    keep: usize,
    /// The numbers of the last of the next best, once there are enough of them: what is below changes nothing.
    floor: Option<[u64; 3]>,
}

impl<'t> Podium<'t> {
    const fn new(keep: usize) -> Self {
        Self { first: Vec::new(), next: Vec::new(), keep, floor: None }
    }

    #[inline]
    fn admit(&mut self, version: &Version<'t>) {
        // Most versions are old ones: one comparison is enough for them.
        if self.next.len() >= self.keep && self.next.last().is_some_and(|last| version.precedence(last).is_le()) {
            return;
        }
        match self.first.first().map_or(Ordering::Equal, |first| version.precedence(first)) {
            Ordering::Equal => self.first.push(*version),
            Ordering::Less => self.admit_next(version),
            Ordering::Greater => {
                self.demote();
                self.first.push(*version);
            }
        }
        let worst = if self.keep == 0 { self.first.first() } else { self.next.get(self.keep - 1) };
        self.floor = worst.map(|worst| [worst.major, worst.minor, worst.patch]);
    }

    fn admit_next(&mut self, version: &Version<'t>) {
        let place = self.next.partition_point(|next| next.precedence(version).is_ge());
        let known = || self.next.iter().any(|next| next.text == version.text);
        if place < self.keep && !known() {
            self.next.truncate(self.keep - 1);
            self.next.insert(place, *version);
        }
    }

    /// The first place becomes the head of the next best.
    fn demote(&mut self) {
        if let ([only], 1..) = (&self.first[..], self.keep) {
            self.next.truncate(self.keep - 1);
            self.next.insert(0, *only);
        } else {
            self.next.splice(0..0, distinct(&self.first, self.keep));
            self.next.truncate(self.keep);
        }
        self.first.clear();
    }

    /// `crowded`: more tags match than Flux's sort keeps in order. Asked only when it matters.
    fn selection(self, crowded: impl FnOnce() -> bool) -> Option<Selection<'t>> {
        let version = *self.first.first()?;
        if self.first.len() == 1 {
            let runners_up = self.next.iter().map(Version::text).collect();
            return Some(Selection { tag: Some(version.text), version, ambiguous: Vec::new(), runners_up });
        }
        let tied = distinct(&self.first, usize::MAX);
        let ambiguous = tied.len() > 1 && crowded();
        let behind = if ambiguous { &[] } else { &tied[1..] };
        Some(Selection {
            tag: (!ambiguous).then_some(version.text),
            version,
            runners_up: behind.iter().chain(&self.next).take(self.keep).map(Version::text).collect(),
            ambiguous: if ambiguous { tied.iter().map(Version::text).collect() } else { Vec::new() },
        })
    }
}

/// The first so many of these that are spelled differently.
fn distinct<'t>(versions: &[Version<'t>], keep: usize) -> Vec<Version<'t>> {
    let mut seen = BTreeSet::new();
    versions.iter().filter(|version| seen.insert(version.text)).take(keep).copied().collect()
}
