//! Tags: the only mutable thing in a registry, and so the only place where state lives.
//!
//! ```
//! use promotion_core::Tag;
//!
//! let tag: Tag = "1.4.0-rc.2".parse()?;
//! assert_eq!(tag.as_str(), "1.4.0-rc.2");
//! assert!("1.4.0+meta".parse::<Tag>().is_err());
//! # Ok::<(), promotion_core::TagError>(())
//! ```

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A tag as the OCI distribution specification defines it: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
///
/// Ordered bytewise, which means nothing: versions have their own order. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Arc<str>);

/// Why a text is not a [`Tag`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The empty text.
    #[error("a tag cannot be empty")]
    Empty,
    /// More than 128 bytes.
    #[error("a tag has at most 128 characters, this one has {0}")]
    TooLong(usize),
    /// A character that the grammar does not have, with its byte offset.
    #[error("unexpected character {found:?} at byte {at} of tag {tag:?}")]
    Character {
        /// The whole text.
        tag: String,
        /// The character.
        found: char,
        /// Its byte offset.
        at: usize,
    },
}

impl Tag {
    /// The longest tag, in bytes.
    pub const MAX_LEN: usize = 128;

    /// The tag's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the grammar without keeping the text.
    ///
    /// # Errors
    /// What [`FromStr`] says.
    pub fn check(text: &str) -> Result<(), TagError> {
        if text.is_empty() {
            return Err(TagError::Empty);
        }
        for (at, found) in text.char_indices() {
            let legal = found.is_ascii_alphanumeric() || found == '_' || (at > 0 && (found == '.' || found == '-'));
            if !legal {
                return Err(TagError::Character { tag: text.to_string(), found, at });
            }
        }
        if text.len() > Self::MAX_LEN {
            return Err(TagError::TooLong(text.len()));
        }
        Ok(())
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;

    fn try_from(text: String) -> Result<Self, TagError> {
        text.parse()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.as_str().to_string()
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Tag {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
