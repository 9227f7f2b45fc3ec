//! `resolve`: what Flux selects, from a repository and from a file.

use std::fmt::Write as _;

use crate::support::{REPO, Site};

#[test]
fn a_prediction_follows_flux_and_not_cargo() {
    let site = Site::new();
    site.write("tags", "latest\n1.4.0\n1.5.0-rc.2\n1.5.0-rc.10\nv1.4.1\nsha-abc1234\n");
    let tag = |semver: &str, more: &[&str]| {
        let arguments = [&["resolve", "--tags-from", "tags", "--semver", semver, "-o", "name"], more].concat();
        site.ok(&arguments).stdout
    };
    assert_eq!(tag(">= 0.0.0-0", &[]), "1.5.0-rc.10\n");
    assert_eq!(tag(">= 0.0.0", &[]), "v1.4.1\n");
    assert_eq!(tag(">= 0.0.0", &["--filter", "^[0-9]"]), "1.4.0\n");
}

#[test]
fn poison_is_what_outranks_the_pipelines_own() {
    let site = Site::new();
    site.write("tags", "1.4.0\nv1.4.1\n2024.01.02\n1.3.0\nv1.2.0\n");
    let selection = site.json(0, &["resolve", "--tags-from", "tags", "--semver", ">= 0.0.0"]);
    assert_eq!(selection["poison"], serde_json::json!(["v1.4.1", "2024.01.02"]));
}

#[test]
fn a_tie_that_flux_breaks_by_accident_is_not_guessed() {
    let site = Site::new();
    let many: String = (0..20).map(|n| format!("0.{n}.0\n")).collect();
    site.write("tags", &format!("{many}v1.0.0\n1.0.0\n"));
    let selection = site.json(3, &["resolve", "--tags-from", "tags", "--semver", ">= 0.0.0"]);
    assert_eq!(selection["tag"], serde_json::Value::Null);
    assert_eq!(selection["ambiguous"], serde_json::json!(["v1.0.0", "1.0.0"]));
    // Few enough, and the listing's order decides.
    let run = site
        .run_with(r#"{"tags": ["v1.0.0", "1.0.0"]}"#, &["resolve", "--tags-from", "-", "--semver", "1", "-o", "name"]);
    assert_eq!(run.stdout, "v1.0.0\n");
}

#[test]
fn a_repository_is_read_in_its_own_order() {
    let site = Site::new();
    site.push(1);
    site.push(2);
    let selection = site.json(0, &["resolve", REPO, "--semver", ">= 0.0.0-0"]);
    assert_eq!((&selection["tag"], &selection["runners_up"][0]), (&"0.1.0-rc.2".into(), &"0.1.0-rc.1".into()));
}

/// Runs it with an address space of 64 MiB: what it needs at its peak is less.
#[cfg(target_os = "linux")]
fn fits_into_64_mib(site: &Site, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "ulimit -v 65536; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_promotion")]);
    command.args(arguments).current_dir(site.path()).output().unwrap().status.success()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_thousand_tags_need_less_than_64_mib() {
    let site = Site::new();
    let mut lines = String::new();
    let mut json = String::from(r#"{"name": "acme/platform", "tags": ["latest""#);
    for n in 0..100_000 {
        let tag = format!("{}.{}.{}-rc.{}", n / 10_000, n / 100 % 100, n % 100, n % 7);
        let _ = writeln!(lines, "{tag}");
        let _ = write!(json, ",{tag:?}");
    }
    json.push_str("]}");
    site.write("tags", &lines);
    site.write("tags.json", &json);
    for file in ["tags", "tags.json"] {
        assert!(fits_into_64_mib(&site, &["resolve", "--tags-from", file, "--semver", ">= 0.0.0-0"]), "{file}");
    }
}
