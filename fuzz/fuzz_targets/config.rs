//! `promotion.yaml`: what is read is written and read as the same, and a mistake has a place and a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_cli::testing::configuration;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    match configuration(text) {
        Ok(written) => assert_eq!(configuration(&written), Ok(written.clone()), "{written}"),
        Err(mistake) => {
            assert!(!mistake.message.is_empty());
            let mut place = mistake.place.split(':');
            assert_eq!(place.next(), Some("promotion.yaml"), "{mistake:?}");
            let line = place.next().map(|line| line.parse::<usize>().expect("a line is a number"));
            let lines = text.split(['\n', '\r']).count();
            assert!(line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{mistake:?} of {lines} lines");
        }
    }
});
