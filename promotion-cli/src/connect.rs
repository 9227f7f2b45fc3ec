//! How repositories are opened: layouts on disk, and registries as flags, environment and promotion.yaml say.

mod clusters;
mod creds;
mod files;
mod fresh;
mod lease;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use promotion_core::Repository;
use promotion_core::ports::{PortErrorKind, Registry};
use promotion_core::time::parse_duration;
use promotion_registry::distribution::{
    Client, Credentials, DockerConfig, Exchange, Fixed, Observer, Options, Proxy, Retries, Timeouts,
};
use promotion_registry::{Distribution, OciDir};
use serde::{Deserialize, Serialize};

pub(crate) use self::clusters::{ClusterArgs, NAMESPACE, connect};
use self::creds::Creds;
pub(crate) use self::fresh::Fresh;
pub(crate) use self::lease::LeaseLock;
use crate::app::{App, variable};
use crate::config::Config;
use crate::error::Failure;
use crate::output::Output;

/// Options of the commands that talk to a registry.
#[derive(Debug, Default, Clone, clap::Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct RegistryArgs {
    /// Speak HTTP with the registry, not HTTPS (or PROMOTION_PLAIN_HTTP=true)
    #[arg(long, global = true, hide_short_help = true)]
    plain_http: bool,

    /// Accept any certificate: whoever is on the way can then read and change everything
    #[arg(long, global = true, hide_short_help = true)]
    insecure: bool,

    /// Also trust the certificate authorities in this PEM file; may be given several times
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    ca_file: Vec<PathBuf>,

    /// Who to be at the registry (or PROMOTION_USERNAME and PROMOTION_PASSWORD), instead of what docker login or podman
    /// login wrote; a password here can be seen by everyone on this machine, so better give it by --password-stdin
    #[arg(long, global = true, value_name = "USER[:PASSWORD]", hide_short_help = true)]
    creds: Option<Creds>,

    /// Read the password from stdin
    #[arg(long, global = true, hide_short_help = true)]
    password_stdin: bool,

    /// Credentials from this file, as docker login or podman login write it, and no other
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    registry_config: Option<PathBuf>,

    /// How long to wait for the registry's next bytes (60s)
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    timeout: Option<Duration>,

    /// Requests at once, at most (8)
    #[arg(long, global = true, value_name = "N", value_parser = concurrency, hide_short_help = true)]
    concurrency: Option<usize>,

    /// How often to try again what failed for a reason that may pass (4)
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100),
          hide_short_help = true)]
    retries: Option<u32>,
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("expected more than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

fn concurrency(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=256).contains(count)).ok_or_else(|| "expected 1 to 256".to_owned())
}

/// What promotion.yaml says about registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegistrySettings {
    /// Hosts that speak HTTP. A list, so that no other host is ever sent a credential in the clear.
    pub(crate) plain_http: Vec<String>,
    /// Certificate authorities in PEM, relative to the file.
    pub(crate) ca_files: Vec<PathBuf>,
    /// As `--timeout`.
    pub(crate) timeout: Option<String>,
    /// As `--concurrency`.
    pub(crate) concurrency: Option<usize>,
    /// As `--retries`.
    pub(crate) retries: Option<u32>,
}

impl RegistrySettings {
    /// Checks what the types cannot, and makes paths relative to `folder` absolute.
    pub(crate) fn check(&mut self, folder: Option<&Path>) -> Result<(), String> {
        let text = |error: String, key: &str| format!("registry.{key}: {error}");
        if let Some(timeout) = &self.timeout {
            duration(timeout).map_err(|error| text(error, "timeout"))?;
        }
        if let Some(count) = self.concurrency {
            concurrency(&count.to_string()).map_err(|error| text(error, "concurrency"))?;
        }
        if let Some(host) = self.plain_http.iter().find(|host| host.is_empty() || host.contains('/')) {
            return Err(text(format!("{host:?} is no host; write localhost:5000"), "plain_http"));
        }
        for file in &mut self.ca_files {
            *file = folder.map_or_else(|| file.clone(), |folder| folder.join(&file));
        }
        Ok(())
    }
}

/// Whether a repository must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    /// It must.
    Existing,
    /// It is created where it is not.
    Creating,
}

/// Opens repositories.
pub(crate) struct Connector<'a> {
    app: &'a App,
    args: &'a RegistryArgs,
    settings: RegistrySettings,
    /// The only host that credentials of flags and environment go to.
    host: Option<String>,
    plain_http: bool,
    /// Whether flags and environment speak of this registry.
    meant: bool,
}

impl<'a> Connector<'a> {
    /// For repositories of one host.
    pub(crate) fn new(app: &'a App, config: &Config, repository: &Repository) -> Result<Self, Failure> {
        let args = &app.globals.registry;
        let settings = config.settings.registry.clone();
        let host = host(repository).map(ToOwned::to_owned);
        let listed = host.as_ref().is_some_and(|host| settings.plain_http.contains(host));
        let plain_http = args.plain_http || switch("PROMOTION_PLAIN_HTTP")?.unwrap_or(listed);
        Ok(Self { app, args, settings, host, plain_http, meant: true })
    }

