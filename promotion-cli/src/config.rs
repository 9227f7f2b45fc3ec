//! Configuration: defaults, then `promotion.yaml`, then `PROMOTION_*`, then flags; each knows where it came from.

mod env;
mod nearest;
mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promotion_core::Repository;
use promotion_core::policy::{Policy, Spec, StagesSpec, TagsSpec, VersionsSpec};
use serde::{Deserialize, Serialize};

use crate::connect::RegistrySettings;
use crate::error::{Failure, Id};
use crate::exit::Exit;

pub(crate) use nearest::nearest;

/// The file's name, looked for in the working directory and every folder above it.
pub(crate) const FILE: &str = "promotion.yaml";

/// What the file says: the core's policy, and where things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The repository of commands that name none.
    pub(crate) repository: Option<Repository>,
    pub(crate) versions: VersionsSpec,
    pub(crate) tags: TagsSpec,
    pub(crate) stages: StagesSpec,
    /// Where each stage runs.
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) channels: Vec<String>,
    pub(crate) lock: Lock,
    /// Keep a record of every promotion and verdict beside its artifact.
    pub(crate) record: bool,
    /// How registries are reached.
    pub(crate) registry: RegistrySettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            repository: None,
            versions: VersionsSpec::default(),
            tags: TagsSpec::default(),
            stages: StagesSpec::default(),
            clusters: BTreeMap::new(),
            channels: Vec::new(),
            lock: Lock::default(),
            record: true,
            registry: RegistrySettings::default(),
        }
    }
}

/// Where a stage runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cluster {
    /// The kubeconfig context.
    pub(crate) context: Option<String>,
    /// The namespace of the Flux objects.
    pub(crate) namespace: Option<String>,
    /// The `OCIRepository`.
    pub(crate) source: Option<String>,
    /// The Kustomization whose health is evidence.
    pub(crate) kustomization: Option<String>,
}

/// What keeps writers apart where the repository does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Lock {
    /// The repository's own means.
    #[default]
    None,
    /// A Kubernetes `Lease`: `lease:NAMESPACE/NAME`.
    Lease {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl TryFrom<String> for Lock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let lease = text.strip_prefix("lease:").and_then(|lease| lease.split_once('/'));
        match lease {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                Ok(Self::Lease { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("lock {text:?} is neither none nor lease:NAMESPACE/NAME")),
        }
    }
}

impl std::str::FromStr for Lock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<Lock> for String {
    fn from(lock: Lock) -> Self {
        match lock {
            Lock::None => "none".to_owned(),
            Lock::Lease { namespace, name } => format!("lease:{namespace}/{name}"),
        }
    }
}

/// Configuration that was read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    pub(crate) policy: Policy,
    /// The file it came from, if any.
    pub(crate) file: Option<PathBuf>,
}

impl Config {
    /// Reads the file that was named, or the nearest one above the working directory, or none; then the environment.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let file = match named {
            Some(path) => Some(path.to_owned()),
            None => find()?,
        };
        let mut settings = match &file {
            Some(path) => read::file(path)?,
            None => Settings::default(),
        };
        if let (Some(path), Some(repository)) = (&file, settings.repository.take()) {
            settings.repository = Some(relative_to(path, repository));
        }
        env::apply(&mut settings, std::env::vars_os())?;
        Self::check(settings, file)
    }

    fn check(mut settings: Settings, file: Option<PathBuf>) -> Result<Self, Failure> {
        let place = file.as_ref().map_or_else(|| "the environment".to_owned(), |path| path.display().to_string());
        let invalid = |message: String| {
            Failure::new(Exit::Usage, Id::CONFIGURATION, "read the configuration", message).at(place.clone())
        };
        settings.registry.check(file.as_deref().and_then(Path::parent)).map_err(invalid)?;
        let stages = &settings.stages.0;
        if let Some(unknown) = settings.clusters.keys().find(|name| !stages.iter().any(|stage| stage.name == **name)) {
            let names = stages.iter().map(|stage| stage.name.as_str());
            let failure = invalid(format!("clusters.{unknown} names no stage"));
            return Err(match nearest(unknown, names) {
                Some(near) => failure.fix(format!("did you mean {near:?}?")),
                None => failure,
            });
        }
        let spec = Spec {
            versions: settings.versions.clone(),
            tags: settings.tags.clone(),
            stages: settings.stages.clone(),
            channels: settings.channels.clone(),
        };
        let policy = Policy::new(spec)
            .map_err(|error| invalid(error.to_string()).fix("promotion init - prints the defaults, with comments"))?;
        Ok(Self { settings, policy, file })
    }

    /// A file's settings alone, without the environment: for `doctor`.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Failure> {
        Self::check(read::file(path)?, Some(path.to_owned()))
    }

    /// The settings of a file of this text, without the environment.
    #[cfg(feature = "testing")]
    pub(crate) fn of_text(text: &str) -> Result<Self, Failure> {
        Self::check(read::parse(text, FILE)?, Some(PathBuf::from(FILE)))
    }

    /// A stage's name, checked; `None` stays `None`.
    pub(crate) fn stage(&self, name: Option<String>) -> Result<Option<String>, Failure> {
        let Some(name) = name else { return Ok(None) };
        let stages = self.policy.stages();
        if stages.iter().any(|stage| stage.name == name) {
            return Ok(Some(name));
        }
        let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
        let failure = Failure::usage("read --stage", format!("no stage {name:?}; stages: {}", names.join(", ")));
        Err(match nearest(&name, names) {
            Some(near) => failure.fix(format!("did you mean {near:?}?")),
            None => failure,
        })
    }
}

/// The nearest file above the working directory.
fn find() -> Result<Option<PathBuf>, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::io("find promotion.yaml", ".", &error))?;
    Ok(here.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file()))
}

/// A layout's path in a file is relative to that file, wherever the command runs.
fn relative_to(file: &Path, repository: Repository) -> Repository {
    match (repository, file.parent()) {
        (Repository::Layout { path }, Some(folder))
            if !folder.as_os_str().is_empty() && Path::new(&path).is_relative() =>
        {
            let path = path.strip_prefix("./").unwrap_or(&path);
            Repository::Layout { path: folder.join(path).to_string_lossy().into_owned() }
        }
        (repository, _) => repository,
    }
}
