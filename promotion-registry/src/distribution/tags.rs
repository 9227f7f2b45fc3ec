//! Writing and deleting tags: looked at before, read back after, and never sent twice on a guess.

use promotion_core::manifest::Manifest;
use promotion_core::ports::{Expect, PortError, PortErrorKind, Unread};
use promotion_core::{Digest, Tag};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};

use super::letters::lower;
use super::manifests::Put;
use super::operation::Operation;
use super::transport::{Access, Repeat};

/// What became of a request that changes a tag.
enum Sent {
    /// Carried out, as far as the registry says.
    Done(HeaderMap),
    /// Carried out or not: nobody knows.
    Unknown(PortError),
    /// Not carried out.
    Refused(PortError),
}

impl Operation<'_> {
    /// [`promotion_core::ports::Registry::write_tag`].
    pub(super) async fn write_tag(
        &self,
        tag: &Tag,
        manifest: &Manifest,
        expect: Expect,
    ) -> Result<Option<Unread>, PortError> {
        let url = self.endpoints().tag(tag);
        self.refuses_capitals(tag)?;
        let was = self.digest_at(url.clone()).await?;
        if let Some(was) = was {
            self.keeps_case(tag, was).await?;
        }
        if was == Some(manifest.digest()) {
            // Whoever wrote it may have died before its subject knew of it.
            return self.refer(manifest, None).await.map(|()| None);
        }
        self.check(tag, was, expect)?;
        let accepted = self.write(tag, &url, manifest, was).await?;
        if let Some(was) = was {
            // Some registries (Gitea, old zot) drop a manifest with its last tag.
            self.registry.cache.forget(was);
            self.registry.learned.note(|known| known.immutable_tags = Some(false));
        }
        let is_referrer = matches!(manifest.links().map(|links| links.subject), Ok(Some(_)));
        match accepted {
            Some(_) if !is_referrer => Ok(Some(Unread { was })),
            Some(headers) => {
                self.read_back(tag, manifest.digest(), Unread { was }).await?;
                self.refer(manifest, Some(&headers)).await.map(|()| None)
            }
            None => {
                self.keeps_case(tag, manifest.digest()).await?;
                self.refer(manifest, None).await.map(|()| None)
            }
        }
    }

    /// Points the tag at the manifest, however often it takes. The headers of the answer that accepted it; `None` when
    /// that was lost, and the tag was found to be as wanted.
    async fn write(
        &self,
        tag: &Tag,
        url: &Url,
        manifest: &Manifest,
        before: Option<Digest>,
    ) -> Result<Option<HeaderMap>, PortError> {
        let wanted = Some(manifest.digest());
        let mut attempt = 1;
        loop {
            let error = match self.put_once(url, manifest).await? {
                Sent::Done(headers) => return Ok(Some(headers)),
                Sent::Refused(error) => return self.refused(tag, url, manifest, error).await,
                Sent::Unknown(error) => error,
            };
            // The pause comes before the look: what was seen must be fresh when it is written over.
            if attempt >= self.attempts() || !self.pause_after(attempt, &error).await {
                return match self.digest_at(url.clone()).await {
                    Ok(found) if found == wanted => Ok(None),
                    Ok(found) if found != before && found.is_some() => {
                        Err(self.conflict(tag, found, "what was written"))
                    }
                    _ => Err(error),
                };
            }
            let found = self.digest_at(url.clone()).await?;
            if found == wanted {
                return Ok(None);
            }
            if found != before && found.is_some() {
                return Err(self.conflict(tag, found, "what was written"));
            }
            attempt += 1;
        }
    }

    async fn put_once(&self, url: &Url, manifest: &Manifest) -> Result<Sent, PortError> {
        match self.put(url.clone(), manifest, Repeat::Stale).await {
            Ok(Put::Stored(headers)) => Ok(Sent::Done(headers)),
            Ok(Put::Refused(answer)) => Ok(judge(answer.status, answer.refused().await)),
            Err(error) if *error.kind() == PortErrorKind::Unavailable => Ok(Sent::Unknown(error)),
            Err(error) if *error.kind() == PortErrorKind::Unauthorized => Ok(Sent::Refused(error)),
            Err(error) => Err(error),
        }
    }

    /// [`promotion_core::ports::Registry::read_back`]: some registries take a moment, and some store another name.
    pub(super) async fn read_back(&self, tag: &Tag, written: Digest, unread: Unread) -> Result<bool, PortError> {
        let url = self.endpoints().tag(tag);
        let mut look = 1;
        loop {
            let found = self.digest_at(url.clone()).await?;
            if found == Some(written) {
                return self.keeps_case(tag, written).await.map(|()| look == 1);
            }
            if found != unread.was && found.is_some() {
                return Err(self.conflict(tag, found, "what was written"));
            }
            if look >= self.attempts() {
                return Err(self.not_readable(tag, found));
            }
            self.pause(look).await;
            look += 1;
        }
    }

    fn not_readable(&self, tag: &Tag, found: Option<Digest>) -> PortError {
        let is = found.map_or_else(|| "absent".to_owned(), |found| found.to_string());
        let hint = if lower(tag).is_some() { "; some registries store tags in lower case" } else { "" };
        let message = format!("the registry accepted the write, but tag {tag} still reads as {is}{hint}");
        self.error(PortErrorKind::Unavailable, message)
    }

    /// [`promotion_core::ports::Registry::delete_tag`]. Never by digest: that would take every tag of it along.
    pub(super) async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        let url = self.endpoints().tag(tag);
        let mut attempt = 1;
        loop {
            match self.digest_at(url.clone()).await? {
                None if attempt == 1 => return Ok(()),
                None => return self.left_alone(tag, expected).await,
                found if found != Some(expected) => return Err(self.conflict(tag, found, &expected.to_string())),
                Some(_) if attempt > self.attempts() => return Err(self.not_gone(tag)),
                Some(_) if attempt == 1 => self.keeps_case(tag, expected).await?,
                Some(_) => {}
            }
            let mut pause = attempt > 1;
            match self.delete_once(&url).await? {
                Sent::Done(_) => {}
                Sent::Unknown(error) if attempt >= self.attempts() => return Err(error),
                Sent::Unknown(_) => pause = true,
                Sent::Refused(error) => return Err(error),
            }
            if pause {
                self.pause(attempt).await;
            }
            attempt += 1;
        }
    }

    async fn delete_once(&self, url: &Url) -> Result<Sent, PortError> {
        let mut call = self.call(Method::DELETE, url.clone(), Access::Delete);
        call.repeat = Repeat::Stale;
        let answer = match self.send(call).await {
            Ok(answer) => answer,
            Err(error) if *error.kind() == PortErrorKind::Unavailable => return Ok(Sent::Unknown(error)),
            Err(error) => return Err(error),
        };
        // Gone is gone, whoever did it; the next look tells whether it is.
        if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
            return Ok(Sent::Done(answer.headers));
        }
        let cannot = matches!(answer.status.as_u16(), 400 | 405 | 501) && !answer.is_torn();
        let (status, error) = (answer.status, answer.refused().await);
        if cannot || *error.kind() == PortErrorKind::Unsupported {
            self.registry.learned.note(|known| known.tag_delete = Some(false));
            let message = format!(
                "the registry does not delete tags, only manifests with every tag on them, which is never done here; \
                 delete it with the registry's own tools: {}",
                error.message()
            );
            return Ok(Sent::Refused(self.error(PortErrorKind::Unsupported, message)));
        }
        Ok(judge(status, error))
    }

    /// The manifest must have outlived its tag.
    async fn left_alone(&self, tag: &Tag, digest: Digest) -> Result<(), PortError> {
        if self.digest_at(self.endpoints().manifest(digest)).await?.is_some() {
            self.registry.learned.note(|known| known.tag_delete = Some(true));
            return Ok(());
        }
        self.registry.cache.forget(digest);
        self.registry.learned.note(|known| known.tag_delete = Some(false));
        let message = format!(
            "the registry deleted the manifest {digest} together with tag {tag}; any other tag of it is gone, too; \
             push it again where it is needed, and do not delete tags at this registry"
        );
        Err(self.corrupt(message))
    }

    fn not_gone(&self, tag: &Tag) -> PortError {
        let message = format!("the registry says that tag {tag} is deleted, but it is still there");
        self.error(PortErrorKind::Unavailable, message)
    }

    /// [`super::Distribution::probe_multi_tag`].
    pub(super) async fn probe_multi_tag(&self, tag: &Tag, manifest: &Manifest) -> Result<bool, PortError> {
        let found = self.digest_at(self.endpoints().tag(tag)).await?;
        if found != Some(manifest.digest()) {
            return Err(self.conflict(tag, found, &manifest.digest().to_string()));
        }
        let headers =
            match self.put(self.endpoints().tagged(manifest.digest(), tag), manifest, Repeat::Harmless).await? {
                Put::Stored(headers) => headers,
                Put::Refused(answer) => return Err(answer.refused().await),
            };
        let offered = headers.contains_key("oci-tag");
        self.registry.learned.note(|known| known.multi_tag_put = Some(offered));
        Ok(offered)
    }

    /// Whether the tag may be written, by what it was found to be.
    fn check(&self, tag: &Tag, found: Option<Digest>, expect: Expect) -> Result<(), PortError> {
        match expect {
            Expect::Absent if found.is_some() => Err(self.conflict(tag, found, "nothing")),
            Expect::Equals(expected) if found != Some(expected) => {
                Err(self.conflict(tag, found, &expected.to_string()))
            }
            Expect::Absent | Expect::Equals(_) | Expect::Any => Ok(()),
        }
    }

    fn conflict(&self, tag: &Tag, found: Option<Digest>, expected: &str) -> PortError {
        let is = found.map_or_else(|| "absent".to_owned(), |found| found.to_string());
        let message = format!("expected {expected} at tag {tag}, but it is {is}");
        self.error(PortErrorKind::Conflict { found }, message)
    }
}

/// A failure on the registry's side may have come after the deed; "not now" is worth another look later.
fn judge(status: StatusCode, error: PortError) -> Sent {
    let later = matches!(error.kind(), PortErrorKind::RateLimited { .. } | PortErrorKind::Unavailable);
    if later || status.is_server_error() { Sent::Unknown(error) } else { Sent::Refused(error) }
}
