//! Pins: what rollback by pin and unpin have in common.

use promotion_cluster::Kubernetes;
use promotion_core::artifact::View;
use promotion_core::cluster::{self, Fault, ObjectRef, Pinned, Reference, Source, Trouble};
use promotion_core::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use promotion_core::ports::{PortError, PortErrorKind};
use promotion_core::reason::{Finding, Reason};
use promotion_core::record::{self, Deed, Record};
use promotion_core::snapshot::Needs;
use promotion_core::what::What;
use promotion_core::{Digest, Tag};
use serde::Serialize;
use serde_json::Value;

use crate::connect;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint};
use crate::session::{Session, WriteArgs};
use crate::world::actor;

/// What was done to a source, or would be.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    object: String,
    context: String,
    /// `pinned`, `unpinned`; or what would be with `--dry-run`.
    done: &'static str,
    follows: Reference,
    patch: Value,
}

impl Document for Done {
    const KIND: &'static str = "Pin";

    fn table(&self, _: Paint) -> String {
        let reference = serde_json::to_string(&self.follows).unwrap_or_default();
        format!("{} {} in {}: spec.ref is {reference}", self.done, self.object, self.context)
    }

    fn names(&self) -> Vec<String> {
        vec![self.object.clone()]
    }
}

/// The last stage's source, read for a change.
pub(super) struct Aim {
    cluster: Kubernetes,
    at: ObjectRef,
    pub(super) object: Object,
}

impl Aim {
    /// # Errors
    /// When the configuration does not name it, or it cannot be read.
    pub(super) async fn read(session: &Session<'_>) -> Result<Self, Failure> {
        let config = &session.config;
        let stage = config.policy.stages().last().map(|stage| stage.name.clone()).unwrap_or_default();
        let untold = |what: &str| {
            Failure::usage("find the stage's source", format!("clusters.{stage} in the configuration {what}"))
                .fix(format!("set clusters.{stage}: {{context: …, namespace: flux-system, source: NAME}}"))
        };
        let configured = config.settings.clusters.get(&stage).ok_or_else(|| untold("is not there"))?;
        let source = configured.source.clone().ok_or_else(|| untold("names no source"))?;
        let namespace = configured.namespace.clone().unwrap_or_else(|| connect::NAMESPACE.to_owned());
        let name = ObjectName::new(namespace, source);
        let cluster = connect::connect(configured).await?;
        let at = ObjectRef { context: configured.context.clone(), kind: Kind::OciRepository, name: name.clone() };
        let fault = match cluster.get(Kind::OciRepository, &name).await {
            Reading::Known(object) => return Ok(Self { cluster, at, object }),
            Reading::Absent => Fault::Absent,
            Reading::Unknown(why) => Fault::Unreadable { why },
        };
        let trouble = Trouble { object: at, fault };
        let kind = if trouble.fault == Fault::Absent { PortErrorKind::NotFound } else { PortErrorKind::Unavailable };
        let failure = Failure::from(PortError::new(kind, "find the stage's source", trouble.message()));
        Err(match trouble.fix() {
            Some(fix) => failure.fix(fix),
            None => failure,
        })
    }

    /// Refuses, as data.
    pub(super) fn refused(&self, fault: Fault) -> Reason {
        Reason::from(Trouble { object: self.at.clone(), fault })
    }

    /// Writes, or says what would be written.
    pub(super) async fn change(&self, patch: Value, done: &'static str, args: &WriteArgs) -> Result<Done, Failure> {
        let object = if args.dry_run {
            None
        } else {
            Some(self.cluster.patch(Kind::OciRepository, &self.at.name, &patch).await?)
        };
        let follows = match &object {
            Some(object) => Source::of(object).map(|source| source.reference).unwrap_or_default(),
            None => serde_json::from_value(patch["spec"]["ref"].clone()).unwrap_or_default(),
        };
        let context = self.cluster.name().to_owned();
        Ok(Done { object: self.at.to_string(), context, done, follows, patch })
    }
}

