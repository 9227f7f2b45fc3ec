//! The oracle: the two rules read naively off a registry's tags, with Flux's own selection, and without the planner.
//!
//! ```
//! use promotion_core::memory::MemoryRegistry;
//! use promotion_core::policy::Policy;
//! use promotion_core::ports::Expect;
//! use promotion_core::testing::oracle::Oracle;
//!
//! let mut registry = MemoryRegistry::default();
//! let artifact = registry.push_artifact("6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "content");
//! registry.put(&"0.1.0-rc.1".parse().unwrap(), artifact, Expect::Absent).unwrap();
//! let policy = Policy::default();
//! let oracle = Oracle::read(&registry, &policy);
//! assert_eq!((oracle.newest(0), oracle.selected(0)), (Some(artifact), Some(artifact)));
//! ```

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::flux::Version as FluxVersion;
use crate::memory::MemoryRegistry;
use crate::policy::Policy;
use crate::scheme::{Kind, Mark};
use crate::version::Version;
use crate::{Digest, Tag};

/// A registry, read in full.
#[derive(Debug, Clone)]
pub struct Oracle<'r> {
    policy: &'r Policy,
    tags: &'r BTreeMap<Tag, Digest>,
    artifacts: BTreeMap<Digest, Known>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    birth: Option<Version>,
    /// Highest ordinals: rejected, reopened, and evidence by stage.
    rejected: u64,
    reopened: u64,
    evidence: BTreeMap<u8, u64>,
}

impl<'r> Oracle<'r> {
    /// Reads every tag.
    #[must_use]
    pub fn read(registry: &'r MemoryRegistry, policy: &'r Policy) -> Self {
        let mut artifacts: BTreeMap<Digest, Known> = BTreeMap::new();
        // Each manifest is read once, however many tags point at it.
        let mut keys: BTreeMap<Digest, String> = BTreeMap::new();
        for (tag, digest) in registry.tags() {
            let Some(manifest) = registry.manifest(*digest) else { continue };
            let known = artifacts.entry(*digest).or_default();
            match policy.classify(tag.as_str()) {
                Kind::Version(version) if version.is_birth() => known.birth = known.birth.max(Some(version)),
                Kind::Mark(mark) => {
                    let key = keys.entry(*digest).or_insert_with(|| {
                        let revision = manifest.read().unwrap_or_default().revision;
                        revision.map_or_else(|| digest.hex(), |revision| revision.commit.to_string())
                    });
                    if !mark.key.means(key, *digest) {
                        continue;
                    }
                    match mark.mark {
                        Mark::Rejected => known.rejected = known.rejected.max(mark.ordinal),
                        Mark::Reopened => known.reopened = known.reopened.max(mark.ordinal),
                        Mark::Stage(stage) => {
                            let highest = known.evidence.entry(stage).or_default();
                            *highest = mark.ordinal.max(*highest);
                        }
                        Mark::Commit => {}
                    }
                }
                _ => {}
            }
        }
        Self { policy, tags: registry.tags(), artifacts }
    }

    /// Whether the artifact's highest verdict is a rejection.
    #[must_use]
    pub fn rejected(&self, digest: Digest) -> bool {
        self.artifacts.get(&digest).is_some_and(|known| {
            let evidence = known.evidence.iter().filter(|(stage, _)| **stage > 0).map(|(_, ordinal)| *ordinal).max();
            known.rejected > 0 && known.rejected >= known.reopened && known.rejected >= evidence.unwrap_or(0)
        })
    }

    /// Whether every stage up to this one has admitted the artifact.
    #[must_use]
    pub fn admitted(&self, digest: Digest, stage: u8) -> bool {
        let Some(known) = self.artifacts.get(&digest) else { return false };
        let stands = |stage: u8| {
            let evidence = known.evidence.get(&stage).copied().unwrap_or(0);
            evidence > known.rejected && evidence >= known.reopened
        };
        !self.rejected(digest) && (1..=stage).all(stands)
    }

    /// When the artifact was built, as a version.
    #[must_use]
    pub fn birth(&self, digest: Digest) -> Option<Version> {
        self.artifacts.get(&digest)?.birth
    }

    /// What the rules want the stage to select.
    #[must_use]
    pub fn newest(&self, stage: u8) -> Option<Digest> {
        let born = self.artifacts.iter().filter_map(|(digest, known)| Some((known.birth?, *digest)));
        let wanted = |digest| if stage == 0 { !self.rejected(digest) } else { self.admitted(digest, stage) };
        born.filter(|(_, digest)| wanted(*digest)).max().map(|(_, digest)| digest)
    }

    /// What Flux selects for the stage among our own tags.
    #[must_use]
    pub fn selected(&self, stage: u8) -> Option<Digest> {
        self.selected_tag(stage).and_then(|tag| self.tags.get(&tag).copied())
    }

    /// The tag that Flux selects for the stage among our own tags.
    #[must_use]
    pub fn selected_tag(&self, stage: u8) -> Option<Tag> {
        let rules = self.policy.stages().get(usize::from(stage))?;
        let ours = self.tags.keys().filter(|tag| matches!(self.policy.classify(tag.as_str()), Kind::Version(_)));
        let accepted = ours.filter(|tag| {
            rules.filter.as_ref().is_none_or(|filter| filter.is_match(tag.as_str()))
                && FluxVersion::parse_tag(tag.as_str()).is_ok_and(|version| rules.constraint.matches(&version))
        });
        let highest = accepted.max_by(|a, b| {
            let parse = |tag: &'r Tag| FluxVersion::parse_tag(tag.as_str()).ok();
            match (parse(a), parse(b)) {
                (Some(a), Some(b)) => a.precedence(&b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            }
        });
        highest.cloned()
    }

    /// A stage that cannot follow the rule, because of what it runs: something newer that nobody rejected,
    /// something made by hand, or something whose own birth was lost.
    #[must_use]
    pub fn excused(&self, stage: u8) -> bool {
        let Some(target) = self.newest(stage) else { return true };
        let Some(tag) = self.selected_tag(stage) else { return false };
        let Some(running) = self.tags.get(&tag).copied() else { return true };
        if stage == 0 || self.rejected(running) {
            return false;
        }
        let newer = self.birth(running) > self.birth(target);
        let Kind::Version(version) = self.policy.classify(tag.as_str()) else { return true };
        let before = version.stage(self.policy.last()).saturating_sub(1);
        let stripped = self.tags.iter().any(|(tag, digest)| {
            let kind = self.policy.classify(tag.as_str());
            let candidate = matches!(kind, Kind::Version(other) if other.base == version.base && !other.is_release() && other.stage(before) == before);
            candidate && *digest == running
        });
        let held = !stripped || self.birth(running).is_none();
        newer || (held && self.birth(target) < Some(version))
    }

    /// Everything that is wrong at rest, as sentences.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        (0..=self.policy.last()).filter_map(|stage| self.broken_rule(stage)).collect()
    }

    /// What is wrong with a stage at rest, as a sentence.
    #[must_use]
    pub fn broken_rule(&self, stage: u8) -> Option<String> {
        let newest = self.newest(stage)?;
        if self.selected(stage) == Some(newest) || self.excused(stage) {
            return None;
        }
        let selected = match (self.selected_tag(stage), self.selected(stage)) {
            (Some(tag), Some(digest)) => format!("{tag} ({})", digest.short()),
            _ => "nothing".to_string(),
        };
        let name = self.policy.stages().get(usize::from(stage)).map(|stage| stage.name.as_str()).unwrap_or_default();
        Some(format!("{name} selects {selected} and should select {}", newest.short()))
    }
}
