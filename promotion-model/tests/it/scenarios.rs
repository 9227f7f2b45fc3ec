//! Every scenario that is small enough, explored to the end: it breaks the laws that it is known to break, no other, and
//! what it is about really happens.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use promotion_model::{Explored, SCENARIOS, Setting, explore, markdown, scenario};

/// Explored once, whichever test asks first.
static EXPLORED: LazyLock<BTreeMap<(&str, Setting), OnceLock<Explored>>> = LazyLock::new(|| {
    let small = SCENARIOS.iter().flat_map(|scenario| {
        let small = scenario.settings.iter().filter(|setting| !scenario.large.contains(setting));
        small.map(|setting| ((scenario.name, *setting), OnceLock::new()))
    });
    small.collect()
});

fn explored(name: &str) -> Vec<&'static Explored> {
    let ours = EXPLORED.iter().filter(|((of, _), _)| *of == name);
    ours.map(|((name, setting), cell)| cell.get_or_init(|| explore(scenario(name).unwrap(), *setting))).collect()
}

#[track_caller]
fn check(name: &str) {
    let explored = explored(name);
    assert!(!explored.is_empty(), "{name} is too large for a test in every setting");
    for of in explored {
        let surprises = of.surprises();
        assert!(surprises.is_empty(), "{name} {}:\n{}", of.setting, surprises.join("\n"));
    }
}

macro_rules! scenarios {
    ($($test:ident = $name:literal,)*) => {
        $(#[test] fn $test() { check($name); })*

        #[test]
        fn every_scenario_is_tested() {
            let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            assert_eq!(names, [$($name),*]);
        }
    };
}

scenarios! {
    builders = "builders",
    three_builders = "three-builders",
    one_commit = "one-commit",
    rebuilt_commit = "rebuilt-commit",
    promotions = "promotions",
    overwritten_candidate = "overwritten-candidate",
    two_promoters = "two-promoters",
    build_and_promote = "build-and-promote",
    rejections = "rejections",
    rollback = "rollback",
    repairs = "repairs",
    repair = "repair",
    by_hand = "by-hand",
    chosen_version = "chosen-version",
    reopened = "reopened",
    nominated = "nominated",
    retention = "retention",
    retention_and_rejection = "retention-and-rejection",
    day = "day",
    incident = "incident",
    three_promotions = "three-promotions",
}

#[test]
fn every_counterexample_that_is_documented_is_what_is_found() {
    let all: Vec<&Explored> = SCENARIOS.iter().flat_map(|scenario| explored(scenario.name)).collect();
    let documented = include_str!("../../counterexamples.md");
    assert!(
        markdown(&all) == documented,
        "run: cargo run --release -p promotion-model -- --markdown > promotion-model/counterexamples.md"
    );
}

/// A checker that explores nothing proves everything.
#[test]
fn the_least_that_is_explored() {
    let states: usize = SCENARIOS.iter().flat_map(|scenario| explored(scenario.name)).map(|it| it.states).sum();
    assert!(states > 100_000, "{states} states");
}
