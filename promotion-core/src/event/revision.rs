use crate::{Digest, Revision, Tag};

/// A Flux source revision, as events and `lastAppliedRevision` state it.
///
/// ```
/// use promotion_core::event::SourceRevision;
///
/// let hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// assert!(matches!(SourceRevision::read(&format!("1.4.0@sha256:{hex}")), SourceRevision::Oci { tag: Some(_), .. }));
/// assert!(matches!(SourceRevision::read(&format!("sha256:{hex}")), SourceRevision::Oci { tag: None, .. }));
/// let git = "feature/x@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9";
/// assert!(matches!(SourceRevision::read(git), SourceRevision::Git(_)));
/// assert_eq!(SourceRevision::read("6.5.4"), SourceRevision::Other, "a Helm chart's version");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceRevision {
    /// An OCI artifact: `tag@sha256:<hex>`, or `sha256:<hex>` when the source is pinned to a digest.
    ///
    /// A Git repository hashed with SHA-256 looks the same. It does no harm: no registry has such a digest.
    Oci {
        /// The tag that was followed.
        tag: Option<Tag>,
        /// The artifact.
        digest: Digest,
    },
    /// A Git commit: `branch@sha1:<hex>`, a bare commit id, or the old `branch/<40 hex>`.
    Git(Revision),
    /// Anything else, such as a chart version.
    Other,
}

impl SourceRevision {
    /// Tells them apart; never fails, because Flux passes on whatever a source calls a revision.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::oci(text).or_else(|| Self::git(text)).unwrap_or(Self::Other)
    }

    fn oci(text: &str) -> Option<Self> {
        let (tag, digest) = match text.rsplit_once('@') {
            Some((tag, digest)) => (Some(tag.parse().ok()?), digest),
            None => (None, text),
        };
        Some(Self::Oci { tag, digest: digest.parse().ok()? })
    }

    fn git(text: &str) -> Option<Self> {
        let legacy = || {
            let (branch, commit) = text.rsplit_once('/')?;
            // The old form of OCI revisions was `tag/<64 hex>`: only 40 digits are certainly a commit.
            let commit = Some(commit).filter(|commit| commit.len() == 40)?.parse().ok()?;
            Some(Revision { branch: Some(branch).filter(|branch| *branch != "HEAD").map(Into::into), commit })
        };
        text.parse().ok().or_else(legacy).map(Self::Git)
    }
}
