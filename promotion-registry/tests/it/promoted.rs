//! An artifact's way through its stages, driven as by the command line.

use promotion_core::Digest;
use promotion_core::evidence::{Evidence, EvidenceKind};
use promotion_core::executor::{End, Executor, Outcome, OutcomeKind, drive};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::Policy;
use promotion_core::ports::{PortError, Registry};
use promotion_core::testing::still::Still;
use promotion_core::time::Timestamp;

const NOW: i64 = 1_800_000_000;

const ADA: Still = Still { now: Timestamp::from_unix(NOW), actor: Some("ada") };

async fn carry_out(registry: &dyn Registry, goal: Goal) -> Result<Outcome, PortError> {
    let mut executor = Executor::new(Policy::default(), goal).with_consistency(registry.consistency());
    match drive(registry, &mut executor, &ADA).await {
        Ok(End::Done(outcome)) => Ok(outcome),
        other => panic!("{other:?}"),
    }
}

/// Makes an artifact a candidate.
pub(crate) async fn nominate(registry: &dyn Registry, artifact: Digest) {
    let outcome = carry_out(registry, Goal::Build(Build::of(artifact))).await.unwrap();
    assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
}

/// Promotes a candidate with evidence that it is good.
pub(crate) async fn promote(registry: &dyn Registry, artifact: Digest) -> Outcome {
    let evidence = Evidence {
        kind: EvidenceKind::Kustomization,
        digest: Some(artifact),
        commit: None,
        stage: None,
        observed_at: Some(Timestamp::from_unix(NOW - 60)),
        source: "flux event".into(),
    };
    let promote = Promote { artifact, evidence: vec![evidence], stage: None, version: None };
    carry_out(registry, Goal::Promote(promote)).await.unwrap()
}
