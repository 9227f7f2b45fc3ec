use alloc::string::ToString;
use core::time::Duration;

use proptest::prelude::*;

use super::{DurationError, FIRST, LAST, Timestamp, TimestampError, parse_duration};

fn unix(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_unix()
}

#[test]
fn known_moments() {
    assert_eq!(unix("1970-01-01T00:00:00Z"), 0);
    assert_eq!(unix("1969-12-31T23:59:59Z"), -1);
    assert_eq!(unix("2000-02-29T12:00:00Z"), 951_825_600);
    assert_eq!(unix("2026-08-07T16:12:44+03:00"), unix("2026-08-07T13:12:44Z"));
    assert_eq!(unix("2026-08-07T01:12:44-05:30"), unix("2026-08-07T06:42:44Z"));
    assert_eq!(unix("2019-05-15T15:20:55+00:00"), 1_557_933_655);
    assert_eq!(unix("0000-01-01T00:00:00Z"), FIRST);
    assert_eq!(unix("9999-12-31T23:59:59Z"), LAST);
}

#[test]
fn fractions_are_dropped_towards_the_past() {
    assert_eq!(unix("1970-01-01T00:00:00.999999999Z"), 0);
    assert_eq!(unix("1969-12-31T23:59:59.5Z"), -1);
}

#[test]
fn lower_case_and_space_are_rfc_3339() {
    assert_eq!(unix("1970-01-01t00:00:01z"), 1);
    assert_eq!(unix("1970-01-01 00:00:01Z"), 1);
}

#[test]
fn a_leap_second_is_the_second_after() {
    assert_eq!(unix("2016-12-31T23:59:60Z"), unix("2017-01-01T00:00:00Z"));
}

#[test]
fn what_is_no_time_is_named() {
    let error = |text: &str| text.parse::<Timestamp>().unwrap_err();
    for text in ["", "2026", "2026-08-07", "2026-08-07T13:12:44", "2026-08-07T13:12Z", "2026-08-07T13:12:44.Z"] {
        assert_eq!(error(text), TimestampError::Form(text.into()));
    }
    for text in ["2026-08-07T13:12:44Z ", "2026-08-07T13:12:44+0300", "+026-08-07T13:12:44Z", "２026-08-07T13:12:44Z"]
    {
        assert_eq!(error(text), TimestampError::Form(text.into()));
    }
    assert_eq!(error("2026-13-01T00:00:00Z").to_string(), "time \"2026-13-01T00:00:00Z\" has no such month");
    assert_eq!(error("2023-02-29T00:00:00Z").to_string(), "time \"2023-02-29T00:00:00Z\" has no such day");
    assert_eq!(error("1900-02-29T00:00:00Z").to_string(), "time \"1900-02-29T00:00:00Z\" has no such day");
    assert_eq!(error("2026-04-31T00:00:00Z").to_string(), "time \"2026-04-31T00:00:00Z\" has no such day");
    assert_eq!(error("2026-01-01T24:00:00Z").to_string(), "time \"2026-01-01T24:00:00Z\" has no such hour");
    assert_eq!(error("2026-01-01T00:60:00Z").to_string(), "time \"2026-01-01T00:60:00Z\" has no such minute");
    assert_eq!(error("2026-01-01T00:00:61Z").to_string(), "time \"2026-01-01T00:00:61Z\" has no such second");
    assert_eq!(error("2026-01-01T00:00:00+24:00").to_string(), "time \"2026-01-01T00:00:00+24:00\" has no such offset");
    assert!(matches!(error("0000-01-01T00:00:00+00:01"), TimestampError::Range(_)));
    assert!(matches!(error("9999-12-31T23:59:60Z"), TimestampError::Range(_)));
}

#[test]
fn serde_writes_rfc_3339() {
    let json = serde_json::to_string(&Timestamp::from_unix(0)).unwrap();
    assert_eq!(json, "\"1970-01-01T00:00:00Z\"");
    assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), Timestamp::from_unix(0));
}

