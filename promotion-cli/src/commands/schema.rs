use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;

/// Print the JSON Schema of promotion.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {}

/// Written by hand, with the words that editors show; a test holds it to what is read.
const SCHEMA: &str = include_str!("schema.json");

impl SchemaArgs {
    pub(crate) fn run(self, app: &App) -> Result<Exit, Failure> {
        app.out.stdout(SCHEMA)?;
        Ok(Exit::Done)
    }
}
