//! What the same work costs promotion and others, side by side: `benches/side-by-side`.
//!
//! Each command is run once through a proxy that counts its requests, and then several times without: every round runs
//! each of them once, so that a busy moment of the machine meets all, and the median is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run ends")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its table is its purpose")]

mod cases;
mod measure;
mod ours;
mod seed;
mod table;

use std::path::Path;
use std::process::ExitCode;

use promotion_registry::testing::servers::{Kind, Server, Setup};

use crate::cases::Place;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["library", "retag", repository, digest, tags @ ..] => ours::retag(repository, digest, tags),
        ["library", "digests", repository] => ours::digests(repository),
        words => return compare(words),
    }
    ExitCode::SUCCESS
}

fn compare(words: &[&str]) -> ExitCode {
    let (mut check, mut repeat, mut in_memory, mut kinds, mut names) = (false, 11, false, Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--check" => check = true,
            "--in-memory" => in_memory = true,
            "--repeat" => repeat = words.next().and_then(|number| number.parse().ok()).expect("--repeat N"),
            "distribution3" => kinds.push(Kind::Distribution3),
            "distribution2" => kinds.push(Kind::Distribution2),
            "zot" => kinds.push(Kind::Zot),
            "ggcr" => kinds.push(Kind::Ggcr),
            "all" => kinds.extend(Kind::ALL),
            name if cases::all().iter().any(|group| group.name == name) => names.push(name),
            other => panic!("{other:?} is no registry, no comparison and no option"),
        }
    }
    if kinds.is_empty() {
        kinds.push(Kind::Distribution3);
    }
    if in_memory {
        // Where no disk decides, which is half as quick again at one time as at another.
        tempfile::env::override_temp_dir(Path::new("/dev/shm")).expect("nothing temporary was made before");
    }
    let behind: usize = kinds.into_iter().map(|kind| at(kind, &names, repeat)).sum();
    if behind > 0 {
        eprintln!("promotion should be ahead and is not: {behind} times");
    }
    if check && behind > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The comparisons of these names, or all, at one registry: how often promotion is behind where it should not be.
fn at(kind: Kind, names: &[&str], repeat: usize) -> usize {
    let server = Server::start(kind, Setup::anonymous());
    let place = Place::new(&server);
    table::head(kind);
    cases::all()
        .into_iter()
        .filter(|group| names.is_empty() || names.contains(&group.name))
        .map(|group| {
            place.seed(&group);
            let rows = measure::group(&place, &group, repeat);
            table::group(&group, &rows)
        })
        .sum()
}
