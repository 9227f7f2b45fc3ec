//! Snapshot: what was read of a repository, as plain data, indexed once for planning.
//!
//! Unknown is never absent: a tag that is listed and not yet resolved is a [`Query`], not an answer.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::snapshot::{Query, Reply, Snapshot};
//! use promotion_core::{Digest, Tag};
//!
//! let tag: Tag = "0.1.0-rc.1".parse()?;
//! let mut snapshot = Snapshot::new(&Policy::default(), &[tag.clone()]);
//! assert!(snapshot.digest(&tag).is_err(), "listed, not yet resolved");
//! snapshot.learn(Query::Tag(tag.clone()), Reply::Digest(Some(Digest::of(b"manifest"))));
//! assert_eq!(snapshot.digest(&tag), Ok(Some(Digest::of(b"manifest"))));
//! # Ok::<(), promotion_core::TagError>(())
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Bound;

use crate::flux::Version as FluxVersion;
use crate::manifest::ManifestFacts;
use crate::policy::Policy;
use crate::scheme::{Foreign, Kind};
use crate::version::Version;
use crate::{Commit, Digest, Tag};

/// Something the planner needs to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Query {
    /// What does the tag point at?
    Tag(Tag),
    /// What does the manifest say?
    Manifest(Digest),
    /// Is `ancestor` an ancestor of `descendant`?
    Ancestry {
        /// The commit that may be older.
        ancestor: Commit,
        /// The commit that may be newer.
        descendant: Commit,
    },
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// To [`Query::Tag`]: its digest, or that the registry has no such tag.
    Digest(Option<Digest>),
    /// To [`Query::Manifest`]: what it says, or that the registry has no such manifest.
    Manifest(Option<ManifestFacts>),
    /// To [`Query::Ancestry`].
    Ancestry(Ancestry),
}

/// How two commits relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ancestry {
    /// The first is an ancestor of the second.
    Ancestor,
    /// It is not.
    Unrelated,
    /// Nobody can tell: a shallow clone, or no clone at all.
    Unknown,
}

/// What the planner still needs; never empty as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs(pub BTreeSet<Query>);

impl From<Query> for Needs {
    fn from(query: Query) -> Self {
        Self(BTreeSet::from([query]))
    }
}

/// What is known of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// Every listed tag; `Some` once resolved. A tag that is not here is absent: the listing was complete.
    tags: BTreeMap<Tag, Option<Option<Digest>>>,
    /// Our versions, highest first.
    versions: Vec<(Version, Tag)>,
    /// Foreign tags that Flux reads as versions, highest first.
    strangers: Vec<Tag>,
    manifests: BTreeMap<Digest, Option<ManifestFacts>>,
    /// Few, sorted.
    ancestry: Vec<((Commit, Commit), Ancestry)>,
}

impl Snapshot {
    /// Indexes a complete listing; order and repetitions do not matter here (selection has its own rules for them).
    #[must_use]
    pub fn new(policy: &Policy, listing: &[Tag]) -> Self {
        let mut versions = Vec::new();
        let mut strangers = Vec::new();
        for tag in listing {
            match policy.classify(tag.as_str()) {
                Kind::Version(version) => versions.push((version, tag.clone())),
                Kind::Foreign(Foreign::OutsideLine | Foreign::Other)
                    if FluxVersion::parse_tag(tag.as_str()).is_ok() =>
                {
                    strangers.push(tag.clone());
                }
                Kind::Foreign(_) | Kind::Mark(_) | Kind::Channel => {}
            }
        }
        versions.sort_unstable_by(|a, b| b.cmp(a));
        versions.dedup();
        strangers.sort_by(|a, b| flux_order(b, a));
        strangers.dedup();
        Self {
            tags: listing.iter().map(|tag| (tag.clone(), None)).collect(),
            versions,
            strangers,
            manifests: BTreeMap::new(),
            ancestry: Vec::new(),
        }
    }

    /// A newer listing of the same repository. What manifests and commits say stays; what tags point at stays too if
    /// `tags_stay` (facts never move where writes are compare-and-swap), else it must be read again.
    #[must_use]
    pub fn relisted(self, policy: &Policy, listing: &[Tag], tags_stay: bool) -> Self {
        let mut fresh = Self::new(policy, listing);
        if tags_stay {
            for (tag, known) in &mut fresh.tags {
                if let Some(Some(Some(digest))) = self.tags.get(tag) {
                    *known = Some(Some(*digest));
                }
            }
        }
        Self { manifests: self.manifests, ancestry: self.ancestry, ..fresh }
    }

