//! What real pipelines taught, each with what the command says of it today. Where a cluster is what is wrong, the case is
//! among those of `promotion-core/tests/it/why.rs`, by the name that follows it here.
//!
//! Ways to fail:
//! - integration does not update: all of `every_way_to_be_stuck_in_integration_is_told`, and
//!   [`a_commit_that_nobody_built_is_the_first_broken_link`];
//! - live does not update: all of `every_way_for_live_not_to_update_is_told`;
//! - the dispatch never arrives: "the provider's token lacks the scope";
//! - the workflow runs every ten minutes: [`an_alert_that_comes_again_is_normal`];
//! - the build may not push: [`a_build_that_may_not_push_says_which_right_it_lacks`];
//! - the wrong version is live: "something newer is live", "what live runs is not lower", "a tie makes it an accident";
//! - no artifact matches: "the source's constraint excludes candidates", which has Flux's own words.
//!
//! Lessons:
//! - a candidate of a fixed base is always below the stable one: the case of this name;
//! - another cluster's success promotes an untested artifact:
//!   [`another_clusters_success_is_no_evidence`];
//! - "Reconciliation finished" comes before any `HelmRelease` moved: "a `HelmRelease` has not moved yet", "a `HelmRelease` is ready
//!   with the chart it had";
//! - a gate is dead for two months with everything green: the case of this name, and "the controller has been dead for a month";
//! - a mark arrives after the event: [`an_event_that_comes_before_the_mark_can_come_again`];
//! - `integration-*` cannot be selected: [`a_mark_is_no_version`];
//! - a guard returns without its outputs: [`every_outcome_has_the_same_outputs`];
//! - a moved tag is deployed again under the same version: [`a_release_that_was_moved_is_found`].

use std::fs;

use promotion_registry::testing::fake::{Auth, FakeRegistry, Quirks};
use serde_json::{Value, json};

use crate::support::{REPO, Site, commit, revision, text};

/// What kustomize-controller says when it has applied an artifact.
fn success(digest: &str) -> String {
    let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    json!({
        "involvedObject": { "kind": "Kustomization", "name": "platform", "namespace": "flux-system" },
        "severity": "info", "reason": "ReconciliationSucceeded", "message": "Reconciliation finished",
        "timestamp": String::from_utf8(now.stdout).unwrap().trim(),
        "metadata": { "revision": format!("0.1.0-rc.1@{digest}") }, "reportingController": "kustomize-controller",
    })
    .to_string()
}

macro_rules! assert_told {
    ($run:expr) => {
        insta::with_settings!({filters => vec![
            (r"[0-9a-f]{64}", "[DIGEST]"),
            (r"sha256:[0-9a-f]{8}\b", "sha256:[SHORT]"),
            (r"127\.0\.0\.1:[0-9]+", "[HOST]"),
        ]}, { insta::assert_snapshot!($run.text()) });
    };
}

/// The layout as somebody else's tool would leave it.
fn edit(site: &Site, change: impl FnOnce(&mut Vec<Value>)) {
    let path = site.path().join("registry/index.json");
    let mut index: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(index["manifests"].as_array_mut().unwrap());
    fs::write(path, index.to_string()).unwrap();
}

fn name(entry: &Value) -> &str {
    entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap_or_default()
}

fn built() -> (Site, String) {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    site.write("event.json", &success(&digest));
    (site, digest)
}

#[test]
fn a_commit_that_nobody_built_is_the_first_broken_link() {
    let (site, _) = built();
    let why = site.run(&["why", REPO, &commit(7)]);
    assert_eq!(why.code, 5);
    assert_told!(why);
}

#[test]
fn an_alert_that_comes_again_is_normal() {
    let (site, _) = built();
    site.ok(&["promote", REPO, "--event", "event.json"]);
    let before = site.tags();
    let again = site.run(&["promote", REPO, "--event", "event.json"]);
    assert_eq!((again.code, site.tags()), (0, before));
    assert_told!(again);
}

