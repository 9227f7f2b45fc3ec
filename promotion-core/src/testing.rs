//! What embedders and adapters test themselves with.

pub mod conformance;