#[test]
fn out_of_range_is_clamped_and_since_does_not_overflow() {
    assert_eq!(Timestamp::from_unix(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(Timestamp::from_unix(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
    let (first, last) = (Timestamp::from_unix(i64::MIN), Timestamp::from_unix(i64::MAX));
    assert_eq!(last.since(first), Some(Duration::from_secs(u64::MAX)));
    assert_eq!(first.since(last), None);
}

#[test]
fn every_day_of_four_centuries_follows_the_one_before() {
    let mut previous = (1599, 12, 31);
    for days in super::days_from_civil(1600, 1, 1)..super::days_from_civil(2000, 1, 1) {
        let (year, month, day) = super::civil_from_days(days);
        let expected = match previous {
            (year, 12, 31) => (year + 1, 1, 1),
            (year, month, day) if day == super::days_in_month(year, month) => (year, month + 1, 1),
            (year, month, day) => (year, month, day + 1),
        };
        assert_eq!((year, month, day), expected);
        assert_eq!(super::days_from_civil(year, month, day), days);
        previous = expected;
    }
}

proptest! {
    #[test]
    fn written_then_read_is_the_same(seconds in FIRST..=LAST) {
        let timestamp = Timestamp::from_unix(seconds);
        prop_assert_eq!(timestamp.to_string().parse(), Ok(timestamp));
    }

    #[test]
    fn an_offset_names_the_same_moment(seconds in FIRST + 86_400..=LAST - 86_400, minutes in -1439_i64..=1439) {
        let local = Timestamp::from_unix(seconds + minutes * 60).to_string();
        let sign = if minutes < 0 { '-' } else { '+' };
        let offset = minutes.abs();
        let text = alloc::format!("{}{sign}{:02}:{:02}", local.trim_end_matches('Z'), offset / 60, offset % 60);
        prop_assert_eq!(text.parse(), Ok(Timestamp::from_unix(seconds)));
    }

    #[test]
    fn text_order_is_time_order(a in FIRST..=LAST, b in FIRST..=LAST) {
        let (a, b) = (Timestamp::from_unix(a), Timestamp::from_unix(b));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Timestamp>();
        let _ = parse_duration(&text);
    }

    #[test]
    fn whole_units_add_up(hours in 0_u64..1000, minutes in 0_u64..1000, seconds in 0_u64..1000) {
        let text = alloc::format!("{hours}h{minutes}m{seconds}s");
        prop_assert_eq!(parse_duration(&text), Ok(Duration::from_secs(hours * 3600 + minutes * 60 + seconds)));
    }
}

#[test]
fn durations_as_go_writes_them() {
    for (text, millis) in [
        ("1h", 3_600_000),
        ("30m", 1_800_000),
        ("1h30m", 5_400_000),
        ("90s", 90_000),
        ("1.5h", 5_400_000),
        ("1h0m0.25s", 3_600_250),
        (".5s", 500),
        ("1.s", 1_000),
        ("+1s", 1_000),
        ("300ms", 300),
        ("0", 0),
        ("0s", 0),
        ("1m1m", 120_000),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    assert_eq!(parse_duration("1us2\u{b5}s3\u{3bc}s4ns"), Ok(Duration::from_nanos(6004)));
    assert_eq!(parse_duration("9223372036854775807ns"), Ok(Duration::from_nanos(i64::MAX as u64)));
}

#[test]
fn what_is_no_duration_is_named() {
    let error = |text: &str| parse_duration(text).unwrap_err();
    assert_eq!(error(""), DurationError::Empty);
    assert_eq!(
        error("1h x").to_string(),
        "unit \"h x\" of duration \"1h x\" is unknown; expected h, m, s, ms, us or ns (a day is 24h)"
    );
    assert_eq!(
        error("7d").to_string(),
        "unit \"d\" of duration \"7d\" is unknown; expected h, m, s, ms, us or ns (a day is 24h)"
    );
    assert_eq!(error("90").to_string(), "duration \"90\" ends without a unit; expected h, m, s, ms, us or ns");
    assert_eq!(error("h").to_string(), "expected a number at byte 0 of duration \"h\"; write it as 1h30m");
    assert_eq!(error("1h.").to_string(), "expected a number at byte 2 of duration \"1h.\"; write it as 1h30m");
    assert_eq!(error("-1h"), DurationError::Negative("-1h".into()));
    assert_eq!(error("-").to_string(), "expected a number at byte 1 of duration \"-\"; write it as 1h30m");
    assert_eq!(error("9223372036854775808ns"), DurationError::TooLong("9223372036854775808ns".into()));
    assert_eq!(error("99999999999999999999h"), DurationError::TooLong("99999999999999999999h".into()));
    assert_eq!(error("9000000h"), DurationError::TooLong("9000000h".into()));
}
