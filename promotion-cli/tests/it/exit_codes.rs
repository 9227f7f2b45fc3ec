//! The documented exit codes, each by what causes it.

use crate::support::{REPO, Site, revision, text};

#[test]
fn every_documented_code() {
    let site = Site::new();
    let app = site.app("1");
    let first = site.push(1);
    let digest = text(&first["digest"]).to_owned();
    site.write("tags", "1.0.0-rc.1\nv1.0.0-rc.1\n");
    let tied: String = (0..20).map(|n| format!("0.{n}.0\n")).chain(["1.0.0\nv1.0.0\n".to_owned()]).collect();
    site.write("tied", &tied);
    site.write("folder/file", "not a layout");
    let table: &[(i32, &[&str])] = &[
        // Done, or nothing to do.
        (0, &["version"]),
        (0, &["--version"]),
        (0, &["--help"]),
        (0, &["status", REPO]),
        (0, &["push", REPO, "--path", &app, "--revision", &revision(1)]),
        (0, &["resolve", "--tags-from", "tags", "--semver", ">= 0.0.0-0"]),
        (0, &["doctor"]),
        (0, &["audit", REPO]),
        // Failed.
        (1, &["status", "oci://127.0.0.1:1/acme/platform", "--plain-http", "--retries", "0"]),
        (1, &["push", "ocidir://folder", "--path", &app, "--revision", &revision(2)]),
        // Usage and configuration.
        (2, &[]),
        (2, &["promot"]),
        (2, &["status", "no-scheme"]),
        (2, &["status", "oci://ghcr.io/acme/platform:1.0.0"]),
        (2, &["status"]),
        (2, &["promote", REPO]),
        (2, &["promote", REPO, &digest, "--stage", "integratoin", "--manual", "--reason", "x"]),
        (2, &["push", REPO, "--path", &app]),
        // A reason that says nothing is none.
        (2, &["reject", REPO, &digest, "--reason", ""]),
        (2, &["promote", REPO, &digest, "--manual", "--reason", ""]),
        // The repository would be packed into itself.
        (2, &["push", REPO, "--path", ".", "--revision", &revision(2)]),
        (2, &["push", REPO, "--path", "missing", "--revision", &revision(2)]),
        (2, &["push", REPO, "--path", &app, "--revision", "main"]),
        (2, &["rollback", REPO, "--to", &digest, "--strategy", "pin"]),
        (2, &["resolve", "--tags-from", "tags", "--semver", ">= 1 ||"]),
        (2, &["resolve", "--tags-from", "tags", "--semver", ">= 1", "--filter", "("]),
        (2, &["status", REPO, "--config", "missing.yaml"]),
        (2, &["apply", "tags"]),
        // Refused.
        (3, &["promote", REPO, &digest]),
        (3, &["rollback", REPO, "--to", &digest]),
        (3, &["resolve", "--tags-from", "tied", "--semver", ">= 0.0.0"]),
        // Not found.
        (5, &["status", "ocidir://nowhere"]),
        (5, &["promote", REPO, "abcdef0", "--manual", "--reason", "x"]),
        (5, &["resolve", "--tags-from", "tags", "--semver", ">= 2"]),
        (5, &["list", REPO, "--sha", "abcdef0"]),
        (5, &["doctor", "--explain", "posion-tag"]),
        // Pending changes.
        (10, &["promote", REPO, &digest, "--manual", "--reason", "x", "--dry-run", "--exit-code"]),
    ];
    for (code, arguments) in table {
        let run = site.run(arguments);
        assert_eq!(run.code, *code, "{arguments:?}\n{}", run.text());
    }
}

#[test]
fn a_stranger_that_outranks_us_is_a_warning_and_a_broken_invariant_a_finding() {
    let site = Site::new();
    site.push(1);
    let path = site.path().join("registry/index.json");
    let index = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, index.replace("0.1.0-rc.1", "v9.9.9")).unwrap();
    // The candidate is gone, so the artifact is an orphan; the stranger alone would be no finding.
    let audit = site.run(&["audit", REPO, "-o", "name"]);
    assert_eq!(audit.code, 10, "{}", audit.text());
    assert!(audit.stdout.contains("orphan") && audit.stdout.contains("poison-tag"), "{}", audit.stdout);

    let digest = &site.tags()["v9.9.9"];
    site.ok(&["repair", REPO, "--only", digest]);
    let audit = site.run(&["audit", REPO, "-o", "name"]);
    assert_eq!((audit.code, audit.stdout.as_str()), (0, "poison-tag\npoison-tag\n"), "{}", audit.stderr);
}

#[test]
fn a_gate_that_gives_no_verdict_is_silent() {
    let site = Site::new();
    site.write(
        "promotion.yaml",
        "stages:\n- { name: integration, source: oci, semver: \">= 0.0.0-0\", gate: { verdict_deadline: 1h } }\n\
         - { name: live, source: oci, semver: \">= 0.0.0\" }\n",
    );
    let app = site.app("1");
    site.ok(&["push", REPO, "--path", &app, "--revision", &revision(1), "--created", "2026-01-02T03:04:05Z"]);
    let status = site.json(6, &["status", REPO]);
    assert_eq!(status["findings"][0]["id"], "silent-gate");
    // The epoch of reproducible builders says nothing about age.
    let other = Site::new();
    other.push(1);
    std::fs::copy(site.path().join("promotion.yaml"), other.path().join("promotion.yaml")).unwrap();
    other.ok(&["status", REPO]);
}
