//! The one integration test binary of this crate: linking once is what keeps the suite fast.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

mod adapters;
mod audits;
mod boards;
mod constraints;
mod finding;
mod flux_filters;
mod flux_properties;
mod flux_vectors;
mod forecasts;
mod found_on_the_way;
mod grammar;
mod hostile;
mod laws;
mod lifecycles;
mod lint;
mod machine;
mod plans;
mod policies;
mod probe;
mod proving;
mod records;
mod results;
mod retention;
mod scene;
mod silences;
mod stories;
mod two_clusters;
mod views;

/// A file that nobody declares would be tests that nobody runs.
#[test]
fn every_test_file_is_declared() {
    let main = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let declared = name == "main" || path.is_dir() || main.lines().any(|line| line == format!("mod {name};"));
        assert!(declared, "tests/it/{name}.rs is not declared in main.rs");
    }
}

/// Examples are the documentation that cannot be wrong: each public module has one.
#[test]
fn every_public_module_has_an_example() {
    let source = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut parents = vec![(source.join("lib.rs"), source.to_path_buf())];
    while let Some((file, folder)) = parents.pop() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.lines().any(|line| line.starts_with("//! ```")), "{} has no example", file.display());
        let public = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        parents.extend(public.map(|name| (folder.join(format!("{name}.rs")), folder.join(name))));
    }
}
mod why;
