//! Decisions of OCI artifact promotion, and nothing else: no IO, no clock, no environment, no runtime.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod commit;
mod digest;
mod repository;
mod tag;

pub mod manifest;
pub mod ports;
#[cfg(feature = "testing")]
pub mod testing;

pub use commit::{Commit, CommitError, CommitPrefix, Revision};
pub use digest::{Digest, DigestError};
pub use repository::{Repository, RepositoryError};
pub use tag::{Tag, TagError};
