//! The command as people and CI systems use it: real processes, real folders, no servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod candidate;
mod cluster;
mod config;
mod copy;
mod demo;
mod events;
mod exit_codes;
mod git;
mod hostile;
mod http;
mod json;
mod kill;
mod lease;
mod lessons;
mod manifests;
mod packing;
mod pages;
mod plans;
mod race;
mod records;
mod registry;
mod resolve;
mod snapshots;
mod support;
mod verify;

/// A file that nobody declares is a test that nobody runs.
#[test]
fn every_file_is_declared() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") else { continue };
        assert!(main.contains(&format!("mod {module};")), "{name} is not declared in main.rs");
    }
}
