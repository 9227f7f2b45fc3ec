//! The environment: `PROMOTION_*` overrides the file, flags override both.

use std::ffi::OsString;

use promotion_core::version::Level;

use super::{Settings, nearest};
use crate::error::Failure;

/// What may be set; some of it is read elsewhere.
const KNOWN: [&str; 15] = [
    "ACTOR",
    "CONFIG",
    "OUTPUT",
    "GIT",
    "PLAIN_HTTP",
    "USERNAME",
    "PASSWORD",
    "REPOSITORY",
    "LOCK",
    "RECORD",
    "VERSIONS_INITIAL",
    "VERSIONS_BUMP",
    "VERSIONS_LABEL",
    "VERSIONS_LINE",
    "TAGS_SHORT",
];

/// Applies what is set. An empty variable counts as unset: that is how CI systems pass an absent input.
pub(super) fn apply(
    settings: &mut Settings,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), Failure> {
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("PROMOTION_")) else { continue };
        let Some(value) = value.to_str() else { return Err(invalid(name, "it is not UTF-8")) };
        if !value.is_empty() {
            set(settings, name, value)?;
        }
    }
    Ok(())
}

fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), Failure> {
    let versions = &mut settings.versions;
    match name {
        "PROMOTION_ACTOR" | "PROMOTION_CONFIG" | "PROMOTION_OUTPUT" | "PROMOTION_GIT" => {}
        "PROMOTION_PLAIN_HTTP" | "PROMOTION_USERNAME" | "PROMOTION_PASSWORD" => {}
        "PROMOTION_REPOSITORY" => {
            settings.repository = Some(value.parse().map_err(|error| invalid(name, &format!("{error}")))?);
        }
        "PROMOTION_LOCK" => {
            settings.lock = value.to_owned().try_into().map_err(|error: String| invalid(name, &error))?;
        }
        "PROMOTION_RECORD" => {
            settings.record =
                value.parse().map_err(|_| invalid(name, &format!("{value:?} is neither true nor false")))?;
        }
        "PROMOTION_VERSIONS_INITIAL" => value.clone_into(&mut versions.initial),
        "PROMOTION_VERSIONS_BUMP" => {
            versions.bump = match value {
                "patch" => Level::Patch,
                "minor" => Level::Minor,
                "major" => Level::Major,
                _ => return Err(invalid(name, &format!("{value:?} is none of patch, minor and major"))),
            };
        }
        "PROMOTION_VERSIONS_LABEL" => value.clone_into(&mut versions.label),
        "PROMOTION_VERSIONS_LINE" => versions.line = Some(value.to_owned()),
        "PROMOTION_TAGS_SHORT" => {
            settings.tags.short = value.parse().map_err(|_| invalid(name, &format!("{value:?} is no number")))?;
        }
        // Others may share the prefix; a slip of ours must not be ignored.
        _ => {
            if let Some(near) = name.strip_prefix("PROMOTION_").and_then(|name| nearest(name, KNOWN)) {
                return Err(invalid(name, "no such setting").fix(format!("did you mean PROMOTION_{near}?")));
            }
        }
    }
    Ok(())
}

fn invalid(name: &str, message: &str) -> Failure {
    Failure::usage("read the environment", message).at(name)
}
