//! How many requests a command needs: part of the contract, as the documentation of the adapter says it.

use std::collections::BTreeMap;

use promotion_core::ports::{Expect, PortErrorKind, Registry};
use promotion_registry::copy::{Options as CopyOptions, Quiet, Selection, copy};
use promotion_registry::distribution::Distribution;
use promotion_registry::testing::fake::{FakeRegistry, Quirks, TagDelete};
use promotion_registry::testing::proxy::{Operation, Proxy};

use crate::story::{build, guarded, open, options, packed, promote, reject, rollback, status};
use crate::support::tag;

const NAME: &str = "acme/platform";

/// A registry, a proxy before it that counts, and a client that asks nobody who it is.
struct Counted {
    registry: FakeRegistry,
    proxy: Proxy,
    client: Distribution,
}

/// Requests by kind, in the order of the table.
type Row = [usize; 7];

impl Counted {
    fn new(quirks: Quirks) -> Self {
        let registry = FakeRegistry::start(quirks);
        let proxy = Proxy::before(&registry.host());
        let client = open(options(&proxy.host()), &proxy.host(), NAME);
        Self { registry, proxy, client }
    }

    /// As it was before, to a client that knows nothing.
    fn again(&mut self) {
        self.client = open(options(&self.proxy.host()), &self.proxy.host(), NAME);
        self.proxy.take();
    }

    /// Pages, HEAD and GET of manifests, PUT of tags and by digest, referrers, blobs and uploads.
    fn row(&self) -> Row {
        let mut row = Row::default();
        for exchange in self.proxy.take() {
            let column = match exchange.operation {
                Operation::ListTags => 0,
                Operation::HeadTag | Operation::HeadDigest => 1,
                Operation::GetTag | Operation::GetDigest => 2,
                Operation::PutTag => 3,
                Operation::PutDigest => 4,
                Operation::Referrers => 5,
                Operation::HeadBlob | Operation::GetBlob | Operation::BeginUpload | Operation::Upload => 6,
                other => panic!("{other:?} is in no budget: {exchange:?}"),
            };
            row[column] += 1;
        }
        row
    }

    /// No digest is asked for twice.
    fn gets_once(&self) {
        let mut gets = BTreeMap::<String, usize>::new();
        for exchange in self.proxy.exchanges() {
            if exchange.operation == Operation::GetDigest {
                *gets.entry(exchange.path).or_default() += 1;
            }
        }
        assert!(gets.values().all(|times| *times == 1), "{gets:#?}");
    }
}

/// Adds releases of ages past, so that there are this many tags.
fn fill(registry: &FakeRegistry, name: &str, tags: usize) {
    let digest = *registry.tags(name).get("0.1.0").unwrap();
    registry.add_tags(name, (registry.tags(name).len()..tags).map(|number| format!("0.0.{number}")), digest);
}

/// The row of a command in the adapter's documentation.
fn documented(command: &str) -> Row {
    let text = include_str!("../../src/distribution.rs");
    let start = format!("//! | {command} |");
    let line = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("no row: {start}"));
    let cells: Vec<usize> = line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    cells.try_into().unwrap()
}

/// Compares what was measured with the documentation, all of it before anything fails.
#[derive(Default)]
struct Measured(Vec<String>);

impl Measured {
    fn add(&mut self, command: &str, counted: &Counted) {
        counted.gets_once();
        let row = counted.row();
        println!("//! | {command} | {} |", row.map(|count| count.to_string()).join(" | "));
        let documented = documented(command);
        if row != documented {
            self.0.push(format!("{command}: {row:?}, and {documented:?} is documented"));
        }
    }
}

#[tokio::test]
async fn every_command_needs_the_requests_that_are_documented() {
    let mut counted = Counted::new(Quirks::default());
    let mut measured = Measured::default();
    build(&counted.client, 'a').await.unwrap();
    counted.again();
    measured_all(&mut counted, &mut measured).await;
    assert!(measured.0.is_empty(), "{:#?}", measured.0);
}

async fn measured_all(counted: &mut Counted, measured: &mut Measured) {
    let digest = packed('a').await.manifest.digest();
    let manifest = counted.client.manifest(digest).await.unwrap();
    for name in ["x", "y"] {
        counted.client.put_tag(&tag(name), &manifest, Expect::Absent).await.unwrap();
        counted.client.put_tag(&tag(name), &manifest, Expect::Absent).await.unwrap();
    }
    // The second time each of them is looked at, and that is all.
    let mut row = counted.row();
    row[1] -= 2;
    assert_eq!(row, documented("a digest under two tags"));
    counted.registry.set_tag(NAME, "x", None);
    counted.registry.set_tag(NAME, "y", None);
    counted.again();
    build(&counted.client, 'b').await.unwrap();
    measured.add("`push`, of two blobs", counted);
    counted.again();
    promote(&counted.client, 'a').await.unwrap();
    measured.add("`promote`, with a newer candidate to re-base; the first record", counted);
    counted.again();
    promote(&counted.client, 'a').await.unwrap();
    measured.add("`promote`, done already", counted);
    counted.again();
    promote(&counted.client, 'b').await.unwrap();
    measured.add("`promote`, of the newest", counted);
    counted.again();
    status(&counted.client).await.unwrap();
    measured.add("`status`", counted);
    counted.again();
    rollback(&counted.client, 'a').await.unwrap();
    measured.add("`rollback`", counted);
    counted.again();
    reject(&counted.client, 'a').await.unwrap();
    measured.add("`reject`", counted);
}

