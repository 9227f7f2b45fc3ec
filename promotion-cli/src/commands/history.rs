use promotion_core::Digest;
use promotion_core::record::{self, Record};
use serde::Serialize;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint, columns};
use crate::target::TargetArgs;

/// Show who did what to an artifact, when, and on which evidence
///
/// Reads the records that promote, reject, reopen and rollback keep beside the artifact as OCI referrers. Tags are the
/// truth that clusters follow; a record is testimony, and nothing proves who wrote it.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Serialize)]
struct History {
    digest: Digest,
    records: Vec<Record>,
}

impl Document for History {
    const KIND: &'static str = "History";

    fn table(&self, paint: Paint) -> String {
        if self.records.is_empty() {
            return "no records".to_owned();
        }
        let rows: Vec<Vec<String>> = self.records.iter().map(row).collect();
        columns(paint, &["AT", "DEED", "BY", "TAGS", "WHY"], &rows)
    }

    fn names(&self) -> Vec<String> {
        self.records.iter().map(|record| record.deed.to_string()).collect()
    }
}

fn row(record: &Record) -> Vec<String> {
    let tags: Vec<&str> = record.tags.iter().map(promotion_core::Tag::as_str).collect();
    let evidence = record.evidence.iter().map(|evidence| format!("{}: {}", evidence.kind, evidence.source));
    let why: Vec<String> = record.reason.iter().cloned().chain(evidence).collect();
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let deed = match &record.stage {
        Some(stage) => format!("{} out of {stage}", record.deed),
        None => record.deed.to_string(),
    };
    vec![record.at.to_string(), deed, record.by.clone(), or_dash(tags.join(" ")), or_dash(why.join("; "))]
}

impl HistoryArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let (repository, what) = self.target.artifact()?;
        let session = app.session(repository).await?;
        match session.find(&what).await? {
            Err(refusal) => session.refuse(refusal),
            Ok(digest) => {
                let records = record::read(&*session.registry, digest).await?;
                app.out.document(&History { digest, records })?;
                Ok(Exit::Done)
            }
        }
    }
}
