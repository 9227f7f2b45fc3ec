//! A JSON object together with where it stands, so that an error can say which field is wrong.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::EventError;

pub(super) struct Document<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Document<'a> {
    pub(super) fn root(value: &'a Value) -> Result<Self, EventError> {
        Self::at(value, String::new())
    }

    fn at(value: &'a Value, path: String) -> Result<Self, EventError> {
        match value {
            Value::Object(fields) => Ok(Self { fields, path }),
            _ if path.is_empty() => Err(wrong("the event".to_string(), value, "an object")),
            _ => Err(wrong(path, value, "an object")),
        }
    }

    /// Where a field stands: `involvedObject.kind`, or `metadata["a.b/c"]` for a key that would be read wrongly so.
    pub(super) fn path(&self, key: &str) -> String {
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        match (self.path.is_empty(), plain) {
            (true, true) => key.to_string(),
            (false, true) => format!("{}.{key}", self.path),
            (_, false) => format!("{}[{key:?}]", self.path),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// A field's value; Go writes `null` for nothing, so null is absent.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn object(&self, key: &str) -> Result<Document<'a>, EventError> {
        self.optional_object(key)?.ok_or_else(|| EventError::Missing(self.path(key)))
    }

    pub(super) fn optional_object(&self, key: &str) -> Result<Option<Document<'a>>, EventError> {
        self.get(key).map(|value| Self::at(value, self.path(key))).transpose()
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, EventError> {
        self.optional_text(key)?.ok_or_else(|| EventError::Missing(self.path(key)))
    }

    pub(super) fn optional_text(&self, key: &str) -> Result<Option<&'a str>, EventError> {
        self.get(key).map(|value| self.read_text(key, value)).transpose()
    }

    /// All fields, which must be texts.
    pub(super) fn texts(&self) -> Result<Vec<(&'a str, &'a str)>, EventError> {
        let present = self.fields.iter().filter(|(_, value)| !value.is_null());
        present.map(|(key, value)| Ok((key.as_str(), self.read_text(key, value)?))).collect()
    }

    fn read_text(&self, key: &str, value: &'a Value) -> Result<&'a str, EventError> {
        value.as_str().ok_or_else(|| wrong(self.path(key), value, "text"))
    }

    pub(super) fn value(&self, key: &str, value: &str, expected: &'static str) -> EventError {
        EventError::Value { path: self.path(key), value: value.to_string(), expected }
    }
}

fn wrong(path: String, value: &Value, expected: &'static str) -> EventError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    EventError::Type { path, found, expected }
}
