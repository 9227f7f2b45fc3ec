//! Where an artifact is: every leaf of the diagnosis, with the objects that lead to it, and what people read.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;

use promotion_core::cluster::{Observed, Site};
use promotion_core::memory::MemoryCluster;
use promotion_core::plan::Goal;
use promotion_core::ports::PortError;
use promotion_core::ports::cluster::{Kind, Object, ObjectName, Reading};
use promotion_core::why::{Answer, Walk};
use serde_json::{Value, json};

use crate::two_clusters::*;

/// A change that breaks one link, by what it is.
type Leaf = (&'static str, fn() -> Scene, fn(&mut Scene));

const INTEGRATION: &[Leaf] = &[
    ("nothing is wrong, and nobody promoted it", Scene::waiting, |_| {}),
    ("it was pushed and never handed over", Scene::waiting, |scene| {
        scene.artifact = scene.registry.push_artifact(&"f".repeat(40), "pushed");
    }),
    ("its candidate was lost", Scene::waiting, |scene| {
        scene.registry.delete_tag(&"0.1.0-rc.1".parse().expect("a tag")).expect("a tag that was there");
    }),
    ("it was rejected", Scene::waiting, |scene| {
        let goal = Goal::Reject { artifact: scene.artifact, reason: "data loss".into() };
        scene.pursue(goal);
    }),
    ("a newer build came", Scene::waiting, |scene| {
        scene.build('b');
    }),
    ("a candidate of a fixed base is always below the stable one", Scene::waiting, |scene| {
        let old = scene.artifact;
        scene.tag("0.1.0", old);
        scene.artifact = scene.registry.push_artifact(&"b".repeat(40), "b");
        let digest = scene.artifact;
        scene.tag("integration-bbbbbbb", digest);
        scene.tag("0.1.0-rc.2", digest);
    }),
    ("there is no source", Scene::waiting, |scene| remove(&mut scene.integration, SOURCE)),
    ("sources may not be read", Scene::waiting, |scene| {
        let why = "forbidden: User \"ci\" cannot get resource \"ocirepositories\"".to_owned();
        scene.integration.forbidden.insert(Kind::OciRepository, why);
    }),
    ("the source follows another repository", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/spec/url", json!("oci://ghcr.io/acme/platform-old"));
    }),
    ("the source is suspended", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
        change(&mut scene.integration, SOURCE, "/spec/suspend", json!(true));
    }),
    ("the source's constraint excludes candidates", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/spec/ref/semver", json!(">= 0.0.0"));
        change(&mut scene.integration, SOURCE, "/status/artifact", json!(null));
        failing(
            &mut scene.integration,
            SOURCE,
            "OCIPullFailed",
            "failed to determine the artifact tag: no match found for semver: >= 0.0.0",
        );
    }),
    ("the source's filter excludes it", Scene::waiting, |scene| {
        let digest = scene.artifact;
        scene.tag("0.0.1-beta.1", digest);
        change(&mut scene.integration, SOURCE, "/spec/ref/semverFilter", json!(".*-beta.*"));
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("the source's constraint is no constraint", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/spec/ref/semver", json!(">> 1"));
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("a poison tag outranks it", Scene::waiting, |scene| {
        let poison = scene.registry.push_artifact(&"e".repeat(40), "poison");
        scene.tag("v9.9.9-nightly", poison);
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(format!("v9.9.9-nightly@{poison}")));
    }),
    ("a tie makes it an accident", Scene::waiting, |scene| {
        let other = scene.registry.push_artifact(&"e".repeat(40), "other");
        scene.tag("v0.1.0-rc.1", other);
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(format!("v0.1.0-rc.1@{other}")));
    }),
    ("the source is pinned to a tag", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/spec/ref", json!({ "tag": "0.0.9" }));
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("the source is pinned to a digest, and its range has no say", Scene::waiting, |scene| {
        let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        change(&mut scene.integration, SOURCE, "/spec/ref", json!({ "digest": digest, "semver": ">= 0.0.0-0" }));
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(digest));
    }),
    ("the source follows latest", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/spec/ref", json!({}));
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("the source may not pull", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/status/artifact", json!(null));
        let message = "failed to configure authentication: GET https://ghcr.io/token: DENIED: denied";
        failing(&mut scene.integration, SOURCE, "OCIPullFailed", message);
    }),
    ("the source's credentials cannot be read", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/status/artifact", json!(null));
        failing(&mut scene.integration, SOURCE, "AuthenticationFailed", "secrets \"ghcr\" not found");
    }),
    ("the artifact is not signed", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
        change(
            &mut scene.integration,
            SOURCE,
            "/status/conditions/0",
            json!({
                "type": "SourceVerified", "status": "False", "reason": "VerificationError",
                "message": "no matching signatures were found", "observedGeneration": 1,
            }),
        );
    }),
    ("the source has not looked yet", Scene::waiting, |scene| {
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("there is no Kustomization", Scene::waiting, |scene| remove(&mut scene.integration, KUSTOMIZATION)),
    ("the Kustomization applies another source", Scene::waiting, |scene| {
        change(&mut scene.integration, KUSTOMIZATION, "/spec/sourceRef/name", json!("other"));
    }),
    ("the Kustomization is suspended", Scene::waiting, |scene| {
        change(&mut scene.integration, KUSTOMIZATION, "/spec/suspend", json!(true));
    }),
    ("the Kustomization waits for another", Scene::waiting, |scene| {
        change(&mut scene.integration, KUSTOMIZATION, "/spec/dependsOn", json!([{ "name": "infra" }]));
        let message = "dependency 'flux-system/infra' is not ready";
        failing(&mut scene.integration, KUSTOMIZATION, "DependencyNotReady", message);
        let infra = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": { "namespace": "flux-system", "name": "infra" },
            "status": { "conditions": [{ "type": "Ready", "status": "False", "reason": "BuildFailed",
                                          "message": "kustomize build failed: accumulating resources" }] },
        });
        scene.integration.insert(Object::of(infra).expect("a known kind"));
    }),
    ("the Kustomization cannot be built", Scene::waiting, |scene| {
        failing(
            &mut scene.integration,
            KUSTOMIZATION,
            "BuildFailed",
            "kustomize build failed: missing Resource metadata",
        );
    }),
    ("the API server does not accept what it applies", Scene::waiting, |scene| {
        let message = "Deployment/apps/shop dry-run failed: .spec.replicas: expected numeric";
        failing(&mut scene.integration, KUSTOMIZATION, "ReconciliationFailed", message);
    }),
    ("a health check fails", Scene::waiting, |scene| {
        let message =
            "health check failed after 5m0s: timeout waiting for: [Deployment/apps/shop status: 'InProgress']";
        failing(&mut scene.integration, KUSTOMIZATION, "HealthCheckFailed", message);
    }),
    ("the Kustomization's status is of an older spec", Scene::waiting, |scene| {
        change(&mut scene.integration, KUSTOMIZATION, "/metadata/generation", json!(2));
    }),
    ("the Kustomization has not applied it yet", Scene::waiting, |scene| {
        change(&mut scene.integration, KUSTOMIZATION, "/status/lastAppliedRevision", json!(BEFORE));
    }),
    ("a HelmRelease has not moved yet", Scene::waiting, |scene| {
        change(&mut scene.integration, RELEASE, "/metadata/generation", json!(2));
    }),
    ("a HelmRelease is ready with the chart it had", Scene::waiting, |scene| {
        charted(&mut scene.integration, CHART_BEFORE);
    }),
    ("the chart of a HelmRelease was changed, and nobody has looked", Scene::waiting, |scene| {
        charted(&mut scene.integration, CHART);
        change(&mut scene.integration, SHOP_CHART, "/metadata/generation", json!(2));
    }),
    ("the chart of a HelmRelease cannot be fetched", Scene::waiting, |scene| {
        charted(&mut scene.integration, CHART);
        failing(&mut scene.integration, SHOP_CHART, "OCIArtifactPullFailed", "6.5.5: not found");
    }),
    ("a HelmRelease failed", Scene::waiting, |scene| {
        failing(
            &mut scene.integration,
            RELEASE,
            "UpgradeFailed",
            "Helm upgrade failed: timed out waiting for the condition",
        );
    }),
    ("a HelmRelease is suspended", Scene::waiting, |scene| {
        change(&mut scene.integration, RELEASE, "/spec", json!({ "suspend": true }));
    }),
    ("a HelmRelease is gone", Scene::waiting, |scene| remove(&mut scene.integration, RELEASE)),
    ("the controller has been dead for a month, and everything is green", Scene::waiting, |scene| {
        reconciled(&mut scene.integration, "2026-02-01T12:00:00Z");
    }),
    ("a canary fails", Scene::waiting, |scene| {
        change(&mut scene.integration, CANARY, "/status/status", json!("Failed"));
        change(&mut scene.integration, CANARY, "/status/message", json!("http: 502"));
    }),
    ("a gate is dead with everything green: the canary has not run for two months", Scene::waiting, |scene| {
        change(&mut scene.integration, CANARY, "/status/lastCheck", json!("2026-01-01T00:00:00Z"));
    }),
    ("no alert listens", Scene::waiting, |scene| {
        change(&mut scene.integration, ALERT, "/spec/eventSources", json!([{ "kind": "HelmRelease", "name": "*" }]));
    }),
    ("alerts may not be read", Scene::waiting, |scene| {
        scene.integration.forbidden.insert(Kind::Alert, "forbidden: cannot list alerts".to_owned());
    }),
    ("the alert passes only errors", Scene::waiting, |scene| {
        change(&mut scene.integration, ALERT, "/spec/eventSeverity", json!("error"));
    }),
    ("the alert excludes the message", Scene::waiting, |scene| {
        change(&mut scene.integration, ALERT, "/spec/exclusionList", json!(["^Health check passed", "finished in"]));
    }),
    ("the alert is suspended", Scene::waiting, |scene| {
        change(&mut scene.integration, ALERT, "/spec/suspend", json!(true));
    }),
    ("the provider's token lacks the scope", Scene::waiting, |scene| {
        happen(
            &mut scene.integration,
            "2026-03-01T11:59:00Z",
            "postMessage failed: 403 Resource not accessible by integration",
        );
    }),
    ("the alert's provider is gone", Scene::waiting, |scene| remove(&mut scene.integration, PROVIDER)),
    ("the provider drops success: the Kustomization does not wait for health", Scene::waiting, |scene| {
        change(&mut scene.integration, KUSTOMIZATION, "/spec/wait", json!(false));
    }),
];

