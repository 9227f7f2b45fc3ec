//! What is recorded beside an artifact, and how `history` tells it.

use crate::support::{REPO, Run, Site, text};

fn promote_as(site: &Site, actor: &str, digest: &str) {
    let mut command = site.command(&["promote", REPO, digest, "--manual", "--reason", "smoke test passed"]);
    let run = Run::of(command.env("PROMOTION_ACTOR", actor));
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn history_tells_who_did_what_and_why() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    assert_eq!(site.ok(&["history", REPO, &digest]).stdout, "no records\n");
    promote_as(&site, "ada", &digest);
    let mut reject = site.command(&["reject", REPO, "0.1.0", "--reason", "data loss"]);
    // Nothing newer can replace it on live, which is told by the exit code; the verdict stands and is recorded.
    assert_eq!(Run::of(reject.env("GITHUB_ACTOR", "eve")).code, 3);

    let history = site.json(0, &["history", REPO, "0.1.0"]);
    let records = history["records"].as_array().unwrap();
    let deeds: Vec<_> = records.iter().map(|record| (text(&record["deed"]), text(&record["by"]))).collect();
    assert_eq!(deeds, [("promote", "ada"), ("reject", "eve")]);
    assert_eq!(records[0]["tags"].as_array().unwrap().last().unwrap(), "0.1.0");
    assert_eq!(records[0]["evidence"][0]["source"], "smoke test passed");
    assert_eq!(records[1]["reason"], "data loss");
    let table = site.ok(&["history", REPO, &digest]).stdout;
    assert!(table.contains("ada") && table.contains("data loss"), "{table}");
}

#[test]
fn records_can_be_turned_off() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    site.write("promotion.yaml", "record: false\n");
    promote_as(&site, "ada", &digest);
    assert_eq!(site.json(0, &["history", REPO, &digest])["records"], serde_json::json!([]));
    let mut wrong = site.command(&["status", REPO]);
    let run = Run::of(wrong.env("PROMOTION_RECORD", "maybe"));
    assert!(run.code == 2 && run.stderr.contains("neither true nor false"), "{}", run.stderr);
}

#[test]
fn history_of_something_unknown_is_not_found() {
    let site = Site::new();
    site.push(1);
    let run = site.run(&["history", REPO, "9.9.9"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
}
