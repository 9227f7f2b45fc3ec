//! Where `scripts/components` puts programs and Flux's resource definitions.

use std::env;
use std::path::PathBuf;

/// The path of a program: in the cache of the tools, else on the `PATH`.
///
/// # Panics
///
/// If it is in neither.
pub fn find(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = cache().into_iter().map(|cache| cache.join("bin")).chain(env::split_paths(&path));
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()));
    found.unwrap_or_else(|| panic!("{name} is not installed: run scripts/components cluster"))
}

/// What `scripts/components` says of a program that it could not have.
pub(super) fn excuse(name: &str) -> Option<String> {
    std::fs::read_to_string(cache()?.join("stamps").join(format!("{name}.lacking"))).ok()
}

/// The files with Flux's resource definitions whose names start so, such as `source.toolkit.fluxcd.io_`.
pub(super) fn definitions(start: &str) -> Vec<PathBuf> {
    let folder = cache().map(|cache| cache.join("crds")).filter(|folder| folder.is_dir());
    let folder = folder.expect("Flux's resource definitions are not installed: run scripts/components cluster");
    let entries = std::fs::read_dir(folder).expect("the folder of definitions can be read");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)));
    files.sort();
    assert!(!files.is_empty(), "no definition is called {start}*");
    files
}

fn cache() -> Option<PathBuf> {
    let given = env::var_os("PROMOTION_TOOLS").map(PathBuf::from);
    let xdg = || env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    given.or_else(|| Some(xdg().or_else(home)?.join("promotion-tools")))
}
