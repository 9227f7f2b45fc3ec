//! The border: JavaScript values become Rust types and back, and failures become errors that can be told apart.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;

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

/// Reads the arguments, decides, and writes the answer.
pub(crate) fn answer<I: DeserializeOwned, O: Serialize>(
    arguments: &[&JsValue],
    decide: impl FnOnce(I) -> Result<O, Failure>,
) -> Result<JsValue, JsValue> {
    let text = json_of(arguments).and_then(|text| reply(&text, decide)).map_err(error)?;
    parse(&text)
}

/// A JSON array of the arguments; what was left out is null.
fn json_of(arguments: &[&JsValue]) -> Result<String, Failure> {
    let mut written = Vec::new();
    for argument in arguments {
        let text = stringify(argument).map_err(|_| Failure::Unwritable)?;
        written.push(text.as_string().unwrap_or_else(|| "null".to_owned()));
    }
    Ok(format!("[{}]", written.join(",")))
}

fn reply<I: DeserializeOwned, O: Serialize>(
    arguments: &str,
    decide: impl FnOnce(I) -> Result<O, Failure>,
) -> Result<String, Failure> {
    let input = serde_json::from_str(arguments).map_err(|error| Failure::Input(error.to_string()))?;
    serde_json::to_string(&decide(input)?).map_err(|error| Failure::Answer(error.to_string()))
}

fn error(failure: Failure) -> JsValue {
    let error = JsError::new(&failure.to_string());
    error.set_id(failure.id());
    error.into()
}
