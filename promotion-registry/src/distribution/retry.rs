//! When to try again: how long a registry asks to wait, and how long we wait by ourselves.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::Retries;

/// The attempts at one request.
#[derive(Debug)]
pub(crate) struct Tries {
    made: u32,
    limits: Retries,
}

impl Tries {
    pub(crate) const fn new(limits: Retries) -> Self {
        Self { made: 0, limits }
    }

    /// The number of the next attempt, from 1.
    pub(crate) const fn next(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    /// How long to wait before the next attempt; `None` when there is none.
    pub(crate) fn pause(&self, asked: Option<Duration>) -> Option<Duration> {
        let enough = self.made >= self.limits.attempts;
        let too_long = asked.is_some_and(|asked| asked > self.limits.longest);
        (!enough && !too_long).then(|| self.backoff().max(asked.unwrap_or_default()))
    }

    /// Doubles with each attempt; of that at least half, so that many clients do not come back at once.
    fn backoff(&self) -> Duration {
        let doubled = self.limits.pause.saturating_mul(1 << (self.made.saturating_sub(1)).min(20));
        doubled.min(self.limits.longest).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// How long the registry asks to wait: its header, or what its error says (GHCR: `retry-after: 10.3ms`).
pub(crate) fn asked(headers: &HeaderMap, body: &str) -> Option<Duration> {
    let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    header.and_then(|value| delay(value).or_else(|| until(value, headers))).or_else(|| named_in(body))
}

/// The time to a date: by the registry's clock where it shows it, else by ours.
fn until(date: &str, headers: &HeaderMap) -> Option<Duration> {
    let date = httpdate::parse_http_date(date.trim()).ok()?;
    let now = headers.get(DATE).and_then(|now| httpdate::parse_http_date(now.to_str().ok()?).ok());
    Some(date.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default())
}

/// The delay after the words `retry-after` in a text.
fn named_in(body: &str) -> Option<Duration> {
    const NAME: &str = "retry-after";
    let start = body.to_ascii_lowercase().find(NAME)? + NAME.len();
    let rest = body.get(start..)?.trim_start_matches([' ', ':', '=', '"', '\\']);
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | 'µ'))).unwrap_or(rest.len());
    delay(&rest[..end])
}

/// `7`, `0.5`, `10.3ms` or `1m30s`.
fn delay(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let unit = rest[number..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| number + at);
        let seconds = rest[..number].parse::<f64>().ok()? * factor(rest[number..unit].trim())?;
        sum = sum.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = &rest[unit..];
    }
    (!text.trim().is_empty()).then_some(sum)
}

fn factor(unit: &str) -> Option<f64> {
    Some(match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(value: &str) -> Option<Duration> {
        asked(&HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]), "")
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        assert_eq!(header("7"), Some(Duration::from_secs(7)));
        assert_eq!(header(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(header("10.3ms"), Some(Duration::from_micros(10_300)));
        assert_eq!(header("1m30s"), Some(Duration::from_secs(90)));
        for none in ["", "soon", "-1", "1e9", "NaN", "1 fortnight"] {
            assert_eq!(header(none), None, "{none}");
        }
    }

    #[test]
    fn a_date_is_measured_by_the_clock_of_the_registry() {
        let dates = |retry: &str| {
            let now = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
            asked(&HeaderMap::from_iter([now, (RETRY_AFTER, retry.parse().unwrap())]), "")
        };
        assert_eq!(dates("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(dates("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn ghcr_says_it_in_the_body() {
        let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 10.3ms, allowed: 44000/minute"}]}"#;
        assert_eq!(asked(&HeaderMap::new(), body), Some(Duration::from_micros(10_300)));
        assert_eq!(asked(&HeaderMap::new(), "Retry-After=2"), Some(Duration::from_secs(2)));
        assert_eq!(asked(&HeaderMap::new(), "retry-after"), None);
    }

    #[test]
    fn the_last_attempt_and_a_request_for_more_patience_than_there_is_end_it() {
        let limits = Retries { attempts: 2, pause: Duration::from_millis(1), longest: Duration::from_secs(1) };
        let mut tries = Tries::new(limits);
        assert_eq!(tries.next(), 1);
        assert!(tries.pause(None).is_some_and(|pause| pause <= limits.pause));
        assert_eq!(tries.pause(Some(Duration::from_millis(300))), Some(Duration::from_millis(300)));
        assert_eq!(tries.pause(Some(Duration::from_secs(2))), None);
        assert_eq!(tries.next(), 2);
        assert_eq!(tries.pause(None), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", number in "[0-9.]{0,400}[a-zµ]{0,3}") {
            let _ = asked(&HeaderMap::new(), &format!("retry-after: {number}{text}"));
            let _ = delay(&text);
            let _ = delay(&number);
        }

        #[test]
        fn no_pause_is_longer_than_the_longest(made in 0_u32..100, pause in 0_u64..100_000) {
            let longest = Duration::from_secs(30);
            let limits = Retries { attempts: 1000, pause: Duration::from_millis(pause), longest };
            let tries = Tries { made, limits };
            prop_assert!(tries.pause(None).unwrap() <= longest);
        }
    }
}
