//! A repository in memory, and one actor at a time.

use promotion_core::evidence::{Evidence, EvidenceKind};
use promotion_core::executor::{Executor, Outcome, OutcomeKind, Step, drive_in_memory};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::{Policy, Spec, StageSpec};
use promotion_core::ports::Expect;
use promotion_core::testing::laws::Search;
use promotion_core::testing::oracle::Oracle;
use promotion_core::time::Timestamp;
use promotion_core::{Digest, Tag};

pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) struct Scene {
    pub(crate) registry: MemoryRegistry,
    pub(crate) policy: Policy,
}

/// How many cases a property tries: `PROPTEST_CASES`, for a longer search than the usual.
pub(crate) fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// The search of a law: `PROPTEST_CASES` and `PROPTEST_RNG_SEED`, as for every property.
pub(crate) fn search(usual: u32) -> Search {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
    Search { cases: cases(usual), seed: seed.unwrap_or(Search::default().seed) }
}

/// Forty hex digits that start with the given ones.
pub(crate) fn commit(prefix: &str) -> String {
    format!("{prefix:0<40}")
}

pub(crate) fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// alpha -> rc -> live, each looking only at its own label.
pub(crate) fn three_stages() -> Policy {
    let stage = |name: &str, semver: &str, filter: Option<&str>, label: Option<&str>| -> StageSpec {
        StageSpec {
            semver: Some(semver.into()),
            filter: filter.map(Into::into),
            label: label.map(Into::into),
            name: name.into(),
            mark: None,
            ..Spec::default().stages.0[1].clone()
        }
    };
    let mut spec = Spec::default();
    spec.stages.0 = vec![
        stage("alpha", ">= 0.0.0-0", Some(r"-alpha\."), Some("alpha")),
        stage("rc", ">= 0.0.0-0", Some(r"-rc\."), Some("rc")),
        stage("live", ">= 0.0.0", None, None),
    ];
    Policy::new(spec).unwrap()
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(Policy::default())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        Self { registry: MemoryRegistry::default(), policy }
    }

    pub(crate) fn executor(&self, goal: Goal) -> Executor {
        Executor::new(self.policy.clone(), goal).with_consistency(self.registry.consistency())
    }

    pub(crate) fn run(&mut self, goal: Goal) -> Outcome {
        let executor = self.executor(goal);
        self.finish(executor)
    }

    /// Runs until `writes` tags were written, then is gone.
    pub(crate) fn crash_after(&mut self, writes: usize, goal: Goal) {
        let mut executor = self.executor(goal);
        while executor.writes().len() < writes {
            match executor.next(Timestamp::from_unix(NOW)) {
                Step::Done(_) | Step::Drifted(_) => panic!("ended before write {writes}"),
                step => self.registry.answer(&mut executor, step).unwrap(),
            }
        }
    }

    /// Goes on until the executor is about to write a tag that starts so.
    pub(crate) fn until_it_writes(&mut self, executor: &mut Executor, start: &str) {
        loop {
            match executor.next(Timestamp::from_unix(NOW)) {
                Step::Write(action) if action.tag.as_str().starts_with(start) => return,
                Step::Done(_) | Step::Drifted(_) => panic!("{start} is not written: {:?}", self.tags()),
                step => self.registry.answer(executor, step).unwrap(),
            }
        }
    }

    /// Goes on to the end.
    pub(crate) fn finish(&mut self, executor: Executor) -> Outcome {
        drive_in_memory(&mut self.registry, executor, Timestamp::from_unix(NOW)).unwrap()
    }

    pub(crate) fn artifact(&mut self, prefix: &str, content: &str) -> Digest {
        self.registry.push_artifact(&commit(prefix), content)
    }

    pub(crate) fn build(&mut self, prefix: &str) -> Digest {
        let artifact = self.artifact(prefix, "content");
        let outcome = self.run(Goal::Build(Build::of(artifact)));
        assert_eq!(outcome.kind, OutcomeKind::Done, "{outcome:#?}");
        artifact
    }

    /// Built and promoted.
    pub(crate) fn released(&mut self, prefix: &str) -> Digest {
        let artifact = self.build(prefix);
        self.promote(artifact);
        artifact
    }

    pub(crate) fn evidence(artifact: Digest) -> Evidence {
        Evidence {
            kind: EvidenceKind::Kustomization,
            digest: Some(artifact),
            commit: None,
            stage: None,
            observed_at: Some(Timestamp::from_unix(NOW - 60)),
            source: "flux event".into(),
        }
    }

    pub(crate) fn promotion(artifact: Digest) -> Promote {
        Promote { artifact, evidence: vec![Self::evidence(artifact)], stage: None, version: None }
    }

    pub(crate) fn promote(&mut self, artifact: Digest) -> Outcome {
        self.run(Goal::Promote(Self::promotion(artifact)))
    }

    pub(crate) fn reject(&mut self, artifact: Digest) -> Outcome {
        self.run(Goal::Reject { artifact, reason: "bad".into() })
    }

    pub(crate) fn put(&mut self, text: &str, artifact: Digest) {
        self.registry.put(&tag(text), artifact, Expect::Absent).unwrap();
    }

    pub(crate) fn at(&self, text: &str) -> Option<Digest> {
        self.registry.digest(&tag(text))
    }

    pub(crate) fn tags(&self) -> Vec<&str> {
        self.registry.tags().keys().map(Tag::as_str).collect()
    }

    pub(crate) fn oracle(&self) -> Oracle<'_> {
        Oracle::read(&self.registry, &self.policy)
    }

    pub(crate) fn selects(&self, stage: u8) -> Option<Digest> {
        self.oracle().selected(stage)
    }

    #[track_caller]
    pub(crate) fn assert_rules_hold(&self) {
        assert_eq!(self.oracle().broken_rules(), Vec::<String>::new(), "{:?}", self.tags());
    }
}

/// Why an outcome is refused: the ids of the tree, parents first.
pub(crate) fn refusal_ids(outcome: &Outcome) -> Vec<&'static str> {
    fn walk(refusal: &promotion_core::reason::Refusal, ids: &mut Vec<&'static str>) {
        ids.push(refusal.reason.id());
        refusal.because.iter().for_each(|because| walk(because, ids));
    }
    let mut ids = Vec::new();
    if let Some(refusal) = &outcome.refusal {
        walk(refusal, &mut ids);
    }
    ids
}
