//! Plans as documents: what would be written, for people and for `promotion apply`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promotion_core::executor::Outcome;
use promotion_core::plan::{Goal, Outlook, Plan, PlanFile};
use promotion_core::reason::Finding;
use serde::{Serialize, Serializer};

use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::output::{Document, Paint, columns};

/// A plan file; its findings are shown to people and are no part of it.
pub(crate) struct PlanDocument<'a> {
    file: &'a PlanFile,
}

impl<'a> PlanDocument<'a> {
    pub(crate) const fn new(file: &'a PlanFile) -> Self {
        Self { file }
    }
}

impl Serialize for PlanDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.file.serialize(serializer)
    }
}

impl Document for PlanDocument<'_> {
    const KIND: &'static str = "Plan";
    const ENVELOPED: bool = true;

    fn table(&self, paint: Paint) -> String {
        let PlanFile { repository, goal, actions, .. } = self.file;
        let goal = goal.artifact().map_or_else(|| goal.name().to_owned(), |of| format!("{} {of}", goal.name()));
        if actions.is_empty() {
            return format!("plan: {goal} in {repository}: nothing to write");
        }
        let mut text = format!("plan: {goal} in {repository}\n");
        let row = |action: &promotion_core::plan::PlannedAction| {
            let digest = format!("sha256:{}", action.digest.short());
            vec![action.tag.to_string(), digest, action.expect.clone(), action.why.clone()]
        };
        let rows: Vec<Vec<String>> = actions.iter().map(row).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", columns(paint, &["TAG", "DIGEST", "EXPECTED", "WHY"], &rows));
        text
    }

    fn names(&self) -> Vec<String> {
        self.file.actions.iter().map(|action| action.tag.to_string()).collect()
    }
}

/// The plan of a goal that is reached already.
pub(super) fn nothing_to_do(goal: Goal, outcome: &Outcome) -> Plan {
    let outlook = match outcome.superseded_by {
        Some(by) => Outlook::Superseded { by },
        None => Outlook::Reached,
    };
    let findings: Vec<Finding> = outcome.warnings.clone();
    Plan { goal, actions: Vec::new(), outlook, findings }
}

/// Writes a plan file, whole or not at all.
pub(super) fn save(plan: &PlanFile, path: &Path) -> Result<(), Failure> {
    let place = path.display().to_string();
    let json = serde_json::to_string_pretty(plan)
        .map_err(|error| Failure::new(Exit::Failed, Id::INTERNAL, "write the plan", error.to_string()))?;
    let beside = path.with_extension("partial");
    let written = fs::write(&beside, json + "\n").and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| Failure::io("write the plan", place, &error))
}
