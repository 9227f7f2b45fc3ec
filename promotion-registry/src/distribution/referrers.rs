//! Referrers: by the registry's own listing, else by the tag `sha256-…` that stands in for it (OCI distribution
//! specification, "Listing Referrers" and "Referrers Tag Schema").
//!
//! A registry that lists referrers must list those that its fallback tags name too, so the tag is read only
//! where there is no such listing. There a writer adds to the tag's index, and nothing keeps two of them apart: each reads,
//! adds, writes, waits and reads again, until what it added is still there. Writers of one client take turns.

use std::collections::{BTreeMap, HashSet};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use promotion_core::manifest::{Descriptor, Manifest, OCI_INDEX};
use promotion_core::ports::{Bytes, PortError, PortErrorKind, Unsettled};
use promotion_core::{Digest, Tag};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::manifests::{MANIFEST, Put};
use super::operation::{Document, Got, Operation, media_type, object};
use super::shown;
use super::transport::Repeat;

/// Pages of a listing of referrers at most.
const PAGES: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u64,
    #[serde(default)]
    manifests: Option<Vec<Entry>>,
}

/// A fallback tag's list, if there is one, and when that was so.
struct Read {
    list: Option<Manifest>,
    at: Instant,
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

    /// Stores a manifest by its digest, with the blobs that it points at. They are there, most likely: that is asked while
    /// the manifest is on its way, and it comes again if it had to be refused. Nobody lists it before they are there, but a
    /// registry that lists at once what it does not look into.
    pub(super) async fn put_with(
        &self,
        manifest: &Manifest,
        blobs: &[(Descriptor, Vec<u8>)],
    ) -> Result<HeaderMap, PortError> {
        let asked = join_all(blobs.iter().map(|(blob, _)| self.has_blob(blob.digest)));
        let (there, put) = join(asked, self.put_untagged(manifest)).await;
        // Where nobody could tell, putting a blob tells.
        let missing = blobs.iter().zip(there).filter(|(_, there)| !matches!(there, Ok(true))).map(|(blob, _)| blob);
        for (blob, bytes) in missing {
            self.put_missing_blob(blob, &mut Bytes::new(bytes.clone())).await?;
        }
        match put {
            // Perhaps for want of a blob that another writer has put since.
            Err(error) if !blobs.is_empty() && is_for_want(error.kind()) => self.put_untagged(manifest).await,
            put => put,
        }
    }

    async fn put_untagged(&self, manifest: &Manifest) -> Result<HeaderMap, PortError> {
        match self.put(self.endpoints().manifest(manifest.digest()), manifest, Repeat::Harmless).await? {
            Put::Stored(headers) => self.no_page(&headers).map(|()| headers),
            Put::Refused(answer) => Err(answer.refused().await),
        }
    }

    /// Sees to it that the subject of a manifest knows of it, and goes on knowing. `put` is the answer to storing it.
    pub(super) async fn refer(&self, manifest: &Manifest, put: Option<&HeaderMap>) -> Result<(), PortError> {
        match self.enlist(manifest, put).await? {
            Some(unsettled) => self.settle(manifest, unsettled).await,
            None => Ok(()),
        }
    }

