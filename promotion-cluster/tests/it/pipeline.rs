//! What the command line does, through the real core and the real registry adapter.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use promotion_core::Digest;
use promotion_core::board::board;
use promotion_core::evidence::Evidence;
use promotion_core::executor::{End, Executor, Outcome, drive, observe};
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::{Policy, Stage};
use promotion_core::ports::{PortErrorKind, Registry};
use promotion_core::snapshot::Snapshot;
use promotion_core::testing::still::Still;
use promotion_core::time::Timestamp;
use promotion_registry::distribution::{Client, Credential, Distribution, Fixed, Options, Secret};
use promotion_registry::flux::{Created, PackOptions, pack, push};
use promotion_registry::testing::servers::Server;

/// The commit that everything here was built from.
pub(crate) const COMMIT: &str = "6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9";
/// Who may use a registry with passwords.
pub(crate) const USER: (&str, &str) = ("ada", "correct horse");

/// One artifact's way through a registry.
pub(crate) struct Pipeline {
    registry: Distribution,
    policy: Policy,
}

impl Pipeline {
    pub(crate) fn of(server: &Server, name: &str) -> Self {
        let credential = Credential::Basic { user: USER.0.to_owned(), password: Secret::new(USER.1) };
        let credentials = Arc::new(Fixed { host: server.host(), credential });
        let client = Client::new(Options { plain_http: true, credentials, ..Options::default() }).unwrap();
        let registry = client.open(&format!("oci://{}", server.repository(name)).parse().unwrap()).unwrap();
        Self { registry, policy: Policy::default() }
    }

    pub(crate) fn stage(&self, name: &str) -> &Stage {
        self.policy.stage(name).unwrap()
    }

    /// Pushes a folder, and makes it a candidate.
    pub(crate) async fn build(&self, folder: &Path) -> Digest {
        let revision = format!("main@sha1:{COMMIT}").parse().unwrap();
        let packed = pack(PackOptions::new(folder, revision, Created::EPOCH)).await.unwrap();
        push(&self.registry, &packed, None).await.unwrap();
        let built = packed.manifest.digest();
        self.pursue(Goal::Build(Build::of(built))).await;
        built
    }

    pub(crate) async fn promote(&self, artifact: Digest, evidence: Evidence) {
        let promotion = Promote { artifact, evidence: vec![evidence], stage: None, version: None };
        self.pursue(Goal::Promote(promotion)).await;
    }

    /// What Flux will say that it runs in a stage, if anything.
    pub(crate) async fn predicted(&self, stage: &str) -> Option<String> {
        let question = |snapshot: &Snapshot| board(snapshot, &self.policy);
        let (board, _) = observe(&self.registry, &self.policy, &world(), &[], question).await.unwrap();
        let selected = board.stages.into_iter().find(|row| row.name == stage).unwrap().selects?;
        Some(format!("{}@{}", selected.tag, selected.digest))
    }

    async fn pursue(&self, goal: Goal) -> Outcome {
        let mut executor = Executor::new(self.policy.clone(), goal).with_consistency(self.registry.consistency());
        // Some registries do not know a repository without tags: the first push begins with nothing.
        if self.registry.list_tags().await.is_err_and(|error| *error.kind() == PortErrorKind::NotFound) {
            executor = executor.knowing(Snapshot::new(&self.policy, &[]));
        }
        let end = drive(&self.registry, &mut executor, &world()).await.map_err(|failed| failed.error).unwrap();
        let End::Done(outcome) = end else { panic!("nothing was planned, yet it drifted") };
        assert_eq!(outcome.refusal, None);
        outcome
    }
}

/// Evidence comes with the clock of the machine.
fn world() -> Still {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Still { now: Timestamp::from_unix(now.try_into().unwrap()), actor: Some("ada") }
}
