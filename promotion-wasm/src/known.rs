//! What is known of a repository, and what is still to be found out, as plain documents.

use promotion_core::converge::Stop;
use promotion_core::manifest::ManifestFacts;
use promotion_core::plan::PlannedAction;
use promotion_core::policy::{Policy, Spec};
use promotion_core::snapshot::{Ancestry, Needs, Query, Reply, Snapshot};
use promotion_core::{Commit, Digest, Tag};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;
use crate::js::Pairs;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A repository: what was listed, and what was resolved of it. `null` says that the registry has no such thing. */
export interface Known {
  /** The default policy where left out. */
  policy?: Policy;
  /** The listing; where left out, the tags that have a digest. */
  tags?: string[];
  digests?: Record<string, string | null>;
  manifests?: Record<string, ManifestFacts | null>;
  ancestry?: Ancestry[];
  /** Nothing else exists: what is not here is never asked for. */
  complete?: boolean;
}

/** What a manifest says that promotion needs. */
export interface ManifestFacts {
  /** `main@sha1:<40 hex digits>` */
  revision?: string | null;
  source?: string | null;
  title?: string | null;
  created?: string | null;
}

/** Whether the first commit is an ancestor of the second; `null` when nobody can tell. */
export interface Ancestry {
  ancestor: string;
  descendant: string;
  related: boolean | null;
}

/** What to find out before there is an answer. */
export interface Open {
  answer: "needs";
  needs: {
    tags: string[];
    manifests: string[];
    ancestry: { ancestor: string; descendant: string }[];
  };
}
"#;

/// A repository: its listing, and what was resolved of it. `null` says that the registry has no such thing.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    #[serde(default)]
    policy: Spec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    digests: Pairs<Tag, Option<Digest>>,
    #[serde(default)]
    manifests: Pairs<Digest, Option<ManifestFacts>>,
    #[serde(default)]
    ancestry: Vec<Related>,
    #[serde(default)]
    complete: bool,
}

#[derive(Deserialize, Serialize)]
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
    /// Asks a question of what is known; where that is everything, what is missing is absent.
    pub(crate) fn ask<T, E: Into<Stop>>(
        self,
        question: impl Fn(&Snapshot, &Policy) -> Result<T, E>,
    ) -> Result<(Result<T, Stop>, Policy), Failure> {
        let complete = self.complete;
        let (policy, mut snapshot) = self.read()?;
        loop {
            match question(&snapshot, &policy).map_err(Into::into) {
                Err(Stop::Needs(needs)) if complete => {
                    for query in needs.0 {
                        let absent = match query {
                            Query::Tag(_) => Reply::Digest(None),
                            Query::Manifest(_) => Reply::Manifest(None),
                            Query::Ancestry { .. } => Reply::Ancestry(Ancestry::Unknown),
                        };
                        snapshot.learn(query, absent);
                    }
                }
                answer => return Ok((answer, policy)),
            }
        }
    }

    /// The same after these writes.
    pub(crate) fn after(mut self, actions: &[PlannedAction]) -> Result<Self, Failure> {
        for action in actions {
            let known = self.digests.0.iter_mut().find(|(tag, _)| *tag == action.tag);
            let found = known.as_ref().and_then(|(_, digest)| *digest);
            if !action.fits(found) {
                return Err(Failure::Conflict { tag: action.tag.clone(), found });
            }
            match known {
                Some((_, digest)) => *digest = Some(action.digest),
                None => self.digests.0.push((action.tag.clone(), Some(action.digest))),
            }
            if let Some(listed) = self.tags.as_mut().filter(|listed| !listed.contains(&action.tag)) {
                listed.push(action.tag.clone());
            }
        }
        Ok(self)
    }

    fn read(self) -> Result<(Policy, Snapshot), Failure> {
        let policy = Policy::new(self.policy)?;
        let with_digests = || self.digests.0.iter().filter(|(_, digest)| digest.is_some()).map(|(tag, _)| tag.clone());
        let tags = self.tags.unwrap_or_else(|| with_digests().collect());
        let mut snapshot = Snapshot::new(&policy, &tags);
        for (tag, digest) in self.digests.0 {
            snapshot.learn(Query::Tag(tag), Reply::Digest(digest));
        }
        for (digest, facts) in self.manifests.0 {
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
