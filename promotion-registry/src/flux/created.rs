//! The time of building as the annotation has it: RFC 3339, UTC, whole seconds.

use std::fmt;
use std::str::FromStr;

/// When an artifact was built. The caller knows; nothing here looks at a clock.
///
/// ```
/// use promotion_registry::flux::Created;
///
/// assert_eq!(Created::EPOCH.to_string(), "1970-01-01T00:00:00Z");
/// assert_eq!(Created::from_unix(1_709_164_800)?.to_string(), "2024-02-29T00:00:00Z");
/// assert_eq!("2024-02-29T01:30:00+01:30".parse::<Created>()?.to_unix(), 1_709_164_800);
/// assert!("2023-02-29T00:00:00Z".parse::<Created>().is_err());
/// # Ok::<(), promotion_registry::flux::CreatedError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Created(u64);

/// Why a text or number is not a [`Created`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreatedError {
    /// Not a date and time of RFC 3339 in whole seconds.
    #[error("time {0:?} is not of the form 2024-02-29T12:34:56Z")]
    Form(String),
    /// A form that names no moment from 1970 to 9999.
    #[error("time {0:?} is no moment from 1970 to 9999")]
    Range(String),
}

const DAY: u64 = 86_400;
/// The first second that needs a year of five digits.
const END: u64 = 253_402_300_800;

impl Created {
    /// 1970-01-01T00:00:00Z: what `flux push artifact --reproducible` writes.
    pub const EPOCH: Self = Self(0);

    /// Seconds since 1970, as in `SOURCE_DATE_EPOCH` or a commit.
    ///
    /// # Errors
    /// After the year 9999.
    pub fn from_unix(seconds: u64) -> Result<Self, CreatedError> {
        if seconds < END { Ok(Self(seconds)) } else { Err(CreatedError::Range(seconds.to_string())) }
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn to_unix(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut days, second) = (self.0 / DAY, self.0 % DAY);
        let mut year = 1970;
        while days >= days_of(year) {
            days -= days_of(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_in(year, month) {
            days -= days_in(year, month);
            month += 1;
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
    }
}

impl FromStr for Created {
    type Err = CreatedError;

    fn from_str(text: &str) -> Result<Self, CreatedError> {
        let form = || CreatedError::Form(text.to_owned());
        let range = || CreatedError::Range(text.to_owned());
        let bytes = text.as_bytes();
        let number = |at: usize, len: usize| -> Option<u64> {
            let digits = text.get(at..at + len)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let is = |at: usize, expected: &[u8]| bytes.get(at).is_some_and(|byte| expected.contains(byte));
        let shape = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
        if !shape {
            return Err(form());
        }
        let field = |at, len| number(at, len).ok_or_else(form);
        let (year, month, day) = (field(0, 4)?, field(5, 2)?, field(8, 2)?);
        let (hour, minute, second) = (field(11, 2)?, field(14, 2)?, field(17, 2)?);
        let offset: i64 = match bytes.get(19..) {
            Some(b"Z" | b"z") => 0,
            Some([sign @ (b'+' | b'-'), _, _, b':', _, _]) => {
                let (hours, minutes) = (field(20, 2)?, field(23, 2)?);
                if hours > 23 || minutes > 59 {
                    return Err(range());
                }
                let seconds = (hours * 3600 + minutes * 60).cast_signed();
                if *sign == b'+' { seconds } else { -seconds }
            }
            _ => return Err(form()),
        };
        let valid = year >= 1969 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !valid || hour > 23 || minute > 59 || second > 59 {
            return Err(range());
        }
        let years: u64 = (1970..year).map(days_of).sum();
        let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
        let of_year = (months + day - 1) * DAY + hour * 3600 + minute * 60 + second;
        // The last hours of 1969 are in 1970 somewhere.
        let start = if year == 1969 { -(days_of(1969) * DAY).cast_signed() } else { (years * DAY).cast_signed() };
        let seconds = start + of_year.cast_signed() - offset;
        u64::try_from(seconds).ok().filter(|seconds| *seconds < END).map(Self).ok_or_else(range)
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
