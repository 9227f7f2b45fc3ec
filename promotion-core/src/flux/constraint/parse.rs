//! Reading constraints: hyphen ranges first, then groups, then atoms. The order matters, because a hyphen range is rewritten wherever
//! it occurs, across group separators too.
//!
//! ```
//! use promotion_core::flux::Constraint;
//!
//! let constraint = Constraint::parse("1||2 - 3")?;
//! let groups: Vec<String> = constraint.groups().iter().map(ToString::to_string).collect();
//! assert_eq!(groups, [">=1", "2 <=3"]);
//! # Ok::<(), promotion_core::flux::ConstraintError>(())
//! ```

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::Range;

use super::super::version::{Plus, is_identifier, parse};
use super::{Atom, Constraint, ConstraintError, Group, Operator, Precision};

pub(super) fn groups(text: &str) -> Result<Vec<Group>, ConstraintError> {
    if text.len() > Constraint::MAX_LEN {
        return Err(ConstraintError::TooLong { len: text.len() });
    }
    let text = rewrite_hyphen_ranges(text);
    let count = text.split("||").count();
    if count > Constraint::MAX_GROUPS {
        return Err(ConstraintError::TooManyGroups { count });
    }
    text.split("||").enumerate().map(|(index, group)| parse_group(group, index + 1)).collect()
}

/// The byte ranges of a version inside a constraint, before it is known to be one.
struct Outline {
    whole: Range<usize>,
    parts: [Range<usize>; 3],
    /// Without its `-`.
    pre: Range<usize>,
}

/// The longest version outline that starts here. It needs no way back: no part can begin with what the one before could end with.
fn outline(bytes: &[u8], start: usize) -> Option<Outline> {
    let mut at = start + usize::from(bytes.get(start) == Some(&b'v'));
    let mut parts = [at..at, at..at, at..at];
    for (index, part) in parts.iter_mut().enumerate() {
        let from = at + usize::from(index > 0);
        if index > 0 && bytes.get(at) != Some(&b'.') {
            break;
        }
        let end = from + run(bytes, from, is_part);
        if end == from {
            break;
        }
        *part = from..end;
        at = end;
    }
    if parts[0].is_empty() {
        return None;
    }
    let pre_end = identifiers(bytes, at, b'-');
    let pre = if pre_end > at { at + 1..pre_end } else { at..at };
    let end = identifiers(bytes, pre_end, b'+');
    Some(Outline { whole: start..end, parts, pre })
}

/// The end of the identifiers that `lead` introduces at this place, or this place when there are none.
fn identifiers(bytes: &[u8], start: usize, lead: u8) -> usize {
    let (mut end, mut lead) = (start, lead);
    while bytes.get(end) == Some(&lead) {
        let length = run(bytes, end + 1, is_identifier);
        if length == 0 {
            break;
        }
        end += 1 + length;
        lead = b'.';
    }
    end
}

fn run(bytes: &[u8], from: usize, belongs: fn(u8) -> bool) -> usize {
    bytes.iter().skip(from).take_while(|byte| belongs(**byte)).count()
}

const fn is_part(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'x' | b'X' | b'*' | b'|')
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0c | b'\r')
}

fn rewrite_hyphen_ranges(text: &str) -> Cow<'_, str> {
    let mut rewritten = Cow::Borrowed(text);
    let mut from = 0;
    while from < text.len() {
        let Some(range) = hyphen_range(text.as_bytes(), from) else {
            from += 1;
            continue;
        };
        let comparisons = format!(">= {}, <= {} ", &text[range.low], &text[range.high]);
        // Flux replaces the first place that reads alike, which an earlier replacement may have created.
        rewritten = Cow::Owned(rewritten.replacen(&text[range.whole.clone()], &comparisons, 1));
        from = range.whole.end;
    }
    rewritten
}

struct HyphenRange {
    whole: Range<usize>,
    low: Range<usize>,
    high: Range<usize>,
}

