//! Copies, as people and CI systems start them; their laws are the library's tests.

use crate::support::{REPO, Run, Site, revision, text};

#[test]
fn through_an_air_gap_and_back() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    site.promote(&digest);
    let planned = site.json(0, &["copy", REPO, "ocidir://usb", "--dry-run"]);
    assert!(!site.path().join("usb").exists(), "a dry run creates nothing");
    let copied = site.json(0, &["copy", REPO, "ocidir://usb"]);
    assert_eq!((&copied["tags"], &copied["bytes"]), (&planned["tags"], &planned["bytes"]));
    site.ok(&["copy", "ocidir://usb", "ocidir://isolated", "--all-tags"]);
    let status = |repository: &str| site.json(0, &["status", repository]);
    assert_eq!(status("ocidir://isolated")["stages"], status(REPO)["stages"]);
    assert_eq!(site.json(0, &["audit", "ocidir://isolated"])["findings"], serde_json::json!([]));
    // The pipeline goes on where it is.
    let app = site.app("2");
    site.ok(&["push", "ocidir://isolated", "--path", &app, "--revision", &revision(2)]);
    site.ok(&["copy", "ocidir://isolated:0.1.1-rc.1", REPO]);
    assert!(site.tags().contains_key("0.1.1-rc.1"));
}

#[test]
fn a_tag_may_get_another_name_and_moves_only_when_told_to() {
    let site = Site::new();
    site.push(1);
    site.push(2);
    let latest =
        |site: &Site| text(&site.json(0, &["list", "ocidir://other", "--all"])["artifacts"][0]["digest"]).to_owned();
    site.ok(&["copy", "ocidir://registry:0.1.0-rc.1", "ocidir://other:0.0.1"]);
    let before = latest(&site);
    let refused = site.run(&["copy", "ocidir://registry:0.1.0-rc.2", "ocidir://other:0.0.1"]);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("0.0.1 is something else there") && refused.stderr.contains("--overwrite"));
    assert_eq!(latest(&site), before);
    site.ok(&["copy", "ocidir://registry:0.1.0-rc.2", "ocidir://other:0.0.1", "--overwrite"]);
    assert_ne!(latest(&site), before);
}

#[test]
fn its_document() {
    let site = Site::new();
    site.push(1);
    let copied = site.json(0, &["copy", "ocidir://registry:0.1.0-rc.1", "ocidir://other"]);
    let keys: Vec<&str> = copied.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "blobs bytes dry_run foreign from kind manifests missing not_tags schema tags to";
    assert_eq!(keys.join(" "), expected);
    assert_eq!((&copied["kind"], &copied["from"]), (&"Copy".into(), &"ocidir://registry:0.1.0-rc.1".into()));
    assert_eq!(site.ok(&["copy", "ocidir://registry", "ocidir://all", "-o", "name"]).stdout.lines().count(), 3);
}

#[test]
fn what_cannot_be_meant_is_told() {
    let site = Site::new();
    site.push(1);
    let digest = site.tags()["0.1.0-rc.1"].clone();
    let to_digest = format!("ocidir://other@{digest}");
    let no_such = format!("ocidir://registry@sha256:{}", "0".repeat(64));
    let told: &[(i32, &[&str], &str)] = &[
        (2, &["registry", "ocidir://other"], "did you mean oci://registry?"),
        (2, &["ocidir://registry", "other:1.0"], "neither oci:// nor ocidir://"),
        (2, &["ocidir://registry", "oci://ghcr.io"], "has no path"),
        (2, &["ocidir://registry:0.1.0+x", "ocidir://other"], "unexpected character '+'"),
        (2, &["ocidir://registry", "ocidir://other:1.0.0"], "SRC means all"),
        (2, &["ocidir://registry:0.1.0-rc.1", &to_digest], "DST has a digest"),
        (2, &["ocidir://registry:0.1.0-rc.1", "ocidir://other", "--all-tags"], "SRC names one artifact"),
        (2, &["oci://a.example/x", "oci://b.example/x", "--creds", "me"], "a.example and b.example are two registries"),
        (5, &["ocidir://nowhere", "ocidir://other"], "no such folder"),
        (5, &["ocidir://registry:9.9.9", "ocidir://other"], "there is no such tag"),
        (5, &[&no_such, "ocidir://other"], "there is no such manifest"),
    ];
    for (code, arguments, message) in told {
        let run = site.run(&[&["copy"], *arguments].concat());
        assert_eq!(run.code, *code, "{arguments:?}\n{}", run.text());
        assert!(run.stderr.contains(message), "{arguments:?}\n{}", run.text());
    }
}

/// What everybody sees, once.
#[test]
fn told_in_words() {
    let site = Site::new();
    site.push(1);
    let run = |arguments: &[&str]| Run::of(&mut site.command(arguments)).text();
    let shown = [
        run(&["copy", REPO, "ocidir://other", "--dry-run"]),
        run(&["copy", REPO, "ocidir://other"]),
        run(&["copy", REPO, "ocidir://other"]),
        run(&["copy", "-h"]),
    ];
    insta::with_settings!({filters => vec![(r"sha256:[0-9a-f]{8}\b", "sha256:[SHORT]")]}, {
        insta::assert_snapshot!(shown.join("\n"));
    });
}
