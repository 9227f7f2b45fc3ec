//! What manifests and workflows get wrong although nobody complains: each rule with its id, what it found and how to mend it.
//!
//! Documents are JSON values, whatever they were written as; the text is at hand for what only comments say.
//!
//! ```
//! use promotion_core::lint::{Document, lint};
//!
//! let value = serde_json::json!({
//!     "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "success-rate" },
//!     "spec": { "metrics": [{ "name": "errors", "interval": "1m" }] },
//! });
//! let flaws = lint(&[Document { place: "analysis.yaml".into(), value, text: String::new() }]);
//! assert_eq!(flaws[0].id(), "analysis-without-count");
//! ```

mod analysis;
mod manifests;
mod workflow;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file.
    pub place: String,
    /// What it says.
    pub value: Value,
    /// As it is written, with the file's other documents.
    pub text: String,
}

/// Something wrong in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flaw {
    /// The file.
    pub place: String,
    /// What in it: `AnalysisTemplate success-rate, metric errors`.
    pub subject: String,
    /// What is wrong.
    pub rule: Rule,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is documented by its meaning in `MEANINGS`")]
pub enum Rule {
    AnalysisWithoutCount { interval: String },
    AnalysisNeverFails { count: u64 },
    AnalysisWindowShort { window: String, interval: String },
    AnalysisOfEverything,
    WorkflowWithoutConcurrency,
    WorkflowDropsRuns,
    WorkflowPermission { permission: &'static str },
    WorkflowShallow,
    WorkflowAttestations { cleaner: String },
    HelmDigestUnresolved,
    RegistryInCluster { host: String },
    PlainHttp { host: String },
    WaveOrder { definition: i64, object: i64 },
    SelfHealedImage { command: String },
}

/// Every id with what it means.
pub const MEANINGS: &[(&str, &str)] = &[
    ("analysis-without-count", "a metric with an interval and no count runs for ever: a step with it is rejected"),
    ("analysis-never-fails", "the failure limit is as high as the count, so the analysis cannot fail"),
    (
        "analysis-window-short",
        "a query looks back less than the interval, so what happens between two measurements is not seen",
    ),
    ("analysis-of-everything", "a query measures stable and canary together: a bad canary hides in the good traffic"),
    ("workflow-without-concurrency", "two runs can promote beside each other"),
    (
        "workflow-drops-runs",
        "a run that waits is cancelled by the next one, and what it was to promote is not promoted",
    ),
    ("workflow-permission", "the workflow's token may not do what its steps do"),
    ("workflow-shallow", "a shallow clone cannot tell which commit is older, nor which version comes next"),
    (
        "workflow-attestations",
        "attestations make an image an index whose children a cleaner deletes that does not know of them",
    ),
    (
        "helm-digest-unresolved",
        "a digest that Flux should have written is empty, so the release runs whatever the tag points at",
    ),
    ("registry-in-cluster", "the registry runs in a cluster, which then cannot be repaired from it"),
    (
        "plain-http",
        "the source speaks HTTP with a host that is not this machine: whoever is on the way can change the artifact",
    ),
    ("wave-order", "an object is applied before the definition of its kind"),
    ("self-healed-image", "an image is set by hand on what Argo CD heals: it is undone within seconds"),
];

/// Everything that is wrong in these documents, in their order.
#[must_use]
pub fn lint(documents: &[Document]) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for document in documents {
        let mut found = |subject: String, rule: Rule| flaws.push(Flaw { place: document.place.clone(), subject, rule });
        analysis::lint(&document.value, &mut found);
        manifests::lint(document, documents, &mut found);
        workflow::lint(&document.value, documents, &mut found);
    }
    flaws
}

/// What rules report to.
type Found<'f> = dyn FnMut(String, Rule) + 'f;

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path)?.as_str()
}

fn items<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `KIND NAME`, as people call it.
fn called(value: &Value) -> String {
    format!("{} {}", text(value, "/kind").unwrap_or("?"), text(value, "/metadata/name").unwrap_or("?"))
}

