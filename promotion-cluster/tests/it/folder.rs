//! A folder of manifests: objects as controllers left them, read as the core reads them.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use promotion_cluster::{Folder, documents};
use promotion_core::cluster::{Alert, Event, Kustomization, Provider, Source, Status};
use promotion_core::ports::PortErrorKind;
use promotion_core::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use promotion_core::time::Timestamp;
use serde_json::{Value, json};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a folder answers at once"),
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).with_extension("json")
}

fn object(name: &str) -> Object {
    let folder = Folder::read(&fixture(name)).unwrap();
    let mut objects = folder.objects();
    let object = objects.next().unwrap_or_else(|| panic!("{name} holds an object of a known kind")).clone();
    assert!(objects.next().is_none());
    object
}

fn source(name: &str) -> Source {
    Source::of(&object(name)).unwrap()
}

fn kustomization(name: &str) -> Kustomization {
    Kustomization::of(&object(name)).unwrap()
}

#[test]
fn sources_are_read_as_source_controller_leaves_them() {
    let ready = source("ocirepository-ready");
    let artifact = ready.artifact.as_ref().unwrap();
    assert_eq!(ready.ready().unwrap().status, Status::True);
    assert!(ready.current && artifact.tag.is_some() && ready.updated.is_some() && ready.interval.is_some());

    let no_match = source("ocirepository-no-match");
    assert!(no_match.artifact.is_none());
    let failed = no_match.condition("FetchFailed").unwrap();
    assert!(failed.message.contains("no match found for semver"), "{}", failed.message);

    // What it had stays when nothing matches any more.
    assert!(source("ocirepository-no-match-any-more").artifact.is_some());
    assert!(source("ocirepository-suspended").suspended);
    let unseen = source("ocirepository-unseen");
    assert!(unseen.artifact.is_none() && unseen.ready().is_none_or(|ready| ready.status != Status::True));
    let pinned = source("ocirepository-pinned-digest");
    let digest = pinned.reference.digest.clone().unwrap();
    assert_eq!(pinned.artifact.unwrap().digest.to_string(), digest, "a digest is what it says");
    assert!(source("ocirepository-pinned-tag").reference.tag.is_some());
    for failing in ["absent-repository", "absent-tag", "invalid-url", "no-registry", "unauthorised"] {
        let source = source(&format!("ocirepository-{failing}"));
        assert_ne!(source.ready().unwrap().status, Status::True, "{failing}");
    }
}

#[test]
fn kustomizations_are_read_as_kustomize_controller_leaves_them() {
    let ready = kustomization("kustomization-ready");
    assert!(ready.is_ready() && ready.checks_health && ready.applied.is_some() && ready.source.is_some());
    // It looks again every ten minutes, and says so.
    let looked = ready.reconciled.unwrap();
    let later = |hours: i64| Timestamp::from_unix(looked.as_unix() + hours * 3600);
    assert_eq!((ready.silent_since(looked), ready.silent_since(later(24))), (None, Some(looked)));
    for (name, reason) in [
        ("kustomization-build-error", "BuildFailed"),
        ("kustomization-waiting", "DependencyNotReady"),
        ("kustomization-health-check-failing", "HealthCheckFailed"),
        ("kustomization-refused-object", "ReconciliationFailed"),
    ] {
        let found = kustomization(name);
        assert!(!found.is_ready(), "{name}");
        assert_eq!(found.ready().unwrap().reason, reason, "{name}");
    }
    assert!(!kustomization("kustomization-waiting").depends_on.is_empty());
    let suspended = kustomization("kustomization-suspended");
    assert!(suspended.suspended && !suspended.is_ready(), "what it says is old");
    let failed = kustomization("kustomization-failed-after-success");
    assert!(failed.applied.is_some() && !failed.is_ready(), "what it applied before is no evidence of now");
}

#[test]
fn alerts_providers_and_events_are_read() {
    let alert = Alert::of(&object("alert")).unwrap();
    assert!(!alert.sources.is_empty() && !alert.suspended);
    assert_eq!(Provider::of(&object("provider")).unwrap().name, alert.provider);
    let event = Event::of(&object("event-build-error")).unwrap();
    assert_eq!((event.about_kind.as_str(), event.r#type.as_str()), ("Kustomization", "Warning"));
    assert!(event.at.is_some());
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"namespace": "flux-system", "name": name},
    })
}

