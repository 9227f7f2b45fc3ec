//! Argo CD and Argo Rollouts.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::Value;

use super::workloads::{host_of, is_of_cluster};
use super::{Document, Found, Rule, called, items, text};

pub(super) fn lint(document: &Document, documents: &[Document], found: &mut Found<'_>) {
    let value = &document.value;
    match text(value, "/kind") {
        Some("Application") => application(document, documents, found),
        Some("Rollout") => services(value, documents, found),
        Some("AnalysisTemplate" | "ClusterAnalysisTemplate") => egress(value, documents, found),
        _ => {}
    }
}

fn application(document: &Document, documents: &[Document], found: &mut Found<'_>) {
    let value = &document.value;
    let respects = |option: &Value| option == "RespectIgnoreDifferences=true";
    if !items(value, "/spec/ignoreDifferences").is_empty()
        && !items(value, "/spec/syncPolicy/syncOptions").iter().any(respects)
    {
        found(called(value), Rule::IgnoredYetSynced);
    }
    let watches = |other: &Document| {
        let path = text(&other.value, "/spec/source/path").map(|path| path.trim_matches(['/', '.']));
        text(&other.value, "/kind") == Some("Application") && path.is_some_and(|path| is_within(&document.place, path))
    };
    if text(value, "/spec/source/path").is_some() && !documents.iter().any(watches) {
        found(called(value), Rule::ApplicationUnwatched);
    }
}

/// Whether a file lies in a folder of the repository, wherever that is checked out.
fn is_within(place: &str, folder: &str) -> bool {
    let place: Vec<&str> = place.split('/').collect();
    let folder: Vec<&str> = folder.split('/').collect();
    // "" is the whole repository.
    folder == [""]
        || place.len() > folder.len() && place[..place.len() - 1].windows(folder.len()).any(|part| part == folder)
}

/// Two Services divide the traffic of a canary, if something sends it to them.
fn services(rollout: &Value, documents: &[Document], found: &mut Found<'_>) {
    let of = |field: &str| text(rollout, &alloc::format!("/spec/strategy/canary/{field}"));
    let named: Vec<&str> = ["stableService", "canaryService"].into_iter().filter_map(of).collect();
    let kinds = |kinds: &'static [&str]| {
        documents.iter().filter(move |other| text(&other.value, "/kind").is_some_and(|kind| kinds.contains(&kind)))
    };
    let known: Vec<&str> = kinds(&["Service"]).filter_map(|other| text(&other.value, "/metadata/name")).collect();
    // Without any Service among them, the documents are not all there are.
    for service in named.iter().filter(|service| !known.is_empty() && !known.contains(service)) {
        found(called(rollout), Rule::CanaryServiceMissing { service: (*service).to_string() });
    }
    let mut entries = kinds(&["Ingress", "IngressRoute", "HTTPRoute", "VirtualService"]).peekable();
    let routed = rollout.pointer("/spec/strategy/canary/trafficRouting").is_some();
    let leads_there =
        |entry: &Document| entry.value.get("spec").is_some_and(|spec| named.iter().any(|service| names(spec, service)));
    if !named.is_empty() && !routed && entries.peek().is_some() && !entries.any(leads_there) {
        found(called(rollout), Rule::CanaryServiceUnused);
    }
}

/// Whether a text stands anywhere in a document.
fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::String(said) => said == text,
        Value::Array(values) => values.iter().any(|value| names(value, text)),
        Value::Object(fields) => fields.values().any(|value| names(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Where the controller's namespace restricts what leaves it, its way to the metrics must be open.
fn egress(template: &Value, documents: &[Document], found: &mut Found<'_>) {
    let restricts = |policy: &Value| {
        let types = items(policy, "/spec/policyTypes");
        text(policy, "/kind") == Some("NetworkPolicy")
            && text(policy, "/metadata/namespace") == Some("argo-rollouts")
            && types.iter().any(|of| of == "Egress")
    };
    let policies: Vec<&Value> = documents.iter().map(|other| &other.value).filter(|policy| restricts(policy)).collect();
    if policies.is_empty() {
        return;
    }
    let addresses =
        items(template, "/spec/metrics").iter().filter_map(|metric| text(metric, "/provider/prometheus/address"));
    for address in addresses {
        let host = host_of(address);
        let namespace = host.split('.').nth(1).filter(|_| is_of_cluster(&host));
        let port: u64 =
            address.rsplit_once(':').and_then(|(_, port)| port.trim_end_matches('/').parse().ok()).unwrap_or(80);
        let rules = policies.iter().flat_map(|policy| items(policy, "/spec/egress"));
        let lets = |rule: &Value| lets_to(rule, namespace) && lets_through(rule, port);
        if !rules.into_iter().any(lets) {
            found(called(template), Rule::AnalysisCutOff { address: address.to_string() });
        }
    }
}

fn lets_to(rule: &Value, namespace: Option<&str>) -> bool {
    let to = items(rule, "/to");
    let name = "/namespaceSelector/matchLabels/kubernetes.io~1metadata.name";
    let of_namespace = |peer: &Value| match text(peer, name) {
        Some(selected) => Some(selected) == namespace,
        // Blocks of addresses and other labels may mean it: who wrote them should know.
        None => peer.get("namespaceSelector").is_some() || peer.get("ipBlock").is_some(),
    };
    to.is_empty() || to.iter().any(of_namespace)
}

fn lets_through(rule: &Value, port: u64) -> bool {
    let ports = items(rule, "/ports");
    let is_it = |of: &Value| of.get("port").is_none_or(|named| named.as_u64().is_none_or(|number| number == port));
    ports.is_empty() || ports.iter().any(is_it)
}