fn hyphen_range(bytes: &[u8], start: usize) -> Option<HyphenRange> {
    let space = |at: usize| run(bytes, at, is_space);
    let low = outline(bytes, start + space(start))?.whole;
    let hyphen = low.end + space(low.end);
    if hyphen == low.end || bytes.get(hyphen) != Some(&b'-') || space(hyphen + 1) == 0 {
        return None;
    }
    let high = outline(bytes, hyphen + 1 + space(hyphen + 1))?.whole;
    Some(HyphenRange { whole: start..high.end + space(high.end), low, high })
}

fn parse_group(group: &str, number: usize) -> Result<Group, ConstraintError> {
    let bytes = group.as_bytes();
    let space = |at: usize| at + run(bytes, at, is_space);
    let syntax = |expected, at| ConstraintError::Syntax { expected, group: group.to_string(), at };
    let mut atoms = Vec::new();
    let mut at = space(0);
    if at == bytes.len() {
        return Err(ConstraintError::EmptyGroup { number });
    }
    loop {
        let (operator, length) = operator(&bytes[at..]);
        let version_at = space(at + length);
        let outline = outline(bytes, version_at).ok_or_else(|| syntax("a version", version_at))?;
        let end = outline.whole.end;
        atoms.push(atom(operator, group, &outline)?);
        at = space(end);
        if at == bytes.len() {
            return Ok(Group::new(atoms));
        }
        if bytes[at] == b',' {
            at = space(at + 1);
        } else if at == end {
            return Err(syntax("white space, a comma or the end", at));
        }
    }
}

/// The operator at the start, and how long it is.
fn operator(bytes: &[u8]) -> (Operator, usize) {
    match bytes {
        [b'!', b'=', ..] => (Operator::NotEqual, 2),
        [b'>', b'=', ..] | [b'=', b'>', ..] => (Operator::GreaterEqual, 2),
        [b'<', b'=', ..] | [b'=', b'<', ..] => (Operator::LessEqual, 2),
        [b'~', b'>', ..] => (Operator::Tilde, 2),
        [b'~', ..] => (Operator::Tilde, 1),
        [b'^', ..] => (Operator::Caret, 1),
        [b'>', ..] => (Operator::Greater, 1),
        [b'<', ..] => (Operator::Less, 1),
        [b'=', ..] => (Operator::Equal, 1),
        _ => (Operator::Equal, 0),
    }
}

fn atom(operator: Operator, group: &str, outline: &Outline) -> Result<Atom, ConstraintError> {
    let [major, minor, patch] = outline.parts.each_ref().map(|part| &group[part.clone()]);
    let (pre, text) = (&group[outline.pre.clone()], &group[outline.whole.clone()]);
    let suffix = if pre.is_empty() { "" } else { &group[outline.pre.start - 1..outline.pre.end] };
    let (precision, loose) = match (is_open(major), is_open(minor), is_open(patch)) {
        (true, _, _) => (Precision::Any, Cow::Owned(format!("0.0.0{suffix}"))),
        (false, true, _) => (Precision::Major, Cow::Owned(format!("{major}.0.0{suffix}"))),
        (false, false, true) => (Precision::Minor, Cow::Owned(format!("{major}.{minor}.0{suffix}"))),
        (false, false, false) => (Precision::Full, Cow::Borrowed(text)),
    };
    let version =
        parse(&loose, Plus::Literal).map_err(|reason| ConstraintError::Version { text: text.to_string(), reason })?;
    let pre = outline.pre.start - outline.whole.start..outline.pre.end - outline.whole.start;
    Ok(Atom { operator, precision, numbers: [version.major, version.minor, version.patch], text: text.into(), pre })
}

/// Whether a part of a version leaves its number open.
fn is_open(part: &str) -> bool {
    matches!(part, "" | "x" | "X" | "*")
}
