//! Referrers: by the registry's own listing, else by the tag `sha256-…` that stands in for it (OCI distribution
//! specification, "Listing Referrers" and "Referrers Tag Schema").
//!
//! A registry that lists referrers must list those that its fallback tags name too, so the tag is read only
//! where there is no such listing. There a writer adds to the tag's index, and nothing keeps two of them apart: each reads,
//! adds, writes, waits and reads again, until what it added is still there. Writers of one client take turns.

use std::collections::{BTreeMap, HashSet};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::join;
use promotion_core::manifest::{Descriptor, Manifest, OCI_INDEX};
use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::{Digest, Tag};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::manifests::{MANIFEST, Put};
use super::operation::{Document, Got, Operation, media_type, object};
use super::shown;
use super::transport::Repeat;

/// Pages of a listing of referrers at most.
const PAGES: usize = 1000;
/// How many times slower than we another writer may be.
const SLOWER: u32 = 1;
/// Below this the ticks of the runtime's clock, of a millisecond, would be much of a pause.
const COARSE: Duration = Duration::from_millis(20);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u64,
    #[serde(default)]
    manifests: Option<Vec<Entry>>,
}

/// An entry as anybody may have written it: another digest algorithm is not ours to list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: String,
    digest: String,
    size: u64,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

/// What a manifest says of itself as a referrer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Operation<'_> {
    /// [`promotion_core::ports::Registry::referrers`].
    pub(super) async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        if let Some(listed) = self.listed(subject).await? {
            return Ok(listed);
        }
        match self.manifest_at(&self.endpoints().tag(&self.fallback(subject)?)).await? {
            None => Ok(Vec::new()),
            Some((index, _)) => self.entries(index.bytes()).map(each_once),
        }
    }

    /// Sees to it that the subject of a manifest knows of it. `put` is the answer to storing it.
    pub(super) async fn refer(&self, manifest: &Manifest, put: Option<&HeaderMap>) -> Result<(), PortError> {
        let Ok(Some(subject)) = manifest.links().map(|links| links.subject) else { return Ok(()) };
        if put.is_some_and(|headers| headers.contains_key("oci-subject")) {
            self.registry.learned.note(|known| known.referrers_api = Some(true));
            return Ok(());
        }
        let url = self.endpoints().tag(&self.fallback(subject.digest)?);
        let _turn = self.registry.turns.lock().await;
        // A registry that does not say that it listed it has no such listing, most likely: what is read then is read along.
        let read = async { (self.manifest_at(&url).await, Instant::now()) };
        let (listed, (current, begun)) = join(self.listed(subject.digest), read).await;
        let listed = listed?.unwrap_or_default();
        if listed.iter().any(|known| known.digest == manifest.digest()) {
            return Ok(());
        }
        let current = current?.map(|(index, _)| index);
        self.add(subject.digest, &describe(manifest), &url, current, begun).await
    }

    /// The registry's own listing; `None` when it has none.
    async fn listed(&self, subject: Digest) -> Result<Option<Vec<Descriptor>>, PortError> {
        if self.registry.learned.now().referrers_api == Some(false) {
            return Ok(None);
        }
        let mut found = Vec::new();
        let mut visited: HashSet<Url> = HashSet::new();
        let mut url = self.endpoints().referrers(subject);
        while visited.len() < PAGES && visited.insert(url.clone()) {
            let document = match self.get(&url, Some(OCI_INDEX), MANIFEST).await? {
                Got::Document(document) => document,
                Got::Other(answer) if visited.len() == 1 && matches!(answer.status.as_u16(), 400 | 404 | 405) => {
                    // A repository that nobody pushed to yet says nothing about the registry.
                    if !answer.is_no_repository() {
                        self.registry.learned.note(|known| known.referrers_api = Some(false));
                    }
                    return Ok(None);
                }
                Got::Other(answer) => return Err(answer.refused().await),
            };
            found.extend(self.page(&document)?);
            self.registry.learned.note(|known| known.referrers_api = Some(true));
            match self.linked(&document)? {
                None => return Ok(Some(each_once(found))),
                Some(next) => url = next,
            }
        }
        Err(self.corrupt(format!("the listing of referrers does not end: {} pages were read", visited.len())))
    }

    fn page(&self, document: &Document) -> Result<Vec<Descriptor>, PortError> {
        if media_type(&document.headers).is_some_and(|of| of.starts_with("text/html")) {
            return Err(
                self.corrupt(format!("{} answered with a web page, not with an index", shown::url(&document.url)))
            );
        }
        self.entries(&document.body)
    }

    fn entries(&self, index: &[u8]) -> Result<Vec<Descriptor>, PortError> {
        entries(index).map_err(|why| self.corrupt(why))
    }

    /// Adds a referrer to the fallback tag, which held `current` as read at `begun`, and stays until it is there.
    async fn add(
        &self,
        subject: Digest,
        referrer: &Descriptor,
        url: &Url,
        mut current: Option<Manifest>,
        mut begun: Instant,
    ) -> Result<(), PortError> {
        let mut failure = None;
        for attempt in 1..=self.attempts().max(2) {
            let Some(merged) = self.merged(current.as_ref(), referrer)? else { return Ok(()) };
            failure = match self.put(url.clone(), &merged, Repeat::Stale).await {
                Ok(Put::Stored(_)) => None,
                Ok(Put::Refused(answer)) => {
                    let later = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
                    let error = answer.refused().await;
                    if !later || !self.pause_after(attempt, &error).await {
                        return Err(error);
                    }
                    Some(error)
                }
                Err(error) if *error.kind() == PortErrorKind::Unavailable => Some(error),
                Err(error) => return Err(error),
            };
            self.settle(attempt, begun.elapsed()).await;
            current = self.manifest_at(url).await?.map(|(index, _)| index);
            begun = Instant::now();
        }
        match (self.merged(current.as_ref(), referrer)?, failure) {
            (None, _) => Ok(()),
            (Some(_), Some(failure)) => Err(failure),
            (Some(_), None) => {
                let message = format!("other writers keep undoing the list of referrers of {subject}; try again");
                Err(self.error(PortErrorKind::Unavailable, message))
            }
        }
    }

    /// Waits long enough for a writer that read before we wrote to have written over it: a multiple of the time from the
    /// answer to our reading to the answer to our writing, at a registry that is near.
    async fn settle(&self, attempt: u32, took: Duration) {
        let took = took.saturating_mul(SLOWER);
        if took < COARSE {
            // Fails only while the runtime shuts down.
            let _ = tokio::task::spawn_blocking(move || thread::sleep(took)).await;
        } else {
            let _ = tokio::time::timeout(took, self.pause(attempt)).await;
        }
    }

    /// The index with the referrer in it, everything else as it was; `None` when it is there already.
    fn merged(&self, current: Option<&Manifest>, referrer: &Descriptor) -> Result<Option<Manifest>, PortError> {
        let empty = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
        let bytes = current.map_or(empty.as_bytes(), Manifest::bytes);
        let merged = with_referrer(bytes, referrer).map_err(|why| self.corrupt(why))?;
        let Some(bytes) = merged else { return Ok(None) };
        if bytes.len() > MANIFEST.bytes {
            let message = "the list of referrers has no room for another";
            return Err(self.error(PortErrorKind::Unsupported, message));
        }
        Ok(Some(Manifest::new(current.map_or(OCI_INDEX, Manifest::media_type), bytes)))
    }

    fn fallback(&self, subject: Digest) -> Result<Tag, PortError> {
        let tag = format!("sha256-{}", subject.hex());
        tag.parse().map_err(|error| self.error(PortErrorKind::Invalid, format!("{error}")))
    }
}

