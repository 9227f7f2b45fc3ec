//! What runs, what waits, and which image each of them wants.

use alloc::string::{String, ToString};

use serde_json::Value;

use super::image::{Image, images, pods};
use super::pins::Pin;
use super::{Document, Found, Rule, called, items, text};

pub(super) fn lint(document: &Document, documents: &[Document], pins: &[Pin], found: &mut Found<'_>) {
    let value = &document.value;
    match text(value, "/kind") {
        Some("HelmRelease") if is_suspended(value) => waiting(value, documents, pins, found),
        Some("Pod") => unpulled(value, found),
        _ => latest(value, found),
    }
    runner(value, found);
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
    authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_string()
}

/// Whether only pods of a cluster know this name.
pub(super) fn is_of_cluster(host: &str) -> bool {
    host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
}
