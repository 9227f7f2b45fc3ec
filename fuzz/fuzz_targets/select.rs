//! What line 1 selects from the other lines is the naive maximum, and nothing that does not match has a say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_core::flux::{HELM_CHART_MEDIA_TYPE, SelectError, Selector, Version, select};
use promotion_core::testing::naive;
use promotion_fuzz::lines;

fuzz_target!(|bytes: &[u8]| {
    let lines = lines(bytes);
    let Some((constraint, tags)) = lines.split_first() else { return };
    let Ok(selector) = Selector::parse(constraint, None, None) else { return };
    let Some(slow) = naive::constraint(constraint) else { panic!("only one of two reads {constraint:?}") };
    let (tied, matching) = naive::select(&slow, tags);
    assert_eq!(selector.matching(tags), matching);
    match select(tags, &selector) {
        Err(error) => {
            assert!(matches!(error, SelectError::NoMatch { .. }), "{error}");
            assert_eq!(matching, 0);
        }
        Ok(selection) => {
            match selection.tag {
                Some(tag) => assert_eq!(tag, tied[0]),
                None => assert!(matching > 12 && selection.ambiguous.iter().all(|tag| tied.contains(tag))),
            }
            let top = Version::parse_tag(tied[0]).expect("it matches");
            let mut next = selection.runners_up.iter().map(|tag| Version::parse_tag(tag).expect("it matches"));
            assert!(next.all(|version| version.precedence(&top).is_le()), "{:?}", selection.runners_up);
            assert!(selection.runners_up.len() <= selector.runners_up);
        }
    }
    let relevant: Vec<&str> = tags.iter().filter(|tag| selector.consider(tag).is_some()).copied().collect();
    assert_eq!(select(tags, &selector), select(&relevant, &selector));
    let chart = Selector::parse(constraint, None, Some(HELM_CHART_MEDIA_TYPE)).expect("the constraint is one");
    let underscored: Vec<String> = tags.iter().map(|tag| tag.replace('+', "_")).collect();
    let plain = |tag: &str| tag.replace('_', "+");
    let known = tags.iter().any(|tag| tag.contains('_'));
    if let (false, Ok(of_chart)) = (known, select(&underscored, &chart)) {
        assert_eq!(
            of_chart.tag.map(plain).as_deref(),
            select(tags, &selector).ok().and_then(|selection| selection.tag)
        );
    }
});
