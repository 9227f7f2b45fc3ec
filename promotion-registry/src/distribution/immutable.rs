//! What a refused write of a tag means.
//!
//! A registry that forbids moving tags also forbids writing what is there, so somebody may have been faster. And some
//! do not say that it is the moving which they forbid: Docker Hub answers 403, zot 403 or 401 to whom it allows to
//! create and not to update. Who may put the manifest by its digest may push: then it is the tag that may not move.

use promotion_core::Tag;
use promotion_core::manifest::Manifest;
use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::Url;
use reqwest::header::HeaderMap;

use super::manifests::Put;
use super::operation::Operation;
use super::transport::Repeat;

impl Operation<'_> {
    /// Success if the tag is what was to be written, else the error, with what the tag is where it may not move.
    pub(super) async fn refused(
        &self,
        tag: &Tag,
        url: &Url,
        manifest: &Manifest,
        error: PortError,
    ) -> Result<Option<HeaderMap>, PortError> {
        let said = match error.kind() {
            PortErrorKind::Immutable => true,
            PortErrorKind::Forbidden | PortErrorKind::Unauthorized => false,
            _ => return Err(error),
        };
        // A look that fails, too, tells less than the refusal.
        let Ok(found) = self.digest_at(url.clone()).await else { return Err(error) };
        let is = match found {
            Some(found) if found == manifest.digest() => return Ok(None),
            Some(found) if said || self.may_put(manifest).await => format!("tag {tag} is {found} and may not move"),
            None if said => format!("tag {tag} is absent and may not be written"),
            _ => return Err(error),
        };
        self.registry.learned.note(|known| known.immutable_tags = Some(true));
        Err(self.error(PortErrorKind::Immutable, format!("{is}: {}", error.message())))
    }

    /// Whether a manifest that is there may be put there: changes nothing.
    async fn may_put(&self, manifest: &Manifest) -> bool {
        let url = self.endpoints().manifest(manifest.digest());
        self.digest_at(url.clone()).await.is_ok_and(|found| found.is_some())
            && matches!(self.put(url, manifest, Repeat::Harmless).await, Ok(Put::Stored(_)))
    }
}
