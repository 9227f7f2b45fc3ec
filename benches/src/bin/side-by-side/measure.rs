//! Running commands: how many requests, how long, how much memory.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use promotion_registry::testing::proxy::Proxy;

use crate::cases::{Case, Group, Place};

/// What a case cost.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) requests: usize,
    pub(crate) median: Duration,
    pub(crate) quickest: Duration,
    /// The largest process's, in KiB.
    pub(crate) peak: u64,
}

/// Measures the cases of a group in rounds.
pub(crate) fn group(place: &Place, group: &Group, repeat: usize) -> Vec<Row> {
    let proxy = Proxy::before(&place.host);
    place.begin_round(group);
    // What the first use of a repository costs once is no part of it.
    let counted: Vec<(usize, u64)> = group
        .cases
        .iter()
        .map(|case| {
            run(place, case, &place.host);
            count(place, case, &proxy)
        })
        .collect();
    let count = group.cases.len();
    let mut times = vec![Vec::new(); count];
    for round in 0..repeat.min(group.rounds) {
        place.begin_round(group);
        // Nobody is always the one that comes after the preparation, or after the same other one.
        for index in (0..count).map(|index| (round + index) % count) {
            times[index].push(run(place, &group.cases[index], &place.host));
        }
    }
    counted.into_iter().zip(times).map(|((requests, peak), times)| row(requests, peak, times)).collect()
}

fn row(requests: usize, peak: u64, mut times: Vec<Duration>) -> Row {
    times.sort_unstable();
    Row { requests, median: times[times.len() / 2], quickest: times[0], peak }
}

/// One run without the proxy.
fn run(place: &Place, case: &Case, host: &str) -> Duration {
    let commands = ready(place, case, host);
    let begun = Instant::now();
    for mut command in commands {
        let output = command.output().expect("a command that runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} failed: {said}", case.what);
    }
    begun.elapsed()
}

fn ready(place: &Place, case: &Case, host: &str) -> Vec<Command> {
    let number = place.next();
    // Never through the proxy: it is not what is counted.
    (case.prepare)(place, number);
    (case.commands)(place, host, number)
}

/// One run through the proxy, watched: its requests, and the most memory that a process of it held.
fn count(place: &Place, case: &Case, proxy: &Proxy) -> (usize, u64) {
    let commands = ready(place, case, &proxy.host());
    proxy.take();
    let mut peak = 0;
    for mut command in commands {
        // What a shell starts is not its own.
        let watched = command.get_program() != "sh";
        let mut child = command.spawn().expect("a command that runs");
        let status = loop {
            // It only grows, so the last look is the peak but for the process's last moments.
            peak = peak.max(if watched { resident(child.id()) } else { 0 });
            if let Some(status) = child.try_wait().expect("a child") {
                break status;
            }
            std::thread::sleep(Duration::from_micros(300));
        };
        assert!(status.success(), "{} failed through the proxy", case.what);
    }
    (proxy.take().len(), peak)
}

fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
