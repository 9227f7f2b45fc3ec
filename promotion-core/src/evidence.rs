//! Evidence: what was observed of an artifact in a stage, bound to its digest.
//!
//! ```
//! use promotion_core::evidence::{Evidence, EvidenceKind};
//! use promotion_core::{Digest, time::Timestamp};
//!
//! let now: Timestamp = "2026-03-01T12:00:00Z".parse()?;
//! let evidence = Evidence::manual(Digest::of(b"manifest"), "checked by hand", now);
//! assert_eq!(evidence.kind, EvidenceKind::Manual);
//! # Ok::<(), promotion_core::time::TimestampError>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::{CommitPrefix, Digest};

/// What kind of observation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A Flux Kustomization applied the artifact and is ready.
    Kustomization,
    /// A Flux `HelmRelease` is ready.
    HelmRelease,
    /// A canary-checker check passes and is fresh.
    Canary,
    /// An analysis of metrics succeeded.
    Analysis,
    /// A person says so, with a reason.
    Manual,
}

/// One observation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// What kind it is.
    pub kind: EvidenceKind,
    /// Of which artifact; `None` where the observer names only a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Of which commit, where the observer names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitPrefix>,
    /// In which stage; `None` where the observer does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// When; `None` where the observer does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Timestamp>,
    /// Who observed it, or why a person says so.
    pub source: String,
}

impl Evidence {
    /// A person's word, with a reason.
    #[must_use]
    pub fn manual(digest: Digest, reason: impl Into<String>, now: Timestamp) -> Self {
        Self {
            kind: EvidenceKind::Manual,
            digest: Some(digest),
            commit: None,
            stage: None,
            observed_at: Some(now),
            source: reason.into(),
        }
    }
}

impl EvidenceKind {
    /// The kind as policies and files write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomization",
            Self::HelmRelease => "helm-release",
            Self::Canary => "canary",
            Self::Analysis => "analysis",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.digest.map(|digest| digest.to_string()).or_else(|| self.commit.as_ref().map(ToString::to_string));
        write!(f, "{} from {}", self.kind, self.source)?;
        if let Some(of) = of {
            write!(f, " of {of}")?;
        }
        Ok(())
    }
}
