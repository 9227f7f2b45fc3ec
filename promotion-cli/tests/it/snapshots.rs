//! What people read, command by command.

use crate::support::{REPO, Site, revision, text};

/// Runs and shows; temporary folders, digests and times are what they are.
fn show(site: &Site, arguments: &[&str]) -> String {
    format!("$ promotion {}\n{}", arguments.join(" "), site.run(arguments).text())
}

macro_rules! assert_told {
    ($site:expr, $($arguments:expr),+ $(,)?) => {{
        let folder = $site.path().display().to_string();
        let shown: Vec<String> = vec![$(show(&$site, &$arguments)),+];
        insta::with_settings!({filters => vec![
            (folder.as_str(), "[FOLDER]"),
            (r"[0-9a-f]{64}", "[DIGEST]"),
            (r"sha256:[0-9a-f]{8}\b", "sha256:[SHORT]"),
            (r"\b20[0-9-]{8}T[0-9:]{8}Z", "[TIME]"),
        ]}, { insta::assert_snapshot!(shown.join("\n")) });
    }};
}

fn pipeline() -> (Site, String) {
    let site = Site::new();
    let first = text(&site.push(1)["digest"]).to_owned();
    site.promote(&first);
    let second = text(&site.push(2)["digest"]).to_owned();
    (site, second)
}

#[test]
fn push_and_candidate() {
    let site = Site::new();
    let app = site.app("1");
    let revision = revision(1);
    let push = ["push", REPO, "--path", &app, "--revision", &revision];
    assert_told!(
        site,
        [&push[..], &["--dry-run"]].concat(),
        push,
        push,
        ["candidate", REPO, "0.1.0-rc.1", "--again"],
        ["push", REPO, "--path", &app],
        ["push", REPO, "--path", "nowhere", "--revision", &revision],
    );
}

#[test]
fn promote_and_its_refusals() {
    let (site, _) = pipeline();
    assert_told!(
        site,
        ["promote", REPO, "3c6ef36"],
        ["promote", REPO, "0.1.1-rc.1", "--manual", "--reason", "looked at it", "--dry-run"],
        ["promote", REPO, "0.1.1-rc.1", "--manual", "--reason", "looked at it"],
        ["promote", REPO, "0.1.1-rc.1", "--manual", "--reason", "looked at it"],
        ["promote", REPO, "0.1.1-rc.11", "--manual", "--reason", "a slip"],
        ["promote", REPO, "0.1.1", "--manual", "--reason", "a slip", "--stage", "integraton"],
    );
}

#[test]
fn reject_reopen_and_rollback() {
    let (site, second) = pipeline();
    site.promote(&second);
    assert_told!(
        site,
        ["rollback", REPO, "--to", "9e3779b", "--dry-run"],
        ["rollback", REPO, "--to", "9e3779b"],
        ["reopen", REPO, "3c6ef36", "--reason", "it was the network"],
        ["reject", REPO, "9e3779b", "--reason", "also bad"],
        ["rollback", REPO, "--to", "3c6ef36", "--strategy", "pin"],
        ["rollback", REPO, "--to", "3c6ef36", "--strategy", "revert"],
    );
}

#[test]
fn status_list_audit_and_repair() {
    let (site, _) = pipeline();
    let path = site.path().join("registry/index.json");
    let index = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, index.replace("\"validated-9e3779b\"", "\"v7.0.0\"")).unwrap();
    assert_told!(
        site,
        ["status", REPO],
        ["list", REPO],
        ["list", REPO, "--all"],
        ["list", REPO, "--limit", "1"],
        ["list", REPO, "--candidates"],
        ["list", REPO, "--stable"],
        ["list", REPO, "--sha", "abcdef0"],
        ["audit", REPO],
        ["repair", REPO],
    );
}

#[test]
fn resolve() {
    let site = Site::new();
    site.write("tags", "1.0.0\nv1.1.0\n1.2.0-rc.1\n");
    let tied: String = (0..20).map(|n| format!("0.{n}.0\n")).chain(["1.0.0\nv1.0.0\n".to_owned()]).collect();
    site.write("tied", &tied);
    assert_told!(
        site,
        ["resolve", "--tags-from", "tags", "--semver", ">= 0.0.0"],
        ["resolve", "--tags-from", "tags", "--semver", ">= 1.2.0"],
        ["resolve", "--tags-from", "tags", "--semver", "> =1"],
        ["resolve", "--tags-from", "tags", "--semver", "1", "--filter", "(?x)1"],
        ["resolve", "--tags-from", "tied", "--semver", ">= 0.0.0"],
    );
}

#[test]
fn doctor_version_and_errors() {
    let site = Site::new();
    site.write(
        "bad.yaml",
        "stages:\n- { name: integration, source: oci, semver: \">= 0.0.0\" }\n\
         - { name: live, source: oci, semver: \">= 0.0.0-0\" }\n",
    );
    assert_told!(
        site,
        ["doctor"],
        ["doctor", "bad.yaml"],
        ["doctor", "--explain", "orphan"],
        ["doctor", "--explain", "orphn"],
        ["version"],
        ["init"],
        ["init"],
        ["status", "ocidir://nowhere"],
        ["status", "oci://ghcr.io/acme/platform:1.0.0"],
        ["status"],
        ["audti"],
    );
}

#[test]
fn demo() {
    let site = Site::new();
    assert_told!(site, ["demo"]);
}

#[test]
fn help() {
    let site = Site::new();
    assert_told!(site, ["help"], ["resolve", "-h"], ["push", "-h"]);
}

#[test]
#[cfg(unix)]
fn it_is_a_plugin_of_kubectl_and_flux_when_linked() {
    let site = Site::new();
    let link = site.path().join("kubectl-promotion");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_promotion"), &link).unwrap();
    let run = crate::support::Run::of(std::process::Command::new(&link).args(["version", "-o", "name"]));
    assert_eq!(run.stdout.trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn completions_know_every_command() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = site.ok(&["completions", shell]).stdout;
        for command in ["demo", "promote", "rollback", "tags-from"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}
