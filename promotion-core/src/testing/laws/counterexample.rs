//! A broken law, and how it came about.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Case, Law};
use crate::policy::Policy;
use crate::testing::world::Mode;

/// A case that breaks a law. It displays as a story, and ends with what to paste into a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The law.
    pub law: Law,
    /// The policy it was broken under.
    pub policy: Policy,
    /// The registry it was broken in.
    pub mode: Mode,
    /// What happened, as data.
    pub case: Case,
    /// What happened, as sentences.
    pub story: Vec<String>,
    /// What is wrong after that.
    pub broken: String,
}

impl Counterexample {
    /// The steps, numbered, and what is wrong at the end.
    #[must_use]
    pub fn steps(&self) -> String {
        let steps = self.story.iter().chain([&self.broken]);
        let numbered = steps.enumerate().map(|(index, step)| alloc::format!("{:>3}. {step}", index + 1));
        numbered.collect::<Vec<_>>().join("\n")
    }

    /// The case as Rust, for a test.
    #[must_use]
    pub fn regression(&self) -> String {
        alloc::format!(
            "Law::named({:?}).unwrap().judge(&policy, Mode::{:?}, &Case {{ history: vec!{:?}, choices: vec!{:?} }}).unwrap();",
            self.law.id,
            self.mode,
            self.case.history,
            self.case.choices
        )
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is broken {}: {}", self.law.id, self.mode.told(), self.law.promise)?;
        writeln!(f, "{}", self.steps())?;
        write!(f, "as a test:\n{}", self.regression())
    }
}

impl core::error::Error for Counterexample {}
