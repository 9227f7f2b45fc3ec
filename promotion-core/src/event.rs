//! What arrives after a validation: a Flux event, the same event carried by a GitHub `repository_dispatch`, or a commit
//! status that Flux posted. Reading only: whether an event is evidence for anything is for the gate to say.
//!
//! ```
//! use promotion_core::event::{self, Form, Verdict};
//!
//! let event = event::parse(br#"{
//!     "involvedObject": {"kind": "Kustomization", "name": "platform", "namespace": "flux-system"},
//!     "severity": "info", "reason": "ReconciliationSucceeded", "timestamp": "2026-08-07T13:12:44Z",
//!     "message": "Reconciliation finished in 1.2s, next run in 10m0s",
//!     "metadata": {
//!         "revision": "1.4.0-rc.2@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
//!         "originRevision": "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9"
//!     },
//!     "reportingController": "kustomize-controller"
//! }"#)?;
//! assert_eq!((event.form, event.verdict), (Form::Flux, Verdict::Success));
//! assert_eq!(event.object.unwrap().to_string(), "Kustomization/platform.flux-system");
//! assert_eq!(event.tag.unwrap().as_str(), "1.4.0-rc.2");
//! assert_eq!(event.digest.unwrap().short(), "2cf24dba");
//! assert_eq!(event.commit.unwrap().prefix(7), "6f9c0e2");
//!
//! let error = event::parse(br#"{"involvedObject": {"kind": 7}}"#).unwrap_err();
//! assert_eq!(error.to_string(), "involvedObject.kind is a number; expected text");
//! # Ok::<(), promotion_core::event::EventError>(())
//! ```

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::time::{Timestamp, TimestampError};
use crate::{Commit, Digest, Tag};

mod artifact;
mod document;
mod evidence;
mod revision;
#[cfg(test)]
mod tests;

use artifact::{Artifact, metadata};
use document::Document;
pub use evidence::Place;
pub use revision::SourceRevision;

/// The longest payload that is read. GitHub and Flux stay far below; whoever sends more wants something else.
pub const MAX_BYTES: usize = 1 << 20;

/// What was said, by whom, about which object and which artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// How the event was carried.
    pub form: Form,
    /// What the event is about; `None` for a commit status whose context is not Flux's default one.
    pub object: Option<Object>,
    /// How it went.
    pub verdict: Verdict,
    /// Flux's machine-readable reason (`ReconciliationSucceeded`); a commit status has its description here.
    pub reason: String,
    /// The message for people; empty for a commit status.
    pub message: String,
    /// The tag that the cluster followed, where it followed one.
    pub tag: Option<Tag>,
    /// The digest of the OCI artifact; `None` when the event only names a Git revision.
    pub digest: Option<Digest>,
    /// The commit that the event names, or that the artifact says it was made from.
    pub commit: Option<Commit>,
    /// When it happened, by the sender's clock.
    pub at: Option<Timestamp>,
    /// The sender's metadata with Flux's prefixes removed, including what the alert added (`cluster: integration`).
    pub metadata: BTreeMap<String, String>,
    /// Who says so, in a few words for a record.
    pub source: String,
}

/// How an event was carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The body that a `generic` provider posts: the event itself.
    Flux,
    /// A GitHub `repository_dispatch`, as a webhook, as `github.event`, or as the request that makes it.
    Dispatch,
    /// A commit `status` webhook.
    Status,
}

/// How it went, as far as the sender says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The object became ready, or its health checks passed.
    Success,
    /// Something failed.
    Failure,
    /// It is still going on.
    Progressing,
    /// Something else: neither says that it went well nor that it did not.
    Info,
}

/// The object that an event is about, written `Kind/name.namespace`: the `event_type` of Flux's dispatch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Object {
    /// Its kind, such as `Kustomization`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; a commit status does not say it.
    pub namespace: Option<String>,
}

