//! What a backslash and what brackets stand for in Go's regular expressions.
//!
//! ```
//! use promotion_core::flux::TagFilter;
//!
//! assert!(TagFilter::parse(r"^[\d-z]+$")?.is_match("1-z"));
//! assert!(TagFilter::parse(r"^\141\x{62}$")?.is_match("ab"));
//! assert!(TagFilter::parse(r"\Z").is_err() && TagFilter::parse(r"\1").is_err());
//! # Ok::<(), promotion_core::flux::FilterError>(())
//! ```

use alloc::string::String;

use super::class::{self, Class, Unicode};
use super::cursor::{Cursor, Stop};

/// One character that a backslash introduces, as a code point: `\n`, `\.`, `\x2e`, `\x{2e}`, `\056`.
pub(super) fn character(cursor: &mut Cursor<'_>) -> Result<u32, Stop> {
    let start = cursor.at;
    cursor.skip(1);
    let Some(escaped) = cursor.next() else {
        return Err(Stop::Invalid(start, "trailing backslash"));
    };
    let plain = match escaped {
        '0' => return Ok(octal(cursor, 0)),
        // A lone digit would be a back reference.
        '1'..='7' if cursor.peek().is_some_and(|next| next.is_digit(8)) => {
            return Ok(octal(cursor, u32::from(escaped) - u32::from('0')));
        }
        'x' => hexadecimal(cursor),
        'a' => Some(0x07),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
        _ => None,
    };
    plain.ok_or(Stop::Invalid(start, "invalid escape sequence"))
}

/// Up to three octal digits, of which the first is read already.
fn octal(cursor: &mut Cursor<'_>, first: u32) -> u32 {
    let mut value = first;
    for _ in 1..3 {
        let Some(digit) = cursor.peek().and_then(|next| next.to_digit(8)) else { break };
        value = value * 8 + digit;
        cursor.skip(1);
    }
    value
}

fn hexadecimal(cursor: &mut Cursor<'_>) -> Option<u32> {
    let first = cursor.next()?;
    if first != '{' {
        return Some(first.to_digit(16)? * 16 + cursor.next()?.to_digit(16)?);
    }
    let mut value = cursor.next()?.to_digit(16)?;
    loop {
        match cursor.next()? {
            '}' => return Some(value),
            digit => value = value * 16 + digit.to_digit(16)?,
        }
        if value > u32::from(char::MAX) {
            return None;
        }
    }
}

/// A set that a backslash introduces (`\d`, `\W`, `\pL`, `\P{Greek}`), if there is one.
pub(super) fn set(cursor: &mut Cursor<'_>, fold: bool) -> Result<Option<Class>, Stop> {
    let mut letters = cursor.rest().chars();
    if letters.next() != Some('\\') {
        return Ok(None);
    }
    let Some(letter) = letters.next().and_then(|letter| u8::try_from(letter).ok()) else {
        return Ok(None);
    };
    if letter.eq_ignore_ascii_case(&b'p') {
        return unicode(cursor, letter == b'P', fold).map(Some);
    }
    let Some(class) = class::perl(letter.to_ascii_lowercase()) else {
        return Ok(None);
    };
    cursor.skip(2);
    Ok(Some(finish(class, letter.is_ascii_uppercase(), fold)))
}

const fn finish(class: Class, negated: bool, fold: bool) -> Class {
    let class = if fold { class.folded() } else { class };
    if negated { class.negated() } else { class }
}

fn unicode(cursor: &mut Cursor<'_>, negated: bool, fold: bool) -> Result<Class, Stop> {
    let invalid = Stop::Invalid(cursor.at, "invalid character class");
    cursor.skip(2);
    let rest = cursor.rest();
    let (name, length) = match rest.chars().next() {
        None => return Err(invalid),
        Some('{') => match rest.find('}') {
            None => return Err(invalid),
            Some(end) => (&rest[1..end], end + 1),
        },
        Some(letter) => (&rest[..letter.len_utf8()], letter.len_utf8()),
    };
    let (name, flipped) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    match class::unicode(&canonical(name)) {
        Unicode::Unknown => Err(invalid),
        Unicode::Unsettled => {
            Err(Stop::Unpredictable("Go releases differ in which scripts of several words they know"))
        }
        Unicode::Known(class) => {
            cursor.skip(length);
            Ok(finish(class, negated != flipped, fold))
        }
    }
}

/// Go compares names without regard to case, spaces, hyphens and underscores.
fn canonical(name: &str) -> String {
    let mut canonical = String::new();
    for letter in name.chars().filter(|letter| !matches!(letter, ' ' | '-' | '_')) {
        let first = canonical.is_empty();
        canonical.push(if first { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
    }
    canonical
}

/// A class in brackets.
pub(super) fn brackets(cursor: &mut Cursor<'_>, fold: bool) -> Result<Class, Stop> {
    let start = cursor.at;
    cursor.skip(1);
    let negated = cursor.eat("^");
    let mut class = Class::NONE;
    let mut first = true;
    while first || cursor.peek() != Some(']') {
        first = false;
        let item = match named(cursor, fold)? {
            Some(item) => item,
            None => match set(cursor, fold)? {
                Some(item) => item,
                None => range(cursor, start, fold)?,
            },
        };
        class = class.union(item);
    }
    cursor.skip(1);
    Ok(if negated { class.negated() } else { class })
}

/// `[:alpha:]`; without a closing `:]` anywhere behind it, the bracket is an ordinary character.
fn named(cursor: &mut Cursor<'_>, fold: bool) -> Result<Option<Class>, Stop> {
    let Some((name, _)) = cursor.rest().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
        return Ok(None);
    };
    let (plain, negated) = name.strip_prefix('^').map_or((name, false), |plain| (plain, true));
    let Some(class) = class::posix(plain) else {
        return Err(Stop::Invalid(cursor.at, "invalid character class range"));
    };
    cursor.skip(name.len() + 4);
    Ok(Some(finish(class, negated, fold)))
}

/// A single character, or two with a hyphen in between.
fn range(cursor: &mut Cursor<'_>, brackets: usize, fold: bool) -> Result<Class, Stop> {
    let start = cursor.at;
    let low = member(cursor, brackets)?;
    let rest = cursor.rest();
    let mut high = low;
    if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
        cursor.skip(1);
        high = member(cursor, brackets)?;
    }
    if high < low {
        return Err(Stop::Invalid(start, "invalid character class range"));
    }
    Ok(Class::range(low, high, fold))
}

fn member(cursor: &mut Cursor<'_>, brackets: usize) -> Result<u32, Stop> {
    if cursor.peek() == Some('\\') {
        return character(cursor);
    }
    cursor.next().map(u32::from).ok_or(Stop::Invalid(brackets, "missing closing ]"))
}
