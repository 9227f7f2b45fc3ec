//! Artifacts: a digest and every fact that points at it.
//!
//! ```
//! use promotion_core::artifact::View;
//! use promotion_core::policy::Policy;
//! use promotion_core::snapshot::{Query, Reply, Snapshot};
//! use promotion_core::{Digest, Tag};
//!
//! let (policy, artifact) = (Policy::default(), Digest::of(b"manifest"));
//! let birth: Tag = "0.1.0-rc.1".parse()?;
//! let mut snapshot = Snapshot::new(&policy, &[birth.clone()]);
//! snapshot.learn(Query::Tag(birth), Reply::Digest(Some(artifact)));
//! snapshot.learn(Query::Manifest(artifact), Reply::Manifest(Some(Default::default())));
//! let newest = View::new(&snapshot, &policy).newest(|_, verdicts| !verdicts.rejected()).unwrap().unwrap();
//! assert_eq!(newest.digest, artifact);
//! # Ok::<(), promotion_core::TagError>(())
//! ```

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::manifest::ManifestFacts;
use crate::policy::Policy;
use crate::scheme::{Key, Kind, Mark, MarkTag};
use crate::snapshot::{Needs, Query, Snapshot};
use crate::verdicts::Verdicts;
use crate::version::{Base, Version};
use crate::{Commit, Digest, Tag};

/// A snapshot with planned writes on top.
#[derive(Debug, Clone)]
pub struct View<'s> {
    snapshot: &'s Snapshot,
    policy: &'s Policy,
    written: BTreeMap<Tag, Digest>,
    /// Written versions, highest first.
    versions: Vec<(Version, Tag)>,
}

/// What is known of one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its identity.
    pub digest: Digest,
    /// Its commit, if its manifest names one.
    pub commit: Option<Commit>,
    /// What its marks are keyed by, in full: the commit, or the digest's hex.
    pub key: String,
    /// The marks that point at it.
    pub marks: Vec<MarkTag>,
    /// What the verdicts among them say.
    pub verdicts: Verdicts,
    /// The other artifact that holds its short key, so that its own marks are told apart by digest.
    pub key_held_by: Option<Digest>,
    /// Another artifact was built from the same commit, whichever of the two holds the short key.
    pub commit_shared: bool,
}

/// The newest artifact of some kind, and what was passed on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The artifact.
    pub digest: Digest,
    /// Its highest birth.
    pub birth: Version,
    /// Younger artifacts that are not rejected.
    pub younger: BTreeSet<Digest>,
    /// Younger births whose manifests do not exist.
    pub dangling: Vec<(Tag, Digest)>,
}

impl Artifact {
    /// The mark that says so.
    #[must_use]
    pub fn mark(&self, mark: Mark) -> Option<&MarkTag> {
        self.marks.iter().filter(|tag| tag.mark == mark).max_by_key(|tag| tag.ordinal)
    }

    /// Whether it was handed over to the first stage.
    #[must_use]
    pub fn handed_over(&self) -> bool {
        self.mark(Mark::Stage(0)).is_some()
    }

    /// How a mark of this artifact is written.
    #[must_use]
    pub fn mark_tag(&self, policy: &Policy, mark: Mark, ordinal: u64) -> Tag {
        let hex = self.key.get(..policy.short()).unwrap_or(&self.key).to_owned();
        let fork = self.key_held_by.map(|_| self.digest.short());
        policy.mark_tag(&MarkTag { mark, key: Key { hex, fork }, ordinal })
    }
}

impl<'s> View<'s> {
    /// A view without writes.
    #[must_use]
    pub const fn new(snapshot: &'s Snapshot, policy: &'s Policy) -> Self {
        Self { snapshot, policy, written: BTreeMap::new(), versions: Vec::new() }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &'s Policy {
        self.policy
    }

    /// The snapshot underneath.
    #[must_use]
    pub const fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// Adds a write.
    pub fn write(&mut self, tag: Tag, digest: Digest) {
        if let Kind::Version(version) = self.policy.classify(tag.as_str()) {
            let at = self.versions.partition_point(|(other, _)| *other > version);
            self.versions.insert(at, (version, tag.clone()));
        }
        self.written.insert(tag, digest);
    }

