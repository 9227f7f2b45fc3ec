//! What Flux reads as a version: looser than the semver specification, and ordered without build metadata.
//!
//! ```
//! use core::cmp::Ordering;
//! use promotion_core::flux::{Version, VersionError};
//!
//! let version = Version::parse_tag("v1.02-rc.10+build")?;
//! assert_eq!(version.to_string(), "1.2.0-rc.10+build");
//! assert_eq!(version.precedence(&Version::parse_tag("1.2.0-rc.9")?), Ordering::Greater);
//! assert_eq!(Version::parse_tag("1.2"), Err(VersionError::TwoDots));
//! assert_eq!(Version::parse_tag("latest"), Err(VersionError::Character { at: 0 }));
//! # Ok::<(), VersionError>(())
//! ```

use core::cmp::Ordering;
use core::fmt;

use serde::{Serialize, Serializer};

/// A version, borrowed from the text that it was read from; reading one allocates nothing.
///
/// Grammar: `v? DIGITS (.DIGITS){0,2} (-ID(.ID)*)? (+ID(.ID)*)?` with `ID = [0-9A-Za-z-]+`; missing numbers are 0, leading zeros
/// are legal except in a pre-release identifier of digits only, and numbers fit an unsigned 64-bit integer.
///
/// The order is [`precedence`](Self::precedence): `1.0.0-1 < 1.0.0-2 < 1.0.0-10 < 1.0.0-rc < 1.0.0-rc.9 < 1.0.0-rc.10 <
/// 1.0.0-rc10 < 1.0.0-rc9 < 1.0.0 = v1.0.0+a = 1.0.0+b < 1.0.1`. It is no [`Ord`]: versions of equal precedence can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version<'a> {
    /// The first number.
    pub major: u64,
    /// The second number, 0 when missing.
    pub minor: u64,
    /// The third number, 0 when missing.
    pub patch: u64,
    /// The pre-release without its `-`, empty for a release.
    pub pre: &'a str,
    /// The build metadata without its `+`, often empty.
    pub build: &'a str,
    pub(super) text: &'a str,
}

/// Why Flux does not read a text as a version. Small and without allocation: most tags are no versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// More than 256 bytes.
    #[error("a version has at most {} bytes, this text has {len}", Version::MAX_LEN)]
    TooLong {
        /// How many it has.
        len: usize,
    },
    /// The text ends where a number or an identifier must follow.
    #[error("unexpected end of version at byte {at}")]
    End {
        /// Its length.
        at: usize,
    },
    /// A character that the grammar does not have here.
    #[error("unexpected character in version at byte {at}")]
    Character {
        /// Its byte offset.
        at: usize,
    },
    /// A number above 18446744073709551615.
    #[error("number in version at byte {at} does not fit 64 bits")]
    Overflow {
        /// Where the number starts.
        at: usize,
    },
    /// A pre-release identifier like `01`.
    #[error("leading zero in pre-release identifier at byte {at}")]
    LeadingZero {
        /// Where the identifier starts.
        at: usize,
    },
    /// A tag with fewer than two dots anywhere, which Flux does not even try to read.
    #[error("a tag needs two dots to be read as a version")]
    TwoDots,
}

/// Which bytes introduce build metadata: a tag cannot contain `+`, so charts write `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    Literal,
    Underscore,
}

impl Plus {
    const fn is(self, byte: u8) -> bool {
        byte == b'+' || (byte == b'_' && matches!(self, Self::Underscore))
    }
}

impl<'a> Version<'a> {
    /// The longest text that is read at all, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Reads any text, as Flux reads versions inside constraints.
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    pub fn parse_loose(text: &'a str) -> Result<Self, VersionError> {
        parse(text, Plus::Literal)
    }

    /// Reads a tag: the same, but the tag must contain two dots, be it in the pre-release (`1.2-rc.1`, `2024-1.2.3`).
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    #[inline]
    pub fn parse_tag(tag: &'a str) -> Result<Self, VersionError> {
        parse_tag(tag, Plus::Literal)
    }

    /// Reads a tag of a Helm chart, in which `_` stands for the `+` that a tag cannot contain.
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    pub fn parse_chart_tag(tag: &'a str) -> Result<Self, VersionError> {
        parse_tag(tag, Plus::Underscore)
    }

    /// The text that was read.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether it has a pre-release.
    #[must_use]
    pub const fn is_prerelease(&self) -> bool {
        !self.pre.is_empty()
    }

    /// The order that decides what a cluster runs: numbers, then the pre-release; metadata counts for nothing.
    ///
    /// Identifiers that fit 64 bits compare as numbers and are below all others; everything else compares bytewise, also digits
    /// that do not fit, so that `99999999999999999999 > 100000000000000000000`.
    #[must_use]
    #[inline]
    pub fn precedence(&self, other: &Version<'_>) -> Ordering {
        self.compare([other.major, other.minor, other.patch], || other.pre)
    }

    /// The same, without a look at the other pre-release where the numbers decide, as they mostly do.
    #[inline]
    pub(super) fn compare<'b>(&self, numbers: [u64; 3], pre: impl FnOnce() -> &'b str) -> Ordering {
        match [self.major, self.minor, self.patch].cmp(&numbers) {
            Ordering::Equal => order_of_pre(self.pre, pre()),
            decided => decided,
        }
    }
}

fn order_of_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => order_of_identifiers(a.as_bytes(), b.as_bytes()),
    }
}

