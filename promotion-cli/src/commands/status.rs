use std::time::Duration;

use futures_util::future::join;
use promotion_core::Repository;
use promotion_core::board::{Board, Runs, StageRow, board};
use promotion_core::forecast::forecast;
use promotion_core::reason::Reason;
use promotion_core::silence::silence;
use promotion_core::snapshot::Snapshot;

use super::why::observe_all;
use crate::app::App;
use crate::connect::ClusterArgs;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Format, Paint, columns, findings_text, unprintable};
use crate::page::{LINE, Page};
use crate::session::Session;

/// Show the board: what every stage selects, what waits, and what is half done
///
/// `-o html` writes it as one file for a browser, with the order of all versions.
///
/// Where the configuration names the stages' clusters, it also shows what each of them really runs, and what is wrong there.
///
/// Exits 6 when a stage's gate has given no verdict for longer than its verdict_deadline.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO")]
    repository: Option<Repository>,

    /// Show it again whenever it changes, until interrupted; not as a page
    #[arg(long)]
    watch: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// How often a watched repository is read.
const EVERY: Duration = Duration::from_secs(2);

impl Document for Board {
    const KIND: &'static str = "Status";

    fn table(&self, paint: Paint) -> String {
        let short = |commit: &Option<promotion_core::Commit>| {
            commit.as_ref().map_or_else(|| "-".to_owned(), |commit| commit.prefix(7).to_owned())
        };
        let asked = self.stages.iter().any(|stage| stage.runs.is_some());
        let stage = |stage: &StageRow| {
            let [tag, digest, commit] = match &stage.selects {
                None => ["-".to_owned(), "-".to_owned(), "-".to_owned()],
                Some(selected) => {
                    [selected.tag.to_string(), format!("sha256:{}", selected.digest.short()), short(&selected.commit)]
                }
            };
            let mut row = vec![stage.name.clone(), stage.constraint.clone(), tag, commit, digest];
            if asked {
                row.push(stage.runs.as_ref().map_or_else(|| "unknown".to_owned(), running));
            }
            row
        };
        let rows: Vec<Vec<String>> = self.stages.iter().map(stage).collect();
        let runs: &[&str] = if asked { &["RUNS"] } else { &[] };
        let heads = [&["STAGE", "CONSTRAINT", "SELECTS", "COMMIT", "DIGEST"], runs].concat();
        let mut text = columns(paint, &heads, &rows);
        if !self.pending.is_empty() {
            let row = |waits: &promotion_core::board::Pending| {
                let digest = format!("sha256:{}", waits.digest.short());
                vec![waits.candidate.to_string(), waits.admitted.clone(), short(&waits.commit), digest]
            };
            let rows: Vec<Vec<String>> = self.pending.iter().map(row).collect();
            text.push_str("\n\n");
            text.push_str(&columns(paint, &["PENDING", "IN", "COMMIT", "DIGEST"], &rows));
        }
        if !self.unfinished.is_empty() {
            text.push_str(&format!("\n\n{} (promotion repair does the rest)", paint.yellow("half done:")));
            for write in &self.unfinished {
                text.push_str(&format!("\n  {} -> sha256:{}, which {}", write.tag, write.digest.short(), write.why));
            }
        }
        if !self.findings.is_empty() {
            text.push_str("\n\n");
            text.push_str(&findings_text(&self.findings, paint));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        let selected = self.stages.iter().filter_map(|stage| stage.selects.as_ref());
        selected.map(|selected| selected.tag.to_string()).collect()
    }
}

fn running(runs: &Runs) -> String {
    let what = runs.tag.as_ref().map_or_else(|| format!("sha256:{}", runs.digest.short()), ToString::to_string);
    if runs.ready { what } else { format!("{what}, not ready") }
}

/// The board, with the alarms of gates that say nothing.
async fn read(session: &Session<'_>, clusters: &ClusterArgs) -> Result<Board, Failure> {
    let (policy, now) = (&session.config.policy, session.now());
    let question = |snapshot: &Snapshot| {
        let mut board = board(snapshot, policy)?;
        board.findings.extend(silence(snapshot, policy, now)?);
        Ok(board)
    };
    let (board, observed) = join(session.ask(question), observe_all(session, clusters, |_| true)).await;
    let mut board = board?;
    board.observe(&session.registry.repository().to_string(), &observed?);
    Ok(board)
}

/// The board with what the clusters pick of all tags, in the order of the registry: it counts where versions tie.
async fn print_page(session: &Session<'_>, board: &Board) -> Result<(), Failure> {
    let listing = session.registry.list_tags().await?;
    let page = Page {
        repository: session.registry.repository().to_string(),
        read_at: session.now(),
        board,
        forecast: forecast(&listing.tags, &session.config.policy, LINE),
    };
    session.app.out.stdout(&page.html().map_err(|error| unprintable(&error.to_string()))?)
}

impl StatusArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let session = app.session(self.repository).await?;
        self.cluster.check(&session.config)?;
        if self.watch && app.out.format == Format::Html {
            return Err(Failure::usage("watch", "a page is one file, and is not shown again")
                .fix("leave out --watch or -o html"));
        }
        let mut shown = None;
        loop {
            let board = read(&session, &self.cluster).await?;
            let silent = board.findings.iter().any(|finding| matches!(finding.reason, Reason::SilentGate { .. }));
            if shown.as_ref() != Some(&board) {
                if shown.is_some() && app.out.format == Format::Table {
                    app.out.stdout(&format!("\n{}", session.now()))?;
                }
                if app.out.format == Format::Html {
                    print_page(&session, &board).await?;
                } else {
                    app.out.document(&board)?;
                }
            }
            if !self.watch {
                return Ok(if silent { Exit::Silent } else { Exit::Done });
            }
            shown = Some(board);
            tokio::time::sleep(EVERY).await;
        }
    }
}
