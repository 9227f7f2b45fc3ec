//! Pins: a source that follows one digest until it is unpinned, and remembers what it followed before.

use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::source::{Reference, Source};
use super::trouble::Fault;
use crate::ports::cluster::Object;
use crate::time::Timestamp;
use crate::{Digest, Tag};

/// The annotation that remembers.
pub const PINNED: &str = "promotion-rs.github.io/pinned";

/// The annotation by which a controller is asked to look now.
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";

/// What a pinned source remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// What it followed (`spec.ref`).
    pub before: Reference,
    /// To what it was pinned.
    pub to: Digest,
    /// The tag of that, for people.
    pub tag: Option<Tag>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Why nothing was planned.
pub type PinError = Fault;

/// The merge patch that pins a source. It follows the digest and nothing else: a digest counts before a range, but a range that
/// stayed would come back by itself when somebody removed the digest.
///
/// # Errors
/// When the pin would have no effect or not last: the source is suspended, pinned already, or written by somebody else, unless
/// `force`d; or cannot be read.
pub fn pin(object: &Object, pinned: &Pinned, force: bool) -> Result<Value, PinError> {
    let source = Source::of(object).map_err(|why| Fault::Unreadable { why })?;
    if source.suspended {
        return Err(Fault::Suspended);
    }
    if let Some(earlier) = in_force(&source) {
        return Err(Fault::PinnedAlready { to: shown(earlier) });
    }
    respect(&source, force)?;
    // A pin that somebody undid by hand is over: what is followed now is what was before this one.
    let remembered = Pinned { before: source.reference, ..pinned.clone() };
    let reference = json!({ "digest": pinned.to, "semver": null, "semverFilter": null, "tag": null });
    Ok(patch(object, &reference, &serde_json::to_string(&remembered).unwrap_or_default().into(), pinned.at))
}

/// The merge patch that returns a source to what it followed before it was pinned.
///
/// # Errors
/// When it does not remember, somebody else writes it, unless `force`d, or it cannot be read.
pub fn unpin(object: &Object, force: bool, now: Timestamp) -> Result<Value, PinError> {
    let source = Source::of(object).map_err(|why| Fault::Unreadable { why })?;
    // What somebody wrote to spec.ref since is not undone.
    let Some(pinned) = in_force(&source).or(source.pinned.as_ref().filter(|_| force)) else {
        return Err(Fault::NotPinned);
    };
    respect(&source, force)?;
    let Reference { digest, semver, semver_filter, tag } = &pinned.before;
    let reference = json!({ "digest": digest, "semver": semver, "semverFilter": semver_filter, "tag": tag });
    Ok(patch(object, &reference, &Value::Null, now))
}

/// The merge patch that asks a controller to look now.
#[must_use]
pub fn reconcile(now: Timestamp) -> Value {
    json!({ "metadata": { "annotations": { REQUESTED: now.to_string() } } })
}

/// What a source is pinned to, by promotion or by hand; `None` where it follows a range.
#[must_use]
pub fn pinned(source: &Source) -> Option<String> {
    if let Some(pinned) = in_force(source) {
        return Some(shown(pinned));
    }
    let Reference { digest, semver, tag, .. } = &source.reference;
    digest.clone().or_else(|| tag.clone().filter(|_| semver.is_none()))
}

/// The pin that the source remembers, if it still follows it.
fn in_force(source: &Source) -> Option<&Pinned> {
    let follows = |pinned: &&Pinned| source.reference.digest.as_deref() == Some(&*pinned.to.to_string());
    source.pinned.as_ref().filter(follows)
}

fn shown(pinned: &Pinned) -> String {
    let digest = pinned.to.short();
    let what = pinned.tag.as_ref().map_or_else(|| alloc::format!("sha256:{digest}"), ToString::to_string);
    alloc::format!("{what}, by {} at {}: {}", pinned.by, pinned.at, pinned.reason)
}

fn respect(source: &Source, force: bool) -> Result<(), PinError> {
    match &source.owner {
        Some(owner) if !force => Err(Fault::Owned { owner: owner.clone() }),
        _ => Ok(()),
    }
}

/// Refused by the cluster if the object was changed since it was read. The controller looks at once.
fn patch(object: &Object, reference: &Value, remembered: &Value, now: Timestamp) -> Value {
    json!({
        "metadata": {
            "resourceVersion": object.resource_version(),
            "annotations": { PINNED: remembered, REQUESTED: now.to_string() },
        },
        "spec": { "ref": reference },
    })
}
