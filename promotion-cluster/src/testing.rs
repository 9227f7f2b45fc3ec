//! What tests of clusters share: a real API server and Flux's controllers on loopback, built by `scripts/components`.
//!
//! - [`ControlPlane`]: etcd and kube-apiserver, with an administrator and somebody who may do nothing yet;
//! - [`Controller`]: source-, kustomize- and notification-controller, each run for as long as a test wants it;
//! - what a test does with objects goes through `kubectl`, so that it shares no code with the adapter it tests.
//!
//! Nothing else runs: no scheduler, no kubelet and none of Kubernetes' own controllers. A Deployment stays as it was
//! written, and a deleted namespace stays forever.
//!
//! ```no_run
//! use promotion_cluster::testing::{ControlPlane, Controller};
//! use serde_json::json;
//!
//! let plane = ControlPlane::start();
//! plane.install_flux();
//! let _source = plane.run(Controller::Source);
//! plane.apply(&json!({
//!     "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
//!     "metadata": {"name": "platform", "namespace": "flux-system"},
//!     "spec": {"interval": "10m", "url": "oci://127.0.0.1:5000/platform", "insecure": true},
//! }));
//! plane.until("ocirepository", "platform", "is ready", |object| promotion_cluster::testing::is_ready(object));
//! ```

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that is how a test fails")]

mod address;
mod control_plane;
mod controllers;
mod objects;
mod process;
mod tools;

pub use control_plane::{ControlPlane, Identity};
pub use controllers::{Controller, Running};
pub use objects::{NAMESPACE, condition, is_ready};
pub use tools::find;