    /// Sees to it that the subject of a manifest knows of it; `None` when nobody can undo that.
    pub(super) async fn enlist(
        &self,
        manifest: &Manifest,
        put: Option<&HeaderMap>,
    ) -> Result<Option<Unsettled>, PortError> {
        let Ok(Some(subject)) = manifest.links().map(|links| links.subject) else { return Ok(None) };
        if put.is_some_and(|headers| headers.contains_key("oci-subject")) {
            self.registry.learned.note(|known| known.referrers_api = Some(true));
            return Ok(None);
        }
        let list = self.endpoints().tag(&self.fallback(subject.digest)?);
        let _turn = self.registry.turns.lock().await;
        // A registry that lists referrers says so when it takes one (specification, "Pushing Manifests with Subject"). Only
        // where that answer was lost, or another one showed that there is a listing, it is asked for.
        let is_silent = put.is_some() && self.registry.learned.now().referrers_api != Some(true);
        let (listed, read) = if is_silent {
            (None, self.list_at(&list).await)
        } else {
            let (listed, read) = join(self.listed(subject.digest), self.list_at(&list)).await;
            (listed?, read)
        };
        let listed = listed.unwrap_or_default();
        if listed.iter().any(|known| known.digest == manifest.digest()) {
            return Ok(None);
        }
        self.add(&describe(manifest), &list, read?).await
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
                Got::Other(answer) if answer.is_torn() => return Err(answer.refused().await),
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

    /// [`promotion_core::ports::Registry::settle`].
    pub(super) async fn settle(&self, manifest: &Manifest, unsettled: Unsettled) -> Result<(), PortError> {
        let Ok(Some(subject)) = manifest.links().map(|links| links.subject) else { return Ok(()) };
        let list = self.endpoints().tag(&self.fallback(subject.digest)?);
        let mut wait = unsettled.wait;
        for attempt in 1..=self.attempts().max(2) {
            // At a registry that is far no longer than between attempts.
            wait_for(wait.min(self.pause_length(attempt))).await;
            let _turn = self.registry.turns.lock().await;
            match self.add(&describe(manifest), &list, self.list_at(&list).await?).await? {
                None => return Ok(()),
                Some(again) => wait = again.wait,
            }
        }
        let message = format!("other writers keep undoing the list of referrers of {}; try again", subject.digest);
        Err(self.error(PortErrorKind::Unavailable, message))
    }

    /// The list at a fallback tag.
    async fn list_at(&self, list: &Url) -> Result<Read, PortError> {
        let list = self.manifest_at(list).await?.map(|(list, _)| list);
        Ok(Read { list, at: Instant::now() })
    }

    /// Adds a referrer to what was read of the fallback tag's list; `None` when it was there.
    async fn add(&self, referrer: &Descriptor, url: &Url, read: Read) -> Result<Option<Unsettled>, PortError> {
        let Some(mut merged) = self.merged(read.list.as_ref(), referrer)? else { return Ok(None) };
        // Another writer is taken to be no slower than we, from the answer to his reading to the answer to his writing.
        let unsettled = || Ok(Some(Unsettled { wait: read.at.elapsed() }));
        let mut attempt = 1;
        loop {
            let error = match self.put(url.clone(), &merged, Repeat::Stale).await {
                Ok(Put::Stored(_)) => return unsettled(),
                Ok(Put::Refused(answer)) => {
                    let limited = answer.status == StatusCode::TOO_MANY_REQUESTS;
                    let later = limited || answer.status.is_server_error() || answer.is_torn();
                    let error = answer.refused().await;
                    if !later {
                        return Err(error);
                    }
                    error
                }
                Err(error) if *error.kind() == PortErrorKind::Unavailable => error,
                Err(error) => return Err(error),
            };
            let again = attempt < self.attempts() && self.pause_after(attempt, &error).await;
            attempt += 1;
            merged = match self.merged(self.list_at(url).await?.list.as_ref(), referrer)? {
                // It was written all the same.
                None => return unsettled(),
                Some(_) if !again => return Err(error),
                Some(merged) => merged,
            };
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

/// Waits so long and no longer: the runtime's clock ticks in milliseconds and rounds up twice, which is a tenth of a whole
/// promotion at a registry that is near.
async fn wait_for(time: Duration) {
    let end = Instant::now() + time;
    if let Some(whole) = time.checked_sub(Duration::from_millis(2)) {
        sleep(whole).await;
    }
    let rest = end.saturating_duration_since(Instant::now());
    if !rest.is_zero() {
        // Only fails where the runtime is being shut down.
        let _ = spawn_blocking(move || thread::sleep(rest)).await;
    }
}

/// What registries answer to a manifest that points at something they do not have.
const fn is_for_want(kind: &PortErrorKind) -> bool {
    matches!(kind, PortErrorKind::NotFound | PortErrorKind::Invalid | PortErrorKind::Unavailable)
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
