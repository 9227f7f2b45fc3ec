//! What somebody does with a repository of a registry, start to end, through the real core and the real adapter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use promotion_core::Digest;
use promotion_core::artifact::View;
use promotion_core::board::{Board, board};
use promotion_core::evidence::{Evidence, EvidenceKind};
use promotion_core::executor::{End, Executor, Outcome, drive, observe};
use promotion_core::manifest::Manifest;
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::Policy;
use promotion_core::ports::{Expect, PortError, PortErrorKind, Registry};
use promotion_core::silence::silence;
use promotion_core::snapshot::Snapshot;
use promotion_core::testing::oracle::Oracle;
use promotion_core::testing::still::Still;
use promotion_core::time::Timestamp;
use promotion_core::what::{What, find};
use promotion_registry::copy::{Options as CopyOptions, Quiet, Selection, copy};
use promotion_registry::distribution::{Client, Credential, Distribution, Fixed, Options, Retries, Secret, Timeouts};
use promotion_registry::flux::{Created, PackOptions, Packed, pack, push};
use promotion_registry::testing::fake::{Auth, FakeRegistry, Quirks};

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const PASSWORD: &str = "correct-horse-battery";
const USER: &str = "ada";

const ADA: Still = Still { now: Timestamp::from_unix(NOW), actor: Some("ada") };

/// A registry that asks everybody for a token.
pub(crate) fn guarded() -> Quirks {
    let (user, password) = (USER.to_owned(), PASSWORD.to_owned());
    Quirks { auth: Auth::Bearer { user, password, uses: None }, ..Quirks::default() }
}

/// A client that gives up soon, and knows the password for one host.
pub(crate) fn options(host: &str) -> Options {
    let credential = Credential::Basic { user: USER.to_owned(), password: Secret::new(PASSWORD) };
    let retries = Retries { attempts: 2, pause: Duration::from_millis(1), longest: Duration::from_millis(20) };
    let credentials = Arc::new(Fixed { host: host.to_owned(), credential });
    // Nothing here speaks TLS, and reading the system's certificates takes longest of all.
    Options { plain_http: true, insecure: true, credentials, retries, ..Options::default() }
}

/// The same, for a server that says nothing more.
pub(crate) fn impatient(options: Options) -> Options {
    let soon = Duration::from_millis(40);
    Options { timeouts: Timeouts { answer: Duration::from_secs(5), stall: soon, ..options.timeouts }, ..options }
}

pub(crate) fn open(options: Options, host: &str, name: &str) -> Distribution {
    Client::new(options).unwrap().open(&format!("oci://{host}/{name}").parse().unwrap()).unwrap()
}

/// An artifact of a commit: forty times the same letter.
pub(crate) async fn packed(letter: char) -> Packed {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.yaml"), format!("kind: {letter}\n")).unwrap();
    let revision = format!("main@sha1:{}", commit(letter)).parse().unwrap();
    pack(PackOptions::new(folder.path(), revision, Created::EPOCH)).await.unwrap()
}

pub(crate) fn commit(letter: char) -> String {
    letter.to_string().repeat(40)
}

pub(crate) fn evidence(artifact: Digest) -> Evidence {
    Evidence {
        kind: EvidenceKind::Kustomization,
        digest: Some(artifact),
        commit: None,
        stage: None,
        observed_at: Some(Timestamp::from_unix(NOW - 60)),
        source: "flux event".into(),
    }
}

/// Carries out a goal, with what is known already.
pub(crate) async fn pursue(registry: &dyn Registry, goal: Goal, known: Option<Snapshot>) -> Result<Outcome, PortError> {
    let mut executor = Executor::new(Policy::default(), goal).with_consistency(registry.consistency());
    if let Some(known) = known {
        executor = executor.knowing(known);
    }
    match drive(registry, &mut executor, &ADA).await.map_err(|failed| failed.error)? {
        End::Done(outcome) => Ok(outcome),
        End::Drifted(plan) => panic!("nothing was planned, yet it drifted: {plan:?}"),
    }
}

/// Finds an artifact by its commit, and what was read for it.
pub(crate) async fn found(registry: &dyn Registry, letter: char) -> Result<(Digest, Snapshot), PortError> {
    let (policy, what) = (Policy::default(), commit(letter).parse::<What>().unwrap());
    let (found, known) =
        observe(registry, &policy, &ADA, &what.tags(&policy), |snapshot| find(&View::new(snapshot, &policy), &what))
            .await?;
    let not_found = |reason| {
        PortError::new(
            PortErrorKind::NotFound,
            format!("find {what} in {}", registry.repository()),
            format!("{reason:?}"),
        )
    };
    found.map(|digest| (digest, known)).map_err(not_found)
}

