//! Which tag Flux picks.
//!
//! ```js
//! select({ semver: ">= 0.0.0", tags: ["1.4.0", "1.5.0-rc.2"] });
//! // { tag: "1.4.0", version: "1.4.0", ambiguous: [], runners_up: [], matching: 1 }
//! imagePolicy({ policy: { alphabetical: { order: "asc" } } }, ["a", "b"]); // { selected: "b" }
//! forecast(readTags("1.4.0\n1.5.0-rc.2")).stages.map(({ tag }) => tag); // ["1.5.0-rc.2", "1.4.0"]
//! ```

use promotion_core::flux::{ImagePolicy, Selection, Selector, select as flux_select, select_image};
use promotion_core::forecast::forecast as core_forecast;
use promotion_core::listing::{Document, is_document, tag_of_line};
use promotion_core::policy::{Policy, Spec};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::js::{answer, document, written};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** An `OCIRepository`, as far as it decides, and the listing. */
export interface Listing {
  tags: string[];
  /** `spec.ref.semver` */
  semver: string;
  /** `spec.ref.semverFilter` */
  filter?: string | null;
  /** `spec.layerSelector.mediaType` */
  mediaType?: string | null;
  /** How many of the next best tags to tell. */
  runners_up?: number | null;
}

export interface Selection {
  /** Nothing when it cannot be told. */
  tag: string | null;
  version: string;
  /** The tags between which it cannot be told. */
  ambiguous: string[];
  runners_up: string[];
  /** How many entries of the listing match. */
  matching: number;
}

/** The parts of an `ImagePolicy` and of its `ImageRepository` that decide. */
export interface ImagePolicy {
  policy: {
    semver?: { range?: string } | null;
    alphabetical?: { order?: string } | null;
    numerical?: { order?: string } | null;
  };
  filterTags?: { pattern?: string; extract?: string } | null;
  exclusionList?: string[];
}

export type ImageChoice = { selected: string } | { ambiguous: { possible: string[] } };

/** What every stage's cluster picks, and what it passes over. */
export interface Forecast {
  stages: Pick[];
  /** The highest versions, ours and others', highest first. */
  line: Place[];
  counts: {
    tags: number; releases: number; candidates: number; marks: number; channels: number; strangers: number; others: number;
    invalid: number;
  };
}

export interface Pick {
  stage: string;
  constraint: string;
  filter: string | null;
  tag: string | null;
  ambiguous: string[];
  runners_up: string[];
  matching: number;
  /** Strangers that outrank or tie with the best of ours. */
  poison: string[];
  /** Why, in a sentence. */
  because: string;
}

export interface Place {
  tag: string;
  kind: "release" | "candidate" | "stranger";
  /** Of a candidate: the lowest release above it, which hides it from every cluster. */
  masked_by: string | null;
  /** The stages whose clusters consider it. */
  stages: string[];
}
"#;

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

/// How many versions of the order are told unless asked otherwise.
const LINE: usize = 100;

/// What an `OCIRepository` with a `semver` reference picks.
#[wasm_bindgen(unchecked_return_type = "Selection")]
pub fn select(#[wasm_bindgen(unchecked_param_type = "Listing")] listing: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[listing], |(listing,): (Listing,)| {
        let parsed = Selector::parse(&listing.semver, listing.filter.as_deref(), listing.media_type.as_deref())?;
        let runners_up = listing.runners_up.unwrap_or(parsed.runners_up);
        let selector = Selector { runners_up, ..parsed };
        let selection = flux_select(&listing.tags, &selector)?;
        written(&Selected { selection, matching: selector.matching(&listing.tags) })
    })
}

/// What an `ImagePolicy` picks: `{ selected }`, or `{ ambiguous: { possible } }` where Flux itself cannot tell.
#[wasm_bindgen(js_name = imagePolicy, unchecked_return_type = "ImageChoice")]
pub fn image_policy(
    #[wasm_bindgen(unchecked_param_type = "ImagePolicy")] policy: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string[]")] tags: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[policy, tags], |(policy, tags): (ImagePolicy, Vec<String>)| written(&select_image(&tags, &policy)?))
}

/// What every stage of a policy picks from a listing, with at most `line` versions of the listing's order (100 unless given).
#[wasm_bindgen(unchecked_return_type = "Forecast")]
pub fn forecast(
    #[wasm_bindgen(unchecked_param_type = "string[]")] tags: &JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "Policy")] policy: &JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "number")] line: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[tags, policy, line], |(tags, spec, line): (Vec<String>, Option<Spec>, Option<usize>)| {
        let policy = Policy::new(spec.unwrap_or_default())?;
        written(&core_forecast(&tags, &policy, line.unwrap_or(LINE)))
    })
}

/// The tags in a text that some tool printed: one a line, a table, references, a JSON list, or a registry's answer.
#[wasm_bindgen(js_name = readTags, unchecked_return_type = "string[]")]
pub fn read_tags(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[text], |(text,): (String,)| {
        if text.trim_start().bytes().next().is_some_and(is_document) {
            return written(&document::<Document>(&text)?.0);
        }
        let mut tags: Vec<&str> = Vec::new();
        for line in text.lines() {
            tags.extend(tag_of_line(line, tags.is_empty()));
        }
        written(&tags)
    })
}
