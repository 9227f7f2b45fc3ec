//! Words: what a tag says to us and to Flux, which of two versions is higher, what a constraint accepts.
//!
//! Numbers of versions are text here: they have 64 bits, and a JavaScript number has 53.
//!
//! ```js
//! parse("1.4.0-rc.2").kind; // { kind: "candidate", base: "1.4.0", stage: "integration", birth: true, number: "2" }
//! order("1.4.0-rc.10", "1.4.0-rc.9"); // 1
//! check(">=1.0.0-0 <2.0.0", "2.0.0-rc.1").accepted; // true
//! ```

use promotion_core::Tag;
use promotion_core::flux::{Constraint, Explanation, Version, VersionError};
use promotion_core::policy::{Policy, Spec};
use promotion_core::scheme::{Foreign, Kind, Mark};
use promotion_core::version::{Base, Rank};
use serde::Serialize;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Failure;
use crate::js::{answer, written};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface Parsed {
  /** Why it is no tag, if it is none. */
  tag_error: string | null;
  /** What it is to the policy. */
  kind:
    | { kind: "release"; base: string }
    | { kind: "candidate"; base: string; stage: string; birth: boolean; number: string }
    | { kind: "mark"; mark: "commit" | "stage" | "rejected" | "reopened"; stage: string | null; key: string; ordinal: string }
    | { kind: "channel" }
    | { kind: "foreign"; outside_line: boolean };
  /** As Flux reads tags. */
  flux: Read;
  /** As Flux reads versions inside constraints. */
  loose: Read;
}

/** A version with everything written out, or why it is none. */
export interface Read {
  version: string | null;
  error: string | null;
}

export interface Checked {
  version: string;
  accepted: boolean;
  /** One verdict per group of the constraint: it accepts when it is not closed and nothing failed. */
  groups: { group: string; closed: boolean; failed: string[] }[];
  /** The same in a sentence. */
  text: string;
  /** The answer if every group were open to pre-releases, which Flux never asks for. */
  including_prereleases: boolean;
}
"#;

#[derive(Serialize)]
struct Parsed {
    /// Why it is no tag, if it is none.
    tag_error: Option<String>,
    kind: KindOf,
    /// As Flux reads tags.
    flux: Read,
    /// As Flux reads versions inside constraints.
    loose: Read,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum KindOf {
    Release { base: Base },
    Candidate { base: Base, stage: String, birth: bool, number: String },
    Mark { mark: &'static str, stage: Option<String>, key: String, ordinal: String },
    Channel,
    Foreign { outside_line: bool },
}

/// A version with everything written out, or why it is none.
#[derive(Serialize)]
struct Read {
    version: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Checked {
    #[serde(flatten)]
    explanation: Explanation,
    /// The same in a sentence.
    text: String,
    /// The answer if every group were open to pre-releases, which Flux never asks for.
    including_prereleases: bool,
}

/// What a tag says under a policy (the default one where it is left out), and what Flux reads.
#[wasm_bindgen(unchecked_return_type = "Parsed")]
pub fn parse(
    #[wasm_bindgen(unchecked_param_type = "string")] tag: &JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "Policy")] policy: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[tag, policy], |(tag, spec): (String, Option<Spec>)| {
        let policy = Policy::new(spec.unwrap_or_default())?;
        written(&Parsed {
            tag_error: Tag::check(&tag).err().map(|error| error.to_string()),
            kind: kind(&policy, &tag),
            flux: read(Version::parse_tag(&tag)),
            loose: read(Version::parse_loose(&tag)),
        })
    })
}

/// -1, 0 or 1: the precedence of two versions.
#[wasm_bindgen(unchecked_return_type = "-1 | 0 | 1")]
pub fn order(
    #[wasm_bindgen(unchecked_param_type = "string")] a: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] b: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[a, b], |(a, b): (String, String)| written(&(loose(&a)?.precedence(&loose(&b)?) as i8)))
}

/// Versions, highest first; what ties stays in its order.
#[wasm_bindgen(unchecked_return_type = "string[]")]
pub fn sort(#[wasm_bindgen(unchecked_param_type = "string[]")] versions: &JsValue) -> Result<JsValue, JsValue> {
    answer(&[versions], |(texts,): (Vec<String>,)| {
        let mut versions = texts.iter().map(|text| loose(text)).collect::<Result<Vec<_>, _>>()?;
        versions.sort_by(|a, b| b.precedence(a));
        written(&versions.iter().map(Version::text).collect::<Vec<_>>())
    })
}

/// Whether a constraint accepts a version, and why.
#[wasm_bindgen(unchecked_return_type = "Checked")]
pub fn check(
    #[wasm_bindgen(unchecked_param_type = "string")] constraint: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] version: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(&[constraint, version], |(constraint, version): (String, String)| {
        let constraint = Constraint::parse(&constraint)?;
        let version = loose(&version)?;
        let explanation = constraint.explain(&version);
        let text = explanation.to_string();
        let including_prereleases = constraint.matches_including_prereleases(&version);
        written(&Checked { explanation, text, including_prereleases })
    })
}

fn loose(text: &str) -> Result<Version<'_>, Failure> {
    Version::parse_loose(text).map_err(|error| Failure::Version { text: text.to_owned(), error })
}

fn read(version: Result<Version<'_>, VersionError>) -> Read {
    match version {
        Ok(version) => Read { version: Some(version.to_string()), error: None },
        Err(error) => Read { version: None, error: Some(error.to_string()) },
    }
}

fn kind(policy: &Policy, tag: &str) -> KindOf {
    let name = |stage: u8| policy.stages().get(usize::from(stage)).map(|stage| stage.name.clone());
    match policy.classify(tag) {
        Kind::Version(version) => match version.rank {
            Rank::Release => KindOf::Release { base: version.base },
            Rank::Candidate { stage, number } => KindOf::Candidate {
                base: version.base,
                stage: name(stage).unwrap_or_default(),
                birth: version.is_birth(),
                number: number.to_string(),
            },
        },
        Kind::Mark(tag) => {
            let (mark, stage) = match tag.mark {
                Mark::Commit => ("commit", None),
                Mark::Stage(stage) => ("stage", name(stage)),
                Mark::Rejected => ("rejected", None),
                Mark::Reopened => ("reopened", None),
            };
            KindOf::Mark { mark, stage, key: tag.key.to_string(), ordinal: tag.ordinal.to_string() }
        }
        Kind::Channel => KindOf::Channel,
        Kind::Foreign(foreign) => KindOf::Foreign { outside_line: foreign == Foreign::OutsideLine },
    }
}
