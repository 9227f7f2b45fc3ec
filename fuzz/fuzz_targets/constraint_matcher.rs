//! Constraints, line 1, accept the versions of the other lines exactly where a slow reading of the rules does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_core::flux::{Constraint, Version};
use promotion_core::testing::naive;
use promotion_fuzz::lines;

fuzz_target!(|bytes: &[u8]| {
    let lines = lines(bytes);
    let Some((text, versions)) = lines.split_first() else { return };
    let (fast, slow) = (Constraint::parse(text), naive::constraint(text));
    assert_eq!(fast.is_ok(), slow.is_some(), "{text:?}: {fast:?}");
    let (Ok(fast), Some(slow)) = (fast, slow) else { return };
    for text in versions {
        let (version, slowly) = (Version::parse_loose(text), naive::loose(text));
        assert_eq!(version.is_ok(), slowly.is_some(), "{text:?}: {version:?}");
        assert_eq!(Version::parse_tag(text).is_ok(), naive::version(text).is_some(), "{text:?} as a tag");
        if let (Ok(version), Some(slowly)) = (version, slowly) {
            let accepted = fast.matches(&version);
            assert_eq!(accepted, slow.accepts(&slowly), "{fast} {version}");
            assert_eq!(accepted, fast.explain(&version).accepted, "{fast} {version}");
            assert!(!accepted || fast.matches_including_prereleases(&version), "{fast} {version}");
        }
    }
});
