//! Decisions of OCI artifact promotion, and nothing else: no IO, no clock, no environment, no runtime.
//!
//! An artifact moves through environments by tags: `X.Y.Z-rc.N` makes a build visible to the first stage,
//! `validated-<commit>` records that the stage approved *that digest*, `X.Y.Z` makes it visible to the next. What a
//! cluster runs follows from the highest version that it can see, so everything a pipeline must achieve is two rules,
//! and one planner, [`converge()`], writes what makes them true.
//!
//! Read on in this order: the words ([`Tag`], [`Digest`], [`version`], [`scheme`], [`policy`]), what is known
//! ([`snapshot`], [`artifact`], [`event`], [`evidence`]), what is decided ([`plan`], [`mod@converge`], [`reason`], and
//! [`explain`] for people), how it is carried out ([`executor`], [`ports`], [`memory`]), and how it is checked ([`audit`],
//! [`proofs`], [`lifecycle`], [`silence`]), and what may be forgotten ([`retention`]). What a cluster will pick from any tags, ours or not, is [`flux`]; what
//! that means for every stage is [`forecast`], and how tools print tags is [`listing`].
//!
//! ```
//! use promotion_core::executor::{Executor, drive_in_memory};
//! use promotion_core::memory::MemoryRegistry;
//! use promotion_core::plan::{Build, Goal};
//! use promotion_core::policy::Policy;
//! use promotion_core::time::Timestamp;
//!
//! let mut registry = MemoryRegistry::default();
//! let artifact = registry.push_artifact("6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "content");
//! let executor = Executor::new(Policy::default(), Goal::Build(Build::of(artifact)));
//! let outcome = drive_in_memory(&mut registry, executor, Timestamp::from_unix(0)).unwrap();
//! assert_eq!(outcome.candidate.unwrap().as_str(), "0.1.0-rc.1");
//! ```
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod commit;
mod concurrently;
mod digest;
mod repository;
mod tag;

pub mod time;
pub mod verdicts;
pub mod version;

pub mod evidence;
pub mod policy;
pub mod scheme;

pub mod artifact;
pub mod manifest;
pub mod snapshot;
pub mod what;
pub mod why;

pub mod converge;
pub mod explain;
pub mod plan;
pub mod reason;

pub mod cluster;
pub mod executor;
pub mod lease;
pub mod lint;
pub mod memory;
pub mod ports;
pub mod record;
#[cfg(feature = "testing")]
pub mod testing;

pub mod audit;
pub mod board;
pub mod lifecycle;
pub mod proofs;
pub mod retention;
pub mod silence;

pub mod event;
pub mod flux;
pub mod forecast;
pub mod listing;

pub use commit::{Commit, CommitError, CommitPrefix, Revision};
pub use converge::converge;
pub use digest::{Digest, DigestError};
pub use repository::{Repository, RepositoryError};
pub use tag::{Tag, TagError};
