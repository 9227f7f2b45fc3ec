//! The adapter against a real API server: what it reads, what it says when it cannot, and what it changes.

use std::time::Duration;

use promotion_cluster::testing::{ControlPlane, Identity};
use promotion_cluster::{Access, Kubernetes};
use promotion_core::Digest;
use promotion_core::cluster::{Fault, Kustomization, Observed, Pinned, Reference, Site, Source, pin, unpin};
use promotion_core::ports::PortErrorKind;
use promotion_core::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use promotion_core::time::Timestamp;
use serde_json::json;

use crate::manifests::{kustomization, source};

const URL: &str = "oci://127.0.0.1:5000/platform";

fn name(name: &str) -> ObjectName {
    ObjectName::new("flux-system", name)
}

async fn reach(plane: &ControlPlane, identity: Identity) -> Kubernetes {
    let kubeconfig = Some(plane.kubeconfig(identity));
    let access = Access { kubeconfig, timeout: Some(Duration::from_secs(5)), ..Access::default() };
    Kubernetes::connect(&access).await.expect("a kubeconfig")
}

async fn read(cluster: &Kubernetes, called: &str) -> Object {
    match cluster.get(Kind::OciRepository, &name(called)).await {
        Reading::Known(object) => object,
        other => panic!("{called} is there, and it is {other:?}"),
    }
}

