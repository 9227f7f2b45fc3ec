//! Distribution 2.8 answers 500 to whoever reads a tag while it is written: that is never "absent", and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use promotion_core::Digest;
use promotion_core::manifest::Manifest;
use promotion_core::ports::{Expect, Registry};
use promotion_registry::distribution::{Distribution, Observer, Options, Retries};
use promotion_registry::flux::push;
use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::servers::{Kind, Server, Setup};

use crate::story::{open, options, packed};
use crate::support::tag;

const NAME: &str = "acme/platform";
const TAGS: usize = 4;
const WRITES: usize = 500;
const READS: usize = 2000;

/// Two artifacts, and answers seen: all, and torn ones.
struct Scene {
    registry: Distribution,
    manifests: Vec<Manifest>,
    answers: Arc<[AtomicUsize; 2]>,
}

impl Scene {
    async fn new(host: &str) -> Self {
        let answers = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let seen = Arc::clone(&answers);
        let observer = Observer(Arc::new(move |exchange| {
            let torn = exchange.status == Some(500);
            seen[usize::from(torn)].fetch_add(1, Ordering::Relaxed);
        }));
        let options = options(host);
        // On a machine whose disk is busy a tag is torn for longer than the pauses of other tests last together.
        let retries = Retries { attempts: 14, longest: Duration::from_secs(1), ..options.retries };
        let registry = open(Options { observer: Some(observer), retries, ..options }, host, NAME);
        let mut manifests = Vec::new();
        for letter in ['a', 'b'] {
            let packed = packed(letter).await;
            push(&registry, &packed, None).await.unwrap();
            manifests.push(packed.manifest);
        }
        Self { registry, manifests, answers }
    }

    /// Moves a tag back and forth; each move starts from what the one before wrote.
    async fn write(&self, name: &str) -> usize {
        let mut is = Expect::Equals(self.manifests[0].digest());
        for number in 1..=WRITES {
            let manifest = &self.manifests[number % 2];
            self.registry.put_tag(&tag(name), manifest, is).await.unwrap();
            is = Expect::Equals(manifest.digest());
        }
        let last = self.manifests[WRITES % 2].digest();
        assert_eq!(self.registry.resolve(&tag(name)).await.unwrap(), Some(last), "the last write is lost");
        WRITES
    }

    /// Reads a tag that somebody writes all the time.
    async fn read(&self, name: &str) -> usize {
        let known: Vec<Option<Digest>> = self.manifests.iter().map(|manifest| Some(manifest.digest())).collect();
        for number in 0..READS {
            let found = self.registry.resolve(&tag(name)).await.unwrap();
            assert!(known.contains(&found), "{name} reads as {found:?}, the {number}th time");
        }
        READS
    }
}

/// Ten thousand reads and writes at once, and how many torn answers there were.
async fn hold(host: &str) -> usize {
    let scene = Scene::new(host).await;
    let names: Vec<String> = (0..TAGS).map(|number| format!("moving-{number}")).collect();
    for name in &names {
        scene.registry.put_tag(&tag(name), &scene.manifests[0], Expect::Absent).await.unwrap();
    }
    let both = names.iter().map(|name| join(scene.write(name), scene.read(name)));
    let done: usize = join_all(both).await.into_iter().map(|(writes, reads)| writes + reads).sum();
    let [whole, torn] = &*scene.answers;
    let (whole, torn) = (whole.load(Ordering::Relaxed), torn.load(Ordering::Relaxed));
    println!("{done} reads and writes: {torn} torn answers of {}", whole + torn);
    assert_eq!(done, TAGS * (WRITES + READS));
    torn
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torn_answers_are_never_absence_and_lose_nothing() {
    let registry = FakeRegistry::start(Quirks { torn_500: Some(7), ..Quirks::default() });
    assert!(hold(&registry.host()).await > 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs docker-registry: scripts/components"]
async fn distribution_2_under_concurrent_writes_loses_nothing() {
    let server = Server::start(Kind::Distribution2, Setup::anonymous());
    hold(&server.host()).await;
}
