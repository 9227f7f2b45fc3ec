//! Ten thousand tags: memory, requests, and no step that grows with their square.

use promotion_core::ports::Registry;
use promotion_registry::testing::fake::{FakeRegistry, Paging, Quirks};
use promotion_registry::testing::proxy::{Operation, Proxy};

use crate::story::{build, open, options, promote};

const NAME: &str = "acme/platform";

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("0.0.{number}"))
}

/// What this process needed at most, in KiB.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs alone in a process of its own, the registry in another; nothing when the tests run as usual.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn ten_thousand() {
    let Ok(host) = std::env::var("PROMOTION_TEST_MANY_TAGS") else { return };
    let registry = open(options(&host), &host, NAME);
    let tags = registry.list_tags().await.unwrap().tags;
    assert!(tags.len() > 10_000, "{}", tags.len());
    let digests = registry.resolve_all(&tags).await.unwrap();
    assert!(digests.iter().all(Option::is_some));
    let board = crate::story::status(&registry).await.unwrap();
    assert!(board.stages.iter().all(|stage| stage.selects.is_some()), "{board:?}");
    println!("\n10,000 tags: peak {} KiB", peak());
    assert!(peak() < 100 * 1024, "{} KiB", peak());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tags_fit_in_a_hundred_mebibytes() {
    let registry = FakeRegistry::start(Quirks::default());
    let direct = open(options(&registry.host()), &registry.host(), NAME);
    build(&direct, 'a').await.unwrap();
    promote(&direct, 'a').await.unwrap();
    build(&direct, 'b').await.unwrap();
    registry.add_tags(NAME, names(10_000), registry.tags(NAME)["0.1.0"]);
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "many_tags::ten_thousand", "--nocapture", "--test-threads=1"])
        .env("PROMOTION_TEST_MANY_TAGS", registry.host())
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_listing_takes_a_request_for_each_page() {
    let registry = FakeRegistry::start(Quirks::default());
    registry.add_tags(NAME, names(10_000), registry.seed("other", "1.0.0", "one"));
    let proxy = Proxy::before(&registry.host());
    let listed = open(options(&proxy.host()), &proxy.host(), NAME).list_tags().await.unwrap();
    assert_eq!((listed.tags.len(), proxy.count(Operation::ListTags)), (10_000, 10));
}

/// With a step that grew with the square, this one would not come to an end.
#[tokio::test]
async fn two_hundred_thousand_tags_at_once_are_listed() {
    let registry = FakeRegistry::start(Quirks { paging: Paging::IgnoresN, ..Quirks::default() });
    registry.add_tags(NAME, names(200_000), registry.seed("other", "1.0.0", "one"));
    let listed = open(options(&registry.host()), &registry.host(), NAME).list_tags().await.unwrap();
    assert_eq!(listed.tags.len(), 200_000);
}
