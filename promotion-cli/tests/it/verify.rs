//! The laws on configurations, good and bad ones.

use serde_json::Value;

use crate::support::{Site, text};

/// The same histories in every run, and few: a debug build plays them.
const QUICK: [&str; 3] = ["verify", "--cases", "25"];
/// Enough to break a law of the narrow line.
const LONGER: [&str; 5] = ["verify", "--seed", "1", "--law", "a_new_build_can_go_live"];

fn configured(config: &str) -> Site {
    let site = Site::new();
    site.write("promotion.yaml", config);
    site
}

/// What people read.
fn told(config: &str, arguments: &[&str]) -> String {
    let site = configured(config);
    site.run(arguments).text().replace(&site.path().display().to_string(), "[FOLDER]")
}

/// Room for three releases.
const NARROW: &str = r#"
versions: { initial: 1.2.0, line: ">= 1.2.0 < 1.2.3" }
stages:
  - { name: integration, source: oci, semver: ">= 1.2.0-0 < 1.2.3-0" }
  - { name: live, source: oci, semver: ">= 1.2.0 < 1.2.3" }
"#;

/// Live sees what nobody validated.
const OVERLAPPING: &str = r#"
stages:
  - { name: integration, source: oci, semver: ">= 0.0.0-0" }
  - { name: live, source: oci, semver: ">= 0.0.0-0" }
"#;

/// Integration does not see what was lifted.
const HIDES_THE_LIFTED: &str = r#"
stages:
  - { name: integration, source: oci, semver: ">= 0.0.0-0", filter: '-rc\.[1-9]\d*$' }
  - { name: live, source: oci, semver: ">= 0.0.0" }
"#;

/// Every build raises the minor part, and the line is one minor version.
const WITHOUT_ROOM: &str = r#"
versions: { initial: 1.2.0, bump: minor, line: ">= 1.2.0 < 1.3.0" }
stages:
  - { name: integration, source: oci, semver: ">= 1.2.0-0 < 1.3.0-0" }
  - { name: live, source: oci, semver: ">= 1.2.0 < 1.3.0" }
"#;

/// The commit's tag would be evidence.
const COLLIDING_MARKS: &str = r#"tags: { commit: "validated-{short}" }"#;

/// Three stages with words of their own.
const FLEET: &str = r#"
versions: { initial: 2.0.0, line: ">= 2.0.0 < 3.0.0" }
tags: { commit: "git-{short}", short: 8 }
stages:
  - { name: qa, source: oci, semver: ">= 2.0.0-0 < 3.0.0-0", label: beta, gate: { evidence: [canary, analysis], fresh: 1m } }
  - { name: staging, source: oci, semver: ">= 2.0.0-0 < 3.0.0-0", filter: '^\d+\.\d+\.\d+(-rc\.[\d.]+)?$', label: rc, gate: { evidence: [] } }
  - { name: production, source: oci, semver: ">= 2.0.0 < 3.0.0" }
"#;

#[test]
fn the_defaults_keep_every_law() {
    insta::assert_snapshot!(told("{}", &QUICK));
}

#[test]
fn a_pipeline_of_ones_own_keeps_every_law() {
    let verification = configured(FLEET).json(0, &QUICK);
    let laws = verification["laws"].as_array().unwrap();
    assert!(laws.len() > 20 && laws.iter().all(|law| law["kept"] == true), "{verification}");
}

#[test]
fn what_the_proofs_find_is_told_first_and_nothing_is_played() {
    insta::assert_snapshot!(
        [OVERLAPPING, HIDES_THE_LIFTED, WITHOUT_ROOM].map(|config| told(config, &QUICK)).join("\n")
    );
}

#[test]
fn what_contradicts_itself_is_no_configuration() {
    insta::assert_snapshot!(told(COLLIDING_MARKS, &QUICK));
}

#[test]
fn a_broken_law_is_told_as_a_story() {
    insta::assert_snapshot!(told(NARROW, &[&LONGER[..], &["--law", "done_means_done"]].concat()));
}

#[test]
fn the_line_at_the_end_tells_the_same_story_again() {
    let site = configured(NARROW);
    let first = site.json(10, &LONGER);
    let counterexample = &first["laws"][0]["counterexample"];
    let keys: Vec<&String> = counterexample.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["again", "broken", "registry", "story"]);
    let again: Vec<&str> = text(&counterexample["again"]).split(' ').skip(1).collect();
    assert_eq!(site.json(10, &again), first);
    assert_eq!(site.run(&[&again[..], &["-o", "name"]].concat()).stdout, "a_new_build_can_go_live\n");
}

#[test]
fn what_cannot_be_tried_is_a_mistake() {
    let site = Site::new();
    let slip = site.run(&["verify", "--law", "facts_never_moves"]);
    assert_eq!(slip.code, 2, "{}", slip.text());
    assert!(slip.stderr.contains("did you mean facts_never_move?"), "{}", slip.text());
    assert_eq!(site.run(&["verify", "--cases", "0"]).code, 2);
    let verification = site.json(0, &["verify", "--cases", "1", "--law", "facts_never_move"]);
    assert_eq!((&verification["kind"], &verification["cases"]), (&Value::from("Verification"), &Value::from(1)));
}
