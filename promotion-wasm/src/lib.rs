//! `promotion-core` for JavaScript: the same decisions in a browser and in Node, with no server behind them.

use promotion_core as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// The version of this build.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
