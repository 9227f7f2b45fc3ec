//! Other clients read what is written here, and the other way round, at every registry that they and we share.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use promotion_core::Digest;
use promotion_core::executor::OutcomeKind;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{Expect, Registry};
use promotion_core::record::{self, RECORD};
use promotion_registry::copy::{Options, Quiet, Selection, copy};
use promotion_registry::distribution::Anonymous;
use promotion_registry::testing::servers::{Kind, Server, Setup, peer, zot_is_current};
use promotion_registry::{Distribution, OciDir};
use serde_json::{Value, json};

use crate::conforms::{client, open};
use crate::immutable::artifact;
use crate::promoted::{nominate, promote};
use crate::support::tag;

const NAME: &str = "team/platform";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// A registry, and the way of each client to it.
struct Scene {
    server: Server,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("content"), format!("{kind:?}")).unwrap();
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        run(Command::new("tar").current_dir(&folder).args(["-cf", "layer.tar", "content"]));
        Self { server: Server::start(kind, Setup::anonymous()), folder }
    }

    fn ours(&self, name: &str) -> Distribution {
        open(&client(Arc::new(Anonymous)), &self.server.repository(name))
    }

    fn repository(&self) -> String {
        self.server.repository(NAME)
    }

    fn at(&self, tag: &str) -> String {
        format!("{}:{tag}", self.repository())
    }

    fn crane(&self, arguments: &[&str]) -> Vec<u8> {
        run(peer("crane").current_dir(&self.folder).args(arguments))
    }

    fn oras(&self, arguments: &[&str]) -> Vec<u8> {
        run(peer("oras").current_dir(&self.folder).args(arguments).arg("--plain-http"))
    }

    fn regctl(&self, arguments: &[&str]) -> Vec<u8> {
        let host = format!("reg={},tls=disabled", self.server.host());
        run(peer("regctl").env("HOME", self.folder.path()).args(["--host", &host]).args(arguments))
    }

    fn skopeo(&self, arguments: &[&str]) -> Vec<u8> {
        run(peer("skopeo").args(["--insecure-policy", "--override-os", "linux"]).args(arguments))
    }

    /// What oras put, by digest.
    fn push(&self, tag: &str, options: &[&str]) -> Digest {
        let at = self.at(tag);
        let mut arguments = vec!["push", at.as_str(), "content:text/plain", "--format", "json"];
        arguments.extend(options);
        digest_of(&self.oras(&arguments))
    }

    fn attach(&self, subject: &str, kind: &str) -> Digest {
        let annotation = format!("org.example.kind={kind}");
        let options = ["--artifact-type", kind, "--annotation", &annotation, "--format", "json"];
        digest_of(&self.oras(&[&["attach", subject, "content:text/plain"][..], &options].concat()))
    }
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().trim().to_owned()
}

fn lines(bytes: Vec<u8>) -> Vec<String> {
    let mut lines: Vec<String> = text(bytes).lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn digest_of(answer: &[u8]) -> Digest {
    json(answer)["digest"].as_str().unwrap().parse().unwrap()
}

fn digests(list: &Value) -> Vec<Digest> {
    let mut digests: Vec<Digest> =
        list.as_array().unwrap().iter().map(|it| it["digest"].as_str().unwrap().parse().unwrap()).collect();
    digests.sort();
    digests
}

async fn referrers(registry: &dyn Registry, subject: Digest) -> Vec<Digest> {
    let mut digests: Vec<Digest> =
        registry.referrers(subject).await.unwrap().iter().map(|referrer| referrer.digest).collect();
    digests.sort();
    digests
}

/// Every blob of a manifest is there and whole.
async fn whole(registry: &dyn Registry, blobs: &[Descriptor]) {
    for blob in blobs {
        let mut source = registry.blob(blob).await.unwrap();
        let mut size = 0;
        while let Some(chunk) = source.next_chunk().await.unwrap() {
            size += chunk.len() as u64;
        }
        assert_eq!(size, blob.size);
    }
}

#[tokio::test]
#[ignore = "needs registries and their clients: scripts/components"]
async fn every_client_reads_what_is_written_here() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind);
        let ours = scene.ours(NAME);
        let it = artifact(&ours, "kind: A\n").await;
        for name in ["1.0.0-rc.1", "1.0.0", "stable"] {
            ours.put_tag(&tag(name), &it, Expect::Absent).await.unwrap();
        }
        let (at, digest) = (scene.at("1.0.0"), it.digest().to_string());
        let expected = ["1.0.0", "1.0.0-rc.1", "stable"];
        assert_eq!(text(scene.crane(&["digest", &at])), digest, "{kind:?}");
        assert_eq!(scene.crane(&["manifest", &at]), it.bytes(), "{kind:?}");
        assert_eq!(lines(scene.crane(&["ls", &scene.repository()])), expected, "{kind:?}");
        assert_eq!(scene.skopeo(&["inspect", "--raw", "--tls-verify=false", &format!("docker://{at}")]), it.bytes());
        assert_eq!(text(scene.oras(&["resolve", &at])), digest, "{kind:?}");
        assert_eq!(scene.oras(&["manifest", "fetch", &at]), it.bytes(), "{kind:?}");
        assert_eq!(lines(scene.oras(&["repo", "tags", &scene.repository()])), expected, "{kind:?}");
        assert_eq!(text(scene.regctl(&["manifest", "head", &at])), digest, "{kind:?}");
        assert_eq!(scene.regctl(&["manifest", "get", &at, "--format", "raw-body"]), it.bytes(), "{kind:?}");
        assert_eq!(lines(scene.regctl(&["tag", "ls", &scene.repository()])), expected, "{kind:?}");
        for blob in it.links().unwrap().blobs {
            let by_digest = format!("{}@{}", scene.repository(), blob.digest);
            assert_eq!(Digest::of(&scene.crane(&["blob", &by_digest])), blob.digest, "{kind:?}");
            assert_eq!(Digest::of(&scene.oras(&["blob", "fetch", "--output", "-", &by_digest])), blob.digest);
        }
    }
}

