//! The folder keeps every promise of the port that it implements.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use promotion_core::ports::Registry;
use promotion_core::testing::conformance::{registry_conformance, shared_conformance};
use verify_your_own::folder::Folder;

/// A folder for each law, gone with the test.
struct Folders {
    all: tempfile::TempDir,
    next: AtomicUsize,
}

impl Folders {
    fn new() -> Self {
        Self { all: tempfile::tempdir().unwrap(), next: AtomicUsize::new(0) }
    }

    fn fresh(&self) -> PathBuf {
        self.all.path().join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

fn open(path: &std::path::Path) -> Box<dyn Registry> {
    Box::new(Folder::open(path).unwrap())
}

/// Files never make anybody wait, so one poll is the whole run. An adapter that waits brings its runtime, as in
/// `#[tokio::test]`.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the folder waited"),
    }
}

#[test]
fn a_folder_keeps_every_law_of_the_port() {
    let folders = Folders::new();
    ready(registry_conformance(|| async { open(&folders.fresh()) }));
}

#[test]
fn two_views_of_a_folder_keep_every_law_between_them() {
    let folders = Folders::new();
    ready(shared_conformance(|| async {
        let path = folders.fresh();
        (open(&path), open(&path))
    }));
}
