//! Manifests: read, put under tags and digests, deleted, and found by what they refer to.

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION};
use hyper::{Request, Response, StatusCode};
use promotion_core::Digest;
use promotion_core::manifest::{Manifest, OCI_INDEX};
use serde_json::{Value, json};

use super::answer::{self, digest_invalid, error, header, manifest_unknown, of, parameter, parameters, with};
use super::quirks::{Immutability, TagDelete};
use super::state::{Repository, State, Stored};
use crate::testing::route::is_digest;

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

impl State {
    pub(super) fn get_manifest(
        &mut self,
        repository: &str,
        reference: &str,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        if !is_digest(reference) && self.torn() {
            return error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "UNKNOWN",
                "unknown error",
                json!("invalid checksum digest format"),
            );
        }
        let accept_needed = self.quirks.accept_needed;
        let found = self
            .digest(repository, reference)
            .and_then(|digest| Some((digest, self.repositories.get(repository)?.manifests.get(&digest)?)));
        match found {
            Some((digest, stored)) if !accept_needed || accepted(request, &stored.media_type) => {
                let mut answer = with(of(StatusCode::OK, &digest), CONTENT_TYPE, &stored.media_type);
                *answer.body_mut() = stored.bytes.clone();
                answer
            }
            _ => manifest_unknown(reference),
        }
    }

    pub(super) fn put_manifest(
        &mut self,
        repository: &str,
        reference: &str,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let manifest = Manifest::new(header(request, "content-type"), request.body().to_vec());
        let digest = manifest.digest();
        let by_digest = is_digest(reference);
        if by_digest && reference != digest.to_string() {
            return digest_invalid(reference);
        }
        if let Some(refused) = invalid(self.repositories.get(repository), &manifest) {
            return refused;
        }
        let tags = if by_digest { self.further_tags(request) } else { vec![self.stored_tag(reference)] };
        if let Some(refused) = tags.iter().find_map(|tag| self.immutable(repository, tag)) {
            return refused;
        }
        self.store(repository, &manifest, by_digest, &tags);
        let mut answer = of(StatusCode::CREATED, &digest);
        answer = with(answer, LOCATION, format!("/v2/{repository}/manifests/{digest}"));
        if by_digest {
            answer = tags.iter().fold(answer, |answer, tag| with(answer, OCI_TAG, tag));
        }
        match manifest.links().ok().and_then(|links| links.subject) {
            Some(subject) if !self.quirks.no_referrers_api => with(answer, OCI_SUBJECT, subject.digest),
            _ => answer,
        }
    }

    pub(super) fn delete_manifest(&mut self, repository: &str, reference: &str) -> Response<Bytes> {
        let found = self.digest(repository, reference);
        let tag = self.stored_tag(reference);
        match self.quirks.tag_delete {
            _ if is_digest(reference) => {}
            TagDelete::Refused400 => return digest_invalid(reference),
            TagDelete::Refused405 => return answer::unsupported(StatusCode::METHOD_NOT_ALLOWED),
            TagDelete::Works | TagDelete::DeletesManifest => {}
        }
        let Some(digest) = found else { return manifest_unknown(reference) };
        let whole = is_digest(reference) || self.quirks.tag_delete == TagDelete::DeletesManifest;
        let stored = self.repository(repository);
        if whole {
            stored.tags.retain(|(_, tagged)| *tagged != digest);
            stored.manifests.remove(&digest);
        } else {
            stored.set_tag(&tag, None);
        }
        answer::empty(StatusCode::ACCEPTED)
    }

    pub(super) fn referrers(&mut self, repository: &str, digest: &str, request: &Request<Bytes>) -> Response<Bytes> {
        if self.quirks.no_referrers_api {
            return answer::not_found();
        }
        let Ok(subject) = digest.parse::<Digest>() else { return digest_invalid(digest) };
        let wanted = parameter(request, "artifactType");
        let stored = self.repositories.get(repository).into_iter().flat_map(|stored| &stored.manifests);
        let found = stored.filter_map(|(digest, stored)| referrer(&subject, digest, stored));
        let found = found.filter(|it| wanted.as_deref().is_none_or(|wanted| it["artifactType"] == wanted));
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found.collect::<Vec<_>>()});
        let mut answer = answer::json(StatusCode::OK, index);
        answer.headers_mut().remove(CONTENT_TYPE);
        answer = with(answer, CONTENT_TYPE, OCI_INDEX);
        if wanted.is_some() { with(answer, OCI_FILTERS_APPLIED, "artifactType") } else { answer }
    }

    /// Counts a read of a tag, and tells whether it fell into the moment in which somebody writes the tag.
    fn torn(&mut self) -> bool {
        self.tag_reads += 1;
        self.quirks.torn_500.is_some_and(|every| every > 0 && self.tag_reads.is_multiple_of(every))
    }

    /// The digest that a reference stands for, whether or not there is such a manifest.
    fn digest(&self, repository: &str, reference: &str) -> Option<Digest> {
        if is_digest(reference) {
            let digest = reference.parse().ok()?;
            return self.repositories.get(repository)?.manifests.contains_key(&digest).then_some(digest);
        }
        self.repositories.get(repository)?.tag(&self.stored_tag(reference))
    }

    /// The name under which a tag is kept.
    fn stored_tag(&self, tag: &str) -> String {
        if self.quirks.lower_cases_tags { tag.to_ascii_lowercase() } else { tag.to_owned() }
    }

    fn further_tags(&self, request: &Request<Bytes>) -> Vec<String> {
        if self.quirks.multi_tag_put { parameters(request, "tag") } else { Vec::new() }
    }

    fn store(&mut self, repository: &str, manifest: &Manifest, by_digest: bool, tags: &[String]) {
        let drops = self.quirks.lower_cases_tags;
        let repository = self.repository(repository);
        let digest = manifest.digest();
        let by_digest = by_digest || repository.manifests.get(&digest).is_some_and(|stored| stored.by_digest);
        let bytes = Bytes::copy_from_slice(manifest.bytes());
        let media_type = manifest.media_type().to_owned();
        repository.manifests.insert(digest, Stored { media_type, bytes, by_digest });
        for tag in tags {
            let before = repository.tag(tag);
            repository.set_tag(tag, Some(digest));
            if let Some(before) = before.filter(|_| drops) {
                repository.collect(&before);
            }
        }
    }

    /// The refusal to move a tag, in the words of the registry that is imitated.
    fn immutable(&self, repository: &str, tag: &str) -> Option<Response<Bytes>> {
        self.repositories.get(repository)?.tag(tag)?;
        let (status, code, message) = match self.quirks.immutability {
            Immutability::None => return None,
            Immutability::Harbor412 => (
                StatusCode::PRECONDITION_FAILED,
                "PRECONDITION",
                format!("Failed to process request due to '{repository}:{tag}' configured as immutable."),
            ),
            Immutability::Ecr400TagInvalid => (
                StatusCode::BAD_REQUEST,
                "TAG_INVALID",
                format!(
                    "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten \
                     because the tag is immutable."
                ),
            ),
            Immutability::Hub403 => {
                (StatusCode::FORBIDDEN, "DENIED", "requested access to the resource is denied".to_owned())
            }
            Immutability::ArtifactRegistry => (
                StatusCode::BAD_REQUEST,
                "FAILED_PRECONDITION",
                format!("cannot update tag {tag}. The repository has enabled tag immutability"),
            ),
        };
        Some(error(status, code, &message, Value::Null))
    }
}

