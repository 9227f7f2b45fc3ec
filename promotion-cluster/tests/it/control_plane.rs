//! The parts themselves: what the other tests may rely on.

use promotion_cluster::testing::{ControlPlane, Identity};
use serde_json::json;

#[test]
#[ignore = "needs kube-apiserver, etcd and Flux's definitions: scripts/components"]
fn objects_are_kept_and_found_again() {
    let mut plane = ControlPlane::start();
    plane.install("source.toolkit.fluxcd.io_ocirepositories");
    assert_eq!(plane.get("ocirepository", "platform"), None);
    plane.apply(&json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"name": "platform", "namespace": "flux-system"},
        "spec": {"interval": "10m", "url": "oci://127.0.0.1:5000/platform"},
    }));
    plane.patch("ocirepository", "platform", &json!({"spec": {"suspend": true}}));

    plane.start_api_server();
    let kept = plane.get("ocirepository", "platform").unwrap();
    assert_eq!(kept["spec"]["suspend"], true);
    assert_eq!(plane.list("ocirepository").len(), 1);
}

#[test]
#[ignore = "needs kube-apiserver, etcd and Flux's definitions: scripts/components"]
fn who_is_restricted_may_do_what_was_allowed_and_no_more() {
    let plane = ControlPlane::start();
    plane.install("source.toolkit.fluxcd.io");
    let asked = |resource: &str| {
        let output = plane.kubectl_as(Identity::Restricted).args(["get", resource]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, said) = asked("ocirepositories");
    assert!(said.contains("User \"restricted\" cannot list resource \"ocirepositories\""), "{said}");

    plane.allow("read-sources", "get,list", "ocirepositories.source.toolkit.fluxcd.io");
    assert!(asked("ocirepositories").0);
    assert!(!asked("gitrepositories").0);
}

#[test]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
fn clusters_side_by_side_share_nothing() {
    let (one, other) = (ControlPlane::start(), ControlPlane::start());
    assert_ne!(one.url(), other.url());
    one.apply(
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "here", "namespace": "flux-system"}}),
    );
    assert!(one.get("configmap", "here").is_some());
    assert_eq!(other.get("configmap", "here"), None);
}
