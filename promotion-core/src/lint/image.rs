//! Images as manifests name them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::{items, text};
use crate::flux::Version as FluxVersion;

/// An image in a manifest: `repository[:tag][@digest]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Image {
    /// With its host, if it names one.
    pub repository: String,
    /// `latest` where neither a tag nor a digest is named.
    pub tag: Option<String>,
    /// The digest, as it is written.
    pub digest: Option<String>,
}

impl Image {
    /// Reads what a pod template calls an image. Takes whatever is there: who runs it says what is wrong with it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        // A colon before the last slash is a port's.
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (name, None),
        };
        let tag = tag.or_else(|| digest.is_none().then_some("latest"));
        Self { repository: repository.into(), tag: tag.map(Into::into), digest: digest.map(Into::into) }
    }

    /// Its tag, where that may point at something else tomorrow: no version, no commit, and no digest beside it.
    #[must_use]
    pub fn floats(&self) -> Option<&str> {
        let fixed = |tag: &str| FluxVersion::parse_tag(tag).is_ok() || is_commit(tag);
        self.tag.as_deref().filter(|tag| self.digest.is_none() && !fixed(tag))
    }
}

impl core::fmt::Display for Image {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Seven to forty hex digits, maybe after `sha-`.
fn is_commit(tag: &str) -> bool {
    let hex = tag.strip_prefix("sha-").unwrap_or(tag);
    (7..=40).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The pod templates of an object, wherever its kind keeps them.
pub(super) fn pods(value: &Value) -> Vec<&Value> {
    let paths = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];
    let own = (text(value, "/kind") == Some("Pod")).then(|| value.get("spec")).flatten();
    paths.iter().filter_map(|path| value.pointer(path)).chain(own).collect()
}

/// The images of an object: those of its pods, and those that a HelmRelease's values name as `repository` and `tag`.
#[must_use]
pub fn images(value: &Value) -> Vec<Image> {
    let lists = ["/initContainers", "/containers"];
    let containers = pods(value).into_iter().flat_map(|pod| lists.iter().flat_map(|list| items(pod, list)));
    let mut images: Vec<Image> =
        containers.filter_map(|container| text(container, "/image")).map(Image::parse).collect();
    if text(value, "/kind") == Some("HelmRelease") {
        collect(value.pointer("/spec/values").unwrap_or(&Value::Null), &mut images);
    }
    images
}

fn collect(value: &Value, images: &mut Vec<Image>) {
    let said = |name: &str| text(value, name).filter(|said| !said.is_empty()).map(ToString::to_string);
    if let (Some(repository), Some(tag)) = (said("/repository"), said("/tag")) {
        let host = said("/registry").map(|host| alloc::format!("{host}/")).unwrap_or_default();
        images.push(Image { repository: host + &repository, tag: Some(tag), digest: said("/digest") });
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, images)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, images)),
        _ => {}
    }
}
