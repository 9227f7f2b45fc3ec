//! Each rule with something that breaks it and something that does not.

use promotion_core::lint::{Answer, Document, Flaw, Image, MEANINGS, Pin, awaited, lint, pins};
use promotion_core::{Digest, Tag};
use serde_json::{Value, json};

/// A rule, what breaks it, and the same mended.
type Pair = (&'static str, fn() -> Vec<Value>, fn() -> Vec<Value>);

fn analysis(metric: &Value) -> Value {
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "success" },
            "spec": { "metrics": [metric] } })
}

fn measured(interval: &str, count: Value, limit: Value, query: &str) -> Value {
    analysis(&json!({ "name": "errors", "interval": interval, "count": count, "failureLimit": limit,
                      "provider": { "prometheus": { "query": query } } }))
}

const OF_CANARY: &str = "sum(rate(errors{service=\"shop-canary\"}[2m]))";

fn workflow(steps: &Value, more: &Value) -> Value {
    let mut workflow = json!({ "name": "promote", "jobs": { "promote": { "steps": steps } } });
    for (key, value) in more.as_object().into_iter().flatten() {
        workflow[key] = value.clone();
    }
    workflow
}

fn promoting(more: &Value) -> Value {
    workflow(&json!([{ "run": "promotion promote --event event.json" }]), more)
}

fn taking_turns() -> Value {
    json!({ "group": "promotion", "cancel-in-progress": false })
}

fn source(url: &str, insecure: bool) -> Value {
    json!({ "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": { "name": "platform" },
            "spec": { "url": url, "insecure": insecure } })
}

fn definition(wave: &str) -> Value {
    json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "rollouts.argoproj.io", "annotations": { "argocd.argoproj.io/sync-wave": wave } },
            "spec": { "group": "argoproj.io", "names": { "kind": "Rollout" } } })
}

fn rollout(wave: &str) -> Value {
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": { "name": "shop", "annotations": { "argocd.argoproj.io/sync-wave": wave } } })
}

fn application(heals: bool) -> Value {
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "shop" },
            "spec": { "syncPolicy": { "automated": { "selfHeal": heals } } } })
}

fn building(provenance: Value) -> Value {
    workflow(&json!([{ "uses": "docker/build-push-action@v6", "with": { "provenance": provenance } }]), &json!({}))
}

fn cleaning() -> Value {
    workflow(&json!([{ "uses": "actions/delete-package-versions@v5" }]), &json!({}))
}

fn named(api: &str, kind: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({ "apiVersion": api, "kind": kind, "metadata": { "name": name } });
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

fn release(suspended: bool, tag: &str) -> Value {
    let values = json!({ "web": { "image": { "registry": "git.example", "repository": "acme/web", "tag": tag } } });
    named(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        "web",
        &json!({ "spec": { "suspend": suspended, "values": values } }),
    )
}

fn deployment(container: &Value) -> Value {
    let template = json!({ "spec": { "containers": [container] } });
    named("apps/v1", "Deployment", "web", &json!({ "spec": { "template": template } }))
}

fn cron_job(image: &str) -> Value {
    let pod = json!({ "template": { "spec": { "containers": [{ "name": "job", "image": image }] } } });
    named("batch/v1", "CronJob", "clean", &json!({ "spec": { "jobTemplate": { "spec": pod } } }))
}

/// A Deployment of a namespace that pulls with the Secret `ghcr`.
fn pulling(namespace: &str) -> Value {
    let mut deployment = deployment(&json!({ "image": "ghcr.io/acme/web:1.4.0" }));
    deployment["metadata"]["namespace"] = json!(namespace);
    deployment["spec"]["template"]["spec"]["imagePullSecrets"] = json!([{ "name": "ghcr" }]);
    deployment
}

/// The Secret `ghcr` in the namespace `apps`, passed on to these namespaces.
fn pull_secret(to: Option<&str>) -> Value {
    let mut secret = named("v1", "Secret", "ghcr", &json!({ "type": "kubernetes.io/dockerconfigjson" }));
    secret["metadata"]["namespace"] = json!("apps");
    if let Some(namespaces) = to {
        secret["metadata"]["annotations"] = json!({
            "reflector.v1.k8s.emberstack.com/reflection-allowed": "true",
            "reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces": namespaces,
            "reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true",
        });
    }
    secret
}

fn pod(image: &str, waiting: &Value) -> Value {
    let status = json!({ "containerStatuses": [{ "name": "web", "image": image, "state": { "waiting": waiting } }] });
    named("v1", "Pod", "web-1", &json!({ "status": status }))
}

fn syncing(options: &Value) -> Value {
    let spec = json!({ "ignoreDifferences": [{ "group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"] }],
                       "syncPolicy": { "syncOptions": options } });
    named("argoproj.io/v1alpha1", "Application", "shop", &json!({ "spec": spec }))
}

