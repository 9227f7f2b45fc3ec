//! What is wrong with an object of a cluster, as data.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::common::{Applied, Owner};
use crate::Tag;
use crate::ports::cluster::{Kind, ObjectName};
use crate::time::Timestamp;

/// An object, and where it lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// The kubeconfig's context; `None` for the current one, and for a folder of manifests.
    pub context: Option<String>,
    /// Its kind.
    pub kind: Kind,
    /// Which one.
    pub name: ObjectName,
}

impl ObjectRef {
    /// The beginning of a command about the object's cluster and namespace.
    fn aimed(&self, program: &str) -> String {
        let context = self.context.as_ref().map(|context| format!(" --context {context}")).unwrap_or_default();
        format!("{program}{context} -n {}", self.name.namespace)
    }

    /// Whether one may, in the object's namespace.
    fn may(&self, verb: &str) -> String {
        format!("{} auth can-i {verb} {}.{}", self.aimed("kubectl"), self.kind.plural(), self.kind.group())
    }

    fn kubectl(&self, verb: &str) -> String {
        format!("{} {verb} {} {}", self.aimed("kubectl"), self.kind.argument(), self.name.name)
    }

    /// A command of `flux` that takes the kind as its own words.
    fn flux(&self, verb: &str) -> Option<String> {
        let words = match self.kind {
            Kind::OciRepository => "source oci",
            Kind::Kustomization => "kustomization",
            Kind::HelmRelease => "helmrelease",
            Kind::HelmChart => "source chart",
            _ => return None,
        };
        Some(format!("{} {verb} {words} {}", self.aimed("flux"), self.name.name))
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// An object with what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trouble {
    /// Which object.
    pub object: ObjectRef,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is documented by its meaning in `MEANINGS`")]
pub enum Fault {
    Absent,
    Unreadable { why: String },
    Suspended,
    OldStatus,
    Silent { last: Timestamp },
    // Sources.
    Elsewhere { url: String, expected: String },
    Pinned { to: String },
    BadReference { error: String },
    FollowsNothing,
    MatchesNothing { constraint: String },
    Ambiguous { tags: Vec<String> },
    Excludes { constraint: String, tag: Tag },
    Prefers { tag: String, over: Tag },
    SourceFails { reason: String, message: String, since: Option<Timestamp> },
    NotPolled { wanted: Tag, has: Option<Applied> },
    DeclaredOtherwise { deployed: String, declared: String },
    // What is applied.
    FollowsAnother { source: Option<ObjectName>, expected: ObjectName },
    DependencyNotReady { dependency: ObjectName, said: String },
    NotReady { reason: String, message: String, since: Option<Timestamp> },
    NotApplied { applied: Option<Applied> },
    ChartNotApplied { has: String, wanted: String },
    ChartAbsent { chart: ObjectRef },
    ChartUnknown { chart: ObjectRef, why: String },
    CanaryFails { message: String, since: Option<Timestamp> },
    CanaryStale { last_run: Option<Timestamp> },
    // Events.
    Unwatched,
    IgnoresHealth,
    GateOfSeveral { stages: Vec<String> },
    AlertExcludes { watched: ObjectName, why: String },
    DropsSuccess { r#type: String, watched: ObjectName },
    Undelivered { message: String, at: Option<Timestamp> },
    // Pins.
    Owned { owner: Owner },
    PinnedAlready { to: String },
    NotPinned,
}

/// Every id with what it means.
pub const MEANINGS: &[(&str, &str)] = &[
    ("object-absent", "the cluster has no such object"),
    ("object-unreadable", "the cluster did not say what the object is like; unknown is never taken for healthy"),
    ("object-suspended", "the object is suspended: its controller leaves it alone, and its status is old"),
    ("status-outdated", "the object's controller has not looked at its newest spec yet"),
    (
        "controller-silent",
        "the object's controller has not looked at it for more than two of its intervals: ready is what it was then",
    ),
    ("source-elsewhere", "the source follows another repository"),
    ("source-pinned", "the source follows one tag or digest, and not a range of versions"),
    ("source-reference-invalid", "the source's constraint or filter cannot be used"),
    (
        "source-follows-nothing",
        "the source names neither a digest, nor a range of versions, nor a tag: it follows latest",
    ),
    ("source-matches-nothing", "no tag matches the source's constraint and filter; Flux keeps what it has"),
    ("source-ambiguous", "several of the highest tags are equal as versions; which one Flux takes is an accident"),
    ("source-excludes", "the source's constraint or filter does not admit the tag"),
    ("source-prefers", "another tag outranks the one that should be selected"),
    ("source-fails", "the source cannot be fetched"),
    ("source-not-polled", "the source will select the tag when it next looks"),
    ("declared-otherwise", "the source's constraint is not the one that the configuration declares for its stage"),
    ("follows-another-source", "the Kustomization applies another source than the stage's"),
    ("dependency-not-ready", "something that must be ready before is not"),
    ("object-not-ready", "the object is not ready"),
    ("not-applied-yet", "the cluster has fetched the artifact and not applied it yet"),
    (
        "chart-not-applied",
        "the HelmRelease is ready with the chart it had, and its chart is another one by now: ready says nothing of that",
    ),
    ("chart-absent", "there is no source that the HelmRelease's chart could come from"),
    (
        "chart-unknown",
        "the cluster did not say what the HelmRelease's chart is by now; unknown is never taken for healthy",
    ),
    ("canary-fails", "a canary's last run failed"),
    ("canary-stale", "a canary missed a run: what it says is old, and old is not healthy"),
    ("unwatched", "no alert listens to the object, so nobody outside the cluster is told that it is ready"),
    (
        "ignores-health",
        "a gate counts on a Kustomization that is ready as soon as it has applied, whatever becomes of it",
    ),
    (
        "gate-of-several",
        "several stages count on the same Kustomization: what one runs would be evidence for the other",
    ),
    ("alert-excludes", "the alert that listens to the object does not pass on that it is ready"),
    ("provider-drops-success", "the alert's provider does not pass on that the object was reconciled"),
    (
        "alert-undelivered",
        "the controller could not deliver what the alert should pass on: address, secret or rights are wrong",
    ),
    ("object-owned", "something else writes the object, and would undo the change"),
    ("already-pinned", "the source is pinned"),
    ("not-pinned", "the source was not pinned by promotion: what it followed before is not known"),
];

fn ago(since: Option<&Timestamp>) -> String {
    since.map(|since| format!(" since {since}")).unwrap_or_default()
}

fn said(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_string() } else { format!("{reason}: {}", message.trim()) }
}

impl Fault {
    /// Whether it may pass by itself: somebody is at work on it, or will be. The others wait for a person.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::OldStatus
                | Self::NotPolled { .. }
                | Self::SourceFails { .. }
                | Self::DependencyNotReady { .. }
                | Self::NotReady { .. }
                | Self::NotApplied { .. }
                | Self::ChartNotApplied { .. }
                | Self::ChartUnknown { .. }
                | Self::CanaryFails { .. }
                | Self::CanaryStale { .. }
                | Self::Undelivered { .. }
        )
    }
}

