//! Reasons in words.
//!
//! ```js
//! explain("poison-tag"); // what the id means
//! explain(converge(known, goal, now).refusal); // the tree as indented lines
//! ```

use promotion_core::explain::{Told, meaning};
use serde::Deserialize;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;
use crate::js::answer;

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the id of a reason, or a refusal")]
enum Question {
    Id(String),
    Refusal(Told),
}

/// What the id of a reason means, or a refusal as text.
#[wasm_bindgen]
pub fn explain(question: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[question], |(question,): (Question,)| match question {
        Question::Id(id) => meaning(&id).map(str::to_owned).ok_or(Failure::UnknownReason(id)),
        Question::Refusal(told) => Ok(told.to_string()),
    })
}
