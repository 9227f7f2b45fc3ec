//! Exit codes: a documented interface, so one enum and nothing else decides them.

use std::process::ExitCode;

use promotion_core::executor::{Outcome, OutcomeKind};
use promotion_core::ports::PortErrorKind;
use promotion_core::reason::{Finding, Reason, Refusal, Severity};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do; warnings do not change it.
    Done = 0,
    /// Network, IO or registry.
    Failed = 1,
    /// Usage, configuration, a bad constraint, filter or plan file.
    Usage = 2,
    /// Policy, evidence, an ambiguous or unpredictable selection, or a conflict that survived re-planning.
    Refused = 3,
    /// Only `apply`: the state is not what the plan expected.
    Drift = 4,
    /// No such artifact, commit or repository; `resolve`: nothing matches.
    NotFound = 5,
    /// A gate that gives no verdict.
    Silent = 6,
    /// Findings or pending changes, for the commands that look for them.
    Findings = 10,
    /// Ctrl-C or SIGTERM, as shells report it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// For an outcome of a writing command.
    pub(crate) fn of_outcome(outcome: &Outcome) -> Self {
        match (outcome.kind, &outcome.refusal) {
            (OutcomeKind::Refused, Some(refusal)) => Self::of_refusal(refusal),
            (OutcomeKind::Refused, None) => Self::Refused,
            (OutcomeKind::Done | OutcomeKind::AlreadyDone | OutcomeKind::Superseded, _) => Self::Done,
        }
    }

    /// For a refusal: what does not exist is "not found", everything else was refused.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        if refusal.reason.id().ends_with("-not-found") { Self::NotFound } else { Self::Refused }
    }

    /// For a failing port.
    pub(crate) const fn of_port(kind: &PortErrorKind) -> Self {
        match kind {
            PortErrorKind::NotFound => Self::NotFound,
            PortErrorKind::Conflict { .. } | PortErrorKind::Immutable => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// For the commands that look for findings. A stranger's tag is a person's decision and the rules hold among our
    /// own tags, so poison alone is no finding of this code; nor is what is merely worth knowing.
    pub(crate) fn of_findings(findings: &[Finding]) -> Self {
        let counts = |finding: &&Finding| {
            finding.severity > Severity::Info && !matches!(finding.reason, Reason::PoisonTag { .. })
        };
        if findings.iter().any(|finding| counts(&finding)) { Self::Findings } else { Self::Done }
    }
}
