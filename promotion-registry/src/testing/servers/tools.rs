//! Where `scripts/components` puts servers and clients.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The path of a command: in the cache of the tools, else on the `PATH`.
///
/// # Panics
///
/// If it is in neither.
pub fn find(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = cache().into_iter().map(|cache| cache.join("bin")).chain(env::split_paths(&path));
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()));
    found.unwrap_or_else(|| panic!("{name} is not installed: run scripts/components"))
}

/// A command of somebody else to hold against ours: `skopeo`, `crane`, `oras` or `regctl`.
///
/// # Panics
///
/// If it is not installed.
pub fn peer(name: &str) -> Command {
    Command::new(find(name))
}

/// Whether zot is version 2, rather than the 1.4.3 that is built where a module proxy does not serve version 2.
///
/// # Panics
///
/// If it is not installed.
pub fn zot_is_current() -> bool {
    let output = Command::new(find("zot")).arg("--version").output().expect("zot runs");
    let said = [output.stdout, output.stderr].concat();
    !String::from_utf8_lossy(&said).contains("\"distribution-spec\":\"1.0")
}

fn cache() -> Option<PathBuf> {
    let given = env::var_os("PROMOTION_TOOLS").map(PathBuf::from);
    let xdg = || env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    given.or_else(|| Some(xdg().or_else(home)?.join("promotion-tools")))
}
