use promotion_core::Repository;
use promotion_core::audit::audit;
use promotion_core::reason::Finding;
use serde::Serialize;

use crate::app::App;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint, findings_text};

/// Check every invariant against the repository as it is
///
/// Exits 10 when something is wrong or needs a person. A stranger's tag that outranks ours (poison-tag) is reported and
/// exits 0: the rules hold among the pipeline's own tags.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,
}

/// Findings as a document.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
}

impl Document for Report {
    const KIND: &'static str = "Findings";

    fn table(&self, paint: Paint) -> String {
        if self.findings.is_empty() {
            return paint.green("nothing found");
        }
        findings_text(&self.findings, paint)
    }

    fn names(&self) -> Vec<String> {
        self.findings.iter().map(|finding| finding.reason.id().to_owned()).collect()
    }
}

impl AuditArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let session = app.session(self.repository).await?;
        let policy = &session.config.policy;
        let findings = session.ask(|snapshot| audit(snapshot, policy)).await?;
        let exit = Exit::of_findings(&findings);
        app.out.document(&Report { findings })?;
        Ok(exit)
    }
}
