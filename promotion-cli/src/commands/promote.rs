mod cluster;

use std::path::{Path, PathBuf};
use std::time::Duration;

use promotion_core::event::{self, Place};
use promotion_core::evidence::{Evidence, EvidenceKind};
use promotion_core::plan::{Goal, Promote};
use promotion_core::reason::Reason;
use promotion_core::version::Base;
use promotion_core::what::What;

use crate::app::App;
use crate::config::Config;
use crate::connect::{ClusterArgs, duration};
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::session::{Session, WriteArgs};
use crate::target::{self, TargetArgs};

/// Promote an artifact out of the stage that validated it, and finish half-done promotions
///
/// Needs evidence of that digest from that stage: an event (--event), observations (--gate), a person's word
/// (--manual --reason); without any of these, what the stage's cluster says, where the configuration names it. With --event and
/// with a cluster, WHAT may be left out: it is what the event is about, or what the cluster runs. When both are given, they must
/// agree.
#[derive(Debug, clap::Args)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// A Flux event, a GitHub repository_dispatch or a commit status, as JSON; `-` for stdin
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,

    /// Observations as a JSON list, `-` for stdin: [{"kind": "canary", "digest": "sha256:…", "observed_at": "…", "source": "…"}]
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,

    /// A person says that it works; overrides the gate and a rejection
    #[arg(long, requires = "reason")]
    manual: bool,

    /// Why, with --manual
    #[arg(long, requires = "manual", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,

    /// The stage that it leaves; the evidence's, or the furthest that it has not left, where absent
    #[arg(long)]
    stage: Option<String>,

    /// The release to give it, above all others, instead of its own
    #[arg(long, value_name = "X.Y.Z")]
    version: Option<Base>,

    /// Wait until the stage that it enters runs it and is healthy, for so long (10m)
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "10m", value_parser = duration,
          conflicts_with = "dry_run")]
    wait: Option<Duration>,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    write: WriteArgs,
}

impl PromoteArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let target = self.target.target()?;
        let mut what = target.what;
        let session = app.session(target.repository).await?;
        let stage = session.config.stage(self.stage)?;
        let mut evidence = match &self.gate {
            Some(path) => gate(path)?,
            None => Vec::new(),
        };
        if let Some(path) = &self.event {
            match from_event(&session.config, path)? {
                Ok(observed) => evidence.push(observed),
                Err(reason) => return session.refuse(reason.into()),
            }
            what = what.or_else(|| evidence.last().and_then(subject));
        }
        if evidence.is_empty() && !self.manual {
            self.cluster.check(&session.config)?;
            match cluster::evidence(&session, &self.cluster, stage.as_deref()).await? {
                Ok(observed) => evidence = observed,
                Err(refusal) => return session.refuse(refusal),
            }
            what = what.or_else(|| evidence.last().and_then(subject));
        }
        let what = what.ok_or_else(|| {
            Failure::usage("read the arguments", "no artifact was named, and no event names one")
                .fix("name a commit (6f9c0e2), a tag (1.4.0-rc.2) or a digest (sha256:…), or give --event")
        })?;
        let (digest, known) = match session.find_to_pursue(&what).await? {
            Ok(found) => found,
            Err(refusal) => return session.refuse(refusal),
        };
        if let Some(reason) = self.reason.filter(|_| self.manual) {
            evidence.push(Evidence::manual(digest, reason, session.now()));
        }
        evidence.iter().for_each(|evidence| app.out.detail(&format!("evidence: {evidence}")));
        note_the_gate(&session, &evidence);
        let left = stage.clone().or_else(|| evidence.iter().find_map(|evidence| evidence.stage.clone()));
        let goal = Goal::Promote(Promote { artifact: digest, evidence, stage, version: self.version });
        let exit = session.pursue_knowing(goal, known, &self.write).await?;
        if let Some(patience) = self.wait.filter(|_| exit == Exit::Done) {
            let stages = session.config.policy.stages().iter().zip(0..);
            let entered = stages.clone().find(|(of, _)| Some(&of.name) == left.as_ref()).map(|(_, index)| index + 1);
            let entered = entered.unwrap_or_else(|| session.config.policy.last());
            cluster::wait(&session, &self.cluster, digest, entered, patience).await?;
        }
        Ok(exit)
    }
}

/// What the event is about: the digest, or where it names none the commit.
fn subject(evidence: &Evidence) -> Option<What> {
    let digest = evidence.digest.map(What::Digest);
    digest.or_else(|| evidence.commit.clone().map(What::Commit))
}

fn from_event(config: &Config, path: &Path) -> Result<Result<Evidence, Reason>, Failure> {
    let bytes = target::read(path, "read the event")?;
    let event = event::parse(&bytes).map_err(|error| {
        let message = crate::error::chain(&error);
        Failure::usage("read the event", message)
            .id(Id::BAD_EVENT)
            .at(target::place(path))
            .fix("give the body as it was sent: a Flux event, a repository_dispatch or a commit status")
    })?;
    let place = |(stage, cluster): (&String, &crate::config::Cluster)| Place {
        stage: stage.clone(),
        cluster: cluster.context.clone(),
        namespace: cluster.namespace.clone(),
        object: cluster.kustomization.clone(),
    };
    let places: Vec<Place> = config.settings.clusters.iter().map(place).collect();
    Ok(event.evidence(&places).and_then(|evidence| of_a_stage(config, evidence)))
}

/// Without clusters in the configuration, what an alert calls its cluster must be a stage.
fn of_a_stage(config: &Config, evidence: Evidence) -> Result<Evidence, Reason> {
    let stages = &config.settings.stages.0;
    match &evidence.stage {
        Some(cluster) if !stages.iter().any(|stage| stage.name == *cluster) => {
            let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
            let found = format!("something on {cluster:?}");
            Err(Reason::EvidenceOfAnotherObject { found, expected: names.join(", ") })
        }
        _ => Ok(evidence),
    }
}

fn gate(path: &Path) -> Result<Vec<Evidence>, Failure> {
    let bytes = target::read(path, "read the observations")?;
    let evidence: Vec<Evidence> = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::usage("read the observations", error.to_string())
            .id(Id::BAD_GATE)
            .at(target::place(path))
            .fix("expected a JSON list of {kind, digest or commit, stage?, observed_at?, source}")
    })?;
    if evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Manual) {
        return Err(Failure::usage("read the observations", "a person's word does not come from a file")
            .at(target::place(path))
            .fix("give --manual --reason WHY"));
    }
    Ok(evidence)
}

/// A finished reconciliation precedes health: say so where nothing else is asked for.
fn note_the_gate(session: &Session<'_>, evidence: &[Evidence]) {
    if evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Kustomization)
        && evidence.iter().all(|evidence| evidence.kind == EvidenceKind::Kustomization)
    {
        let text = "note: the only evidence is a finished reconciliation: it says that the workloads are healthy only if \
                    the Kustomization has spec.wait or healthChecks";
        session.app.out.note(text);
    }
}