    /// Adds an answer; what does not answer the question is ignored. A tag that was not listed and turns out to exist is added to the index by the next listing.
    pub fn learn(&mut self, query: Query, reply: Reply) {
        match (query, reply) {
            (Query::Tag(tag), Reply::Digest(digest)) => {
                self.tags.insert(tag, Some(digest));
            }
            (Query::Manifest(digest), Reply::Manifest(facts)) => {
                self.manifests.insert(digest, facts);
            }
            (Query::Ancestry { ancestor, descendant }, Reply::Ancestry(ancestry)) => {
                let pair = (ancestor, descendant);
                match self.ancestry.binary_search_by(|(known, _)| known.cmp(&pair)) {
                    Ok(place) => self.ancestry[place].1 = ancestry,
                    Err(place) => self.ancestry.insert(place, (pair, ancestry)),
                }
            }
            // No answer to this question: it stays open.
            (Query::Tag(_) | Query::Manifest(_) | Query::Ancestry { .. }, _) => {}
        }
    }

    /// Forgets what a tag points at: somebody else wrote it.
    pub fn forget(&mut self, tag: &Tag) {
        if let Some(known) = self.tags.get_mut(tag) {
            *known = None;
        }
    }

    /// What a tag points at; `None` when there is no such tag.
    ///
    /// # Errors
    /// The query, when it is listed and was not resolved.
    pub fn digest(&self, tag: &Tag) -> Result<Option<Digest>, Needs> {
        match self.tags.get(tag) {
            None => Ok(None),
            Some(Some(digest)) => Ok(*digest),
            Some(None) => Err(Query::Tag(tag.clone()).into()),
        }
    }

    /// What a manifest says; `None` when there is no such manifest.
    ///
    /// # Errors
    /// The query, when it was not read.
    pub fn manifest(&self, digest: Digest) -> Result<Option<&ManifestFacts>, Needs> {
        match self.manifests.get(&digest) {
            Some(facts) => Ok(facts.as_ref()),
            None => Err(Query::Manifest(digest).into()),
        }
    }

    /// How two commits relate.
    ///
    /// # Errors
    /// The query, when it was not asked.
    pub fn ancestry(&self, ancestor: &Commit, descendant: &Commit) -> Result<Ancestry, Needs> {
        match self.ancestry.iter().find(|((first, second), _)| first == ancestor && second == descendant) {
            Some((_, ancestry)) => Ok(*ancestry),
            None => Err(Query::Ancestry { ancestor: ancestor.clone(), descendant: descendant.clone() }.into()),
        }
    }

    /// Our versions, highest first.
    #[must_use]
    pub fn versions(&self) -> &[(Version, Tag)] {
        &self.versions
    }

    /// Foreign tags that Flux reads as versions, highest first.
    #[must_use]
    pub fn strangers(&self) -> &[Tag] {
        &self.strangers
    }

    /// Every listed tag, in byte order.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.keys()
    }

    /// Listed tags with this prefix, in byte order.
    pub fn tags_with_prefix(&self, prefix: String) -> impl Iterator<Item = &Tag> {
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let tags = self.tags.range::<str, _>(from).map(|(tag, _)| tag);
        tags.take_while(move |tag| tag.as_str().starts_with(&prefix))
    }

    /// Tags that were resolved, in byte order, with what they point at.
    pub fn resolved(&self) -> impl Iterator<Item = (&Tag, Option<Digest>)> {
        self.tags.iter().filter_map(|(tag, known)| known.map(|digest| (tag, digest)))
    }

    /// Manifests that were read, by digest.
    pub fn manifests(&self) -> impl Iterator<Item = (Digest, Option<&ManifestFacts>)> {
        self.manifests.iter().map(|(digest, facts)| (*digest, facts.as_ref()))
    }
}

/// Flux's precedence; tags that it does not read come last.
pub(crate) fn flux_order(a: &Tag, b: &Tag) -> core::cmp::Ordering {
    match (FluxVersion::parse_tag(a.as_str()), FluxVersion::parse_tag(b.as_str())) {
        (Ok(a), Ok(b)) => a.precedence(&b),
        (a, b) => a.is_ok().cmp(&b.is_ok()),
    }
}