impl Flaw {
    /// The stable id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self.rule {
            Rule::AnalysisWithoutCount { .. } => "analysis-without-count",
            Rule::AnalysisNeverFails { .. } => "analysis-never-fails",
            Rule::AnalysisWindowShort { .. } => "analysis-window-short",
            Rule::AnalysisOfEverything => "analysis-of-everything",
            Rule::WorkflowWithoutConcurrency => "workflow-without-concurrency",
            Rule::WorkflowDropsRuns => "workflow-drops-runs",
            Rule::WorkflowPermission { .. } => "workflow-permission",
            Rule::WorkflowShallow => "workflow-shallow",
            Rule::WorkflowAttestations { .. } => "workflow-attestations",
            Rule::HelmDigestUnresolved => "helm-digest-unresolved",
            Rule::RegistryInCluster { .. } => "registry-in-cluster",
            Rule::PlainHttp { .. } => "plain-http",
            Rule::WaveOrder { .. } => "wave-order",
            Rule::SelfHealedImage { .. } => "self-healed-image",
        }
    }

    /// One sentence: what and where.
    #[must_use]
    pub fn message(&self) -> String {
        let what = match &self.rule {
            Rule::AnalysisWithoutCount { interval } => format!("measures every {interval} and has no count"),
            Rule::AnalysisNeverFails { count } => {
                format!("measures {count} times and tolerates {count} failures: it fails when there are more than that")
            }
            Rule::AnalysisWindowShort { window, interval } => {
                format!("looks back {window} every {interval}")
            }
            Rule::AnalysisOfEverything => "selects no canary: it measures all traffic together".to_string(),
            Rule::WorkflowWithoutConcurrency => "promotes, and has no concurrency group".to_string(),
            Rule::WorkflowDropsRuns => "cancels runs that wait or are under way".to_string(),
            Rule::WorkflowPermission { permission } => format!("needs the permission {permission}"),
            Rule::WorkflowShallow => "needs the history, and checks out one commit".to_string(),
            Rule::WorkflowAttestations { cleaner } => {
                format!("pushes attestations, and {cleaner} deletes versions that it does not know of")
            }
            Rule::HelmDigestUnresolved => "has an empty digest beside an image policy's marker".to_string(),
            Rule::RegistryInCluster { host } => format!("is fetched from {host}, which runs in a cluster"),
            Rule::PlainHttp { host } => format!("is fetched from {host} without TLS"),
            Rule::WaveOrder { definition, object } => {
                format!("is of wave {object}, and the definition of its kind of wave {definition}")
            }
            Rule::SelfHealedImage { command } => format!("heals itself, and a workflow runs {command}"),
        };
        format!("{}: {} {what}", self.place, self.subject)
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(&self) -> String {
        match &self.rule {
            Rule::AnalysisWithoutCount { .. } => "give it a count".to_string(),
            Rule::AnalysisNeverFails { .. } => "set failureLimit below count; 3 tolerates three failures in all, not in a row".to_string(),
            Rule::AnalysisWindowShort { interval, .. } => format!("look back at least {interval}"),
            Rule::AnalysisOfEverything => {
                "select the canary's pods: its Service, or rollouts_pod_template_hash by an argument".to_string()
            }
            Rule::WorkflowWithoutConcurrency => "concurrency: { group: promotion, cancel-in-progress: false }".to_string(),
            Rule::WorkflowDropsRuns => {
                "set cancel-in-progress: false; of runs that wait, GitHub keeps one: promote by digest, and let repair finish the rest"
                    .to_string()
            }
            Rule::WorkflowPermission { permission } => format!("permissions: {{ {permission} }}"),
            Rule::WorkflowShallow => "with: { fetch-depth: 0 }".to_string(),
            Rule::WorkflowAttestations { .. } => "push with provenance: false, or clean up with something that knows indexes".to_string(),
            Rule::HelmDigestUnresolved => "see why its ImagePolicy has no latestRef, before the release is resumed".to_string(),
            Rule::RegistryInCluster { .. } => "keep what repairs a cluster outside of it".to_string(),
            Rule::PlainHttp { .. } => "drop spec.insecure, and give the host a certificate (spec.certSecretRef)".to_string(),
            Rule::WaveOrder { definition, .. } => format!("give it a wave above {definition}"),
            Rule::SelfHealedImage { .. } => "change the image in Git".to_string(),
        }
    }
}
