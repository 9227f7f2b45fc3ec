use clap_complete::Shell;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;

/// Print a shell's completions
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self, app: &App) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::cli::command(), "promotion", &mut script);
        app.out.stdout(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
