//! What every command is given: how to print, and where the configuration is.

use std::path::PathBuf;
use std::sync::OnceLock;

use promotion_core::Repository;
use promotion_registry::distribution::Credential;

use crate::config::{Config, Lock};
use crate::connect::RegistryArgs;
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::output::{Format, Output};
use crate::progress::Written;
use crate::session::Session;
use crate::world::HostWorld;

/// Options that every command has.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Format of the data on stdout (or PROMOTION_OUTPUT)
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// The configuration, instead of the nearest promotion.yaml above the working directory (or PROMOTION_CONFIG)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Say nothing on stderr but failures and refusals
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say on stderr what is read and written
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// What keeps writers apart: none, or lease:NAMESPACE/NAME, a Kubernetes Lease in the last stage's cluster (or PROMOTION_LOCK)
    #[arg(long, global = true, value_name = "LOCK", hide_short_help = true)]
    pub(crate) lock: Option<Lock>,

    /// Show no progress, as when stderr is no terminal
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// What every command is given.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) globals: Globals,
    pub(crate) out: Output,
    /// What was written so far, for when the command is interrupted.
    pub(crate) written: Written,
    /// The credential of flags and environment: its password can be read from stdin once.
    pub(crate) credential: OnceLock<Option<Credential>>,
}

impl App {
    pub(crate) fn new(mut globals: Globals) -> Self {
        globals.config = globals.config.or_else(|| variable("PROMOTION_CONFIG").map(PathBuf::from));
        let format = globals.output.unwrap_or_default();
        let out = Output::new(format, globals.quiet, globals.verbose, globals.no_progress);
        Self { globals, out, written: Written::default(), credential: OnceLock::new() }
    }

    /// The configuration, read now.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let mut config = Config::load(self.globals.config.as_deref())?;
        if let Some(lock) = &self.globals.lock {
            config.settings.lock = lock.clone();
        }
        Ok(config)
    }

    /// A repository to work with, which must be there: the one that was named, or the configuration's.
    pub(crate) async fn session(&self, named: Option<Repository>) -> Result<Session<'_>, Failure> {
        let config = self.config()?;
        let repository = repository(named, &config)?;
        Session::open(self, config, repository, HostWorld::new(self)).await
    }
}

/// A variable of the environment. An empty one counts as unset: that is how CI systems pass an absent input.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The repository that was named, or the configuration's.
pub(crate) fn repository(named: Option<Repository>, config: &Config) -> Result<Repository, Failure> {
    named.or_else(|| config.settings.repository.clone()).ok_or_else(|| {
        Failure::new(Exit::Usage, Id::USAGE, "find the repository", "none was named").fix(
            "name it (oci://HOST/PATH or ocidir://PATH), or set repository in promotion.yaml or PROMOTION_REPOSITORY",
        )
    })
}
