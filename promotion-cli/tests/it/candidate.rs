//! `candidate`: artifacts that something else pushed.

use crate::support::{REPO, Site, commit, revision, text};

/// Content in the repository, by digest and without a tag.
fn foreign(site: &Site, build: u32) -> String {
    let app = site.app(&build.to_string());
    let arguments = ["push", REPO, "--path", &app, "--revision", &revision(build), "--dry-run", "--out", "unused.json"];
    text(&site.json(0, &arguments)["actions"][0]["digest"]).to_owned()
}

#[test]
fn what_is_there_already_becomes_a_candidate_by_its_digest() {
    let site = Site::new();
    let digest = foreign(&site, 1);
    let outcome = site.json(0, &["candidate", &format!("{REPO}@{digest}"), "--revision", &revision(1)]);
    assert_eq!((&outcome["candidate"], &outcome["commit"]), (&"0.1.0-rc.1".into(), &commit(1).into()));
    let again = site.json(0, &["candidate", REPO, &digest]);
    assert_eq!(again["outcome"], "already-done");
}

#[test]
fn the_revision_must_be_the_manifests() {
    let site = Site::new();
    let digest = foreign(&site, 1);
    let refused = site.json(3, &["candidate", REPO, &digest, "--revision", &revision(2)]);
    assert_eq!(refused["refusal"]["id"], "commit-mismatch");
    assert!(site.tags().is_empty());
}

#[test]
fn again_makes_it_deliberately_the_newest() {
    let site = Site::new();
    let first = text(&site.push(1)["digest"]).to_owned();
    site.push(2);
    assert_eq!(site.json(0, &["candidate", REPO, &first])["outcome"], "already-done");
    let again = site.json(0, &["candidate", REPO, "0.1.0-rc.1", "--again"]);
    assert_eq!(again["candidate"], "0.1.0-rc.3");
    assert_eq!(site.json(0, &["status", REPO])["stages"][0]["selects"]["digest"], first.as_str());
}

#[test]
fn a_ci_runs_number_is_taken_only_above_the_highest() {
    let site = Site::new();
    site.push(1);
    let app = site.app("2");
    let push = |number: &str, code| {
        let arguments = ["push", REPO, "--path", &app, "--revision", &revision(2), "--build-number", number];
        site.json(code, &arguments)
    };
    assert_eq!(push("1", 3)["refusal"]["id"], "build-number-not-above");
    assert_eq!(push("412", 0)["candidate"], "0.1.0-rc.412");
}

#[test]
fn an_artifact_is_named_by_commit_tag_or_digest_and_only_once() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    let short = commit(1)[..7].to_owned();
    for what in [&digest, &short, "0.1.0-rc.1", &format!("integration-{short}"), &commit(1)] {
        assert_eq!(site.json(0, &["candidate", REPO, what])["digest"], digest.as_str(), "{what}");
    }
    assert_eq!(site.run(&["candidate", &digest, &short]).code, 2);
    assert_eq!(site.run(&["candidate", REPO, REPO]).code, 2);
    assert_eq!(site.run(&["candidate", &format!("{REPO}@{digest}"), &short]).code, 2);
}
