//! Repositories of any size for benchmarks: the same for the same size, on every machine.
//!
//! ```
//! let repository = promotion_benches::Repository::of(1_000);
//! assert_eq!(repository.tags.len(), 1_000);
//! assert!(repository.tags.iter().any(|tag| tag.as_str().starts_with("validated-")));
//! ```

use std::collections::BTreeMap;

use promotion_core::converge::{Request, Stop, converge};
use promotion_core::manifest::ManifestFacts;
use promotion_core::plan::{Goal, Plan};
use promotion_core::policy::Policy;
use promotion_core::reason::Refusal;
use promotion_core::snapshot::{Ancestry, Query, Reply, Snapshot};
use promotion_core::time::Timestamp;
use promotion_core::{Digest, Revision, Tag};

/// How many tags are benchmarked.
pub const SIZES: [usize; 3] = [100, 10_000, 100_000];

/// Tags and manifests as a pipeline of some years leaves them.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// The listing, in no order, like a registry's.
    pub tags: Vec<Tag>,
    digests: BTreeMap<Tag, Digest>,
    manifests: BTreeMap<Digest, ManifestFacts>,
}

impl Repository {
    /// A repository of so many tags: of each build a commit tag, a hand-over and a candidate; half of the builds are
    /// validated and released; one tag in about twenty is a stranger's.
    ///
    /// # Panics
    /// Never: every tag is composed of legal parts.
    #[must_use]
    pub fn of(size: usize) -> Self {
        let mut repository = Self::default();
        let (mut releases, mut candidate) = (0, 0);
        for build in 0.. {
            if repository.tags.len() >= size {
                break;
            }
            candidate += 1;
            let (key, base) = (key(build), format!("0.{}.{}", releases / 50, releases % 50));
            let mut texts = vec![format!("sha-{key}"), format!("integration-{key}"), format!("{base}-rc.{candidate}")];
            if build % 2 == 1 {
                texts.extend([format!("validated-{key}"), base]);
                (releases, candidate) = (releases + 1, 0);
            }
            let digest = repository.push(build);
            for text in texts {
                repository.tag(&text, digest, size);
            }
            if build % 5 == 0 {
                repository.tag(&stranger(build), digest, size);
            }
        }
        shuffle(&mut repository.tags);
        repository
    }

    /// Adds the content of a build, by digest.
    pub fn push(&mut self, build: u32) -> Digest {
        let digest = Digest::of(&build.to_le_bytes());
        let revision: Option<Revision> = format!("main@sha1:{}{:033x}", key(build), build).parse().ok();
        self.manifests.insert(digest, ManifestFacts { revision, ..ManifestFacts::default() });
        digest
    }

    /// The commit of what a tag points at.
    #[must_use]
    pub fn revision(&self, tag: &Tag) -> Option<&Revision> {
        self.manifests.get(self.digests.get(tag)?)?.revision.as_ref()
    }

    fn tag(&mut self, text: &str, digest: Digest, size: usize) {
        if let Ok(tag) = text.parse::<Tag>()
            && self.tags.len() < size
        {
            self.digests.insert(tag.clone(), digest);
            self.tags.push(tag);
        }
    }

    /// A snapshot that knows all that the plan for a goal needs.
    ///
    /// # Errors
    /// The refusal of the goal.
    pub fn resolved(&self, policy: &Policy, goal: &Goal) -> Result<(Snapshot, Plan), Refusal> {
        let mut snapshot = Snapshot::new(policy, &self.tags);
        loop {
            match converge(&snapshot, policy, &Request::new(goal, Timestamp::from_unix(0))) {
                Ok(plan) => return Ok((snapshot, plan)),
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Needs(needs)) => {
                    for query in needs.0 {
                        let reply = match &query {
                            Query::Tag(tag) => Reply::Digest(self.digests.get(tag).copied()),
                            Query::Manifest(digest) => Reply::Manifest(self.manifests.get(digest).cloned()),
                            Query::Ancestry { .. } => Reply::Ancestry(Ancestry::Unknown),
                        };
                        snapshot.learn(query, reply);
                    }
                }
            }
        }
    }
}

/// Seven hex digits, different for every build: the multiplier is odd, so nothing collides modulo 2^28.
fn key(build: u32) -> String {
    format!("{:07x}", build.wrapping_mul(0x9e37_79b1) & 0x0fff_ffff)
}

/// Branches, old versions of other tools, and what people try.
fn stranger(build: u32) -> String {
    match build % 4 {
        0 => format!("feature-{build}"),
        1 => format!("v0.0.{build}"),
        2 => format!("pr-{build}.merge"),
        _ => format!("2024.{}.{}", build % 12 + 1, build),
    }
}

/// Fisher and Yates, with a linear congruential generator: deterministic, and no dependency for it.
fn shuffle(tags: &mut [Tag]) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for index in (1..tags.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (index + 1);
        tags.swap(index, other);
    }
}