pub(crate) async fn build(registry: &dyn Registry, letter: char) -> Result<Outcome, PortError> {
    let packed = packed(letter).await;
    push(registry, &packed, None).await?;
    pursue(registry, Goal::Build(Build::of(packed.manifest.digest())), None).await
}

/// What a Flux event sets off: the artifact is found by its commit, and promoted.
pub(crate) async fn promote(registry: &dyn Registry, letter: char) -> Result<Outcome, PortError> {
    let (artifact, known) = found(registry, letter).await?;
    let promotion = Promote { artifact, evidence: vec![evidence(artifact)], stage: None, version: None };
    pursue(registry, Goal::Promote(promotion), Some(known)).await
}

pub(crate) async fn reject(registry: &dyn Registry, letter: char) -> Result<Outcome, PortError> {
    let (artifact, known) = found(registry, letter).await?;
    pursue(registry, Goal::Reject { artifact, reason: "data loss".into() }, Some(known)).await
}

pub(crate) async fn rollback(registry: &dyn Registry, letter: char) -> Result<Outcome, PortError> {
    let (to, known) = found(registry, letter).await?;
    pursue(registry, Goal::Rollback { to, only: false }, Some(known)).await
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    /// The first of two candidates gets a release, which masks the second.
    Promote,
    /// A third artifact is pushed, after a release.
    Build,
    /// The newest of two candidates is bad.
    Reject,
    /// The second release is bad.
    Rollback,
    /// A release with its record goes to an empty repository.
    Copy,
}

/// What came of it, in one word that may be believed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Done,
    /// Done, but for what is said.
    Warned(String),
    /// Not done, and says so.
    Refused(String),
}

impl Story {
    /// What was done in the repository before.
    pub(crate) async fn prepare(self, registry: &dyn Registry) {
        build(registry, 'a').await.unwrap();
        if matches!(self, Self::Build | Self::Rollback | Self::Copy) {
            promote(registry, 'a').await.unwrap();
        }
        if self != Self::Copy {
            build(registry, 'b').await.unwrap();
        }
        if self == Self::Rollback {
            promote(registry, 'b').await.unwrap();
        }
    }

    /// Does it; `from` is where a copy comes from.
    pub(crate) async fn run(self, registry: &dyn Registry, from: &dyn Registry) -> Result<Told, PortError> {
        let outcome = match self {
            Self::Promote => promote(registry, 'a').await?,
            Self::Build => build(registry, 'c').await?,
            Self::Reject => reject(registry, 'b').await?,
            Self::Rollback => rollback(registry, 'a').await?,
            Self::Copy => {
                copy(from, registry, &Selection::All, &CopyOptions::default(), &Quiet).await?;
                return Ok(Told::Done);
            }
        };
        Ok(match &outcome.refusal {
            Some(refusal) => Told::Refused(format!("{:?}", refusal.reason)),
            None if outcome.warnings.is_empty() => Told::Done,
            None => Told::Warned(format!("{:?}", outcome.warnings)),
        })
    }
}

/// A repository's tags.
pub(crate) type Tags = BTreeMap<String, Digest>;

/// What the stages select, read naively off a repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stages {
    /// By stage.
    pub(crate) selected: Vec<Option<Digest>>,
    /// Rules that do not hold.
    pub(crate) broken: Vec<String>,
    /// What live runs and nobody ever validated. What was rejected after its release is live until another release
    /// follows: a rollback's own moment.
    pub(crate) unvalidated: Option<String>,
}

impl Stages {
    pub(crate) fn of(registry: &FakeRegistry, name: &str) -> Self {
        let mut memory = MemoryRegistry::default();
        for (media_type, bytes) in registry.manifests(name) {
            memory.push(Manifest::new(media_type, bytes.to_vec()));
        }
        for (tag, digest) in registry.tags(name) {
            memory.put(&tag.parse().unwrap(), digest, Expect::Absent).unwrap();
        }
        let policy = Policy::default();
        let (oracle, last) = (Oracle::read(&memory, &policy), policy.last());
        let live = oracle.selected(last);
        let unvalidated = live.filter(|live| !oracle.admitted(*live, last) && !oracle.rejected(*live));
        Self {
            selected: (0..=last).map(|stage| oracle.selected(stage)).collect(),
            broken: oracle.broken_rules(),
            unvalidated: unvalidated.map(|live| format!("live selects {live}, which nobody validated")),
        }
    }
}

/// What `status` reads.
pub(crate) async fn status(registry: &dyn Registry) -> Result<Board, PortError> {
    let policy = Policy::default();
    let question = |snapshot: &Snapshot| {
        let mut board = board(snapshot, &policy)?;
        board.findings.extend(silence(snapshot, &policy, Timestamp::from_unix(NOW))?);
        Ok(board)
    };
    Ok(observe(registry, &policy, &ADA, &[], question).await?.0)
}
