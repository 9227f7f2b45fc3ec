//! What an event proves: evidence of one stage, or the reason why it is none.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Event, Object, Verdict};
use crate::evidence::{Evidence, EvidenceKind};
use crate::reason::Reason;

/// Where a stage runs: whose events are its evidence. What is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The stage.
    pub stage: String,
    /// Its cluster's name, as an alert may state it in its metadata.
    pub cluster: Option<String>,
    /// The namespace of its Flux objects.
    pub namespace: Option<String>,
    /// The Kustomization or `HelmRelease` whose health counts.
    pub object: Option<String>,
}

impl Event {
    /// What the event proves, where stages run in these places; without places its object cannot be told apart from
    /// others, and the evidence is of no particular stage.
    ///
    /// An alert can state the stage or cluster it watches as `cluster` in its metadata; that decides between places
    /// whose objects have the same name.
    ///
    /// # Errors
    /// Why it is no evidence.
    pub fn evidence(&self, places: &[Place]) -> Result<Evidence, Reason> {
        let source = self.source.clone();
        match self.verdict {
            Verdict::Success => {}
            Verdict::Failure => return Err(Reason::EvidenceReportsFailure { source, said: self.said() }),
            Verdict::Progressing | Verdict::Info => {
                return Err(Reason::EvidenceInconclusive { source, said: self.said() });
            }
        }
        let Some((object, kind)) = self.object.as_ref().and_then(|object| Some((object, kind(object)?))) else {
            let said = match &self.object {
                Some(object) => alloc::format!("{} says nothing about what was applied", object.kind),
                None => "its context is not KIND/NAME/UID, so it names no object".into(),
            };
            return Err(Reason::EvidenceInconclusive { source, said });
        };
        if self.digest.is_none() && self.commit.is_none() {
            let said = "it names neither a digest nor a commit".into();
            return Err(Reason::EvidenceInconclusive { source, said });
        }
        Ok(Evidence {
            kind,
            digest: self.digest,
            commit: self.commit.as_ref().map(Into::into),
            stage: self.stage(object, places)?,
            observed_at: self.at,
            source,
        })
    }

    /// The stage that the event is of.
    fn stage(&self, object: &Object, places: &[Place]) -> Result<Option<String>, Reason> {
        let cluster = self.metadata.get("cluster");
        let there = |place: &&Place| {
            cluster.is_none_or(|cluster| *cluster == place.stage || place.cluster.as_ref() == Some(cluster))
        };
        let about = |place: &&Place| {
            let namespace = place.namespace.as_ref().zip(object.namespace.as_ref());
            namespace.is_none_or(|(expected, found)| expected == found)
                && place.object.as_ref().is_none_or(|expected| *expected == object.name)
        };
        let stages: Vec<&Place> = places.iter().filter(there).filter(about).collect();
        match stages.as_slice() {
            [one] => Ok(Some(one.stage.clone())),
            [] if places.is_empty() => Ok(cluster.cloned()),
            [] => {
                let found = match cluster {
                    Some(cluster) => alloc::format!("{object} on {cluster}"),
                    None => object.to_string(),
                };
                Err(Reason::EvidenceOfAnotherObject { found, expected: expected(places) })
            }
            several => {
                let stages: Vec<&str> = several.iter().map(|place| place.stage.as_str()).collect();
                let said = alloc::format!("{object} is an object of several stages: {}", stages.join(", "));
                Err(Reason::EvidenceInconclusive { source: self.source.clone(), said })
            }
        }
    }

    fn said(&self) -> String {
        match (self.reason.is_empty(), self.message.is_empty()) {
            (false, false) => alloc::format!("{}: {}", self.reason, self.message),
            (true, _) => self.message.clone(),
            (false, true) => self.reason.clone(),
        }
    }
}

fn expected(places: &[Place]) -> String {
    let name = |place: &Place| {
        let object = place.object.as_deref().unwrap_or("any object");
        match &place.namespace {
            Some(namespace) => alloc::format!("{object}.{namespace} of {}", place.stage),
            None => alloc::format!("{object} of {}", place.stage),
        }
    };
    places.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What an object's success is evidence of; sources only say that something was fetched.
fn kind(object: &Object) -> Option<EvidenceKind> {
    match object.kind.as_str() {
        "Kustomization" => Some(EvidenceKind::Kustomization),
        "HelmRelease" => Some(EvidenceKind::HelmRelease),
        "Canary" => Some(EvidenceKind::Canary),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::Place;
    use crate::event::{Event, parse};

    fn event(kind: &str, reason: &str, metadata: &str) -> Event {
        let json = alloc::format!(
            r#"{{"involvedObject": {{"kind": "{kind}", "name": "platform", "namespace": "flux-system"}},
                "severity": "info", "reason": "{reason}", "message": "m", "timestamp": "2026-08-07T13:12:44Z",
                "metadata": {{{metadata}"revision": "1.4.0-rc.2@sha256:{}"}}}}"#,
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
        parse(json.as_bytes()).unwrap()
    }

    fn place(stage: &str, object: &str) -> Place {
        Place { stage: stage.into(), cluster: None, namespace: Some("flux-system".into()), object: Some(object.into()) }
    }

    fn stage(event: &Event, places: &[Place]) -> Result<Option<String>, &'static str> {
        event.evidence(places).map(|evidence| evidence.stage).map_err(|reason| reason.id())
    }

    #[test]
    fn the_object_tells_the_stage() {
        let event = event("Kustomization", "ReconciliationSucceeded", "");
        let places = [place("integration", "platform"), place("live", "platform-live")];
        assert_eq!(stage(&event, &places), Ok(Some("integration".into())));
        assert_eq!(stage(&event, &[]), Ok(None));
        assert_eq!(stage(&event, &places[1..]), Err("evidence-of-another-object"));
    }

    #[test]
    fn objects_of_one_name_are_told_apart_by_the_alert() {
        let places = [place("integration", "platform"), place("live", "platform")];
        let plain = event("Kustomization", "ReconciliationSucceeded", "");
        assert_eq!(stage(&plain, &places), Err("evidence-inconclusive"));
        let told = event("Kustomization", "ReconciliationSucceeded", r#""cluster": "live", "#);
        assert_eq!(stage(&told, &places), Ok(Some("live".into())));
        assert_eq!(stage(&told, &places[..1]), Err("evidence-of-another-object"));
    }

    #[test]
    fn only_success_of_what_was_applied_is_evidence() {
        let ids: Vec<_> = [("Kustomization", "Progressing"), ("OCIRepository", "Succeeded")]
            .map(|(kind, reason)| stage(&event(kind, reason, ""), &[]).unwrap_err())
            .into();
        assert_eq!(ids, ["evidence-inconclusive", "evidence-inconclusive"]);
    }
}
