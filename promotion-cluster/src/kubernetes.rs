//! Kubernetes, over `kube`'s client: objects as JSON, in the newest version that the cluster serves and we understand.
//!
//! Least privilege: `get` and `list` of what is asked for, and `patch` of what is pinned; no cluster-wide listing. Each group's
//! versions, and what is in them, are asked for once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::params::{GetParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::request::Request;
use kube::{Client, Config, Error};
use promotion_core::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use promotion_core::ports::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

/// Who changes what is changed, in `metadata.managedFields`.
const MANAGER: &str = "promotion";
/// Objects of one page of a listing.
const PAGE: u32 = 500;
/// Pages at most: a listing that does not end is no listing.
const PAGES: usize = 200;

/// How a cluster is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The kubeconfig's context; its current one where absent. Without any kubeconfig: the cluster that this runs in.
    pub context: Option<String>,
    /// The kubeconfig, instead of those that `KUBECONFIG` names or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// How long to wait for an answer.
    pub timeout: Option<Duration>,
}

/// A cluster.
pub struct Kubernetes {
    name: String,
    client: Client,
    /// Of each group that was asked for: the versions that are served; `None` where the group is not there.
    served: Mutex<BTreeMap<&'static str, Option<Vec<String>>>>,
    /// Of each version of a group that was asked for: the plurals of its kinds.
    resources: Mutex<BTreeMap<(&'static str, &'static str), Vec<String>>>,
}

impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kubernetes").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default)]
    items: Vec<Value>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

impl Kubernetes {
    /// Reads the kubeconfig (`KUBECONFIG`, `~/.kube/config`), or what a pod is given. Nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// When there is none, the context is not in it, or it cannot be used.
    pub async fn connect(access: &Access) -> Result<Self, PortError> {
        // The process may have chosen a provider already; ours is the one that kube is built with.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let name = access.context.clone();
        let told = name.clone().unwrap_or_else(|| "the current context".to_owned());
        let failed = |error: &dyn std::error::Error| {
            PortError::new(PortErrorKind::Invalid, format!("read the kubeconfig for {told}"), chain(error))
        };
        let options = KubeConfigOptions { context: name.clone(), ..KubeConfigOptions::default() };
        let mut config = match (&access.kubeconfig, &name) {
            (Some(path), _) => {
                let file = Kubeconfig::read_from(path).map_err(|error| failed(&error))?;
                Config::from_custom_kubeconfig(file, &options).await.map_err(|error| failed(&error))?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|error| failed(&error))?,
            (None, None) => Config::infer().await.map_err(|error| failed(&error))?,
        };
        let timeout = access.timeout.unwrap_or(Duration::from_secs(30));
        config.connect_timeout = Some(timeout.min(Duration::from_secs(10)));
        config.read_timeout = Some(timeout);
        config.write_timeout = Some(timeout);
        let client = Client::try_from(config).map_err(|error| failed(&error))?;
        let current = || Kubeconfig::read().ok().and_then(|file| file.current_context);
        let name = name.or_else(current).unwrap_or_else(|| "this cluster".to_owned());
        Ok(Self { name, client, served: Mutex::default(), resources: Mutex::default() })
    }

    /// Where objects of a kind are.
    async fn path(&self, kind: Kind, namespace: &str) -> Reading<String> {
        let version = match self.version(kind).await {
            Ok(version) => version,
            Err(reading) => return reading,
        };
        let group = kind.group();
        let api = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        Reading::Known(format!("{api}/namespaces/{namespace}/{}", kind.plural()))
    }

