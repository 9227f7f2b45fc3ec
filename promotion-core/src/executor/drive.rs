//! Drivers: carry an executor's steps to a registry and the answers back.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use async_trait::async_trait;

use super::{Executor, Outcome, Step, Write};
use crate::concurrently::both;
use crate::manifest::Manifest;
use crate::memory::MemoryRegistry;
use crate::plan::{Action, Plan};
use crate::policy::Policy;
use crate::ports::{PortError, PortErrorKind, Registry, Tagged, Unread};
use crate::reason::{Finding, Reason};
use crate::record::{self, Begun, Record};
use crate::scheme::Kind;
use crate::snapshot::{Ancestry, Needs, Query, Reply, Snapshot};
use crate::time::Timestamp;
use crate::{Commit, Digest, Tag};

/// Versions whose manifests are read together with them.
const AT_FIRST_GLANCE: usize = 2;

/// What an executor needs to know besides the registry.
#[async_trait]
pub trait World: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Whether `ancestor` is an ancestor of `descendant`, as far as anybody here can tell.
    async fn ancestry(&self, ancestor: &Commit, descendant: &Commit) -> Ancestry;

    /// Called before each step, for those who watch.
    fn about_to(&self, step: &Step);

    /// Who acts, for the [record](crate::record) of what was done; `None` keeps no record.
    fn actor(&self) -> Option<String> {
        None
    }
}

/// Why a goal was not carried out to its end. What was written stays; running it again goes on from there.
#[derive(Debug, thiserror::Error)]
#[error("{} writes were done before it failed", .writes.len())]
pub struct DriveError {
    /// What failed.
    #[source]
    pub error: PortError,
    /// What was written before.
    pub writes: Vec<Write>,
    /// What the registry accepted, and nobody could read back.
    pub unseen: Option<Write>,
}

impl DriveError {
    fn of(error: PortError, executor: &Executor) -> Self {
        let unseen = executor.accepted.clone();
        let accepted = unseen.map(|action| Write { tag: action.tag, digest: action.digest, was: None });
        Self { error, writes: executor.writes().to_vec(), unseen: accepted }
    }
}

/// How an executor's work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this.
    Done(Outcome),
    /// Before its first write: the state is not what the plan to apply expected. This would be done now instead.
    Drifted(Plan),
}

/// What an executor would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Write this.
    Writes(Plan),
    /// Nothing: it would end at once, with this.
    Nothing(Outcome),
    /// Nothing: the state is not what the plan to apply expected. This would be done now instead.
    Drifted(Plan),
}

/// Carries out an executor's goal; holds the registry's lock from the first read to the end, where it has one.
///
/// The [record](crate::record) of a plan is written beside the plan's writes, and before the last of them: no release is
/// there without its record, whoever is killed when, unless the registry refuses the record alone, which is a warning. Writes
/// that were not planned, because somebody else's came first, are recorded when they are done.
///
/// # Errors
/// When the registry fails; what was written before is in the error.
pub async fn drive(registry: &dyn Registry, executor: &mut Executor, world: &dyn World) -> Result<End, DriveError> {
    let _guard = registry.lock().await.map_err(|error| DriveError::of(error, executor))?;
    if let Some(end) = advance(registry, executor, world, Until::Planned).await? {
        return Ok(end);
    }
    let planned: Vec<Write> = executor.planned().into_iter().flat_map(|plan| &plan.actions).map(planned).collect();
    let mut log = Log::default();
    let records = records(executor, world, &planned);
    let work = advance(registry, executor, world, Until::LastWrite);
    let (end, ()) = both(work, log.begin(registry, records)).await;
    let work = async {
        match end {
            Ok(None) => advance(registry, executor, world, Until::End).await,
            end => end,
        }
    };
    let (end, ()) = both(work, log.finish(registry)).await;
    match end? {
        Some(End::Done(mut outcome)) => {
            let foreseen = |write: &Write| planned.iter().any(|as_planned| as_planned.tag == write.tag);
            let unplanned: Vec<Write> = executor.writes().iter().filter(|write| !foreseen(write)).cloned().collect();
            log.begin(registry, self::records(executor, world, &unplanned)).await;
            log.finish(registry).await;
            outcome.warnings.extend(log.unkept);
            Ok(End::Done(outcome))
        }
        Some(end) => Ok(end),
        None => {
            let error = PortError::new(PortErrorKind::Invalid, "carry out a plan", "it did not come to an end");
            Err(DriveError::of(error, executor))
        }
    }
}

/// How far to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Until there is something to write, or to the end if there is not.
    Planned,
    /// Until one write of a plan is left.
    LastWrite,
    End,
}

impl Until {
    fn is_before(self, step: &Step, executor: &Executor) -> bool {
        let Step::Write(_) = step else { return false };
        match self {
            Self::Planned => true,
            Self::LastWrite => executor.queue.len() == 1,
            Self::End => false,
        }
    }
}

