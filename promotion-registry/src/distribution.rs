//! `oci://HOST/PATH`: a repository of a registry that speaks the OCI distribution API.
//!
//! - **A tag is written by its bytes.** What was read by digest is put under the tag unchanged, and read back. Before
//!   the write the tag is looked at; after a failure that may have happened on either side it is looked at again.
//! - **A failure is never "absent".** Only a registry that says so (404 and its own error code) makes a tag absent.
//! - **Credentials go to one host**: the one that asked for them in its challenge, never where a redirect leads.
//!
//! # Requests
//!
//! Besides these there is one for each token, and a 401 for each request that is made before the first: the listing, and
//! beside it the two tags of a commit that was named, or the one tag. `/v2/` is never asked. A page has 1000 tags;
//! nothing else grows with their number. A manifest is read once: the few read last are kept, verified, by digest. The
//! first two versions that are asked for are read by tag, with their manifests, which are asked for next.
//! HEAD and GET are of manifests, a record of what was done included; each tag that is written is HEAD, PUT, HEAD.
//!
//! | | pages of tags | HEAD | GET | PUT of a tag | PUT by digest | referrers | blobs and uploads |
//! |---|---|---|---|---|---|---|---|
//! | a digest under two tags | 0 | 4 | 1 | 2 | 0 | 0 | 0 |
//! | `status` | 1 | 3 | 1 | 0 | 0 | 0 | 0 |
//! | `push`, of two blobs | 2 | 9 | 2 | 3 | 1 | 0 | 6 |
//! | `promote`, of the newest | 2 | 13 | 2 | 2 | 1 | 0 | 1 |
//! | `promote`, with a newer candidate to re-base; the first record | 2 | 14 | 2 | 3 | 2 | 0 | 3 |
//! | `promote`, done already | 1 | 7 | 2 | 0 | 0 | 0 | 0 |
//! | `reject` | 2 | 16 | 2 | 1 | 1 | 0 | 1 |
//! | `rollback` | 2 | 22 | 2 | 3 | 2 | 0 | 2 |
//!
//! ```no_run
//! use promotion_core::ports::Registry;
//! use promotion_registry::distribution::{Client, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Options::default())?;
//! let platform = client.open(&"oci://ghcr.io/acme/platform".parse()?)?;
//! println!("{:?}", platform.resolve(&"1.4.0".parse()?).await?);
//! # Ok(())
//! # }
//! ```

mod answer;
mod auth;
mod auth_keys;
mod blobs;
mod cache;
mod capabilities;
pub(crate) mod challenge;
mod credentials;
pub(crate) mod docker_config;
mod endpoints;
mod failure;
mod immutable;
mod letters;
mod limit;
pub(crate) mod link;
pub(crate) mod listing;
mod manifests;
mod operation;
mod redirect;
pub(crate) mod referrers;
mod refusal;
mod registry;
mod retry;
mod shown;
mod tags;
mod tls;
mod token;
mod transport;
mod upload;
mod uploads;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use promotion_core::manifest::Manifest;
use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::{Repository, Tag};
use tokio::sync::Mutex;

use self::cache::Cache;
pub use self::capabilities::Capabilities;
use self::capabilities::Learned;
pub use self::credentials::{Anonymous, Credential, Credentials, FirstOf, Fixed, Secret};
pub use self::docker_config::DockerConfig;
use self::endpoints::Endpoints;
use self::transport::Transport;

/// How a client talks to registries. The defaults suit public registries: TLS, no credentials, no proxy.
#[derive(Debug, Clone)]
pub struct Options {
    /// HTTP instead of HTTPS.
    pub plain_http: bool,
    /// Accepts any TLS certificate: whoever is on the way can then read and change everything.
    pub insecure: bool,
    /// Certificate authorities in PEM, trusted besides the system's.
    pub authorities: Vec<Vec<u8>>,
    /// Who we are.
    pub credentials: Arc<dyn Credentials>,
    /// Proxies by the scheme of the request, and hosts that need none.
    pub proxy: Proxy,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// When to try again.
    pub retries: Retries,
    /// Requests at once, at most; fewer after a registry said that it is too many.
    pub concurrency: usize,
    /// Is told of each exchange, without credentials.
    pub observer: Option<Observer>,
}

