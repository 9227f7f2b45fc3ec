//! What every stage's cluster will pick from a listing, and what it passes over: all that can be told without a single digest.
//!
//! ```
//! use promotion_core::forecast::forecast;
//! use promotion_core::policy::Policy;
//!
//! let tags = ["1.4.0", "1.4.0-rc.3", "1.5.0-rc.1", "2024.01.02", "latest"];
//! let forecast = forecast(&tags, &Policy::default(), 10);
//! let picks: Vec<_> = forecast.stages.iter().map(|stage| stage.tag).collect();
//! assert_eq!(picks, [Some("2024.01.02"), Some("2024.01.02")]);
//! assert_eq!(forecast.stages[1].poison, ["2024.01.02"]);
//! assert_eq!(forecast.line[3].masked_by, Some("1.4.0"));
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use crate::Tag;
use crate::flux::{SelectError, Selector, Version, select};
use crate::policy::{Policy, Stage};
use crate::scheme::Kind;
use crate::version::Rank;

/// What will be picked from a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast<'t> {
    /// The stages, first to last.
    pub stages: Vec<Pick<'t>>,
    /// The highest versions, ours and others', highest first.
    pub line: Vec<Place<'t>>,
    /// What kinds of tags there are.
    pub counts: Counts,
}

/// What one stage's cluster picks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pick<'t> {
    /// The stage.
    pub stage: String,
    /// Its constraint.
    pub constraint: String,
    /// Its filter.
    pub filter: Option<String>,
    /// The tag, or nothing when there is none or it cannot be told.
    pub tag: Option<&'t str>,
    /// The tags between which it cannot be told.
    pub ambiguous: Vec<&'t str>,
    /// The next best tags, best first.
    pub runners_up: Vec<&'t str>,
    /// How many tags match.
    pub matching: usize,
    /// Strangers that outrank or tie with the best of ours, as [`poison`] finds them.
    pub poison: Vec<&'t str>,
    /// Why, in a sentence: what the constraint says of the picked version, or why nothing is picked.
    pub because: String,
}

/// A version in the order of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place<'t> {
    /// The tag.
    pub tag: &'t str,
    /// What it is to us.
    pub kind: PlaceKind,
    /// Of a candidate of ours: the lowest release of ours above it, which hides it from every cluster.
    pub masked_by: Option<&'t str>,
    /// The stages whose clusters consider it.
    pub stages: Vec<String>,
}

/// What a version is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// A release of ours.
    Release,
    /// A candidate of ours.
    Candidate,
    /// A version to Flux, and not ours.
    Stranger,
}

/// How many tags there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Entries of the listing.
    pub tags: usize,
    /// Releases of ours.
    pub releases: usize,
    /// Candidates of ours.
    pub candidates: usize,
    /// Marks of ours: commits, hand-overs and verdicts.
    pub marks: usize,
    /// Floating tags.
    pub channels: usize,
    /// Versions to Flux that are not ours.
    pub strangers: usize,
    /// Tags that say nothing to anybody here.
    pub others: usize,
    /// Entries that no registry would take as a tag.
    pub invalid: usize,
}

/// What every stage's cluster will pick, with at most `line` versions of the listing's order.
#[must_use]
pub fn forecast<'t, T: AsRef<str>>(tags: &'t [T], policy: &Policy, line: usize) -> Forecast<'t> {
    let (mut counts, mut versions) = (Counts { tags: tags.len(), ..Counts::default() }, Vec::new());
    for tag in tags.iter().map(AsRef::as_ref) {
        let kind = match policy.classify(tag) {
            Kind::Version(version) if version.rank == Rank::Release => {
                counts.releases += 1;
                PlaceKind::Release
            }
            Kind::Version(_) => {
                counts.candidates += 1;
                PlaceKind::Candidate
            }
            Kind::Mark(_) => {
                counts.marks += 1;
                continue;
            }
            Kind::Channel => {
                counts.channels += 1;
                continue;
            }
            Kind::Foreign(_) => PlaceKind::Stranger,
        };
        match Version::parse_tag(tag) {
            Ok(version) => {
                counts.strangers += usize::from(kind == PlaceKind::Stranger);
                versions.push((version, kind));
            }
            Err(_) if Tag::check(tag).is_ok() => counts.others += 1,
            Err(_) => counts.invalid += 1,
        }
    }
    versions.sort_by(|(a, _), (b, _)| b.precedence(a));
    versions.dedup_by(|a, b| a.0.text() == b.0.text());
    let mut release = None;
    let place = |(version, kind): &(Version<'t>, PlaceKind)| {
        let masked_by = release.filter(|_| *kind == PlaceKind::Candidate);
        if *kind == PlaceKind::Release {
            release = Some(version.text());
        }
        let considering = policy.stages().iter().filter(|stage| stage.accepts(version.text()));
        let stages = considering.map(|stage| stage.name.clone()).collect();
        Place { tag: version.text(), kind: *kind, masked_by, stages }
    };
    let line = versions.iter().take(line).map(place).collect();
    Forecast { stages: policy.stages().iter().map(|stage| pick(tags, stage, policy)).collect(), line, counts }
}

fn pick<'t, T: AsRef<str>>(tags: &'t [T], stage: &Stage, policy: &Policy) -> Pick<'t> {
    let selector = Selector { filter: stage.filter.clone(), ..Selector::new(stage.constraint.clone()) };
    let mut pick = Pick {
        stage: stage.name.clone(),
        constraint: stage.constraint.to_string(),
        filter: stage.filter.as_ref().map(ToString::to_string),
        tag: None,
        ambiguous: Vec::new(),
        runners_up: Vec::new(),
        matching: selector.matching(tags.iter().map(AsRef::as_ref)),
        poison: poison(tags, &selector, policy),
        because: String::new(),
    };
    match select(tags.iter().map(AsRef::as_ref), &selector) {
        Ok(selection) => {
            pick.because = stage.constraint.explain(&selection.version).to_string();
            (pick.tag, pick.ambiguous, pick.runners_up) = (selection.tag, selection.ambiguous, selection.runners_up);
        }
        Err(error @ (SelectError::NoMatch { .. } | SelectError::Filter(_) | SelectError::Constraint(_))) => {
            pick.because = error.to_string();
        }
    }
    pick
}

/// Matching tags that are not the pipeline's and outrank or tie with the best that is; none where nothing is the
/// pipeline's, for then it is another pipeline's repository.
#[must_use]
pub fn poison<'t, T: AsRef<str>>(tags: &'t [T], selector: &Selector, policy: &Policy) -> Vec<&'t str> {
    let ours = |tag: &str| matches!(policy.classify(tag), Kind::Version(_));
    let considered = tags.iter().filter_map(|tag| selector.consider(tag.as_ref()));
    let (mut best, mut strangers): (Option<Version<'_>>, Vec<Version<'_>>) = (None, Vec::new());
    for version in considered {
        if !ours(version.text()) {
            strangers.push(version);
        } else if best.is_none_or(|best| version.precedence(&best).is_gt()) {
            best = Some(version);
        }
    }
    let Some(best) = best else { return Vec::new() };
    let above = |version: &&Version<'_>| version.precedence(&best).is_ge();
    strangers.iter().filter(above).map(Version::text).collect()
}
