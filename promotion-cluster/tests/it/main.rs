//! The crate's one integration test binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod control_plane;
mod end_to_end;
mod fixtures;
mod folder;
mod kubernetes;
mod lease;
mod listener;
mod manifests;
mod pipeline;
mod selection;

/// A file that is not declared above is a test that never runs.
#[test]
fn every_file_is_declared() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("\nmod {module};\n")), "tests/it/{name} is not declared in main.rs");
        }
    }
}