/// The referrers that an index lists; what has a digest that we do not know cannot be asked for.
pub(crate) fn entries(index: &[u8]) -> Result<Vec<Descriptor>, String> {
    let read = || -> Result<Index, String> {
        object(index)?;
        serde_json::from_slice(index).map_err(|error| error.to_string())
    };
    let index = read().map_err(|why| format!("what lists the referrers is no index: {why}"))?;
    if index.schema_version != 2 {
        return Err(format!("what lists the referrers has schema version {}", index.schema_version));
    }
    Ok(index.manifests.unwrap_or_default().into_iter().filter_map(Entry::descriptor).collect())
}

/// The index with one more referrer, everything else as it was; `None` when it is there already.
pub(crate) fn with_referrer(index: &[u8], referrer: &Descriptor) -> Result<Option<Vec<u8>>, String> {
    if entries(index)?.iter().any(|entry| entry.digest == referrer.digest) {
        return Ok(None);
    }
    let unreadable = |error: serde_json::Error| format!("the list of referrers is no index: {error}");
    let mut index: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(index).map_err(unreadable)?;
    let mut manifests: Vec<Box<RawValue>> = match index.get("manifests") {
        Some(manifests) => serde_json::from_str::<Option<_>>(manifests.get()).map_err(unreadable)?.unwrap_or_default(),
        None => Vec::new(),
    };
    manifests.push(serde_json::value::to_raw_value(referrer).map_err(unreadable)?);
    index.insert("manifests".to_owned(), serde_json::value::to_raw_value(&manifests).map_err(unreadable)?);
    serde_json::to_vec(&index).map(Some).map_err(unreadable)
}

impl Entry {
    fn descriptor(self) -> Option<Descriptor> {
        Some(Descriptor {
            media_type: self.media_type,
            digest: self.digest.parse().ok()?,
            size: self.size,
            artifact_type: self.artifact_type,
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

/// A manifest as a listing of referrers has it.
fn describe(manifest: &Manifest) -> Descriptor {
    let Ok(said) = serde_json::from_slice::<Referrer>(manifest.bytes()) else { return manifest.descriptor() };
    let artifact_type = said.artifact_type.or(said.config.map(|config| config.media_type));
    let annotations = said.annotations.unwrap_or_default();
    Descriptor { artifact_type, annotations, ..manifest.descriptor() }
}

fn each_once(mut found: Vec<Descriptor>) -> Vec<Descriptor> {
    let mut seen = HashSet::new();
    found.retain(|descriptor| seen.insert(descriptor.digest));
    found
}