#[tokio::test]
#[ignore = "needs registries and their clients: scripts/components"]
async fn every_client_finds_our_record_and_we_find_their_referrers() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind);
        let ours = scene.ours(NAME);
        let it = artifact(&ours, "kind: A\n").await;
        ours.put_tag(&tag("cache"), &it, Expect::Absent).await.unwrap();
        // First theirs, then ours, then theirs: each adds to what the other wrote.
        let first = scene.attach(&scene.at("cache"), "application/vnd.example.first");
        nominate(&ours, it.digest()).await;
        assert_eq!(promote(&ours, it.digest()).await.kind, OutcomeKind::Done, "{kind:?}");
        let second = scene.attach(&scene.at("0.1.0"), "application/vnd.example.second");
        assert_eq!(record::read(&ours, it.digest()).await.unwrap().len(), 1, "{kind:?}");
        let found = referrers(&ours, it.digest()).await;
        assert_eq!(found.len(), 3, "{kind:?}");
        assert!(found.contains(&first) && found.contains(&second), "{kind:?}");
        let by_oras = json(&scene.oras(&["discover", "--format", "json", &scene.at("0.1.0")]));
        assert_eq!(digests(&by_oras["referrers"]), found, "{kind:?}: {by_oras}");
        let by_regctl = json(&scene.regctl(&["artifact", "list", &scene.at("0.1.0"), "--format", "body"]));
        assert_eq!(digests(&by_regctl["manifests"]), found, "{kind:?}: {by_regctl}");
        // zot 1.4.3 is from before the specification's 1.1, and takes the type of the config for that of the artifact.
        if kind != Kind::Zot || zot_is_current() {
            let (at, format) = (scene.at("0.1.0"), "{{json .Descriptors}}");
            let only = ["artifact", "list", &at, "--filter-artifact-type", RECORD, "--format", format];
            assert_eq!(digests(&json(&scene.regctl(&only))).len(), 1, "{kind:?}: our record by its type");
        }
    }
}

/// Reads an artifact of somebody else's, promotes it unchanged, and copies it with what refers to it.
async fn carried(scene: &Scene, source: &str, what: &str) -> Manifest {
    let ours = scene.ours(NAME);
    let digest = ours.resolve(&tag(source)).await.unwrap().unwrap();
    let it = ours.manifest(digest).await.unwrap();
    assert_eq!(text(scene.crane(&["digest", &scene.at(source)])), digest.to_string(), "{what}");
    assert_eq!(scene.crane(&["manifest", &scene.at(source)]), it.bytes(), "{what}");
    let released = format!("released-{source}");
    ours.put_tag(&tag(&released), &it, Expect::Absent).await.unwrap();
    assert_eq!(scene.crane(&["manifest", &scene.at(&released)]), it.bytes(), "{what}");
    let (other, layout) = (scene.ours("elsewhere/copy"), scene.folder.path().join(source));
    let layout = OciDir::create(layout).await.unwrap();
    let selection = Selection::Tag { from: tag(source), to: tag(source) };
    for to in [&other as &dyn Registry, &layout] {
        copy(&ours, to, &selection, &Options::default(), &Quiet).await.unwrap();
        assert_eq!(to.resolve(&tag(source)).await.unwrap(), Some(digest), "{what}");
        assert_eq!(to.manifest(digest).await.unwrap(), it, "{what}");
        assert_eq!(referrers(to, digest).await, referrers(&ours, digest).await, "{what}");
        whole(to, &it.links().unwrap().blobs).await;
        for child in it.links().unwrap().manifests {
            let child = to.manifest(child.digest).await.unwrap();
            whole(to, &child.links().unwrap().blobs).await;
        }
    }
    it
}

