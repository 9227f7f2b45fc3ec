//! Whether success leaves a cluster: which alert tells whom, or what keeps every one of them from it.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use super::common::condition;
use super::trouble::{Fault, Trouble};
use super::{Alert, Kustomization, Observed};
use crate::flux::TagFilter;
use crate::ports::cluster::{Kind, ObjectName, Reading};

/// What kustomize-controller says when all that it applied is healthy, and when it is done.
const SUCCESS: [&str; 2] = ["Health check passed in 1s", "Reconciliation finished in 1s, next run in 10m0s"];

impl Observed {
    /// The alert and the provider that tell of the Kustomization's success.
    ///
    /// # Errors
    /// What keeps the first alert that listens from it; or that none does.
    pub fn announces(&self) -> Result<(ObjectName, ObjectName), Box<Trouble>> {
        let (name, reading) = &self.kustomization;
        let about =
            |kind: Kind, name: &ObjectName, fault: Fault| Trouble { object: self.site.object(kind, name), fault };
        let alerts = match &self.alerts {
            Reading::Known(alerts) => alerts.as_slice(),
            Reading::Absent => &[],
            Reading::Unknown(why) => {
                let everywhere = ObjectName::new(&*self.site.namespace, "*");
                return Err(Box::new(about(Kind::Alert, &everywhere, Fault::Unreadable { why: why.clone() })));
            }
        };
        let mut first = None;
        for alert in alerts.iter().filter(|alert| alert.watches(Kind::Kustomization, name)) {
            match muted(alert, self, reading.as_ref().known()) {
                None => match self.undelivered(alert) {
                    None => return Ok((alert.name.clone(), alert.provider.clone())),
                    Some(fault) => first = first.or_else(|| Some(about(Kind::Alert, &alert.name, fault))),
                },
                Some(trouble) => first = first.or(Some(trouble)),
            }
        }
        Err(Box::new(first.unwrap_or_else(|| about(Kind::Kustomization, name, Fault::Unwatched))))
    }
}

impl Observed {
    /// What the controller said when it could not pass on what it was told since the Kustomization is ready. An alert has no
    /// status: only events tell, for an hour or so, so that none of them proves nothing.
    fn undelivered(&self, alert: &Alert) -> Option<Fault> {
        let ready =
            self.kustomization.1.as_ref().known().and_then(|found| condition(&found.conditions, "Ready")?.since);
        let events = self.events.as_ref().known()?.iter();
        let failed = events.filter(|event| {
            event.about_kind == Kind::Alert.name() && event.about == alert.name && event.r#type == "Warning"
        });
        let newest = failed.max_by_key(|event| event.at)?;
        let is_old = newest.at.zip(ready).is_some_and(|(at, ready)| at < ready);
        (!is_old).then(|| Fault::Undelivered { message: newest.message.clone(), at: newest.at })
    }
}

/// Why an alert that listens to the stage's Kustomization does not tell that it is ready.
fn muted(alert: &Alert, observed: &Observed, kustomization: Option<&Kustomization>) -> Option<Trouble> {
    let about =
        |kind: Kind, name: &ObjectName, fault: Fault| Trouble { object: observed.site.object(kind, name), fault };
    let watched = observed.kustomization.0.clone();
    let excludes = |why: &str| Fault::AlertExcludes { watched: watched.clone(), why: why.to_string() };
    if alert.suspended {
        return Some(about(Kind::Alert, &alert.name, Fault::Suspended));
    }
    if alert.severity == "error" {
        return Some(about(Kind::Alert, &alert.name, excludes("eventSeverity error passes only errors")));
    }
    // Every form that success has must be told: one is enough to promote on.
    let told = |message: &&str| passes(&alert.inclusions, &alert.exclusions, message);
    let mut messages = SUCCESS.iter().filter(|message| told(message)).peekable();
    if messages.peek().is_none() {
        return Some(about(Kind::Alert, &alert.name, excludes("inclusionList or exclusionList drops its messages")));
    }
    let providers = match &observed.providers {
        Reading::Known(providers) => providers.as_slice(),
        Reading::Absent => &[],
        Reading::Unknown(why) => {
            return Some(about(Kind::Provider, &alert.provider, Fault::Unreadable { why: why.clone() }));
        }
    };
    let Some(provider) = providers.iter().find(|provider| provider.name == alert.provider) else {
        return Some(about(Kind::Provider, &alert.provider, Fault::Absent));
    };
    if provider.suspended {
        return Some(about(Kind::Provider, &provider.name, Fault::Suspended));
    }
    let waits = kustomization.is_some_and(|found| found.checks_health);
    let health = messages.any(|message| message.starts_with("Health check"));
    if provider.drops_reconciliations() && !(waits && health) {
        let fault = Fault::DropsSuccess { r#type: provider.r#type.clone(), watched };
        return Some(about(Kind::Provider, &provider.name, fault));
    }
    None
}

/// As notification-controller does: one inclusion must match if there are any, and no exclusion may; an expression that it
/// cannot read passes over what it was meant for.
fn passes(inclusions: &[String], exclusions: &[String], message: &str) -> bool {
    let matches = |pattern: &String| TagFilter::parse(pattern).is_ok_and(|pattern| pattern.is_match(message));
    (inclusions.is_empty() || inclusions.iter().any(matches)) && !exclusions.iter().any(matches)
}