/// Is told of each exchange with a registry.
#[derive(Clone)]
pub struct Observer(pub Arc<dyn Fn(&Exchange<'_>) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// One request and what came of it. Holds no header and no query that could carry a credential.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The method.
    pub method: &'a str,
    /// Where, without user information and query.
    pub url: &'a str,
    /// The status; absent when there was no answer.
    pub status: Option<u16>,
    /// Which attempt this was, from 1.
    pub attempt: u32,
}

/// Proxies, in the words of the environment variables that usually name them.
#[derive(Clone, Default)]
pub struct Proxy {
    /// `HTTP_PROXY`: for `http://`.
    pub http: Option<String>,
    /// `HTTPS_PROXY`: for `https://`.
    pub https: Option<String>,
    /// `NO_PROXY`: hosts, domains and networks that are reached directly, separated by commas.
    pub except: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Their URLs may carry passwords.
        let url = |url: &Option<String>| url.as_ref().map(|_| "***");
        let (http, https) = (url(&self.http), url(&self.https));
        f.debug_struct("Proxy").field("http", &http).field("https", &https).field("except", &self.except).finish()
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For an answer to begin after the request was sent.
    pub answer: Duration,
    /// For the next bytes of an answer, or for the registry to take the next bytes of an upload.
    pub stall: Duration,
}

/// When to try again what failed for a reason that may pass.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Pause after the first attempt; doubles each time, with jitter.
    pub pause: Duration,
    /// The longest pause, also where the registry asks for more: then the error says how long it asked for.
    pub longest: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http: false,
            insecure: false,
            authorities: Vec::new(),
            credentials: Arc::new(Anonymous),
            proxy: Proxy::default(),
            timeouts: Timeouts::default(),
            retries: Retries::default(),
            concurrency: 8,
            observer: None,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_secs(60), stall: Duration::from_secs(60) }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 5, pause: Duration::from_millis(250), longest: Duration::from_secs(30) }
    }
}

/// A client: its connections, tokens and limits are shared by all repositories opened with it.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<Transport>,
    /// Who adds to a list of referrers that the registry does not keep itself.
    turns: Arc<Mutex<()>>,
}

impl Client {
    /// A client; opens no connection.
    ///
    /// # Errors
    /// [`PortErrorKind::Invalid`] when a certificate or a proxy cannot be understood.
    pub fn new(options: Options) -> Result<Self, PortError> {
        Ok(Self { transport: Arc::new(Transport::new(options)?), turns: Arc::default() })
    }

    /// A repository of a registry; asks it nothing.
    ///
    /// # Errors
    /// [`PortErrorKind::Invalid`] when it is none of a registry.
    pub fn open(&self, repository: &Repository) -> Result<Distribution, PortError> {
        let Repository::Oci { host, path } = repository else {
            let message = "this is a layout on disk, not a repository of a registry";
            return Err(PortError::new(PortErrorKind::Invalid, format!("open {repository}"), message));
        };
        let scheme = if self.transport.options().plain_http { "http" } else { "https" };
        // Docker Hub answers under another name than the one in references.
        let server = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let endpoints = Endpoints::new(scheme, server, path)
            .ok_or_else(|| PortError::new(PortErrorKind::Invalid, format!("open {repository}"), "its host is none"))?;
        Ok(Distribution {
            repository: repository.clone(),
            endpoints,
            transport: Arc::clone(&self.transport),
            turns: Arc::clone(&self.turns),
            learned: Arc::default(),
            cache: Arc::default(),
        })
    }
}

/// A repository of a registry. Clones are the same adapter value: they learn together, and
/// keep the same few manifests.
#[derive(Debug, Clone)]
pub struct Distribution {
    repository: Repository,
    endpoints: Endpoints,
    transport: Arc<Transport>,
    turns: Arc<Mutex<()>>,
    learned: Arc<Learned>,
    cache: Arc<Cache>,
}

impl Distribution {
    /// What the registry's answers have shown so far.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.learned.now()
    }

    /// Finds out whether the registry takes several tags with one manifest, by putting a manifest once more under a tag
    /// that it has. Changes nothing; asks only once.
    ///
    /// # Errors
    /// [`PortErrorKind::Conflict`] when the tag is anything else, else what the registry refuses.
    pub async fn probe_multi_tag(&self, tag: &Tag, manifest: &Manifest) -> Result<bool, PortError> {
        match self.capabilities().multi_tag_put {
            Some(known) => Ok(known),
            None => self.attempting(format!("probe tag {tag}")).probe_multi_tag(tag, manifest).await,
        }
    }

    /// The repository's name at its host.
    fn path(&self) -> &str {
        match &self.repository {
            Repository::Oci { path, .. } | Repository::Layout { path } => path,
        }
    }
}
