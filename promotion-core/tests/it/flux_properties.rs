//! What must hold for every input, and the cases that earlier attempts got wrong.

use std::cmp::Ordering;

use promotion_core::flux::{
    Constraint, FilterError, ImagePolicy, ImagePolicyError, SelectError, Selector, TagFilter, Template, Version,
    VersionError, select, select_image,
};
use promotion_core::testing::naive;
use promotion_core::testing::strategies::{constraint_texts, tag_texts};
use proptest::prelude::*;

proptest! {
    #[test]
    fn precedence_is_a_total_preorder(a in tag_texts(), b in tag_texts(), c in tag_texts()) {
        let versions = [&a, &b, &c].map(|tag| Version::parse_loose(tag));
        if let [Ok(a), Ok(b), Ok(c)] = versions {
            prop_assert_eq!(a.precedence(&b), b.precedence(&a).reverse());
            prop_assert_eq!(a.precedence(&a), Ordering::Equal);
            if a.precedence(&b).is_le() && b.precedence(&c).is_le() {
                prop_assert!(a.precedence(&c).is_le());
            }
        }
    }

    #[test]
    fn precedence_agrees_with_the_slow_one(a in tag_texts(), b in tag_texts()) {
        let slow = (naive::version(&a), naive::version(&b));
        match (Version::parse_tag(&a), Version::parse_tag(&b)) {
            (Ok(a), Ok(b)) => prop_assert_eq!(a.precedence(&b), naive::order(&slow.0.unwrap(), &slow.1.unwrap())),
            (a, b) => prop_assert_eq!((a.is_ok(), b.is_ok()), (slow.0.is_some(), slow.1.is_some())),
        }
    }

    #[test]
    fn constraints_agree_with_the_slow_ones(text in constraint_texts(), tag in tag_texts()) {
        let (fast, slow) = (Constraint::parse(&text), naive::constraint(&text));
        prop_assert_eq!(fast.is_ok(), slow.is_some(), "{}", text);
        if let (Ok(fast), Some(slow), Ok(version)) = (fast, slow, Version::parse_loose(&tag)) {
            prop_assert_eq!(fast.matches(&version), slow.accepts(&naive::loose(&tag).unwrap()));
        }
    }

    #[test]
    fn fewer_runners_up_are_the_first_of_more(tags in proptest::collection::vec(tag_texts(), 0..40)) {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let with = |runners_up: usize| {
            let selector = Selector::parse(">= 0.0.0-0", None, None).unwrap();
            select(&tags, &Selector { runners_up, ..selector })
        };
        let all = with(tags.len());
        for count in 0..6 {
            let (Ok(all), Ok(some)) = (&all, with(count)) else { continue };
            prop_assert_eq!(&some.runners_up, &all.runners_up[..count.min(all.runners_up.len())], "{}", count);
            prop_assert_eq!((some.tag, &some.ambiguous), (all.tag, &all.ambiguous));
        }
    }

    #[test]
    fn selection_is_the_maximum_of_the_matches(
        tags in proptest::collection::vec(tag_texts(), 0..40),
        low in prop_oneof![Just("0.0.0"), Just("0.0.0-0"), Just("1.2.0"), Just("2.0.0-rc.1")],
    ) {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let (top, matching) = naive::at_least(low, &tags);
        let mut distinct = top.clone();
        distinct.dedup();
        let selector = Selector::parse(&format!(">={low}"), None, None).unwrap();
        prop_assert_eq!(selector.matching(&tags), matching);
        match select(&tags, &selector) {
            Ok(selection) => {
                match selection.tag {
                    Some(tag) => prop_assert_eq!(tag, top[0]),
                    None => prop_assert!(matching > 12 && distinct.len() > 1 && top.contains(&selection.ambiguous[0])),
                }
                let bound = Version::parse_tag(top[0]).unwrap();
                for tag in &selection.runners_up {
                    prop_assert!(Version::parse_tag(tag).unwrap().precedence(&bound).is_le());
                }
                let mut runners_up = selection.runners_up.clone();
                runners_up.sort_unstable();
                runners_up.dedup();
                prop_assert_eq!(runners_up.len(), selection.runners_up.len());
            }
            Err(_) => prop_assert_eq!(matching, 0),
        }
    }

    #[test]
    fn runners_up_are_the_next_best(
        tags in proptest::collection::vec(tag_texts(), 0..60),
        runners_up in 0..7_usize,
        constraint in prop_oneof![Just(">=0.0.0"), Just(">=0.0.0-0"), Just("<2"), Just("1.x || >=2.0.0-0")],
    ) {
        let selector = Selector { runners_up, ..Selector::parse(constraint, None, None).unwrap() };
        let Ok(selection) = select(&tags, &selector) else { return Ok(()) };
        let mut matching: Vec<Version<'_>> = tags.iter().filter_map(|tag| selector.consider(tag)).collect();
        matching.sort_by(|a, b| b.precedence(a));
        let mut seen: Vec<&str> = selection.ambiguous.iter().copied().chain(selection.tag).collect();
        let mut wanted = Vec::new();
        for version in matching {
            if !seen.contains(&version.text()) {
                seen.push(version.text());
                wanted.push(version);
            }
        }
        wanted.truncate(runners_up);
        let found: Vec<Version<'_>> = selection.runners_up.iter().filter_map(|tag| selector.consider(tag)).collect();
        prop_assert_eq!(found.len(), wanted.len(), "{:?}", selection);
        for (found, wanted) in found.iter().zip(&wanted) {
            prop_assert!(found.precedence(wanted).is_eq(), "{:?} instead of {:?}", found, wanted);
        }
    }

    #[test]
    fn selection_ignores_tags_that_do_not_match(
        tags in proptest::collection::vec(tag_texts(), 0..30),
        text in constraint_texts(),
    ) {
        let Ok(selector) = Selector::parse(&text, None, None) else { return Ok(()) };
        let matching: Vec<&String> = tags.iter().filter(|tag| selector.consider(tag).is_some()).collect();
        prop_assert_eq!(select(&tags, &selector), select(matching, &selector));
    }

    #[test]
    fn explanation_agrees_with_the_answer(text in constraint_texts(), tag in tag_texts()) {
        let (Ok(constraint), Ok(version)) = (Constraint::parse(&text), Version::parse_loose(&tag)) else { return Ok(()) };
        prop_assert_eq!(constraint.explain(&version).accepted, constraint.matches(&version));
    }

    #[test]
    fn constraint_display_round_trips(text in constraint_texts()) {
        let Ok(constraint) = Constraint::parse(&text) else { return Ok(()) };
        prop_assert_eq!(constraint.to_string(), text.as_str());
        let json = serde_json::to_string(&constraint).unwrap();
        prop_assert_eq!(serde_json::from_str::<Constraint>(&json).unwrap(), constraint);
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,40}", regexp in "[a-zQE0-9\\\\(){}\\[\\]|*+?:<>^$.,-]{0,30}") {
        for text in [&text, &regexp] {
            let _ = (Version::parse_loose(text), Version::parse_tag(text), Constraint::parse(text));
            let _ = (TagFilter::parse(text), Template::parse(text));
        }
    }
}

