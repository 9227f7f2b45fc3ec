//! A program in the background, with its log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take; a busy machine needs a minute for what takes a second.
const PATIENCE: Duration = Duration::from_secs(240);

/// A program that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; what it prints goes to `NAME.log` in the folder.
    pub(super) fn start(name: &'static str, command: &mut Command, folder: &Path) -> Self {
        let path = folder.join(format!("{name}.log"));
        let log = File::create(&path).expect("a log file");
        let copy = log.try_clone().expect("a second handle of the log file");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(copy).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
        Self { name, child, log: path }
    }

    /// Waits until it says so in its log.
    pub(super) fn until_it_says(&mut self, line: &str) {
        let log = self.log.clone();
        self.until(|| std::fs::read(&log).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(line)));
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// With the end of its log, if it ends before, or takes too long.
    pub(super) fn until(&mut self, mut ready: impl FnMut() -> bool) {
        let deadline = Deadline::start();
        while !ready() {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended with {status} before it was ready:\n{}", self.name, self.tail());
            }
            assert!(!deadline.pause(), "{} is not ready yet:\n{}", self.name, self.tail());
        }
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to stop then.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "why a test failed is often here")]
            {
                eprintln!("the log of {} ends with:\n{}", self.name, self.tail());
            }
        }
    }
}

/// When to stop asking.
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn start() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    /// Lets others work before the next question; whether it is too late for one.
    pub(super) fn pause(&self) -> bool {
        std::thread::sleep(Duration::from_millis(20));
        Instant::now() >= self.0
    }
}