#[test]
fn lists_many_documents_and_folders_in_folders_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [manifest("a"), manifest("b")]});
    write(folder.path(), "list.json", &list.to_string());
    let documents = format!("# exported\n---\n{}\n---\n{}\n", manifest("c"), manifest("d"));
    write(folder.path(), "deep/er/two.yaml", &documents);
    let of_kind = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepositoryList",
                         "items": [manifest("e")]});
    write(folder.path(), "kind.yml", &of_kind.to_string());
    write(folder.path(), "notes.txt", "no manifest");
    let read = Folder::read(folder.path()).unwrap();
    let names: Vec<&str> = read.objects().map(|object| object.name.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert!(read.unreadable().is_empty());
}

#[test]
fn what_containerd_is_told_of_mirrors_is_a_document_too() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = "server = \"https://docker.io\"\n[host.\"http://10.0.20.10:5000\"]\n  capabilities = [\"pull\"]\n";
    write(folder.path(), "certs.d/docker.io/hosts.toml", hosts);
    write(folder.path(), "certs.d/torn/hosts.toml", "server = [");
    write(folder.path(), "Cargo.toml", "[package]\nname = \"no document\"\n");
    let read = documents(folder.path()).unwrap();
    let values: Vec<&Value> = read.documents.iter().map(|document| &document.value).collect();
    let mirror = json!({ "http://10.0.20.10:5000": { "capabilities": ["pull"] } });
    assert_eq!(values, [&json!({ "server": "https://docker.io", "host": mirror })]);
    let (file, why) = &read.unreadable[0];
    assert!(file.ends_with("torn/hosts.toml") && why.contains("line 1"), "{why}");
    assert!(Folder::read(folder.path()).unwrap().unreadable().is_empty(), "no object can be behind it");
}

#[test]
fn what_was_not_exported_is_unknown_and_never_absent() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.json", &manifest("a").to_string());
    let read = Folder::read(folder.path()).unwrap();
    let name = |name: &str| ObjectName::new("flux-system", name);
    assert!(matches!(block_on(read.get(Kind::OciRepository, &name("a"))), Reading::Known(_)));
    assert_eq!(block_on(read.get(Kind::OciRepository, &name("b"))), Reading::Absent, "sources were exported");
    assert!(matches!(block_on(read.get(Kind::Alert, &name("b"))), Reading::Unknown(_)), "alerts were not");
    assert!(matches!(block_on(read.list(Kind::Alert, "flux-system")), Reading::Unknown(_)));

    // Behind a file that cannot be read may be anything.
    write(folder.path(), "torn.json", "{\"apiVersion\": ");
    let read = Folder::read(folder.path()).unwrap();
    assert_eq!(read.unreadable().len(), 1);
    assert!(matches!(block_on(read.get(Kind::OciRepository, &name("a"))), Reading::Known(_)));
    assert!(matches!(block_on(read.get(Kind::OciRepository, &name("b"))), Reading::Unknown(_)));
}

#[test]
fn an_object_that_two_files_tell_differently_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = manifest("a");
    other["spec"] = json!({"suspend": true});
    write(folder.path(), "integration.json", &manifest("a").to_string());
    write(folder.path(), "again.json", &manifest("a").to_string());
    let name = ObjectName::new("flux-system", "a");
    let same = Folder::read(folder.path()).unwrap();
    assert!(matches!(block_on(same.get(Kind::OciRepository, &name)), Reading::Known(_)), "twice the same is once");
    write(folder.path(), "live.json", &other.to_string());
    let read = Folder::read(folder.path()).unwrap();
    assert!(matches!(block_on(read.get(Kind::OciRepository, &name)), Reading::Unknown(why) if why.contains("twice")));
    assert!(matches!(block_on(read.list(Kind::OciRepository, "flux-system")), Reading::Unknown(_)));
}

#[test]
fn a_folder_is_not_written_to_and_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.json", &manifest("a").to_string());
    let read = Folder::read(folder.path()).unwrap();
    let name = ObjectName::new("flux-system", "a");
    let error = block_on(read.patch(Kind::OciRepository, &name, &json!({}))).unwrap_err();
    assert_eq!(*error.kind(), PortErrorKind::Unsupported);
    assert!(Folder::read(&folder.path().join("nowhere")).is_err());
}
