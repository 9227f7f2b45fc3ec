mod registry;
mod resume;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promotion_core::Repository;
use promotion_core::cluster::{Fault, Observed, Trouble};
use promotion_core::explain;
use promotion_core::lint::{self, Pin, lint};
use promotion_core::ports::cluster::{Kind, Reading};
use promotion_core::proofs::prove;
use promotion_core::reason::{Finding, Reason};
use promotion_core::testing::laws::LAWS;
use serde::Serialize;

use super::audit::Report;
use crate::app::App;
use crate::config::{Config, nearest};
use crate::connect::ClusterArgs;
use crate::error::{Failure, Id, meanings};
use crate::exit::Exit;
use crate::output::{Document, Paint, columns};

/// Prove that the configuration selects what it should, before anything runs
///
/// Checks each stage's constraint and filter against every kind of version that the pipeline writes: that the last
/// stage cannot select a candidate, that the first can select every build. Exits 10 on findings.
///
/// Of manifests and workflows (PATH) it tells what they get wrong although nobody complains: analyses that cannot fail, workflows
/// that promote beside each other, digests that were never resolved, and more (--explain lists every id).
///
/// With --clusters it also checks how the stages' clusters are set up, and with --manifests what somebody exported of them: that each source selects by the declared constraint, that a gate's Kustomization waits for health and is no
/// other stage's, and that its success leaves the cluster.
///
/// Of a registry (oci://…) it tells what its answers show it can do.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Configurations, manifests and workflows to check, or folders of them, instead of the configuration in force; or one
    /// repository of a registry to examine
    #[arg(value_name = "PATH|REPO")]
    files: Vec<PathBuf>,

    /// Of a registry, also find out what only a write shows: puts a manifest once more under a tag that is it already
    #[arg(long)]
    write: bool,

    /// Of manifests: before something suspended goes on, ask the registries whether everything that it wants is there
    #[arg(long, requires = "files")]
    resume: bool,

    /// Versions that a cleaner must keep, one type/name==version a line: compared with its copy in the manifests, and kept in
    /// mind where only something suspended refers to a floating tag
    #[arg(long, value_name = "FILE", requires = "files")]
    pins: Option<PathBuf>,

    /// Also ask the clusters that the configuration names
    #[arg(long)]
    clusters: bool,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// Explain an id that a command printed; all of them without an id
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with = "files")]
    explain: Option<String>,
}

#[derive(Debug, Serialize)]
struct Meanings {
    meanings: Vec<Meaning>,
}

#[derive(Debug, Serialize)]
struct Meaning {
    id: &'static str,
    meaning: &'static str,
}

impl Document for Meanings {
    const KIND: &'static str = "Meanings";

    fn table(&self, paint: Paint) -> String {
        let row = |meaning: &Meaning| vec![meaning.id.to_owned(), meaning.meaning.to_owned()];
        columns(paint, &["ID", "MEANING"], &self.meanings.iter().map(row).collect::<Vec<_>>())
    }

    fn names(&self) -> Vec<String> {
        self.meanings.iter().map(|meaning| meaning.id.to_owned()).collect()
    }
}

impl DoctorArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        if let Some(id) = self.explain {
            return explain(app, &id);
        }
        if let Some(repository) = self.repository()? {
            app.out.document(&registry::examine(app, &repository, self.write).await?)?;
            return Ok(Exit::Done);
        }
        let (mut configs, mut documents) = (Vec::new(), Vec::new());
        if self.files.is_empty() {
            configs.push(app.config()?);
        }
        for path in &self.files {
            match written(app, path)? {
                Some(some) => documents.extend(some),
                None => configs.push(Config::of_file(path)?),
            }
        }
        let declared = match &self.pins {
            Some(file) => pins(file)?,
            None => Vec::new(),
        };
        let mut findings: Vec<Finding> =
            lint(&documents, &declared).into_iter().map(|flaw| Finding::warning(flaw.into())).collect();
        if self.resume {
            findings.extend(resume::check(app, &app.config()?, &documents).await?);
        }
        for config in &configs {
            let place =
                config.file.as_ref().map_or_else(|| "the defaults".to_owned(), |file| file.display().to_string());
            let found = prove(&config.policy);
            if configs.len() > 1 {
                app.out.note(&format!("{place}: {} findings", found.len()));
            }
            findings.extend(found);
            self.cluster.check(config)?;
            if self.clusters || self.cluster.has_manifests() {
                findings.extend(clusters(app, config, &self.cluster).await?);
            }
        }
        let exit = Exit::of_findings(&findings);
        app.out.document(&Report { findings })?;
        Ok(exit)
    }
}

