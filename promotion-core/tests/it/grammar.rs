//! What a tag of ours looks like, against regular expressions that say the same.

use std::sync::LazyLock;

use promotion_core::evidence::EvidenceKind;
use promotion_core::policy::{Policy, Spec};
use promotion_core::scheme::{Foreign, Kind, Mark};
use promotion_core::version::{Base, BaseError, Level};
use proptest::prelude::*;
use regex_automata::meta::Regex;

use crate::scene::{cases, tag};

const NUMBER: &str = "(?:0|[1-9][0-9]*)";

static BASE: LazyLock<Regex> = LazyLock::new(|| form(&format!(r"{NUMBER}\.{NUMBER}\.{NUMBER}")));

static VERSION: LazyLock<Regex> =
    LazyLock::new(|| form(&format!(r"{NUMBER}\.{NUMBER}\.{NUMBER}(?:-rc\.(?:[1-9][0-9]*|0\.[1-9][0-9]*))?")));

static MARK: LazyLock<Regex> = LazyLock::new(|| {
    let key = r"[0-9a-f]{7,64}(?:\.[0-9a-f]{8})?";
    let verdict = format!("(?:validated|rejected|reopened)-{key}(?:-(?:[2-9]|[1-9][0-9]+))?");
    form(&format!("(?:sha|integration)-{key}|{verdict}"))
});

fn form(whole: &str) -> Regex {
    Regex::new(&format!("^(?:{whole})$")).unwrap()
}

/// Texts that are tags of ours, or nearly.
fn nearly() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        4 => "[0-9]",
        1 => "[0-9]{1,3}",
        1 => Just(u64::MAX.to_string()),
        1 => Just("18446744073709551616".to_owned()),
        1 => Just(String::new()),
        1 => Just("x".to_owned()),
    ];
    let base = prop::collection::vec(number.clone(), 2..5).prop_map(|numbers| numbers.join("."));
    let label = prop_oneof![4 => Just("-rc."), 1 => Just("-rc"), 1 => Just("-beta."), 1 => Just("rc.")];
    let version = (base.clone(), label, prop::collection::vec(number.clone(), 1..4))
        .prop_map(|(base, label, numbers)| format!("{base}{label}{}", numbers.join(".")));
    let prefix =
        prop::sample::select(vec!["sha-", "integration-", "validated-", "rejected-", "reopened-", "live-", ""]);
    let hex = prop_oneof![
        4 => "[0-9a-f]{6,9}",
        1 => "[0-9a-f]{63,65}",
        1 => "[0-9a-fA-Fg]{7}",
    ];
    let fork = prop_oneof![3 => Just(String::new()), 2 => r"\.[0-9a-f]{7,9}", 1 => r"\.[0-9a-fG]{8}", 1 => r"\.[0-9a-f]{8}\.[0-9a-f]{8}"];
    let ordinal = prop_oneof![3 => Just(String::new()), 2 => number.prop_map(|number| format!("-{number}")), 1 => Just("-2-2".to_owned())];
    let mark =
        (prefix, hex, fork, ordinal).prop_map(|(prefix, hex, fork, ordinal)| format!("{prefix}{hex}{fork}{ordinal}"));
    prop_oneof![1 => base, 2 => version, 3 => mark]
}

/// Whether every number of a text fits 64 bits.
fn fits(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() < 20 || digits.parse::<u64>().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(512) * 2, ..ProptestConfig::default() })]

    #[test]
    fn a_tag_is_ours_exactly_when_it_has_the_form(text in nearly()) {
        let policy = Policy::default();
        match policy.classify(&text) {
            Kind::Version(version) => {
                prop_assert!(VERSION.is_match(&text) && fits(&text));
                prop_assert_eq!(policy.version_tag(&version), tag(&text));
            }
            Kind::Mark(mark) => {
                prop_assert!(MARK.is_match(&text));
                prop_assert_eq!(policy.mark_tag(&mark), tag(&text));
            }
            Kind::Channel => prop_assert!(false, "there are no channels"),
            Kind::Foreign(why) => {
                prop_assert_eq!(why, Foreign::Other);
                let ordinal_fits = text.rsplit_once('-').is_none_or(|(_, ordinal)| fits(ordinal) || ordinal.len() > 20);
                prop_assert!(!VERSION.is_match(&text) || !fits(&text));
                prop_assert!(!MARK.is_match(&text) || !ordinal_fits);
            }
        }
    }

    #[test]
    fn a_base_is_three_numbers_and_what_is_not_says_why(text in prop_oneof![r"[0-9.]{0,9}", "(18446744073709551615|18446744073709551616|018446744073709551616|0|1)(\\.(18446744073709551615|18446744073709551616|12345678901234567890123|x0000000000000000000|0|2|x)){2}"]) {
        let form = BASE.is_match(&text);
        match text.parse::<Base>() {
            Ok(base) => {
                prop_assert!(form && fits(&text));
                prop_assert_eq!(String::from(base), text);
            }
            Err(BaseError::Overflow(told)) => {
                prop_assert!(!fits(&text));
                prop_assert_eq!(told, text);
            }
            Err(error) => {
                prop_assert!(!form || !fits(&text), "{}", error);
                prop_assert!(!form, "a number is too large, and the error says {error}");
            }
        }
    }
}

