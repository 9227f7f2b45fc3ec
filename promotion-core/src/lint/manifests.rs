//! Manifests of Kubernetes, Flux and Argo CD.

use alloc::string::{String, ToString};

use serde_json::Value;

use super::workloads::{host_of, is_of_cluster};
use super::{Document, Found, Rule, called, items, text};

pub(super) fn lint(document: &Document, documents: &[Document], found: &mut Found<'_>) {
    let value = &document.value;
    match text(value, "/kind") {
        Some("OCIRepository") => source(value, found),
        Some("HelmRelease") if unresolved(document) => found(called(value), Rule::HelmDigestUnresolved),
        _ => {}
    }
    wave(value, documents, found);
    mirrors(document, found);
}

/// K3s's `registries.yaml` and containerd's `hosts.toml`.
fn mirrors(document: &Document, found: &mut Found<'_>) {
    let value = &document.value;
    let mirrors = value.get("mirrors").and_then(Value::as_object).into_iter().flatten();
    for (registry, mirror) in mirrors {
        let plain = items(mirror, "/endpoint").iter().filter_map(|endpoint| endpoint.as_str()?.strip_prefix("http://"));
        for host in plain.filter(|host| !is_here(&host_of(host))) {
            found(alloc::format!("mirror of {registry}"), Rule::MirrorPlainHttp { host: host.to_string() });
        }
    }
    // What a host may not resolve, it cannot make up: blobs and manifests are asked for by digest.
    let resolves = |host: &Value| match host.get("capabilities").and_then(Value::as_array) {
        Some(told) if !told.is_empty() => {
            told.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case("resolve"))
        }
        Some(_) | None => true,
    };
    let unverified =
        |url: &str, host: &Value| url.starts_with("http://") || host.get("skip_verify") == Some(&true.into());
    let hosts = value.get("host").and_then(Value::as_object).into_iter().flatten();
    let is_hosts = document.place.ends_with("hosts.toml") || value.get("host").is_some_and(Value::is_object);
    let server = text(value, "/server").filter(|_| is_hosts).map(|server| (server, value));
    for (url, host) in hosts.map(|(url, host)| (&**url, host)).chain(server) {
        let name = url.split_once("://").map_or(url, |(_, name)| name);
        if unverified(url, host) && resolves(host) && !is_here(&host_of(name)) {
            let subject = alloc::format!("mirror of {}", mirrored(document));
            found(subject, Rule::MirrorPlainHttp { host: name.to_string() });
        }
    }
}

/// The registry that a `hosts.toml` is about: its server, else the folder that it is in.
fn mirrored(document: &Document) -> String {
    let server = text(&document.value, "/server").map(host_of);
    server.unwrap_or_else(|| document.place.rsplit(['/', '\\']).nth(1).unwrap_or("?").to_string())
}

fn source(value: &Value, found: &mut Found<'_>) {
    let Some(host) = text(value, "/spec/url").and_then(|url| url.strip_prefix("oci://")?.split('/').next()) else {
        return;
    };
    let name = host.split(':').next().unwrap_or(host);
    if is_of_cluster(name) {
        found(called(value), Rule::RegistryInCluster { host: host.to_string() });
    } else if value.pointer("/spec/insecure") == Some(&Value::Bool(true)) && !is_here(name) {
        found(called(value), Rule::PlainHttp { host: host.to_string() });
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}

/// A field `digest: ""` with a marker that tells Flux to fill it; markers are comments, so the text is read.
fn unresolved(document: &Document) -> bool {
    let empty = |line: &str| {
        let (field, comment) = line.split_once('#').unwrap_or((line, ""));
        let value = field.trim().strip_prefix("digest:").map(str::trim);
        matches!(value, Some("" | "\"\"" | "''")) && comment.contains("$imagepolicy")
    };
    document.text.lines().any(empty)
}

/// An object of a kind whose definition is applied in the same wave or later.
fn wave(value: &Value, documents: &[Document], found: &mut Found<'_>) {
    let (Some(kind), Some(group)) = (text(value, "/kind"), text(value, "/apiVersion")) else { return };
    let group = group.rsplit_once('/').map_or("", |(group, _)| group);
    let defines = |other: &&Document| {
        text(&other.value, "/kind") == Some("CustomResourceDefinition")
            && text(&other.value, "/spec/group") == Some(group)
            && text(&other.value, "/spec/names/kind") == Some(kind)
    };
    let Some(definition) = documents.iter().find(defines).map(|other| wave_of(&other.value)) else { return };
    let object = wave_of(value);
    let skips = text(value, "/metadata/annotations/argocd.argoproj.io~1sync-options")
        .is_some_and(|options| options.contains("SkipDryRunOnMissingResource=true"));
    if let (Some(definition), Some(object)) = (definition, object)
        && object <= definition
        && !skips
    {
        found(called(value), Rule::WaveOrder { definition, object });
    }
}

/// The sync wave; `None` where nobody thought of one, which Argo CD orders by kind.
fn wave_of(value: &Value) -> Option<i64> {
    text(value, "/metadata/annotations/argocd.argoproj.io~1sync-wave")?.parse().ok()
}

/// Whether Argo CD undoes what somebody changes by hand.
pub(super) fn heals(value: &Value) -> bool {
    text(value, "/kind") == Some("Application")
        && value.pointer("/spec/syncPolicy/automated/selfHeal") == Some(&Value::Bool(true))
}

/// The steps of every job of a workflow.
pub(super) fn steps(workflow: &Value) -> impl Iterator<Item = &Value> {
    let jobs = workflow.get("jobs").and_then(Value::as_object);
    jobs.into_iter().flat_map(|jobs| jobs.values()).flat_map(|job| items(job, "/steps"))
}
