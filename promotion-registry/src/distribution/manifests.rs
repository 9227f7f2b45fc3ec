//! Manifests: exact bytes in both directions, and what a tag points at.

use promotion_core::manifest::{Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::ports::{PortError, PortErrorKind, Tagged};
use promotion_core::{Digest, DigestError, Tag};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

use super::Distribution;
use super::operation::{Document, Got, Limit, Operation, media_type};
use super::shown;
use super::transport::{Access, Answer, Body, Repeat};

/// Without it, distribution 2.8 says that there is no such manifest.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// The specification asks registries to take manifests of 4 MiB; most refuse larger ones.
pub(super) const MANIFEST: Limit = Limit { bytes: 4 << 20, what: "the manifest" };

/// What tells one kind of manifest from another.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    config: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Distribution {
    /// A manifest by its digest from the registry, verified, and kept.
    pub(super) async fn fetch(&self, digest: Digest) -> Result<Manifest, PortError> {
        let fetched = self.attempting(format!("get manifest {digest}")).fetch(digest).await;
        match &fetched {
            Ok(manifest) => self.cache.keep(manifest),
            Err(error) if *error.kind() == PortErrorKind::NotFound => self.cache.forget(digest),
            Err(_) => {}
        }
        fetched
    }

    /// What is at a tag, by one request: its digest is what its bytes hash to.
    pub(super) async fn fetch_tagged(&self, tag: &Tag) -> Result<Option<Tagged>, PortError> {
        let operation = self.attempting(format!("get tag {tag}"));
        let fetched = operation.hashed_at(&self.endpoints.tag(tag)).await?;
        Ok(fetched.map(|manifest| {
            self.cache.keep(&manifest);
            Tagged { digest: manifest.digest(), manifest: Some(manifest) }
        }))
    }
}

