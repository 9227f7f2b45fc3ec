//! Adapter crate of `promotion`.
