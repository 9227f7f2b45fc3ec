//! How clusters are reached: the contexts that promotion.yaml names for its stages, or folders of exported manifests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use promotion_cluster::{Access, Folder, Kubernetes};
use promotion_core::Repository;
use promotion_core::cluster::{Site, Source, same_constraint};
use promotion_core::memory::MemoryCluster;
use promotion_core::ports::PortError;
use promotion_core::ports::cluster::{Cluster, Kind};

use crate::app::App;
use crate::config::{self, Config};
use crate::error::Failure;

/// Where Flux's objects are unless told otherwise.
pub(crate) const NAMESPACE: &str = "flux-system";

/// Options of the commands that ask clusters.
#[derive(Debug, Default, Clone, clap::Args)]
#[command(next_help_heading = "Cluster options")]
pub(crate) struct ClusterArgs {
    /// Ask these exported manifests (kubectl get … -o yaml) instead of the stage's cluster; without STAGE, for every stage
    #[arg(long, value_name = "[STAGE=]PATH")]
    manifests: Vec<Manifests>,

    /// Ask no cluster
    #[arg(long, conflicts_with = "manifests")]
    no_cluster: bool,
}

#[derive(Debug, Clone)]
struct Manifests {
    stage: Option<String>,
    path: PathBuf,
}

impl FromStr for Manifests {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stage, path) = match text.split_once('=') {
            Some((stage, path)) if !stage.contains('/') => (Some(stage.to_owned()), path),
            _ => (None, text),
        };
        if path.is_empty() {
            return Err("expected PATH or STAGE=PATH".to_owned());
        }
        Ok(Self { stage, path: path.into() })
    }
}

/// A stage's cluster, and where its objects are.
pub(crate) struct Reached {
    pub(crate) cluster: Box<dyn Cluster>,
    pub(crate) site: Site,
}

impl ClusterArgs {
    /// The stage's cluster; `None` where nothing says which it is.
    pub(crate) async fn reach(
        &self,
        app: &App,
        config: &Config,
        repository: &Repository,
        stage: &str,
    ) -> Result<Option<Reached>, Failure> {
        if self.no_cluster {
            return Ok(None);
        }
        let configured = config.settings.clusters.get(stage);
        let of_stage = |manifests: &&Manifests| manifests.stage.as_deref().is_none_or(|named| named == stage);
        if let Some(manifests) = self.manifests.iter().rfind(of_stage) {
            let folder = folder(app, &manifests.path)?;
            let site = match configured {
                Some(cluster) => Some(site(stage, cluster, cluster.context.clone())),
                None => guess(&folder, config, repository, stage),
            };
            return Ok(site.map(|site| Reached { cluster: Box::new(folder), site }));
        }
        let Some(configured) = configured else { return Ok(None) };
        let site = site(stage, configured, configured.context.clone());
        // What cannot be reached is unknown, and the rest is answered all the same.
        let cluster: Box<dyn Cluster> = match connect(configured).await {
            Ok(cluster) => Box::new(cluster),
            Err(error) => Box::new(silent(configured, &error)),
        };
        Ok(Some(Reached { cluster, site }))
    }

    /// Whether any cluster is to be asked.
    pub(crate) const fn asks(&self) -> bool {
        !self.no_cluster
    }

    /// Whether manifests were given.
    pub(crate) const fn has_manifests(&self) -> bool {
        !self.manifests.is_empty()
    }

    /// Stages that manifests were given for and that do not exist are a mistake.
    pub(crate) fn check(&self, config: &Config) -> Result<(), Failure> {
        let told = |stage: &str| self.manifests.iter().any(|manifests| manifests.stage.as_deref() == Some(stage));
        let untold = self.manifests.iter().any(|manifests| manifests.stage.is_none());
        let mut names = BTreeMap::new();
        for (stage, cluster) in config.settings.clusters.iter().filter(|(stage, _)| untold && !told(stage)) {
            let of = (&cluster.namespace, &cluster.source, &cluster.kustomization);
            if let Some(other) = names.insert(of, stage) {
                let message = format!("{other} and {stage} have objects of the same names: whose are these?");
                let fix = format!("give --manifests {other}=PATH, --manifests {stage}=PATH, or both");
                return Err(Failure::usage("read the manifests", message).fix(fix));
            }
        }
        let named = self.manifests.iter().filter_map(|manifests| manifests.stage.clone());
        named.map(Some).try_for_each(|stage| config.stage(stage).map(|_| ()))
    }
}

/// The cluster that a stage's configuration names.
pub(crate) async fn connect(configured: &config::Cluster) -> Result<Kubernetes, PortError> {
    Kubernetes::connect(&Access { context: configured.context.clone(), ..Access::default() }).await
}

/// A cluster that says nothing but why.
fn silent(configured: &config::Cluster, error: &PortError) -> MemoryCluster {
    let name = configured.context.clone().unwrap_or_else(|| "the current context".to_owned());
    let forbidden = Kind::all().map(|kind| (kind, error.to_string())).collect();
    MemoryCluster { name, forbidden, ..MemoryCluster::default() }
}

fn site(stage: &str, configured: &config::Cluster, context: Option<String>) -> Site {
    Site {
        stage: stage.to_owned(),
        context,
        namespace: configured.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
        source: configured.source.clone(),
        kustomization: configured.kustomization.clone(),
    }
}

/// The one source in the folder that follows this repository with the stage's constraint: any other may be another stage's.
fn guess(folder: &Folder, config: &Config, repository: &Repository, stage: &str) -> Option<Site> {
    let url = repository.to_string();
    let sources = folder.objects().filter(|object| object.kind == Kind::OciRepository);
    let following: Vec<Source> =
        sources.filter_map(|object| Source::of(object).ok()).filter(|source| source.url == url).collect();
    let constraint = config.policy.stage(stage)?.constraint.to_string();
    let declared = |source: &&Source| {
        source.reference.semver.as_deref().is_some_and(|deployed| same_constraint(deployed, &constraint))
    };
    let mut exact = following.iter().filter(declared);
    let (Some(one), None) = (exact.next(), exact.next()) else { return None };
    Some(Site {
        stage: stage.to_owned(),
        context: None,
        namespace: one.name.namespace.clone(),
        source: Some(one.name.name.clone()),
        kustomization: None,
    })
}

fn folder(app: &App, path: &Path) -> Result<Folder, Failure> {
    let folder =
        Folder::read(path).map_err(|error| Failure::io("read the manifests", path.display().to_string(), &error))?;
    for (file, why) in folder.unreadable() {
        app.out.note(&format!("note: {} is no manifest: {why}", file.display()));
    }
    Ok(folder)
}
