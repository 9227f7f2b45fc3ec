//! `promotion-core` for JavaScript: the same decisions in a browser and in Node, with no server behind them.
//!
//! Plain values go in and plain values come out, as JSON text underneath. Nothing is decided here. What cannot
//! be read is thrown as an `Error` with an `id`; a refusal or an open question is an answer, not an error.
//!
//! ```js
//! import { select, converge } from "promotion-wasm";
//! select({ semver: ">= 0.0.0-0", tags: ["1.4.0", "1.5.0-rc.2"] }).tag; // "1.5.0-rc.2"
//! converge({ tags: ["0.1.0-rc.1"] }, { kind: "repair" }, "2026-03-01T12:00:00Z").needs.tags; // ["0.1.0-rc.1"]
//! ```

mod failure;
mod js;

mod known;
pub mod planning;
pub mod selection;
pub mod telling;
pub mod versions;

use wasm_bindgen::prelude::wasm_bindgen;

/// The version of this build.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
