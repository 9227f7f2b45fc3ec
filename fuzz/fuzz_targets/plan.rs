//! Plan files: one that was edited is refused, and applying one writes what it says or nothing.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use promotion_core::executor::{Executor, Step};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{PlanFile, PlanFileError};
use promotion_core::policy::Policy;
use promotion_core::time::Timestamp;
use promotion_fuzz::plans::{NOW, registries};
use serde_json::{Value, json};

static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);
static REGISTRIES: LazyLock<Vec<MemoryRegistry>> = LazyLock::new(|| registries(&POLICY));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = PlanFile::parse(bytes) {
        let mut edited = serde_json::to_value(&file).expect("a plan is JSON");
        edited["repository"] = json!("ocidir://elsewhere");
        let again = PlanFile::parse(edited.to_string().as_bytes());
        let moved = file.repository.to_string() != "ocidir://elsewhere";
        assert_eq!(matches!(again, Err(PlanFileError::Hash { .. })), moved, "an edit shows");
    }
    // Nobody guesses a hash: the file is what it would be if somebody had made it with this policy.
    let Ok(mut plain) = serde_json::from_slice::<Value>(bytes) else { return };
    if !plain.is_object() {
        return;
    }
    plain["policy_hash"] = json!(POLICY.hash());
    let file = match PlanFile::parse(plain.to_string().as_bytes()) {
        Err(PlanFileError::Hash { computed, .. }) => {
            plain["hash"] = json!(computed);
            PlanFile::parse(plain.to_string().as_bytes()).expect("the hash is right now")
        }
        Ok(file) => file,
        Err(_) => return,
    };
    let written = serde_json::to_vec(&file).expect("a plan is JSON");
    assert_eq!(PlanFile::parse(&written).as_ref(), Ok(&file));
    REGISTRIES.iter().for_each(|registry| apply(registry.clone(), &file));
});

fn apply(mut registry: MemoryRegistry, file: &PlanFile) {
    let before = registry.clone();
    let mut executor = Executor::applying(POLICY.clone(), file.clone()).with_consistency(registry.consistency());
    let writes = loop {
        match executor.next(Timestamp::from_unix(NOW)) {
            Step::Done(outcome) => break outcome.writes,
            Step::Drifted(_) => break Vec::new(),
            step => {
                if registry.answer(&mut executor, step).is_err() {
                    break executor.writes().to_vec();
                }
            }
        }
    };
    let new = registry.tags().iter().filter(|(tag, digest)| before.digest(tag) != Some(**digest));
    assert_eq!(new.count(), writes.len(), "what was written was told: {writes:?}");
    for write in writes {
        let planned = file.actions.iter().any(|action| (&action.tag, action.digest) == (&write.tag, write.digest));
        assert!(planned, "{write:?} is not in the plan");
        assert_eq!(before.digest(&write.tag), None, "a fact moved");
    }
}
