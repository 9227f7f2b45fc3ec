//! Verdicts: what was said of an artifact, as the marks that point at it say it. The highest ordinal wins.
//!
//! ```
//! use promotion_core::scheme::Mark;
//! use promotion_core::verdicts::Verdicts;
//!
//! let verdicts: Verdicts = [(Mark::Stage(1), 1), (Mark::Rejected, 2)].into_iter().collect();
//! assert!(verdicts.rejected() && !verdicts.admitted(1));
//! assert_eq!(verdicts.next_ordinal(Mark::Reopened), Some(3));
//! ```

use alloc::vec::Vec;

use crate::scheme::Mark;

/// The highest ordinal of each verdict on one artifact; zero where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Verdicts {
    rejected: u64,
    reopened: u64,
    /// By the stage it may enter, up to the last that has any.
    evidence: Vec<u64>,
}

impl FromIterator<(Mark, u64)> for Verdicts {
    fn from_iter<T: IntoIterator<Item = (Mark, u64)>>(marks: T) -> Self {
        let mut verdicts = Self::default();
        for (mark, ordinal) in marks {
            let highest = match mark {
                Mark::Rejected => &mut verdicts.rejected,
                Mark::Reopened => &mut verdicts.reopened,
                Mark::Stage(stage @ 1..) => {
                    let stage = usize::from(stage);
                    verdicts.evidence.resize(verdicts.evidence.len().max(stage), 0);
                    &mut verdicts.evidence[stage - 1]
                }
                Mark::Commit | Mark::Stage(0) => continue,
            };
            *highest = ordinal.max(*highest);
        }
        verdicts
    }
}

impl Verdicts {
    fn evidence(&self, stage: u8) -> u64 {
        usize::from(stage).checked_sub(1).and_then(|stage| self.evidence.get(stage)).copied().unwrap_or(0)
    }

    fn highest_evidence(&self) -> u64 {
        self.evidence.iter().copied().max().unwrap_or(0)
    }

    /// Whether the artifact is bad: the highest verdict wins, a rejection at a tie.
    #[must_use]
    pub fn rejected(&self) -> bool {
        self.rejected > 0 && self.rejected >= self.highest_evidence().max(self.reopened)
    }

    /// Whether evidence for entering this stage (1 or later) stands: above every rejection, and not withdrawn since.
    #[must_use]
    pub fn has_evidence(&self, stage: u8) -> bool {
        self.evidence(stage) > self.rejected && self.evidence(stage) >= self.reopened
    }

    /// Whether the artifact may run in this stage: every stage before has validated it, and nobody rejected it.
    #[must_use]
    pub fn admitted(&self, stage: u8) -> bool {
        !self.rejected() && (1..=stage).all(|stage| self.has_evidence(stage))
    }

    /// The ordinal of a new verdict; `None` when no number is left.
    #[must_use]
    pub fn next_ordinal(&self, mark: Mark) -> Option<u64> {
        let evidence = match mark {
            // Evidence of another stage is no revision of this one.
            Mark::Stage(stage) => self.evidence(stage),
            _ => self.highest_evidence(),
        };
        evidence.max(self.rejected).max(self.reopened).checked_add(1)
    }
}
