//! What is known of a repository, and what is still to be found out, as plain documents.

use std::collections::BTreeMap;

use promotion_core::manifest::ManifestFacts;
use promotion_core::policy::{Policy, Spec};
use promotion_core::snapshot::{Ancestry, Needs, Query, Reply, Snapshot};
use promotion_core::{Commit, Digest, Tag};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A repository: its listing, and what was resolved of it. `null` says that the registry has no such thing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    #[serde(default)]
    policy: Spec,
    tags: Vec<Tag>,
    #[serde(default)]
    digests: BTreeMap<Tag, Option<Digest>>,
    #[serde(default)]
    manifests: BTreeMap<Digest, Option<ManifestFacts>>,
    #[serde(default)]
    ancestry: Vec<Related>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Related {
    ancestor: Commit,
    descendant: Commit,
    /// Whether the first is an ancestor of the second; `null` when nobody can tell.
    related: Option<bool>,
}

/// What to find out, by kind.
#[derive(Default, Serialize)]
pub(crate) struct Open {
    tags: Vec<Tag>,
    manifests: Vec<Digest>,
    ancestry: Vec<Pair>,
}

#[derive(Serialize)]
struct Pair {
    ancestor: Commit,
    descendant: Commit,
}

impl Known {
    pub(crate) fn read(self) -> Result<(Policy, Snapshot), Failure> {
        let policy = Policy::new(self.policy)?;
        let mut snapshot = Snapshot::new(&policy, &self.tags);
        for (tag, digest) in self.digests {
            snapshot.learn(Query::Tag(tag), Reply::Digest(digest));
        }
        for (digest, facts) in self.manifests {
            snapshot.learn(Query::Manifest(digest), Reply::Manifest(facts));
        }
        for Related { ancestor, descendant, related } in self.ancestry {
            let ancestry = match related {
                Some(true) => Ancestry::Ancestor,
                Some(false) => Ancestry::Unrelated,
                None => Ancestry::Unknown,
            };
            snapshot.learn(Query::Ancestry { ancestor, descendant }, Reply::Ancestry(ancestry));
        }
        Ok((policy, snapshot))
    }
}

impl From<Needs> for Open {
    fn from(needs: Needs) -> Self {
        let mut open = Self::default();
        for query in needs.0 {
            match query {
                Query::Tag(tag) => open.tags.push(tag),
                Query::Manifest(digest) => open.manifests.push(digest),
                Query::Ancestry { ancestor, descendant } => open.ancestry.push(Pair { ancestor, descendant }),
            }
        }
        open
    }
}
