//! Blobs: read, mounted, and uploaded whole or in chunks.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION, RANGE};
use hyper::{Request, Response, StatusCode};
use promotion_core::Digest;
use serde_json::{Value, json};

use super::answer::{digest_invalid, empty, error, header, of, parameter, unsupported, with};
use super::quirks::Location;
use super::state::State;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

impl State {
    pub(super) fn get_blob(&self, repository: &str, digest: &str) -> Response<Bytes> {
        let Ok(wanted) = digest.parse::<Digest>() else { return digest_invalid(digest) };
        let Some(bytes) = self.repositories.get(repository).and_then(|stored| stored.blobs.get(&wanted)) else {
            return blob_unknown(digest);
        };
        let mut answer = with(of(StatusCode::OK, &wanted), CONTENT_TYPE, "application/octet-stream");
        *answer.body_mut() = bytes.clone();
        answer
    }

    pub(super) fn delete_blob(&mut self, repository: &str, digest: &str) -> Response<Bytes> {
        let Ok(wanted) = digest.parse::<Digest>() else { return digest_invalid(digest) };
        match self.repositories.get_mut(repository).and_then(|stored| stored.blobs.remove(&wanted)) {
            Some(_) => empty(StatusCode::ACCEPTED),
            None => blob_unknown(digest),
        }
    }

    /// `POST`: a mount, a whole blob, or the beginning of an upload, which is also what becomes of a mount that cannot be.
    pub(super) fn begin_upload(&mut self, repository: &str, request: &Request<Bytes>) -> Response<Bytes> {
        if let Some(digest) = parameter(request, "mount").and_then(|digest| digest.parse::<Digest>().ok()) {
            let from = parameter(request, "from").and_then(|from| self.repositories.get(&from));
            if let Some(bytes) = from.and_then(|from| from.blobs.get(&digest)).cloned() {
                self.repository(repository).blobs.insert(digest, bytes);
                return blob_created(repository, &digest);
            }
        }
        if let Some(digest) = parameter(request, "digest") {
            return self.finish_upload(repository, request.body().clone(), &digest);
        }
        let id = format!("upload-{}", self.next());
        self.uploads.insert(id.clone(), Vec::new());
        self.upload_state(StatusCode::ACCEPTED, repository, &id, request)
    }

    /// What comes to an upload that has begun.
    pub(super) fn upload(&mut self, repository: &str, id: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let monolithic_only = self.quirks.monolithic_only;
        let Some(so_far) = self.uploads.get_mut(id) else {
            let message = "blob upload unknown to registry";
            return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", message, Value::Null);
        };
        match request.method().as_str() {
            "PATCH" if monolithic_only => unsupported(StatusCode::METHOD_NOT_ALLOWED),
            "PATCH" if !continues(request, so_far.len()) => {
                self.upload_state(StatusCode::RANGE_NOT_SATISFIABLE, repository, id, request)
            }
            "PATCH" => {
                so_far.extend_from_slice(request.body());
                self.upload_state(StatusCode::ACCEPTED, repository, id, request)
            }
            "PUT" => {
                so_far.extend_from_slice(request.body());
                let bytes = Bytes::from(self.uploads.remove(id).unwrap_or_default());
                self.finish_upload(repository, bytes, &parameter(request, "digest").unwrap_or_default())
            }
            "GET" => self.upload_state(StatusCode::NO_CONTENT, repository, id, request),
            "DELETE" => {
                self.uploads.remove(id);
                empty(StatusCode::NO_CONTENT)
            }
            _ => unsupported(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn finish_upload(&mut self, repository: &str, bytes: Bytes, digest: &str) -> Response<Bytes> {
        let actual = Digest::of(&bytes);
        if digest != actual.to_string() {
            return digest_invalid(digest);
        }
        self.repository(repository).put_blob(bytes);
        blob_created(repository, &actual)
    }

    /// Where an upload goes on, and how far it is. The query belongs to the address: it must come back.
    fn upload_state(
        &self,
        status: StatusCode,
        repository: &str,
        id: &str,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let path = format!("/v2/{repository}/blobs/uploads/{id}?_state=opaque%3D");
        let last = self.uploads.get(id).map_or(0, Vec::len).saturating_sub(1);
        let answer = with(with(empty(status), UPLOAD_ID, id), RANGE, format!("0-{last}"));
        match self.quirks.location {
            Location::Relative => with(answer, LOCATION, path),
            Location::Absolute => with(answer, LOCATION, format!("http://{}{path}", header(request, "host"))),
            Location::Missing => answer,
        }
    }
}

/// Whether a chunk begins where the one before ended; one that does not say begins there.
fn continues(request: &Request<Bytes>, so_far: usize) -> bool {
    let range = header(request, "content-range");
    let range = range.strip_prefix("bytes ").unwrap_or(range);
    range.split_once('-').is_none_or(|(start, _)| start.parse() == Ok(so_far))
}

fn blob_created(repository: &str, digest: &Digest) -> Response<Bytes> {
    with(of(StatusCode::CREATED, digest), LOCATION, format!("/v2/{repository}/blobs/{digest}"))
}

fn blob_unknown(digest: &str) -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry", json!({"digest": digest}))
}
