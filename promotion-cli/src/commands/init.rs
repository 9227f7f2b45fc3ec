use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use crate::app::App;
use crate::config::FILE;
use crate::error::Failure;
use crate::exit::Exit;

/// Write a commented promotion.yaml
///
/// No file is needed for the default pipeline: this one says what the defaults are, and where to change them.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// What to start from
    #[arg(long, value_enum, default_value = "flux")]
    preset: Preset,

    /// Where to write it; `-` for stdout
    #[arg(value_name = "FILE", default_value = FILE)]
    file: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// What to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Preset {
    /// Two stages, integration and live: the defaults
    Flux,
    /// The same, with floating tags
    Channels,
    /// Three stages, each with its own candidates
    Fleet,
}

impl Preset {
    const fn text(self) -> &'static str {
        match self {
            Self::Flux => include_str!("init/flux.yaml"),
            Self::Channels => include_str!("init/channels.yaml"),
            Self::Fleet => include_str!("init/fleet.yaml"),
        }
    }
}

impl InitArgs {
    pub(crate) fn run(self, app: &App) -> Result<Exit, Failure> {
        if self.file.as_os_str() == "-" {
            app.out.stdout(self.preset.text())?;
            return Ok(Exit::Done);
        }
        let place = self.file.display().to_string();
        let mut options = OpenOptions::new();
        options.write(true).truncate(true).create(self.force).create_new(!self.force);
        let written = options.open(&self.file).and_then(|mut file| file.write_all(self.preset.text().as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage("write the configuration", "the file is there already")
                .at(&place)
                .fix("give --force to replace it, or another FILE"),
            _ => Failure::io("write the configuration", &place, &error),
        })?;
        app.out.note(&format!("wrote {place}; promotion doctor checks it"));
        Ok(Exit::Done)
    }
}
