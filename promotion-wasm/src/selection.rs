//! Which tag Flux picks.
//!
//! ```js
//! select({ semver: ">= 0.0.0", tags: ["1.4.0", "1.5.0-rc.2"] });
//! // { tag: "1.4.0", version: "1.4.0", ambiguous: [], runners_up: [], matching: 1 }
//! imagePolicy({ policy: { alphabetical: { order: "asc" } } }, ["a", "b"]); // { selected: "b" }
//! ```

use promotion_core::flux::{ImagePolicy, Selection, Selector, select as flux_select, select_image};
use serde::{Deserialize, Serialize};
use serde_json::{Value, to_value};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;
use crate::js::answer;

/// An `OCIRepository`, as far as it decides, and the listing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    tags: Vec<String>,
    semver: String,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default, alias = "mediaType")]
    media_type: Option<String>,
    #[serde(default)]
    runners_up: Option<usize>,
}

#[derive(Serialize)]
struct Selected<'t> {
    #[serde(flatten)]
    selection: Selection<'t>,
    /// How many entries of the listing match.
    matching: usize,
}

/// What an `OCIRepository` with a `semver` reference picks.
#[wasm_bindgen]
pub fn select(listing: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[listing], |(listing,): (Listing,)| {
        let parsed = Selector::parse(&listing.semver, listing.filter.as_deref(), listing.media_type.as_deref())?;
        let runners_up = listing.runners_up.unwrap_or(parsed.runners_up);
        let selector = Selector { runners_up, ..parsed };
        let selection = flux_select(&listing.tags, &selector)?;
        owned(&Selected { selection, matching: selector.matching(&listing.tags) })
    })
}

/// What an `ImagePolicy` picks: `{ selected }`, or `{ ambiguous: { possible } }` where Flux itself cannot tell.
#[wasm_bindgen(js_name = imagePolicy)]
pub fn image_policy(policy: &JsValue, tags: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[policy, tags], |(policy, tags): (ImagePolicy, Vec<String>)| owned(&select_image(&tags, &policy)?))
}

/// An answer that borrows from its question cannot outlive it.
fn owned(answer: &impl serde::Serialize) -> Result<Value, Failure> {
    to_value(answer).map_err(|error| Failure::Answer(error.to_string()))
}
