//! Retention: which tags may be deleted without changing what any stage selects, now or after a crash, and in which order.
//!
//! Whole artifacts are kept or deleted, and what the pipeline itself stands on is kept whatever anybody says.
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use promotion_core::Tag;
//! use promotion_core::memory::MemoryRegistry;
//! use promotion_core::policy::Policy;
//! use promotion_core::ports::Expect;
//! use promotion_core::retention::deletions;
//! use promotion_core::snapshot::Snapshot;
//!
//! let (mut registry, policy) = (MemoryRegistry::default(), Policy::default());
//! let old = registry.push_artifact("aaaaaaa5a3b4c1d8e7f60718293a4b5c6d7e8f90", "old");
//! let live = registry.push_artifact("bbbbbbb5a3b4c1d8e7f60718293a4b5c6d7e8f90", "live");
//! let facts = [
//!     (old, ["integration-aaaaaaa", "0.1.0-rc.1", "validated-aaaaaaa", "0.1.0"]),
//!     (live, ["integration-bbbbbbb", "0.1.1-rc.1", "validated-bbbbbbb", "0.1.1"]),
//! ];
//! for (artifact, tags) in facts {
//!     for tag in tags {
//!         registry.put(&tag.parse().unwrap(), artifact, Expect::Absent).unwrap();
//!     }
//! }
//!
//! let mut snapshot = Snapshot::new(&policy, &registry.listing().tags);
//! let plan = loop {
//!     match deletions(&snapshot, &policy, &BTreeSet::new()) {
//!         Ok(plan) => break plan,
//!         Err(needs) => needs.0.into_iter().for_each(|query| {
//!             let reply = registry.reply(&query);
//!             snapshot.learn(query, reply);
//!         }),
//!     }
//! };
//! let tags: Vec<&str> = plan.iter().map(|deletion| deletion.tag.as_str()).collect();
//! assert_eq!(tags, ["integration-aaaaaaa", "0.1.0-rc.1", "0.1.0", "validated-aaaaaaa"]);
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::artifact::View;
use crate::policy::Policy;
use crate::scheme::{Kind, Mark, MarkTag};
use crate::snapshot::{Needs, Query, Snapshot};
use crate::version::Version;
use crate::{Digest, Tag};

/// A tag to delete, provided that it still points at the digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deletion {
    /// The tag.
    pub tag: Tag,
    /// What it must point at.
    pub digest: Digest,
}

/// The tags that may be deleted when only these artifacts must be kept, in the order in which to delete them: artifact by
/// artifact, oldest first. It is safe to stop after any of them, and to plan again.
///
/// Besides `keep`, an artifact stays as it is when it
/// - holds the highest release, or a candidate above it: without any release, everything does;
/// - is what a stage selects, or should select by the rules;
/// - is pointed at by a tag that is not a fact of the pipeline: a channel, or a stranger;
/// - has a manifest that cannot be read;
/// - was handed over or named by its commit and has no version: nobody can tell whether its build is still at work.
///
/// Only under a lock is that a promise: a promotion at work beside the deletion may need what is deleted.
///
/// # Errors
/// What must be read to tell: every tag, and every manifest that they point at.
pub fn deletions(snapshot: &Snapshot, policy: &Policy, keep: &BTreeSet<Digest>) -> Result<Vec<Deletion>, Needs> {
    let view = View::new(snapshot, policy);
    let artifacts = everything(&view)?;
    let Some((highest, _)) = view.versions().find(|(version, _)| version.is_release()) else {
        return Ok(Vec::new());
    };
    let needed = selected_or_wanted(&view)?;
    let stays = |digest: &Digest| keep.contains(digest) || needed.contains(digest);
    let mut doomed: Vec<(Digest, Facts)> =
        artifacts.into_iter().filter(|(digest, facts)| !stays(digest) && facts.may_go(highest)).collect();
    doomed.sort_by_key(|(digest, facts)| (facts.birth(), *digest));
    let deletions = doomed
        .into_iter()
        .flat_map(|(digest, facts)| facts.in_order().into_iter().map(move |tag| Deletion { tag, digest }));
    Ok(deletions.collect())
}

