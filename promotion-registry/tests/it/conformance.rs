//! The port's conformance suite, over layouts on disk.

use std::sync::atomic::{AtomicUsize, Ordering};

use promotion_core::ports::Registry;
use promotion_core::testing::conformance::{registry_conformance, shared_conformance};
use promotion_registry::OciDir;

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_is_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicUsize::new(0);
    registry_conformance(|| async {
        let path = folder.path().join(next.fetch_add(1, Ordering::Relaxed).to_string());
        Box::new(OciDir::create(path).await.unwrap()) as Box<dyn Registry>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_values_share_a_layout() {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicUsize::new(0);
    shared_conformance(|| async {
        let path = folder.path().join(next.fetch_add(1, Ordering::Relaxed).to_string());
        let one = Box::new(OciDir::create(&path).await.unwrap()) as Box<dyn Registry>;
        (one, Box::new(OciDir::open(&path).await.unwrap()) as Box<dyn Registry>)
    })
    .await;
}
