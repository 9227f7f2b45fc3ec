//! The board, plans, audits and proofs.
//!
//! ```js
//! let known = { tags: ["0.1.0-rc.1"], digests: {}, manifests: {} };
//! converge(known, { kind: "repair" }, "2026-03-01T12:00:00Z");
//! // { answer: "needs", needs: { tags: ["0.1.0-rc.1"], manifests: [], ancestry: [] } }
//! prove({}); // findings about the policy, here the default one
//!
//! let world = { digests: {}, manifests: { [artifact]: { revision } }, complete: true };
//! let plan = converge(world, { kind: "build", artifact }, now);
//! world = apply(world, plan.actions); // the same repository after these writes
//! board(world).stages[0].selects.tag; // "0.1.0-rc.1"
//! ```

use promotion_core::Digest;
use promotion_core::audit::audit as core_audit;
use promotion_core::board::{Board, board as core_board};
use promotion_core::converge::{Request, Stop, converge as core_converge};
use promotion_core::explain::render;
use promotion_core::plan::{Build, Goal, Outlook, Plan, PlannedAction, Promote};
use promotion_core::policy::{Policy, Spec};
use promotion_core::proofs::prove as core_prove;
use promotion_core::reason::{Finding, Refusal};
use promotion_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;
use crate::js::{answer, written};
use crate::known::{Known, Open};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A policy as `promotion.yaml` writes it; what is left out has its default. */
export interface Policy {
  versions?: { initial?: string; bump?: "patch" | "minor" | "major"; label?: string; line?: string | null };
  tags?: { commit?: string; short?: number };
  stages?: Stage[];
  channels?: string[];
}

export interface Stage {
  name: string;
  source: "git" | "oci";
  semver?: string | null;
  filter?: string | null;
  mark?: string | null;
  label?: string | null;
  gate?: { evidence?: EvidenceKind[]; fresh?: string | null; verdict_deadline?: string | null };
}

export type EvidenceKind = "kustomization" | "helm-release" | "canary" | "analysis" | "manual";

/** What somebody wants: a fact to add. The rules do the rest. */
export type Goal =
  | {
      kind: "build"; artifact: string; revision?: string | null; number?: number | null;
      bump?: "patch" | "minor" | "major" | null; again?: boolean; ancestry?: boolean;
    }
  | { kind: "promote"; artifact: string; evidence: Evidence[]; stage?: string | null; version?: string | null }
  | { kind: "reject"; artifact: string; reason: string }
  | { kind: "reopen"; artifact: string; reason: string }
  | { kind: "rollback"; to: string; only: boolean }
  | { kind: "reject-all"; artifacts: string[]; to: string }
  | { kind: "repair" };

export interface Evidence {
  kind: EvidenceKind;
  digest?: string | null;
  commit?: string | null;
  stage?: string | null;
  /** RFC 3339 */
  observed_at?: string | null;
  source: string;
}

export interface PlannedAction {
  op: string;
  tag: string;
  digest: string;
  /** `absent`, `any`, or the digest that the tag must point at before. */
  expect: string;
  why: string;
}

export interface Plan {
  answer: "plan";
  goal: Goal;
  policy_hash: string;
  actions: PlannedAction[];
  outlook: { kind: "reached" } | { kind: "superseded"; by: string } | { kind: "held"; because: Refusal };
  findings: Finding[];
}

export interface Refused {
  answer: "refused";
  refusal: Refusal;
  /** The tree of reasons as indented lines. */
  text: string;
}

export interface Reason {
  id: string;
  subject: string | null;
  message: string;
  fix: string | null;
}

export interface Refusal extends Reason {
  because: Refusal[];
}

export interface Finding extends Reason {
  severity: "info" | "warning" | "error";
}

export interface Findings {
  answer: "findings";
  findings: Finding[];
}

