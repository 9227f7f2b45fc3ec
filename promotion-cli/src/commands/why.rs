use futures_util::future::try_join_all;
use promotion_core::artifact::View;
use promotion_core::cluster::Observed;
use promotion_core::reason::Reason;
use promotion_core::what::find;
use promotion_core::why::{Answer, Facts, Link, Trace, Walk, why};

use crate::app::App;
use crate::connect::ClusterArgs;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint};
use crate::session::Session;
use crate::target::TargetArgs;

/// Show where an artifact is, link by link, and the first link that is broken
///
/// From the build to the last stage: whether it was handed over, whether it is what each stage should select, whether the
/// stage's cluster sees it, runs it and is healthy, whether anybody is told, and whether that was recorded. Clusters are
/// those under `clusters` in promotion.yaml, or manifests that somebody exported (--manifests); nothing is written.
///
/// Exits 10 when a link is broken, or nobody can tell.
#[derive(Debug, clap::Args)]
pub(crate) struct WhyArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Look at this stage alone
    #[arg(long)]
    stage: Option<String>,

    #[command(flatten)]
    cluster: ClusterArgs,
}

impl Document for Trace {
    const KIND: &'static str = "Trace";

    fn table(&self, paint: Paint) -> String {
        let commit = self.commit.as_ref().map(|commit| format!(", commit {}", commit.prefix(7))).unwrap_or_default();
        let mut text = format!("sha256:{}{commit}", self.digest.short());
        let mut stage = "";
        for link in &self.links {
            if link.stage != stage {
                stage = &link.stage;
                text.push_str(&format!("\n\n{}", paint.bold(stage)));
            }
            text.push_str(&line(link, paint));
        }
        if self.verdict().is_none() {
            text.push_str(&format!("\n\n{}", paint.green("every link holds")));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.verdict().map(|reason| reason.id().to_owned()).into_iter().collect()
    }
}

fn line(link: &Link, paint: Paint) -> String {
    let question = link.question.text();
    let told = |mark: &str, reason: &Reason| {
        let fix = reason.fix().map(|fix| format!("\n      -> {fix}")).unwrap_or_default();
        format!("\n  {mark} {question}: {} [{}]{fix}", reason.message(), reason.id())
    };
    match &link.answer {
        Answer::Pass(evidence) => format!("\n  {} {question}: {evidence}", paint.green("ok     ")),
        Answer::Fail(reason) => told(&paint.red("BROKEN "), reason),
        Answer::Unknown(reason) => told(&paint.yellow("unknown"), reason),
    }
}

impl WhyArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let Self { target, stage, cluster } = self;
        let (repository, what) = target.artifact()?;
        let session = app.session(repository).await?;
        cluster.check(&session.config)?;
        let stage = session.config.stage(stage)?;
        let policy = session.config.policy.clone();
        let walk = policy.stages().iter().zip(0..).find(|(of, _)| stage.as_ref() == Some(&of.name));
        let walk = walk.map_or(Walk::Everything, |(_, index)| Walk::Stage(index));
        let observing = observe_all(&session, &cluster, |of| stage.as_ref().is_none_or(|only| of == only));
        let found = session.ask_about(&what, |known| find(&View::new(known, &policy), &what));
        let (observed, found) = futures_util::future::join(observing, found).await;
        let observed = observed?;
        let digest = match found? {
            Ok(digest) => digest,
            Err(reason) => {
                if matches!(reason, Reason::WhatNotFound { .. } | Reason::ArtifactNotFound { .. }) {
                    app.out.note(NOT_BUILT);
                }
                return session.refuse(reason.into());
            }
        };
        let repository = session.registry.repository().to_string();
        let facts = Facts { repository: &repository, observed: cluster.asks().then_some(&*observed) };
        let trace = session.ask(|known| why(known, &policy, digest, walk, &facts)).await?;
        let holds = trace.verdict().is_none();
        app.out.document(&trace)?;
        Ok(if holds { Exit::Done } else { Exit::Findings })
    }
}

/// What the clusters of these stages say.
pub(super) async fn observe_all(
    session: &Session<'_>,
    cluster: &ClusterArgs,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Observed>, Failure> {
    let stages = session.config.policy.stages().iter().filter(|stage| wanted(&stage.name));
    let observed = try_join_all(stages.map(|stage| observe(session, cluster, &stage.name))).await?;
    Ok(observed.into_iter().flatten().collect())
}

/// What a stage's cluster says; `None` where nothing says which it is.
pub(super) async fn observe(
    session: &Session<'_>,
    cluster: &ClusterArgs,
    stage: &str,
) -> Result<Option<Observed>, Failure> {
    let repository = session.registry.repository();
    let Some(reached) = cluster.reach(session.app, &session.config, repository, stage).await? else { return Ok(None) };
    Ok(Some(Observed::read(&*reached.cluster, reached.site, session.now()).await))
}

const NOT_BUILT: &str = "the first link is broken: nothing here was built from it. Either no build ran for it (a path filter, a branch \
                         filter, [skip ci]), or it ran and could not push (its token needs to write packages), or it pushed elsewhere";