/// Why bytes are not an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// More than [`MAX_BYTES`].
    #[error("the event has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// Not JSON, or nested too deeply.
    #[error("the event is not readable JSON: {0}")]
    Json(String),
    /// JSON, but none of the known forms.
    #[error(
        "the event has none of involvedObject (a Flux event), client_payload (a repository_dispatch) and sha (a commit status)"
    )]
    Unknown,
    /// The marks of two forms at once: which one would be believed is not for the sender to play with.
    #[error("the event has both {0} and {1}; expected one of them")]
    Ambiguous(&'static str, &'static str),
    /// A required field is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A field of another JSON type.
    #[error("{path} is {found}; expected {expected}")]
    Type {
        /// Where.
        path: String,
        /// What is there.
        found: &'static str,
        /// What should be.
        expected: &'static str,
    },
    /// A text with a value that the field cannot have.
    #[error("{path} is {value:?}; expected {expected}")]
    Value {
        /// Where.
        path: String,
        /// What is there.
        value: String,
        /// What should be.
        expected: &'static str,
    },
    /// A time that cannot be read.
    #[error("{path} is not a time")]
    Time {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: TimestampError,
    },
    /// The dispatch says that it is about another object than its payload.
    #[error("{path} is {event_type:?}, but the payload is about {object}")]
    Mismatch {
        /// `action` or `event_type`.
        path: &'static str,
        /// What it says.
        event_type: String,
        /// What the payload says.
        object: Object,
    },
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)?;
        self.namespace.iter().try_for_each(|namespace| write!(f, ".{namespace}"))
    }
}

/// Reads an event; which of the three forms it has is seen from its fields.
///
/// # Errors
/// When it is too large, not JSON, none of the forms, or a field of it is not what it should be.
pub fn parse(json: &[u8]) -> Result<Event, EventError> {
    if json.len() > MAX_BYTES {
        return Err(EventError::TooLarge(json.len()));
    }
    let value: Value = serde_json::from_slice(json).map_err(|error| EventError::Json(error.to_string()))?;
    let document = Document::root(&value)?;
    let marks = ["involvedObject", "client_payload", "sha"];
    let mut found = marks.into_iter().filter(|mark| document.has(mark));
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(EventError::Ambiguous(first, second)),
        (Some("involvedObject"), None) => flux(&document),
        (Some("client_payload"), None) => dispatch(&document),
        (Some(_), None) => status(&document),
        (None, _) => Err(EventError::Unknown),
    }
}

/// The event itself, as fluxcd/pkg `apis/event/v1beta1` defines it.
fn flux(document: &Document<'_>) -> Result<Event, EventError> {
    let involved = document.object("involvedObject")?;
    let object = Object {
        kind: name(&involved, "kind")?,
        name: name(&involved, "name")?,
        namespace: Some(name(&involved, "namespace")?),
    };
    let reason = document.text("reason")?;
    let message = document.text("message")?;
    let verdict = match document.text("severity")? {
        "error" => Verdict::Failure,
        "info" => said(reason, message),
        "trace" => Verdict::Info,
        other => return Err(document.value("severity", other, "info, error or trace")),
    };
    let group = involved.optional_text("apiVersion")?.and_then(|version| Some(version.split_once('/')?.0));
    let metadata = metadata(document, group)?;
    let source = match document.optional_text("reportingController")? {
        Some(controller) => format!("event of {controller} about {object}"),
        None => format!("event about {object}"),
    };
    let artifact = Artifact::of(&object, &metadata);
    Ok(Event {
        form: Form::Flux,
        object: Some(object),
        verdict,
        reason: reason.to_string(),
        message: message.to_string(),
        tag: artifact.tag,
        digest: artifact.digest,
        commit: artifact.commit,
        at: time(document, "timestamp")?,
        metadata,
        source,
    })
}

/// A `repository_dispatch`: `action` in webhooks and in `github.event`, `event_type` in the request that makes one.
fn dispatch(document: &Document<'_>) -> Result<Event, EventError> {
    let mut event = flux(&document.object("client_payload")?)?;
    event.form = Form::Dispatch;
    for path in ["action", "event_type"] {
        let Some(event_type) = document.optional_text(path)? else { continue };
        if let Some(object) = event.object.as_ref().filter(|object| object.to_string() != event_type) {
            return Err(EventError::Mismatch { path, event_type: event_type.to_string(), object: object.clone() });
        }
    }
    event.source = match full_name(document)? {
        Some(repository) => format!("{}, by repository_dispatch of {repository}", event.source),
        None => format!("{}, by repository_dispatch", event.source),
    };
    Ok(event)
}

