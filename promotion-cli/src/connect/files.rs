//! Where docker and podman keep credentials.

use std::path::{Path, PathBuf};

use crate::app::variable;
use crate::error::{Failure, Id};

/// The files to look into, in this order: the one that was named and no other, or what the environment names, podman's
/// and docker's.
pub(super) fn credential_files(named: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    match named {
        None => Ok(candidates(variable).into_iter().filter(|file| file.is_file()).collect()),
        Some(file) if file.is_file() => Ok(vec![file.to_owned()]),
        Some(file) => Err(Failure::usage("read the credentials", "there is no such file")
            .at(file.display().to_string())
            .id(Id::NO_SUCH_FILE)
            .fix("--registry-config takes a file that docker login or podman login wrote")),
    }
}

fn candidates(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let within = |folder: &str, file: &str| variable(folder).map(|folder| Path::new(&folder).join(file));
    let home = |file: &str| within("HOME", file).or_else(|| within("USERPROFILE", file));
    let files = [
        variable("REGISTRY_AUTH_FILE").map(PathBuf::from),
        // As docker does: the variable moves the file, it does not add one.
        within("DOCKER_CONFIG", "config.json"),
        within("XDG_RUNTIME_DIR", "containers/auth.json"),
        within("XDG_CONFIG_HOME", "containers/auth.json").or_else(|| home(".config/containers/auth.json")),
        home(".docker/config.json").filter(|_| variable("DOCKER_CONFIG").is_none()),
    ];
    files.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::candidates;

    fn among(set: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        candidates(variable).iter().map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn what_is_named_comes_first_and_home_last() {
        assert_eq!(among(&[("HOME", "/h")]), ["/h/.config/containers/auth.json", "/h/.docker/config.json"]);
        let all = [
            ("HOME", "/h"),
            ("XDG_RUNTIME_DIR", "/run"),
            ("XDG_CONFIG_HOME", "/c"),
            ("DOCKER_CONFIG", "/d"),
            ("REGISTRY_AUTH_FILE", "/a.json"),
        ];
        let files = ["/a.json", "/d/config.json", "/run/containers/auth.json", "/c/containers/auth.json"];
        assert_eq!(among(&all), files, "DOCKER_CONFIG moves docker's file");
        assert!(among(&[]).is_empty());
    }
}
