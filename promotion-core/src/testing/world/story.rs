//! What happens, told as a story: who does what, and what the stages select after it.

use alloc::format;
use alloc::string::String;

use super::judge::Selected;
use super::{Given, Intent, World};
use crate::executor::{Outcome, OutcomeKind};
use crate::plan::Goal;

impl World {
    /// A step of an actor.
    pub(super) fn tell(&mut self, actor: usize, what: &str) {
        // A read is worth a line only when somebody else acts before the reader does again.
        if self.reader.take() == Some(actor) {
            self.trace.pop();
        }
        self.trace.push(format!("{} {what}", name(actor)));
    }

    pub(super) fn tell_of_a_read(&mut self, actor: usize, what: &str) {
        self.tell(actor, what);
        self.reader = Some(actor);
    }

    /// Something that no actor of ours does.
    pub(super) fn tell_of_somebody(&mut self, what: &str) {
        self.reader = None;
        self.trace.push(format!("somebody {what}"));
    }

    pub(super) fn tell_of_the_end(&mut self, actor: usize, outcome: &Outcome) {
        let why = outcome.refusal.as_ref().map(|refusal| refusal.reason.id()).unwrap_or_default();
        let what = match outcome.kind {
            OutcomeKind::Done => "is done".into(),
            OutcomeKind::AlreadyDone => "has nothing to do".into(),
            OutcomeKind::Superseded => "is done: something newer is ahead".into(),
            OutcomeKind::Refused if outcome.writes.is_empty() => format!("is refused: {why}"),
            OutcomeKind::Refused => format!("is held back: {why}"),
        };
        self.tell(actor, &what);
    }

    /// What an actor sets out to do.
    pub(super) fn told_of(&self, intent: &Intent, goal: &Goal) -> String {
        let artifact = goal.artifact().map(|artifact| artifact.short()).unwrap_or_default();
        match (intent, goal) {
            (Intent::Build { commit, number, again, .. }, _) => {
                let commit = format!("{:02x}", commit % 4).repeat(4);
                let again = if *again { ", to be the newest again" } else { "" };
                let number = number.map(|number| format!(", as number {number}")).unwrap_or_default();
                format!("builds {artifact} of commit {commit}{number}{again}")
            }
            (Intent::Promote { evidence, .. }, Goal::Promote(promotion)) => {
                let stage = promotion.stage.as_deref().unwrap_or_default();
                let version = promotion.version.map(|version| format!(" as {version}")).unwrap_or_default();
                format!("promotes {artifact} out of {stage}{version}, with {}", evidence.told())
            }
            (Intent::Rollback { only: true, .. }, _) => {
                format!("rolls back to {artifact}, rejecting only what is live")
            }
            (Intent::Rollback { .. }, _) => format!("rolls back to {artifact}"),
            (Intent::Promote { .. } | Intent::Reject { .. } | Intent::Reopen { .. }, goal) => {
                format!("{}s {artifact}", goal.name())
            }
            (Intent::Repair, _) => "repairs".into(),
        }
    }

    /// What each stage selects that it did not select before, as the end of a line.
    pub(super) fn newly_selected(&self, earlier: &[Selected]) -> String {
        let changed =
            self.policy.stages().iter().zip(&self.selected).enumerate().filter_map(|(index, (stage, now))| {
                let (tag, digest) = now.as_ref()?;
                let same = earlier.get(index).is_some_and(|was| was == now);
                (!same).then(|| format!("; {} selects {tag} ({})", stage.name, digest.short()))
            });
        changed.collect()
    }
}

impl Given {
    const fn told(self) -> &'static str {
        match self {
            Self::Right => "evidence",
            Self::OfAnother => "evidence of another artifact",
            Self::Stale => "stale evidence",
            Self::Nothing => "no evidence",
            Self::Manual => "a person's word",
        }
    }
}

/// A, B, ... Z, then A1, B1 and so on.
fn name(actor: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(actor % 26).unwrap_or_default());
    match actor / 26 {
        0 => letter.into(),
        round => format!("{letter}{round}"),
    }
}