/// A commit status as Flux's `github` and `gitea` providers post it.
fn status(document: &Document<'_>) -> Result<Event, EventError> {
    let sha = document.text("sha")?;
    let commit: Commit = sha.parse().map_err(|_| document.value("sha", sha, "a full commit id"))?;
    let context = document.text("context")?;
    let description = document.optional_text("description")?.unwrap_or_default();
    let verdict = match document.text("state")? {
        "failure" | "error" => Verdict::Failure,
        "pending" => Verdict::Progressing,
        // Older Flux versions post every event without an error as success, "dependency not ready" included.
        "success" => said(description, ""),
        other => return Err(document.value("state", other, "success, failure, error or pending")),
    };
    let source = match full_name(document)? {
        Some(repository) => format!("commit status {context} of {repository}"),
        None => format!("commit status {context}"),
    };
    Ok(Event {
        form: Form::Status,
        object: default_context(context),
        verdict,
        reason: description.to_string(),
        message: String::new(),
        tag: None,
        digest: None,
        commit: Some(commit),
        at: time(document, "updated_at")?,
        metadata: BTreeMap::new(),
        source,
    })
}

/// What an event without an error says, by its reason, or by a commit status's description, which is the reason in lower
/// case with its words apart.
fn said(reason: &str, message: &str) -> Verdict {
    let folded: String = reason.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
    match folded.as_str() {
        "reconciliationsucceeded" | "succeeded" => Verdict::Success,
        "installsucceeded" | "upgradesucceeded" | "testsucceeded" => Verdict::Success,
        // kustomize-controller announces passed health checks before the object is marked ready, so the reason still
        // is that of the reconciliation going on. Dispatch providers get this event and never "Reconciliation finished".
        "progressing" if message.starts_with("Health check passed") => Verdict::Success,
        "progressing" | "progressingwithretry" | "dependencynotready" | "healthcheckcanceled" => Verdict::Progressing,
        // Among them RollbackSucceeded and UninstallSucceeded: the remedy worked, the revision did not.
        _ => Verdict::Info,
    }
}

/// A name as Kubernetes has them: what is printed and compared must not hide anything.
fn name(document: &Document<'_>, key: &str) -> Result<String, EventError> {
    let text = document.text(key)?;
    if is_name(text) { Ok(text.to_string()) } else { Err(document.value(key, text, "a Kubernetes name")) }
}

fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'))
}

/// Flux's default context of a commit status: `kind/name/<first part of the provider's UID>`, in lower case.
fn default_context(context: &str) -> Option<Object> {
    let mut parts = context.split('/');
    let (kind, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let is_uid = uid.len() == 8 && uid.bytes().all(|byte| byte.is_ascii_hexdigit());
    if parts.next().is_some() || !is_uid || !is_name(kind) || !is_name(name) {
        return None;
    }
    let kind = KINDS.into_iter().find(|known| known.eq_ignore_ascii_case(kind)).unwrap_or(kind);
    Some(Object { kind: kind.to_string(), name: name.to_string(), namespace: None })
}

/// Kinds that Flux reports on, to give back the capitals which a commit status's context lacks.
const KINDS: [&str; 9] = [
    "Kustomization",
    "HelmRelease",
    "OCIRepository",
    "GitRepository",
    "HelmRepository",
    "HelmChart",
    "Bucket",
    "ImageUpdateAutomation",
    "ArtifactGenerator",
];

fn time(document: &Document<'_>, key: &str) -> Result<Option<Timestamp>, EventError> {
    let Some(text) = document.optional_text(key)? else { return Ok(None) };
    text.parse().map(Some).map_err(|source| EventError::Time { path: document.path(key), source })
}

fn full_name<'a>(document: &Document<'a>) -> Result<Option<&'a str>, EventError> {
    match document.optional_object("repository")? {
        Some(repository) => repository.optional_text("full_name"),
        None => Ok(None),
    }
}