fn watching(path: &str) -> Value {
    named("argoproj.io/v1alpha1", "Application", "apps", &json!({ "spec": { "source": { "path": path } } }))
}

fn divided() -> Value {
    let canary = json!({ "stableService": "shop", "canaryService": "shop-canary" });
    named("argoproj.io/v1alpha1", "Rollout", "shop", &json!({ "spec": { "strategy": { "canary": canary } } }))
}

fn service(name: &str) -> Value {
    named("v1", "Service", name, &json!({}))
}

fn ingress(service: &str) -> Value {
    let path = json!({ "path": "/", "backend": { "service": { "name": service, "port": { "number": 80 } } } });
    named("networking.k8s.io/v1", "Ingress", "shop", &json!({ "spec": { "rules": [{ "http": { "paths": [path] } }] } }))
}

fn asking(address: &str) -> Value {
    analysis(&json!({ "name": "errors", "provider": { "prometheus": { "address": address, "query": OF_CANARY } } }))
}

fn letting(namespace: &str, port: u64) -> Value {
    let to = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } } });
    let spec = json!({ "policyTypes": ["Egress"], "egress": [{ "to": [to], "ports": [{ "port": port }] }] });
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": { "name": "out", "namespace": "argo-rollouts" }, "spec": spec })
}

fn deploying(when: &Value, commands: &Value) -> Value {
    json!({ "when": when, "steps": { "deploy": { "image": "bitnami/kubectl:1.33", "commands": commands } } })
}

fn carefully() -> Value {
    json!([
        "test -n \"$IMAGE_TAG\"",
        "kubectl set image deploy/web web=$IMAGE_NAME:$IMAGE_TAG",
        "kubectl rollout status deploy/web --timeout=300s"
    ])
}

fn by_hand() -> Value {
    json!({ "event": ["manual", "deployment"] })
}

