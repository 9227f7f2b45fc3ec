//! How registries are reached: flags, environment, promotion.yaml; and that no credential is ever shown.

use crate::support::{Run, Site};

/// Nobody listens there.
const NOWHERE: &str = "oci://127.0.0.1:1/acme/platform";

#[test]
fn a_mistake_in_how_a_registry_is_reached_is_told_before_it_is_asked() {
    let site = Site::new();
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let told: &[Case<'_>] = &[
        (&["--timeout", "soon"], &[], "--timeout"),
        (&["--timeout", "0s"], &[], "more than nothing"),
        (&["--concurrency", "0"], &[], "expected 1 to 256"),
        (&["--retries", "many"], &[], "--retries"),
        (&["--retries", "101"], &[], "--retries"),
        (&["--ca-file", "missing.pem"], &[], "missing.pem"),
        (&["--registry-config", "missing.json"], &[], "missing.json"),
        (&["--creds", "me"], &[], "the password is missing"),
        (&["--creds", "me:"], &[], "the password is missing"),
        (&["--creds", ":s3cret"], &[], "the user is missing"),
        (&["--creds", "me:s3cret", "--password-stdin"], &[], "would bring another"),
        (&["--password-stdin"], &[], "a password without a user"),
        (&["--creds", "me", "--password-stdin"], &[], "the password is missing"),
        (&[], &[("PROMOTION_PASSWORD", "s3cret")], "nobody says whose"),
        (&[], &[("PROMOTION_USERNAME", "me")], "the password is missing"),
        (&[], &[("PROMOTION_PLAIN_HTTP", "perhaps")], "neither true nor false"),
        (&[], &[("PROMOTION_PASWORD", "s3cret")], "did you mean PROMOTION_PASSWORD?"),
        (&["--cred=me:s3cret"], &[], "--creds"),
    ];
    for (flags, environment, message) in told {
        let arguments = [&["status", NOWHERE], *flags].concat();
        let run = Run::of(site.command(&arguments).envs(environment.iter().copied()));
        assert_eq!(run.code, 2, "{arguments:?} {environment:?}\n{}", run.text());
        assert!(run.stderr.contains(message), "{arguments:?} {environment:?}\n{}", run.text());
        assert!(!run.text().contains("s3cret"), "{arguments:?} {environment:?}\n{}", run.text());
    }
}

#[test]
fn keys_of_the_file_are_checked() {
    let site = Site::new();
    let told = [
        ("registry: { plain_http: [\"http://localhost:5000\"] }\n", "is no host; write localhost:5000"),
        ("registry: { timeout: soon }\n", "registry.timeout"),
        ("registry: { concurrency: 0 }\n", "expected 1 to 256"),
        ("registry: { ca_files: [missing.pem] }\n", "missing.pem"),
        ("registry: { creds: me }\n", "unknown key \"creds\""),
    ];
    for (yaml, message) in told {
        site.write("promotion.yaml", yaml);
        let run = site.run(&["status", NOWHERE]);
        assert_eq!(run.code, 2, "{yaml}{}", run.text());
        assert!(run.stderr.contains(message), "{yaml}{}", run.text());
    }
}

#[test]
fn stdin_is_read_once() {
    let site = Site::new();
    let arguments = ["promote", NOWHERE, "--event", "-", "--creds", "me", "--password-stdin"];
    let run = site.run_with("s3cret\n", &arguments);
    assert_eq!(run.code, 2, "{}", run.text());
    assert!(!run.text().contains("s3cret"), "{}", run.text());
    let resolve = site.run_with("1.0.0\n", &["resolve", "--tags-from", "-", "--semver", "1"]);
    assert_eq!(resolve.code, 0, "{}", resolve.text());
}

#[test]
fn no_credential_is_ever_shown() {
    let site = Site::new();
    let secrets = [("PROMOTION_USERNAME", "me"), ("PROMOTION_PASSWORD", "s3cret")];
    for format in ["table", "json", "yaml"] {
        let arguments = ["status", NOWHERE, "--plain-http", "--retries", "0", "-v", "-o", format];
        let flagged = site.run(&[&arguments[..], &["--creds", "me:s3cret"]].concat());
        let set = Run::of(site.command(&arguments).envs(secrets));
        for run in [flagged, set] {
            assert_eq!(run.code, 1, "{}", run.text());
            assert!(!run.text().contains("s3cret"), "{}", run.text());
        }
    }
    for arguments in [
        &["status", "oci://me:s3cret@r.example/acme"][..],
        &["copy", "https://me:s3cret@r.example/acme", "ocidir://x"],
        &["copy", "oci://me:s3cret@r.example/acme", "ocidir://x", "-o", "json"],
        &["status", "--creds", "me:s3cret", "--no-such-flag"],
    ] {
        let run = site.run(arguments);
        assert_eq!(run.code, 2, "{}", run.text());
        assert!(!run.text().contains("s3cret"), "{}", run.text());
    }
    let warned = site.run(&["status", NOWHERE, "--plain-http", "--retries", "0", "--creds", "me:s3cret"]);
    assert!(warned.stderr.contains("everyone on this machine can see"), "{}", warned.stderr);
    let quiet = site.run(&["status", NOWHERE, "--plain-http", "--retries", "0", "--creds", "me:s3cret", "--quiet"]);
    assert!(!quiet.stderr.contains("everyone on this machine"), "{}", quiet.stderr);
}

/// Ctrl-C and SIGTERM stop a command that waits, also one that waits for its input, as shells expect.
#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_command_says_what_it_wrote() {
    use std::process::{Command, Stdio};

    let site = Site::new();
    site.push(1);
    let waits: [&[&str]; 2] =
        [&["status", crate::support::REPO, "--watch"], &["promote", crate::support::REPO, "--event", "-"]];
    for (arguments, signal) in waits.iter().zip(["-INT", "-TERM"]) {
        let mut command = site.command(arguments);
        // The pipe stays open, so the command waits for it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        // Signals are caught as soon as the mask says so; before that, one would kill without a word.
        let caught = |id: u32| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
            let mask = u64::from_str_radix(&mask, 16).unwrap();
            mask & (1 << 1) != 0 && mask & (1 << 14) != 0
        };
        while !caught(child.id()) {
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(stderr.contains("interrupted; no tag was written"), "{stderr}");
        drop(stdin);
    }
}
