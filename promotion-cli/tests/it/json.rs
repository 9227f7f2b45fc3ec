//! The stable JSON shapes, key by key.

use serde_json::Value;

use crate::support::{REPO, Site, revision, text};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_object_says_its_schema_and_kind() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    site.write("tags", "1.0.0\n");
    let table: &[(&str, i32, &[&str])] = &[
        ("Outcome", 0, &["promote", REPO, &digest, "--manual", "--reason", "x"]),
        ("Outcome", 3, &["promote", REPO, &digest, "--stage", "live"]),
        ("Plan", 0, &["reject", REPO, &digest, "--reason", "x", "--dry-run"]),
        ("Status", 0, &["status", REPO]),
        ("Artifacts", 0, &["list", REPO]),
        ("Selection", 0, &["resolve", "--tags-from", "tags", "--semver", "1"]),
        ("Selection", 0, &["resolve", REPO, "--semver", ">= 0.0.0"]),
        ("Findings", 0, &["audit", REPO]),
        ("Findings", 0, &["doctor"]),
        ("Meanings", 0, &["doctor", "--explain", "orphan"]),
        ("Version", 0, &["version"]),
        ("Status", 0, &["demo", "demo"]),
    ];
    for (kind, code, arguments) in table {
        let value = site.json(*code, arguments);
        assert_eq!((&value["schema"], &value["kind"]), (&"promotion/v1".into(), &Value::from(*kind)), "{arguments:?}");
    }
}

#[test]
fn errors_are_objects_on_stderr() {
    let site = Site::new();
    for arguments in [&["status", "ocidir://nowhere"][..], &["promot"], &["status", "--config", "no.yaml", REPO]] {
        let run = site.run(&[arguments, &["-o", "json"]].concat());
        assert!(run.stdout.is_empty(), "{}", run.stdout);
        let error: Value = serde_json::from_str(&run.stderr).unwrap();
        assert_eq!(keys(&error), ["fix", "id", "kind", "message", "schema", "what", "where"]);
        assert_eq!(error["kind"], "Error");
    }
}

#[test]
fn whatever_else_is_said_is_a_line_of_json_too() {
    let site = Site::new();
    site.push(1);
    let run = site.run(&["promote", REPO, "0.1.0-rc.11", "-v", "-o", "json"]);
    assert_eq!(run.code, 5);
    let kinds: Vec<Value> = run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(kinds.iter().all(|note| note["kind"] == "Note"), "{kinds:?}");
    assert!(run.stderr.contains("did you mean 0.1.0-rc.1?"), "{}", run.stderr);
}

#[test]
fn the_shapes_of_the_documentation() {
    let site = Site::new();
    let outcome = site.push(1);
    let expected = ["candidate", "commit", "digest", "kind", "outcome", "release", "schema", "warnings", "writes"];
    assert_eq!(keys(&outcome), expected);
    assert_eq!(keys(&outcome["writes"][0]), ["digest", "tag", "was"]);
    let digest = text(&outcome["digest"]);

    let plan = site.json(0, &["promote", REPO, digest, "--manual", "--reason", "x", "--dry-run"]);
    assert_eq!(keys(&plan), ["actions", "goal", "hash", "kind", "policy_hash", "repository", "schema"]);
    assert_eq!(keys(&plan["actions"][0]), ["digest", "expect", "op", "tag", "why"]);
    assert_eq!(plan["actions"][0]["expect"], "absent");

    let status = site.json(0, &["status", REPO]);
    assert_eq!(keys(&status["stages"][0]), ["constraint", "name", "selects"]);
    assert_eq!(keys(&status["stages"][0]["selects"]), ["commit", "digest", "tag"]);
    assert_eq!(status["stages"][1]["selects"], Value::Null);

    let selection = site.json(0, &["resolve", REPO, "--semver", ">= 0.0.0-0"]);
    assert_eq!(selection["digest"], outcome["digest"]);
    let expected = ["ambiguous", "digest", "kind", "poison", "runners_up", "schema", "tag", "version"];
    assert_eq!(keys(&selection), expected);

    let refused = site.json(3, &["promote", REPO, digest]);
    assert_eq!(keys(&refused["refusal"]), ["because", "fix", "id", "message", "subject"]);
    let reject = site.json(3, &["rollback", REPO, "--to", digest]);
    assert_eq!(reject["outcome"], "refused");
}

#[test]
fn yaml_says_the_same_as_json() {
    let site = Site::new();
    site.push(1);
    let json = site.json(0, &["status", REPO]);
    let yaml = site.ok(&["status", REPO, "-o", "yaml"]).stdout;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json, "{yaml}");
    let app = site.app("2");
    let arguments = ["push", REPO, "--path", &app, "--revision", &revision(2), "--dry-run"];
    let yaml = site.ok(&[&arguments[..], &["-o", "yaml"]].concat()).stdout;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), site.json(0, &arguments), "{yaml}");
}

#[test]
fn names_are_for_shell_loops() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    assert_eq!(site.ok(&["status", REPO, "-o", "name"]).stdout, "0.1.0-rc.1\n");
    assert_eq!(site.ok(&["list", REPO, "-o", "name"]).stdout, format!("{digest}\n"));
    assert_eq!(site.ok(&["resolve", REPO, "--semver", ">= 0.0.0-0", "-o", "name"]).stdout, "0.1.0-rc.1\n");
}