impl DoctorArgs {
    /// The registry to examine, if that is what was named.
    fn repository(&self) -> Result<Option<Repository>, Failure> {
        let named = |file: &&PathBuf| file.to_string_lossy().starts_with("oci://");
        match (self.files.iter().find(named), self.files.len()) {
            (None, _) if self.write => Err(Failure::usage("read --write", "it goes with a repository of a registry")),
            (None, _) => Ok(None),
            (Some(file), 1) => match file.to_string_lossy().parse() {
                Ok(repository) => Ok(Some(repository)),
                Err(error) => Err(Failure::usage("read the arguments", format!("{error}"))),
            },
            (Some(_), _) => {
                Err(Failure::usage("read the arguments", "one repository is examined at a time, by itself"))
            }
        }
    }
}

/// The pins that are declared.
fn pins(file: &Path) -> Result<Vec<Pin>, Failure> {
    let place = || file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io("read the pins", place(), &error))?;
    lint::pins(&text).map_err(|error| {
        Failure::usage("read the pins", error.to_string())
            .at(place())
            .fix("write one container/NAME==TAG a line; # begins a comment")
    })
}

/// Manifests and workflows in a folder, or in a file that says that it holds some; `None` for a configuration.
fn written(app: &App, path: &Path) -> Result<Option<Vec<lint::Document>>, Failure> {
    let read = promotion_cluster::documents(path)
        .map_err(|error| Failure::io("read what to check", path.display().to_string(), &error))?;
    let is_hosts = path.file_name().is_some_and(|name| name == "hosts.toml");
    let is_other = |document: &lint::Document| {
        is_hosts || document.value.get("kind").is_some() || document.value.get("jobs").is_some()
    };
    if !path.is_dir() && !is_hosts && !read.documents.iter().any(is_other) {
        return Ok(None);
    }
    for (file, why) in &read.unreadable {
        app.out.note(&format!("note: {} is passed over: {why}", file.display()));
    }
    app.out.detail(&format!("{}: {} documents", path.display(), read.documents.len()));
    Ok(Some(read.documents))
}

/// How the stages' clusters are set up.
async fn clusters(app: &App, config: &Config, clusters: &ClusterArgs) -> Result<Vec<Finding>, Failure> {
    let (mut troubles, mut gates) = (Vec::new(), BTreeMap::new());
    // Without a repository, what a folder holds cannot be told apart; what is configured can.
    let nowhere = Repository::Layout { path: String::new() };
    let repository = config.settings.repository.as_ref().unwrap_or(&nowhere);
    for (stage, index) in config.policy.stages().iter().zip(0..) {
        let Some(reached) = clusters.reach(app, config, repository, &stage.name).await? else { continue };
        let gate = index < config.policy.last();
        let observed = Observed::read(&*reached.cluster, reached.site, crate::world::now()).await;
        let known = config.settings.repository.as_ref().map(ToString::to_string);
        troubles.extend(observed.lint(known.as_deref(), &stage.constraint.to_string(), gate));
        // One that could not be read has no name to compare.
        if !matches!(observed.kustomization.1, Reading::Known(_)) {
            continue;
        }
        let object = observed.site.object(Kind::Kustomization, &observed.kustomization.0);
        gates.entry((reached.cluster.name().to_owned(), object)).or_insert_with(Vec::new).push(stage.name.clone());
    }
    let shared = gates.into_iter().filter(|(_, stages)| stages.len() > 1);
    troubles.extend(shared.map(|((_, object), stages)| Trouble { object, fault: Fault::GateOfSeveral { stages } }));
    Ok(troubles.into_iter().map(|trouble| Finding::warning(Reason::from(trouble))).collect())
}

fn explain(app: &App, id: &str) -> Result<Exit, Failure> {
    let laws = || LAWS.iter().map(|law| (law.id, law.promise));
    let known = || explain::meanings().chain(meanings()).chain(laws());
    let asked = known().filter(|(known, _)| id.is_empty() || *known == id);
    let meanings: Vec<Meaning> = asked.map(|(id, meaning)| Meaning { id, meaning }).collect();
    if meanings.is_empty() {
        let failure = Failure::new(Exit::NotFound, Id::NO_SUCH_ID, format!("explain {id}"), "there is no such id");
        return Err(match nearest(id, known().map(|(id, _)| id)) {
            Some(near) => failure.fix(format!("did you mean {near}?")),
            None => failure.fix("promotion doctor --explain lists them all"),
        });
    }
    app.out.document(&Meanings { meanings })?;
    Ok(Exit::Done)
}
