//! What goes into an artifact, as the command line says it.

use crate::support::{REPO, Site, revision, text};

/// The digest of a folder packed with these arguments.
fn digest(site: &Site, folder: &str, arguments: &[&str]) -> String {
    let mut command = vec!["push", REPO, "--path", folder, "--dry-run", "-o", "json"];
    let revision = revision(1);
    command.extend(["--revision", &revision]);
    command.extend(arguments);
    let plan = site.ok(&command).value();
    text(&plan["actions"][0]["digest"]).to_owned()
}

#[test]
fn what_is_left_out_is_said_by_flags_and_by_sourceignore() {
    let site = Site::new();
    for folder in ["whole", "without"] {
        site.write(&format!("{folder}/app.yaml"), "kind: ConfigMap\n");
        site.write(&format!("{folder}/.sourceignore"), "*.md\n");
    }
    site.write("whole/notes.md", "not for the cluster\n");
    let without = digest(&site, "without", &[]);
    // As with `flux push artifact`, the file is obeyed only when that is asked for.
    assert_ne!(digest(&site, "whole", &[]), without);
    assert_eq!(digest(&site, "whole", &["--source-ignore"]), without);
    assert_eq!(digest(&site, "whole", &["--ignore-paths", "*.txt,*.md"]), without);
    assert_ne!(digest(&site, "whole", &["--ignore-paths", "*.md,!notes.md"]), without);
}

#[test]
fn patterns_replace_what_flux_leaves_out_by_default() {
    let site = Site::new();
    for folder in ["picture", "plain"] {
        site.write(&format!("{folder}/app.yaml"), "kind: ConfigMap\n");
    }
    site.write("picture/logo.png", "a picture\n");
    let plain = digest(&site, "plain", &[]);
    assert_eq!(digest(&site, "picture", &[]), plain);
    assert_ne!(digest(&site, "picture", &["--ignore-paths", "*.md"]), plain);
}
