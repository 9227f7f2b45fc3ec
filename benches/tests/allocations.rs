//! What selecting allocates, counted: nothing for a tag that does not match, and no copy of the listing.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use allocation_counter::measure;
use promotion_benches::Repository;
use promotion_core::flux::{Selector, select};
use promotion_core::policy::Policy;
use promotion_core::snapshot::Snapshot;

fn selector(filter: Option<&str>) -> Selector {
    Selector::parse(">= 0.0.0-0", filter, None).unwrap()
}

/// Tags that no constraint can match, and tags that this one does not.
fn not_matching(count: usize) -> Vec<String> {
    let texts = [
        "sha-6f9c0e2",
        "validated-6f9c0e2-2",
        "latest",
        "1.2",
        "1.2.3-rc.01",
        "feature.a.b",
        "v99999999999999999999.0.0",
    ];
    texts.iter().cycle().take(count).map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_tag_that_does_not_match_costs_no_allocation() {
    let selector = selector(None);
    let matching: Vec<String> = (0..40).map(|patch| format!("1.0.{patch}-rc.1")).collect();
    let allocations = |others: usize| {
        let mut tags = not_matching(others);
        tags.extend(matching.iter().cloned());
        measure(|| assert_eq!(select(&tags, &selector).unwrap().tag, Some("1.0.39-rc.1")))
    };
    let none = allocations(0);
    for others in [1, 10, 1_000, 100_000] {
        let some = allocations(others);
        assert_eq!((some.count_total, some.bytes_total), (none.count_total, none.bytes_total), "{others} others");
    }
}

#[test]
fn a_tag_that_the_constraint_or_the_filter_excludes_costs_no_allocation() {
    for selector in [Selector::parse(">= 5.0.0", None, None).unwrap(), selector(Some("^never"))] {
        let tags: Vec<String> = (0..10_000).map(|patch| format!("1.0.{patch}-rc.1")).collect();
        // The first search of a filter builds its cache.
        let _ = select(&tags[..1], &selector);
        let few = measure(|| assert!(select(&tags[..10], &selector).is_err()));
        let many = measure(|| assert!(select(&tags, &selector).is_err()));
        assert_eq!((few.count_total, few.bytes_total), (many.count_total, many.bytes_total));
    }
}

#[test]
fn selecting_from_a_large_repository_needs_next_to_no_memory() {
    let tags = Repository::of(100_000).tags;
    let selector = selector(None);
    let used = measure(|| assert!(select(&tags, &selector).unwrap().tag.is_some()));
    println!("select from 100,000 tags: {} allocations, at most {} bytes at once", used.count_total, used.bytes_max);
    assert!(used.bytes_max < 16 * 1024, "{} bytes at once", used.bytes_max);
}

#[test]
fn a_snapshot_of_a_large_repository_is_a_small_multiple_of_its_listing() {
    let (policy, tags) = (Policy::default(), Repository::of(100_000).tags);
    let listing: usize = tags.iter().map(|tag| tag.as_str().len() + size_of::<promotion_core::Tag>()).sum();
    let mut snapshot = None;
    let used = measure(|| snapshot = Some(Snapshot::new(&policy, &tags)));
    println!("snapshot of 100,000 tags: {} allocations, at most {} bytes at once", used.count_total, used.bytes_max);
    assert!(snapshot.is_some_and(|snapshot| snapshot.versions().len() > 30_000));
    assert!(used.bytes_max < 8 * listing as u64, "{} bytes for a listing of {listing}", used.bytes_max);
}
