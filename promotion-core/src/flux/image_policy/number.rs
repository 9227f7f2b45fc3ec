//! Numbers as Go's `ParseFloat` reads them: also hexadecimal (`0x1.8p3`), with underscores (`2024_01_02`), infinite (`+Inf`) and `nan`.
//!
//! ```
//! use promotion_core::flux::{ImageChoice, ImagePolicy, OrderPolicy, PolicyChoice, select_image};
//!
//! let policy = PolicyChoice { numerical: Some(OrderPolicy::default()), ..PolicyChoice::default() };
//! let policy = ImagePolicy { policy, filter_tags: None, exclusion_list: Vec::new() };
//! assert_eq!(select_image(&["0x1p3", "7", "1_0"], &policy)?, ImageChoice::Selected("1_0"));
//! assert!(select_image(&["1e400"], &policy).is_err());
//! # Ok::<(), promotion_core::flux::ImagePolicyError>(())
//! ```

use alloc::string::String;

/// The number, or nothing where Go reports a syntax error or an overflow.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if ["inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
        return Some(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let hex = strip_hex_prefix(unsigned);
    let digits = hex.unwrap_or(unsigned);
    if !underscores_are_between_digits(digits, hex.is_some()) {
        return None;
    }
    let digits: String = digits.chars().filter(|character| *character != '_').collect();
    let magnitude = if hex.is_some() { hexadecimal(&digits) } else { decimal(&digits) };
    magnitude.filter(|magnitude| magnitude.is_finite()).map(|magnitude| sign * magnitude)
}

fn strip_hex_prefix(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).filter(|digits| !digits.is_empty())
}

/// The prefix counts as a digit.
fn underscores_are_between_digits(digits: &str, hex: bool) -> bool {
    let bytes = digits.as_bytes();
    let is_digit =
        |byte: Option<&u8>| byte.is_some_and(|byte| if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() });
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| {
        let before = if at == 0 { hex } else { is_digit(bytes.get(at - 1)) };
        before && is_digit(bytes.get(at + 1))
    })
}

/// Rust reads the same decimal numbers, once its names for the infinite ones and a second sign are out of the way.
fn decimal(digits: &str) -> Option<f64> {
    let legal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let starts = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if starts && digits.bytes().all(legal) { digits.parse().ok() } else { None }
}

/// A hexadecimal number: digits, perhaps with a point, and a binary exponent, which is required.
fn hexadecimal(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut value, mut exponent, mut lost) = (0_u64, binary_exponent(exponent)?, false);
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        let is_fraction = index >= whole.len();
        if value >> 59 == 0 {
            value = value << 4 | digit;
            exponent -= if is_fraction { 4 } else { 0 };
        } else {
            lost |= digit != 0;
            exponent += if is_fraction { 0 } else { 4 };
        }
    }
    Some(compose(value, exponent, lost))
}

/// Beyond 10000 only the direction matters.
fn binary_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().map_or(100_000, |exponent| exponent.min(100_000));
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// `value * 2^exponent`, rounded to the nearest, to even when in the middle; `lost` says that a little more was there.
fn compose(value: u64, exponent: i64, lost: bool) -> f64 {
    const MANTISSA_BITS: i64 = 52;
    const LEAST_EXPONENT: i64 = -1074;
    if value == 0 {
        return 0.0;
    }
    let length = 64 - i64::from(value.leading_zeros());
    let unit = (exponent + length - (MANTISSA_BITS + 1)).max(LEAST_EXPONENT);
    let shift = unit - exponent;
    let rounded = if shift <= 0 { value << -shift } else { round(value, shift, lost) };
    // Rounding up may reach the next power of two, which the addition carries into the exponent.
    let biased = if rounded >> MANTISSA_BITS == 0 { 0 } else { unit - LEAST_EXPONENT };
    if biased >= 2046 {
        return f64::INFINITY;
    }
    f64::from_bits(rounded.wrapping_add((biased as u64) << MANTISSA_BITS))
}

fn round(value: u64, shift: i64, lost: bool) -> u64 {
    if shift > 64 {
        return 0;
    }
    let wide = u128::from(value);
    let (kept, rest, half) = ((wide >> shift) as u64, wide & ((1 << shift) - 1), 1_u128 << (shift - 1));
    let up = rest > half || (rest == half && (lost || kept & 1 == 1));
    kept + u64::from(up)
}