impl Operation<'_> {
    /// A manifest by its digest, verified.
    async fn fetch(&self, digest: Digest) -> Result<Manifest, PortError> {
        match self.manifest_at(&self.endpoints().manifest(digest)).await? {
            None => Err(self.error(PortErrorKind::NotFound, "the registry has no such manifest")),
            Some((manifest, _)) if manifest.digest() == digest => Ok(manifest),
            Some((manifest, _)) => {
                Err(self.corrupt(format!("expected the bytes of {digest}, got those of {}", manifest.digest())))
            }
        }
    }

    /// The digest of what is at a tag's or digest's URL; `None` when it is absent.
    pub(super) async fn digest_at(&self, url: Url) -> Result<Option<Digest>, PortError> {
        let answer = self.head(url.clone(), Some(MANIFESTS)).await?;
        match answer.status {
            StatusCode::OK => match self.header_digest(&answer.headers)? {
                Some(digest) => Ok(Some(digest)),
                None => self.hashed_digest_at(&url).await,
            },
            StatusCode::NOT_FOUND if answer.is_absent() && answer.is_of_a_registry() => Ok(None),
            // Anything on the way may say 404 to HEAD, which has no words: those of GET decide.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => self.hashed_digest_at(&url).await,
            _ => Err(answer.refused().await),
        }
    }

    /// The manifest at a URL, and the digest that the registry named for it; `None` when it is absent.
    pub(super) async fn manifest_at(&self, url: &Url) -> Result<Option<(Manifest, Option<Digest>)>, PortError> {
        match self.get(url, Some(MANIFESTS), MANIFEST).await? {
            Got::Document(document) => {
                let (named, media_type) = (self.named_digest(&document.headers), self.manifest_type(&document)?);
                Ok(Some((Manifest::new(media_type, document.body), named)))
            }
            Got::Other(answer) if answer.status == StatusCode::NOT_FOUND => self.absent(*answer).await.map(|()| None),
            Got::Other(answer) => Err(answer.refused().await),
        }
    }

    /// Puts a manifest's bytes, once or as often as it takes. The answer has been accepted, and names no other digest.
    pub(super) async fn put(&self, url: Url, manifest: &Manifest, repeat: Repeat) -> Result<Put, PortError> {
        let mut call = self.call(Method::PUT, url, Access::Push);
        let media_type = HeaderValue::from_str(manifest.media_type())
            .map_err(|_| self.error(PortErrorKind::Invalid, format!("{:?} is no media type", manifest.media_type())))?;
        call.headers.insert(CONTENT_TYPE, media_type);
        call.repeat = repeat;
        call.body = Body::Bytes(manifest.bytes().to_vec().into());
        let answer = self.send(call).await?;
        if answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            // zot takes no Docker types unless it is told to.
            let refused = answer.refused().await;
            let message = format!("{}; it was sent as {}", refused.message(), manifest.media_type());
            return Err(self.error(refused.kind().clone(), message));
        }
        if !answer.status.is_success() {
            return Ok(Put::Refused(Box::new(answer)));
        }
        match self.named_digest(&answer.headers) {
            Some(named) if named != manifest.digest() => {
                let sent = manifest.digest();
                Err(self.corrupt(format!("{sent} was sent, but the registry says that it stored {named}")))
            }
            _ => Ok(Put::Stored(answer.headers)),
        }
    }

    /// What a HEAD names, for lack of a body to hash.
    fn header_digest(&self, headers: &HeaderMap) -> Result<Option<Digest>, PortError> {
        let Some(text) = headers.get("docker-content-digest").and_then(|value| value.to_str().ok()) else {
            return Ok(None);
        };
        match text.trim().parse::<Digest>() {
            Ok(digest) => Ok(Some(digest)),
            Err(DigestError::Algorithm(algorithm)) if matches!(algorithm.as_str(), "sha384" | "sha512" | "blake3") => {
                Err(self.error(PortErrorKind::Unsupported, format!("it is {text:?}, and only sha256 is supported")))
            }
            Err(_) => Ok(None),
        }
    }

    /// The digest of the bytes at a URL, where a HEAD does not tell.
    async fn hashed_digest_at(&self, url: &Url) -> Result<Option<Digest>, PortError> {
        Ok(self.hashed_at(url).await?.map(|manifest| manifest.digest()))
    }

    /// The manifest at a URL, if it is what the registry names; `None` when it is absent.
    async fn hashed_at(&self, url: &Url) -> Result<Option<Manifest>, PortError> {
        let Some((manifest, named)) = self.manifest_at(url).await? else { return Ok(None) };
        match named {
            Some(named) if named != manifest.digest() => {
                let got = manifest.digest();
                Err(self.corrupt(format!("the registry names the digest {named}, but its bytes are {got}")))
            }
            _ => Ok(Some(manifest)),
        }
    }

    /// A manifest's media type: what the answer and the manifest itself say, if they agree.
    fn manifest_type(&self, document: &Document) -> Result<String, PortError> {
        let shape: Shape = serde_json::from_slice(&document.body).unwrap_or_default();
        // These say how the bytes are written, not what they are.
        let generic = |of: &String| matches!(of.as_str(), "application/json" | "application/octet-stream");
        let header = media_type(&document.headers).filter(|of| !generic(of));
        match (header, shape.media_type) {
            (Some(header), _) if header.starts_with("text/") => Err(self.corrupt(format!(
                "{} answered with {header}, which is no manifest; is a proxy or a login page in between?",
                shown::url(&document.url)
            ))),
            (Some(header), Some(body)) if !header.eq_ignore_ascii_case(&body) => Err(self.corrupt(format!(
                "the registry says that the manifest is {header}, and the manifest says that it is {body}"
            ))),
            (_, Some(body)) => Ok(body),
            (Some(header), None) => Ok(header),
            (None, None) if shape.manifests.is_some() => Ok(OCI_INDEX.to_owned()),
            (None, None) if shape.config.is_some() => Ok(OCI_MANIFEST.to_owned()),
            (None, None) => Err(self.corrupt("neither the registry nor the bytes say what kind of manifest this is")),
        }
    }
}

/// What became of a PUT that was answered.
pub(super) enum Put {
    /// The answer's headers.
    Stored(HeaderMap),
    Refused(Box<Answer>),
}