/// The first identifiers that differ decide; else the longer list is higher.
fn order_of_identifiers(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (ends_a, ends_b) = (end_of_identifier(a), end_of_identifier(b));
        let (first_a, first_b) = (&a[..ends_a], &b[..ends_b]);
        if first_a != first_b {
            return Identifier::of(first_a).cmp(&Identifier::of(first_b));
        }
        match (a.get(ends_a + 1..), b.get(ends_b + 1..)) {
            (Some(rest_a), Some(rest_b)) => (a, b) = (rest_a, rest_b),
            (rest_a, rest_b) => return rest_a.is_some().cmp(&rest_b.is_some()),
        }
    }
}

fn end_of_identifier(text: &[u8]) -> usize {
    text.iter().position(|byte| *byte == b'.').unwrap_or(text.len())
}

/// The derived order is the rule: numbers below texts, each among themselves.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Number(u64),
    Text(&'a [u8]),
}

impl<'a> Identifier<'a> {
    fn of(text: &'a [u8]) -> Self {
        let number = text
            .iter()
            .enumerate()
            .try_fold(0_u64, |value, (at, _)| value.checked_mul(10)?.checked_add(digit(text, at)?));
        number.map_or(Self::Text(text), Self::Number)
    }
}

#[inline]
fn parse_tag(tag: &str, plus: Plus) -> Result<Version<'_>, VersionError> {
    let (numbers, count, at) = numbers(tag)?;
    // A tag with all three numbers needs no counting of dots.
    let version = suffixes(tag, numbers, at, plus)?;
    if count < 3 && tag.bytes().filter(|byte| *byte == b'.').count() < 2 {
        return Err(VersionError::TwoDots);
    }
    Ok(version)
}

#[inline]
pub(super) fn parse(text: &str, plus: Plus) -> Result<Version<'_>, VersionError> {
    let (numbers, _, at) = numbers(text)?;
    suffixes(text, numbers, at, plus)
}

/// The numbers, how many are written out, and where they end.
#[inline]
fn numbers(text: &str) -> Result<([u64; 3], usize, usize), VersionError> {
    let bytes = text.as_bytes();
    if bytes.len() > Version::MAX_LEN {
        return Err(VersionError::TooLong { len: bytes.len() });
    }
    let mut at = usize::from(bytes.first() == Some(&b'v'));
    let mut numbers = [0; 3];
    for count in 0..3 {
        (numbers[count], at) = number(bytes, at)?;
        if count == 2 || bytes.get(at) != Some(&b'.') {
            return Ok((numbers, count + 1, at));
        }
        at += 1;
    }
    Ok((numbers, 3, at))
}

#[inline]
fn suffixes(text: &str, numbers: [u64; 3], start: usize, plus: Plus) -> Result<Version<'_>, VersionError> {
    let (bytes, mut at) = (text.as_bytes(), start);
    let (mut pre, mut build) = ("", "");
    if bytes.get(at) == Some(&b'-') {
        let end = identifiers(bytes, at + 1, false)?;
        pre = &text[at + 1..end];
        at = end;
    }
    if bytes.get(at).is_some_and(|byte| plus.is(*byte)) {
        let end = identifiers(bytes, at + 1, true)?;
        build = &text[at + 1..end];
        at = end;
    }
    let [major, minor, patch] = numbers;
    if at < bytes.len() {
        return Err(VersionError::Character { at });
    }
    Ok(Version { major, minor, patch, pre, build, text })
}

/// Up to this many digits cannot overflow.
const SAFE_DIGITS: usize = 19;

#[inline]
fn number(bytes: &[u8], start: usize) -> Result<(u64, usize), VersionError> {
    let mut value = 0_u64;
    let mut at = start;
    while let Some(digit) = digit(bytes, at) {
        value = if at - start < SAFE_DIGITS {
            value * 10 + digit
        } else {
            let longer = value.checked_mul(10).and_then(|value| value.checked_add(digit));
            longer.ok_or(VersionError::Overflow { at: start })?
        };
        at += 1;
    }
    if at == start { Err(unexpected(bytes, at)) } else { Ok((value, at)) }
}

#[inline]
fn digit(bytes: &[u8], at: usize) -> Option<u64> {
    let digit = bytes.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// Where identifiers that are joined by dots end; there is at least one, and none is empty.
#[inline]
fn identifiers(bytes: &[u8], start: usize, zero_may_lead: bool) -> Result<usize, VersionError> {
    let mut at = start;
    loop {
        let from = at;
        while digit(bytes, at).is_some() {
            at += 1;
        }
        let digits = at - from;
        while bytes.get(at).is_some_and(|byte| is_identifier(*byte)) {
            at += 1;
        }
        if at == from {
            return Err(unexpected(bytes, at));
        }
        if digits > 1 && digits == at - from && bytes[from] == b'0' && !zero_may_lead {
            return Err(VersionError::LeadingZero { at: from });
        }
        if bytes.get(at) != Some(&b'.') {
            return Ok(at);
        }
        at += 1;
    }
}

/// One look-up a byte instead of up to seven comparisons: pre-releases are most of what is read.
#[inline]
pub(super) const fn is_identifier(byte: u8) -> bool {
    IDENTIFIER[byte as usize]
}

const IDENTIFIER: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'-';
        byte += 1;
    }
    table
};

const fn unexpected(bytes: &[u8], at: usize) -> VersionError {
    if at < bytes.len() { VersionError::Character { at } } else { VersionError::End { at } }
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

impl Serialize for Version<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
