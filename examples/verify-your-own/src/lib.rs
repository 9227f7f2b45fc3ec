//! Two things of one's own that want verifying: a registry adapter ([`folder`]) and a pipeline ([`pipeline`]).
//!
//! `tests/it/adapter.rs` and `tests/it/pipeline.rs` verify them; nothing in here knows that.

pub mod folder;
pub mod pipeline;
