//! An artifact that went all the way, the two clusters that run it, and how anything of them is changed.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use promotion_core::Digest;
use promotion_core::cluster::{Observed, Site};
use promotion_core::evidence::Evidence;
use promotion_core::executor::{Executor, drive_in_memory};
use promotion_core::memory::{MemoryCluster, MemoryRegistry};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::Policy;
use promotion_core::ports::Expect;
use promotion_core::ports::cluster::{Kind, Object, ObjectName};
use promotion_core::snapshot::Snapshot;
use promotion_core::time::Timestamp;
use promotion_core::why::{Facts, Trace, Walk, why};
use serde_json::{Value, json};

pub(crate) const REPOSITORY: &str = "oci://ghcr.io/acme/platform";

pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a cluster in memory answers at once"),
    }
}

/// The objects of a stage.
pub(crate) fn site(stage: &str) -> Site {
    Site {
        stage: stage.into(),
        context: Some(stage.into()),
        namespace: "flux-system".into(),
        source: Some("platform".into()),
        kustomization: Some("platform".into()),
    }
}

/// An artifact that went all the way, and two clusters that run it.
pub(crate) struct Scene {
    pub(crate) registry: MemoryRegistry,
    pub(crate) policy: Policy,
    pub(crate) artifact: Digest,
    pub(crate) integration: MemoryCluster,
    pub(crate) live: MemoryCluster,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let mut scene = Self::built();
        scene.promote(scene.artifact);
        scene.settle();
        scene
    }

    /// Built, and running in integration.
    pub(crate) fn waiting() -> Self {
        let mut scene = Self::built();
        scene.settle();
        scene
    }

    pub(crate) fn built() -> Self {
        let (registry, policy) = (MemoryRegistry::default(), Policy::default());
        let mut scene = Self {
            artifact: Digest::of(b""),
            registry,
            policy,
            integration: MemoryCluster::default(),
            live: MemoryCluster::default(),
        };
        scene.artifact = scene.build('a');
        scene
    }

    pub(crate) fn build(&mut self, commit: char) -> Digest {
        let artifact = self.registry.push_artifact(&commit.to_string().repeat(40), &commit.to_string());
        self.pursue(Goal::Build(Build::of(artifact)));
        artifact
    }

    pub(crate) fn promote(&mut self, artifact: Digest) {
        let evidence = vec![Evidence::manual(artifact, "seen", now())];
        self.pursue(Goal::Promote(Promote { artifact, evidence, stage: None, version: None }));
    }

    pub(crate) fn pursue(&mut self, goal: Goal) {
        drive_in_memory(&mut self.registry, Executor::new(self.policy.clone(), goal), now()).expect("a registry");
    }

    pub(crate) fn tag(&mut self, tag: &str, digest: Digest) {
        self.registry.put(&tag.parse().expect("a tag"), digest, Expect::Any).expect("a write");
    }

    /// Both clusters as they are when they have done their work.
    pub(crate) fn settle(&mut self) {
        let (candidate, release) = ("0.1.0-rc.1", "0.1.0");
        let released = self.registry.listing().tags.iter().any(|tag| tag.as_str() == release);
        let runs = if released { release } else { candidate };
        self.integration = cluster(">= 0.0.0-0", &format!("{runs}@{}", self.artifact));
        self.live = cluster(">= 0.0.0", &format!("{runs}@{}", self.artifact));
    }

    pub(crate) fn trace(&self, walk: Walk) -> Trace {
        let observed = [
            block_on(Observed::read(&self.integration, site("integration"), now())),
            block_on(Observed::read(&self.live, site("live"), now())),
        ];
        let facts = Facts { repository: REPOSITORY, observed: Some(&observed) };
        let mut snapshot = Snapshot::new(&self.policy, &self.registry.listing().tags);
        loop {
            match why(&snapshot, &self.policy, self.artifact, walk, &facts) {
                Ok(trace) => return trace,
                Err(needs) => needs.0.into_iter().for_each(|query| {
                    let reply = self.registry.reply(&query);
                    snapshot.learn(query, reply);
                }),
            }
        }
    }
}

/// A cluster that runs a revision and tells of it.
pub(crate) fn cluster(semver: &str, revision: &str) -> MemoryCluster {
    let ready = |reason: &str, message: &str| {
        json!([{ "type": "Ready", "status": "True", "reason": reason, "message": message,
                 "lastTransitionTime": "2026-03-01T11:00:00Z", "observedGeneration": 1 }])
    };
    let mut cluster = MemoryCluster::default();
    for document in [
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
            "metadata": { "namespace": "flux-system", "name": "platform", "generation": 1 },
            "spec": { "url": REPOSITORY, "interval": "5m", "ref": { "semver": semver } },
            "status": { "observedGeneration": 1, "artifact": { "revision": revision },
                        "conditions": ready("Succeeded", "stored artifact") },
        }),
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": { "namespace": "flux-system", "name": "platform", "generation": 1 },
            "spec": { "wait": true, "sourceRef": { "kind": "OCIRepository", "name": "platform" } },
            "status": { "observedGeneration": 1, "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
                        "inventory": { "entries": [{ "id": "apps_shop_helm.toolkit.fluxcd.io_HelmRelease", "v": "v2" }] },
                        "conditions": ready("ReconciliationSucceeded", "Applied revision") },
        }),
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": { "namespace": "apps", "name": "shop", "generation": 1 },
            "status": { "observedGeneration": 1, "conditions": ready("UpgradeSucceeded", "Helm upgrade succeeded") },
        }),
        json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": { "namespace": "flux-system", "name": "promote" },
            "spec": { "providerRef": { "name": "github" }, "eventSeverity": "info",
                      "eventSources": [{ "kind": "Kustomization", "name": "platform" }] },
        }),
        json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": { "namespace": "flux-system", "name": "github" },
            "spec": { "type": "githubdispatch", "address": "https://github.com/acme/platform",
                      "secretRef": { "name": "github" } },
        }),
        json!({
            "apiVersion": "canaries.flanksource.com/v1", "kind": "Canary",
            "metadata": { "namespace": "flux-system", "name": "shop" },
            "spec": { "interval": 60 },
            "status": { "status": "Passed", "lastCheck": "2026-03-01T11:59:30Z" },
        }),
    ] {
        cluster.insert(Object::of(document).expect("a known kind"));
    }
    cluster
}

