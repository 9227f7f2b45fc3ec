//! What the objects of a cluster say: Flux's and canary-checker's, read leniently, each field by its name in the API.
//! A status is believed only if it is of the object's newest generation.
//!
//! ```
//! use promotion_core::cluster::Source;
//! use promotion_core::ports::cluster::Object;
//!
//! let document = serde_json::json!({
//!     "apiVersion": "source.toolkit.fluxcd.io/v1beta2", "kind": "OCIRepository",
//!     "metadata": { "namespace": "flux-system", "name": "platform" },
//!     "spec": { "url": "oci://ghcr.io/acme/platform", "ref": { "semver": ">= 0.0.0" } },
//! });
//! let source = Source::of(&Object::of(document).unwrap())?;
//! assert_eq!(source.reference.semver.as_deref(), Some(">= 0.0.0"));
//! assert!(source.artifact.is_none() && source.ready().is_none());
//! # Ok::<(), String>(())
//! ```

mod alert;
mod announced;
mod canary;
mod chart;
mod common;
mod event;
mod kustomization;
mod observed;
mod pin;
mod release;
mod source;
mod trouble;

pub use alert::{Alert, EventSource, Provider};
pub use canary::Canary;
pub use chart::Chart;
pub use common::{Applied, Condition, Owner, Status};
pub use event::Event;
pub use kustomization::Kustomization;
pub use observed::{Observed, Site, same_constraint};
pub use pin::{PINNED, PinError, Pinned, pin, pinned, reconcile, unpin};
pub use release::HelmRelease;
pub use source::{Reference, Source};
pub use trouble::{Fault, MEANINGS, ObjectRef, Trouble};
