//! Tag filters against another engine, where both languages mean the same.

use promotion_core::flux::{TagFilter, Template};
use proptest::prelude::*;
use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;

/// Patterns that Go and Rust read alike, of few letters, so that they often match.
fn patterns() -> impl Strategy<Value = String> {
    let leaf =
        prop::sample::select(vec!["a", "b", "-", "[ab]", "[^b]", ".", "^", "$", r"\b", r"\B", r"\d", "(?i:A)", "1"]);
    let tree = leaf.prop_map(str::to_owned).prop_recursive(5, 24, 3, |inner| {
        let times =
            prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}", "{0}"]);
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(|parts| parts.concat()),
            several.clone().prop_map(|parts| format!("(?:{})", parts.join("|"))),
            several.prop_map(|parts| format!("({})", parts.join("|"))),
            (inner, times).prop_map(|(inner, times)| format!("(?:{inner}){times}")),
        ]
    });
    (tree, any::<bool>()).prop_map(|(tree, lines)| if lines { format!("(?m){tree}") } else { tree })
}

proptest! {
    #[test]
    fn another_engine_matches_the_same(pattern in patterns(), tag in "[abA1\n-]{0,8}") {
        let filter = TagFilter::parse(&pattern).unwrap();
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let thompson = thompson::Config::new().utf8(false);
        let other = PikeVM::builder().syntax(syntax).thompson(thompson).build(&pattern).unwrap();
        let (mut cache, mut places) = (other.create_cache(), other.create_captures());
        other.captures(&mut cache, &tag, &mut places);
        prop_assert_eq!(filter.is_match(&tag), places.is_match());
        let groups = |index| places.get_group(index).map_or("", |span| &tag[span.range()]);
        if let Ok(expanded) = filter.expand(&tag, &Template::parse("$0|$1|$2|$3").unwrap()) {
            let expected = places.is_match().then(|| [0, 1, 2, 3].map(groups).join("|"));
            prop_assert_eq!(expanded, expected);
        }
    }
}

#[test]
fn large_patterns_and_long_texts_are_bounded() {
    let large = TagFilter::parse("(?:a{0,30}){30}b").unwrap();
    assert!(!large.is_match(&"a".repeat(2000)) && large.is_match(&format!("{}b", "a".repeat(900))));
    let groups = TagFilter::parse(&"(a?)".repeat(1000)).unwrap();
    let expanded = groups.expand(&"a".repeat(2000), &Template::parse("$1$1000-$1001").unwrap());
    assert_eq!(expanded, Ok(Some("aa-".into())));
    let error = TagFilter::parse(&format!("(?:{}){{1000}}", "abc".repeat(100))).unwrap_err();
    assert!(error.to_string().ends_with("it is too large when compiled"), "{error}");
}
