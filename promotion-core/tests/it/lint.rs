//! Each rule with something that breaks it and something that does not.

use promotion_core::lint::{Document, MEANINGS, lint};
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
];

fn ids(values: Vec<Value>) -> Vec<&'static str> {
    let document = |value| Document { place: "file.yaml".into(), value, text: String::new() };
    let documents: Vec<Document> = values.into_iter().map(document).collect();
    lint(&documents).iter().map(promotion_core::lint::Flaw::id).collect()
}

#[test]
fn each_rule_finds_what_breaks_it_and_nothing_once_it_is_mended() {
    for (rule, broken, mended) in PAIRS {
        assert_eq!(ids(broken()), [*rule], "{rule}");
        assert_eq!(ids(mended()), [""; 0], "{rule}, mended");
    }
    // The one that needs the text has its own test.
    let tried: Vec<&str> = PAIRS.iter().map(|(rule, ..)| *rule).chain(["helm-digest-unresolved"]).collect();
    for (id, _) in MEANINGS {
        assert!(tried.contains(id), "{id} is not tried");
    }
}

#[test]
fn a_digest_that_flux_never_wrote_is_found_by_its_marker() {
    let value = json!({ "kind": "HelmRelease", "metadata": { "name": "shop" } });
    let told = |text: &str| lint(&[Document { place: "shop.yaml".into(), value: value.clone(), text: text.into() }]);
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
        for flaw in lint(&broken().into_iter().map(document).collect::<Vec<_>>()) {
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
