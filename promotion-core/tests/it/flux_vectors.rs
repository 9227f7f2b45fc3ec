//! What Flux's own libraries answered, case by case; `tests/vectors` holds one JSON object per line.

use promotion_core::flux::{
    Constraint, FilterError, ImageChoice, ImagePolicy, ImagePolicyError, SelectError, Selector, Version, select,
    select_image,
};
use promotion_core::testing::naive;
use serde_json::Value;

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/vectors/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap()
}

/// Runs all cases, and shows the first few that differ.
fn check(file: &str, differs: impl Fn(&Value) -> Option<String>) {
    let cases = cases(file);
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| differs(case).map(|got| format!("{case}\n   got {got}"))).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
}

fn constraint_case(case: &Value, matches: fn(&Constraint, &Version<'_>) -> bool) -> Option<String> {
    let constraint = Constraint::parse(text(case, "constraint"));
    let (tag, loose) = (Version::parse_tag(text(case, "version")), Version::parse_loose(text(case, "version")));
    let ok = |version: &Result<Version<'_>, _>| {
        constraint.as_ref().is_ok_and(|constraint| version.as_ref().is_ok_and(|version| matches(constraint, version)))
    };
    let got = [
        ("constraint_error", constraint.is_err()),
        ("version_error", tag.is_err()),
        ("ok", ok(&tag)),
        ("loose_version_error", loose.is_err()),
        ("loose_ok", ok(&loose)),
    ];
    got.iter().any(|(key, got)| case[*key].as_bool() != Some(*got)).then(|| format!("{got:?} {constraint:?}"))
}

#[test]
fn constraints() {
    check("flux_constraints", |case| constraint_case(case, Constraint::matches));
}

/// The slow second opinion is worth having only if it is right too.
#[test]
fn naive_constraints() {
    check("flux_constraints", |case| {
        let (constraint, tag) = (naive::constraint(text(case, "constraint")), naive::version(text(case, "version")));
        let ok = match (&constraint, &tag) {
            (Some(constraint), Some(version)) => constraint.accepts(version),
            _ => false,
        };
        let got = [("constraint_error", constraint.is_none()), ("version_error", tag.is_none()), ("ok", ok)];
        got.iter().any(|(key, got)| case[*key].as_bool() != Some(*got)).then(|| format!("{got:?}"))
    });
}

#[test]
fn constraints_including_prereleases() {
    check("flux_include_prerelease", |case| constraint_case(case, Constraint::matches_including_prereleases));
}

#[test]
fn order() {
    check("flux_order", |case| {
        let (a, b) = (text(case, "a"), text(case, "b"));
        let loose = (Version::parse_loose(a), Version::parse_loose(b));
        let cmp = match loose {
            (Ok(a), Ok(b)) => Value::from(a.precedence(&b) as i8),
            _ => Value::Null,
        };
        let errors = [
            ("a_error", Version::parse_tag(a).is_err()),
            ("b_error", Version::parse_tag(b).is_err()),
            ("a_loose_error", loose.0.is_err()),
            ("b_loose_error", loose.1.is_err()),
        ];
        let wrong = case["cmp"] != cmp || errors.iter().any(|(key, got)| case[*key].as_bool() != Some(*got));
        wrong.then(|| format!("{cmp} {errors:?}"))
    });
}

fn tags<'a>(case: &'a Value, key: &str) -> Vec<&'a str> {
    case[key].as_array().map(|tags| tags.iter().map(|tag| tag.as_str().unwrap()).collect()).unwrap_or_default()
}

fn sorted(mut tags: Vec<&str>) -> Vec<&str> {
    tags.sort_unstable();
    tags
}

#[test]
fn selection() {
    check("flux_select", |case| {
        let selector = Selector::parse(text(case, "constraint"), case["filter"].as_str(), case["media_type"].as_str());
        let tags_of_case = tags(case, "tags");
        let got = selector.and_then(|selector| {
            let selection = select(&tags_of_case, &selector)?;
            Ok((selection.tag, selector.matching(&tags_of_case) as u64, sorted(selection.ambiguous)))
        });
        let right = match &got {
            Ok((Some(tag), matching, _)) => case["tag"] == *tag && case["matching"] == *matching,
            Ok((None, matching, ambiguous)) => {
                *ambiguous == sorted(tags(case, "tied_top")) && case["matching"] == *matching
            }
            Err(SelectError::NoMatch { .. }) => case["error"] == "no_match",
            Err(SelectError::Constraint(_)) => case["error"] == "constraint",
            Err(SelectError::Filter(FilterError::Invalid { .. })) => case["error"] == "filter",
            Err(_) => false,
        };
        (!right).then(|| format!("{got:?}"))
    });
}

#[test]
fn image_policies() {
    check("flux_imagepolicy", |case| {
        let policy: ImagePolicy = serde_json::from_value(case.clone()).unwrap();
        let tags_of_case = tags(case, "tags");
        let got = select_image(&tags_of_case, &policy);
        let error = match &got {
            Ok(ImageChoice::Selected(tag)) => return (case["tag"] != *tag).then(|| format!("{got:?}")),
            Ok(ImageChoice::Ambiguous { possible }) => {
                return (*possible != tags(case, "possible")).then(|| format!("{got:?}"));
            }
            Err(ImagePolicyError::Exclusion(_)) => "scan",
            Err(
                ImagePolicyError::NoPolicy
                | ImagePolicyError::Range(_)
                | ImagePolicyError::Order(_)
                | ImagePolicyError::Filter(FilterError::Invalid { .. }),
            ) => "invalid_policy",
            Err(ImagePolicyError::NoTags) => "no_tags",
            Err(_) => "apply",
        };
        (case["error"] != error).then(|| format!("{got:?}"))
    });
}
