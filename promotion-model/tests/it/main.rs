//! The one integration test binary of this crate.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

mod scenarios;

/// A file that nobody declares would be tests that nobody runs.
#[test]
fn every_test_file_is_declared() {
    let main = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let declared = name == "main" || main.lines().any(|line| line == format!("mod {name};"));
        assert!(declared, "tests/it/{name}.rs is not declared in main.rs");
    }
}