/// One text for each thing that can be wrong with one.
#[test]
fn nothing_else_than_the_form_will_do() {
    let policy = Policy::default();
    let ours = |text: &str| !matches!(policy.classify(text), Kind::Foreign(_));
    let nearly = [
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.02.3",
        "1.2.03",
        "1..3",
        "1.2.x",
        "1.2.3-rc",
        "1.2.3-rc.0",
        "1.2.3-rc.01",
        "1.2.3-rc.0.0",
        "1.2.3-rc.0.01",
        "1.2.3-rc.1.1",
        "1.2.3-rc.0.1.1",
        "1.2.3-beta.1",
        "1.2.3-rc.x",
        "sha-aaaaaa",
        "sha-aaaaaag",
        "sha-AAAAAAA",
        "sha-aaaaaaa-2",
        "integration-aaaaaaa-2",
        "sha-aaaaaaa.bbbbbbb",
        "sha-aaaaaaa.bbbbbbbbb",
        "sha-aaaaaaa.bbbbbbbg",
        "sha-aaaaaaa.",
        "validated-aaaaaaa-0",
        "validated-aaaaaaa-1",
        "validated-aaaaaaa-02",
        "validated-aaaaaaa-x",
        "validated-aaaaaaa-2-2",
        "rejected-aaaaaaa.bbbbbbbb.cccccccc",
        "reopened-aaaaaag",
        "live-aaaaaaa",
        "latest",
    ];
    for text in nearly {
        assert!(!ours(text), "{text}");
    }
    let exactly = [
        "0.0.0",
        "1.2.3",
        "1.2.3-rc.1",
        "1.2.3-rc.0.1",
        "1.2.3-rc.10",
        "sha-aaaaaaa",
        "sha-0123456789abcdef",
        "sha-aaaaaaa.bbbbbbbb",
        "validated-aaaaaaa-2",
        "rejected-aaaaaaa.bbbbbbbb-10",
        "reopened-aaaaaaa",
    ];
    for text in exactly {
        assert!(ours(text), "{text}");
    }
    for text in ["+1.0.0", "1.+0.0", "1.0.0 ", "", "1.0", "v1.0.0", "00.0.0", "1.01.0"] {
        assert_eq!(text.parse::<Base>(), Err(BaseError::Form(text.to_owned())));
    }
}

#[test]
fn the_first_number_that_does_not_fit_is_the_reason() {
    let overflow = |text: &str| matches!(text.parse::<Base>(), Err(BaseError::Overflow(_)));
    assert!(overflow("18446744073709551616.0.0"));
    assert!(overflow("0.99999999999999999999.0"));
    assert!(!overflow("1844674407370955161x.0.0"));
    assert!(!overflow("018446744073709551616.0.0"));
    assert!(!overflow("9999999999999999999.x.0"), "nineteen digits fit, so the form is what is wrong");
    assert_eq!("18446744073709551615.0.0".parse(), Ok(Base::new(u64::MAX, 0, 0)));
    assert_eq!(String::from(Base::new(1, 20, 3)), "1.20.3");
}

#[test]
fn raising_a_level_resets_those_below() {
    let base = Base::new(1, 2, 3);
    assert_eq!(base.bump(Level::Patch), Some(Base::new(1, 2, 4)));
    assert_eq!(base.bump(Level::Minor), Some(Base::new(1, 3, 0)));
    assert_eq!(base.bump(Level::Major), Some(Base::new(2, 0, 0)));
    assert_eq!(Base::new(1, 2, u64::MAX).next_patch(), None);
}

#[test]
fn a_channel_is_its_own_name_and_no_other() {
    let policy = Policy::new(Spec { channels: vec!["stable".into()], ..Spec::default() }).unwrap();
    assert_eq!(policy.classify("stable"), Kind::Channel);
    assert_eq!(policy.classify("stale"), Kind::Foreign(Foreign::Other));
}

#[test]
fn only_verdicts_can_be_revised() {
    let revisable = [Mark::Stage(1), Mark::Stage(7), Mark::Rejected, Mark::Reopened];
    assert!(revisable.into_iter().all(Mark::is_verdict));
    assert!(![Mark::Commit, Mark::Stage(0)].into_iter().any(Mark::is_verdict));
}

#[test]
fn evidence_is_called_as_files_write_it() {
    use EvidenceKind::{Analysis, Canary, HelmRelease, Kustomization, Manual};
    for kind in [Kustomization, HelmRelease, Canary, Analysis, Manual] {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("{:?}", kind.as_str()));
        assert_eq!(kind.to_string(), kind.as_str());
    }
}
