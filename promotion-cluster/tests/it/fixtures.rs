//! `tests/fixtures`: objects as real controllers left them, for the tests that run without any. This one makes the same
//! situations again and holds the files against them, so that a newer Flux cannot make them untrue unnoticed.
//!
//! To write a file anew, delete it and run this test: it fails once, and leaves the file for you to read.

use std::collections::BTreeSet;
use std::path::Path;

use promotion_cluster::testing::{ControlPlane, Controller, condition, is_ready};
use promotion_core::event::{self, Verdict};
use promotion_registry::testing::servers::{Kind, Server, Setup};
use serde_json::{Value, json};

use crate::listener::Listener;
use crate::manifests::{alert, kustomization, provider, source};
use crate::pipeline::{Pipeline, USER};

/// Text that says what is the matter; any other differs from run to run.
const TELLING: [&str; 7] = ["apiVersion", "component", "kind", "reason", "severity", "status", "type"];

/// Holds the files against objects, and remembers what differs.
#[derive(Default)]
struct Fixtures(Vec<String>);

impl Fixtures {
    fn hold(&mut self, name: &str, real: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.json"));
        match std::fs::read(&path) {
            Err(_) => {
                std::fs::write(&path, format!("{real:#}\n")).unwrap();
                self.0.push(format!("{name} was not there; it is written now"));
            }
            Ok(bytes) => {
                let (fixture, real) = (shape("", &serde_json::from_slice(&bytes).unwrap()), shape("", real));
                if fixture != real {
                    self.0.push(format!("{name} is no longer so: it was {fixture:#}\nand is {real:#}"));
                }
            }
        }
    }
}

/// What stays the same from run to run: the fields, and the text that says what is the matter.
fn shape(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shape(key, value))).collect(),
        Value::Array(items) => {
            let shapes: BTreeSet<String> = items.iter().map(|item| shape(key, item).to_string()).collect();
            shapes.into_iter().map(Value::String).collect()
        }
        Value::String(text) if TELLING.contains(&key) => text.as_str().into(),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) | Value::Null => value.clone(),
    }
}

/// Whether the controller has said of what is written now that it failed, for this reason.
fn failed(reason: &str) -> impl Fn(&Value) -> bool {
    move |object| {
        condition(object, "Ready").is_some_and(|ready| {
            ready["status"] == "False"
                && ready["reason"] == reason
                && ready["observedGeneration"] == object["metadata"]["generation"]
        })
    }
}

/// Whether the controller has looked at what is written now.
fn is_seen(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Whether the second of two writes is done: conditions are written first, and what was tried after them.
fn is_in_history(object: &Value) -> bool {
    object["status"]["history"].is_array()
}

fn write(folder: &Path, name: &str, content: &Value) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content.to_string()).unwrap();
}

/// An artifact with a folder for each way in which a Kustomization can go wrong.
fn tree() -> tempfile::TempDir {
    let config = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
    let labels = json!({"app": "stuck"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "stuck", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app:1.0.0"}]},
            },
        },
    });
    let tree = tempfile::tempdir().unwrap();
    write(tree.path(), "app/platform.yaml", &config("platform"));
    write(tree.path(), "broken/kustomization.yaml", &json!({"resources": ["missing.yaml"]}));
    write(tree.path(), "refused/platform.yaml", &config("Not A Name"));
    write(tree.path(), "stuck/deployment.yaml", &deployment);
    tree
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.json"))).unwrap()
}

