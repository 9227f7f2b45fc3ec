//! Forecasts and listings: what is told without a digest agrees with what selects, and says why.

use promotion_core::flux::{Selector, Version, select};
use promotion_core::forecast::{PlaceKind, forecast};
use promotion_core::listing::{Document, tag_of_line};
use promotion_core::policy::{Policy, Spec};
use promotion_core::testing::strategies::tag_texts;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_stage_picks_what_its_cluster_selects(tags in prop::collection::vec(tag_texts(), 0..40)) {
        let policy = Policy::default();
        let forecast = forecast(&tags, &policy, 20);
        for (pick, stage) in forecast.stages.iter().zip(policy.stages()) {
            let selector = Selector::new(stage.constraint.clone());
            let selection = select(&tags, &selector);
            prop_assert_eq!(pick.tag, selection.as_ref().ok().and_then(|selection| selection.tag));
            prop_assert_eq!(&pick.because.is_empty(), &false);
        }
        let versions: Vec<_> = forecast.line.iter().map(|place| Version::parse_tag(place.tag).unwrap()).collect();
        prop_assert!(versions.is_sorted_by(|a, b| a.precedence(b).is_ge()));
        let counts = forecast.counts;
        let kinds = [counts.releases, counts.candidates, counts.marks, counts.channels, counts.strangers, counts.others];
        prop_assert_eq!(kinds.iter().sum::<usize>() + counts.invalid, tags.len());
    }
}

#[test]
fn a_candidate_below_a_release_is_masked_by_the_lowest_such() {
    let tags = ["2.0.0", "1.4.0", "1.4.0-rc.3", "1.5.0-rc.1", "2.0.0-rc.9", "2.0.1-rc.1", "v1.4.0-rc.3"];
    let told = forecast(&tags, &Policy::default(), 10);
    let masked: Vec<_> = told.line.iter().map(|place| (place.tag, place.masked_by)).collect();
    assert_eq!(
        masked,
        [
            ("2.0.1-rc.1", None),
            ("2.0.0", None),
            ("2.0.0-rc.9", Some("2.0.0")),
            ("1.5.0-rc.1", Some("2.0.0")),
            ("1.4.0", None),
            ("1.4.0-rc.3", Some("1.4.0")),
            ("v1.4.0-rc.3", None),
        ]
    );
    assert_eq!(told.line[6].kind, PlaceKind::Stranger);
    assert_eq!(told.line[0].stages, ["integration"]);
}

#[test]
fn nothing_to_pick_and_nothing_to_tell_apart_are_said() {
    let mut spec = Spec::default();
    spec.stages.0[2].semver = Some(">= 7".into());
    let many: Vec<String> = (0..20).map(|n| format!("0.{n}.0")).chain(["v1.0.0".into(), "1.0.0".into()]).collect();
    let told = forecast(&many, &Policy::new(spec).unwrap(), 0);
    assert_eq!((told.stages[0].tag, &told.stages[0].ambiguous[..]), (None, &["v1.0.0", "1.0.0"][..]));
    assert_eq!(told.stages[0].poison, ["v1.0.0"]);
    assert_eq!(told.stages[1].because, "no match found for semver: >= 7");
    assert!(told.line.is_empty());
}

#[test]
fn documents_and_lines_of_every_tool_are_read() {
    let read = |text: &str| serde_json::from_str::<Document>(text).map(|Document(tags)| tags);
    assert_eq!(read(r#"["1.0.0", "<script>"]"#).unwrap(), ["1.0.0", "<script>"]);
    assert_eq!(read(r#"{"Repository": {"x": [1]}, "Tags": ["1.0.0"]}"#).unwrap(), ["1.0.0"]);
    assert!(read(r#"{"name": "x", "tags": null}"#).unwrap().is_empty());
    assert_eq!(read(r#"{"name": "x"}"#).unwrap_err().to_string(), "missing field `tags` at line 1 column 13");
    assert!(read("[1]").is_err() && read("7").is_err());
    assert_eq!(tag_of_line("  oci://localhost:5000/acme/platform:1.0.0\r", false), Some("1.0.0"));
    assert_eq!((tag_of_line("# tags", true), tag_of_line("", true), tag_of_line("x/y:", true)), (None, None, None));
    assert_eq!((tag_of_line("NAME", true), tag_of_line("NAME", false)), (None, Some("NAME")));
}