const PAIRS: &[Pair] = &[
    (
        "analysis-without-count",
        || vec![measured("1m", Value::Null, json!(3), OF_CANARY)],
        || vec![measured("1m", json!(5), json!(3), OF_CANARY)],
    ),
    (
        "analysis-never-fails",
        || vec![measured("1m", json!("3"), json!(3), OF_CANARY)],
        || vec![measured("1m", json!(5), json!("3"), OF_CANARY)],
    ),
    (
        "analysis-window-short",
        || vec![measured("5m", json!(5), json!(3), OF_CANARY)],
        || vec![measured("2m", json!(5), json!(3), OF_CANARY)],
    ),
    (
        "analysis-of-everything",
        || vec![measured("1m", json!(5), json!(3), "sum(rate(errors[2m]))")],
        || vec![measured("1m", json!(5), json!(3), "sum(rate(errors{pod=~\"{{args.pods}}\"}[2m]))")],
    ),
    (
        "workflow-without-concurrency",
        || vec![promoting(&json!({}))],
        || vec![promoting(&json!({ "concurrency": taking_turns() }))],
    ),
    (
        "workflow-drops-runs",
        || vec![promoting(&json!({ "concurrency": { "group": "promotion", "cancel-in-progress": true } }))],
        || vec![promoting(&json!({ "concurrency": "promotion" }))],
    ),
    (
        "workflow-permission",
        || vec![promoting(&json!({ "concurrency": taking_turns(), "permissions": { "contents": "read" } }))],
        || vec![promoting(&json!({ "concurrency": taking_turns(), "permissions": { "packages": "write" } }))],
    ),
    (
        "workflow-shallow",
        || vec![workflow(&json!([{ "uses": "actions/checkout@v4" }, { "run": "svu next" }]), &json!({}))],
        || {
            let deep = json!([{ "uses": "actions/checkout@v4", "with": { "fetch-depth": 0 } }, { "run": "svu next" }]);
            vec![workflow(&deep, &json!({}))]
        },
    ),
    ("workflow-attestations", || vec![building(Value::Null), cleaning()], || vec![building(json!(false)), cleaning()]),
    (
        "registry-in-cluster",
        || vec![source("oci://registry.infra.svc.cluster.local:5000/platform", true)],
        || vec![source("oci://ghcr.io/acme/platform", false)],
    ),
    (
        "plain-http",
        || vec![source("oci://192.168.2.2:5000/platform", true)],
        || vec![source("oci://127.0.0.1:5000/platform", true)],
    ),
    ("wave-order", || vec![definition("3"), rollout("2")], || vec![definition("2"), rollout("3")]),
    (
        "self-healed-image",
        || vec![application(true), workflow(&json!([{ "run": "kubectl set image deploy/shop shop=x" }]), &json!({}))],
        || vec![application(false), workflow(&json!([{ "run": "kubectl set image deploy/shop shop=x" }]), &json!({}))],
    ),
    (
        "mirror-plain-http",
        || vec![json!({ "mirrors": { "docker.io": { "endpoint": ["http://10.0.20.10:5000"] } } })],
        || {
            vec![
                json!({ "mirrors": { "docker.io": { "endpoint": ["https://mirror.example", "http://127.0.0.1:5000"] } } }),
            ]
        },
    ),
    (
        "mirror-plain-http",
        || vec![json!({ "server": "https://docker.io", "host": { "http://10.0.20.10:5000": {} } })],
        || {
            vec![json!({ "server": "https://docker.io", "host": {
                "http://10.0.20.10:5000": { "capabilities": ["pull"] },
                "https://mirror.example": { "capabilities": ["pull", "resolve"] },
                "http://127.0.0.1:5000": { "capabilities": ["pull", "resolve"] },
                "http://[::1]:5000": { "capabilities": [] },
            } })]
        },
    ),
    (
        "mirror-plain-http",
        || vec![json!({ "host": { "https://mirror.example": { "capabilities": ["resolve"], "skip_verify": true } } })],
        || vec![json!({ "host": { "https://mirror.example": { "capabilities": ["resolve"], "skip_verify": false } } })],
    ),
    (
        "mirror-plain-http",
        || vec![json!({ "host": { "http://10.0.20.10:5000": { "capabilities": ["Resolve"] } } })],
        || vec![json!({ "host": { "http://10.0.20.10:5000": { "capabilities": ["Pull"] } } })],
    ),
    (
        "mirror-plain-http",
        || vec![json!({ "server": "http://10.0.20.10:5000", "capabilities": [], "host": {} })],
        || vec![json!({ "server": "http://10.0.20.10:5000" })],
    ),
    (
        "pull-secret-elsewhere",
        || vec![pulling("shop"), pull_secret(None)],
        || {
            let target = json!({ "spec": { "target": { "name": "ghcr" } } });
            let mut external = named("external-secrets.io/v1", "ExternalSecret", "any", &target);
            external["metadata"]["namespace"] = json!("shop");
            vec![pulling("shop"), pull_secret(None), external]
        },
    ),
    (
        "pull-secret-elsewhere",
        || vec![pulling("shop"), pull_secret(None)],
        || vec![pulling("shop"), pull_secret(None), named("kyverno.io/v1", "ClusterPolicy", "spread", &json!({}))],
    ),
    ("pull-secret-elsewhere", || vec![pulling("shop"), pull_secret(None)], || vec![pulling("apps"), pull_secret(None)]),
    (
        "pull-secret-elsewhere",
        || vec![pulling("shop"), pull_secret(Some("apps,web-.*"))],
        || vec![pulling("web-1"), pull_secret(Some("apps,web-.*"))],
    ),
    (
        "pull-secret-elsewhere",
        || {
            let account = json!({ "imagePullSecrets": [{ "name": "ghcr" }] });
            let mut account = named("v1", "ServiceAccount", "web", &account);
            account["metadata"]["namespace"] = json!("shop");
            vec![account, pull_secret(Some("web"))]
        },
        || vec![pulling("shop"), pull_secret(Some(""))],
    ),
    (
        "floating-suspended",
        || vec![release(true, "staging"), deployment(&json!({ "image": "git.example/acme/web:0.1.3" }))],
        || vec![release(true, "staging"), deployment(&json!({ "image": "git.example/acme/web:staging" }))],
    ),
    (
        "floating-image",
        || vec![cron_job("git.example:5000/acme/clean")],
        || vec![cron_job("git.example:5000/acme/clean:1.2")],
    ),
    (
        "image-not-pulled",
        || vec![pod("web:9.9.9", &json!({ "reason": "ErrImagePull", "message": "manifest unknown" }))],
        || vec![pod("web:9.9.9", &json!({ "reason": "ContainerCreating" }))],
    ),
    (
        "runner-url",
        || {
            vec![deployment(
                &json!({ "image": "runner:1.0.0", "env": [{ "name": "GITEA_INSTANCE_URL", "value": "http://gitea.git.svc:3000" }] }),
            )]
        },
        || {
            vec![deployment(
                &json!({ "image": "runner:1.0.0", "env": [{ "name": "GITEA_INSTANCE_URL", "value": "http://192.168.2.2:30300" }] }),
            )]
        },
    ),
    ("ignored-yet-synced", || vec![syncing(&json!([]))], || vec![syncing(&json!(["RespectIgnoreDifferences=true"]))]),
    ("application-unwatched", || vec![watching("apps")], || vec![watching("./")]),
    (
        "canary-service-missing",
        || vec![divided(), service("shop")],
        || vec![divided(), service("shop"), service("shop-canary")],
    ),
    ("canary-service-unused", || vec![divided(), ingress("other")], || vec![divided(), ingress("shop")]),
    (
        "analysis-cut-off",
        || vec![asking("http://prometheus.monitoring.svc:9090"), letting("monitoring", 443)],
        || vec![asking("http://prometheus.monitoring.svc:9090"), letting("logging", 9090), letting("monitoring", 9090)],
    ),
    (
        "workflow-force-push",
        || vec![workflow(&json!([{ "run": "git push --force" }]), &json!({}))],
        || vec![workflow(&json!([{ "run": "git push" }]), &json!({}))],
    ),
    (
        "workflow-empty-commit",
        || {
            vec![workflow(
                &json!([{ "run": "git commit --allow-empty -m go" }]),
                &json!({ "on": { "push": { "paths": ["src/**"] } } }),
            )]
        },
        || vec![workflow(&json!([{ "run": "git commit --allow-empty -m go" }]), &json!({ "on": { "push": {} } }))],
    ),
    (
        "deploy-not-manual",
        || vec![deploying(&json!([{ "event": "manual" }, { "event": "push" }]), &carefully())],
        || vec![deploying(&by_hand(), &carefully())],
    ),
    (
        "deploy-any-tag",
        || {
            let rash =
                json!(["kubectl set image deploy/web web=$IMAGE_NAME:$IMAGE_TAG", "kubectl rollout status deploy/web"]);
            vec![deploying(&by_hand(), &rash)]
        },
        || {
            let refusing =
                json!(["kubectl set image deploy/web web=web:${IMAGE_TAG:?}", "kubectl rollout status deploy/web"]);
            vec![deploying(&by_hand(), &refusing)]
        },
    ),
    (
        "deploy-unverified",
        || vec![deploying(&by_hand(), &json!(["kubectl set image deploy/web web=web:1.0.0"]))],
        || vec![deploying(&by_hand(), &carefully())],
    ),
    (
        "command-no-text",
        || {
            vec![
                json!({ "steps": [{ "name": "tell", "image": "alpine:3.22", "commands": [{ "echo ${A}": "${B}" }] }] }),
            ]
        },
        || vec![json!({ "steps": [{ "name": "tell", "image": "alpine:3.22", "commands": ["echo ${A}:${B}"] }] })],
    ),
    (
        "tool-floats",
        || vec![json!({ "steps": [{ "name": "look", "image": "bitnami/kubectl", "commands": ["kubectl get pods"] }] })],
        || {
            vec![
                json!({ "steps": [{ "name": "look", "image": "bitnami/kubectl:1.33", "commands": ["kubectl get pods"] }] }),
            ]
        },
    ),
    (
        "built-in-cluster",
        || vec![json!({ "steps": [{ "name": "build", "image": "woodpeckerci/plugin-docker-buildx:5" }] })],
        || vec![json!({ "steps": [{ "name": "test", "image": "rust:1.95" }] })],
    ),
];