impl Trouble {
    /// The stable id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self.fault {
            Fault::Absent => "object-absent",
            Fault::Unreadable { .. } => "object-unreadable",
            Fault::Suspended => "object-suspended",
            Fault::OldStatus => "status-outdated",
            Fault::Silent { .. } => "controller-silent",
            Fault::Elsewhere { .. } => "source-elsewhere",
            Fault::Pinned { .. } => "source-pinned",
            Fault::BadReference { .. } => "source-reference-invalid",
            Fault::FollowsNothing => "source-follows-nothing",
            Fault::MatchesNothing { .. } => "source-matches-nothing",
            Fault::Ambiguous { .. } => "source-ambiguous",
            Fault::Excludes { .. } => "source-excludes",
            Fault::Prefers { .. } => "source-prefers",
            Fault::SourceFails { .. } => "source-fails",
            Fault::NotPolled { .. } => "source-not-polled",
            Fault::DeclaredOtherwise { .. } => "declared-otherwise",
            Fault::FollowsAnother { .. } => "follows-another-source",
            Fault::DependencyNotReady { .. } => "dependency-not-ready",
            Fault::NotReady { .. } => "object-not-ready",
            Fault::NotApplied { .. } => "not-applied-yet",
            Fault::ChartNotApplied { .. } => "chart-not-applied",
            Fault::ChartAbsent { .. } => "chart-absent",
            Fault::ChartUnknown { .. } => "chart-unknown",
            Fault::CanaryFails { .. } => "canary-fails",
            Fault::CanaryStale { .. } => "canary-stale",
            Fault::Unwatched => "unwatched",
            Fault::IgnoresHealth => "ignores-health",
            Fault::GateOfSeveral { .. } => "gate-of-several",
            Fault::AlertExcludes { .. } => "alert-excludes",
            Fault::DropsSuccess { .. } => "provider-drops-success",
            Fault::Undelivered { .. } => "alert-undelivered",
            Fault::Owned { .. } => "object-owned",
            Fault::PinnedAlready { .. } => "already-pinned",
            Fault::NotPinned => "not-pinned",
        }
    }

    /// One sentence: what, where and why.
    #[must_use]
    pub fn message(&self) -> String {
        let object = &self.object;
        match &self.fault {
            Fault::Absent => format!("there is no {object}{}", in_context(object)),
            Fault::Unreadable { why } => format!("{object} is unknown: {why}"),
            Fault::Suspended => format!("{object} is suspended"),
            Fault::OldStatus => format!("{object} was changed, and its controller has not looked at it since"),
            Fault::Silent { last } => {
                format!("{object} says that it is ready, and nobody has looked at it since {last}")
            }
            Fault::Elsewhere { url, expected } => format!("{object} follows {url}, and not {expected}"),
            Fault::Pinned { to } => format!("{object} is pinned to {to}"),
            Fault::BadReference { error } => format!("{object} cannot select anything: {error}"),
            Fault::FollowsNothing => format!("{object} names no version, so it follows the tag latest"),
            Fault::MatchesNothing { constraint } => format!("no tag matches {constraint:?} of {object}"),
            Fault::Ambiguous { tags } => {
                format!("{object} may take any of {}: they are equal as versions", tags.join(", "))
            }
            Fault::Excludes { constraint, tag } => format!("{object} does not admit {tag}: {constraint}"),
            Fault::Prefers { tag, over } => format!("{object} takes {tag}, which outranks {over}"),
            Fault::SourceFails { reason, message, since } => {
                format!("{object} cannot be fetched{}: {}", ago(since.as_ref()), said(reason, message))
            }
            Fault::NotPolled { wanted, has } => {
                let has = has.as_ref().map_or_else(|| "nothing".to_string(), ToString::to_string);
                format!("{object} still has {has}; it will take {wanted} when it next looks")
            }
            Fault::DeclaredOtherwise { deployed, declared } => {
                format!("{object} selects {deployed:?}, and the configuration declares {declared:?}")
            }
            Fault::FollowsAnother { source, expected } => {
                let source = source.as_ref().map_or_else(|| "no OCIRepository".to_string(), ToString::to_string);
                format!("{object} applies {source}, and not {expected}")
            }
            Fault::DependencyNotReady { dependency, said } => {
                format!("{object} waits for Kustomization {dependency}, which {said}")
            }
            Fault::NotReady { reason, message, since } => {
                format!("{object} is not ready{}: {}", ago(since.as_ref()), said(reason, message))
            }
            Fault::NotApplied { applied } => {
                let applied = applied.as_ref().map_or_else(|| "nothing".to_string(), ToString::to_string);
                format!("{object} still runs {applied}")
            }
            Fault::ChartNotApplied { has, wanted } => {
                format!("{object} is ready with the chart {has}, and its chart is {wanted} by now")
            }
            Fault::ChartAbsent { chart } => format!("{object} takes its chart from {chart}, which is not there"),
            Fault::ChartUnknown { chart, why } => {
                format!("{object} takes its chart from {chart}, which is unknown: {why}")
            }
            Fault::CanaryFails { message, since } => {
                let message = if message.is_empty() { "it says nothing" } else { message };
                format!("{object} fails{}: {message}", ago(since.as_ref()))
            }
            Fault::CanaryStale { last_run: Some(last) } => format!("{object} last ran at {last}, and missed a run"),
            Fault::CanaryStale { last_run: None } => format!("{object} has never run"),
            Fault::Unwatched => format!("no alert listens to {object}"),
            Fault::IgnoresHealth => format!("{object} is ready as soon as it has applied: it waits for nothing"),
            Fault::GateOfSeveral { stages } => format!("{object} is the gate of {}", stages.join(" and of ")),
            Fault::AlertExcludes { watched, why } => {
                format!("{object} does not pass on that {watched} is ready: {why}")
            }
            Fault::DropsSuccess { r#type, watched } => {
                format!("{object} is of type {type}, which gets no event that {watched} was reconciled")
            }
            Fault::Undelivered { message, at } => {
                let at = at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
                format!("{object} could not pass on what it was told{at}: {}", message.trim())
            }
            Fault::Owned { owner } => format!("{object} is written by {owner}, which would undo the change"),
            Fault::PinnedAlready { to } => format!("{object} is already pinned to {to}"),
            Fault::NotPinned => format!("{object} was not pinned by promotion"),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        let object = &self.object;
        let again = || object.flux("reconcile").unwrap_or_else(|| object.kubectl("describe"));
        Some(match &self.fault {
            Fault::Absent => {
                let there = format!("{} get {}", object.aimed("kubectl"), object.kind.argument());
                match object.kind {
                    Kind::OciRepository | Kind::Kustomization => {
                        format!("{there} - and name the right one under clusters")
                    }
                    _ => there,
                }
            }
            Fault::Unreadable { .. } => {
                let verb = match object.kind {
                    Kind::OciRepository | Kind::Kustomization => "get",
                    _ => "list",
                };
                object.may(verb)
            }
            Fault::ChartAbsent { .. } => "name the right one in its spec.chartRef, or create it".to_string(),
            Fault::ChartUnknown { chart, .. } => chart.may("list"),
            Fault::Silent { .. } => {
                let context = object.context.as_ref().map(|context| format!(" --context {context}")).unwrap_or_default();
                format!("kubectl{context} get deployments --all-namespaces --selector app=kustomize-controller")
            }
            Fault::Suspended => object.flux("resume").unwrap_or_else(|| object.kubectl("edit")),
            Fault::OldStatus | Fault::NotPolled { .. } | Fault::NotApplied { .. } | Fault::ChartNotApplied { .. } => {
                again()
            }
            Fault::Elsewhere { expected, .. } => {
                format!("set spec.url to {expected}, or name the source that follows it")
            }
            Fault::Pinned { .. } | Fault::PinnedAlready { .. } => format!(
                "if it should follow its versions again: promotion unpin, where it is the last stage's; else {}",
                object.kubectl("edit")
            ),
            Fault::BadReference { .. } => "mend spec.ref; promotion resolve tries a constraint".to_string(),
            Fault::FollowsNothing => "set spec.ref.semver to the stage's constraint".to_string(),
            Fault::MatchesNothing { .. } | Fault::Excludes { .. } => {
                "set spec.ref.semver to the stage's constraint: pre-releases match only one that has one (>= 0.0.0-0)"
                    .to_string()
            }
            Fault::Ambiguous { .. } => "delete all but one of them".to_string(),
            Fault::Prefers { tag, .. } => {
                format!("delete {tag} if it is a mistake, or exclude it with spec.ref.semverFilter")
            }
            Fault::SourceFails { reason, message, .. } => source_fix(object, reason, message),
            Fault::DeclaredOtherwise { .. } => {
                "make them the same: everything that is predicted rests on it".to_string()
            }
            Fault::FollowsAnother { expected, .. } => format!("set spec.sourceRef to {expected}"),
            Fault::DependencyNotReady { dependency, .. } => {
                let other = ObjectRef { name: dependency.clone(), ..object.clone() };
                other.kubectl("describe")
            }
            Fault::NotReady { .. } | Fault::CanaryFails { .. } | Fault::CanaryStale { .. } => {
                object.kubectl("describe")
            }
            Fault::Unwatched => {
                format!("add {} {} to spec.eventSources of an Alert", object.kind, object.name.name)
            }
            Fault::IgnoresHealth => "set spec.wait: true, or spec.healthChecks".to_string(),
            Fault::GateOfSeveral { .. } => "give each stage a Kustomization of its own".to_string(),
            Fault::AlertExcludes { .. } => object.kubectl("edit"),
            Fault::DropsSuccess { .. } => {
                "let the Kustomization wait for health (spec.wait), whose event it gets, or use type generic or github"
                    .to_string()
            }
            Fault::Undelivered { .. } => {
                "look at the provider's address and secret: what repository_dispatch is sent to needs a token with the scope repo"
                    .to_string()
            }
            Fault::Owned { owner } => {
                format!("pin it where {owner} takes it from, or give --force after suspending that")
            }
            Fault::NotPinned => "set spec.ref in the object's own source".to_string(),
        })
    }
}

fn in_context(object: &ObjectRef) -> String {
    object.context.as_ref().map(|context| format!(" in {context}")).unwrap_or_default()
}

/// Conditions and reasons of source-controller (api/v1: conditions.go, ocirepository_types.go).
fn source_fix(object: &ObjectRef, reason: &str, message: &str) -> String {
    // A chart has neither an address nor a Secret of its own.
    if object.kind == Kind::HelmChart {
        return object.kubectl("describe");
    }
    let denied = ["UNAUTHORIZED", "DENIED", "denied", "unauthorized", "401", "403"];
    match reason {
        "AuthenticationFailed" => "create or mend the Secret of spec.secretRef: it must allow to pull".to_string(),
        "VerificationError" => "sign the artifact as spec.verify asks, or mend the key that it names".to_string(),
        "URLInvalid" => "mend spec.url: oci://HOST/PATH, without a tag".to_string(),
        _ if denied.iter().any(|word| message.contains(word)) => {
            "create or mend the Secret of spec.secretRef: it must allow to pull".to_string()
        }
        _ => object.kubectl("describe"),
    }
}
