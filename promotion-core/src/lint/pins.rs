//! Pins: versions of packages that a cleaner must keep, one `type/name==version` a line.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde_json::Value;

use super::image::Image;
use super::{Document, Found, Rule, called, text};

/// A version that is always kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// `container`, as the registry calls packages of images.
    pub kind: String,
    /// The package, without its host and owner.
    pub name: String,
    /// The version; of a container its tag.
    pub version: String,
}

/// A line that is no pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?} is not type/name==version")]
pub struct PinError {
    /// Counted from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}=={}", self.kind, self.name, self.version)
    }
}

impl FromStr for Pin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (package, version) = text.split_once("==").ok_or(())?;
        let (kind, name) = package.split_once('/').ok_or(())?;
        let [kind, name, version] = [kind, name, version].map(str::trim);
        let part = |part: &str| !part.is_empty() && !part.contains([' ', '\t', '=', '#']);
        let all = part(kind) && part(name) && part(version);
        if all { Ok(Self { kind: kind.into(), name: name.into(), version: version.into() }) } else { Err(()) }
    }
}

impl Pin {
    /// Whether it keeps this image.
    #[must_use]
    pub fn keeps(&self, image: &Image) -> bool {
        let named = image.repository == self.name || image.repository.ends_with(&alloc::format!("/{}", self.name));
        self.kind == "container" && named && image.tag.as_ref() == Some(&self.version)
    }
}

/// Reads a file of pins: comments after `#`, blank lines.
///
/// # Errors
/// The first line that is no pin.
pub fn pins(text: &str) -> Result<Vec<Pin>, PinError> {
    let said = text.lines().zip(1..).map(|(line, number)| (line.split('#').next().unwrap_or(line).trim(), number));
    let read =
        |(line, number): (&str, usize)| line.parse().map_err(|()| PinError { line: number, text: line.to_string() });
    said.filter(|(line, _)| !line.is_empty()).map(read).collect()
}

/// A copy of the pins that a cleaner mounts, which is an old one until somebody deploys it again.
pub(super) fn lint(document: &Document, declared: &[Pin], found: &mut Found<'_>) {
    let value = &document.value;
    if declared.is_empty() || text(value, "/kind") != Some("ConfigMap") {
        return;
    }
    let data = value.get("data").and_then(Value::as_object).into_iter().flatten();
    let copies = data.filter_map(|(_, data)| pins(data.as_str()?).ok()).filter(|copy| !copy.is_empty());
    for copy in copies {
        let without = |all: &[Pin], some: &[Pin]| -> Vec<String> {
            all.iter().filter(|pin| !some.contains(pin)).map(ToString::to_string).collect()
        };
        let (missing, more) = (without(declared, &copy), without(&copy, declared));
        if !missing.is_empty() || !more.is_empty() {
            found(called(value), Rule::PinsDiffer { missing, more });
        }
    }
}