fn why<T: std::fmt::Debug>(reading: Reading<T>) -> String {
    match reading {
        Reading::Unknown(why) => why,
        other => panic!("expected unknown, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn what_is_there_is_read_and_what_is_not_is_absent() {
    let plane = ControlPlane::start();
    plane.install("source.toolkit.fluxcd.io");
    plane.apply(&source("platform", URL, &json!({"semver": ">= 0.0.0-0"})));
    let cluster = reach(&plane, Identity::Admin).await;

    let object = read(&cluster, "platform").await;
    let found = Source::of(&object).unwrap();
    assert_eq!((found.url.as_str(), found.reference.semver.as_deref()), (URL, Some(">= 0.0.0-0")));
    assert!(object.resource_version().is_some());
    let listed = cluster.list(Kind::OciRepository, "flux-system").await.known().unwrap();
    assert_eq!(listed.iter().map(|object| object.name.clone()).collect::<Vec<_>>(), [name("platform")]);
    assert_eq!(cluster.get(Kind::OciRepository, &name("other")).await, Reading::Absent);
    // Half of Flux is installed: the other half is absent, and no error.
    assert_eq!(cluster.get(Kind::Kustomization, &name("platform")).await, Reading::Absent);
    assert_eq!(cluster.list(Kind::Alert, "flux-system").await, Reading::Absent);
    // A kind of Kubernetes itself, whose items do not say what they are.
    assert!(cluster.list(Kind::Lease, "kube-system").await.known().is_some());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn what_may_not_be_read_is_unknown_and_the_rest_is_answered() {
    let plane = ControlPlane::start();
    plane.install_flux();
    plane.apply(&source("platform", URL, &json!({"semver": ">= 0.0.0-0"})));
    plane.apply(&kustomization("platform", "platform", "./"));
    plane.allow("sources", "get", "ocirepositories.source.toolkit.fluxcd.io");
    let cluster = reach(&plane, Identity::Restricted).await;

    let allowed = read(&cluster, "platform").await;
    let forbidden = why(cluster.get(Kind::Kustomization, &name("platform")).await);
    assert!(forbidden.starts_with("forbidden: ") && forbidden.contains("kustomizations"), "{forbidden}");
    assert!(why(cluster.list(Kind::OciRepository, "flux-system").await).contains("cannot list resource"));
    let denied = cluster.patch(Kind::OciRepository, &allowed.name, &json!({"spec": {"suspend": true}})).await;
    assert_eq!(*denied.unwrap_err().kind(), PortErrorKind::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn a_cluster_that_does_not_know_us_or_does_not_answer_says_so() {
    let mut plane = ControlPlane::start();
    plane.install("source.toolkit.fluxcd.io");
    let text = std::fs::read_to_string(plane.kubeconfig(Identity::Admin)).unwrap();
    let expired = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(expired.path(), text.replace(Identity::Admin.token(), "expired")).unwrap();
    let access = Access { kubeconfig: Some(expired.path().to_owned()), ..Access::default() };
    let stranger = Kubernetes::connect(&access).await.unwrap();
    let said = why(stranger.get(Kind::OciRepository, &name("platform")).await);
    assert!(said.contains("does not know us (401") && said.contains("log in again"), "{said}");

    let cluster = reach(&plane, Identity::Admin).await;
    plane.stop_api_server();
    let said = why(cluster.list(Kind::OciRepository, "flux-system").await);
    assert!(said.contains("onnect"), "{said}");
    let error = cluster.patch(Kind::OciRepository, &name("platform"), &json!({})).await.unwrap_err();
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);

    let access = Access { context: Some("nowhere".to_owned()), ..access };
    let error = Kubernetes::connect(&access).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}

/// `OCIRepository` as another Flux defines it.
fn defined(version: &str) -> serde_json::Value {
    let anything = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "ocirepositories.source.toolkit.fluxcd.io" },
        "spec": {
            "group": "source.toolkit.fluxcd.io", "scope": "Namespaced",
            "names": { "kind": "OCIRepository", "plural": "ocirepositories", "singular": "ocirepository" },
            "versions": [{ "name": version, "served": true, "storage": true, "schema": anything }],
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn an_older_flux_is_read_as_it_is_served_and_an_unknown_one_is_unknown() {
    let plane = ControlPlane::start();
    // As in Flux 2.0 to 2.5: the group has v1, for other kinds.
    plane.install("source.toolkit.fluxcd.io_gitrepositories");
    plane.define(&defined("v1beta2"));
    let mut old = source("platform", URL, &json!({"semver": ">= 0.0.0-0"}));
    old["apiVersion"] = "source.toolkit.fluxcd.io/v1beta2".into();
    plane.apply(&old);
    let cluster = reach(&plane, Identity::Admin).await;
    let found = Source::of(&read(&cluster, "platform").await).unwrap();
    assert_eq!(found.reference.semver.as_deref(), Some(">= 0.0.0-0"));
    let patched = cluster.patch(Kind::OciRepository, &name("platform"), &json!({"spec": {"suspend": true}})).await;
    assert!(patched.is_ok(), "{patched:?}");
    assert!(Source::of(&read(&cluster, "platform").await).unwrap().suspended);

    let plane = ControlPlane::start();
    plane.define(&defined("v9"));
    let cluster = reach(&plane, Identity::Admin).await;
    let said = why(cluster.list(Kind::OciRepository, "flux-system").await);
    assert!(said.contains("is served as v9") && said.contains("v1beta2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn two_thousand_objects_are_all_listed_and_one_is_found() {
    let plane = ControlPlane::start();
    plane.install_flux();
    let named = |number| format!("platform-{number}");
    let sources = (0..1000).map(|number| source(&named(number), URL, &json!({"tag": "1.0.0"})));
    let applied = (0..1000).map(|number| kustomization(&named(number), &named(number), "./"));
    let items: Vec<_> = sources.chain(applied).collect();
    plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
    let cluster = reach(&plane, Identity::Admin).await;
    for kind in [Kind::OciRepository, Kind::Kustomization] {
        assert_eq!(cluster.list(kind, "flux-system").await.known().unwrap().len(), 1000);
    }
    let site = Site {
        stage: "integration".into(),
        context: None,
        namespace: "flux-system".into(),
        source: Some(named(742)),
        kustomization: None,
    };
    let begun = std::time::Instant::now();
    let observed = Observed::read(&cluster, site, "2026-03-01T12:00:00Z".parse().unwrap()).await;
    println!("what runs there, of {} objects: {:?}", items.len(), begun.elapsed());
    assert_eq!(observed.kustomization.0, name("platform-742"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
async fn a_pin_follows_the_digest_alone_and_unpinning_restores_what_was() {
    let plane = ControlPlane::start();
    plane.install("source.toolkit.fluxcd.io");
    let before = json!({"semver": ">= 0.0.0", "semverFilter": "^[0-9.]+$"});
    plane.apply(&source("platform", URL, &before));
    let cluster = reach(&plane, Identity::Admin).await;
    let object = read(&cluster, "platform").await;
    let to = Digest::of(b"good");
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let wish = Pinned { before: Reference::default(), to, tag: None, by: "ada".into(), at, reason: "data loss".into() };

    let patch = pin(&object, &wish, false).unwrap();
    let pinned = cluster.patch(object.kind, &object.name, &patch).await.unwrap();
    let reference = json!({"digest": to.to_string()});
    assert_eq!(plane.get("ocirepository", "platform").unwrap()["spec"]["ref"], reference);
    assert_eq!(
        pin(&pinned, &wish, false),
        Err(Fault::PinnedAlready { to: format!("sha256:{}, by ada at {at}: data loss", to.short()) })
    );
    // Whoever read it before the pin may not write over it.
    let late = cluster.patch(object.kind, &object.name, &patch).await.unwrap_err();
    assert!(matches!(late.kind(), PortErrorKind::Conflict { .. }), "{late}");

    let patch = unpin(&pinned, false, at).unwrap();
    let unpinned = cluster.patch(object.kind, &object.name, &patch).await.unwrap();
    assert_eq!(plane.get("ocirepository", "platform").unwrap()["spec"]["ref"], before);
    assert_eq!(unpin(&unpinned, false, at), Err(Fault::NotPinned));

    // Somebody undid a pin by hand, and narrowed the range: that stays, and the next pin remembers it.
    let pinned = cluster.patch(object.kind, &object.name, &pin(&unpinned, &wish, false).unwrap()).await.unwrap();
    let narrowed = json!({"spec": {"ref": {"digest": null, "semver": "< 1.4.0"}}});
    let undone = cluster.patch(pinned.kind, &pinned.name, &narrowed).await.unwrap();
    assert_eq!(unpin(&undone, false, at), Err(Fault::NotPinned));
    let again = cluster.patch(undone.kind, &undone.name, &pin(&undone, &wish, false).unwrap()).await.unwrap();
    let restored = cluster.patch(again.kind, &again.name, &unpin(&again, false, at).unwrap()).await.unwrap();
    assert_eq!(Source::of(&restored).unwrap().reference.semver.as_deref(), Some("< 1.4.0"));
    // What cannot be read is not overwritten: it is all that is known of before.
    let spoilt = json!({"metadata": {"annotations": {"promotion-rs.github.io/pinned": "{"}}});
    let spoilt = cluster.patch(restored.kind, &restored.name, &spoilt).await.unwrap();
    assert!(matches!(pin(&spoilt, &wish, false), Err(Fault::Unreadable { .. })));
    assert!(Kustomization::of(&unpinned).is_err(), "a source is no Kustomization");
}
