//! Flux's precedence is a total order of what versions say: antisymmetric, transitive, and the naive one.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use promotion_core::flux::Version;
use promotion_core::testing::naive;
use promotion_fuzz::lines;

fuzz_target!(|bytes: &[u8]| {
    let [a, b, c] = lines(bytes)[..] else { return };
    let (Ok(a), Ok(b), Ok(c)) = (Version::parse_loose(a), Version::parse_loose(b), Version::parse_loose(c)) else {
        return;
    };
    for (x, y) in [(a, b), (b, c), (a, c)] {
        assert_eq!(x.precedence(&y), y.precedence(&x).reverse(), "antisymmetric: {x} {y}");
        let slow = (naive::loose(x.text()), naive::loose(y.text()));
        let (Some(slow_x), Some(slow_y)) = slow else { panic!("only one of two reads {x} and {y}") };
        assert_eq!(x.precedence(&y), naive::order(&slow_x, &slow_y), "{x} {y}");
    }
    for x in [a, b, c] {
        assert_eq!(x.precedence(&x), Ordering::Equal, "reflexive: {x}");
    }
    if a.precedence(&b).is_le() && b.precedence(&c).is_le() {
        assert!(a.precedence(&c).is_le(), "transitive: {a} {b} {c}");
    }
    if a.precedence(&b).is_eq() {
        assert_eq!(a.precedence(&c), b.precedence(&c), "what is equal is equal to everything: {a} {b} {c}");
    }
});
