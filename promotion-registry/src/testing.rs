//! What tests of registries share, here and in other crates: real servers on loopback, a proxy that counts and breaks
//! exchanges, and a registry in the process.
//!
//! - [`servers`]: starts the registries that `scripts/components` installs, and runs their clients;
//! - [`proxy`]: stands before any of them, records what passes, and breaks the exchange that a test picks;
//! - [`fake`]: a registry in the process with the quirks of those that nobody can install;
//! - [`bytes`]: what strangers' bytes are read as, for fuzzing.
//!
//! The first three listen on loopback, on a port that the kernel chose, from threads of their own: a test may block, and need
//! not run on tokio. Dropping one stops it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that is how a test fails")]

pub mod bytes;
pub mod fake;
pub mod proxy;
pub mod servers;

mod listener;
mod route;