#[test]
fn a_build_that_may_not_push_says_which_right_it_lacks() {
    let auth = Auth::AnonymousPull { user: "ada".into(), password: "secret".into() };
    let registry = FakeRegistry::start(Quirks { auth, ..Quirks::default() });
    let site = Site::new();
    let app = site.app("1");
    let repository = format!("oci://{}/acme/platform", registry.host());
    let run = site.run(&["push", &repository, "--plain-http", "--path", &app, "--revision", &revision(1)]);
    assert_eq!(run.code, 1);
    assert_told!(run);
}

#[test]
fn another_clusters_success_is_no_evidence() {
    let (site, digest) = built();
    site.write("promotion.yaml", "clusters:\n  integration: {kustomization: platform}\n");
    site.write("event.json", &success(&digest).replace(r#""name":"platform""#, r#""name":"platform-dev""#));
    let run = site.run(&["promote", REPO, "--event", "event.json"]);
    assert_eq!(run.code, 3);
    assert!(!site.tags().contains_key("0.1.0"), "nothing was promoted");
    assert_told!(run);
}

/// Somebody else's build tags the candidate first, and its hand-over when the cluster has already told of it.
#[test]
fn an_event_that_comes_before_the_mark_can_come_again() {
    let (site, _) = built();
    let mut late = Vec::new();
    edit(&site, |entries| late.extend(entries.extract_if(.., |entry| name(entry).starts_with("integration-"))));
    let before = site.tags();
    let early = site.run(&["promote", REPO, "--event", "event.json"]);
    assert_eq!((early.code, site.tags()), (3, before), "refused, and nothing was written");
    edit(&site, |entries| entries.extend(late));
    let again = site.json(0, &["promote", REPO, "--event", "event.json"]);
    assert_eq!(again["release"], "0.1.0");
    assert_told!(early);
}

#[test]
fn a_mark_is_no_version() {
    let (site, digest) = built();
    let mark = format!("integration-{}", &commit(1)[..7]);
    assert_eq!(site.tags()[&mark], digest);
    let resolved = site.json(0, &["resolve", REPO, "--semver", ">= 0.0.0-0"]);
    assert_eq!(resolved["tag"], "0.1.0-rc.1");
    edit(&site, |entries| entries.retain(|entry| name(entry) != "0.1.0-rc.1"));
    assert_eq!(site.run(&["resolve", REPO, "--semver", ">= 0.0.0-0"]).code, 5, "the mark alone is nothing to select");
    assert_told!(site.run(&["why", REPO, &commit(1)]));
}

/// What comes after a guard reads its outputs, whatever it decided.
#[test]
fn every_outcome_has_the_same_outputs() {
    let (site, digest) = built();
    let first = site.json(0, &["promote", REPO, "--event", "event.json"]);
    let again = site.json(0, &["promote", REPO, "--event", "event.json"]);
    let newer = text(&site.push(2)["digest"]).to_owned();
    site.promote(&newer);
    let superseded = site.json(0, &["promote", REPO, "--event", "event.json"]);
    site.json(0, &["reject", REPO, &digest, "--reason", "data loss"]);
    let refused = site.json(3, &["promote", REPO, "--event", "event.json"]);
    for (outcome, kind) in
        [(&first, "done"), (&again, "already-done"), (&superseded, "superseded"), (&refused, "refused")]
    {
        assert_eq!((text(&outcome["outcome"]), text(&outcome["digest"])), (kind, &*digest));
        for output in ["commit", "candidate", "release", "writes", "warnings"] {
            assert!(outcome.get(output).is_some(), "{kind} without {output}: {outcome}");
        }
    }
}

#[test]
fn a_release_that_was_moved_is_found() {
    let (site, _) = built();
    site.ok(&["promote", REPO, "--event", "event.json"]);
    let other = text(&site.push(2)["digest"]).to_owned();
    edit(&site, |entries| {
        let entry = entries.iter_mut().find(|entry| name(entry) == "0.1.0").unwrap();
        entry["digest"] = json!(other);
    });
    let audit = site.run(&["audit", REPO]);
    assert_eq!(audit.code, 10);
    assert_told!(audit);
}
