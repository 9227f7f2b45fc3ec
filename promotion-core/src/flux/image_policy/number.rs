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
use alloc::vec::Vec;

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

/// A decimal number, rounded to the nearest as Go and Rust do. Rust's own reader is faster by a table of ten kilobytes that nothing
/// compresses, and the browser build would carry it.
fn decimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)?),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Where the point stands, counted from the first digit that is not zero.
    let zeros = digits().take_while(|digit| *digit == b'0').count();
    let point = exponent + whole.len() as i64 - zeros as i64;
    let mut left = digits().skip(zeros);
    let (mut number, mut length) = (Large::default(), 0);
    for digit in left.by_ref().take(MOST_DIGITS) {
        number.multiply_and_add(10, u32::from(digit - b'0'));
        length += 1;
    }
    Some(match point {
        _ if length == 0 => 0.0,
        ..-330 => 0.0,
        -330..=310 => number.times_ten_to(point - length, left.any(|digit| digit != b'0')),
        311.. => f64::INFINITY,
    })
}

/// No number of 64 bits, nor the middle between two, has more digits; what follows only says that a little more was there.
const MOST_DIGITS: usize = 1200;

/// A natural number of any size, in groups of 32 bits, lowest first.
#[derive(Default)]
struct Large(Vec<u32>);

impl Large {
    fn multiply_and_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for group in &mut self.0 {
            carry += u64::from(*group) * u64::from(factor);
            *group = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Divides, and says whether something is left.
    fn divide(&mut self, divisor: u32) -> bool {
        let mut rest = 0;
        for group in self.0.iter_mut().rev() {
            let dividend = rest << 32 | u64::from(*group);
            *group = (dividend / u64::from(divisor)) as u32;
            rest = dividend % u64::from(divisor);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        rest != 0
    }

    /// `self * 10^exponent`, rounded; `lost` says that a little more was there.
    fn times_ten_to(mut self, exponent: i64, mut lost: bool) -> f64 {
        // Room for 64 bits behind the division: ten has less than four.
        let room = if exponent < 0 { 2 + exponent.unsigned_abs() as usize / 8 + 1 } else { 0 };
        self.0.splice(0..0, core::iter::repeat_n(0, room));
        for _ in 0..exponent {
            self.multiply_and_add(10, 0);
        }
        for _ in exponent..0 {
            lost |= self.divide(10);
        }
        let below = self.0.len().saturating_sub(3);
        let top = self.0[below..].iter().rev().fold(0_u128, |top, group| top << 32 | u128::from(*group));
        let beyond = 64_u32.saturating_sub(top.leading_zeros());
        lost |= self.0[..below].iter().any(|group| *group != 0) || top & ((1 << beyond) - 1) != 0;
        let groups = below as i64 - room as i64;
        compose((top >> beyond) as u64, 32 * groups + i64::from(beyond), lost)
    }
}

/// A hexadecimal number: digits, perhaps with a point, and a binary exponent, which is required.
fn hexadecimal(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut value, mut exponent, mut lost) = (0_u64, self::exponent(exponent)?, false);
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

/// Far out only the direction matters.
fn exponent(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().map_or(FAR, |exponent| exponent.min(FAR));
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

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::decimal;

    /// What Rust reads, of texts that both read.
    fn agrees(text: &str) {
        assert_eq!(decimal(text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits), "{text}");
    }

    #[test]
    fn the_hard_ones_are_rounded_right() {
        for text in [
            "0",
            "00.00",
            "1",
            "1.",
            ".5",
            ".",
            "",
            "e5",
            "1e",
            "1e+",
            "1e5",
            "20240102",
            "9007199254740993",
            "9007199254740992.5",
            "9007199254740993.0000000000000000000000000000001",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "1e309",
            "1e-400",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "123456789012345678901234567890",
            "0.1",
            "1e23",
            "8.5e22",
            "1e-5000000000000",
            "1e99999999999999999999",
            "0e99999999999",
        ] {
            agrees(text);
        }
        let middle = format!("{:.1100}", f64::from_bits(1));
        agrees(&middle);
        let halves = "2".repeat(2000);
        agrees(&format!("0.{halves}"));
        agrees(&format!("{}1e-1999", "0".repeat(3000)));
        agrees(&format!("0.{}1e3000", "0".repeat(3000)));
        agrees(&format!("9007199254740993.{}1", "0".repeat(3000)));
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_rust_reads_it(bits in any::<u64>(), digits in 0..40_usize, exponent in -340..320_i32, mantissa in "[0-9]{0,25}[.]?[0-9]{0,25}") {
            let number = f64::from_bits(bits).abs();
            if number.is_finite() {
                for text in [format!("{number:e}"), format!("{number:.digits$e}"), format!("{number}")] {
                    prop_assert_eq!(decimal(&text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits), "{}", text);
                }
            }
            let text: String = format!("{mantissa}e{exponent}");
            prop_assert_eq!(decimal(&text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits), "{}", text);
        }
    }
}
