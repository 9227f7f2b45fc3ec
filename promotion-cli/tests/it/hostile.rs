//! What others write, and what people type, that could deceive, stop or betray a command, and does not.

use std::process::Stdio;

use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::proxy::{Fault, Operation, Proxy};
use serde_json::Value;

use crate::support::{REPO, Run, Site, text};

/// Records somebody else's word beside an artifact of the site's layout.
fn forge(site: &Site, artifact: &str, by: &str) {
    use promotion_core::ports::Registry as _;
    use promotion_core::record::{Deed, Record, write};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let layout = promotion_registry::OciDir::open(site.path().join("registry")).await.unwrap();
        let record = Record {
            deed: Deed::Promote,
            by: by.to_owned(),
            at: "2026-03-01T12:00:00Z".parse().unwrap(),
            stage: Some(by.to_owned()),
            tags: vec![],
            reason: Some(by.to_owned()),
            evidence: vec![],
        };
        write(&layout, artifact.parse().unwrap(), &record).await.unwrap();
        drop(layout.lock().await);
    });
}

#[test]
fn a_record_of_any_length_is_shown() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    forge(&site, &digest, &"x".repeat(70_000));
    let run = site.run(&["history", REPO, &digest]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_record_cannot_steer_a_terminal() {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    forge(&site, &digest, "eve\u{1b}[2J\u{1b}]0;title\u{7}\r\n2026-03-01T12:00:00Z  promote  ada\u{202e}");
    let run = site.ok(&["history", REPO, &digest]);
    assert!(run.stdout.contains("eve"), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 2, "one row stays one line: {}", run.stdout);
    let steers = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
    assert!(!run.stdout.contains(steers), "{:?}", run.stdout);
}

#[test]
fn a_secret_given_to_the_wrong_flag_is_not_repeated() {
    let site = Site::new();
    for arguments in [
        &["status", REPO, "--password-stdin=hunter22"][..],
        &["status", REPO, "--password-stdin=hunter22", "-o", "json"],
        &["status", REPO, "--creds=me:hunter22", "--nope"],
        &["status", REPO, "--cred=me:hunter22"],
    ] {
        let run = site.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(!run.text().contains("hunter22"), "{arguments:?}: {}", run.text());
    }
}

/// The registry takes the write, and keeps its answer to itself.
#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_during_a_write_does_not_say_that_nothing_was_written() {
    let registry = FakeRegistry::start(Quirks::default());
    let proxy = Proxy::before(&registry.host());
    let site = Site::new();
    let repository = format!("oci://{}/acme/platform", proxy.host());
    let app = site.app("1");
    let slow = Fault::Delay(std::time::Duration::from_secs(120)).after_forwarding();
    proxy.fault_once(Operation::PutTag, slow);
    let arguments =
        ["push", &repository, "--path", &app, "--revision", &crate::support::revision(1), "--plain-http", "-o", "json"];
    let mut command = site.command(&arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while registry.tags("acme/platform").is_empty() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let line = stderr.lines().find(|line| line.contains("\"Error\"")).unwrap_or_else(|| panic!("{stderr}"));
    let error: Value = serde_json::from_str(line).unwrap();
    let message = text(&error["message"]);
    let written = registry.tags("acme/platform").into_keys().next().unwrap();
    assert!(!message.contains("no tag was written") && message.contains(&written), "{message}");
    let again = Run::of(&mut site.command(&arguments));
    assert_eq!(again.code, 0, "{}", again.text());
}

/// Nothing keeps two writers of one tag apart on plain registers: births may be overwritten. What is left of the
/// promises is that nothing without evidence is released, and that whatever was lost is named.
#[test]
fn eight_who_push_and_promote_at_once_release_nothing_unvalidated_and_lose_nothing_silently() {
    let registry = FakeRegistry::start(Quirks::default());
    // Between the look at a tag and its write, others have time.
    let proxy = Proxy::before(&registry.host());
    let slow = Fault::Delay(std::time::Duration::from_millis(30));
    proxy.fault(move |_, exchange| (exchange.operation == Operation::PutTag).then(|| slow.clone()));
    let site = Site::new();
    let repository = format!("oci://{}/acme/platform", proxy.host());
    let builds: Vec<(u32, String)> = (1..=8).map(|build| (build, site.app(&build.to_string()))).collect();
    let run = |arguments: &[&str]| {
        let mut command = site.command(arguments);
        Run::of(command.env("PROMOTION_PLAIN_HTTP", "true").env("PROMOTION_OUTPUT", "json"))
    };
    let digests: Vec<String> = std::thread::scope(|scope| {
        let (run, repository) = (&run, &repository);
        let work = builds.iter().map(|(build, app)| {
            scope.spawn(move || {
                let pushed = run(&["push", repository, "--path", app, "--revision", &crate::support::revision(*build)]);
                assert_eq!(pushed.code, 0, "{}", pushed.text());
                let digest = text(&pushed.value()["digest"]).to_owned();
                let promoted = run(&["promote", repository, &digest, "--manual", "--reason", "it works"]);
                // Refused only where its birth was overwritten: an orphan, which audit names.
                assert!(matches!(promoted.code, 0 | 3), "{}", promoted.text());
                digest
            })
        });
        work.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect()
    });
    let audit = run(&["audit", &repository]).stdout;
    let tags = registry.tags("acme/platform");
    let is_on = |digest: &str, wanted: &dyn Fn(&str) -> bool| {
        tags.iter().any(|(tag, of)| wanted(tag) && of.to_string() == digest)
    };
    for digest in &digests {
        let born = is_on(digest, &|tag| tag.contains("-rc.") && !tag.contains("-rc.0."));
        assert!(born || audit.contains(digest), "{digest} has no birth, and nobody says so: {audit}");
    }
    let repaired = run(&["repair", &repository]);
    assert!(matches!(repaired.code, 0 | 3), "{}", repaired.text());
    let is_release = |tag: &str| tag.split('.').all(|part| part.parse::<u64>().is_ok());
    for (tag, digest) in registry.tags("acme/platform").iter().filter(|(tag, _)| is_release(tag)) {
        assert!(is_on(&digest.to_string(), &|tag| tag.starts_with("validated-")), "{tag} is {digest}: no evidence");
    }
    let rest = run(&["audit", &repository]).value();
    // A release whose birth was overwritten looks as if made by hand; what is older is not released over it.
    let known = ["orphan", "release-without-candidate", "held-by-hand-made"];
    for finding in rest["findings"].as_array().unwrap() {
        assert!(known.contains(&text(&finding["id"])), "{rest:#}");
    }
}
