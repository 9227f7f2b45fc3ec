//! Ids of failures: stable, and each with a meaning that `promotion doctor --explain` prints. (Reasons, which are the
//! core's decisions, have theirs in the core.)

use promotion_core::ports::PortErrorKind;
use serde::Serialize;

/// An id from the list below, and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Id(&'static str);

macro_rules! ids {
    ($($name:ident = $id:literal, $meaning:literal;)+) => {
        impl Id {
            $(pub(crate) const $name: Self = Self($id);)+
        }

        /// Every id of this file with what it means.
        const OWN: &[(&str, &str)] = &[$(($id, $meaning)),+];
    };
}

ids! {
    USAGE = "usage", "the command was called in a way that cannot work";
    CONFIGURATION = "configuration", "promotion.yaml or the environment is wrong";
    NO_SUCH_FILE = "no-such-file", "a file or folder that was named is not there";
    IO = "io", "a file cannot be read or written";
    BAD_EVENT = "bad-event", "what was given as an event is none that is known";
    BAD_GATE = "bad-gate", "what was given as observations is no list of them";
    BAD_PLAN = "bad-plan", "what was given as a plan is none, or was edited";
    BAD_CONSTRAINT = "bad-constraint", "Flux would reject the constraint";
    BAD_FILTER = "bad-filter", "Flux would reject the filter";
    UNPREDICTABLE = "unpredictable", "Flux may accept the filter, but what it selects then cannot be told";
    NO_MATCH = "no-match", "no tag matches the constraint and filter";
    POLICY_CHANGED = "policy-changed", "the plan was made under another configuration";
    NO_SUCH_ID = "no-such-id", "no command prints this id";
    PACK = "pack", "a folder cannot be packed";
    INTERNAL = "internal", "a mistake of this program: please report it";
    INTERRUPTED = "interrupted", "somebody stopped the command before its end";
    UNSUPPORTED = "unsupported", "this version, or the registry, cannot do this at all";
}

/// Every kind of failure at a registry with what it means.
const PORTS: &[(PortErrorKind, &str)] = &[
    (PortErrorKind::NotFound, "the registry says that there is no such thing"),
    (PortErrorKind::Unauthorized, "the registry wants to know who asks"),
    (PortErrorKind::Forbidden, "whoever asks may not do this"),
    (PortErrorKind::Conflict { found: None }, "another writer was there first, again and again"),
    (PortErrorKind::Immutable, "the registry does not let tags move"),
    (PortErrorKind::RateLimited { retry_after: None }, "too many requests"),
    (PortErrorKind::Unavailable, "the registry cannot be reached, or failed on its side"),
    (PortErrorKind::Corrupt, "bytes are not what they should be: a wrong digest, a torn file"),
    (PortErrorKind::Invalid, "the registry will never accept this"),
];

impl From<&PortErrorKind> for Id {
    fn from(kind: &PortErrorKind) -> Self {
        Self(kind.id())
    }
}

/// Every id that a failure can have, with its meaning.
pub(crate) fn meanings() -> impl Iterator<Item = (&'static str, &'static str)> {
    OWN.iter().copied().chain(PORTS.iter().map(|(kind, meaning)| (kind.id(), *meaning)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use promotion_core::explain;

    use super::meanings;

    #[test]
    fn an_id_means_one_thing() {
        let mut seen = BTreeSet::new();
        for (id, _) in meanings().chain(explain::meanings()) {
            assert!(seen.insert(id), "{id} is listed twice");
        }
    }
}