/// Every tag of one artifact.
#[derive(Debug, Default)]
struct Facts {
    versions: Vec<(Version, Tag)>,
    marks: Vec<(MarkTag, Tag)>,
    /// A tag that says nothing about the pipeline points at it.
    wanted_elsewhere: bool,
    unreadable: bool,
}

impl Facts {
    fn may_go(&self, highest: Version) -> bool {
        let below = self.versions.iter().all(|(version, _)| *version < highest);
        let begun = self.marks.iter().any(|(mark, _)| matches!(mark.mark, Mark::Commit | Mark::Stage(0)));
        let being_built = begun && self.versions.is_empty();
        below && !being_built && !self.wanted_elsewhere && !self.unreadable
    }

    fn birth(&self) -> Option<Version> {
        self.versions.iter().map(|(version, _)| *version).filter(Version::is_birth).max()
    }

    /// First what lets anybody promote it, then what a stage could select, then what is known of it; of that the
    /// rejection last, so that bytes which are known to be bad never look as if they were not.
    fn in_order(self) -> Vec<Tag> {
        let (begun, verdicts): (Vec<_>, Vec<_>) =
            self.marks.into_iter().partition(|(mark, _)| matches!(mark.mark, Mark::Commit | Mark::Stage(0)));
        let (mut releases, mut candidates): (Vec<_>, Vec<_>) =
            self.versions.into_iter().partition(|(version, _)| version.is_release());
        candidates.sort_by(|a, b| b.cmp(a));
        releases.sort_by(|a, b| b.cmp(a));
        let begun = sorted(begun).into_iter();
        let versions = candidates.into_iter().chain(releases).map(|(_, tag)| tag);
        begun.chain(versions).chain(sorted(verdicts)).collect()
    }
}

/// Marks in the order of their deletion.
fn sorted(mut marks: Vec<(MarkTag, Tag)>) -> Vec<Tag> {
    let rank = |mark: Mark| match mark {
        Mark::Stage(0) => 0,
        Mark::Commit => 1,
        Mark::Stage(_) => 2,
        Mark::Reopened => 3,
        Mark::Rejected => 4,
    };
    marks.sort_by(|(a, one), (b, two)| {
        (rank(a.mark), Reverse(a.ordinal), one).cmp(&(rank(b.mark), Reverse(b.ordinal), two))
    });
    marks.into_iter().map(|(_, tag)| tag).collect()
}

/// Every artifact that a tag points at. Everything is read: one tag that nobody looked at may be what an artifact is
/// kept for.
fn everything(view: &View<'_>) -> Result<BTreeMap<Digest, Facts>, Needs> {
    let mut artifacts: BTreeMap<Digest, Facts> = BTreeMap::new();
    let mut needs = Needs::default();
    for tag in view.snapshot().tags() {
        let digest = match view.digest(tag) {
            Ok(Some(digest)) => digest,
            Ok(None) => continue,
            Err(unknown) => {
                needs.0.extend(unknown.0);
                continue;
            }
        };
        let facts = artifacts.entry(digest).or_default();
        match view.manifest(digest) {
            Ok(manifest) => facts.unreadable = manifest.is_none(),
            Err(_) => {
                needs.0.insert(Query::Manifest(digest));
            }
        }
        match view.policy().classify(tag.as_str()) {
            Kind::Version(version) => facts.versions.push((version, tag.clone())),
            Kind::Mark(mark) => facts.marks.push((mark, tag.clone())),
            Kind::Channel | Kind::Foreign(_) => facts.wanted_elsewhere = true,
        }
    }
    if needs.0.is_empty() { Ok(artifacts) } else { Err(needs) }
}

/// What each stage selects, and what it should select: between two writes of a promotion the two differ.
fn selected_or_wanted(view: &View<'_>) -> Result<BTreeSet<Digest>, Needs> {
    let mut needed = BTreeSet::new();
    for stage in 0..=view.policy().last() {
        needed.extend(view.selected(stage)?.map(|(_, _, digest)| digest));
        let newest = match stage {
            0 => view.newest(|_, verdicts| !verdicts.rejected())?,
            stage => view.newest(|_, verdicts| verdicts.admitted(stage))?,
        };
        needed.extend(newest.map(|newest| newest.digest));
    }
    Ok(needed)
}