#[tokio::test]
#[ignore = "needs registries and their clients: scripts/components"]
async fn what_every_client_writes_is_promoted_and_copied_unchanged() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind);
        let pushed = scene.push("oras", &["--artifact-type", "application/vnd.test", "--annotation", "a=b"]);
        let attached = scene.attach(&scene.at("oras"), "application/vnd.example.sbom");
        assert_eq!(carried(&scene, "oras", "oras").await.digest(), pushed, "{kind:?}");
        assert_eq!(referrers(&scene.ours("elsewhere/copy"), pushed).await, [attached], "{kind:?}");

        scene.crane(&["append", "--oci-empty-base", "-f", "layer.tar", "-t", &scene.at("crane")]);
        carried(&scene, "crane", "crane append").await;

        scene.regctl(&["image", "copy", "--referrers", &scene.at("oras"), &scene.at("regctl")]);
        assert_eq!(carried(&scene, "regctl", "regctl image copy").await.digest(), pushed, "{kind:?}");

        let index = ["index", "create", &scene.at("index"), "--ref", &scene.at("crane"), "--ref", &scene.at("oras")];
        scene.regctl(&index);
        let index = carried(&scene, "index", "regctl index create").await;
        assert_eq!(index.links().unwrap().manifests.len(), 2, "{kind:?}");

        let layout = scene.folder.path().join("layout");
        let ours = OciDir::create(&layout).await.unwrap();
        let it = artifact(&ours, "kind: A\n").await;
        ours.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
        let from = format!("oci:{}:1.0.0", layout.display());
        scene.skopeo(&["copy", "--dest-tls-verify=false", &from, &format!("docker://{}", scene.at("skopeo"))]);
        assert_eq!(carried(&scene, "skopeo", "skopeo copy").await, it, "{kind:?}");
    }
}

#[tokio::test]
#[ignore = "needs registries and their clients: scripts/components"]
async fn docker_types_are_promoted_and_copied_unchanged_where_they_are_taken() {
    for kind in Kind::ALL {
        // zot takes none, and says so.
        if kind == Kind::Zot {
            continue;
        }
        let scene = Scene::new(kind);
        scene.crane(&["append", "-f", "layer.tar", "-t", &scene.at("docker")]);
        let it = carried(&scene, "docker", "crane append").await;
        assert_eq!(it.media_type(), DOCKER_MANIFEST, "{kind:?}");
        let at = scene.at("list");
        scene.regctl(&["index", "create", &at, "--media-type", DOCKER_LIST, "--ref", &scene.at("docker")]);
        let list = carried(&scene, "list", "regctl index create").await;
        assert_eq!(list.media_type(), DOCKER_LIST, "{kind:?}");
    }
}

#[tokio::test]
#[ignore = "needs zot: scripts/components"]
async fn zot_says_which_docker_type_it_does_not_take() {
    let scene = Scene::new(Kind::Zot);
    let body = json!({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "layers": []}).to_string();
    let it = Manifest::new(DOCKER_MANIFEST, body.into_bytes());
    let ours = scene.ours(NAME);
    artifact(&ours, "kind: A\n").await;
    let error = ours.put_tag(&tag("docker"), &it, Expect::Absent).await.unwrap_err();
    assert!(error.message().contains(DOCKER_MANIFEST), "{error}");
    assert_eq!(ours.resolve(&tag("docker")).await.unwrap(), None);
}

/// What `flux push artifact` leaves in a registry.
fn flux_push(scene: &Scene, tag: &str, commit: &str) -> Digest {
    let annotations = json!({"$manifest": {
        "org.opencontainers.image.created": "2026-11-01T12:00:00Z",
        "org.opencontainers.image.source": "https://git.example/acme/platform",
        "org.opencontainers.image.revision": format!("main@sha1:{commit}"),
    }});
    let folder: &Path = scene.folder.path();
    std::fs::write(folder.join("annotations.json"), annotations.to_string()).unwrap();
    std::fs::write(folder.join("content"), commit).unwrap();
    run(Command::new("tar").current_dir(folder).args(["-czf", "artifact.tar.gz", "content"]));
    digest_of(&scene.oras(&[
        "push",
        &scene.at(tag),
        "artifact.tar.gz:application/vnd.cncf.flux.content.v1.tar+gzip",
        "--config",
        "config.json:application/vnd.cncf.flux.config.v1+json",
        "--annotation-file",
        "annotations.json",
        "--format",
        "json",
    ]))
}

#[tokio::test]
#[ignore = "needs registries and oras: scripts/components"]
async fn an_artifact_of_flux_is_nominated_and_promoted() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind);
        let ours = scene.ours(NAME);
        let commits = ["6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9", "7a1b2c3d5a3b4c1d8e7f60718293a4b5c6d7e8f9"];
        for (commit, release) in commits.into_iter().zip(["0.1.0", "0.1.1"]) {
            let digest = flux_push(&scene, "main", commit);
            nominate(&ours, digest).await;
            let outcome = promote(&ours, digest).await;
            assert_eq!((outcome.kind, outcome.digest), (OutcomeKind::Done, Some(digest)), "{kind:?}");
            assert_eq!(outcome.commit.map(|commit| commit.to_string()).as_deref(), Some(commit), "{kind:?}");
            assert_eq!(outcome.release, Some(tag(release)), "{kind:?}");
            assert_eq!(text(scene.crane(&["digest", &scene.at(release)])), digest.to_string(), "{kind:?}");
        }
    }
}
