//! Points in time and lengths of time. The caller tells what time it is: nothing here reads a clock.
//!
//! ```
//! use core::time::Duration;
//! use promotion_core::time::{Timestamp, parse_duration};
//!
//! let seen: Timestamp = "2026-08-07T16:12:44.25+03:00".parse()?;
//! assert_eq!(seen.to_string(), "2026-08-07T13:12:44Z");
//! let now = Timestamp::from_unix(seen.as_unix() + 90);
//! assert_eq!(now.since(seen), Some(Duration::from_secs(90)));
//! assert_eq!(parse_duration("1h30m")?, Duration::from_secs(5400));
//! assert!(parse_duration("7d").is_err(), "a day has no fixed length");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A second on the UTC time line, as Unix time; written and read as RFC 3339.
///
/// Kubernetes, Flux and GitHub state whole seconds, so a fraction is accepted and dropped (rounded down), and a leap
/// second `:60` is the second after `:59`. Years 0000 to 9999, which is what RFC 3339 can say; other values are
/// clamped when they are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// Why a text is not a [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not of the form `2026-08-07T13:12:44Z`.
    #[error("time {0:?} is not RFC 3339, such as 2026-08-07T13:12:44Z or 2026-08-07T16:12:44+03:00")]
    Form(String),
    /// Digits in the right places, but there is no such day or time of day.
    #[error("time {time:?} has no such {field}")]
    Field {
        /// The whole text.
        time: String,
        /// Which part.
        field: &'static str,
    },
    /// Outside the years that RFC 3339 can write, once the offset is applied.
    #[error("time {0:?} is outside the years 0000 to 9999")]
    Range(String),
}

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// The empty text.
    #[error("a duration cannot be empty; write it as 1h30m")]
    Empty,
    /// No number where one belongs.
    #[error("expected a number at byte {at} of duration {duration:?}; write it as 1h30m")]
    Number {
        /// The whole text.
        duration: String,
        /// Where the number should have begun.
        at: usize,
    },
    /// A number without a unit.
    #[error("duration {0:?} ends without a unit; expected h, m, s, ms, us or ns")]
    NoUnit(String),
    /// A unit that Go does not have.
    #[error("unit {unit:?} of duration {duration:?} is unknown; expected h, m, s, ms, us or ns (a day is 24h)")]
    Unit {
        /// The whole text.
        duration: String,
        /// What stood after the number.
        unit: String,
    },
    /// Below zero.
    #[error("duration {0:?} is negative")]
    Negative(String),
    /// More than 2^63 - 1 nanoseconds, about 292 years: Go's longest.
    #[error("duration {0:?} is too long")]
    TooLong(String),
}

const SECONDS_PER_DAY: i64 = 86_400;
const FIRST: i64 = -62_167_219_200; // 0000-01-01T00:00:00Z
const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

impl Timestamp {
    /// The second that is this many seconds after 1970-01-01T00:00:00Z, without leap seconds.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    #[must_use]
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; `None` when it is later than this (clocks of two machines differ).
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let seconds = i128::from(self.0) - i128::from(earlier.0);
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }
}

