//! `kill -9` at any moment of any command leaves a layout that opens and converges.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{REPO, Run, Site, text};

/// Where the process is killed: a point that nobody chose, and that a failing run can be repeated with.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Facts: tags that were seen. None may ever move or vanish.
#[derive(Default)]
struct Facts(BTreeMap<String, String>);

impl Facts {
    fn observe(&mut self, site: &Site) {
        let now = site.tags();
        for (tag, digest) in &self.0 {
            assert_eq!(now.get(tag), Some(digest), "{tag} moved");
        }
        self.0 = now;
    }
}

/// Starts the command and kills it after a while; whether it was still running.
fn kill(site: &Site, arguments: &[String], after: Duration) -> bool {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = site.command(&arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while started.elapsed() < after {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        thread::sleep(Duration::from_micros(50));
    }
    let running = child.try_wait().unwrap().is_none();
    // SIGKILL: the process cannot tidy up.
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// A build of a commit whose short form others have too, as it happens in large repositories.
fn push(build: u32, site: &Site) -> Vec<String> {
    let app = site.app(&build.to_string());
    let revision = format!("main@sha1:{:07x}{build:033x}", build % 7);
    ["push", REPO, "--path", &app, "--revision", &revision].map(ToOwned::to_owned).to_vec()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The next thing that somebody would do.
fn next(site: &Site, dice: &mut Dice, build: u32) -> Vec<String> {
    let status = site.json(0, &["status", REPO]);
    let pending: Vec<&str> = status["pending"].as_array().unwrap().iter().map(|row| text(&row["digest"])).collect();
    let list = site.json(0, &["list", REPO, "--all"]);
    let artifacts = list["artifacts"].as_array().unwrap().iter();
    let older: Vec<&str> =
        artifacts.filter(|row| row["state"] == "superseded").map(|row| text(&row["digest"])).collect();
    let kind = dice.roll(10);
    let mut one_of = |digests: &[&str]| digests[usize::try_from(dice.roll(digests.len() as u64)).unwrap()].to_owned();
    match (kind, pending.is_empty(), older.is_empty()) {
        (0, _, false) => words(&["rollback", REPO, "--to", &one_of(&older)]),
        (1, _, false) => words(&["candidate", REPO, &one_of(&older), "--again"]),
        (2, false, _) => words(&["reject", REPO, &one_of(&pending), "--reason", "it does not work"]),
        (3..=6, false, _) => words(&["promote", REPO, &one_of(&pending), "--manual", "--reason", "it works"]),
        _ => push(build, site),
    }
}

/// Runs it to the end. What was decided meanwhile may refuse it; nothing may fail.
fn finish(site: &Site, arguments: &[String]) -> Run {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = site.run(&arguments);
    assert!(matches!(run.code, 0 | 3), "{arguments:?}: {}", run.text());
    run
}

#[test]
fn a_killed_process_leaves_a_layout_that_opens_and_converges() {
    let site = Site::new();
    let mut dice = Dice(2026);
    let mut facts = Facts::default();
    // Two finished builds and a promotion, so that there is something to lose and somewhere to go back to.
    let mut span = 0;
    for build in [1, 2] {
        // About as long as a command takes on this machine is when to kill it.
        let started = Instant::now();
        let outcome = site.push(build);
        site.promote(text(&outcome["digest"]));
        span = u64::try_from(started.elapsed().as_micros()).unwrap() / 2;
    }
    facts.observe(&site);
    let (mut killed, mut build) = (0, 3);
    for attempt in 0..400 {
        if killed >= 60 {
            break;
        }
        build += 1;
        let command = next(&site, &mut dice, build);
        let running = kill(&site, &command, Duration::from_micros(dice.roll(span)));
        killed += u32::from(running);
        site.ok(&["status", REPO]);
        facts.observe(&site);
        // Somebody else comes by, or the same job is run again, or both.
        if attempt % 3 != 0 {
            killed += u32::from(kill(&site, &words(&["repair", REPO]), Duration::from_micros(dice.roll(span))));
            site.ok(&["repair", REPO]);
            facts.observe(&site);
        }
        if attempt % 3 != 1 || command[0] == "push" {
            finish(&site, &command);
            facts.observe(&site);
        }
    }
    assert!(killed >= 40, "only {killed} processes were killed before they ended");
    site.ok(&["repair", REPO]);
    facts.observe(&site);
    let audit = site.run(&["audit", REPO]);
    assert!(audit.stdout.starts_with("nothing found"), "{}", audit.text());
    assert_eq!(site.json(0, &["repair", REPO])["outcome"], "already-done");
    // Every build that was ever handed over can still be selected or was decided about.
    let list = site.json(0, &["list", REPO, "--all"]);
    for artifact in list["artifacts"].as_array().unwrap() {
        assert!(!artifact["versions"].as_array().unwrap().is_empty(), "{artifact}");
    }
}

#[test]
fn a_process_killed_while_it_creates_the_layout_leaves_nothing_in_the_way() {
    let mut dice = Dice(7);
    let started = Instant::now();
    Site::new().push(0);
    let span = u64::try_from(started.elapsed().as_micros()).unwrap();
    for build in 0..25 {
        let site = Site::new();
        let command = push(build, &site);
        kill(&site, &command, Duration::from_micros(dice.roll(span)));
        let status = site.run(&["status", REPO]);
        assert!(matches!(status.code, 0 | 5), "{}", status.text());
        finish(&site, &command);
        assert_eq!(site.tags().len(), 3);
        assert!(site.ok(&["audit", REPO]).stdout.starts_with("nothing found"));
    }
}
