//! WHAT: how people and events name an artifact.
//!
//! ```
//! use promotion_core::what::What;
//!
//! assert!(matches!("6f9c0e2".parse(), Ok(What::Commit(_))));
//! assert!(matches!("1.4.0-rc.2".parse(), Ok(What::Tag(_))));
//! assert!(matches!("integration-6f9c0e2".parse(), Ok(What::Tag(_))));
//! assert!("not a tag!".parse::<What>().is_err());
//! ```

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::artifact::View;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::scheme::{Key, Kind, Mark, MarkTag};
use crate::snapshot::Needs;
use crate::{CommitPrefix, Digest, DigestError, Tag, TagError};

/// The marks that an artifact has from the beginning, and that name its commit.
const NAMING: [Mark; 2] = [Mark::Commit, Mark::Stage(0)];

/// A digest, a commit (7 to 64 hex digits) or a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum What {
    /// The artifact itself.
    Digest(Digest),
    /// The artifact that was built from it.
    Commit(CommitPrefix),
    /// The artifact it points at.
    Tag(Tag),
}

/// Why a text names no artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhatError {
    /// It starts like a digest and is none.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// Neither a commit nor a tag.
    #[error("{text:?} is neither a digest, a commit nor a tag: {error}")]
    Tag {
        /// The text.
        text: String,
        /// Why it is no tag.
        error: TagError,
    },
}

impl FromStr for What {
    type Err = WhatError;

    fn from_str(text: &str) -> Result<Self, WhatError> {
        if text.contains(':') {
            return Ok(Self::Digest(text.parse()?));
        }
        if let Ok(commit) = text.parse() {
            return Ok(Self::Commit(commit));
        }
        text.parse().map(Self::Tag).map_err(|error| WhatError::Tag { text: text.to_string(), error })
    }
}

impl TryFrom<String> for What {
    type Error = WhatError;

    fn try_from(text: String) -> Result<Self, WhatError> {
        text.parse()
    }
}

impl From<What> for String {
    fn from(what: What) -> Self {
        what.to_string()
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Commit(commit) => commit.fmt(f),
            Self::Tag(tag) => tag.fmt(f),
        }
    }
}

impl What {
    /// The tags that [`find`] asks for if they are there, as far as that can be told before anything is read: what to read
    /// together with the listing.
    #[must_use]
    pub fn tags(&self, policy: &Policy) -> Vec<Tag> {
        match self {
            Self::Digest(_) => Vec::new(),
            Self::Tag(tag) => alloc::vec![tag.clone()],
            Self::Commit(commit) => {
                let Some(hex) = commit.as_str().get(..policy.short()) else { return Vec::new() };
                let key = Key { hex: hex.to_string(), fork: None };
                NAMING
                    .iter()
                    .map(|mark| policy.mark_tag(&MarkTag { mark: *mark, key: key.clone(), ordinal: 1 }))
                    .collect()
            }
        }
    }
}

/// The artifact that is meant: exactly one, or the reason why not.
///
/// A commit is looked up through the marks that name it, and counts only if the manifest says the same.
///
/// # Errors
/// What must be read to tell.
pub fn find(view: &View<'_>, what: &What) -> Result<Result<Digest, Reason>, Needs> {
    let not_found = || Reason::WhatNotFound { what: what.to_string() };
    match what {
        What::Digest(digest) => {
            Ok(view.manifest(*digest)?.map(|_| *digest).ok_or(Reason::ArtifactNotFound { artifact: *digest }))
        }
        What::Tag(tag) => Ok(view.digest(tag)?.ok_or_else(not_found)),
        What::Commit(commit) => {
            let built: Vec<Digest> = built_from(view, commit)?.into_iter().collect();
            match built.as_slice() {
                [] => Ok(Err(not_found())),
                [one] => Ok(Ok(*one)),
                several => Ok(Err(Reason::WhatAmbiguous { what: commit.to_string(), artifacts: several.to_vec() })),
            }
        }
    }
}

/// Every artifact that its commit tag or first mark says was built from the commit.
///
/// # Errors
/// What must be read to tell.
pub fn built_from(view: &View<'_>, commit: &CommitPrefix) -> Result<BTreeSet<Digest>, Needs> {
    let stem = commit.as_str().get(..7).unwrap_or(commit.as_str());
    let mut found = BTreeSet::new();
    let mut needs = Needs::default();
    for (prefix, _) in view.policy().marks().filter(|(_, mark)| NAMING.contains(mark)) {
        for tag in view.snapshot().tags_with_prefix(alloc::format!("{prefix}{stem}")) {
            let Kind::Mark(mark) = view.policy().classify(tag.as_str()) else { continue };
            let (longer, shorter) = (mark.key.hex.as_str(), commit.as_str());
            if !longer.starts_with(shorter) && !shorter.starts_with(longer) {
                continue;
            }
            match tag_means(view, tag, commit) {
                Ok(digest) => found.extend(digest),
                Err(unknown) => needs.0.extend(unknown.0),
            }
        }
    }
    if needs.0.is_empty() { Ok(found) } else { Err(needs) }
}

fn tag_means(view: &View<'_>, tag: &Tag, commit: &CommitPrefix) -> Result<Option<Digest>, Needs> {
    let Some(digest) = view.digest(tag)? else { return Ok(None) };
    let Some(facts) = view.manifest(digest)? else { return Ok(None) };
    // Without an annotation the tag is all there is to go by.
    let same = facts.revision.as_ref().is_none_or(|revision| revision.commit.starts_with(commit));
    Ok(same.then_some(digest))
}
