//! Verifies what this crate has of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod adapter;
mod pipeline;
