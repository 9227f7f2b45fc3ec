//! `push --git`: revision, source, time and age from a clone.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{REPO, Site, text};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=x", "-c", "user.email=x@example.com"]).args(arguments);
    command.env("GIT_COMMITTER_DATE", "2026-03-01T12:00:00Z").env("GIT_AUTHOR_DATE", "2026-03-01T12:00:00Z");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A clone with two commits, the folder `deploy` changed in each.
fn cloned() -> (Site, String, String) {
    let site = Site::new();
    let commit = |content: &str| {
        let folder = site.write("src/deploy/app.yaml", content);
        let root = folder.parent().unwrap().parent().unwrap().to_owned();
        if !root.join(".git").exists() {
            git(&root, &["init", "-q", "-b", "main"]);
            git(&root, &["remote", "add", "origin", "https://me:secret@git.example.com/acme/platform.git"]);
        }
        git(&root, &["add", "."]);
        git(&root, &["commit", "-q", "-m", content]);
        git(&root, &["rev-parse", "HEAD"])
    };
    let (first, second) = (commit("kind: First\n"), commit("kind: Second\n"));
    (site, first, second)
}

const PUSH: [&str; 6] = ["push", REPO, "--path", "src/deploy", "--git", "src"];

fn manifest(site: &Site, digest: &str) -> Value {
    let blob = site.path().join("registry/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    serde_json::from_slice(&std::fs::read(blob).unwrap()).unwrap()
}

#[test]
fn the_clone_tells_revision_source_and_time() {
    let (site, _, second) = cloned();
    let outcome = site.json(0, &PUSH);
    assert_eq!(outcome["commit"], second.as_str());
    let annotations = manifest(&site, text(&outcome["digest"]))["annotations"].clone();
    let expected = serde_json::json!({
        "org.opencontainers.image.created": "2026-03-01T12:00:00Z",
        "org.opencontainers.image.revision": format!("main@sha1:{second}"),
        "org.opencontainers.image.source": "https://git.example.com/acme/platform.git",
    });
    assert_eq!(annotations, expected);
    // Where reproducible builds say the time, they are believed first.
    let mut command = site.command(&PUSH);
    let run = crate::support::Run::of(command.args(["-o", "name", "--dry-run"]).env("SOURCE_DATE_EPOCH", "86400"));
    assert!(run.stdout.contains("0.1.0-rc.2"), "{}", run.text());
}

#[test]
fn a_slow_build_of_an_older_commit_is_no_candidate() {
    let (site, first, _) = cloned();
    site.ok(&PUSH);
    git(&site.path().join("src"), &["checkout", "-q", &first]);
    let outcome = site.json(0, &PUSH);
    assert_eq!((&outcome["outcome"], &outcome["candidate"]), (&"superseded".into(), &Value::Null));
}

#[test]
fn a_shallow_clone_cannot_tell_and_says_so() {
    let (site, first, _) = cloned();
    site.ok(&PUSH);
    let source = site.path().join("src");
    git(&source, &["checkout", "-q", "-b", "old", &first]);
    let url = format!("file://{}", source.display());
    git(site.path(), &["clone", "-q", "--depth", "1", "--branch", "old", &url, "shallow"]);
    let outcome = site.json(
        0,
        &[
            "push",
            REPO,
            "--path",
            "shallow/deploy",
            "--git",
            "shallow",
            "--source",
            "https://git.example.com/acme/platform.git",
        ],
    );
    assert_eq!(outcome["warnings"][0]["id"], "ancestry-unknown");
    assert_eq!(outcome["candidate"], "0.1.0-rc.2");
}

#[test]
fn uncommitted_changes_are_not_what_the_commit_says() {
    let (site, _, _) = cloned();
    site.write("src/deploy/app.yaml", "kind: Uncommitted\n");
    let run = site.ok(&PUSH);
    assert!(run.stderr.contains("differs from the commit"), "{}", run.text());
}

#[test]
fn a_folder_that_is_no_clone_is_a_usage_error() {
    let site = Site::new();
    let app = site.app("1");
    assert_eq!(site.run(&["push", REPO, "--path", &app, "--git", &app]).code, 2);
}
