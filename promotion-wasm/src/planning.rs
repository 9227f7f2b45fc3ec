//! Plans, audits and proofs.
//!
//! ```js
//! let known = { tags: ["0.1.0-rc.1"], digests: {}, manifests: {} };
//! converge(known, { kind: "repair" }, "2026-03-01T12:00:00Z");
//! // { answer: "needs", needs: { tags: ["0.1.0-rc.1"], manifests: [], ancestry: [] } }
//! prove({}); // findings about the policy, here the default one
//! ```

use promotion_core::Digest;
use promotion_core::audit::audit as core_audit;
use promotion_core::converge::{Request, Stop, converge as core_converge};
use promotion_core::explain::render;
use promotion_core::plan::{Goal, Outlook, Plan, PlannedAction};
use promotion_core::policy::{Policy, Spec};
use promotion_core::proofs::prove as core_prove;
use promotion_core::reason::{Finding, Refusal};
use promotion_core::time::Timestamp;
use serde::Serialize;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::js::answer;
use crate::known::{Known, Open};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
enum Answer {
    Plan(PlanOf),
    Findings { findings: Vec<Finding> },
    Needs { needs: Open },
    Refused { refusal: Refusal, text: String },
}

#[derive(Serialize)]
struct PlanOf {
    goal: Goal,
    policy_hash: Digest,
    actions: Vec<PlannedAction>,
    outlook: OutlookOf,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum OutlookOf {
    Reached,
    Superseded { by: Digest },
    Held { because: Refusal },
}

/// The writes that reach a goal: a plan, what must be known for one, or why it is refused.
#[wasm_bindgen]
pub fn converge(known: &JsValue, goal: &JsValue, now: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[known, goal, now], |(known, goal, now): (Known, Goal, Timestamp)| {
        let (policy, snapshot) = known.read()?;
        Ok(match core_converge(&snapshot, &policy, &Request::new(&goal, now)) {
            Ok(plan) => Answer::Plan(PlanOf::of(plan, &policy)),
            Err(Stop::Needs(needs)) => Answer::Needs { needs: needs.into() },
            Err(Stop::Refused(refusal)) => Answer::Refused { text: render(&refusal), refusal },
        })
    })
}

/// Everything that is wrong with a repository, or what must be known to tell.
#[wasm_bindgen]
pub fn audit(known: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[known], |(known,): (Known,)| {
        let (policy, snapshot) = known.read()?;
        Ok(match core_audit(&snapshot, &policy) {
            Ok(findings) => Answer::Findings { findings },
            Err(needs) => Answer::Needs { needs: needs.into() },
        })
    })
}

/// Everything that is wrong with a policy's constraints and filters.
#[wasm_bindgen]
pub fn prove(policy: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[policy], |(spec,): (Option<Spec>,)| Ok(core_prove(&Policy::new(spec.unwrap_or_default())?)))
}

impl PlanOf {
    fn of(plan: Plan, policy: &Policy) -> Self {
        let outlook = match plan.outlook {
            Outlook::Reached => OutlookOf::Reached,
            Outlook::Superseded { by } => OutlookOf::Superseded { by },
            Outlook::Held(reason) => OutlookOf::Held { because: reason.into() },
        };
        let actions = plan.actions.iter().map(PlannedAction::from).collect();
        Self { goal: plan.goal, policy_hash: policy.hash(), actions, outlook, findings: plan.findings }
    }
}