    /// What a tag points at after the writes.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn digest(&self, tag: &Tag) -> Result<Option<Digest>, Needs> {
        match self.written.get(tag) {
            Some(digest) => Ok(Some(*digest)),
            None => self.snapshot.digest(tag),
        }
    }

    /// Our versions after the writes, highest first.
    pub fn versions(&self) -> impl Iterator<Item = (Version, &Tag)> {
        merge(self.snapshot.versions(), &self.versions)
    }

    /// Our versions with this base, highest first.
    pub fn versions_of(&self, base: Base) -> impl Iterator<Item = (Version, &Tag)> {
        let (read, written) = (from(self.snapshot.versions(), base), from(&self.versions, base));
        merge(read, written).take_while(move |(version, _)| version.base == base)
    }

    /// Births, youngest first.
    pub fn births(&self) -> impl Iterator<Item = (Version, &Tag)> {
        self.versions().filter(|(version, _)| version.is_birth())
    }

    /// Everything known of an artifact; `None` when its manifest does not exist.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn artifact(&self, digest: Digest) -> Result<Option<Artifact>, Needs> {
        let Some(facts) = self.snapshot.manifest(digest)? else { return Ok(None) };
        let commit = facts.revision.as_ref().map(|revision| revision.commit.clone());
        let key = commit.as_ref().map_or_else(|| digest.hex(), |commit| commit.as_str().to_owned());
        self.gather(digest, commit, key).map(Some)
    }

    /// What was said of an artifact, read from its verdicts alone; `None` when its manifest does not exist.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn verdicts(&self, digest: Digest) -> Result<Option<Verdicts>, Needs> {
        let Some(facts) = self.snapshot.manifest(digest)? else { return Ok(None) };
        let hex = || digest.hex();
        let key = facts.revision.as_ref().map_or_else(hex, |revision| revision.commit.as_str().to_owned());
        let short = key.get(..self.policy.short()).unwrap_or(&key);
        let (mut said, mut needs) = (Vec::new(), Needs::default());
        for (tag, mark) in self.marks_like(short).into_iter().filter(|(_, mark)| mark.mark.is_verdict()) {
            match self.digest(tag) {
                Err(unknown) => needs.0.extend(unknown.0),
                Ok(Some(target)) if target == digest && mark.key.means(&key, digest) => {
                    said.push((mark.mark, mark.ordinal));
                }
                Ok(_) => {}
            }
        }
        if needs.0.is_empty() { Ok(Some(said.into_iter().collect())) } else { Err(needs) }
    }

    /// What its manifest says.
    ///
    /// # Errors
    /// The query, when it was not read.
    pub fn manifest(&self, digest: Digest) -> Result<Option<&'s ManifestFacts>, Needs> {
        self.snapshot.manifest(digest)
    }

    /// Whether another artifact was built from this commit, as its manifest says; one that says nothing may have been.
    fn same_commit(&self, other: Digest, commit: Option<&Commit>) -> Result<bool, Needs> {
        let theirs = self.snapshot.manifest(other)?.and_then(|facts| facts.revision.as_ref());
        Ok(theirs.is_none_or(|theirs| Some(&theirs.commit) == commit))
    }

    fn gather(&self, digest: Digest, commit: Option<Commit>, key: String) -> Result<Artifact, Needs> {
        let short = key.get(..self.policy.short()).unwrap_or(&key).to_owned();
        let mut found = Artifact {
            digest,
            commit,
            key,
            marks: Vec::new(),
            verdicts: Verdicts::default(),
            key_held_by: None,
            commit_shared: false,
        };
        let mut needs = Needs::default();
        for (tag, mark) in self.marks_like(&short) {
            match self.digest(tag) {
                Err(unknown) => needs.0.extend(unknown.0),
                Ok(Some(target)) if target == digest => {
                    if mark.key.means(&found.key, digest) {
                        found.marks.push(mark);
                    }
                }
                Ok(Some(other)) if found.key.starts_with(&mark.key.hex) => {
                    if mark.key.fork.is_none() && mark.key.hex == short {
                        found.key_held_by = Some(other);
                    }
                    match self.same_commit(other, found.commit.as_ref()) {
                        Ok(same) => found.commit_shared |= same,
                        Err(unknown) => needs.0.extend(unknown.0),
                    }
                }
                Ok(_) => {}
            }
        }
        found.verdicts = found.marks.iter().map(|mark| (mark.mark, mark.ordinal)).collect();
        if needs.0.is_empty() { Ok(found) } else { Err(needs) }
    }

    /// Marks whose key starts like this one, in byte order.
    fn marks_like(&self, short: &str) -> Vec<(&Tag, MarkTag)> {
        let stem = short.get(..7).unwrap_or(short);
        let mut marks = Vec::new();
        for (prefix, kind) in self.policy.marks() {
            let prefix = format!("{prefix}{stem}");
            let written: Vec<&Tag> = self.written.keys().filter(|tag| tag.as_str().starts_with(&prefix)).collect();
            for tag in self.snapshot.tags_with_prefix(prefix).chain(written) {
                if let Kind::Mark(mark) = self.policy.classify(tag.as_str())
                    && mark.mark == kind
                {
                    marks.push((tag, mark));
                }
            }
        }
        marks.sort_unstable();
        marks.dedup();
        marks
    }

    /// The artifact with the highest birth among those that are wanted. A manifest that does not exist is none of them.
    ///
    /// Reads from the highest birth down and stops at the first that is wanted.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn newest(&self, wanted: impl Fn(Digest, &Verdicts) -> bool) -> Result<Option<Newest>, Needs> {
        self.newest_of(&wanted)
    }

    /// Compiled once, whatever is wanted.
    fn newest_of(&self, wanted: &dyn Fn(Digest, &Verdicts) -> bool) -> Result<Option<Newest>, Needs> {
        let mut seen = BTreeSet::new();
        let mut younger = BTreeSet::new();
        let mut dangling = Vec::new();
        for (passed, (birth, tag)) in self.births().enumerate() {
            let known = match self.tagged(tag) {
                Ok(known) => known,
                Err(needs) => return Err(self.ahead(needs, passed, |tag| self.tagged(tag).err())),
            };
            let Some((digest, verdicts)) = known else { continue };
            if !seen.insert(digest) {
                continue;
            }
            match verdicts {
                Some(verdicts) if wanted(digest, &verdicts) => {
                    return Ok(Some(Newest { digest, birth, younger, dangling }));
                }
                Some(verdicts) if verdicts.rejected() => {}
                Some(_) => {
                    younger.insert(digest);
                }
                // One whose manifest is gone cannot be chosen, and nobody rejected it.
                None => {
                    younger.insert(digest);
                    dangling.push((tag.clone(), digest));
                }
            }
        }
        Ok(None)
    }

    /// The artifact's highest birth.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn birth_of(&self, digest: Digest) -> Result<Option<Version>, Needs> {
        for (passed, (birth, tag)) in self.births().enumerate() {
            match self.digest(tag) {
                Err(needs) => return Err(self.ahead(needs, passed, |tag| self.digest(tag).err())),
                Ok(found) if found == Some(digest) => return Ok(Some(birth)),
                Ok(_) => {}
            }
        }
        Ok(None)
    }

    /// On a walk down the births, what is needed next and half as much again as was passed: a long walk takes few round
    /// trips, and a short one reads nothing in vain.
    pub(crate) fn ahead(&self, needs: Needs, passed: usize, look: impl Fn(&Tag) -> Option<Needs>) -> Needs {
        ahead(needs, passed, self.births().map(|(_, tag)| tag), look)
    }

    /// What a tag points at, and what was said of that: `None` when its manifest does not exist.
    pub(crate) fn tagged(&self, tag: &Tag) -> Result<Option<(Digest, Option<Verdicts>)>, Needs> {
        let Some(digest) = self.digest(tag)? else { return Ok(None) };
        Ok(Some((digest, self.verdicts(digest)?)))
    }

    /// The highest of our versions that the stage's cluster considers, with what it points at.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn selected(&self, stage: u8) -> Result<Option<(Version, Tag, Digest)>, Needs> {
        for (version, tag) in self.versions() {
            if self.policy.sees(stage, &version, tag.as_str())
                && let Some(digest) = self.digest(tag)?
            {
                return Ok(Some((version, tag.clone(), digest)));
            }
        }
        Ok(None)
    }

    /// The highest release that is there: one that was listed, or stood in somebody's way, may be gone since.
    ///
    /// # Errors
    /// What must be read to tell.
    pub(crate) fn highest_release(&self) -> Result<Option<Version>, Needs> {
        for (version, tag) in self.versions().filter(|(version, _)| version.is_release()) {
            if self.digest(tag)?.is_some() {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// Asks for everything: every tag of ours and every manifest they point at.
    ///
    /// # Errors
    /// What was not read.
    pub fn require_everything(&self) -> Result<(), Needs> {
        let mut needs = Needs::default();
        for tag in self.snapshot.tags() {
            if matches!(self.policy.classify(tag.as_str()), Kind::Foreign(_) | Kind::Channel) {
                continue;
            }
            match self.snapshot.digest(tag) {
                Err(unknown) => needs.0.extend(unknown.0),
                Ok(Some(digest)) if self.snapshot.manifest(digest).is_err() => {
                    needs.0.insert(Query::Manifest(digest));
                }
                Ok(_) => {}
            }
        }
        if needs.0.is_empty() { Ok(()) } else { Err(needs) }
    }
}

/// [`View::ahead`] on any walk.
pub(crate) fn ahead<'t>(
    mut needs: Needs,
    passed: usize,
    walk: impl Iterator<Item = &'t Tag>,
    look: impl Fn(&Tag) -> Option<Needs>,
) -> Needs {
    for more in walk.skip(passed + 1).take(passed / 2).filter_map(look) {
        needs.0.extend(more.0);
    }
    needs
}

/// The versions that are not above this base; the input is highest first.
fn from(versions: &[(Version, Tag)], base: Base) -> &[(Version, Tag)] {
    &versions[versions.partition_point(|(version, _)| version.base > base)..]
}

/// Two lists, highest first, as one without repetitions.
fn merge<'v>(read: &'v [(Version, Tag)], written: &'v [(Version, Tag)]) -> impl Iterator<Item = (Version, &'v Tag)> {
    let (mut read, mut written) = (read.iter().peekable(), written.iter().peekable());
    core::iter::from_fn(move || {
        let next = match (read.peek(), written.peek()) {
            (Some(a), Some(b)) if a.0 == b.0 => {
                read.next();
                written.next()
            }
            (Some(a), Some(b)) if a.0 < b.0 => written.next(),
            (None, _) => written.next(),
            (Some(_), _) => read.next(),
        };
        next.map(|(version, tag)| (*version, tag))
    })
}
