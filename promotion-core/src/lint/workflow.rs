//! Workflows of GitHub, Forgejo and Gitea.

use alloc::string::{String, ToString};

use serde_json::Value;

use super::manifests::{heals, steps};
use super::{Document, Found, Rule, called, text};

pub(super) fn lint(workflow: &Value, documents: &[Document], found: &mut Found<'_>) {
    if workflow.get("jobs").and_then(Value::as_object).is_none() {
        return;
    }
    let name = text(workflow, "/name").unwrap_or("workflow");
    let subject = || alloc::format!("workflow {name}");
    let runs = |words: &[&str]| steps(workflow).any(|step| runs(step, words));
    let writes =
        runs(&["promotion promote", "promotion push", "promotion candidate", "promotion reject", "promotion rollback"]);
    if writes {
        concurrency(workflow, subject(), found);
    }
    let pushes = runs(&["promotion push", "flux push artifact", "docker push"])
        || uses(workflow, "docker/build-push-action").is_some();
    if (pushes || writes) && !may(workflow, "packages") {
        found(subject(), Rule::WorkflowPermission { permission: "packages: write" });
    }
    if runs(&["git push", "gh release create"]) && !may(workflow, "contents") {
        found(subject(), Rule::WorkflowPermission { permission: "contents: write" });
    }
    if runs(&["git push --force", "git push -f ", "--force-with-lease"]) {
        found(subject(), Rule::WorkflowForcePush);
    }
    // YAML 1.1 reads the key `on` as true.
    let filters = |other: &Document| {
        ["/on/push/paths", "/true/push/paths"].iter().any(|path| other.value.pointer(path).is_some())
    };
    if runs(&["--allow-empty"]) && documents.iter().any(filters) {
        found(subject(), Rule::WorkflowEmptyCommit);
    }
    let history = runs(&["--git", "promotion next", "svu"]);
    let shallow = |step: &&Value| {
        text(step, "/uses").is_some_and(|action| action.starts_with("actions/checkout@"))
            && step.pointer("/with/fetch-depth").is_none_or(|depth| depth != 0 && depth != "0")
    };
    if history && steps(workflow).any(|step| shallow(&step)) {
        found(subject(), Rule::WorkflowShallow);
    }
    attestations(workflow, documents, subject(), found);
    let by_hand = ["kubectl set image", "kubectl argo rollouts set image"];
    if let Some(command) = by_hand.into_iter().find(|command| runs(&[command]))
        && let Some(healed) = documents.iter().find(|document| heals(&document.value))
    {
        found(called(&healed.value), Rule::SelfHealedImage { command: command.to_string() });
    }
}

/// Of one group, so that two runs take turns, and no run is cancelled for another.
fn concurrency(workflow: &Value, subject: String, found: &mut Found<'_>) {
    let jobs = workflow.get("jobs").and_then(Value::as_object);
    let of_jobs = jobs.into_iter().flat_map(|jobs| jobs.values()).filter_map(|job| job.get("concurrency"));
    let mut groups = workflow.get("concurrency").into_iter().chain(of_jobs).peekable();
    if groups.peek().is_none() {
        found(subject, Rule::WorkflowWithoutConcurrency);
    } else if groups.any(|group| group.get("cancel-in-progress").is_some_and(|cancel| *cancel != Value::Bool(false))) {
        found(subject, Rule::WorkflowDropsRuns);
    }
}

/// Whether the token may write something, as the workflow or one of its jobs says; where nobody says anything, it is the
/// repository's setting.
fn may(workflow: &Value, scope: &str) -> bool {
    let jobs = workflow.get("jobs").and_then(Value::as_object);
    let of_jobs = jobs.into_iter().flat_map(|jobs| jobs.values()).filter_map(|job| job.get("permissions"));
    let mut said = workflow.get("permissions").into_iter().chain(of_jobs).peekable();
    said.peek().is_none()
        || said
            .any(|permissions| *permissions == "write-all" || permissions.get(scope).is_some_and(|of| *of == "write"))
}

/// Attestations pushed, and versions deleted by something that takes them for rubbish, here or in another workflow.
fn attestations(workflow: &Value, documents: &[Document], subject: String, found: &mut Found<'_>) {
    let Some(build) = uses(workflow, "docker/build-push-action") else { return };
    let off = |value: &Value| *value == Value::Bool(false) || *value == "false";
    if build.pointer("/with/provenance").is_some_and(off) {
        return;
    }
    let cleaners = ["actions/delete-package-versions"];
    let cleaner =
        cleaners.into_iter().find(|cleaner| documents.iter().any(|other| uses(&other.value, cleaner).is_some()));
    if let Some(cleaner) = cleaner {
        found(subject, Rule::WorkflowAttestations { cleaner: cleaner.to_string() });
    }
}

fn uses<'v>(workflow: &'v Value, action: &str) -> Option<&'v Value> {
    steps(workflow)
        .find(|step| text(step, "/uses").and_then(|used| used.split_once('@')).is_some_and(|(used, _)| used == action))
}

/// Whether a step's script has one of these words.
fn runs(step: &Value, words: &[&str]) -> bool {
    text(step, "/run").is_some_and(|script| words.iter().any(|word| script.contains(word)))
}