async fn advance(
    registry: &dyn Registry,
    executor: &mut Executor,
    world: &dyn World,
    until: Until,
) -> Result<Option<End>, DriveError> {
    let mut manifests = BTreeMap::new();
    loop {
        let step = executor.next(world.now());
        if until.is_before(&step, executor) {
            return Ok(None);
        }
        world.about_to(&step);
        let answered = match step {
            Step::Done(outcome) => return Ok(Some(End::Done(*outcome))),
            Step::Drifted(plan) => return Ok(Some(End::Drifted(*plan))),
            Step::Write(action) => write(registry, executor, world, &mut manifests, &action).await,
            Step::List => list(registry, executor, world).await,
            Step::Ask(queries) => learn(registry, executor, world, queries).await,
        };
        answered.map_err(|error| DriveError::of(error, executor))?;
    }
}

fn planned(action: &Action) -> Write {
    Write { tag: action.tag.clone(), digest: action.digest, was: None }
}

/// What must be recorded of these writes.
fn records(executor: &Executor, world: &dyn World, writes: &[Write]) -> Vec<(Digest, Record)> {
    let by = world.actor().filter(|_| !writes.is_empty());
    by.map(|by| Record::of(&executor.policy, &executor.goal, writes, &by, world.now())).unwrap_or_default()
}

/// Records on their way to the registry, and those that did not arrive: the writes stand whatever comes of it.
#[derive(Default)]
struct Log {
    begun: Vec<(Digest, Begun)>,
    unkept: Vec<Finding>,
}

impl Log {
    async fn begin(&mut self, registry: &dyn Registry, records: Vec<(Digest, Record)>) {
        for (artifact, record) in records {
            match record::begin(registry, artifact, &record).await {
                Ok(begun) => self.begun.push((artifact, begun)),
                Err(error) => self.unkept.push(unkept(artifact, &error)),
            }
        }
    }

    async fn finish(&mut self, registry: &dyn Registry) {
        for (artifact, begun) in mem::take(&mut self.begun) {
            if let Err(error) = begun.finish(registry).await {
                self.unkept.push(unkept(artifact, &error));
            }
        }
    }
}

fn unkept(artifact: Digest, error: &PortError) -> Finding {
    Finding::warning(Reason::NotRecorded { artifact, error: error.to_string() })
}

/// Reads until the executor has a plan, and writes nothing: what [`drive`] would do now, or what came of it.
///
/// # Errors
/// When the registry fails.
pub async fn plan(registry: &dyn Registry, executor: &mut Executor, world: &dyn World) -> Result<Planned, PortError> {
    loop {
        let step = executor.next(world.now());
        world.about_to(&step);
        match step {
            Step::Done(outcome) => return Ok(Planned::Nothing(*outcome)),
            Step::Drifted(plan) => return Ok(Planned::Drifted(*plan)),
            Step::Write(_) => {
                if let Some(plan) = executor.planned() {
                    return Ok(Planned::Writes(plan.clone()));
                }
            }
            Step::List => executor.listed(&registry.list_tags().await?),
            Step::Ask(queries) => learn(registry, executor, world, queries).await?,
        }
    }
}

/// Reads what a question needs, and nothing else, until it can be answered: lists, then asks as the question asks.
/// `foreseen` are tags that it most likely asks for, as [`What::tags`](crate::what::What::tags) says: they are read while the
/// listing is, which saves a round trip where nothing else is asked for first. The answer comes with everything that was
/// read, for [`Executor::knowing`] or another question.
///
/// # Errors
/// When the registry fails.
pub async fn observe<T>(
    registry: &dyn Registry,
    policy: &Policy,
    world: &dyn World,
    foreseen: &[Tag],
    mut question: impl FnMut(&Snapshot) -> Result<T, Needs> + Send,
) -> Result<(T, Snapshot), PortError> {
    world.about_to(&Step::List);
    let (listing, digests) = both(registry.list_tags(), registry.resolve_all(foreseen)).await;
    let mut snapshot = Snapshot::new(policy, &listing?.tags);
    // What was absent may be what the listing has meanwhile, and what could not be read may never be asked for.
    let digests = digests.unwrap_or_default();
    let read = foreseen.iter().zip(digests).filter_map(|(tag, digest)| Some((Query::Tag(tag.clone()), digest?)));
    let mut foretold: BTreeMap<Query, Digest> = read.collect();
    loop {
        match question(&snapshot) {
            Ok(answer) => return Ok((answer, snapshot)),
            Err(Needs(queries)) => {
                let (told, mut queries): (Vec<Query>, Vec<Query>) =
                    queries.into_iter().partition(|query| foretold.contains_key(query));
                if !queries.is_empty() {
                    world.about_to(&Step::Ask(queries.clone()));
                }
                let versions = at_first_glance(&snapshot, policy, &mut queries);
                let asked = ask(registry, world, queries, versions).await?;
                let told = told.into_iter().map(|query| {
                    let digest = foretold.remove(&query);
                    (query, Reply::Digest(digest))
                });
                for (query, reply) in asked.into_iter().chain(told) {
                    snapshot.learn(query, reply);
                }
            }
        }
    }
}

