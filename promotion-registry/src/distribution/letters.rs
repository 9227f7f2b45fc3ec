//! Registries that keep tags in lower case (Gitea, Forgejo): they take a tag with capitals, answer to it in every
//! spelling, and list another one. Whoever lists tags to decide would never see what was written.

use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::{Digest, Tag};

use super::operation::Operation;

impl Operation<'_> {
    /// That a tag which reads as `digest` is kept as it is written. Only a tag with capitals is looked for in the
    /// listing, and only until it is known what the registry does.
    pub(super) async fn keeps_case(&self, tag: &Tag, digest: Digest) -> Result<(), PortError> {
        let Some(lower) = lower(tag) else { return Ok(()) };
        self.refuses_capitals(tag)?;
        if self.registry.learned.now().case_sensitive_tags == Some(true) {
            return Ok(());
        }
        let listed = match self.list().await {
            Ok(listing) => listing.tags,
            // Who may not list, or a registry that cannot, tells nothing.
            Err(error) if tells_nothing(error.kind()) => return Ok(()),
            Err(error) => return Err(error),
        };
        if listed.contains(tag) {
            self.registry.learned.note(|known| known.case_sensitive_tags = Some(true));
        } else if listed.contains(&lower) && self.digest_at(self.endpoints().tag(&lower)).await? == Some(digest) {
            // A listing alone may be a moment old.
            self.registry.learned.note(|known| known.case_sensitive_tags = Some(false));
        }
        self.refuses_capitals(tag)
    }

    /// The refusal of a tag with capitals, where they are known to be lost.
    pub(super) fn refuses_capitals(&self, tag: &Tag) -> Result<(), PortError> {
        match lower(tag) {
            Some(lower) if self.registry.learned.now().case_sensitive_tags == Some(false) => {
                Err(self.folded(tag, &lower))
            }
            _ => Ok(()),
        }
    }

    fn folded(&self, tag: &Tag, lower: &Tag) -> PortError {
        let message = format!(
            "the registry keeps tags in lower case: what is tag {tag} here is listed as {lower}; use tags without capitals"
        );
        self.error(PortErrorKind::Invalid, message)
    }
}

const fn tells_nothing(kind: &PortErrorKind) -> bool {
    matches!(kind, PortErrorKind::Unauthorized | PortErrorKind::Forbidden | PortErrorKind::Unsupported)
}

/// The same tag without capitals; `None` when it has none.
pub(super) fn lower(tag: &Tag) -> Option<Tag> {
    tag.as_str().to_ascii_lowercase().parse().ok().filter(|lower| lower != tag)
}