#[test]
fn accepted_by_go_only() {
    for pattern in
        ["a{", "{", "a{,3}", r"\Qa.b\E", r"\Q", r"\07", r"[\d-z]", "[a[b]", "(?P<n>a)(?<n>b)", "^*", "a*(?i)*", "(?)"]
    {
        assert!(TagFilter::parse(pattern).is_ok(), "{pattern}");
    }
}

#[test]
fn rejected_by_go() {
    for pattern in [
        "a**",
        "a++",
        "x{2}{3}",
        "a{1001}",
        "(?:a{40}){40}",
        "(?x)",
        "(?u)",
        "(?R)",
        "[a--b]",
        r"\u0041",
        r"\Z",
        r"\C",
        r"\1",
        "(?i-)",
        "(?P<é>a)",
        "[[:foo:]]",
        r"\p{Zz}",
        "*",
        "(",
        ")",
        "[",
        r"\",
    ] {
        assert!(matches!(TagFilter::parse(pattern), Err(FilterError::Invalid { .. })), "{pattern}");
    }
}

#[test]
fn same_syntax_other_meaning() {
    for (pattern, matching, other) in [
        ("^[a&&b]$", "&", "c"),
        ("^[[a]b]$", "[b]", "a"),
        (r"^\<$", "<", ""),
        ("(?i)^[\u{17f}]$", "S", "T"),
        ("(?i)^\u{212a}$", "k", "K "),
        (r"^\P{Greek}$", "a", ""),
    ] {
        let filter = TagFilter::parse(pattern).unwrap();
        assert!(filter.is_match(matching) && !filter.is_match(other), "{pattern}");
    }
}

