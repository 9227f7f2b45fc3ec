//! What can be wrong, what each means, and what to do about it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::Digest;

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
    MirrorPlainHttp { host: String },
    PullSecretElsewhere { secret: String, namespace: String, found: Vec<String> },
    FloatingSuspended { image: String },
    FloatingImage { image: String, kept: bool },
    ImageNotPulled { image: String, message: String },
    PinsDiffer { missing: Vec<String>, more: Vec<String> },
    RunnerUrl { url: String },
    IgnoredYetSynced,
    ApplicationUnwatched,
    CanaryServiceMissing { service: String },
    CanaryServiceUnused,
    AnalysisCutOff { address: String },
    WorkflowForcePush,
    WorkflowEmptyCommit,
    DeployNotManual,
    DeployAnyTag,
    DeployUnverified,
    CommandNoText,
    ToolFloats { image: String },
    BuiltInCluster { image: String },
    ResumeAbsent { image: String },
    ResumeLacksChild { image: String, child: Digest },
    ResumeUnknown { wanted: String, why: String },
    PolicySelectsNothing { why: String },
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
    (
        "mirror-plain-http",
        "a mirror is asked over HTTP, or whatever its certificate: whoever is on the way can change what tags point at",
    ),
    (
        "pull-secret-elsewhere",
        "a pull secret is in other namespaces only, and nothing passes it on to this one: private images do not come",
    ),
    (
        "floating-suspended",
        "only suspended releases refer to a floating tag, and no pin keeps it: a cleaner that looks at what runs deletes it, and \
         the first start finds nothing",
    ),
    ("floating-image", "an image without a version: what runs changes, and nothing in Git says so"),
    ("image-not-pulled", "a pod waits for an image that does not come"),
    ("pins-differ", "the copy of the pins that a cleaner uses is not the one that is declared"),
    ("runner-url", "a runner's jobs are to find their server under a name that only pods know"),
    (
        "ignored-yet-synced",
        "differences are ignored when they are shown and not when they are synced: a sync undoes them",
    ),
    ("application-unwatched", "no application watches the folder of this one: changes to it need kubectl apply"),
    ("canary-service-missing", "a rollout names a Service that does not exist"),
    ("canary-service-unused", "a rollout has Services for its canary, and the traffic goes elsewhere"),
    ("analysis-cut-off", "a NetworkPolicy keeps the controller from the metrics that an analysis asks"),
    ("workflow-force-push", "a workflow overwrites a branch: commits of others are lost"),
    ("workflow-empty-commit", "an empty commit changes no path, so nothing that filters by paths runs for it"),
    ("deploy-not-manual", "a pipeline that deploys runs for pushes, too, without the tag that it should deploy"),
    ("deploy-any-tag", "a deployment does not refuse an empty tag, and deploys nothing, or latest"),
    ("deploy-unverified", "a pipeline sets an image and ends well whatever becomes of it"),
    ("command-no-text", "a command is a YAML mapping and no text, because of a colon in it"),
    ("tool-floats", "the tool that deploys is another one from day to day"),
    ("built-in-cluster", "what repairs a cluster is built inside of it"),
    ("resume-absent", "something suspended wants an image that is not in its registry"),
    ("resume-lacks-child", "something suspended wants an image of which a part is not in its registry"),
    ("resume-unknown", "nobody can say whether what something suspended wants is there"),
    ("policy-selects-nothing", "an image policy chooses nothing from what its repository has"),
];

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
            Rule::MirrorPlainHttp { .. } => "mirror-plain-http",
            Rule::PullSecretElsewhere { .. } => "pull-secret-elsewhere",
            Rule::FloatingSuspended { .. } => "floating-suspended",
            Rule::FloatingImage { .. } => "floating-image",
            Rule::ImageNotPulled { .. } => "image-not-pulled",
            Rule::PinsDiffer { .. } => "pins-differ",
            Rule::RunnerUrl { .. } => "runner-url",
            Rule::IgnoredYetSynced => "ignored-yet-synced",
            Rule::ApplicationUnwatched => "application-unwatched",
            Rule::CanaryServiceMissing { .. } => "canary-service-missing",
            Rule::CanaryServiceUnused => "canary-service-unused",
            Rule::AnalysisCutOff { .. } => "analysis-cut-off",
            Rule::WorkflowForcePush => "workflow-force-push",
            Rule::WorkflowEmptyCommit => "workflow-empty-commit",
            Rule::DeployNotManual => "deploy-not-manual",
            Rule::DeployAnyTag => "deploy-any-tag",
            Rule::DeployUnverified => "deploy-unverified",
            Rule::CommandNoText => "command-no-text",
            Rule::ToolFloats { .. } => "tool-floats",
            Rule::BuiltInCluster { .. } => "built-in-cluster",
            Rule::ResumeAbsent { .. } => "resume-absent",
            Rule::ResumeLacksChild { .. } => "resume-lacks-child",
            Rule::ResumeUnknown { .. } => "resume-unknown",
            Rule::PolicySelectsNothing { .. } => "policy-selects-nothing",
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
            Rule::MirrorPlainHttp { host } => format!("asks the mirror {host} without verified TLS"),
            Rule::PullSecretElsewhere { secret, namespace, found } => {
                format!(
                    "pulls with the Secret {secret}, which is in {}, and nothing here puts it in {namespace}",
                    found.join(", ")
                )
            }
            Rule::FloatingSuspended { image } => format!("is suspended and all that refers to {image}"),
            Rule::FloatingImage { image, kept: false } => format!("runs {image}, fetched anew at each start"),
            Rule::FloatingImage { image, kept: true } => format!("runs {image}, whatever each node has kept of it"),
            Rule::ImageNotPulled { image, message } => format!("waits for {image}: {message}"),
            Rule::PinsDiffer { missing, more } => {
                let list = |what: &str, pins: &[String]| match pins {
                    [] => None,
                    pins => Some(format!("{what} {}", pins.join(", "))),
                };
                let both: Vec<String> =
                    [list("lacks", missing), list("still has", more)].into_iter().flatten().collect();
                format!("{}, unlike the declared pins", both.join(" and "))
            }
            Rule::RunnerUrl { url } => format!("tells its jobs to find the server at {url}"),
            Rule::IgnoredYetSynced => "ignores differences, and syncs them".to_string(),
            Rule::ApplicationUnwatched => "lies in a folder that no application watches".to_string(),
            Rule::CanaryServiceMissing { service } => format!("names the Service {service}, which is not there"),
            Rule::CanaryServiceUnused => "has Services for its canary, and no traffic is routed to them".to_string(),
            Rule::AnalysisCutOff { address } => {
                format!("asks {address}, and no NetworkPolicy of argo-rollouts lets it go there")
            }
            Rule::WorkflowForcePush => "pushes with force".to_string(),
            Rule::WorkflowEmptyCommit => "makes an empty commit, and a workflow runs for some paths only".to_string(),
            Rule::DeployNotManual => "sets an image, and runs for more than what a person starts".to_string(),
            Rule::DeployAnyTag => "deploys IMAGE_TAG and does not refuse an empty one".to_string(),
            Rule::DeployUnverified => "sets an image and does not wait for it".to_string(),
            Rule::CommandNoText => "has a command that is a mapping and no text".to_string(),
            Rule::ToolFloats { image } => format!("runs {image}"),
            Rule::BuiltInCluster { image } => format!("builds with {image}"),
            Rule::ResumeAbsent { image } => format!("wants {image}, which is not there"),
            Rule::ResumeLacksChild { image, child } => format!("wants {image}, whose {child} is not there"),
            Rule::ResumeUnknown { wanted, why } => {
                format!("wants {wanted}, and nobody can say whether it is there: {why}")
            }
            Rule::PolicySelectsNothing { why } => format!("chooses nothing: {why}"),
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
            Rule::MirrorPlainHttp { .. } => "give the mirror a certificate, or pin images by digest".to_string(),
            Rule::PullSecretElsewhere { namespace, .. } => {
                format!("add {namespace} to the namespaces that it is passed on to, or create it there")
            }
            Rule::FloatingSuspended { .. } => {
                "pin it where the cleaner looks (type/name==version), or point the first start at a version; a build right before \
                 the resume leaves a race"
                    .to_string()
            }
            Rule::FloatingImage { .. } => "name a version, or a digest beside the tag".to_string(),
            Rule::ImageNotPulled { message, .. } => not_pulled(message).to_string(),
            Rule::PinsDiffer { .. } => "deploy the cleaner again before its next run".to_string(),
            Rule::RunnerUrl { .. } => "give the server's address outside of the cluster".to_string(),
            Rule::IgnoredYetSynced => "syncOptions: [RespectIgnoreDifferences=true]".to_string(),
            Rule::ApplicationUnwatched => "let an application watch the folder, or apply it by hand after each change".to_string(),
            Rule::CanaryServiceMissing { service } => format!("add the Service {service}, with the rollout's selector"),
            Rule::CanaryServiceUnused => {
                "route through the stable and the canary Service (trafficRouting), or drop them: weights are then shares of pods"
                    .to_string()
            }
            Rule::AnalysisCutOff { .. } => "allow the egress from argo-rollouts to that namespace and port".to_string(),
            Rule::WorkflowForcePush => "pull and rebase, then push; start anew when that fails".to_string(),
            Rule::WorkflowEmptyCommit => "start the workflow by workflow_dispatch".to_string(),
            Rule::DeployNotManual => "when: { event: [manual] }, and give its secrets that event, too".to_string(),
            Rule::DeployAnyTag => "begin with: test -n \"$IMAGE_TAG\"".to_string(),
            Rule::DeployUnverified => "kubectl rollout status --timeout=300s, after it".to_string(),
            Rule::CommandNoText => "quote it: - 'echo \"${A}:${B}\"'".to_string(),
            Rule::ToolFloats { .. } => "name the version of the cluster's Kubernetes".to_string(),
            Rule::BuiltInCluster { .. } => "build where the cluster is not needed".to_string(),
            Rule::ResumeAbsent { .. } | Rule::ResumeLacksChild { .. } => {
                "build it again and pin it (type/name==version), or point the release at a version that is there, before it is resumed"
                    .to_string()
            }
            Rule::ResumeUnknown { .. } => "try again, or ask the registry with -v to see each answer".to_string(),
            Rule::PolicySelectsNothing { .. } => "push a tag that it selects, or mend its filterTags, before anything is resumed".to_string(),
        }
    }
}

/// What to look at first, as the message says.
fn not_pulled(message: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| message.to_ascii_lowercase().contains(word));
    if says(&["not found", "manifest unknown"]) {
        "see whether the registry has the tag: promotion list, crane ls; then whether a mirror in between is behind"
    } else if says(&["denied", "unauthorized", "forbidden", "authentication", "401", "403"]) {
        "see the pull secret: it must be in the pod's namespace and named by the pod or its service account"
    } else if says(&["invalid"]) {
        "correct the image's name"
    } else {
        "see in this order: the node's mirrors (hosts.toml), the cache that they name, the registry itself; the node's DNS"
    }
}