/// Lists, and reads along what will most likely be asked for then: one round trip instead of two.
async fn list(registry: &dyn Registry, executor: &mut Executor, world: &dyn World) -> Result<(), PortError> {
    let foreseen = executor.foreseen(world.now());
    let (listing, digests) = both(registry.list_tags(), registry.resolve_all(&foreseen)).await;
    executor.listed(&listing?);
    foretold(executor, world, foreseen.into_iter().zip(digests?));
    Ok(())
}

/// Reads back the last write of a plan, and the listing that follows it, and what is read along: all of them are later
/// than the write, which is what counts.
async fn list_after(
    registry: &dyn Registry,
    executor: &mut Executor,
    world: &dyn World,
    action: &Action,
    unread: Unread,
) -> Result<(), PortError> {
    world.about_to(&Step::List);
    let mut next = executor.clone();
    next.wrote(None);
    let foreseen = next.foreseen(world.now());
    let others: Vec<Tag> = foreseen.iter().filter(|tag| **tag != action.tag).cloned().collect();
    let along = both(registry.list_tags(), registry.resolve_all(&others));
    let (read, (listing, digests)) = both(registry.read_back(&action.tag, action.digest, unread), along).await;
    match read {
        Ok(true) => executor.wrote(None),
        // What was read beside it may be from before it took effect: it is all read again.
        Ok(false) => {
            executor.wrote(None);
            return Ok(());
        }
        Err(error) if is_conflict(error.kind()) => {
            executor.conflicted();
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    executor.listed(&listing?);
    let written = (action.tag.clone(), Some(action.digest));
    foretold(executor, world, others.into_iter().zip(digests?).chain([written]));
    Ok(())
}

/// Hands over what was read beside a listing, if it is asked for now. Else it is dropped: what is asked after another write
/// needs an answer from after that write.
fn foretold(executor: &mut Executor, world: &dyn World, read: impl Iterator<Item = (Tag, Option<Digest>)>) {
    let Step::Ask(asked) = executor.next(world.now()) else { return };
    for (tag, digest) in read {
        let query = Query::Tag(tag);
        if asked.contains(&query) {
            executor.learned(query, Reply::Digest(digest));
        }
    }
}

async fn learn(
    registry: &dyn Registry,
    executor: &mut Executor,
    world: &dyn World,
    mut queries: Vec<Query>,
) -> Result<(), PortError> {
    let replies = match executor.snapshot() {
        // Listed again, most tags point where they did: then their manifests are known.
        Some(known) if executor.believed.is_empty() => {
            let versions = at_first_glance(known, &executor.policy, &mut queries);
            ask(registry, world, queries, versions).await?
        }
        Some(_) => ask(registry, world, queries, Vec::new()).await?,
        None => Vec::new(),
    };
    for (query, reply) in replies {
        executor.learned(query, reply);
    }
    Ok(())
}

/// Takes from the questions the first that are about versions. What those point at runs somewhere, or would replace what
/// runs, so their manifests are the next question: they are read along. Where it is about many, nobody will ask for most.
fn at_first_glance(known: &Snapshot, policy: &Policy, queries: &mut Vec<Query>) -> Vec<Tag> {
    let is_version = |tag: &Tag| matches!(policy.classify(tag.as_str()), Kind::Version(_));
    let mut versions = Vec::new();
    if known.resolved().next().is_none() && known.manifests().next().is_none() {
        queries.retain(|query| match query {
            Query::Tag(tag) if versions.len() < AT_FIRST_GLANCE && is_version(tag) => {
                versions.push(tag.clone());
                false
            }
            Query::Tag(_) | Query::Manifest(_) | Query::Ancestry { .. } => true,
        });
    }
    versions
}

/// Asks all of it at once; of the versions also what their manifests say.
async fn ask(
    registry: &dyn Registry,
    world: &dyn World,
    queries: Vec<Query>,
    versions: Vec<Tag>,
) -> Result<Vec<(Query, Reply)>, PortError> {
    let mut replies = Vec::with_capacity(queries.len());
    let (mut tags, mut digests) = (Vec::new(), Vec::new());
    for query in queries {
        match query {
            Query::Tag(tag) => tags.push(tag),
            Query::Manifest(digest) => digests.push(digest),
            Query::Ancestry { ancestor, descendant } => {
                let reply = Reply::Ancestry(world.ancestry(&ancestor, &descendant).await);
                replies.push((Query::Ancestry { ancestor, descendant }, reply));
            }
        }
    }
    let of_tags = both(registry.tagged_all(&versions), registry.resolve_all(&tags));
    let (manifests, (tagged, pointed_at)) = both(registry.manifest_all(&digests), of_tags).await;
    let said = digests.into_iter().zip(manifests?.iter().map(Option::as_ref).map(facts).collect::<Vec<_>>());
    replies.extend(said.map(|(digest, facts)| (Query::Manifest(digest), facts)));
    replies.extend(tags.into_iter().zip(pointed_at?).map(|(tag, digest)| (Query::Tag(tag), Reply::Digest(digest))));
    for (tag, tagged) in versions.into_iter().zip(tagged?) {
        replies.push((Query::Tag(tag), Reply::Digest(tagged.as_ref().map(|tagged| tagged.digest))));
        if let Some(Tagged { digest, manifest }) = tagged {
            replies.push((Query::Manifest(digest), facts(manifest.as_ref())));
        }
    }
    Ok(replies)
}

/// A manifest that cannot be read as one says nothing: it has no commit, and is keyed by its digest.
fn facts(manifest: Option<&Manifest>) -> Reply {
    Reply::Manifest(manifest.map(|manifest| manifest.read().unwrap_or_default()))
}

async fn write(
    registry: &dyn Registry,
    executor: &mut Executor,
    world: &dyn World,
    manifests: &mut BTreeMap<Digest, Manifest>,
    action: &Action,
) -> Result<(), PortError> {
    let manifest = match manifests.remove(&action.digest) {
        Some(manifest) => manifest,
        None => registry.manifest(action.digest).await?,
    };
    let written = match registry.write_tag(&action.tag, &manifest, action.expect).await {
        Ok(Some(unread)) => {
            executor.accepted = Some(action.clone());
            if executor.queue.len() == 1 {
                return list_after(registry, executor, world, action, unread).await;
            }
            registry.read_back(&action.tag, action.digest, unread).await
        }
        Ok(None) => Ok(true),
        Err(error) => Err(error),
    };
    match written {
        Ok(_) => executor.wrote(None),
        Err(error) if is_conflict(error.kind()) => executor.conflicted(),
        Err(error) => return Err(error),
    }
    manifests.insert(action.digest, manifest);
    Ok(())
}

const fn is_conflict(kind: &PortErrorKind) -> bool {
    matches!(kind, PortErrorKind::Conflict { .. } | PortErrorKind::Immutable)
}

/// Carries out an executor's goal on the in-memory registry, at one moment. Nobody knows which commit is older.
///
/// # Errors
/// When the registry says that something is impossible. A drifted plan is an error too.
pub fn drive_in_memory(
    registry: &mut MemoryRegistry,
    executor: Executor,
    now: Timestamp,
) -> Result<Outcome, PortError> {
    let mut executor = executor.with_consistency(registry.consistency());
    loop {
        match executor.next(now) {
            Step::Done(outcome) => return Ok(*outcome),
            Step::Drifted(plan) => {
                let message = alloc::format!("{} other writes would be done now", plan.actions.len());
                return Err(PortError::new(PortErrorKind::Invalid, "apply", message));
            }
            step => registry.answer(&mut executor, step)?,
        }
    }
}

impl MemoryRegistry {
    /// Carries out one step that is neither done nor drifted.
    ///
    /// # Errors
    /// When the artifact to tag does not exist.
    pub fn answer(&mut self, executor: &mut Executor, step: Step) -> Result<(), PortError> {
        match step {
            Step::List => executor.listed(&self.listing()),
            Step::Ask(queries) => {
                for query in queries {
                    let reply = self.reply(&query);
                    executor.learned(query, reply);
                }
            }
            Step::Write(action) => match self.put(&action.tag, action.digest, action.expect) {
                Ok(was) => executor.wrote(was),
                Err(error) if is_conflict(error.kind()) => executor.conflicted(),
                Err(error) => return Err(error),
            },
            Step::Done(_) | Step::Drifted(_) => {
                return Err(PortError::new(PortErrorKind::Invalid, "answer", "nothing was asked".to_string()));
            }
        }
        Ok(())
    }

    /// What this registry knows about a query.
    #[must_use]
    pub fn reply(&self, query: &Query) -> Reply {
        match query {
            Query::Tag(tag) => Reply::Digest(self.digest(tag)),
            Query::Manifest(digest) => {
                Reply::Manifest(self.manifest(*digest).map(|manifest| manifest.read().unwrap_or_default()))
            }
            Query::Ancestry { .. } => Reply::Ancestry(Ancestry::Unknown),
        }
    }
}
