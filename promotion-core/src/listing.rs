//! Tags as tools print them: `flux list artifacts`, `crane ls`, `oras repo tags`, `skopeo list-tags`, and what registries answer.
//!
//! ```
//! use promotion_core::listing::{is_document, tag_of_line};
//!
//! assert_eq!(tag_of_line("ghcr.io/acme/platform:1.4.0\tsha256:52d5…", true), Some("1.4.0"));
//! assert_eq!(tag_of_line("ARTIFACT\tDIGEST\tSOURCE\tREVISION", true), None);
//! assert!(is_document(b'{') && !is_document(b'v'));
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Tags in the order of a JSON document: `["1.0.0"]`, as `jq` and `regctl` print them, or a registry's answer to
/// `/v2/NAME/tags/list`, whose tags are `null` when all were deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(pub Vec<String>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes).map(Self)
    }
}

struct Shapes;

impl<'de> Visitor<'de> for Shapes {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags, or an object with one under \"tags\"")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut tags = Vec::new();
        while let Some(tag) = list.next_element()? {
            tags.push(tag);
        }
        Ok(tags)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Vec<String>, A::Error> {
        let mut tags = None;
        while let Some(key) = object.next_key::<String>()? {
            // `skopeo list-tags` capitalises.
            if key.eq_ignore_ascii_case("tags") {
                tags = Some(object.next_value::<Option<Vec<String>>>()?.unwrap_or_default());
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        tags.ok_or_else(|| A::Error::missing_field("tags"))
    }
}

/// Whether a text that starts so, blanks aside, is a JSON [`Document`]; else each line names a tag.
#[must_use]
pub const fn is_document(first: u8) -> bool {
    matches!(first, b'[' | b'{')
}

/// The first word of a line, if it can be a tag: `oci://host/repository:tag` and `host/repository:tag` give their tag, a comment and
/// the header of a table nothing. `first`: no line before it had a tag.
#[must_use]
pub fn tag_of_line(line: &str, first: bool) -> Option<&str> {
    let word = line.split_whitespace().next().filter(|word| !word.starts_with('#'))?;
    let name = word.rsplit_once('/').map_or(word, |(_, name)| name);
    let tag = name.rsplit_once(':').map_or(name, |(_, tag)| tag);
    let header = first && matches!(word, "ARTIFACT" | "TAG" | "TAGS" | "NAME");
    (!header && !tag.is_empty()).then_some(tag)
}
