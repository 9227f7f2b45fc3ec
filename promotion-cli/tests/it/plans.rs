//! `--dry-run` everywhere, and plans that are applied later.

use serde_json::Value;

use crate::support::{REPO, Site, revision, text};

/// A pipeline with one release and one candidate.
fn pipeline() -> (Site, Value, Value) {
    let site = Site::new();
    let first = site.push(1);
    site.promote(text(&first["digest"]));
    let second = site.push(2);
    (site, first, second)
}

#[test]
fn a_dry_run_of_every_writing_command_writes_nothing() {
    let (site, first, second) = pipeline();
    let (first, second) = (text(&first["digest"]), text(&second["digest"]));
    let app = site.app("3");
    let index = std::fs::read(site.path().join("registry/index.json")).unwrap();
    let commands: [&[&str]; 8] = [
        &["push", REPO, "--path", &app, "--revision", &revision(3)],
        &["candidate", REPO, first, "--again"],
        &["promote", REPO, second, "--manual", "--reason", "it works"],
        &["reject", REPO, second, "--reason", "it does not"],
        &["rollback", REPO, "--to", first],
        &["repair", REPO],
        &["repair", REPO, "--only", second],
        &["reject", REPO, first, "--reason", "the only one"],
    ];
    for command in commands {
        let plan = site.json(0, &[command, &["--dry-run"]].concat());
        assert_eq!((&plan["schema"], &plan["kind"]), (&"promotion/v1".into(), &"Plan".into()), "{command:?}");
        let pending = !plan["actions"].as_array().unwrap().is_empty();
        let code = site.run(&[command, &["--dry-run", "--exit-code"]].concat()).code;
        assert_eq!(code, if pending { 10 } else { 0 }, "{command:?}");
        assert_eq!(std::fs::read(site.path().join("registry/index.json")).unwrap(), index, "{command:?}");
    }
}

#[test]
fn a_dry_run_of_the_first_push_creates_no_repository() {
    let site = Site::new();
    let app = site.app("1");
    let plan = site.json(0, &["push", REPO, "--path", &app, "--revision", &revision(1), "--dry-run"]);
    assert_eq!(plan["actions"][2]["tag"], "0.1.0-rc.1");
    assert!(!site.path().join("registry").exists());
}

#[test]
fn a_plan_is_applied_once_and_again_and_not_after_drift() {
    let (site, _, second) = pipeline();
    let digest = text(&second["digest"]);
    site.ok(&["promote", REPO, digest, "--manual", "--reason", "ok", "--dry-run", "--out", "plan.json"]);
    assert_eq!(site.json(0, &["apply", "plan.json", "--dry-run"])["actions"].as_array().unwrap().len(), 2);
    let outcome = site.json(0, &["apply", "plan.json"]);
    assert_eq!((&outcome["outcome"], &outcome["release"]), (&"done".into(), &"0.1.1".into()));
    let again = site.json(0, &["apply", "plan.json"]);
    assert_eq!(again["outcome"], "already-done");

    let third = site.push(3);
    let digest = text(&third["digest"]);
    site.ok(&["promote", REPO, digest, "--manual", "--reason", "ok", "--dry-run", "--out", "late.json"]);
    site.ok(&["reject", REPO, digest, "--reason", "bad"]);
    let tags = site.tags();
    assert_eq!(site.run(&["apply", "late.json", "--dry-run"]).code, 4);
    let now = site.json(4, &["apply", "late.json"]);
    assert_eq!(now["kind"], "Plan", "what would be done now instead");
    assert_eq!(site.tags(), tags);
}

#[test]
fn a_push_is_planned_on_one_machine_and_applied_on_another() {
    let site = Site::new();
    let app = site.app("1");
    site.ok(&["push", REPO, "--path", &app, "--revision", &revision(1), "--dry-run", "--out", "plan.json"]);
    assert!(site.tags().is_empty(), "the content is there, no tag is");
    assert_eq!(site.json(0, &["apply", "plan.json"])["candidate"], "0.1.0-rc.1");
}

#[test]
fn the_unfinished_rest_of_a_plan_is_no_drift() {
    let (site, _, second) = pipeline();
    let digest = text(&second["digest"]);
    site.ok(&["promote", REPO, digest, "--manual", "--reason", "ok", "--dry-run", "--out", "plan.json"]);
    site.promote(digest);
    // What a crash after the first write leaves.
    let path = site.path().join("registry/index.json");
    let mut index: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let entries = index["manifests"].as_array_mut().unwrap();
    entries.retain(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] != "0.1.1");
    std::fs::write(&path, index.to_string()).unwrap();
    let outcome = site.json(0, &["apply", "plan.json"]);
    assert_eq!(outcome["writes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_plan_that_was_edited_or_made_under_another_policy_is_not_applied() {
    let (site, _, second) = pipeline();
    let digest = text(&second["digest"]);
    site.ok(&["promote", REPO, digest, "--manual", "--reason", "ok", "--dry-run", "--out", "plan.json"]);
    let plan = std::fs::read_to_string(site.path().join("plan.json")).unwrap();
    site.write("edited.json", &plan.replace("0.1.1", "9.1.1"));
    assert_eq!(site.run(&["apply", "edited.json"]).code, 2);
    assert_eq!(site.run(&["apply", "missing.json"]).code, 2);
    site.write("promotion.yaml", "versions: { bump: minor }\n");
    let run = site.run(&["apply", "plan.json"]);
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("another configuration"), "{}", run.text());
}
