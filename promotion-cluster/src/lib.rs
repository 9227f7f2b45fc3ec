//! Adapters of the cluster port: [`Kubernetes`] (feature `kubernetes`), and a [`Folder`] of exported manifests, which answers
//! the same questions from a file somebody sent. What the answers mean is [`promotion_core::cluster`].
//!
//! ```
//! use promotion_cluster::Folder;
//! use promotion_core::ports::cluster::{Cluster, Kind, ObjectName, Reading};
//! # use std::future::Future;
//! # use std::task::{Context, Poll, Waker};
//! # fn block_on<T>(future: impl Future<Output = T>) -> T {
//! #     match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
//! #         Poll::Ready(value) => value,
//! #         Poll::Pending => unreachable!(),
//! #     }
//! # }
//! # let file = std::env::temp_dir().join(format!("promotion-cluster-{}.yaml", std::process::id()));
//! # std::fs::write(&file, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {namespace: flux-system, name: platform}\n")?;
//! let folder = Folder::read(&file)?;
//! let name = ObjectName::new("flux-system", "platform");
//! assert!(matches!(block_on(folder.get(Kind::OciRepository, &name)), Reading::Known(_)));
//! assert!(matches!(block_on(folder.get(Kind::Alert, &name)), Reading::Unknown(why) if why.contains("no Alert")));
//! # std::fs::remove_file(&file)?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod files;
mod folder;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "kubernetes")]
mod lease;

pub use files::{Documents, documents};
pub use folder::Folder;
#[cfg(feature = "kubernetes")]
pub use kubernetes::{Access, Kubernetes};
#[cfg(feature = "kubernetes")]
pub use lease::{Clock, Held, Validity};

#[cfg(feature = "testing")]
pub mod testing;