/// Days between 1970-01-01 and a day of the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year and months have a closed form.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A number of exactly `len` ASCII digits at the front of `text`.
fn digits(text: &mut &[u8], len: usize) -> Option<i64> {
    let (number, rest) = text.split_at_checked(len)?;
    *text = rest;
    number.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn one_of(text: &mut &[u8], accepted: &[u8]) -> Option<u8> {
    let (first, rest) = text.split_first()?;
    *text = rest;
    accepted.contains(first).then_some(*first)
}

/// The parts of an RFC 3339 text, each with the right number of digits but of any value.
struct Parts {
    date: (i64, i64, i64),
    time: (i64, i64, i64),
    /// Seconds east of UTC, with the offset's hours and minutes for checking.
    offset: (i64, i64, i64),
}

fn parts(mut text: &[u8]) -> Option<Parts> {
    let text = &mut text;
    let year = digits(text, 4)?;
    one_of(text, b"-")?;
    let month = digits(text, 2)?;
    one_of(text, b"-")?;
    let day = digits(text, 2)?;
    one_of(text, b"Tt ")?;
    let hour = digits(text, 2)?;
    one_of(text, b":")?;
    let minute = digits(text, 2)?;
    one_of(text, b":")?;
    let second = digits(text, 2)?;
    let mut next = one_of(text, b".Zz+-")?;
    if next == b'.' {
        let fraction = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if fraction == 0 {
            return None;
        }
        *text = &text[fraction..];
        next = one_of(text, b"Zz+-")?;
    }
    let sign = match next {
        b'+' => 1,
        b'-' => -1,
        _ => 0,
    };
    let mut offset = (0, 0, 0);
    if sign != 0 {
        let hours = digits(text, 2)?;
        one_of(text, b":")?;
        let minutes = digits(text, 2)?;
        offset = (sign * (hours * 3600 + minutes * 60), hours, minutes);
    }
    text.is_empty().then_some(Parts { date: (year, month, day), time: (hour, minute, second), offset })
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let Parts { date: (year, month, day), time: (hour, minute, second), offset } =
            parts(text.as_bytes()).ok_or_else(|| TimestampError::Form(text.to_string()))?;
        let field = |field| TimestampError::Field { time: text.to_string(), field };
        if !(1..=12).contains(&month) {
            return Err(field("month"));
        }
        if day == 0 || day > days_in_month(year, month) {
            return Err(field("day"));
        }
        if hour > 23 {
            return Err(field("hour"));
        }
        if minute > 59 {
            return Err(field("minute"));
        }
        if second > 60 {
            return Err(field("second"));
        }
        if offset.1 > 23 || offset.2 > 59 {
            return Err(field("offset"));
        }
        let local = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        match local - offset.0 {
            seconds @ FIRST..=LAST => Ok(Self(seconds)),
            _ => Err(TimestampError::Range(text.to_string())),
        }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.clamp(FIRST, LAST);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a length of time as Go's `time.ParseDuration` writes it, which is what Flux and Kubernetes accept: a sequence of
/// decimal numbers with units, such as `1h`, `1h30m`, `1.5h`, `90s`, `300ms`, or `0`.
///
/// Days and weeks are refused: Go has none, so a value that works here would fail in the manifest next to it.
///
/// # Errors
/// When the text is no such sequence, is negative, or is longer than Go can hold.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned == "0" {
        return Ok(Duration::ZERO);
    }
    if let Some(magnitude) = text.strip_prefix('-') {
        // "-0" and friends are legal Go, and so is "-1h"; neither is a length of time.
        return Err(if magnitude.starts_with(|first: char| first.is_ascii_digit()) {
            DurationError::Negative(text.to_string())
        } else {
            DurationError::Number { duration: text.to_string(), at: 1 }
        });
    }
    let mut rest = unsigned;
    let mut total: u64 = 0;
    let too_long = || DurationError::TooLong(text.to_string());
    loop {
        let (nanos, after) = term(text, rest)?;
        total = total.checked_add(nanos).filter(|total| *total <= MAX_NANOS).ok_or_else(too_long)?;
        if after.is_empty() {
            return Ok(Duration::from_nanos(total));
        }
        rest = after;
    }
}

const MAX_NANOS: u64 = i64::MAX as u64;

/// One number with its unit at the front of `rest`, in nanoseconds, and what follows it.
fn term<'a>(text: &str, rest: &'a str) -> Result<(u64, &'a str), DurationError> {
    let too_long = || DurationError::TooLong(text.to_string());
    let (whole, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => after.split_at(after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len())),
        None => ("", after),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Number { duration: text.to_string(), at: text.len() - rest.len() });
    }
    let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len()));
    let scale: u64 = match unit {
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        // Go accepts both the micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ns" => 1,
        "" => return Err(DurationError::NoUnit(text.to_string())),
        _ => return Err(DurationError::Unit { duration: text.to_string(), unit: unit.to_string() }),
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_long())? };
    let whole = whole.checked_mul(scale).ok_or_else(too_long)?;
    // Digits beyond the eighteenth are below a nanosecond for every unit.
    let mut nanos: u128 = 0;
    let mut divisor: u128 = 1;
    for digit in fraction.bytes().take(18) {
        nanos = nanos * 10 + u128::from(digit - b'0');
        divisor *= 10;
    }
    let nanos = u64::try_from(nanos * u128::from(scale) / divisor).map_err(|_| too_long())?;
    Ok((whole.checked_add(nanos).ok_or_else(too_long)?, after))
}

#[cfg(test)]
mod tests;
