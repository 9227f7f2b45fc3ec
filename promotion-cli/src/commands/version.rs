use serde::Serialize;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint};

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct VersionArgs {}

#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
    /// The oldest Flux whose selection is predicted.
    flux: &'static str,
}

impl Document for Version {
    const KIND: &'static str = "Version";

    fn table(&self, _: Paint) -> String {
        format!("promotion {} (selects as Flux {} and newer)", self.version, self.flux)
    }

    fn names(&self) -> Vec<String> {
        vec![self.version.to_owned()]
    }
}

impl VersionArgs {
    pub(crate) fn run(self, app: &App) -> Result<Exit, Failure> {
        app.out.document(&Version { version: env!("CARGO_PKG_VERSION"), flux: "2.7" })?;
        Ok(Exit::Done)
    }
}
