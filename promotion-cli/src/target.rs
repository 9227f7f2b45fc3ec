//! What a command is about, as people write it: a repository, an artifact, or both.

use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use promotion_core::what::What;
use promotion_core::{Digest, Repository};

use crate::error::Failure;

/// One argument that names a repository, an artifact, or an artifact in a repository.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// `oci://HOST/PATH`, `ocidir://PATH`
    Repository(Repository),
    /// `6f9c0e2`, `1.4.0-rc.2`, `sha256:…`
    What(What),
    /// `oci://HOST/PATH@sha256:…`
    Both(Repository, Digest),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return text.parse().map(Self::What).map_err(|error| format!("{error}"));
        }
        match text.rsplit_once('@') {
            Some((repository, digest)) if digest.starts_with("sha256:") => {
                let repository = repository.parse().map_err(|error| format!("{error}"))?;
                Ok(Self::Both(repository, digest.parse().map_err(|error| format!("{error}"))?))
            }
            _ => text.parse().map(Self::Repository).map_err(|error| format!("{error}")),
        }
    }
}

/// The arguments `[REPO] WHAT`, or `REPO@DIGEST`.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    first: Option<Named>,

    /// The artifact: a commit (7 or more digits), a tag, or a digest
    #[arg(value_name = "WHAT")]
    second: Option<Named>,
}

/// A target, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) repository: Option<Repository>,
    pub(crate) what: Option<What>,
}

impl TargetArgs {
    pub(crate) fn target(self) -> Result<Target, Failure> {
        let mut target = Target::default();
        for named in [self.first, self.second].into_iter().flatten() {
            let (repository, what) = match named {
                Named::Repository(repository) => (Some(repository), None),
                Named::What(what) => (None, Some(what)),
                Named::Both(repository, digest) => (Some(repository), Some(What::Digest(digest))),
            };
            let twice =
                (repository.is_some() && target.repository.is_some()) || (what.is_some() && target.what.is_some());
            if twice {
                let message = "two repositories or two artifacts were named; expected at most one of each";
                return Err(Failure::usage("read the arguments", message));
            }
            target.repository = target.repository.or(repository);
            target.what = target.what.or(what);
        }
        Ok(target)
    }

    /// A target whose artifact must be named.
    pub(crate) fn artifact(self) -> Result<(Option<Repository>, What), Failure> {
        let Target { repository, what } = self.target()?;
        let missing = || {
            Failure::usage("read the arguments", "no artifact was named")
                .fix("name a commit (6f9c0e2), a tag (1.4.0-rc.2) or a digest (sha256:…)")
        };
        Ok((repository, what.ok_or_else(missing)?))
    }
}

/// A file that an argument names, for people.
pub(crate) fn place(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() }
}

/// A file that an argument names; `-` is stdin.
pub(crate) fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let place = place(path);
    if path.as_os_str() != "-" {
        return std::fs::read(path).map_err(|error| Failure::io(what, place, &error));
    }
    stdin(what)
}

/// Everything on stdin. It can be read once, so whoever asks for it twice is told.
pub(crate) fn stdin(what: &str) -> Result<Vec<u8>, Failure> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        let failure = Failure::usage(what, "two things were to be read from stdin");
        return Err(failure.fix("give one of them in a file (a password also in PROMOTION_PASSWORD)"));
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::io(what, "stdin", &error))?;
    Ok(bytes)
}