#[tokio::test]
async fn requests_do_not_grow_with_the_tags() {
    let mut rows = BTreeMap::<&str, Vec<Row>>::new();
    for tags in [100, 10_000] {
        let mut counted = Counted::new(Quirks::default());
        build(&counted.client, 'a').await.unwrap();
        promote(&counted.client, 'a').await.unwrap();
        build(&counted.client, 'b').await.unwrap();
        build(&counted.client, 'c').await.unwrap();
        // A few are added on the way, and fit on the last page.
        fill(&counted.registry, NAME, tags - 10);
        let pages = tags.div_ceil(1000);
        counted.again();
        status(&counted.client).await.unwrap();
        rows.entry("status").or_default().push(without(pages, counted.row()));
        counted.again();
        promote(&counted.client, 'b').await.unwrap();
        counted.gets_once();
        rows.entry("promote").or_default().push(without(pages, counted.row()));
    }
    for (command, rows) in rows {
        println!("{command} of 100 and of 10,000 tags, but for the pages: {rows:?}");
        assert_eq!(rows[0], rows[1], "{command}");
    }
}

/// One listing of so many pages, and the rest.
fn without(pages: usize, mut row: Row) -> Row {
    assert_eq!(row[0] % pages, 0, "{} pages, and a listing has {pages}", row[0]);
    row[0] /= pages;
    row
}

#[tokio::test]
async fn thirty_two_first_calls_fetch_one_token() {
    let counted = Counted::new(guarded());
    let digest = counted.registry.seed(NAME, "1.0.0", "one");
    let one = tag("1.0.0");
    let calls = (0..32).map(|_| counted.client.resolve(&one));
    for found in futures_util::future::join_all(calls).await {
        assert_eq!(found.unwrap(), Some(digest));
    }
    assert_eq!(counted.proxy.count(Operation::Token), 1);
    assert_eq!(counted.proxy.count(Operation::Ping), 0);
}

#[tokio::test]
async fn nobody_is_asked_for_a_welcome() {
    let counted = Counted::new(Quirks::default());
    build(&counted.client, 'a').await.unwrap();
    promote(&counted.client, 'a').await.unwrap();
    assert_eq!((counted.proxy.count(Operation::Ping), counted.proxy.count(Operation::Token)), (0, 0));
}

#[tokio::test]
async fn a_manifest_in_memory_is_no_proof_that_the_registry_has_it() {
    let counted = Counted::new(Quirks::default());
    build(&counted.client, 'a').await.unwrap();
    let there = Counted::new(Quirks::default());
    let options = CopyOptions::default();
    let copied = || copy(&counted.client, &there.client, &Selection::All, &options, &Quiet);
    copied().await.unwrap();
    let tags = there.registry.tags(NAME);
    // The destination has been read, and now loses everything.
    let digest = *tags.values().next().unwrap();
    there.client.manifest(digest).await.unwrap();
    there.registry.fork("nothing", NAME);
    let report = copied().await.unwrap();
    assert_eq!((report.manifests.copied, there.registry.tags(NAME)), (1, tags));
    assert!(there.registry.manifest(NAME, &digest).is_some());
}

#[tokio::test]
async fn what_is_read_once_by_digest_is_kept_by_every_clone() {
    let counted = Counted::new(Quirks::default());
    let digest = counted.registry.seed(NAME, "1.0.0", "one");
    let clone = counted.client.clone();
    assert_eq!(counted.client.manifest(digest).await.unwrap(), clone.manifest(digest).await.unwrap());
    assert_eq!(counted.proxy.count(Operation::GetDigest), 1);
}

#[tokio::test]
async fn a_manifest_that_was_deleted_with_its_tag_is_not_kept() {
    let counted = Counted::new(Quirks { tag_delete: TagDelete::DeletesManifest, ..Quirks::default() });
    let digest = counted.registry.seed(NAME, "1.0.0", "one");
    counted.client.manifest(digest).await.unwrap();
    counted.client.delete_tag(&tag("1.0.0"), digest).await.unwrap_err();
    assert_eq!(counted.client.manifest(digest).await.unwrap_err().kind(), &PortErrorKind::NotFound);
}