export interface Board {
  answer: "board";
  stages: { name: string; constraint: string; selects: Selected | null }[];
  /** Candidates younger than what the last stage selects, youngest first. */
  pending: { candidate: string; digest: string; commit: string | null; admitted: string }[];
  /** Writes that a repair would do. */
  unfinished: { tag: string; digest: string; why: string }[];
  findings: Finding[];
}

export interface Selected {
  tag: string;
  digest: string;
  commit: string | null;
}
"#;

/// The core's goals as the reader likes them: it finds the kind itself, where serde's own way keeps every value twice.
#[derive(Deserialize)]
#[serde(remote = "Goal", rename_all = "kebab-case")]
enum Goals {
    Build(Build),
    Promote(Promote),
    Reject { artifact: Digest, reason: String },
    Reopen { artifact: Digest, reason: String },
    Rollback { to: Digest, only: bool },
    RejectAll { artifacts: Vec<Digest>, to: Digest },
    Repair,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Wanted(#[serde(with = "Goals")] Goal);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
enum Answer {
    Plan(PlanOf),
    Board(Board),
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

/// The writes that reach a goal: a plan, what must be known for one, or why it is refused. `now` is RFC 3339.
#[wasm_bindgen(unchecked_return_type = "Plan | Refused | Open")]
pub fn converge(
    #[wasm_bindgen(unchecked_param_type = "Known")] known: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Goal")] goal: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] now: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[known, goal, now], |(known, Wanted(goal), now): (Known, Wanted, Timestamp)| {
        let request = Request::new(&goal, now);
        let (plan, policy) = known.ask(|snapshot, policy| core_converge(snapshot, policy, &request))?;
        told(plan.map(|plan| Answer::Plan(PlanOf::of(plan, &policy))))
    })
}

/// What every stage selects, what waits, and what is half done; or what must be known to tell.
#[wasm_bindgen(unchecked_return_type = "Board | Open")]
pub fn board(#[wasm_bindgen(unchecked_param_type = "Known")] known: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[known], |(known,): (Known,)| told(known.ask(core_board)?.0.map(Answer::Board)))
}

/// Everything that is wrong with a repository, or what must be known to tell.
#[wasm_bindgen(unchecked_return_type = "Findings | Open")]
pub fn audit(#[wasm_bindgen(unchecked_param_type = "Known")] known: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[known], |(known,): (Known,)| told(known.ask(core_audit)?.0.map(|findings| Answer::Findings { findings })))
}

/// The same repository after writes of a plan, in memory; throws `conflict` where a tag is not as the write expects.
#[wasm_bindgen(unchecked_return_type = "Known")]
pub fn apply(
    #[wasm_bindgen(unchecked_param_type = "Known")] known: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "PlannedAction[]")] actions: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[known, actions], |(known, actions): (Known, Vec<PlannedAction>)| written(&known.after(&actions)?))
}

/// Everything that is wrong with a policy's constraints and filters.
#[wasm_bindgen(unchecked_return_type = "Finding[]")]
pub fn prove(#[wasm_bindgen(unchecked_optional_param_type = "Policy")] policy: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[policy], |(spec,): (Option<Spec>,)| written(&core_prove(&Policy::new(spec.unwrap_or_default())?)))
}

/// The policy of a repository without configuration, written out.
#[wasm_bindgen(js_name = defaultPolicy, unchecked_return_type = "Policy")]
pub fn default_policy() -> Result<JsValue, JsValue> {
    answer(&[], |_: [(); 0]| written(&Spec::default()))
}

/// The digest of a manifest's text.
#[wasm_bindgen(js_name = digestOf, unchecked_return_type = "string")]
pub fn digest_of(#[wasm_bindgen(unchecked_param_type = "string")] manifest: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[manifest], |(manifest,): (String,)| written(&Digest::of(manifest.as_bytes())))
}

fn told(answer: Result<Answer, Stop>) -> Result<String, Failure> {
    written(&match answer {
        Ok(answer) => answer,
        Err(Stop::Needs(needs)) => Answer::Needs { needs: needs.into() },
        Err(Stop::Refused(refusal)) => Answer::Refused { text: render(&refusal), refusal },
    })
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