fn ids(values: Vec<Value>) -> Vec<&'static str> {
    let document = |value| Document { place: "file.yaml".into(), value, text: String::new() };
    let documents: Vec<Document> = values.into_iter().map(document).collect();
    lint(&documents, &[]).iter().map(Flaw::id).collect()
}

#[test]
fn each_rule_finds_what_breaks_it_and_nothing_once_it_is_mended() {
    for (rule, broken, mended) in PAIRS {
        assert_eq!(ids(broken()), [*rule], "{rule}");
        assert_eq!(ids(mended()), [""; 0], "{rule}, mended");
    }
    // Those that need the text, pins or a registry have tests of their own.
    let elsewhere = [
        "helm-digest-unresolved",
        "pins-differ",
        "resume-absent",
        "resume-lacks-child",
        "resume-unknown",
        "policy-selects-nothing",
    ];
    let tried: Vec<&str> = PAIRS.iter().map(|(rule, ..)| *rule).chain(elsewhere).collect();
    for (id, _) in MEANINGS {
        assert!(tried.contains(id), "{id} is not tried");
    }
}

#[test]
fn a_digest_that_flux_never_wrote_is_found_by_its_marker() {
    let value = json!({ "kind": "HelmRelease", "metadata": { "name": "shop" } });
    let told =
        |text: &str| lint(&[Document { place: "shop.yaml".into(), value: value.clone(), text: text.into() }], &[]);
    let empty = told("values:\n  digest: \"\" # {\"$imagepolicy\": \"apps:shop:digest\"}\n");
    assert_eq!(empty[0].id(), "helm-digest-unresolved");
    assert!(told("values:\n  digest: \"sha256:1\" # {\"$imagepolicy\": \"apps:shop:digest\"}\n").is_empty());
    assert!(told("values:\n  digest: \"\"\n").is_empty(), "nobody was to write it");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_to_do() {
    let mut text = String::new();
    for (_, broken, _) in PAIRS {
        let document = |value| Document { place: "file.yaml".into(), value, text: String::new() };
        for flaw in lint(&broken().into_iter().map(document).collect::<Vec<_>>(), &[]) {
            text.push_str(&format!("{}\n  -> {} [{}]\n", flaw.message(), flaw.fix(), flaw.id()));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn whatever_is_in_a_document_nothing_panics() {
    for value in [json!(null), json!([]), json!("text"), json!({ "jobs": 1 }), json!({ "kind": "AnalysisTemplate" })] {
        assert!(ids(vec![value]).is_empty());
    }
    let odd = json!({ "kind": "AnalysisTemplate", "spec": { "metrics": [1, { "interval": 5, "count": -1 }] } });
    assert!(ids(vec![odd]).is_empty());
}

fn here(value: Value) -> Document {
    Document { place: "file.yaml".into(), value, text: String::new() }
}

#[test]
fn a_pin_keeps_what_nothing_at_work_refers_to() {
    let waiting = [here(release(true, "staging"))];
    let found = |declared: &str| lint(&waiting, &pins(declared).unwrap()).len();
    assert_eq!(found(""), 1);
    assert_eq!(found("# the first start\n\ncontainer/web==staging # kept"), 0);
    assert_eq!(found("container/web==latest"), 1, "another version");
    assert_eq!(found("container/eb==staging"), 1, "another package");
    assert_eq!(found("helm/web==staging"), 1, "another kind of package");
    assert_eq!(lint(&[here(release(false, "staging"))], &[]), [], "a release at work is seen by every cleaner");
    assert_eq!(lint(&[here(release(true, "1.2.3"))], &[]), [], "a version does not float");
}

#[test]
fn pins_are_lines_and_a_bad_one_is_named() {
    let pin =
        |kind: &str, name: &str, version: &str| Pin { kind: kind.into(), name: name.into(), version: version.into() };
    let read = pins("# ours\ncontainer/cms-plugins==staging\n\n  helm/acme/web == 1.2.3 # why\n").unwrap();
    assert_eq!(read, [pin("container", "cms-plugins", "staging"), pin("helm", "acme/web", "1.2.3")]);
    assert_eq!(read[0].to_string(), "container/cms-plugins==staging");
    for bad in [
        "container/web=staging",
        "container==staging",
        "/web==staging",
        "container/==staging",
        "container/web==",
        "a/b==c d",
    ] {
        let told = pins(&format!("container/web==staging\n{bad}\n")).unwrap_err();
        assert_eq!((told.line, told.text.as_str()), (2, bad));
    }
}

#[test]
fn a_copy_of_the_pins_that_is_not_the_declared_one_is_told() {
    let copy = |text: &str| {
        here(named("v1", "ConfigMap", "cleaner", &json!({ "data": { "keep.txt": text, "other": "no pins" } })))
    };
    let declared = pins("container/web==staging\ncontainer/api==staging\n").unwrap();
    let told = |text: &str| lint(&[copy(text)], &declared).iter().map(Flaw::message).collect::<Vec<_>>();
    assert_eq!(told("container/api==staging\n# the same\ncontainer/web==staging"), [""; 0]);
    assert_eq!(
        told("container/web==staging\ncontainer/old==1.0.0\n"),
        [
            "file.yaml: ConfigMap cleaner lacks container/api==staging and still has container/old==1.0.0, unlike the declared pins"
        ]
    );
    assert_eq!(lint(&[copy("container/web==staging")], &[]), [], "nothing was declared to compare it with");
}

#[test]
fn an_image_is_a_repository_a_tag_and_a_digest() {
    let parts = |text: &str| {
        let image = Image::parse(text);
        (
            image.repository.clone(),
            image.tag.clone().unwrap_or_default(),
            image.digest.is_some(),
            image.floats().is_some(),
        )
    };
    let of = |repository: &str, tag: &str, digest: bool, floats: bool| {
        (repository.to_owned(), tag.to_owned(), digest, floats)
    };
    assert_eq!(parts("alpine"), of("alpine", "latest", false, true));
    assert_eq!(parts("host:5000/a/b"), of("host:5000/a/b", "latest", false, true));
    assert_eq!(parts("host:5000/a/b:main"), of("host:5000/a/b", "main", false, true));
    assert_eq!(parts("a/b:v1.2"), of("a/b", "v1.2", false, true), "the newest of 1.2, whichever that is");
    assert_eq!(parts("a/b:v1.2.3"), of("a/b", "v1.2.3", false, false));
    assert_eq!(parts("a/b:6f9c0e2a"), of("a/b", "6f9c0e2a", false, false));
    assert_eq!(parts("a/b:sha-6f9c0e2"), of("a/b", "sha-6f9c0e2", false, false));
    assert_eq!(parts("a/b:main@sha256:00"), of("a/b", "main", true, false));
    assert_eq!(parts("a/b@sha256:00"), of("a/b", "", true, false));
    assert_eq!(Image::parse("a/b:main@sha256:00").to_string(), "a/b:main@sha256:00");
}

#[test]
fn why_an_image_does_not_come_decides_where_to_look() {
    let fix = |message: &str| {
        let waits = pod("ghcr.io/acme/web:9.9.9", &json!({ "reason": "ImagePullBackOff", "message": message }));
        lint(&[here(waits)], &[])[0].fix()
    };
    assert!(fix("manifest unknown").contains("whether the registry has the tag"));
    assert!(fix("401 Unauthorized").contains("pull secret"));
    assert!(fix("dial tcp 10.0.20.10:5010: connect: connection refused").contains("mirrors (hosts.toml)"));
}

fn flux(kind: &str, name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": kind, "metadata": { "name": name, "namespace": "apps" }, "spec": spec })
}

#[test]
fn before_a_resume_everything_it_wants_must_be_there() {
    let policy = flux(
        "ImagePolicy",
        "web",
        &json!({ "imageRepositoryRef": { "name": "web" }, "filterTags": { "pattern": "^staging$" },
                 "policy": { "alphabetical": { "order": "asc" } } }),
    );
    let repository =
        flux("ImageRepository", "web", &json!({ "image": "git.example/acme/web", "exclusionList": ["^old-"] }));
    let documents = [release(true, "staging"), policy, repository, release(false, "main")].map(here);
    let awaited = awaited(&documents);
    let wanted: Vec<String> =
        awaited.iter().map(|one| format!("{}: {}", one.subject, one.wants.repository().unwrap())).collect();
    assert_eq!(wanted, ["HelmRelease web: oci://git.example/acme/web", "ImagePolicy web: oci://git.example/acme/web"]);

    let child = Digest::of(b"child");
    let told = |at: usize, answer: &Answer| awaited[at].flaw(answer).map(|flaw| (flaw.id(), flaw.message()));
    let says = |id: &'static str, text: &str| Some((id, format!("file.yaml: {text}")));
    let tags = |tags: &[&str]| Answer::Tags(tags.iter().map(|tag| tag.parse::<Tag>().unwrap()).collect());
    assert_eq!(told(0, &Answer::Complete(child)), None);
    assert_eq!(
        told(0, &Answer::Absent),
        says("resume-absent", "HelmRelease web wants git.example/acme/web:staging, which is not there")
    );
    assert_eq!(
        told(0, &Answer::Lacks(child)),
        says(
            "resume-lacks-child",
            &format!("HelmRelease web wants git.example/acme/web:staging, whose {child} is not there")
        )
    );
    assert_eq!(
        told(0, &Answer::Unknown("401".into())),
        says(
            "resume-unknown",
            "HelmRelease web wants git.example/acme/web:staging, and nobody can say whether it is there: 401"
        )
    );
    assert_eq!(told(1, &tags(&["0.1.3", "staging"])), None);
    assert_eq!(
        told(1, &tags(&["0.1.3"])),
        says("policy-selects-nothing", "ImagePolicy web chooses nothing: no scanned tag passes the filter")
    );
    assert_eq!(
        told(1, &tags(&["old-1"])),
        says("policy-selects-nothing", "ImagePolicy web chooses nothing: no tags were scanned")
    );
}

#[test]
fn names_of_images_are_read_as_docker_reads_them() {
    let repository = |name: &str| {
        let values = json!({ "image": { "repository": name, "tag": "main" } });
        let release = named(
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            "web",
            &json!({ "spec": { "suspend": true, "values": values } }),
        );
        awaited(&[here(release)])[0].wants.repository().map(|repository| repository.to_string())
    };
    assert_eq!(repository("nginx").as_deref(), Some("oci://docker.io/library/nginx"));
    assert_eq!(repository("acme/web").as_deref(), Some("oci://docker.io/acme/web"));
    assert_eq!(repository("localhost/web").as_deref(), Some("oci://localhost/web"));
    assert_eq!(repository("host:5000/web").as_deref(), Some("oci://host:5000/web"));
    assert_eq!(repository("ghcr.io/Acme/web"), None, "capitals are no name of a repository");
}
