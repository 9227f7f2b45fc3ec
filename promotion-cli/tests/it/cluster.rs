//! The product's promise with every part real: registry, API server, Flux's controllers, and the command that people use.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use promotion_cluster::testing::{ControlPlane, Controller, Identity, is_ready};
use promotion_registry::testing::servers::{Kind, Server, Setup, peer};
use serde_json::{Value, json};

use crate::support::{Run, Site, commit, revision, text};

/// Where Flux posts what it has to tell: it listens, or refuses to.
struct Ear {
    address: String,
    refuses: Arc<AtomicBool>,
}

impl Ear {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let refuses = Arc::new(AtomicBool::new(false));
        let deaf = Arc::clone(&refuses);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let deaf = Arc::clone(&deaf);
                thread::spawn(move || stream.and_then(|stream| Self::answer(stream, &deaf)));
            }
        });
        Self { address, refuses }
    }

    fn answer(mut stream: TcpStream, deaf: &AtomicBool) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        io::copy(&mut reader.take(length), &mut io::sink())?;
        let status = if deaf.load(Ordering::Relaxed) { "403 Forbidden" } else { "200 OK" };
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }
}

/// A registry, a cluster that runs two stages, and a folder with a configuration that knows of both.
struct Pipeline {
    site: Site,
    server: Server,
    plane: ControlPlane,
    repository: String,
    ear: Ear,
    _controllers: Vec<promotion_cluster::testing::Running>,
}

