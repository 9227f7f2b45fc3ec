//! What manifests and workflows get wrong although nobody complains: each rule with its id, what it found and how to mend it.
//!
//! Documents are JSON values, whatever they were written as; the text is at hand for what only comments say.
//!
//! ```
//! use promotion_core::lint::{Document, lint};
//!
//! let value = serde_json::json!({
//!     "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "success-rate" },
//!     "spec": { "metrics": [{ "name": "errors", "interval": "1m" }] },
//! });
//! let flaws = lint(&[Document { place: "analysis.yaml".into(), value, text: String::new() }], &[]);
//! assert_eq!(flaws[0].id(), "analysis-without-count");
//! ```

mod analysis;
mod argo;
mod image;
mod manifests;
mod pins;
mod resume;
mod rule;
mod woodpecker;
mod workflow;
mod workloads;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

pub use image::{Image, images};
pub use pins::{Pin, PinError, pins};
pub use resume::{Answer, Awaited, Wants, awaited};
pub use rule::{Flaw, MEANINGS, Rule};

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file.
    pub place: String,
    /// What it says.
    pub value: Value,
    /// As it is written, with the file's other documents.
    pub text: String,
}

/// Everything that is wrong in these documents, in their order; `declared` is what a cleaner is to keep.
#[must_use]
pub fn lint(documents: &[Document], declared: &[Pin]) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for document in documents {
        let mut found = |subject: String, rule: Rule| flaws.push(Flaw { place: document.place.clone(), subject, rule });
        analysis::lint(&document.value, &mut found);
        manifests::lint(document, documents, &mut found);
        workloads::lint(document, documents, declared, &mut found);
        argo::lint(document, documents, &mut found);
        pins::lint(document, declared, &mut found);
        workflow::lint(&document.value, documents, &mut found);
        woodpecker::lint(&document.value, &mut found);
    }
    flaws
}

/// What rules report to.
type Found<'f> = dyn FnMut(String, Rule) + 'f;

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path)?.as_str()
}

fn items<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `KIND NAME`, as people call it.
fn called(value: &Value) -> String {
    format!("{} {}", text(value, "/kind").unwrap_or("?"), text(value, "/metadata/name").unwrap_or("?"))
}