pub(crate) const SOURCE: (Kind, &str, &str) = (Kind::OciRepository, "flux-system", "platform");
pub(crate) const KUSTOMIZATION: (Kind, &str, &str) = (Kind::Kustomization, "flux-system", "platform");
pub(crate) const SHOP_CHART: (Kind, &str, &str) = (Kind::OciRepository, "apps", "shop-chart");
pub(crate) const CHART: &str = "sha256:0cb9c3e5f1b2a1d8ef9f1a9b1cbbf4a0b9a6a7cfa2d2ac7a3e5b8d0a0f2c4e11";
pub(crate) const CHART_BEFORE: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
pub(crate) const RELEASE: (Kind, &str, &str) = (Kind::HelmRelease, "apps", "shop");
pub(crate) const ALERT: (Kind, &str, &str) = (Kind::Alert, "flux-system", "promote");
pub(crate) const PROVIDER: (Kind, &str, &str) = (Kind::Provider, "flux-system", "github");
pub(crate) const CANARY: (Kind, &str, &str) = (Kind::Canary, "flux-system", "shop");

pub(crate) fn change(
    cluster: &mut MemoryCluster,
    (kind, namespace, name): (Kind, &str, &str),
    path: &str,
    value: Value,
) {
    let object = cluster.objects.get_mut(&(kind, ObjectName::new(namespace, name))).expect("an object");
    let (parent, field) = path.rsplit_once('/').expect("a path");
    let parent = object.document.pointer_mut(parent).expect("a field");
    match parent {
        Value::Array(items) => items[field.parse::<usize>().expect("an index")] = value,
        parent => parent[field] = value,
    }
}

/// When the controller last looked at the Kustomization, which it should do every ten minutes.
pub(crate) fn reconciled(cluster: &mut MemoryCluster, at: &str) {
    change(cluster, KUSTOMIZATION, "/spec/interval", json!("10m"));
    change(cluster, KUSTOMIZATION, "/spec/timeout", json!("5m"));
    let snapshot = |at: &str| json!({ "digest": "sha256:00", "lastReconciled": at, "lastReconciledStatus": "ReconciliationSucceeded" });
    change(cluster, KUSTOMIZATION, "/status/history", json!([snapshot(at), snapshot("2026-01-01T00:00:00Z")]));
}

/// What the controller says of the alert.
pub(crate) fn happen(cluster: &mut MemoryCluster, at: &str, message: &str) {
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "namespace": "flux-system", "name": format!("promote.{at}") },
        "involvedObject": { "kind": "Alert", "namespace": "flux-system", "name": "promote" },
        "type": "Warning", "reason": "NotificationDispatchFailed", "message": message, "lastTimestamp": at,
    });
    cluster.insert(Object::of(event).expect("a known kind"));
}

/// The release takes its chart from an `OCIRepository`, and last took this one.
pub(crate) fn charted(cluster: &mut MemoryCluster, taken: &str) {
    let chart = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": { "namespace": "apps", "name": "shop-chart", "generation": 1 },
        "spec": { "url": "oci://registry.example/charts/shop", "ref": { "semver": "6.x" } },
        "status": { "observedGeneration": 1, "artifact": { "revision": format!("6.5.4@{CHART}") },
                    "conditions": [{ "type": "Ready", "status": "True", "reason": "Succeeded" }] },
    });
    cluster.insert(Object::of(chart).expect("a known kind"));
    change(cluster, RELEASE, "/spec", json!({ "chartRef": { "kind": "OCIRepository", "name": "shop-chart" } }));
    change(
        cluster,
        RELEASE,
        "/status/history",
        json!([{ "chartVersion": "6.5.4", "ociDigest": taken, "status": "deployed" }]),
    );
}

pub(crate) fn remove(cluster: &mut MemoryCluster, (kind, namespace, name): (Kind, &str, &str)) {
    cluster.objects.remove(&(kind, ObjectName::new(namespace, name))).expect("an object");
}

pub(crate) fn failing(cluster: &mut MemoryCluster, object: (Kind, &str, &str), reason: &str, message: &str) {
    change(
        cluster,
        object,
        "/status/conditions/0",
        json!({
            "type": "Ready", "status": "False", "reason": reason, "message": message,
            "lastTransitionTime": "2026-03-01T11:30:00Z", "observedGeneration": 1,
        }),
    );
}

/// What the artifact's source had before.
pub(crate) const BEFORE: &str = "0.0.9@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
