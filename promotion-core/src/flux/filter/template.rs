//! What an image policy extracts from a tag: text in which `$1`, `$name` and `${name}` stand for groups.
//!
//! ```
//! use promotion_core::flux::{TagFilter, Template};
//!
//! let filter = TagFilter::parse("^main-(?P<ts>[0-9]+)$")?;
//! let extract = |template| filter.expand("main-20240102", &Template::parse(template)?).map(Option::unwrap_or_default);
//! assert_eq!(extract("$ts")?, "20240102");
//! assert_eq!(extract("${1}0")?, "202401020");
//! assert_eq!(extract("$10 ${1 $$")?, " ${1 $");
//! # Ok::<(), promotion_core::flux::FilterError>(())
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::FilterError;

/// A replacement text with Go's rules: the longest run of letters, digits and `_` after `$` is the name, so `$1x` means the group
/// `1x`; `$$` is a dollar sign, and so is a `$` that no name follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number(usize),
    Name(String),
}

impl Template {
    /// Reads a template; nearly every text is one.
    ///
    /// # Errors
    /// A name that is not ASCII: what Go takes for a letter depends on its Unicode tables.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            pieces.push(Piece::Text(before.to_string()));
            let (piece, length) = reference(after).ok_or_else(|| FilterError::Unpredictable {
                pattern: text.to_string(),
                reason: "a group name in the template is not ASCII",
            })?;
            pieces.push(piece);
            rest = &after[length..];
        }
        pieces.push(Piece::Text(rest.to_string()));
        Ok(Self(pieces))
    }

    pub(super) fn fill<'a>(
        &self,
        numbered: impl Fn(usize) -> Option<&'a str>,
        named: impl Fn(&str) -> Option<&'a str>,
    ) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Number(number) => numbered(*number).unwrap_or_default(),
                Piece::Name(name) => named(name).unwrap_or_default(),
            });
        }
        filled
    }
}

/// What follows a `$`, and how long it is; nothing when that cannot be told.
fn reference(after: &str) -> Option<(Piece, usize)> {
    let dollar = |length| Some((Piece::Text("$".into()), length));
    if after.starts_with('$') {
        return dollar(1);
    }
    let brace = usize::from(after.starts_with('{'));
    let tail = &after[brace..];
    let length = tail.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (name, next) = (&tail[..length], tail[length..].chars().next());
    if next.is_some_and(|next| !next.is_ascii()) {
        return None;
    }
    if name.is_empty() || (brace == 1 && next != Some('}')) {
        return dollar(0);
    }
    Some((group(name), length + 2 * brace))
}

/// A group's number, or its name: also digits that start with a zero or are too many.
fn group(name: &str) -> Piece {
    let number = name.parse().ok().filter(|_| name.len() <= 9 && (name == "0" || !name.starts_with('0')));
    number.map_or_else(|| Piece::Name(name.to_string()), Piece::Number)
}
