//! Random histories of the whole system in memory, beside the reference model: goals in any order and again, calls that
//! fail, crashes, releases made by hand, and a clock that jumps.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use promotion_core::evidence::Evidence;
use promotion_core::executor::OutcomeKind;
use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::Policy;
use promotion_core::ports::{Consistency, PortErrorKind};
use promotion_core::testing::faulty::Fault;
use promotion_core::testing::machine::{State, Step, contents, play, policies, steps};
use promotion_core::time::Timestamp;
use promotion_core::version::Base;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::scene::{cases, tag};

/// What the model says.
struct Pipeline;

impl ReferenceStateMachine for Pipeline {
    type State = State;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<State> {
        policies().prop_map(State::start).boxed()
    }

    fn transitions(state: &State) -> BoxedStrategy<Step> {
        steps(state)
    }

    fn apply(state: State, step: &Step) -> State {
        state.take(step)
    }

    fn preconditions(state: &State, step: &Step) -> bool {
        state.allows(step)
    }
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the in-memory registry waited"),
    }
}

/// The core and a registry in memory; one writer at a time makes the weakest of them as good as any.
struct InMemory;

impl StateMachineTest for InMemory {
    type SystemUnderTest = [SharedRegistry; 2];
    type Reference = Pipeline;

    fn init_test(_: &State) -> [SharedRegistry; 2] {
        [Consistency::CompareAndSwap, Consistency::Registers].map(|consistency| {
            let mut registry = MemoryRegistry::new(consistency);
            contents().into_iter().for_each(|content| _ = registry.push(content));
            SharedRegistry::new(registry)
        })
    }

    fn apply(registries: [SharedRegistry; 2], state: &State, step: Step) -> [SharedRegistry; 2] {
        for registry in &registries {
            let found = at_once(play(registry, &step, state));
            assert!(found.is_empty(), "{}\n{:#?}", found.join("\n"), registry.with(|inner| inner.tags().clone()));
        }
        registries
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: cases(100),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/machine.proptest-regressions"
        )))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_system_in_memory_does_what_the_model_says(sequential 1..60 => InMemory);
}

/// The registry refused the tag of a version chosen by hand, as if it were taken, and then it was not there.
#[test]
fn a_chosen_version_that_was_refused_once_is_written_after_all() {
    let artifact = contents()[2].digest();
    let evidence = vec![Evidence::manual(artifact, "checked by hand", Timestamp::from_unix(0))];
    let promote = Promote { artifact, evidence, stage: None, version: None };
    let chosen = Promote { version: Some(Base::new(1, 0, 0)), ..promote.clone() };
    let retry = |nth| {
        let fault = Fault { nth, kind: PortErrorKind::Conflict { found: None }, ..Fault::default() };
        Step::Retry { goal: Goal::Promote(chosen.clone()), fault }
    };
    let build = Step::Pursue(Goal::Build(Build::of(artifact)));
    // Evidence, the lift to that version, the release; where it was promoted before, without the evidence.
    for steps in [vec![build.clone(), retry(2)], vec![build, Step::Pursue(Goal::Promote(promote)), retry(1)]] {
        let mut registries = InMemory::init_test(&State::start(Policy::default()));
        let mut state = State::start(Policy::default());
        for step in steps {
            state = state.take(&step);
            registries = InMemory::apply(registries, &state, step);
        }
        let release = |registry: &SharedRegistry| registry.with(|inner| inner.digest(&tag("1.0.0")));
        assert_eq!(registries.each_ref().map(release), [Some(artifact); 2]);
    }
}

/// Histories that never come to some outcome would prove nothing of it.
#[test]
fn histories_come_to_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeSet::new();
    for _ in 0..100 {
        let history = Pipeline::sequential_strategy(60).new_tree(&mut runner).unwrap().current();
        let (mut state, steps, _) = history;
        for step in steps {
            state = state.take(&step);
            if let (Step::Pursue(goal) | Step::Retry { goal, .. }, Some(expected)) = (&step, state.expected()) {
                met.insert((goal.name(), expected.kind, expected.writes));
            }
        }
    }
    use OutcomeKind::{AlreadyDone, Done, Refused, Superseded};
    let outcomes = [
        ("build", &[(Done, true), (AlreadyDone, false), (Refused, false)][..]),
        ("promote", &[(Done, true), (AlreadyDone, false), (Superseded, true), (Superseded, false)]),
        ("promote", &[(Refused, true), (Refused, false)]),
        ("reject", &[(Done, true), (AlreadyDone, false), (Refused, true), (Refused, false)]),
        ("reopen", &[(Done, true), (AlreadyDone, false), (Refused, false)]),
        ("rollback", &[(Done, true), (AlreadyDone, false), (Refused, false)]),
        ("repair", &[(Done, true), (AlreadyDone, false)]),
    ];
    for (goal, (kind, writes)) in outcomes.iter().flat_map(|(goal, all)| all.iter().map(move |it| (*goal, *it))) {
        assert!(met.contains(&(goal, kind, writes)), "no {goal} ended as {kind:?}, writing: {writes}; {met:#?}");
    }
}
