//! The crate's one integration test binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]
#![allow(clippy::print_stdout, reason = "what a measurement says")]

mod arbitrary;
mod bad_input;
mod budgets;
mod conformance;
mod conforms;
mod copy;
mod crash;
mod credentials;
mod damage;
mod distribution_blobs;
mod distribution_listing;
mod distribution_manifests;
mod distribution_referrers;
mod distribution_server;
mod distribution_tags;
mod distribution_uploads;
mod fake;
mod fault_matrix;
mod hostile;
mod immutable;
mod layout;
mod machine;
mod many_tags;
mod pack;
mod peers;
mod promoted;
mod proxy;
mod quirks;
mod real;
mod servers;
mod skopeo;
mod story;
mod support;
mod torn;

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