const LIVE: &[Leaf] = &[
    ("nothing is wrong", Scene::new, |_| {}),
    ("the promotion stopped half-way: the release is missing", Scene::new, |scene| {
        scene.registry.delete_tag(&"0.1.0".parse().expect("a tag")).expect("a tag that was there");
        scene.settle();
    }),
    ("the mark is missing: bytes that nobody validated", Scene::waiting, |scene| {
        let digest = scene.artifact;
        scene.tag("0.1.0", digest);
        scene.settle();
    }),
    ("integration has gone on", Scene::new, |scene| {
        scene.build('b');
        change(&mut scene.integration, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("something newer is live", Scene::new, |scene| {
        let newer = scene.build('b');
        scene.promote(newer);
    }),
    ("live's constraint does not admit it", Scene::new, |scene| {
        change(&mut scene.live, SOURCE, "/spec/ref/semver", json!(">= 1.0.0"));
        change(&mut scene.live, SOURCE, "/status/artifact", json!(null));
    }),
    ("what live runs is not lower", Scene::new, |scene| {
        let other = scene.registry.push_artifact(&"e".repeat(40), "other");
        scene.tag("7.0.0", other);
        change(&mut scene.live, SOURCE, "/status/artifact/revision", json!(format!("7.0.0@{other}")));
    }),
    ("live is pinned by promotion", Scene::new, |scene| {
        let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let pinned = json!({ "before": { "semver": ">= 0.0.0" }, "to": digest, "tag": "0.0.9", "by": "ada",
                             "at": "2026-02-28T03:00:00Z", "reason": "data loss" });
        change(
            &mut scene.live,
            SOURCE,
            "/metadata/annotations",
            json!({ "promotion-rs.github.io/pinned": pinned.to_string() }),
        );
        change(&mut scene.live, SOURCE, "/spec/ref", json!({ "digest": digest }));
        change(&mut scene.live, SOURCE, "/status/artifact/revision", json!(digest));
    }),
    ("live is suspended", Scene::new, |scene| {
        change(&mut scene.live, SOURCE, "/spec/suspend", json!(true));
    }),
    ("live has not looked yet", Scene::new, |scene| {
        change(&mut scene.live, SOURCE, "/status/artifact/revision", json!(BEFORE));
    }),
    ("live's HelmRelease is not ready", Scene::new, |scene| {
        failing(&mut scene.live, RELEASE, "InstallFailed", "Helm install failed: cannot re-use a name");
    }),
];

fn told(leaves: &[Leaf]) -> String {
    let mut text = String::new();
    for (name, scene, change) in leaves {
        let mut scene = scene();
        change(&mut scene);
        let trace = scene.trace(Walk::Everything);
        let passed = trace.links.iter().filter(|link| matches!(link.answer, Answer::Pass(_))).count();
        writeln!(text, "{name}").expect("memory");
        let told = trace.links.iter().filter(|link| !matches!(link.answer, Answer::Pass(_)));
        for link in told {
            let (word, reason) = match &link.answer {
                Answer::Fail(reason) => ("broken", reason),
                Answer::Unknown(reason) => ("unknown", reason),
                Answer::Pass(_) => continue,
            };
            writeln!(text, "  {} {:?}: {word}: {} [{}]", link.stage, link.question, reason.message(), reason.id())
                .expect("memory");
            if let Some(fix) = reason.fix() {
                writeln!(text, "    -> {fix}").expect("memory");
            }
        }
        writeln!(text, "  after {passed} links that hold\n").expect("memory");
    }
    text
}

#[test]
fn every_way_to_be_stuck_in_integration_is_told() {
    insta::assert_snapshot!(told(INTEGRATION));
}

#[test]
fn every_way_for_live_not_to_update_is_told() {
    insta::assert_snapshot!(told(LIVE));
}

#[test]
fn each_leaf_breaks_its_own_link_and_unknown_is_never_healthy() {
    for (name, scene, change) in INTEGRATION.iter().chain(LIVE) {
        let mut scene = scene();
        change(&mut scene);
        let trace = scene.trace(Walk::Everything);
        let broken = trace.links.iter().filter(|link| matches!(link.answer, Answer::Fail(_))).count();
        assert!(broken <= 1, "{name}: the walk ends at the first broken link");
        assert_eq!(
            trace.verdict().is_none(),
            matches!(*name, "nothing is wrong" | "integration has gone on"),
            "{name}"
        );
    }
}

#[test]
fn a_cluster_that_cannot_be_read_leaves_the_rest_answered() {
    let mut scene = Scene::new();
    for kind in Kind::all() {
        scene.live.forbidden.insert(kind, "the cluster does not answer".to_owned());
    }
    let trace = scene.trace(Walk::Everything);
    assert_eq!(trace.verdict().map(promotion_core::reason::Reason::id), Some("object-unreadable"));
    assert!(!trace.is_broken(), "unknown is not broken");
    let of_integration = trace.links.iter().filter(|link| link.stage == "integration");
    assert!(
        of_integration.clone().count() == 7
            && of_integration.clone().all(|link| matches!(link.answer, Answer::Pass(_)))
    );
}

/// A cluster that counts what it is asked.
struct Counted(MemoryCluster, std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl promotion_core::ports::cluster::Cluster for Counted {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn list(&self, kind: Kind, namespace: &str) -> Reading<Vec<Object>> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.list(kind, namespace).await
    }

    async fn get(&self, kind: Kind, name: &ObjectName) -> Reading<Object> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.get(kind, name).await
    }

    async fn patch(&self, kind: Kind, name: &ObjectName, patch: &Value) -> Result<Object, PortError> {
        self.0.patch(kind, name, patch).await
    }

    async fn create(&self, object: &Object) -> Result<Object, PortError> {
        self.0.create(object).await
    }
}

#[test]
fn what_is_asked_of_a_cluster_does_not_grow_with_it() {
    let mut cluster = Scene::new().integration;
    let entries: Vec<Value> = (0..1000)
        .map(|number| json!({ "id": format!("apps_shop-{number}_helm.toolkit.fluxcd.io_HelmRelease"), "v": "v2" }))
        .collect();
    change(&mut cluster, KUSTOMIZATION, "/status/inventory/entries", json!(entries));
    change(&mut cluster, KUSTOMIZATION, "/spec/dependsOn", json!([{ "name": "infra" }, { "name": "crds" }]));
    for number in 0..1000 {
        let release = json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": { "namespace": "apps", "name": format!("shop-{number}") },
            "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
        });
        cluster.insert(Object::of(release).expect("a known kind"));
    }
    let counted = Counted(cluster, Default::default());
    let observed = block_on(Observed::read(&counted, site("integration"), now()));
    assert_eq!(observed.releases.len(), 1000);
    assert_eq!(observed.unready_release(true), None);
    // Source, Kustomization, alerts, providers, canaries, events; two dependencies; releases of one namespace.
    assert_eq!(counted.1.into_inner(), 6 + 2 + 1);
}

