//! Which steps there are to take, as proptest strategies over few things, so that they meet.

use alloc::vec;
use alloc::vec::Vec;

use proptest::collection::vec as some;
use proptest::prelude::*;
use proptest::sample::select;

use super::{State, Step, contents};
use crate::evidence::{Evidence, EvidenceKind};
use crate::plan::{Build, Goal, Promote};
use crate::policy::{Policy, Spec};
use crate::ports::PortErrorKind;
use crate::testing::faulty::{Call, Fault};
use crate::testing::model::Artifact;
use crate::time::Timestamp;
use crate::version::{Base, Level};
use crate::{CommitPrefix, Digest, Tag};

/// Tags that are not ours under any of [`policies`]; clusters prefer some of them to everything.
const STRANGERS: [&str; 8] =
    ["v9.0.0", "latest", "2024.01.02", "1.0", "0.1.0-rc.01", "9.0.0-gamma.1", "rejected-a1a1a1z", "validated-"];

/// Pipelines of two stages that write their tags in different ways.
pub fn policies() -> BoxedStrategy<Policy> {
    let mut other = Spec::default();
    other.versions.label = "beta".into();
    other.versions.bump = Level::Minor;
    other.tags.short = 40;
    let policies: Vec<Policy> =
        [Spec::default(), other].into_iter().filter_map(|spec| Policy::new(spec).ok()).collect();
    select(policies).boxed()
}

/// Everything that may happen next.
pub fn steps(state: &State) -> BoxedStrategy<Step> {
    let goal = || goals(state);
    let (model, now) = (state.model.clone(), state.now);
    // What is over after one write is hard to interrupt.
    let long = move || {
        let model = model.clone();
        some(goal(), 3).prop_map(move |goals| {
            let longest = goals.into_iter().max_by_key(|goal| model.facts_left(goal, now));
            longest.unwrap_or(Goal::Repair)
        })
    };
    let model = state.model.clone();
    let crash = (long(), 0..4_usize).prop_map(move |(goal, facts)| {
        let facts = facts.min(model.facts_left(&goal, now));
        Step::Crash { goal, facts }
    });
    let by_hand = select(digests()).prop_map(Step::ByHand);
    let stranger = (select(&STRANGERS[..]), select(digests()))
        .prop_filter_map("a tag", |(tag, artifact)| Some(Step::Stranger { tag: tag.parse::<Tag>().ok()?, artifact }));
    let jumps = [-86_400, -7_200, -300, 1, 301, 3_599, 3_601, 86_400];
    prop_oneof![
        24 => goal().prop_map(Step::Pursue),
        4 => crash,
        4 => (without_version(long()), 0..9_usize).prop_map(|(goal, writes)| Step::Mend { goal, writes }),
        6 => (goal(), faults()).prop_map(|(goal, fault)| Step::Retry { goal, fault }),
        1 => (2..12_usize).prop_map(Step::Busy),
        1 => by_hand,
        1 => stranger,
        2 => select(jumps.to_vec()).prop_map(Step::Jump),
    ]
    .boxed()
}

/// A failure of any call; tags may also be refused, as if somebody else were quicker.
fn faults() -> impl Strategy<Value = Fault> {
    let calls = [Call::Lock, Call::List, Call::Resolve, Call::Manifest, Call::PutManifest, Call::PutBlob];
    let plain = (select(calls.to_vec()), 0..4_usize, Just(PortErrorKind::Unavailable));
    let kinds = [PortErrorKind::Unavailable, PortErrorKind::Conflict { found: None }, PortErrorKind::Immutable];
    let tag = (Just(Call::PutTag), 0..6_usize, select(kinds.to_vec()));
    (prop_oneof![plain, tag], any::<bool>()).prop_map(|((call, nth, kind), effect)| Fault { call, nth, effect, kind })
}

fn digests() -> Vec<Digest> {
    contents().iter().map(crate::manifest::Manifest::digest).collect()
}

/// What somebody wants: mostly what can be had, and often what somebody wanted before.
fn goals(state: &State) -> BoxedStrategy<Goal> {
    let any_artifact = || prop_oneof![30 => select(digests()), 1 => Just(Digest::of(b"nothing"))];
    let mostly = |wanted: fn(&Artifact) -> bool| {
        let known = state.model.artifacts().iter().filter(|(_, artifact)| wanted(artifact));
        let known: Vec<Digest> = known.map(|(digest, _)| *digest).collect();
        match known.is_empty() {
            true => any_artifact().boxed(),
            false => prop_oneof![3 => select(known), 1 => any_artifact()].boxed(),
        }
    };
    let new = prop_oneof![
        6 => (any_artifact(), prop::bool::weighted(0.2))
            .prop_map(|(artifact, again)| Goal::Build(Build { again, ..Build::of(artifact) })),
        10 => promotions(state.now),
        2 => any_artifact().prop_map(|artifact| Goal::Reject { artifact, reason: "bad".into() }),
        2 => mostly(Artifact::is_rejected).prop_map(|artifact| Goal::Reopen { artifact, reason: "good".into() }),
        3 => (mostly(Artifact::is_validated), prop::bool::weighted(0.3))
            .prop_map(|(to, only)| Goal::Rollback { to, only }),
        1 => Just(Goal::Repair),
    ];
    if state.past.is_empty() {
        return new.boxed();
    }
    prop_oneof![5 => new, 1 => select(state.past.clone())].boxed()
}

fn without_version(goals: impl Strategy<Value = Goal>) -> impl Strategy<Value = Goal> {
    goals.prop_map(|goal| match goal {
        Goal::Promote(promote) => Goal::Promote(Promote { version: None, ..promote }),
        goal => goal,
    })
}

/// Promotions: most on fresh evidence of the artifact, the rest on anything that may be wrong with it.
fn promotions(now: Timestamp) -> impl Strategy<Value = Goal> {
    let version = prop_oneof![9 => Just(None), 1 => (1..4_u64).prop_map(|major| Some(Base::new(major, 0, 0)))];
    let age = prop_oneof![6 => Just(60_i64), 1 => select(vec![3_600, 3_601, -300, -301, 100_000])];
    let evidence = (age, select(digests()), 0..24_usize);
    let stage = prop_oneof![8 => Just(None), 1 => select(vec![Some("integration".into()), Some("live".into())])];
    (select(contents()), some(evidence, 0..3), version, stage).prop_map(move |(manifest, seen, version, stage)| {
        let artifact = manifest.digest();
        let commit = manifest.read().ok().and_then(|facts| facts.revision).map(|revision| revision.commit);
        let evidence = seen.into_iter().map(|(age, another, flaw)| {
            let right = Evidence {
                kind: EvidenceKind::Kustomization,
                digest: Some(artifact),
                commit: None,
                stage: None,
                observed_at: Some(Timestamp::from_unix(now.as_unix() - age)),
                source: "flux event".into(),
            };
            let commit = commit.as_ref().map(CommitPrefix::from);
            match flaw {
                0 => Evidence { digest: Some(another), ..right },
                1 => Evidence { digest: None, ..right },
                2 | 3 => Evidence { digest: None, commit, ..right },
                4 => Evidence { commit: "b2b2b2b".parse().ok(), ..right },
                5 => Evidence { kind: EvidenceKind::Canary, ..right },
                6 => Evidence { stage: Some("live".into()), ..right },
                7 => Evidence { stage: Some("integration".into()), ..right },
                8 => Evidence { observed_at: None, ..right },
                9 | 10 => Evidence { kind: EvidenceKind::Manual, ..right },
                _ => right,
            }
        });
        Goal::Promote(Promote { artifact, evidence: evidence.collect(), stage, version })
    })
}
