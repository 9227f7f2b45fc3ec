//! The promise of the product, with every part real: registry, API server and Flux's controllers.

use promotion_cluster::testing::{ControlPlane, Controller, condition, is_ready};
use promotion_core::event::{self, Place, Verdict};
use promotion_registry::testing::servers::{Kind, Server, Setup};
use serde_json::{Value, json};

use crate::listener::Listener;
use crate::manifests::{alert, kustomization, provider, source};
use crate::pipeline::{COMMIT, Pipeline};

/// Whether a source serves this revision, and says that it is what its constraint selects.
fn serves(object: &Value, revision: &str) -> bool {
    is_ready(object) && object["status"]["artifact"]["revision"] == revision
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs distribution 3, kube-apiserver, etcd and Flux's controllers: scripts/components"]
async fn live_gets_the_bytes_that_integration_validated() {
    let registry = Server::start(Kind::Distribution3, Setup::anonymous());
    let listener = Listener::start().await;
    let plane = ControlPlane::start();
    plane.install_flux();
    let _controllers = Controller::ALL.map(|controller| plane.run(controller));
    plane.apply(&provider("events", &listener.address()));
    plane.apply(&alert("integration", "events", "integration"));

    // A build pushes a folder and makes it a candidate.
    let pipeline = Pipeline::of(&registry, "platform");
    let tree = tempfile::tempdir().unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform", "namespace": "default"},
        "data": {"built": "once"},
    });
    std::fs::write(tree.path().join("platform.yaml"), config.to_string()).unwrap();
    let built = pipeline.build(tree.path()).await;

    // Integration's source picks it, as predicted; live's sees no release.
    let url = format!("oci://{}", registry.repository("platform"));
    for stage in ["integration", "live"] {
        let constraint = pipeline.stage(stage).constraint.to_string();
        plane.apply(&source(stage, &url, &json!({"semver": constraint})));
    }
    let candidate = pipeline.predicted("integration").await.unwrap();
    assert_eq!(candidate, format!("0.1.0-rc.1@{built}"));
    plane.until("ocirepository", "integration", "serves the candidate", |object| serves(object, &candidate));
    assert_eq!(pipeline.predicted("live").await, None);
    let live = plane.until("ocirepository", "live", "has failed", |object| condition(object, "FetchFailed").is_some());
    assert_eq!(live["status"]["artifact"], Value::Null);

    // It is applied, and the cluster says so.
    plane.apply(&kustomization("integration", "integration", "./"));
    let applied = plane.until("kustomization", "integration", "is ready", is_ready);
    assert_eq!(applied["status"]["lastAppliedRevision"], candidate.as_str());
    assert_eq!(plane.get("configmap", "default/platform").unwrap()["data"], config["data"]);
    let heard = listener.hears("the success of integration", |body| {
        event::parse(body).ok().filter(|event| event.verdict == Verdict::Success)
    });
    let place = Place {
        stage: "integration".into(),
        cluster: Some("integration".into()),
        namespace: Some("flux-system".into()),
        object: Some("integration".into()),
    };
    let evidence = heard.await.evidence(&[place]).unwrap();
    assert_eq!((evidence.digest, evidence.stage.as_deref()), (Some(built), Some("integration")));
    assert_eq!(evidence.commit.as_ref().unwrap().to_string(), COMMIT);

    // That promotes it, and live's source picks the release: the same bytes.
    pipeline.promote(built, evidence).await;
    let release = pipeline.predicted("live").await.unwrap();
    assert_eq!(release, format!("0.1.0@{built}"));
    for stage in ["integration", "live"] {
        let predicted = pipeline.predicted(stage).await.unwrap();
        plane.reconcile("ocirepository", stage, "after the promotion");
        plane.until("ocirepository", stage, "serves the prediction", |object| serves(object, &predicted));
    }
}