#[test]
fn a_cluster_is_a_witness_of_what_it_runs_and_of_nothing_else() {
    use promotion_core::evidence::EvidenceKind::{Canary, HelmRelease, Kustomization};
    let site = || Site {
        stage: "integration".into(),
        context: None,
        namespace: "flux-system".into(),
        source: Some("platform".into()),
        kustomization: Some("platform".into()),
    };
    let witness = |change: fn(&mut MemoryCluster)| {
        let mut scene = Scene::waiting();
        change(&mut scene.integration);
        let observed = block_on(Observed::read(&scene.integration, site(), now()));
        let (evidence, troubles) = observed.evidence(REPOSITORY, &[Kustomization, HelmRelease, Canary]);
        assert!(evidence.iter().all(|evidence| evidence.digest == Some(scene.artifact)));
        assert!(evidence.iter().all(|evidence| evidence.stage.as_deref() == Some("integration")));
        let kinds: Vec<_> = evidence.iter().map(|evidence| evidence.kind).collect();
        (kinds, troubles.iter().map(promotion_core::cluster::Trouble::id).collect::<Vec<_>>())
    };
    assert_eq!(witness(|_| {}), (vec![Kustomization, HelmRelease, Canary], vec![]));
    let at_work: fn(&mut MemoryCluster) =
        |cluster| change(cluster, KUSTOMIZATION, "/status/lastAttemptedRevision", json!(BEFORE));
    let (nothing, unsaid) = witness(at_work);
    assert!(nothing.is_empty() && !unsaid.is_empty(), "it is at work on something else: {unsaid:?}");
    assert_eq!(
        witness(|cluster| change(cluster, KUSTOMIZATION, "/spec/suspend", json!(true))),
        (vec![], vec!["object-suspended"])
    );
    assert_eq!(
        witness(|cluster| change(cluster, KUSTOMIZATION, "/metadata/generation", json!(2))),
        (vec![], vec!["status-outdated"])
    );
    assert_eq!(
        witness(|cluster| change(cluster, RELEASE, "/metadata/generation", json!(2))),
        (vec![Kustomization, Canary], vec!["status-outdated"])
    );
    // The artifact brought another chart, and the release shows the health of the one before.
    assert_eq!(witness(|cluster| charted(cluster, CHART)).1, [""; 0]);
    assert_eq!(
        witness(|cluster| charted(cluster, CHART_BEFORE)),
        (vec![Kustomization, Canary], vec!["chart-not-applied"])
    );
    assert_eq!(
        witness(|cluster| {
            charted(cluster, CHART);
            change(cluster, SHOP_CHART, "/metadata/generation", json!(2));
        }),
        (vec![Kustomization, Canary], vec!["status-outdated"])
    );
    assert_eq!(
        witness(|cluster| {
            charted(cluster, CHART);
            failing(cluster, SHOP_CHART, "OCIArtifactPullFailed", "6.5.5: not found");
        }),
        (vec![Kustomization, Canary], vec!["source-fails"])
    );
    // Suspended, its controller takes note of the newest spec, fetches nothing, and calls that ready.
    assert_eq!(
        witness(|cluster| {
            charted(cluster, CHART);
            change(cluster, SHOP_CHART, "/spec/suspend", json!(true));
        }),
        (vec![Kustomization, Canary], vec!["object-suspended"])
    );
    assert_eq!(
        witness(|cluster| {
            charted(cluster, CHART);
            change(cluster, SHOP_CHART, "/status/artifact", Value::Null);
        }),
        (vec![Kustomization, Canary], vec!["source-fails"])
    );
    // A tag that is no version: helm-controller keeps the whole revision where the digest belongs.
    for (taken, found) in [("latest@", vec![]), ("latest@sha256:00", vec!["chart-not-applied"])] {
        let mut scene = Scene::waiting();
        let taken = if taken.ends_with('@') { format!("{taken}{CHART}") } else { taken.to_owned() };
        charted(&mut scene.integration, &taken);
        change(&mut scene.integration, SHOP_CHART, "/status/artifact/revision", json!(format!("latest@{CHART}")));
        let observed = block_on(Observed::read(&scene.integration, site(), now()));
        let troubles: Vec<_> =
            observed.unready_release(true).iter().map(promotion_core::cluster::Trouble::id).collect();
        assert_eq!(troubles, found, "{taken}");
    }
    // Without history the last attempt tells; who tells neither is believed.
    assert_eq!(
        witness(|cluster| {
            charted(cluster, CHART);
            change(cluster, RELEASE, "/status/history", json!([]));
            change(cluster, RELEASE, "/status/lastAttemptedRevisionDigest", json!(CHART_BEFORE));
        }),
        (vec![Kustomization, Canary], vec!["chart-not-applied"])
    );
    assert_eq!(
        witness(|cluster| {
            charted(cluster, CHART);
            change(cluster, RELEASE, "/status/history", json!([]));
        })
        .1,
        [""; 0]
    );
    // A chart of a HelmRepository goes by its version.
    let packaged: fn(&mut MemoryCluster, &str) = |cluster, taken| {
        let chart = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmChart",
            "metadata": { "namespace": "flux-system", "name": "apps-shop", "generation": 1 },
            "status": { "observedGeneration": 1, "artifact": { "revision": "6.5.4" },
                        "conditions": [{ "type": "Ready", "status": "True", "reason": "ChartPullSucceeded" }] },
        });
        cluster.insert(Object::of(chart).expect("a known kind"));
        change(cluster, RELEASE, "/status/helmChart", json!("flux-system/apps-shop"));
        change(cluster, RELEASE, "/status/lastAttemptedRevision", json!(taken));
    };
    let mut scene = Scene::waiting();
    for (taken, found) in [("6.5.4", None), ("6.5.3", Some("chart-not-applied"))] {
        packaged(&mut scene.integration, taken);
        let observed = block_on(Observed::read(&scene.integration, site(), now()));
        assert_eq!(observed.unready_release(false).map(|trouble| trouble.id()), found);
    }
    packaged(&mut scene.integration, "6.5.4");
    scene.integration.forbidden.insert(Kind::HelmChart, "forbidden: cannot list helmcharts".to_owned());
    let observed = block_on(Observed::read(&scene.integration, site(), now()));
    assert_eq!(observed.unready_release(false).map(|trouble| trouble.id()), Some("chart-unknown"));
    scene.integration.forbidden.clear();
    remove(&mut scene.integration, (Kind::HelmChart, "flux-system", "apps-shop"));
    let observed = block_on(Observed::read(&scene.integration, site(), now()));
    assert_eq!(observed.unready_release(false).map(|trouble| trouble.id()), Some("chart-absent"));
    assert_eq!(
        witness(|cluster| change(cluster, CANARY, "/status/lastCheck", json!("2026-01-01T00:00:00Z"))),
        (vec![Kustomization, HelmRelease], vec!["canary-stale"])
    );
    assert_eq!(
        witness(|cluster| remove(cluster, CANARY)),
        (vec![Kustomization, HelmRelease], vec!["object-absent"]),
        "no canary is no passing canary"
    );
    // Two intervals of ten minutes and a timeout of five: after that nobody looks any more.
    assert_eq!(witness(|cluster| reconciled(cluster, "2026-03-01T11:34:59Z")), (vec![], vec!["controller-silent"]));
    assert_eq!(witness(|cluster| reconciled(cluster, "2026-03-01T11:35:00Z")).1, [""; 0]);
    assert_eq!(
        witness(|cluster| {
            reconciled(cluster, "2026-03-01T11:34:59Z");
            failing(cluster, KUSTOMIZATION, "BuildFailed", "kustomize build failed");
        }),
        (vec![], vec!["object-not-ready"]),
        "what is known to be wrong comes first"
    );
    // What another repository or another source put there is no evidence, whatever digest it is.
    assert_eq!(
        witness(|cluster| change(cluster, SOURCE, "/spec/url", json!("oci://other.example/platform"))),
        (vec![], vec!["source-elsewhere"])
    );
    assert_eq!(
        witness(|cluster| change(cluster, KUSTOMIZATION, "/spec/sourceRef/name", json!("someone-elses"))),
        (vec![], vec!["follows-another-source"])
    );
    assert_eq!(witness(|cluster| remove(cluster, SOURCE)), (vec![], vec!["object-absent"]));
    // A canary that has not run since tried what was there before, as did one whose checks have changed since.
    assert_eq!(
        witness(|cluster| {
            change(cluster, CANARY, "/spec/interval", json!(3600));
            change(cluster, CANARY, "/status/lastCheck", json!("2026-03-01T10:59:00Z"));
        }),
        (vec![Kustomization, HelmRelease], vec!["canary-stale"])
    );
    assert_eq!(
        witness(|cluster| {
            change(cluster, CANARY, "/metadata/generation", json!(2));
            change(cluster, CANARY, "/status/observedGeneration", json!(1));
        }),
        (vec![Kustomization, HelmRelease], vec!["status-outdated"])
    );
    // The canaries of the artifact itself count, wherever they are, and no others.
    assert_eq!(
        witness(|cluster| {
            let entries = json!([{ "id": "apps_shop_canaries.flanksource.com_Canary", "v": "v1" }]);
            change(cluster, KUSTOMIZATION, "/status/inventory/entries", entries);
            let failing = json!({
                "apiVersion": "canaries.flanksource.com/v1", "kind": "Canary",
                "metadata": { "namespace": "apps", "name": "shop" }, "spec": { "interval": 60 },
                "status": { "status": "Failed", "lastCheck": "2026-03-01T11:59:30Z" },
            });
            cluster.insert(Object::of(failing).expect("a known kind"));
        }),
        (vec![Kustomization], vec!["object-absent", "canary-fails"])
    );
    let forbidden: fn(&mut MemoryCluster) =
        |cluster| drop(cluster.forbidden.insert(Kind::HelmRelease, "forbidden".to_owned()));
    assert_eq!(witness(forbidden), (vec![Kustomization, Canary], vec!["object-unreadable"]));
}

#[test]
fn what_could_not_be_delivered_before_the_success_says_nothing_of_it() {
    let undelivered = |at: &str, forbidden: bool| {
        let mut scene = Scene::waiting();
        happen(&mut scene.integration, at, "postMessage failed: 502");
        if forbidden {
            scene.integration.forbidden.insert(Kind::Event, "forbidden: cannot list events".to_owned());
        }
        block_on(Observed::read(&scene.integration, site("integration"), now())).announces().is_err()
    };
    assert!(undelivered("2026-03-01T11:00:00Z", false));
    assert!(!undelivered("2026-03-01T10:59:59Z", false), "ready since eleven");
    assert!(!undelivered("2026-03-01T11:30:00Z", true), "events are more than somebody who reads objects may need");
}
