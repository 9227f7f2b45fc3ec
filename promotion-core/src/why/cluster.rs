//! What a stage's cluster says of an artifact.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Answer, Case};
use crate::cluster::{Fault, Observed, Source, Status, Trouble, pinned};
use crate::flux::{SelectError, select};
use crate::ports::cluster::{Kind, ObjectName, Reading};
use crate::reason::Reason;
use crate::snapshot::Needs;

impl Case<'_, '_> {
    /// Whether the stage's source has it.
    pub(super) fn seen(&self) -> Result<Answer, Needs> {
        let observed = match self.observed() {
            Ok(observed) => observed,
            Err(untold) => return Ok(untold),
        };
        let (name, reading) = &observed.source;
        let fail = |fault: Fault| Answer::Fail(trouble(observed, Kind::OciRepository, name, fault));
        let source = match reading {
            Reading::Known(source) => source,
            Reading::Absent => return Ok(fail(Fault::Absent)),
            Reading::Unknown(why) => return Ok(unknown(observed, Kind::OciRepository, name, why)),
        };
        if source.url != self.facts.repository {
            let (url, expected) = (source.url.clone(), self.facts.repository.to_string());
            return Ok(fail(Fault::Elsewhere { url, expected }));
        }
        if source.artifact.as_ref().is_some_and(|artifact| artifact.digest == self.digest) && !source.suspended {
            return Ok(Answer::Pass(format!("OCIRepository {name} has {}", shown(source))));
        }
        Ok(self
            .unseen(source)?
            .map_or_else(|| Answer::Pass(format!("OCIRepository {name} follows {}", self.short())), fail))
    }

    /// Why a source that was read does not have the artifact.
    fn unseen(&self, source: &Source) -> Result<Option<Fault>, Needs> {
        if source.suspended {
            return Ok(Some(Fault::Suspended));
        }
        let Some(wanted) = self.wanted()? else { return Ok(Some(Fault::OldStatus)) };
        if let Some(digest) = source.reference.digest.as_deref().filter(|digest| !self.is_this(digest)) {
            let to = pinned(source).unwrap_or_else(|| digest.to_string());
            return Ok(Some(Fault::Pinned { to }));
        }
        let choice = match source.selector() {
            // Its digest is this one: fetched or failing.
            None if source.reference.digest.is_some() => None,
            None => {
                let tag = source.reference.tag.clone();
                return Ok(Some(tag.map_or(Fault::FollowsNothing, |to| Fault::Pinned { to })));
            }
            Some(Err(error)) => return Ok(Some(Fault::BadReference { error: error.to_string() })),
            Some(Ok(selector)) => {
                let constraint = constraint(source);
                if selector.consider(wanted.as_str()).is_none() {
                    return Ok(Some(match select(self.tags(), &selector) {
                        Err(SelectError::NoMatch { .. }) => Fault::MatchesNothing { constraint },
                        _ => Fault::Excludes { constraint, tag: wanted },
                    }));
                }
                match select(self.tags(), &selector) {
                    Ok(choice) => {
                        // In which order the registry lists them is not known here, and it decides.
                        let ties = |tag: &&str| {
                            selector.consider(tag).is_some_and(|version| version.precedence(&choice.version).is_eq())
                        };
                        let tied: Vec<&str> = self.tags().into_iter().filter(ties).collect();
                        if self.disagree(&tied)? {
                            return Ok(Some(Fault::Ambiguous { tags: owned(&tied) }));
                        }
                        choice.tag.map(ToString::to_string)
                    }
                    Err(error) => return Ok(Some(Fault::BadReference { error: error.to_string() })),
                }
            }
        };
        if let Some(tag) = choice.filter(|tag| tag != wanted.as_str())
            && !self.names_this(&tag)?
        {
            return Ok(Some(Fault::Prefers { tag, over: wanted }));
        }
        if let Some(failing) = failing(source) {
            return Ok(Some(failing));
        }
        if !source.current {
            return Ok(Some(Fault::OldStatus));
        }
        Ok(Some(Fault::NotPolled { wanted, has: source.artifact.clone() }))
    }

    /// Whether some of these tags point at the artifact, and others do not.
    fn disagree(&self, tags: &[&str]) -> Result<bool, Needs> {
        let mut names = Vec::new();
        for tag in tags.iter().filter(|_| tags.len() > 1) {
            names.push(self.names_this(tag)?);
        }
        Ok(names.contains(&true) && names.contains(&false))
    }

    /// Whether a tag points at the artifact, too.
    fn names_this(&self, tag: &str) -> Result<bool, Needs> {
        match tag.parse() {
            Ok(tag) => Ok(self.view.digest(&tag)? == Some(self.digest)),
            Err(_) => Ok(false),
        }
    }