/// The core is told of each in the words of the real controllers.
#[test]
fn only_success_that_was_posted_is_evidence() {
    let ready: Value = serde_json::from_slice(&fixture("kustomization-ready")).unwrap();
    let applied = ready["status"]["lastAppliedRevision"].as_str().unwrap();
    for (name, verdict) in [
        ("posted-applied", Verdict::Progressing),
        ("posted-healthy", Verdict::Success),
        ("posted-ready", Verdict::Success),
        ("posted-build-error", Verdict::Failure),
        ("posted-health-check-failing", Verdict::Failure),
        ("posted-waiting", Verdict::Progressing),
    ] {
        let event = event::parse(&fixture(name)).unwrap();
        assert_eq!(event.verdict, verdict, "{name}");
        // Each names the artifact, and only a success proves something of it.
        assert_eq!(format!("{}@{}", event.tag.as_ref().unwrap(), event.digest.unwrap()), applied, "{name}");
        let evidence = event.evidence(&[]);
        assert_eq!(evidence.is_ok(), verdict == Verdict::Success, "{name}: {evidence:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs distribution 3, htpasswd, kube-apiserver, etcd and Flux's controllers: scripts/components"]
async fn objects_look_like_the_fixtures() {
    let mut fixtures = Fixtures::default();
    let registry = Server::start(Kind::Distribution3, Setup::anonymous());
    let guarded = Server::start(Kind::Distribution3, Setup::htpasswd(USER.0, USER.1));
    let listener = Listener::start().await;
    let (pipeline, tree) = (Pipeline::of(&registry, "platform"), tree());
    let built = pipeline.build(tree.path()).await;
    Pipeline::of(&guarded, "platform").build(tree.path()).await;
    let url = format!("oci://{}", registry.repository("platform"));
    let (candidates, releases) = (json!({"semver": ">= 0.0.0-0"}), json!({"semver": ">= 0.0.0"}));

    let plane = ControlPlane::start();
    plane.install_flux();
    plane.apply(&source("unseen", &url, &candidates));
    plane.apply(&kustomization("unseen", "unseen", "./app"));
    fixtures.hold("ocirepository-unseen", &plane.get("ocirepository", "unseen").unwrap());
    fixtures.hold("kustomization-unseen", &plane.get("kustomization", "unseen").unwrap());
    plane.delete("kustomization", "unseen");
    plane.delete("ocirepository", "unseen");
    let _controllers = Controller::ALL.map(|controller| plane.run(controller));
    plane.apply(&provider("events", &listener.address()));
    plane.apply(&alert("integration", "events", "*"));
    fixtures.hold("provider", &plane.get("provider", "events").unwrap());
    fixtures.hold("alert", &plane.get("alert", "integration").unwrap());

    // Sources.
    plane.apply(&source("integration", &url, &candidates));
    let ready = plane.until("ocirepository", "integration", "is ready", is_ready);
    fixtures.hold("ocirepository-ready", &ready);
    // Half a minute passes until that is given up, the least that can be asked for.
    plane.apply(&kustomization("health-check-failing", "integration", "./stuck"));
    plane.apply(&source("pinned-tag", &url, &json!({"tag": "0.1.0-rc.1"})));
    let pinned = plane.until("ocirepository", "pinned-tag", "is ready", is_ready);
    fixtures.hold("ocirepository-pinned-tag", &pinned);
    plane.apply(&source("pinned-digest", &url, &json!({"semver": ">= 0.0.0", "digest": built.to_string()})));
    let pinned = plane.until("ocirepository", "pinned-digest", "is ready", is_ready);
    fixtures.hold("ocirepository-pinned-digest", &pinned);
    plane.apply(&source("suspended", &url, &candidates));
    plane.until("ocirepository", "suspended", "is ready", is_ready);
    plane.patch("ocirepository", "suspended", &json!({"spec": {"suspend": true}}));
    let suspended = plane.until("ocirepository", "suspended", "is seen", is_seen);
    fixtures.hold("ocirepository-suspended", &suspended);
    plane.apply(&source("no-match-any-more", &url, &candidates));
    plane.until("ocirepository", "no-match-any-more", "is ready", is_ready);
    plane.patch("ocirepository", "no-match-any-more", &json!({"spec": {"ref": releases}}));
    let failing = plane.until("ocirepository", "no-match-any-more", "fails", failed("ReadOperationFailed"));
    fixtures.hold("ocirepository-no-match-any-more", &failing);
    let absent = format!("oci://{}", registry.repository("absent"));
    let forbidden = format!("oci://{}", guarded.repository("platform"));
    let sources = [
        ("no-match", url.as_str(), &releases, "ReadOperationFailed"),
        ("absent-repository", &absent, &candidates, "ReadOperationFailed"),
        ("absent-tag", &url, &json!({"tag": "9.9.9"}), "OCIArtifactPullFailed"),
        ("no-registry", "oci://127.0.0.1:1/platform", &candidates, "ReadOperationFailed"),
        ("invalid-url", "oci://registry.example/Platform", &candidates, "URLInvalid"),
        ("unauthorised", &forbidden, &candidates, "ReadOperationFailed"),
    ];
    for (name, url, reference, reason) in sources {
        plane.apply(&source(name, url, reference));
        let failing = plane.until("ocirepository", name, "fails", failed(reason));
        fixtures.hold(&format!("ocirepository-{name}"), &failing);
    }

    // Kustomizations.
    plane.apply(&kustomization("platform", "integration", "./app"));
    let ready = plane.until("kustomization", "platform", "is ready", is_ready);
    fixtures.hold("kustomization-ready", &ready);
    plane.patch("kustomization", "platform", &json!({"spec": {"suspend": true}}));
    let suspended = plane.until("kustomization", "platform", "is seen", is_seen);
    fixtures.hold("kustomization-suspended", &suspended);
    plane.patch("kustomization", "platform", &json!({"spec": {"suspend": false}}));
    let kustomizations = [
        ("build-error", "integration", "./broken", "BuildFailed"),
        ("absent-path", "integration", "./absent", "ArtifactFailed"),
        ("source-not-ready", "no-match", "./app", "ArtifactFailed"),
    ];
    for (name, source, path, reason) in kustomizations {
        plane.apply(&kustomization(name, source, path));
        let failing = plane.until("kustomization", name, "fails", failed(reason));
        fixtures.hold(&format!("kustomization-{name}"), &failing);
    }
    plane.apply(&kustomization("refused-object", "integration", "./refused"));
    let failing = plane.until("kustomization", "refused-object", "fails", |object| {
        failed("ReconciliationFailed")(object) && is_in_history(object)
    });
    fixtures.hold("kustomization-refused-object", &failing);
    let mut waiting = kustomization("waiting", "integration", "./app");
    waiting["spec"]["dependsOn"] = json!([{"name": "health-check-failing"}]);
    plane.apply(&waiting);
    let waiting = plane.until("kustomization", "waiting", "waits", failed("DependencyNotReady"));
    fixtures.hold("kustomization-waiting", &waiting);
    let failing = plane.until("kustomization", "health-check-failing", "fails", |object| {
        failed("HealthCheckFailed")(object) && is_in_history(object)
    });
    fixtures.hold("kustomization-health-check-failing", &failing);

    // The next artifact fails where this one did not.
    std::fs::write(tree.path().join("app/kustomization.yaml"), json!({"resources": ["gone.yaml"]}).to_string())
        .unwrap();
    pipeline.build(tree.path()).await;
    let next = pipeline.predicted("integration").await.unwrap();
    plane.reconcile("ocirepository", "integration", "after the next build");
    plane.until("ocirepository", "integration", "serves it", |object| object["status"]["artifact"]["revision"] == next);
    let failing = plane.until("kustomization", "platform", "fails", |object| {
        failed("BuildFailed")(object) && object["status"]["lastAttemptedRevision"] == next
    });
    fixtures.hold("kustomization-failed-after-success", &failing);

    // What was said of it: to the cluster, and to whom the provider names.
    let events = plane.list("event");
    for (name, about, reason) in [
        ("event-ready", "platform", "ReconciliationSucceeded"),
        ("event-build-error", "build-error", "BuildFailed"),
        ("event-source-failing", "no-match", "ReadOperationFailed"),
    ] {
        let found = events.iter().find(|event| event["involvedObject"]["name"] == about && event["reason"] == reason);
        fixtures.hold(name, found.unwrap_or_else(|| panic!("{name}: {events:#?}")));
    }
    for (name, about, reason, message) in [
        ("posted-applied", "platform", "Progressing", "ConfigMap/default/platform created"),
        ("posted-healthy", "platform", "Progressing", "Health check passed"),
        ("posted-ready", "platform", "ReconciliationSucceeded", "Reconciliation finished"),
        ("posted-build-error", "build-error", "BuildFailed", ""),
        ("posted-health-check-failing", "health-check-failing", "HealthCheckFailed", ""),
        ("posted-waiting", "waiting", "DependencyNotReady", ""),
    ] {
        let posted = listener.hears(name, |body| {
            let event: Value = serde_json::from_slice(body).unwrap();
            let is_about = event["involvedObject"]["name"] == about && event["reason"] == reason;
            let says = event["message"].as_str().is_some_and(|said| said.starts_with(message));
            (is_about && says).then_some(event)
        });
        fixtures.hold(name, &posted.await);
    }
    assert!(fixtures.0.is_empty(), "{}", fixtures.0.join("\n"));
}
