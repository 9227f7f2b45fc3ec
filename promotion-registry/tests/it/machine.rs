//! Random histories of the whole system on a folder, beside the reference model: goals in any order and again, calls that
//! fail, crashes, releases made by hand, and a clock that jumps.

use std::sync::LazyLock;

use promotion_core::ports::Registry;
use promotion_core::testing::machine::{State, Step, contents, play, policies, steps};
use promotion_registry::OciDir;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tokio::runtime::Runtime;

use crate::arbitrary::cases;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

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

/// The core and an image layout. Every step opens the layout anew, as another process would.
struct OnDisk;

impl StateMachineTest for OnDisk {
    type SystemUnderTest = tempfile::TempDir;
    type Reference = Pipeline;

    fn init_test(_: &State) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        RUNTIME.block_on(async {
            let layout = OciDir::create(folder.path()).await.unwrap();
            layout.put_manifests(&contents()).await.unwrap();
        });
        folder
    }

    fn apply(folder: tempfile::TempDir, state: &State, step: Step) -> tempfile::TempDir {
        let found = RUNTIME.block_on(async {
            let layout = OciDir::open(folder.path()).await.unwrap();
            play(&layout, &step, state).await
        });
        assert!(found.is_empty(), "{}", found.join("\n"));
        folder
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: cases(20),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/machine.proptest-regressions"
        )))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_system_on_disk_does_what_the_model_says(sequential 1..40 => OnDisk);
}