    /// Whether the stage's Kustomization runs it.
    pub(super) fn applied(&self) -> Answer {
        let observed = match self.observed() {
            Ok(observed) => observed,
            Err(untold) => return untold,
        };
        let (name, reading) = &observed.kustomization;
        let fail = |fault: Fault| Answer::Fail(trouble(observed, Kind::Kustomization, name, fault));
        let found = match reading {
            Reading::Known(found) => found,
            Reading::Absent => return fail(Fault::Absent),
            Reading::Unknown(why) => return unknown(observed, Kind::Kustomization, name, why),
        };
        if found.source.as_ref() != Some(&observed.source.0) {
            return fail(Fault::FollowsAnother { source: found.source.clone(), expected: observed.source.0.clone() });
        }
        if let Some(trouble) = observed.not_running() {
            return Answer::Fail(Reason::from(trouble));
        }
        match &found.applied {
            Some(applied) if applied.digest == self.digest => {
                Answer::Pass(format!("Kustomization {name} applied {applied} and is ready"))
            }
            applied => fail(Fault::NotApplied { applied: applied.clone() }),
        }
    }

    /// Whether what the Kustomization applied is healthy.
    pub(super) fn healthy(&self) -> Answer {
        let observed = match self.observed() {
            Ok(observed) => observed,
            Err(untold) => return untold,
        };
        if let Some(trouble) = observed.unready_release(false).or_else(|| observed.unhealthy_canary(false)) {
            return match trouble.fault {
                Fault::Unreadable { .. } | Fault::ChartUnknown { .. } => Answer::Unknown(Reason::from(trouble)),
                _ => Answer::Fail(Reason::from(trouble)),
            };
        }
        let checked = observed.kustomization.1.as_ref().known().is_some_and(|found| found.checks_health);
        let mut said: Vec<String> = Vec::new();
        if checked {
            said.push("the Kustomization waits for health".into());
        }
        if !observed.releases.is_empty() {
            said.push(format!("{} HelmReleases are ready", observed.releases.len()));
        }
        if let Reading::Known(canaries) = &observed.canaries
            && !canaries.is_empty()
        {
            said.push(format!("{} canaries pass", canaries.len()));
        }
        let nothing = "nothing looks at its health: only that it was applied is known";
        Answer::Pass(if said.is_empty() { nothing.into() } else { said.join(", ") })
    }

    /// Whether success leaves the cluster; what was recorded need not be announced any more.
    pub(super) fn announced(&self) -> Result<Answer, Needs> {
        if let Some(mark) = self.evidence()? {
            return Ok(Answer::Pass(format!("{mark} is there")));
        }
        let observed = match self.observed() {
            Ok(observed) => observed,
            Err(untold) => return Ok(untold),
        };
        Ok(match observed.announces() {
            Ok((alert, provider)) => Answer::Pass(format!("Alert {alert} passes it on to {provider}")),
            Err(trouble) if matches!(trouble.fault, Fault::Unreadable { .. }) => {
                Answer::Unknown(Reason::Cluster(trouble))
            }
            Err(trouble) => Answer::Fail(Reason::Cluster(trouble)),
        })
    }

    fn observed(&self) -> Result<&Observed, Answer> {
        self.observed.ok_or_else(|| Answer::Unknown(Reason::ClusterUntold { stage: self.name.to_string() }))
    }
}

fn failing(source: &Source) -> Option<Fault> {
    let failed = |kind: &str| source.condition(kind).filter(|condition| condition.status == Status::True);
    let not = |kind: &str| source.condition(kind).filter(|condition| condition.status == Status::False);
    let condition = not("SourceVerified").or_else(|| failed("FetchFailed")).or_else(|| not("Ready"))?;
    Some(Fault::SourceFails {
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        since: condition.since,
    })
}

fn constraint(source: &Source) -> String {
    let semver = source.reference.semver.clone().unwrap_or_default();
    match &source.reference.semver_filter {
        Some(filter) => format!("{semver} with filter {filter}"),
        None => semver,
    }
}

fn shown(source: &Source) -> String {
    source.artifact.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn owned(tags: &[&str]) -> Vec<String> {
    tags.iter().map(ToString::to_string).collect()
}

fn trouble(observed: &Observed, kind: Kind, name: &ObjectName, fault: Fault) -> Reason {
    Reason::from(Trouble { object: observed.site.object(kind, name), fault })
}

fn unknown(observed: &Observed, kind: Kind, name: &ObjectName, why: &str) -> Answer {
    Answer::Unknown(trouble(observed, kind, name, Fault::Unreadable { why: why.to_string() }))
}
