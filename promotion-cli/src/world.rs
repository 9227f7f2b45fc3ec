//! What executors need to know besides the registry: the time, and which commit is older.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use promotion_core::executor::{Step, World};
use promotion_core::snapshot::{Ancestry, Query};
use promotion_core::time::Timestamp;
use promotion_core::{Commit, Repository};

use crate::app::App;
use crate::output::Output;
use crate::progress::Counter;

/// This machine: its clock, and a clone of the source repository where one was given.
pub(crate) struct HostWorld<'a> {
    git: Option<PathBuf>,
    out: &'a Output,
    begun: Arc<AtomicBool>,
    counter: Counter,
    actor: Option<String>,
}

impl<'a> HostWorld<'a> {
    pub(crate) fn new(app: &'a App) -> Self {
        Self { git: None, out: &app.out, begun: Arc::default(), counter: Counter::new(app.out.status()), actor: None }
    }

    /// What counts the manifests that are read.
    pub(crate) const fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Keeping records of what is done, in the name of whoever runs this.
    pub(crate) fn recording(self) -> Self {
        Self { actor: Some(actor()), ..self }
    }

    /// With a clone that knows which commit is older.
    pub(crate) fn with_git(self, git: Option<PathBuf>) -> Self {
        Self { git, ..self }
    }
}

/// How long a writer waits before it says what for.
const PATIENCE: Duration = Duration::from_secs(2);

impl HostWorld<'_> {
    /// Says so when the first step is long in coming: another writer has the repository.
    pub(crate) fn wait_for_the_lock(&self, repository: &Repository) {
        // Reads before this needed no lock.
        self.begun.store(false, Ordering::Relaxed);
        let (begun, out) = (Arc::clone(&self.begun), self.out.clone());
        let text = format!("waiting for another process that writes to {repository}");
        // Nobody waits for this thread: it ends with the process.
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            if !begun.load(Ordering::Relaxed) {
                out.note(&text);
            }
        });
    }
}

/// Who acts: as told, as the CI system says, or the user of this machine.
pub(crate) fn actor() -> String {
    let names = [
        "PROMOTION_ACTOR",
        "GITHUB_ACTOR",
        "FORGEJO_ACTOR",
        "GITEA_ACTOR",
        "GITLAB_USER_LOGIN",
        "CI_COMMIT_AUTHOR",
        "USER",
        "LOGNAME",
    ];
    names.into_iter().find_map(crate::app::variable).unwrap_or_else(|| "unknown".to_owned())
}

/// The time.
pub(crate) fn now() -> Timestamp {
    // A clock before 1970 is as good as none.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[async_trait]
impl World for HostWorld<'_> {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn ancestry(&self, ancestor: &Commit, descendant: &Commit) -> Ancestry {
        self.git.as_deref().map_or(Ancestry::Unknown, |git| is_ancestor(git, ancestor, descendant))
    }

    fn actor(&self) -> Option<String> {
        self.actor.clone()
    }

    fn about_to(&self, step: &Step) {
        self.begun.store(true, Ordering::Relaxed);
        let text = match step {
            Step::List => "listing tags".to_owned(),
            Step::Ask(queries) => {
                self.counter.expect(queries.iter().filter(|query| matches!(query, Query::Manifest(_))).count());
                asking(queries)
            }
            Step::Write(action) => format!("writing {} -> {}, which {}", action.tag, action.digest, action.why),
            Step::Done(_) | Step::Drifted(_) => return,
        };
        self.out.detail(&text);
        self.out.status().show(&text);
    }
}

fn asking(queries: &[Query]) -> String {
    let count = |wanted: fn(&Query) -> bool| queries.iter().filter(|query| wanted(query)).count();
    let tags = count(|query| matches!(query, Query::Tag(_)));
    let manifests = count(|query| matches!(query, Query::Manifest(_)));
    let counted = [(tags, "tag"), (manifests, "manifest"), (queries.len() - tags - manifests, "commit")];
    let plural = |(count, noun): (usize, &str)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let parts: Vec<String> = counted.into_iter().filter(|(count, _)| *count > 0).map(plural).collect();
    format!("reading {}", parts.join(" and "))
}

/// `git merge-base --is-ancestor`: 0 yes, 1 no, anything else that it cannot tell. A shallow clone says no where it
/// means that it cannot tell.
fn is_ancestor(git: &Path, ancestor: &Commit, descendant: &Commit) -> Ancestry {
    let status = Command::new("git")
        .arg("-C")
        .arg(git)
        .args(["merge-base", "--is-ancestor", ancestor.as_str(), descendant.as_str()])
        .output()
        .map(|output| output.status.code());
    match status {
        Ok(Some(0)) => Ancestry::Ancestor,
        Ok(Some(1)) if ask_git(git, &["rev-parse", "--is-shallow-repository"]).as_deref() == Ok("false") => {
            Ancestry::Unrelated
        }
        _ => Ancestry::Unknown,
    }
}

/// What git says, without the newline; its complaint as the error.
pub(crate) fn ask_git(git: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").arg("-C").arg(git).args(arguments).output();
    let output = output.map_err(|error| format!("cannot run git: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
