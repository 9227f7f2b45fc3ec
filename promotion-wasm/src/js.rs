//! The border: JavaScript values become Rust types and back, and failures become errors that can be told apart.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;

mod json;

pub(crate) use json::{Pairs, Unreadable, read};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What every function throws when it has no answer; `id` is for programs, `message` for people. */
export interface PromotionError extends Error {
  id: "input" | "answer" | "policy" | "version" | "constraint" | "filter" | "unpredictable" | "no-match" | "exclusion"
    | "no-policy" | "range" | "order" | "no-tags" | "nothing-left" | "no-version" | "not-a-number" | "image-policy"
    | "unknown-reason" | "conflict";
}
"#;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = JSON)]
    fn stringify(value: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = JSON)]
    fn parse(text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = Error)]
    type JsError;
    #[wasm_bindgen(constructor, js_class = "Error")]
    fn new(message: &str) -> JsError;
    #[wasm_bindgen(method, setter, js_class = "Error")]
    fn set_id(this: &JsError, id: &str);
}

/// Reads the arguments, decides, and hands over the answer, which is [`written`].
pub(crate) fn answer<I: DeserializeOwned>(
    arguments: &[&JsValue],
    decide: impl FnOnce(I) -> Result<String, Failure>,
) -> Result<JsValue, JsValue> {
    let text = json_of(arguments).and_then(|text| decide(read(&text)?)).map_err(error)?;
    parse(&text)
}

/// An answer as JSON.
pub(crate) fn written(answer: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(answer).map_err(|_| Failure::Answer)
}

/// A JSON document that somebody pasted, as the host reads it.
pub(crate) fn document<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    let value = parse(text).map_err(|_| Failure::NoJson)?;
    Ok(read(&written_by_host(&value)?)?)
}

/// A JSON array of the arguments; what was left out is null.
fn json_of(arguments: &[&JsValue]) -> Result<String, Failure> {
    let written = arguments.iter().map(|argument| written_by_host(argument)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", written.join(",")))
}

fn written_by_host(value: &JsValue) -> Result<String, Failure> {
    let text = stringify(value).map_err(|_| Failure::Unwritable)?;
    Ok(text.as_string().unwrap_or_else(|| "null".to_owned()))
}

fn error(failure: Failure) -> JsValue {
    let error = JsError::new(&failure.to_string());
    error.set_id(failure.id());
    error.into()
}
