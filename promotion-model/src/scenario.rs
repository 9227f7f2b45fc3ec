//! Scenarios: who may appear, and how often. Their names are stable.

mod all;

pub use self::all::SCENARIOS;
use crate::law::{Event, Law};
use crate::setting::Setting;

/// What somebody comes for. Which artifact it is about is any of those that it can be about when they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Builds the next artifact.
    Build,
    /// Nominates an artifact again, as the newest.
    Nominate,
    /// Promotes an artifact, with evidence.
    Promote,
    /// Promotes an artifact, with evidence, as 0.2.0.
    PromoteAs,
    /// Rejects an artifact.
    Reject,
    /// Withdraws a rejection.
    Reopen,
    /// Rolls back to an artifact.
    Rollback,
    /// Repairs.
    Repair,
    /// A person who releases an artifact with another tool, above everything.
    ByHand,
    /// Deletes what retention plans.
    Retain,
}

/// What an artifact has come to before the scenario begins, one actor after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given {
    /// It was built.
    Built,
    /// It was built and promoted, before the next was built.
    Promoted,
    /// It was built, promoted and rejected, before the next was built.
    Rejected,
}

/// Who may appear, how often they may crash, and what is expected of that.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its stable name.
    pub name: &'static str,
    /// What it is about, as a sentence.
    pub about: &'static str,
    /// Which artifacts there are in the beginning, oldest first.
    pub given: &'static [Given],
    /// Who may appear, and how many of them.
    pub cast: &'static [(Role, u8)],
    /// How many of them may crash.
    pub crashes: u8,
    /// Whether all artifacts are builds of one commit.
    pub one_commit: bool,
    /// Whether a build looks and writes the marks that precede its birth in one step, which keeps the scenario small.
    pub begin_at_once: bool,
    /// In which settings it is explored.
    pub settings: &'static [Setting],
    /// What must be reached in each of these settings.
    pub reaches: &'static [(&'static [Setting], &'static [Event])],
    /// Which laws are broken in which settings; all others hold.
    pub breaks: &'static [(&'static [Setting], &'static [Law])],
    /// In which settings it is too large for a test.
    pub large: &'static [Setting],
}

impl Scenario {
    /// Whether something can happen that nobody who sees to the rules has looked at.
    pub(crate) fn has_unseen_writes(&self) -> bool {
        self.crashes > 0 || self.cast.iter().any(|(role, _)| *role == Role::ByHand)
    }

    /// The laws that are expected to be broken in a setting.
    #[must_use]
    pub fn expected(&self, setting: Setting) -> Vec<Law> {
        let ours = self.breaks.iter().filter(|(settings, _)| settings.contains(&setting));
        ours.flat_map(|(_, laws)| laws.iter().copied()).collect()
    }

    /// The events that must be reached in a setting.
    #[must_use]
    pub fn must_reach(&self, setting: Setting) -> Vec<Event> {
        let ours = self.reaches.iter().filter(|(settings, _)| settings.contains(&setting));
        ours.flat_map(|(_, events)| events.iter().copied()).collect()
    }
}

/// The scenario of this name.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}