    /// The newest version in which a kind is served and understood. A group's versions need not all have it: `OCIRepository` came
    /// to `v1` long after `GitRepository`.
    async fn version(&self, kind: Kind) -> Result<&'static str, Reading<String>> {
        let unknown = |error: &Error| Reading::Unknown(told(error));
        let Some(served) = self.served(kind.group()).await.map_err(|error| unknown(&error))? else {
            return Err(Reading::Absent);
        };
        let mut others = served.clone();
        for version in kind.versions() {
            if !served.iter().any(|served| served == version) {
                continue;
            }
            others.retain(|other| other != version);
            if self.serves(kind, version).await.map_err(|error| unknown(&error))? {
                return Ok(version);
            }
        }
        if others.is_empty() {
            return Err(Reading::Absent);
        }
        let (served, understood) = (served.join(", "), kind.versions().join(", "));
        Err(Reading::Unknown(format!("{} is served as {served}, and {understood} is understood", kind.group())))
    }

    /// Whether a version of a group has a kind.
    async fn serves(&self, kind: Kind, version: &'static str) -> Result<bool, Error> {
        if kind.group().is_empty() {
            return Ok(true);
        }
        let key = (kind.group(), version);
        let mut known = self.resources.lock().await;
        if let Entry::Vacant(unknown) = known.entry(key) {
            let path = format!("/apis/{}/{version}", kind.group());
            let request = http::Request::get(path).body(Vec::new()).map_err(Error::HttpError)?;
            let resources = self.client.request::<Resources>(request).await?.resources;
            unknown.insert(resources.into_iter().map(|resource| resource.name).collect());
        }
        Ok(known.get(&key).is_some_and(|names| names.iter().any(|name| name == kind.plural())))
    }

    /// The versions of a group; `None` where the cluster has no such group.
    async fn served(&self, group: &'static str) -> Result<Option<Vec<String>>, Error> {
        if group.is_empty() {
            return Ok(Some(vec!["v1".to_owned()]));
        }
        let mut known = self.served.lock().await;
        if let Some(served) = known.get(group) {
            return Ok(served.clone());
        }
        let request = http::Request::get(format!("/apis/{group}")).body(Vec::new()).map_err(Error::HttpError)?;
        let served = match self.client.request::<Group>(request).await {
            Ok(group) => Some(group.versions.into_iter().map(|version| version.version).collect()),
            Err(error) if code(&error) == Some(404) => None,
            Err(error) => return Err(error),
        };
        known.insert(group, served.clone());
        Ok(served)
    }

    async fn listed(&self, kind: Kind, path: &str) -> Result<Option<Vec<Object>>, Error> {
        let (mut objects, mut params) = (Vec::new(), ListParams::default().limit(PAGE));
        for _ in 0..PAGES {
            let request = Request::new(path).list(&params).map_err(Error::BuildRequest)?;
            let page: Page = match self.client.request(request).await {
                Ok(page) => page,
                Err(error) if code(&error) == Some(404) => return Ok(None),
                // The listing's snapshot is gone: from the start, all at once.
                Err(error) if code(&error) == Some(410) && params.continue_token.is_some() => {
                    (objects, params) = (Vec::new(), ListParams::default());
                    continue;
                }
                Err(error) => return Err(error),
            };
            objects.extend(page.items.into_iter().filter_map(|item| object(kind, item)));
            match page.metadata.r#continue.filter(|token| !token.is_empty()) {
                None => return Ok(Some(objects)),
                Some(token) => params = params.continue_token(&token),
            }
        }
        Err(Error::Service("the listing does not end".into()))
    }

    /// Sends a change and reads the object that came of it.
    async fn changed(
        &self,
        kind: Kind,
        name: &ObjectName,
        verb: &str,
        request: impl FnOnce(&str) -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Object, PortError> {
        let what = format!("{verb} {kind} {name} in {}", self.name);
        let path = match self.path(kind, &name.namespace).await {
            Reading::Known(path) => path,
            Reading::Absent => {
                return Err(PortError::new(PortErrorKind::NotFound, what, format!("the cluster has no {kind}")));
            }
            Reading::Unknown(why) => return Err(PortError::new(PortErrorKind::Unavailable, what, why)),
        };
        let request = request(&path).map_err(Error::BuildRequest);
        let answer = match request {
            Ok(request) => self.client.request::<Value>(request).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(document) => object(kind, document).ok_or_else(|| {
                PortError::new(PortErrorKind::Corrupt, what, "the cluster answered with something else")
            }),
            Err(error) => Err(PortError::new(kind_of(&error), what, told(&error))),
        }
    }
}

/// Items of a listing leave out what the list says once.
fn object(kind: Kind, mut document: Value) -> Option<Object> {
    let fields = document.as_object_mut()?;
    let version = fields.get("apiVersion").and_then(Value::as_str).map(ToOwned::to_owned);
    let group = kind.group();
    let newest = kind.versions().first().copied().unwrap_or_default();
    let api = if group.is_empty() { newest.to_owned() } else { format!("{group}/{newest}") };
    fields.insert("apiVersion".to_owned(), Value::String(version.unwrap_or(api)));
    fields.entry("kind").or_insert_with(|| Value::String(kind.name().to_owned()));
    Object::of(document)
}

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// What the cluster said, in its words, and what that is about in ours.
fn told(error: &Error) -> String {
    match error {
        Error::Api(status) if status.code == 401 => {
            format!("the cluster does not know us (401 {}): log in again", status.message)
        }
        Error::Api(status) if status.code == 403 => format!("forbidden: {}", status.message),
        Error::Api(status) => format!("{} {}", status.code, status.message),
        error => chain(error),
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

fn kind_of(error: &Error) -> PortErrorKind {
    match code(error) {
        Some(401) => PortErrorKind::Unauthorized,
        Some(403) => PortErrorKind::Forbidden,
        Some(404) => PortErrorKind::NotFound,
        Some(409) => PortErrorKind::Conflict { found: None },
        Some(400 | 405 | 415 | 422) => PortErrorKind::Invalid,
        _ => PortErrorKind::Unavailable,
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, kind: Kind, namespace: &str) -> Reading<Vec<Object>> {
        let path = match self.path(kind, namespace).await {
            Reading::Known(path) => path,
            Reading::Absent => return Reading::Absent,
            Reading::Unknown(why) => return Reading::Unknown(why),
        };
        match self.listed(kind, &path).await {
            Ok(objects) => objects.into(),
            Err(error) => Reading::Unknown(told(&error)),
        }
    }

    async fn get(&self, kind: Kind, name: &ObjectName) -> Reading<Object> {
        let path = match self.path(kind, &name.namespace).await {
            Reading::Known(path) => path,
            Reading::Absent => return Reading::Absent,
            Reading::Unknown(why) => return Reading::Unknown(why),
        };
        let request = match Request::new(path).get(&name.name, &GetParams::default()) {
            Ok(request) => request,
            Err(error) => return Reading::Unknown(error.to_string()),
        };
        match self.client.request::<Value>(request).await {
            Ok(document) => match object(kind, document) {
                Some(object) => Reading::Known(object),
                None => Reading::Unknown(format!("the cluster did not answer with a {kind}")),
            },
            Err(error) if code(&error) == Some(404) => Reading::Absent,
            Err(error) => Reading::Unknown(told(&error)),
        }
    }

    async fn patch(&self, kind: Kind, name: &ObjectName, patch: &Value) -> Result<Object, PortError> {
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let request = |path: &str| Request::new(path).patch(&name.name, &params, &Patch::Merge(patch));
        self.changed(kind, name, "patch", request).await
    }

    async fn create(&self, object: &Object) -> Result<Object, PortError> {
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let body = object.document.to_string().into_bytes();
        let request = |path: &str| Request::new(path).create(&params, body);
        self.changed(object.kind, &object.name, "create", request).await
    }
}
