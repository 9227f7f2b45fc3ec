//! The stage's cluster as a witness, and waiting for the next stage's.

use std::time::{Duration, Instant};

use promotion_core::Digest;
use promotion_core::cluster::{Observed, Trouble, reconcile};
use promotion_core::evidence::Evidence;
use promotion_core::ports::cluster::Kind;
use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::reason::{Reason, Refusal};
use promotion_core::why::{Answer, Facts, Walk, why};

use super::super::why::observe;
use crate::connect::ClusterArgs;
use crate::error::Failure;
use crate::session::Session;

/// How often the cluster is asked while waiting.
const EVERY: Duration = Duration::from_secs(2);

/// What the stage's cluster proves, of the kinds that its gate asks for; a refusal when it proves nothing. Nothing when no cluster
/// is configured for a stage that an artifact can leave.
pub(super) async fn evidence(
    session: &Session<'_>,
    clusters: &ClusterArgs,
    stage: Option<&str>,
) -> Result<Result<Vec<Evidence>, Refusal>, Failure> {
    let policy = &session.config.policy;
    let leaving = policy.stages().iter().take(usize::from(policy.last()));
    let mut asked = Vec::new();
    for of in leaving.filter(|of| stage.is_none_or(|only| of.name == only)) {
        if let Some(observed) = observe(session, clusters, &of.name).await? {
            asked.push((of, observed));
        }
    }
    let (gate, observed) = match asked.as_slice() {
        [] => return Ok(Ok(Vec::new())),
        [(of, observed)] => (&of.gate, observed),
        [..] => {
            let failure = Failure::usage("ask the stage's cluster", "several stages have one, and none was named");
            return Err(failure.fix("give --stage"));
        }
    };
    let (evidence, troubles) = observed.evidence(&session.registry.repository().to_string(), &gate.evidence);
    if troubles.is_empty() {
        return Ok(Ok(evidence));
    }
    Ok(Err(refusal(observed, troubles)))
}

fn refusal(observed: &Observed, troubles: Vec<Trouble>) -> Refusal {
    let stage = observed.site.stage.clone();
    Refusal::because(Reason::ClusterProvesNothing { stage }, troubles.into_iter().map(Reason::from))
}

/// Waits until the stage's cluster runs the artifact and is healthy; fails when it cannot, or did not in time.
pub(super) async fn wait(
    session: &Session<'_>,
    clusters: &ClusterArgs,
    artifact: Digest,
    stage: u8,
    patience: Duration,
) -> Result<(), Failure> {
    let policy = &session.config.policy;
    let name = policy.stages().get(usize::from(stage)).map(|stage| stage.name.clone()).unwrap_or_default();
    let what = format!("wait until {name} runs sha256:{}", artifact.short());
    let repository = session.registry.repository().to_string();
    let Some(reached) = clusters.reach(session.app, &session.config, session.registry.repository(), &name).await?
    else {
        let failure = Failure::usage(what, format!("nothing says in which cluster {name} runs"));
        return Err(failure.fix(format!("name its namespace and source under clusters.{name} in promotion.yaml")));
    };
    let begun = Instant::now();
    let mut nudged = false;
    loop {
        let observed = [Observed::read(&*reached.cluster, reached.site.clone(), session.now()).await];
        if !nudged {
            nudged = true;
            let (source, patch) = (&observed[0].source.0, reconcile(session.now()));
            if let Err(error) = reached.cluster.patch(Kind::OciRepository, source, &patch).await {
                session.app.out.detail(&format!("the source looks when it next does: {error}"));
            }
        }
        let facts = Facts { repository: &repository, observed: Some(&observed) };
        let trace = session.ask(|known| why(known, policy, artifact, Walk::Stage(stage), &facts)).await?;
        let Some(reason) = trace.verdict() else { return Ok(()) };
        let broken = trace.links.iter().any(|link| matches!(&link.answer, Answer::Fail(broken) if !may_pass(broken)));
        let error = |why: &str| {
            let error =
                PortError::new(PortErrorKind::Unavailable, what.clone(), format!("{why}: {}", reason.message()));
            match reason.fix() {
                Some(fix) => Failure::from(error).fix(fix),
                None => Failure::from(error),
            }
        };
        if broken {
            return Err(error("it will not"));
        }
        if begun.elapsed() >= patience {
            return Err(error("it did not in time"));
        }
        session.app.out.status().show(&format!("waiting: {}", reason.message()));
        session.app.out.detail(&format!("waiting: {}", reason.message()));
        tokio::time::sleep(EVERY).await;
    }
}

fn may_pass(reason: &Reason) -> bool {
    matches!(reason, Reason::Cluster(trouble) if trouble.fault.may_pass())
}
