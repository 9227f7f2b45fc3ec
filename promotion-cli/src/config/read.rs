//! `promotion.yaml` as text: where a mistake is, and what was probably meant.

use std::fs;
use std::path::Path;

use serde_saphyr::Error;

use super::{Settings, nearest};
use crate::error::{Failure, Id};
use crate::exit::Exit;

pub(super) fn file(path: &Path) -> Result<Settings, Failure> {
    let place = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Failure::io("read the configuration", &place, &error))?;
    parse(&text, &place)
}

pub(super) fn parse(text: &str, place: &str) -> Result<Settings, Failure> {
    // A file of comments alone is a file that changes nothing.
    if text.lines().all(|line| line.trim_start().starts_with('#') || line.trim().is_empty()) {
        return Ok(Settings::default());
    }
    serde_saphyr::from_str(text).map_err(|error| failure(&error, text, place))
}

fn failure(error: &Error, text: &str, place: &str) -> Failure {
    let line = error.location().and_then(|at| text.lines().nth(usize::try_from(at.line()).ok()?.checked_sub(1)?));
    let (message, fix) = describe(error.without_snippet(), line.unwrap_or_default().trim());
    let place = match error.location() {
        Some(at) if at.line() > 0 => format!("{place}:{}:{}", at.line(), at.column()),
        _ => place.to_owned(),
    };
    let failure = Failure::new(Exit::Usage, Id::CONFIGURATION, "read the configuration", message).at(place);
    match fix {
        Some(fix) => failure.fix(fix),
        None => failure,
    }
}

fn describe(error: &Error, line: &str) -> (String, Option<String>) {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            (format!("unknown key {field:?}"), suggestion(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("unknown value {variant:?}"), suggestion(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => (format!("the key {field:?} is missing"), None),
        Error::DuplicateMappingKey { key: Some(key), .. } => (format!("the key {key:?} is there twice"), None),
        other => {
            let text = other.to_string();
            // The place is told apart from the message.
            let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned();
            (
                format!("{text} in {line:?}"),
                Some("promotion schema prints what is accepted; promotion init writes an example".to_owned()),
            )
        }
    }
}

fn suggestion(word: &str, expected: &[&'static str]) -> Option<String> {
    match nearest(word, expected.iter().copied()) {
        Some(near) => Some(format!("did you mean {near:?}? known: {}", expected.join(", "))),
        None if expected.is_empty() => None,
        None => Some(format!("known: {}", expected.join(", "))),
    }
}
