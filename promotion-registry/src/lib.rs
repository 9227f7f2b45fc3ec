//! Registry adapters of `promotion`: the OCI distribution API, an OCI image layout on disk, and packing a folder as a
//! Flux artifact.
//!
//! - [`distribution`]: [`Distribution`] implements [`promotion_core::ports::Registry`] for `oci://HOST/PATH`;
//! - [`ocidir`]: [`OciDir`] implements [`promotion_core::ports::Registry`] for `ocidir://PATH`;
//! - [`copy`]: copies artifacts between any two of them, whole;
//! - [`flux`]: turns a folder into the artifact that `flux push artifact` would push, reproducibly.
//!
//! Adapters move bytes and report facts; they decide nothing. They need a tokio runtime, whose blocking threads do all
//! work on files.
//!
//! ```
//! use promotion_core::manifest::{Manifest, OCI_MANIFEST};
//! use promotion_core::ports::{Expect, Registry};
//! use promotion_registry::OciDir;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("platform");
//! let layout = OciDir::create(&path).await?;
//! let manifest = Manifest::new(OCI_MANIFEST, br#"{"schemaVersion":2}"#.to_vec());
//! layout.put_tag(&"1.4.0-rc.1".parse()?, &manifest, Expect::Absent).await?;
//! assert_eq!(layout.resolve(&"1.4.0-rc.1".parse()?).await?, Some(manifest.digest()));
//! # Ok(())
//! # }
//! ```

mod fault;

pub mod copy;
pub mod distribution;
pub mod flux;
pub mod ocidir;
#[cfg(feature = "testing")]
pub mod testing;

pub use distribution::Distribution;
pub use ocidir::OciDir;