/// The refusal of a manifest that is none, or that refers to what is not there. A subject need not be there.
fn invalid(repository: Option<&Repository>, manifest: &Manifest) -> Option<Response<Bytes>> {
    let links = match manifest.links() {
        Ok(links) if !manifest.media_type().is_empty() => links,
        _ => return Some(error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "manifest invalid", Value::Null)),
    };
    let has = |there: &dyn Fn(&Repository) -> bool| repository.is_some_and(there);
    let mut blobs = links.blobs.iter().filter(|blob| !has(&|it: &Repository| it.blobs.contains_key(&blob.digest)));
    if let Some(missing) = blobs.next() {
        let detail = json!({"digest": missing.digest.to_string()});
        return Some(error(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", detail));
    }
    let mut children =
        links.manifests.iter().filter(|child| !has(&|it: &Repository| it.manifests.contains_key(&child.digest)));
    let missing = children.next()?;
    let detail = json!({"digest": missing.digest.to_string()});
    Some(error(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", "manifest unknown to registry", detail))
}

/// The descriptor of a manifest that refers to `subject`.
fn referrer(subject: &Digest, digest: &Digest, stored: &Stored) -> Option<Value> {
    let manifest: Value = serde_json::from_slice(&stored.bytes).ok()?;
    if manifest["subject"]["digest"] != subject.to_string() {
        return None;
    }
    let own = &manifest["artifactType"];
    let artifact_type = if own.is_null() { &manifest["config"]["mediaType"] } else { own };
    Some(json!({
        "mediaType": stored.media_type,
        "digest": digest.to_string(),
        "size": stored.bytes.len(),
        "artifactType": artifact_type,
        "annotations": manifest["annotations"],
    }))
}

/// Whether the client named the media type: distribution 2.8 does not count `*/*`.
fn accepted(request: &Request<Bytes>, media_type: &str) -> bool {
    let accepts = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|one| one.split(';').next().map(str::trim) == Some(media_type))
}
