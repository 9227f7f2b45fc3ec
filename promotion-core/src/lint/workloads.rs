//! What runs, what waits, and which image each of them wants.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::image::{Image, images, pods};
use super::pins::Pin;
use crate::flux::TagFilter;

use super::{Document, Found, Rule, called, items, text};

pub(super) fn lint(document: &Document, documents: &[Document], pins: &[Pin], found: &mut Found<'_>) {
    let value = &document.value;
    match text(value, "/kind") {
        Some("HelmRelease") if is_suspended(value) => waiting(value, documents, pins, found),
        Some("Pod") => unpulled(value, found),
        _ => latest(value, found),
    }
    runner(value, found);
    unreachable_secrets(value, documents, found);
}

fn is_suspended(value: &Value) -> bool {
    value.pointer("/spec/suspend") == Some(&Value::Bool(true))
}

/// Floating tags that nothing at work refers to: a cleaner that looks at what runs deletes them.
fn waiting(value: &Value, documents: &[Document], pins: &[Pin], found: &mut Found<'_>) {
    for image in images(value).into_iter().filter(|image| image.floats().is_some()) {
        let at_work = |other: &Document| !is_suspended(&other.value) && images(&other.value).contains(&image);
        if !documents.iter().any(at_work) && !pins.iter().any(|pin| pin.keeps(&image)) {
            found(called(value), Rule::FloatingSuspended { image: image.to_string() });
        }
    }
}

/// Containers whose image did not come.
fn unpulled(pod: &Value, found: &mut Found<'_>) {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    for container in lists.iter().flat_map(|list| items(pod, list)) {
        let waits = text(container, "/state/waiting/reason").unwrap_or_default();
        if matches!(waits, "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName") {
            let image = text(container, "/image").unwrap_or("?").to_string();
            let message = text(container, "/state/waiting/message").unwrap_or(waits).to_string();
            found(called(pod), Rule::ImageNotPulled { image, message });
        }
    }
}

/// Images of which nobody can say what they are.
fn latest(value: &Value, found: &mut Found<'_>) {
    for pod in pods(value) {
        for container in items(pod, "/containers") {
            let Some(image) = text(container, "/image").map(Image::parse) else { continue };
            if image.digest.is_none() && image.tag.as_deref() == Some("latest") {
                let kept = text(container, "/imagePullPolicy") == Some("IfNotPresent");
                found(called(value), Rule::FloatingImage { image: image.to_string(), kept });
            }
        }
    }
}

/// Pull secrets of other namespaces; those of which no document has any are not looked at.
fn unreachable_secrets(value: &Value, documents: &[Document], found: &mut Found<'_>) {
    let Some(namespace) = text(value, "/metadata/namespace") else { return };
    // What these make, and where, only the cluster knows.
    let distributes = |other: &Document| {
        matches!(
            text(&other.value, "/kind"),
            Some("ClusterExternalSecret" | "ClusterPolicy" | "HierarchyConfiguration" | "HNCConfiguration")
        )
    };
    if documents.iter().any(distributes) {
        return;
    }
    let account = (text(value, "/kind") == Some("ServiceAccount")).then_some(value);
    let named = pods(value).into_iter().chain(account).flat_map(|pod| items(pod, "/imagePullSecrets"));
    for secret in named.filter_map(|secret| text(secret, "/name")) {
        let is_it = |other: &&Value| {
            let names = match text(other, "/kind") {
                Some("Secret") => ["/metadata/name", "/metadata/name"],
                Some("ExternalSecret") => ["/metadata/name", "/spec/target/name"],
                Some("SealedSecret") => ["/metadata/name", "/spec/template/metadata/name"],
                _ => return false,
            };
            names.iter().any(|name| text(other, name) == Some(secret))
        };
        let all: Vec<&Value> = documents.iter().map(|other| &other.value).filter(is_it).collect();
        let comes = |other: &&Value| {
            let own = text(other, "/metadata/namespace");
            own.is_none_or(|own| own == namespace) || is_passed_on(other, namespace)
        };
        if !all.is_empty() && !all.iter().any(comes) {
            let mut elsewhere: Vec<String> =
                all.iter().filter_map(|other| text(other, "/metadata/namespace")).map(ToString::to_string).collect();
            elsewhere.sort();
            elsewhere.dedup();
            let (secret, namespace) = (secret.to_string(), namespace.to_string());
            found(called(value), Rule::PullSecretElsewhere { secret, namespace, found: elsewhere });
        }
    }
}

/// Whether Reflector or kubernetes-replicator copies a Secret to a namespace.
fn is_passed_on(secret: &Value, namespace: &str) -> bool {
    let said =
        |key: &str| text(secret.pointer("/metadata/annotations")?, &alloc::format!("/{}", key.replace('/', "~1")));
    let reflector = |key: &str| said(&alloc::format!("reflector.v1.k8s.emberstack.com/{key}"));
    // Empty lists are all namespaces.
    let lists = |key: &str| reflector(key).is_none_or(|list| list.is_empty() || lists(list, namespace));
    let reflected = reflector("reflection-allowed") == Some("true")
        && reflector("reflection-auto-enabled") == Some("true")
        && lists("reflection-allowed-namespaces")
        && lists("reflection-auto-namespaces");
    reflected
        || said("replicator.v1.mittwald.de/replicate-to").is_some_and(|list| self::lists(list, namespace))
        || said("replicator.v1.mittwald.de/replicate-to-matching").is_some()
}

/// Whether a list of names and regular expressions has a namespace; an expression that cannot be read may have it.
fn lists(list: &str, namespace: &str) -> bool {
    list.split(',').map(str::trim).any(|one| {
        let whole = if one == "*" { ".*".to_string() } else { one.to_string() };
        one == namespace
            || TagFilter::parse(&alloc::format!("^(?:{whole})$")).map_or(true, |filter| filter.is_match(namespace))
    })
}

/// A runner whose jobs are told to find their server under a name that only pods know.
fn runner(value: &Value, found: &mut Found<'_>) {
    let is_server =
        |variable: &&Value| matches!(text(variable, "/name"), Some("GITEA_INSTANCE_URL" | "FORGEJO_INSTANCE_URL"));
    let variables = pods(value)
        .into_iter()
        .flat_map(|pod| items(pod, "/containers"))
        .flat_map(|container| items(container, "/env"));
    for url in variables.filter(is_server).filter_map(|variable| text(variable, "/value")) {
        let host = host_of(url);
        if is_of_cluster(&host) || host == "localhost" || host.starts_with("127.") {
            found(called(value), Rule::RunnerUrl { url: url.to_string() });
        }
    }
}

/// The host of a URL, without its port.
pub(super) fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.split_once(']') {
        Some((address, _)) => alloc::format!("{address}]"),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_string(),
    }
}

/// Whether only pods of a cluster know this name.
pub(super) fn is_of_cluster(host: &str) -> bool {
    host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
}
