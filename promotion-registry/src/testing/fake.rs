//! A registry in the process, with the quirks of those that nobody can install.
//!
//! It checks what real registries check: that digests are those of the bytes, that a manifest is one and that what it
//! refers to is there. Errors have the status, code and shape of the registry that is imitated.
//!
//! ```
//! use promotion_registry::testing::fake::{FakeRegistry, Paging, Quirks};
//!
//! let registry = FakeRegistry::start(Quirks { paging: Paging::OpaqueCursor, ..Quirks::default() });
//! let digest = registry.seed("acme/platform", "1.0.0", "one");
//! assert_eq!(registry.tags("acme/platform").get("1.0.0"), Some(&digest));
//! ```

mod access;
mod answer;
mod blobs;
mod manifests;
mod quirks;
mod state;
mod tags;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use promotion_core::Digest;

use super::listener::{Answer, Broken, Listener, full};
use super::route::Route;
use state::State;

pub use quirks::{Auth, Immutability, Location, Paging, Quirks, TagDelete};

/// A registry that runs until it is dropped. Everything it holds is in memory.
pub struct FakeRegistry {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

impl FakeRegistry {
    /// Starts an empty registry.
    pub fn start(quirks: Quirks) -> Self {
        let state = Arc::new(Mutex::new(State::new(quirks)));
        let of_listener = Arc::clone(&state);
        Self { listener: Listener::start(move |request| serve(Arc::clone(&of_listener), request)), state }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.listener.host().to_owned()
    }

    /// `127.0.0.1:PORT/NAME`.
    pub fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// Puts an artifact with this content under a tag, whatever the quirks forbid, and tells its digest.
    pub fn seed(&self, repository: &str, tag: &str, content: &str) -> Digest {
        self.state().seed(repository, tag, content)
    }

    /// Makes a repository a copy of another, whatever it was before.
    pub fn fork(&self, from: &str, to: &str) {
        let mut state = self.state();
        let copy = state.repository(from).clone();
        *state.repository(to) = copy;
    }

    /// Every manifest of a repository, by media type and bytes.
    pub fn manifests(&self, repository: &str) -> Vec<(String, Bytes)> {
        let state = self.state();
        let stored = state.repositories.get(repository).into_iter().flat_map(|it| it.manifests.values());
        stored.map(|stored| (stored.media_type.clone(), stored.bytes.clone())).collect()
    }

    /// Puts a blob into a repository, and tells its digest.
    pub fn seed_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        self.state().repository(repository).put_blob(bytes.into())
    }

    /// The tags of a repository; none if it does not exist.
    pub fn tags(&self, repository: &str) -> BTreeMap<String, Digest> {
        self.state().repositories.get(repository).map(|it| it.tags.iter().cloned().collect()).unwrap_or_default()
    }

    /// Adds tags that the repository does not have, many at once.
    pub fn add_tags(&self, repository: &str, names: impl IntoIterator<Item = String>, digest: Digest) {
        self.state().repository(repository).tags.extend(names.into_iter().map(|name| (name, digest)));
    }

    /// Points a tag elsewhere, or removes it, as somebody else would meanwhile.
    pub fn set_tag(&self, repository: &str, tag: &str, digest: Option<Digest>) {
        self.state().repository(repository).set_tag(tag, digest);
    }

    /// The exact bytes of a manifest.
    pub fn manifest(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        Some(self.state().repositories.get(repository)?.manifests.get(digest)?.bytes.clone())
    }

    /// Whether a repository has a blob.
    pub fn has_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.state().repositories.get(repository).is_some_and(|it| it.blobs.contains_key(digest))
    }

    /// Changes the quirks from now on.
    pub fn change(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.state().quirks);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl fmt::Debug for FakeRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeRegistry").field("host", &self.host()).finish_non_exhaustive()
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests are answered one at a time, each of them whole.
async fn serve(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let request = Request::from_parts(parts, bytes);
    Ok(locked(&state).answer(&request).map(full))
}

impl State {
    fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let answer = self.refusal(request).unwrap_or_else(|| self.dispatch(request));
        self.disguise(answer)
    }

    fn dispatch(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let (method, path) = (request.method().as_str(), request.uri().path());
        match (method, Route::parse(path)) {
            ("GET" | "HEAD", Route::Ping) => answer::json(StatusCode::OK, "{}"),
            ("GET" | "POST", Route::Token) => self.token(request),
            ("GET", Route::Tags { repository }) => self.list_tags(repository, request),
            ("GET" | "HEAD", Route::Manifest { repository, reference }) => {
                self.get_manifest(repository, reference, request)
            }
            ("PUT", Route::Manifest { repository, reference }) => self.put_manifest(repository, reference, request),
            ("DELETE", Route::Manifest { repository, reference }) => self.delete_manifest(repository, reference),
            ("GET" | "HEAD", Route::Blob { repository, digest }) => self.get_blob(repository, digest),
            ("DELETE", Route::Blob { repository, digest }) => self.delete_blob(repository, digest),
            ("POST", Route::Uploads { repository }) => self.begin_upload(repository, request),
            (_, Route::Upload { repository, id }) => self.upload(repository, id, request),
            ("GET", Route::Referrers { repository, digest }) => self.referrers(repository, digest, request),
            (_, Route::Other) => answer::not_found(),
            _ => answer::unsupported(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// What proxies and sparing registries do to every answer.
    fn disguise(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        if self.quirks.no_digest_header {
            answer.headers_mut().remove(answer::DIGEST);
        }
        if self.quirks.html_404 && answer.status() == StatusCode::NOT_FOUND {
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            *answer.body_mut() = Bytes::from_static(b"<html><body><h1>404 Not Found</h1></body></html>");
        }
        answer
    }
}
