//! Servers for the tests of the distribution API: a small registry that fails as a test says, and canned answers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use promotion_core::Digest;
use promotion_core::manifest::{Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_registry::Distribution;
use promotion_registry::distribution::{Client, Options, Retries};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const PATH: &str = "/v2/acme/platform";

/// The repository `acme/platform` at a server without TLS, tried again without delay.
pub(crate) fn open(server: &str) -> Distribution {
    let pause = Duration::from_millis(1);
    let retries = Retries { attempts: 3, pause, longest: pause };
    let client = Client::new(Options { plain_http: true, retries, ..Options::default() }).unwrap();
    let host = server.strip_prefix("http://").unwrap_or(server);
    client.open(&format!("oci://{host}/acme/platform").parse().unwrap()).unwrap()
}

pub(crate) fn refusal(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(serde_json::json!({ "errors": [{ "code": code, "message": "as the test wants" }] }))
}

/// The requests so far: method, path and query below the repository, and nothing of HEAD's `Accept`.
pub(crate) async fn requests(server: &MockServer) -> Vec<String> {
    let told = |request: Request| {
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path =
            request.url.path().strip_prefix(PATH).map_or(request.url.path(), |path| path.trim_start_matches('/'));
        format!("{} {path}{query}", request.method)
    };
    server.received_requests().await.unwrap().into_iter().map(told).collect()
}

/// Something that happens instead of the registry's own answer to a request, once.
pub(crate) enum Fault {
    /// This answer, and nothing done.
    Answer(ResponseTemplate),
    /// This answer, though the request was carried out.
    Done(ResponseTemplate),
    /// Before the request is carried out, somebody else points the tag at this digest.
    Moved(&'static str, Digest),
    /// The request is forgotten, and told as done.
    Lost,
}

#[derive(Default)]
struct State {
    manifests: HashMap<String, (String, Vec<u8>)>,
    tags: HashMap<String, String>,
    faults: Vec<(&'static str, VecDeque<Fault>)>,
    /// Answers to a PUT of a manifest with a subject carry `OCI-Subject`, and its referrers are listed.
    referrers: bool,
}

/// A registry of manifests and tags, in memory.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(crate) async fn start(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(self.clone()).mount(&server).await;
        server
    }

    /// What happens to the next requests of a method.
    pub(crate) fn fails(self, method: &'static str, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.lock().unwrap().faults.push((method, faults.into_iter().collect()));
        self
    }

    pub(crate) fn with(self, tag: &str, manifest: &Manifest) -> Self {
        let mut state = self.0.lock().unwrap();
        let stored = (manifest.media_type().to_owned(), manifest.bytes().to_vec());
        state.manifests.insert(manifest.digest().to_string(), stored);
        if !tag.is_empty() {
            state.tags.insert(tag.to_owned(), manifest.digest().to_string());
        }
        drop(state);
        self
    }

    pub(crate) fn with_referrers(self) -> Self {
        self.0.lock().unwrap().referrers = true;
        self
    }

    pub(crate) fn tag(&self, tag: &str) -> Option<String> {
        self.0.lock().unwrap().tags.get(tag).cloned()
    }

    pub(crate) fn bytes(&self, reference: &str) -> Option<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let digest = state.tags.get(reference).map_or(reference, String::as_str);
        state.manifests.get(digest).map(|(_, bytes)| bytes.clone())
    }
}

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let faults =
            state.faults.iter_mut().find(|(method, faults)| *method == request.method.as_str() && !faults.is_empty());
        match faults.and_then(|(_, faults)| faults.pop_front()) {
            None => state.answer(request),
            Some(Fault::Answer(answer)) => answer,
            Some(Fault::Done(answer)) => {
                state.answer(request);
                answer
            }
            Some(Fault::Moved(tag, digest)) => {
                state.tags.insert(tag.to_owned(), digest.to_string());
                state.answer(request)
            }
            Some(Fault::Lost) => ResponseTemplate::new(201),
        }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().strip_prefix(PATH).unwrap_or_default();
        match path.trim_start_matches('/').split_once('/') {
            Some(("manifests", reference)) => self.manifest(request, reference),
            Some(("referrers", subject)) if self.referrers => self.referrers_of(subject),
            _ => ResponseTemplate::new(404).set_body_string("404 page not found"),
        }
    }

    fn manifest(&mut self, request: &Request, reference: &str) -> ResponseTemplate {
        match request.method.as_str() {
            "PUT" => {
                let digest = Digest::of(&request.body).to_string();
                let media_type = request.headers.get("content-type").unwrap().to_str().unwrap().to_owned();
                self.manifests.insert(digest.clone(), (media_type, request.body.clone()));
                if !reference.starts_with("sha256:") {
                    self.tags.insert(reference.to_owned(), digest.clone());
                }
                let answer = ResponseTemplate::new(201).insert_header("Docker-Content-Digest", digest);
                match subject(&request.body) {
                    Some(subject) if self.referrers => answer.insert_header("OCI-Subject", subject),
                    _ => answer,
                }
            }
            "DELETE" => match self.tags.remove(reference) {
                Some(_) => ResponseTemplate::new(202),
                None => refusal(404, "MANIFEST_UNKNOWN"),
            },
            _ => {
                let digest = self.tags.get(reference).map_or(reference, String::as_str);
                // As distribution 2.8 does: who does not say what is accepted gets nothing.
                let accepted =
                    request.headers.get("accept").is_some_and(|types| types.to_str().unwrap().contains(OCI_MANIFEST));
                match self.manifests.get(digest).filter(|_| accepted) {
                    Some((media_type, bytes)) => ResponseTemplate::new(200)
                        .set_body_raw(bytes.clone(), media_type)
                        .insert_header("Docker-Content-Digest", digest),
                    None => refusal(404, "MANIFEST_UNKNOWN"),
                }
            }
        }
    }

    fn referrers_of(&self, of: &str) -> ResponseTemplate {
        let referrers = self.manifests.iter().filter(|(_, (_, bytes))| subject(bytes).as_deref() == Some(of));
        let entry = |(digest, (media_type, bytes)): (&String, &(String, Vec<u8>))| serde_json::json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
        let manifests: Vec<_> = referrers.map(entry).collect();
        let index = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
        ResponseTemplate::new(200).set_body_raw(index.to_string(), OCI_INDEX)
    }
}

fn subject(manifest: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    document["subject"]["digest"].as_str().map(str::to_owned)
}

/// A manifest whose subject is another.
pub(crate) fn referrer(of: &Manifest, seed: &str) -> Manifest {
    let text = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.example.record",
        "subject": of.descriptor(),
        "annotations": { "seed": seed },
    });
    Manifest::new(OCI_MANIFEST, text.to_string().into_bytes())
}

/// A server of raw answers, one per connection, which it then closes. Gives its address and what it was asked.
pub(crate) async fn raw(answers: Vec<Vec<u8>>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&heads);
    tokio::spawn(async move {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match connection.read_buf(&mut head).await {
                    Ok(read) if read > 0 => {}
                    _ => break,
                }
            }
            asked.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
            let _ = connection.write_all(&answer).await;
            let _ = connection.shutdown().await;
        }
    });
    (address, heads)
}