    /// For a repository that a file names, which anybody may have written: unless it is in the configured registry, neither
    /// credentials nor leave to do without TLS are for it, whatever flags and environment say.
    pub(crate) fn named_by_a_file(app: &'a App, config: &Config, repository: &Repository) -> Result<Self, Failure> {
        let connector = Self::new(app, config, repository)?;
        let meant = config.settings.repository.as_ref().is_some_and(|ours| host(ours) == host(repository));
        if meant {
            return Ok(connector);
        }
        let plain_http = host(repository).is_some_and(|host| connector.settings.plain_http.iter().any(|of| of == host));
        Ok(Self { plain_http, meant, ..connector })
    }

    /// The same, with HTTP for this side of a copy alone.
    pub(crate) fn with_plain_http(mut self, plain_http: bool) -> Self {
        self.plain_http |= plain_http;
        self
    }

    /// Opens a repository. A registry is asked nothing yet.
    pub(crate) async fn open(&self, repository: &Repository, open: Open) -> Result<Box<dyn Registry>, Failure> {
        match repository {
            Repository::Layout { path } => layout(path, open).await,
            Repository::Oci { .. } => Ok(Box::new(self.registry(repository)?)),
        }
    }

    /// A repository of a registry.
    pub(crate) fn registry(&self, repository: &Repository) -> Result<Distribution, Failure> {
        Ok(Client::new(self.options()?)?.open(repository)?)
    }

    fn options(&self) -> Result<Options, Failure> {
        let defaults = Options::default();
        Ok(Options {
            plain_http: self.plain_http,
            insecure: self.args.insecure && self.meant,
            authorities: self.authorities()?,
            credentials: self.credentials()?,
            proxy: proxy(),
            timeouts: self.timeouts(defaults.timeouts),
            retries: self.retries(defaults.retries),
            concurrency: self.args.concurrency.or(self.settings.concurrency).unwrap_or(defaults.concurrency),
            observer: Some(observer(&self.app.out)),
        })
    }

    fn authorities(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let files = self.settings.ca_files.iter().chain(&self.args.ca_file);
        let read = |file: &PathBuf| {
            fs::read(file)
                .map_err(|error| Failure::io("read the certificate authorities", file.display().to_string(), &error))
        };
        files.map(read).collect()
    }

    /// What was given for this run; else what docker and podman know.
    fn credentials(&self) -> Result<Arc<dyn Credentials>, Failure> {
        if self.meant
            && let Some(credential) = creds::given(self.app, self.args.creds.as_ref(), self.args.password_stdin)?
        {
            let host = self.host.clone().unwrap_or_default();
            return Ok(Arc::new(Fixed { host, credential }));
        }
        let files = files::credential_files(self.args.registry_config.as_deref())?;
        Ok(Arc::new(DockerConfig { files }))
    }

    fn timeouts(&self, defaults: Timeouts) -> Timeouts {
        let configured = self.settings.timeout.as_deref().and_then(|text| duration(text).ok());
        let Some(timeout) = self.args.timeout.or(configured) else { return defaults };
        Timeouts { connect: defaults.connect.min(timeout), answer: timeout, stall: timeout }
    }

    fn retries(&self, defaults: Retries) -> Retries {
        let retries = self.args.retries.or(self.settings.retries);
        Retries { attempts: retries.map_or(defaults.attempts, |retries| retries.saturating_add(1)), ..defaults }
    }
}

/// Whether flags or the environment say who to be. They are for one registry; which one, two could not tell.
pub(crate) fn names_somebody(app: &App) -> bool {
    let args = &app.globals.registry;
    args.creds.is_some() || args.password_stdin || variable("PROMOTION_USERNAME").is_some()
}

/// The registry's host; a layout has none.
pub(crate) fn host(repository: &Repository) -> Option<&str> {
    match repository {
        Repository::Oci { host, .. } => Some(host),
        Repository::Layout { .. } => None,
    }
}

async fn layout(path: &str, open: Open) -> Result<Box<dyn Registry>, Failure> {
    if open == Open::Creating {
        return Ok(Box::new(OciDir::create(path).await?));
    }
    match OciDir::open(path).await {
        Ok(layout) => Ok(Box::new(layout)),
        Err(error) => {
            let missing = *error.kind() == PortErrorKind::NotFound;
            let failure = Failure::from(error);
            Err(if missing {
                failure.fix("promotion push creates it; promotion demo makes one to play with")
            } else {
                failure
            })
        }
    }
}

/// A variable that is yes or no.
fn switch(name: &str) -> Result<Option<bool>, Failure> {
    match variable(name).as_deref() {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(other) => {
            let message = format!("{other:?} is neither true nor false");
            Err(Failure::usage("read the environment", message).at(name))
        }
    }
}

/// As curl and Go read them; the lower-case names win, for a web server may let its callers set `HTTP_PROXY`.
fn proxy() -> Proxy {
    let either = |lower: &str, upper: &str| variable(lower).or_else(|| variable(upper));
    Proxy {
        http: either("http_proxy", "HTTP_PROXY"),
        https: either("https_proxy", "HTTPS_PROXY"),
        except: either("no_proxy", "NO_PROXY"),
    }
}

/// With `-v`, every exchange is a line on stderr.
fn observer(out: &Output) -> Observer {
    let out = out.clone();
    Observer(Arc::new(move |exchange: &Exchange<'_>| {
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let again = if exchange.attempt > 1 { format!(" (attempt {})", exchange.attempt) } else { String::new() };
        out.detail(&format!("{} {} {status}{again}", exchange.method, exchange.url));
    }))
}
