//! Objects as people write them.

use serde_json::{Value, json};

/// A source that follows a repository of a registry without TLS.
pub(crate) fn source(name: &str, url: &str, reference: &Value) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"interval": "10m", "url": url, "insecure": true, "ref": reference},
    })
}

/// A Kustomization that applies a folder of a source.
pub(crate) fn kustomization(name: &str, source: &str, path: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {
            "interval": "10m", "timeout": "30s", "retryInterval": "10m", "prune": true, "wait": true, "path": path,
            "sourceRef": {"kind": "OCIRepository", "name": source},
        },
    })
}

/// A provider that posts events as they are.
pub(crate) fn provider(name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"type": "generic", "address": address},
    })
}

/// An alert of everything that a stage's Kustomization says.
pub(crate) fn alert(name: &str, provider: &str, kustomization: &str) -> Value {
    json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {
            "providerRef": {"name": provider}, "eventSeverity": "info",
            "eventSources": [{"kind": "Kustomization", "name": kustomization}],
            "eventMetadata": {"cluster": name},
        },
    })
}
