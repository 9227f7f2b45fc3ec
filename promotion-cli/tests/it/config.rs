//! Configuration: where it is found, what overrides what, and how mistakes are told.

use std::process::Command;

use serde_json::Value;

use crate::support::{REPO, Run, Site, revision};

fn failure(site: &Site, yaml: &str) -> Value {
    site.write("promotion.yaml", yaml);
    let run = site.run(&["doctor", "-o", "json"]);
    assert_eq!(run.code, 2, "{}", run.text());
    serde_json::from_str(&run.stderr).unwrap()
}

#[test]
fn mistakes_name_the_line_and_what_was_meant() {
    let site = Site::new();
    let told = |yaml: &str| {
        let failure = failure(&site, yaml);
        let place = failure["where"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        format!("{place}: {} -> {}", failure["message"].as_str().unwrap(), failure["fix"].as_str().unwrap_or("-"))
    };
    let cases = [
        "stagse: []\n",
        "versions:\n  initial: 1.0.0\n  lable: rc\n",
        "versions: { bump: pacth }\n",
        "stages:\n- { name: a, source: oci, semver: \">= 0\", gate: { freesh: 1h } }\n",
        "stages:\n- { name: a, source: svn }\n",
        "tags: { short: seven }\n",
        "tags: { short: 9 }\n",
        "versions: { initial: v1 }\n",
        "versions: { line: \">= 1 ||\" }\n",
        "clusters: { integratoin: { namespace: flux-system } }\n",
        "lock: file\n",
        "repository: ghcr.io/acme/platform\n",
        "tags: {}\ntags: {}\n",
        "tags: [\n",
        "- a list\n",
    ];
    let lines: Vec<String> = cases.into_iter().map(told).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_file_then_the_environment_then_flags() {
    let site = Site::new();
    site.write("promotion.yaml", "repository: ocidir://from-file\nversions: { initial: 1.0.0 }\n");
    let app = site.app("1");
    let push = |command: &mut Command| {
        let run = Run::of(command.args(["--path", &app, "--revision", &revision(1), "-o", "name"]));
        assert_eq!(run.code, 0, "{}", run.text());
        run.stdout.trim().to_owned()
    };
    assert_eq!(push(&mut site.command(&["push"])), "1.0.0-rc.1");
    assert!(site.path().join("from-file").is_dir());
    let environment = [("PROMOTION_REPOSITORY", "ocidir://from-environment"), ("PROMOTION_VERSIONS_INITIAL", "2.0.0")];
    assert_eq!(push(site.command(&["push"]).envs(environment)), "2.0.0-rc.1");
    assert!(site.path().join("from-environment").is_dir());
    assert_eq!(push(site.command(&["push", "ocidir://from-flag"]).envs(environment)), "2.0.0-rc.1");
    assert!(site.path().join("from-flag").is_dir());
}

#[test]
fn the_file_is_found_from_below_and_its_layout_is_beside_it() {
    let site = Site::new();
    site.write("promotion.yaml", "repository: ocidir://registry\n");
    site.push(1);
    site.write("deep/down/file", "");
    let run = Run::of(site.command(&["status", "-o", "name"]).current_dir(site.path().join("deep/down")));
    assert_eq!((run.code, run.stdout.as_str()), (0, "0.1.0-rc.1\n"), "{}", run.stderr);
}

#[test]
fn a_slip_in_the_environment_is_not_ignored() {
    let site = Site::new();
    let run = Run::of(site.command(&["doctor"]).env("PROMOTION_REPOSITROY", REPO));
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("PROMOTION_REPOSITORY"), "{}", run.stderr);
    assert_eq!(Run::of(site.command(&["doctor"]).env("PROMOTION_OUTPUT", "jsno")).code, 2);
    assert_eq!(Run::of(site.command(&["doctor"]).env("PROMOTION_OUTPUT", "")).code, 0);
}

#[test]
fn every_preset_is_a_pipeline_and_fits_the_schema() {
    let site = Site::new();
    let schema = site.json_text(&["schema"]);
    for preset in ["flux", "channels", "fleet"] {
        site.ok(&["init", "--preset", preset, "--force"]);
        let doctor = site.run(&["doctor"]);
        assert_eq!(doctor.code, 0, "{preset}: {}", doctor.text());
        let text = std::fs::read_to_string(site.path().join("promotion.yaml")).unwrap();
        fits(&schema, &serde_saphyr::from_str(&text).unwrap(), preset);
    }
    assert_eq!(site.run(&["init"]).code, 2, "an existing file is not replaced");
    let defaults = site.ok(&["init", "-"]).stdout;
    site.write("promotion.yaml", &defaults);
    site.write("none.yaml", "# nothing\n");
    let hash = |file: &str| {
        site.push(1);
        let plan = site.json(0, &["repair", REPO, "--dry-run", "--config", file]);
        plan["policy_hash"].clone()
    };
    assert_eq!(hash("promotion.yaml"), hash("none.yaml"), "the file that init writes says the defaults");
}

/// Every key that the schema has is read, and no other: the reader names the ones it knows.
#[test]
fn the_schema_has_the_keys_that_are_read() {
    let site = Site::new();
    let schema = site.json_text(&["schema"]);
    let stage = &schema["properties"]["stages"]["items"];
    let gate = &stage["properties"]["gate"];
    let cluster = &schema["properties"]["clusters"]["additionalProperties"];
    let places: [(&str, &Value); 7] = [
        ("zzz: 1\n", &schema),
        ("versions: { zzz: 1 }\n", &schema["properties"]["versions"]),
        ("tags: { zzz: 1 }\n", &schema["properties"]["tags"]),
        ("registry: { zzz: 1 }\n", &schema["properties"]["registry"]),
        ("stages: [{ zzz: 1 }]\n", stage),
        ("stages: [{ gate: { zzz: 1 } }]\n", gate),
        ("clusters: { live: { zzz: 1 } }\n", cluster),
    ];
    for (yaml, object) in places {
        let failure = failure(&site, yaml);
        let known = failure["fix"].as_str().unwrap().trim_start_matches("known: ");
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();
        let properties: Vec<&str> = object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(known, properties, "{yaml}");
        assert_eq!(object["additionalProperties"], false);
    }
}

/// The part of JSON Schema that the schema uses.
fn fits(schema: &Value, value: &Value, place: &str) {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "null" => value.is_null(),
        other => panic!("the schema uses {other}"),
    };
    let typed = match &schema["type"] {
        Value::Null => true,
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    };
    assert!(typed, "{place}: {value} is not {}", schema["type"]);
    if let Some(known) = schema["enum"].as_array() {
        assert!(known.contains(value), "{place}: {value} is none of {known:?}");
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let rest = &schema["additionalProperties"];
        let schema = schema["properties"].get(key).unwrap_or(rest);
        assert!(schema.is_object(), "{place}: {key} is not in the schema");
        fits(schema, member, &format!("{place}.{key}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{place} lacks {name}");
    }
    value.as_array().into_iter().flatten().for_each(|item| fits(&schema["items"], item, &format!("{place}[]")));
}