/// Pins the last stage's source to an artifact that it may run.
///
/// # Errors
/// As [`Session::find`], and when the cluster cannot be read or changed.
pub(super) async fn pin(
    session: &Session<'_>,
    what: &What,
    reason: String,
    force: bool,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    no_plan(args)?;
    let digest = match session.find(what).await? {
        Ok(digest) => digest,
        Err(refusal) => return session.refuse(refusal),
    };
    let policy = session.config.policy.clone();
    let tag = match session.ask(|known| releasable(&View::new(known, &policy), digest)).await? {
        Ok(tag) => tag,
        Err(reason) => return session.refuse(reason.into()),
    };
    let aim = Aim::read(session).await?;
    if let Some(mismatch) = elsewhere(session, &aim, force) {
        return session.refuse(mismatch.into());
    }
    let (by, at) = (actor(), session.now());
    let pinned = Pinned { before: Reference::default(), to: digest, tag, by: by.clone(), at, reason: reason.clone() };
    let patch = match cluster::pin(&aim.object, &pinned, force) {
        Ok(patch) => patch,
        Err(fault) => return session.refuse(aim.refused(fault).into()),
    };
    let done = aim.change(patch, if args.dry_run { "would pin" } else { "pinned" }, args).await?;
    let effective = done.follows.digest == Some(digest.to_string()) && done.follows.semver.is_none();
    if !effective {
        let message = format!("{} does not follow the digest after all: {:?}", done.object, done.follows);
        return Err(PortError::new(PortErrorKind::Corrupt, "pin", message).into());
    }
    if !args.dry_run && session.config.settings.record {
        let reason = Some(format!("pinned {} in {}: {reason}", done.object, done.context));
        let record =
            Record { deed: Deed::Rollback, by, at, stage: None, tags: Vec::new(), reason, evidence: Vec::new() };
        if let Err(error) = record::write(&*session.registry, digest, &record).await {
            let unkept = Reason::NotRecorded { artifact: digest, error: error.to_string() };
            session.app.out.warnings(&[Finding::warning(unkept)]);
        }
    }
    session.app.out.document(&done)?;
    session.app.out.note("it stays pinned, whatever is released, until: promotion unpin");
    Ok(Exit::Done)
}

/// A pin is one write to one object: there is no plan to keep.
pub(super) fn no_plan(args: &WriteArgs) -> Result<(), Failure> {
    if args.out.is_none() && !args.exit_code {
        return Ok(());
    }
    Err(Failure::usage("read the arguments", "--out and --exit-code are for plans of tags, and a pin writes none"))
}

/// The release of an artifact that the last stage may run.
fn releasable(view: &View<'_>, artifact: Digest) -> Result<Result<Option<Tag>, Reason>, Needs> {
    let last = view.policy().last();
    let Some(verdicts) = view.verdicts(artifact)? else { return Ok(Err(Reason::ArtifactNotFound { artifact })) };
    if !verdicts.admitted(last) {
        return Ok(Err(Reason::NotValidated { artifact }));
    }
    for (version, tag) in view.versions() {
        if version.is_release() && view.digest(tag)? == Some(artifact) {
            return Ok(Ok(Some(tag.clone())));
        }
    }
    Ok(Ok(None))
}

/// A source of another repository would be pinned to a digest that it cannot find; one with another constraint is another
/// stage's, as in a cluster that was named by mistake.
fn elsewhere(session: &Session<'_>, aim: &Aim, force: bool) -> Option<Reason> {
    let source = Source::of(&aim.object).ok()?;
    let expected = session.registry.repository().to_string();
    if source.url != expected {
        return Some(aim.refused(Fault::Elsewhere { url: source.url, expected }));
    }
    let declared = session.config.policy.stages().last()?.constraint.to_string();
    let deployed =
        source.reference.semver.filter(|deployed| !force && !cluster::same_constraint(deployed, &declared))?;
    Some(aim.refused(Fault::DeclaredOtherwise { deployed, declared }))
}