#[test]
fn what_cannot_be_told_is_not_guessed() {
    let deep = format!("{}a{}", "(".repeat(300), ")".repeat(300));
    let large = format!("(?:{}){{1000}}", "a".repeat(3000));
    for pattern in [deep.as_str(), &large, &"a".repeat(4097), r"\p{Old_Italic}"] {
        assert!(matches!(TagFilter::parse(pattern), Err(FilterError::Unpredictable { .. })));
    }
    // Go and the engine here agree on whether it matches, but not always on what the groups hold.
    let filter = TagFilter::parse("(a?|b{0}){2,3}?").unwrap();
    assert!(filter.is_match("a"));
    assert!(filter.expand("a", &Template::parse("$1").unwrap()).is_err());
}

#[test]
fn of_groups_with_one_name_the_first_that_took_part_counts() {
    let filter = TagFilter::parse("^(?:(?P<n>a)|(?P<n>b))$").unwrap();
    assert_eq!(filter.expand("b", &Template::parse("${n}").unwrap()), Ok(Some("b".into())));
}

#[test]
fn errors_say_what_and_where() {
    let message = |text: &str| Constraint::parse(text).unwrap_err().to_string();
    assert_eq!(message(">1<2"), "expected white space, a comma or the end at byte 2 of constraint group \">1<2\"");
    assert_eq!(message("1 ||"), "group 2 of the constraint is empty");
    assert_eq!(
        message("1.2.3-01"),
        "version \"1.2.3-01\" of the constraint is invalid: leading zero in pre-release identifier at byte 6"
    );
    assert_eq!(Version::parse_tag("1.2.3-rc.01"), Err(VersionError::LeadingZero { at: 9 }));
    assert_eq!(
        TagFilter::parse("a**").unwrap_err().to_string(),
        "invalid nested repetition operator at byte 2 of pattern \"a**\""
    );
}

#[test]
fn the_filter_error_comes_before_the_constraint_error() {
    assert!(matches!(Selector::parse("bogus", Some("["), None), Err(SelectError::Filter(_))));
    assert!(matches!(Selector::parse("", None, None), Err(SelectError::Constraint(_))));
}

#[test]
fn ties_beyond_twelve_matches_are_ambiguous() {
    let mut tags: Vec<String> = (0..10).map(|patch| format!("1.0.{patch}")).collect();
    tags.extend(["v1.1.0".to_owned(), "1.1.0".to_owned()]);
    let selector = Selector::parse("*", None, None).unwrap();
    assert_eq!(select(&tags, &selector).unwrap().tag, Some("v1.1.0"));
    tags.push("0.1.0".to_owned());
    let selection = select(&tags, &selector).unwrap();
    assert_eq!((selection.tag, selection.ambiguous), (None, vec!["v1.1.0", "1.1.0"]));
    assert_eq!(selection.runners_up, ["1.0.9", "1.0.8", "1.0.7", "1.0.6", "1.0.5"]);
}

#[test]
fn a_numerical_policy_fails_as_a_whole() {
    let policy: ImagePolicy = serde_json::from_str(r#"{"policy": {"numerical": {}}}"#).unwrap();
    assert_eq!(select_image(&["1", "x"], &policy), Err(ImagePolicyError::NotANumber("x".into())));
}
