//! Reasons in words.
//!
//! ```js
//! explain("poison-tag"); // what the id means
//! explain(converge(known, goal, now).refusal); // the tree as indented lines
//! ```

use promotion_core::explain::{Told, meaning};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;
use crate::js::{answer, written};

/// What the id of a reason means, or a refusal as text.
#[wasm_bindgen(unchecked_return_type = "string")]
pub fn explain(
    #[wasm_bindgen(unchecked_param_type = "string | Refusal")] question: &JsValue,
) -> Result<JsValue, JsValue> {
    if question.is_string() {
        answer(&[question], |(id,): (String,)| match meaning(&id) {
            Some(meaning) => written(&meaning),
            None => Err(Failure::UnknownReason(id)),
        })
    } else {
        answer(&[question], |(told,): (Told,)| written(&told.to_string()))
    }
}
