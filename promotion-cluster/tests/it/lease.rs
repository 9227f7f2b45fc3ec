//! Leases against a real API server, with real clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use promotion_cluster::testing::{ControlPlane, Identity};
use promotion_cluster::{Access, Held, Kubernetes};
use promotion_core::lease::LASTS;
use promotion_core::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::time::Timestamp;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Timestamp::from_unix(now.try_into().unwrap())
}

fn name() -> ObjectName {
    ObjectName::new("default", "promotion")
}

async fn reach(plane: &ControlPlane) -> Kubernetes {
    let kubeconfig = Some(plane.kubeconfig(Identity::Admin));
    Kubernetes::connect(&Access { kubeconfig, ..Access::default() }).await.unwrap()
}

async fn take(cluster: Arc<dyn Cluster>, me: &str, patience: Duration) -> Result<Held, PortError> {
    Held::take(cluster, name(), me, now, patience, |_| {}).await
}

/// A cluster that stops answering those who write, as after a network is cut.
struct Cut {
    inner: Kubernetes,
    cut: AtomicBool,
}

#[async_trait]
impl Cluster for Cut {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn list(&self, kind: Kind, namespace: &str) -> Reading<Vec<Object>> {
        self.inner.list(kind, namespace).await
    }

    async fn get(&self, kind: Kind, name: &ObjectName) -> Reading<Object> {
        self.inner.get(kind, name).await
    }

    async fn patch(&self, kind: Kind, name: &ObjectName, patch: &Value) -> Result<Object, PortError> {
        if self.cut.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        self.inner.patch(kind, name, patch).await
    }

    async fn create(&self, object: &Object) -> Result<Object, PortError> {
        self.inner.create(object).await
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn a_lease_has_one_holder_and_is_given_back() {
    let plane = ControlPlane::start();
    let cluster: Arc<dyn Cluster> = Arc::new(reach(&plane).await);
    let first = take(Arc::clone(&cluster), "first", PATIENCE).await.unwrap();
    assert!(first.validity().left().is_some());
    let refused = take(Arc::clone(&cluster), "second", Duration::ZERO).await.unwrap_err();
    assert_eq!(*refused.kind(), PortErrorKind::Unavailable);
    assert!(refused.to_string().contains("first holds it"), "{refused}");

    let (guard, ending) = first.into_guard();
    drop(guard);
    ending.await.unwrap();
    let begun = Instant::now();
    let second = take(cluster, "second", PATIENCE).await.unwrap();
    assert!(begun.elapsed() < LASTS, "what was given back need not expire");
    assert!(second.validity().left().is_some());
    let lease = plane.get("lease", "default/promotion").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "second");
    assert_eq!(lease["spec"]["leaseTransitions"], 1, "it changed hands once");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn ten_at_once_write_one_after_the_other() {
    let plane = ControlPlane::start();
    let cluster: Arc<dyn Cluster> = Arc::new(reach(&plane).await);
    let inside = Arc::new(AtomicBool::new(false));
    let writer = |number: usize| {
        let (cluster, inside) = (Arc::clone(&cluster), Arc::clone(&inside));
        tokio::spawn(async move {
            let held = take(cluster, &format!("writer-{number}"), PATIENCE).await.unwrap();
            assert!(!inside.swap(true, Ordering::AcqRel), "two writers at once");
            tokio::task::yield_now().await;
            assert!(inside.swap(false, Ordering::AcqRel));
            let (guard, ending) = held.into_guard();
            drop(guard);
            ending.await.unwrap();
        })
    };
    for writer in (0..10).map(writer).collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn who_is_cut_off_stops_before_somebody_else_begins() {
    let plane = ControlPlane::start();
    let cut = Arc::new(Cut { inner: reach(&plane).await, cut: AtomicBool::new(false) });
    let first = take(Arc::<Cut>::clone(&cut), "first", PATIENCE).await.unwrap();
    cut.cut.store(true, Ordering::Release);
    let second = take(Arc::new(reach(&plane).await), "second", PATIENCE).await.unwrap();
    assert_eq!(first.validity().left(), None, "the first one noticed by its own clock");
    assert!(second.validity().left().is_some());
}
