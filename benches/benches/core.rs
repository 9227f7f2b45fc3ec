//! How long the core's questions take by the number of tags: `cargo bench -p promotion-benches`.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails by panicking")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use promotion_benches::{Repository, SIZES};
use promotion_core::converge::{Request, converge};
use promotion_core::event;
use promotion_core::flux::{Constraint, Selector, Version, select};
use promotion_core::plan::{Build, Goal};
use promotion_core::policy::Policy;
use promotion_core::snapshot::Snapshot;
use promotion_core::time::Timestamp;

fn main() {
    divan::main();
}

/// The yardstick: only reading the same tags with the `semver` crate, without choosing one.
#[divan::bench(args = SIZES)]
fn a0_semver_crate_parses(bencher: Bencher<'_, '_>, size: usize) {
    let tags = Repository::of(size).tags;
    bencher
        .counter(ItemsCount::new(size))
        .bench_local(|| black_box(&tags).iter().filter(|tag| semver::Version::parse(tag.as_str()).is_ok()).count());
}

/// Must be below the yardstick.
#[divan::bench(args = SIZES)]
fn a1_select(bencher: Bencher<'_, '_>, size: usize) {
    let tags = Repository::of(size).tags;
    let selector = Selector::parse(">= 0.0.0-0", None, None).unwrap();
    bencher.counter(ItemsCount::new(size)).bench_local(|| select(black_box(&tags), &selector).unwrap().tag.is_some());
}

#[divan::bench(args = SIZES)]
fn a2_select_with_filter(bencher: Bencher<'_, '_>, size: usize) {
    let tags = Repository::of(size).tags;
    let selector = Selector::parse(">= 0.0.0-0", Some(r"-rc\.[0-9]+$"), None).unwrap();
    bencher.counter(ItemsCount::new(size)).bench_local(|| select(black_box(&tags), &selector).unwrap().tag.is_some());
}

/// Must be below three times the yardstick.
#[divan::bench(args = SIZES)]
fn b_converge(bencher: Bencher<'_, '_>, size: usize) {
    let (policy, mut repository) = (Policy::default(), Repository::of(size));
    let goal = Goal::Build(Build::of(repository.push(u32::MAX)));
    let (snapshot, _) = repository.resolved(&policy, &goal).unwrap();
    let request = Request::new(&goal, Timestamp::from_unix(0));
    bencher.bench_local(|| converge(black_box(&snapshot), &policy, &request).unwrap());
}

#[divan::bench(args = SIZES)]
fn c_snapshot(bencher: Bencher<'_, '_>, size: usize) {
    let (policy, tags) = (Policy::default(), Repository::of(size).tags);
    bencher.counter(ItemsCount::new(size)).bench_local(|| Snapshot::new(&policy, black_box(&tags)));
}

#[divan::bench(args = SIZES)]
fn d_classify(bencher: Bencher<'_, '_>, size: usize) {
    let (policy, tags) = (Policy::default(), Repository::of(size).tags);
    bencher
        .counter(ItemsCount::new(size))
        .bench_local(|| black_box(&tags).iter().for_each(|tag| drop(black_box(policy.classify(tag.as_str())))));
}

const CONSTRAINTS: [&str; 3] = [">= 0.0.0-0", ">=1.0.0-0 <2.0.0-0", "1.x || 2.0.0 - 2.5.0 || ~3.1 || ^4.2.0-rc.1"];

#[divan::bench(args = CONSTRAINTS)]
fn e1_constraint_parse(text: &str) -> Constraint {
    Constraint::parse(text).unwrap()
}

#[divan::bench(args = CONSTRAINTS)]
fn e2_constraint_match(bencher: Bencher<'_, '_>, text: &str) {
    let constraint = Constraint::parse(text).unwrap();
    let version = Version::parse_tag("1.12.3-rc.14").unwrap();
    bencher.bench_local(|| black_box(&constraint).matches(black_box(&version)));
}

/// What a Kustomization reports when it has applied an artifact.
const EVENT: &[u8] = include_bytes!("../../promotion-core/tests/fixtures/events/flux-kustomization-succeeded.json");

#[divan::bench]
fn f_event_parse() -> event::Event {
    event::parse(black_box(EVENT)).unwrap()
}
