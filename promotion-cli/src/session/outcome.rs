//! What came of a command, for people.

use promotion_core::executor::{Outcome, OutcomeKind};

use crate::output::{Document, Paint};

impl Document for Outcome {
    const KIND: &'static str = "Outcome";

    fn table(&self, paint: Paint) -> String {
        let word = match self.kind {
            OutcomeKind::Done => paint.green("done"),
            OutcomeKind::AlreadyDone => paint.green("already done"),
            OutcomeKind::Superseded => format!("{}: something newer is ahead of it", paint.yellow("superseded")),
            OutcomeKind::Refused if self.writes.is_empty() => return String::new(),
            OutcomeKind::Refused => paint.yellow("recorded, and held back"),
        };
        let mut lines = vec![word];
        let mut field = |name: &str, value: Option<String>| {
            lines.extend(value.map(|value| format!("  {name:<10} {value}")));
        };
        field("digest", self.digest.map(|digest| digest.to_string()));
        field("commit", self.commit.as_ref().map(ToString::to_string));
        field("candidate", self.candidate.as_ref().map(ToString::to_string));
        field("release", self.release.as_ref().map(ToString::to_string));
        field("newer", self.superseded_by.map(|newer| newer.to_string()));
        let wrote = self.writes.iter().map(|write| {
            if Some(write.digest) == self.digest {
                return format!("  {:<10} {}", "wrote", write.tag);
            }
            format!("  {:<10} {} -> sha256:{}", "wrote", write.tag, write.digest.short())
        });
        lines.extend(wrote);
        lines.join("\n")
    }

    /// The tag that says it best: the release, else the candidate, else the digest.
    fn names(&self) -> Vec<String> {
        let tag = self.release.as_ref().or(self.candidate.as_ref()).map(ToString::to_string);
        tag.or_else(|| self.digest.map(|digest| digest.to_string())).into_iter().collect()
    }
}