impl Pipeline {
    fn start() -> Self {
        let server = Server::start(Kind::Distribution3, Setup::anonymous());
        let plane = ControlPlane::start();
        plane.install_flux();
        let controllers = Controller::ALL.map(|controller| plane.run(controller)).into();
        let site = Site::new();
        let repository = format!("oci://{}", server.repository("acme/platform"));
        site.write(
            "promotion.yaml",
            &format!(
                "repository: {repository}\nregistry: {{plain_http: [{:?}]}}\nclusters:\n\
             \x20 integration: {{context: admin, source: integration, kustomization: integration}}\n\
             \x20 live: {{context: admin, source: live, kustomization: live}}\n",
                server.host()
            ),
        );
        Self { site, server, plane, repository, ear: Ear::open(), _controllers: controllers }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.site.command(arguments);
        Run::of(command.env("KUBECONFIG", self.plane.kubeconfig(Identity::Admin)))
    }

    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(run.code, code, "{arguments:?}\n{}{}", run.stdout, run.stderr);
        run.value()
    }

    /// Pushes a build, whose folder is something that can be applied.
    fn push(&self, build: u32) -> String {
        let folder = format!("app-{build}");
        fs::create_dir(self.site.path().join(&folder)).unwrap();
        let object = |stage: &str| {
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("platform-{stage}"),
                    "namespace": "default" }, "data": { "build": build.to_string() } })
        };
        for stage in ["integration", "live"] {
            self.site.write(&format!("{folder}/{stage}/platform.yaml"), &object(stage).to_string());
        }
        let pushed = self.json(0, &["push", "--path", &folder, "--revision", &revision(build)]);
        text(&pushed["digest"]).to_owned()
    }

    /// Flux's objects of both stages.
    fn install(&self) {
        for (stage, semver) in [("integration", ">= 0.0.0-0"), ("live", ">= 0.0.0")] {
            self.plane.apply(&json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
                "metadata": { "name": stage, "namespace": "flux-system" },
                "spec": { "interval": "1h", "url": self.repository, "insecure": true, "ref": { "semver": semver } },
            }));
            self.plane.apply(&json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": { "name": stage, "namespace": "flux-system" },
                "spec": { "interval": "1h", "retryInterval": "1h", "timeout": "30s", "prune": true, "wait": true,
                          "path": format!("./{stage}"), "sourceRef": { "kind": "OCIRepository", "name": stage } },
            }));
        }
        self.plane.apply(&json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": { "name": "events", "namespace": "flux-system" },
            "spec": { "type": "generic", "address": self.ear.address },
        }));
        self.plane.apply(&json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": { "name": "promote", "namespace": "flux-system" },
            "spec": { "providerRef": { "name": "events" },
                      "eventSources": [{ "kind": "Kustomization", "name": "integration" }] },
        }));
    }

    fn look(&self, stage: &str, at: &str) {
        self.plane.reconcile("ocirepository", stage, at);
    }

    /// What a stage's source has.
    fn revision(&self, stage: &str) -> String {
        let source = self.plane.get("ocirepository", stage).unwrap();
        source["status"]["artifact"]["revision"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a stage runs a revision and is ready.
    fn runs(&self, stage: &str, revision: &str) {
        self.plane.until("kustomization", stage, "runs it", |object| {
            is_ready(object) && object["status"]["lastAppliedRevision"] == revision
        });
    }

    /// The first broken link of an artifact.
    fn broken(&self, arguments: &[&str]) -> String {
        let trace = self.json(10, &[&["why"], arguments].concat());
        let links = trace["links"].as_array().unwrap();
        let link = links.iter().find(|link| link["answer"] == "fail").unwrap_or_else(|| panic!("{trace:#}"));
        format!("{} {} {}", text(&link["stage"]), text(&link["question"]), text(&link["id"]))
    }
}

#[test]
#[ignore = "needs distribution 3, crane, kube-apiserver, etcd and Flux's controllers: scripts/components"]
fn a_build_goes_live_on_the_word_of_a_cluster_and_why_names_whatever_breaks() {
    let pipeline = Pipeline::start();
    let first = pipeline.push(1);
    // Nothing is in the cluster yet.
    assert_eq!(pipeline.broken(&[&first]), "integration seen object-absent");
    let refused = pipeline.run(&["promote", &first]);
    assert_eq!(refused.code, 3, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("the cluster of integration proves nothing"), "{}", refused.stderr);

    // The cluster runs it, and that is the evidence: nobody need say which artifact.
    pipeline.install();
    pipeline.runs("integration", &format!("0.1.0-rc.1@{first}"));
    assert_eq!(pipeline.broken(&[&first]), "integration promoted not-promoted");
    let promoted = pipeline.json(0, &["promote", "--wait=60s"]);
    assert_eq!((&promoted["release"], &promoted["digest"]), (&json!("0.1.0"), &json!(first)));
    assert_eq!(pipeline.revision("live"), format!("0.1.0@{first}"));
    assert_eq!(pipeline.plane.get("configmap", "default/platform-live").unwrap()["data"]["build"], "1");
    pipeline.look("integration", "after the first promotion");
    pipeline.runs("integration", &format!("0.1.0@{first}"));
    assert_eq!(pipeline.json(0, &["why", &first])["digest"], json!(first));
    let status = pipeline.json(0, &["status"]);
    for stage in status["stages"].as_array().unwrap() {
        assert_eq!((&stage["runs"]["digest"], &stage["runs"]["ready"]), (&json!(first), &json!(true)), "{status:#}");
    }
    assert_eq!(status["findings"], json!([]), "{status:#}");

    // Two builds; the older one is promoted, and the newer one is lifted above the release that would mask it.
    let (second, third) = (pipeline.push(2), pipeline.push(3));
    pipeline.look("integration", "after the third build");
    pipeline.runs("integration", &format!("0.1.1-rc.2@{third}"));
    let other = pipeline.run(&["promote", &second]);
    assert_eq!(other.code, 3, "the cluster runs the third: {}{}", other.stdout, other.stderr);
    assert!(other.stderr.contains("evidence is of"), "{}", other.stderr);
    pipeline.json(0, &["promote", &second, "--manual", "--reason", "seen yesterday", "--wait=60s"]);
    assert_eq!(pipeline.revision("live"), format!("0.1.1@{second}"));
    pipeline.look("integration", "after the second promotion");
    pipeline.runs("integration", &format!("0.1.2-rc.0.1@{third}"));

    // Whatever somebody pushes by hand: what we say is what the controller does.
    let foreign = format!("{}@{first}", pipeline.server.repository("acme/platform"));
    let tagged = peer("crane").args(["tag", &foreign, "v9.9.9-nightly", "--insecure"]).output().unwrap();
    assert!(tagged.status.success(), "{}", String::from_utf8_lossy(&tagged.stderr));
    let warned = pipeline.json(0, &["status"]);
    assert!(warned["findings"].to_string().contains("poison-tag"), "{warned:#}");
    pipeline.look("integration", "after the poison");
    pipeline.runs("integration", &format!("v9.9.9-nightly@{first}"));
    assert_eq!(pipeline.broken(&[&third]), "integration seen source-prefers");
    let filter = json!({ "spec": { "ref": { "semverFilter": "^[0-9]" } } });
    pipeline.plane.patch("ocirepository", "integration", &filter);
    pipeline.runs("integration", &format!("0.1.2-rc.0.1@{third}"));

    // Suspended, and deaf.
    pipeline.plane.patch("ocirepository", "live", &json!({ "spec": { "suspend": true } }));
    assert_eq!(pipeline.broken(&[&second, "--stage", "live"]), "live seen object-suspended");
    pipeline.plane.patch("ocirepository", "live", &json!({ "spec": { "suspend": false } }));
    pipeline.plane.patch("alert", "promote", &json!({ "spec": { "exclusionList": ["ealth", "finished"] } }));
    assert_eq!(pipeline.broken(&[&third]), "integration announced alert-excludes");
    pipeline.plane.patch("alert", "promote", &json!({ "spec": { "exclusionList": null } }));
    assert_eq!(pipeline.broken(&[&third]), "integration promoted not-promoted");

    // Told to somebody who does not take it: the controller says so in an event of the alert, and nowhere else.
    pipeline.ear.refuses.store(true, Ordering::Relaxed);
    pipeline.plane.reconcile("kustomization", "integration", "with nobody to tell");
    let until = Instant::now() + Duration::from_secs(60);
    while pipeline.broken(&[&third]) != "integration announced alert-undelivered" {
        assert!(Instant::now() < until, "{}", pipeline.broken(&[&third]));
        thread::sleep(Duration::from_millis(200));
    }
    pipeline.ear.refuses.store(false, Ordering::Relaxed);

    // Back by pin, and forward again.
    let pinned = pipeline.json(0, &["rollback", "--to", &first, "--strategy", "pin", "--reason", "data loss"]);
    assert_eq!(pinned["follows"], json!({ "digest": first }));
    pipeline.runs("live", &first);
    assert_eq!(pipeline.broken(&[&second, "--stage", "live"]), "live seen source-pinned");
    let warned = pipeline.json(0, &["status"]);
    assert!(warned["findings"].to_string().contains("source-pinned"), "{warned:#}");
    let again = pipeline.run(&["rollback", "--to", &first, "--strategy", "pin", "--reason", "again"]);
    assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
    let history = pipeline.json(0, &["history", &first]);
    assert!(history["records"].to_string().contains("data loss"), "{history:#}");
    pipeline.json(0, &["unpin"]);
    pipeline.runs("live", &format!("0.1.1@{second}"));
    assert_eq!(pipeline.run(&["unpin"]).code, 3, "it is pinned no more");

    // Back by tags.
    pipeline.json(0, &["rollback", "--to", &first]);
    pipeline.look("live", "after the rollback");
    let selected = pipeline.json(0, &["resolve", "--semver", ">= 0.0.0"]);
    assert_eq!(selected["digest"], json!(first));
    pipeline.runs("live", &format!("{}@{first}", text(&selected["tag"])));
    assert_eq!(commit(1).len(), 40);
}

#[test]
#[ignore = "needs distribution 3, kube-apiserver, etcd and Flux's definitions: scripts/components"]
fn what_something_else_writes_is_not_pinned_without_force() {
    let pipeline = Pipeline::start();
    let first = pipeline.push(1);
    pipeline.json(0, &["promote", &first, "--manual", "--reason", "seen"]);
    pipeline.install();
    let labels = json!({ "metadata": { "labels": { "kustomize.toolkit.fluxcd.io/name": "fleet",
                                                   "kustomize.toolkit.fluxcd.io/namespace": "flux-system" } } });
    pipeline.plane.patch("ocirepository", "live", &labels);
    let pin = ["rollback", "--to", &first, "--strategy", "pin", "--reason", "data loss"];
    let refused = pipeline.run(&pin);
    assert_eq!(refused.code, 3, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("is written by Kustomization flux-system/fleet"), "{}", refused.stderr);
    let dry = pipeline.json(0, &[&pin[..], &["--force", "--dry-run"]].concat());
    assert_eq!(dry["done"], "would pin");
    assert_eq!(pipeline.plane.get("ocirepository", "live").unwrap()["spec"]["ref"], json!({ "semver": ">= 0.0.0" }));
    pipeline.json(0, &[&pin[..], &["--force"]].concat());
    assert_eq!(pipeline.plane.get("ocirepository", "live").unwrap()["spec"]["ref"], json!({ "digest": first }));
}
