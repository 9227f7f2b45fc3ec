//! What the registry says of an artifact in a stage.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Answer, Case};
use crate::Tag;
use crate::reason::Reason;
use crate::scheme::Mark;
use crate::snapshot::Needs;

impl Case<'_, '_> {
    /// Whether a build finished handing it over, and its candidate is still there.
    pub(super) fn built(&self) -> Result<Answer, Needs> {
        let artifact = self.digest;
        let Some(known) = self.view.artifact(artifact)? else {
            return Ok(Answer::Fail(Reason::ArtifactNotFound { artifact }));
        };
        if !known.handed_over() {
            let mark = known.mark_tag(self.view.policy(), Mark::Stage(0), 1);
            return Ok(Answer::Fail(Reason::NotHandedOver { artifact, mark }));
        }
        let mark = known.mark_tag(self.view.policy(), Mark::Stage(0), 1);
        Ok(match self.view.birth_of(artifact)? {
            None => Answer::Fail(Reason::Orphan { artifact, mark }),
            Some(birth) => Answer::Pass(self.view.policy().version_tag(&birth).to_string()),
        })
    }

    /// Whether it is what the rules let the stage select.
    pub(super) fn selected(&self) -> Result<Answer, Needs> {
        let (artifact, stage) = (self.digest, self.name.to_string());
        let selected = self.view.selected(self.stage)?;
        let Some(known) = self.view.artifact(artifact)? else {
            return Ok(Answer::Fail(Reason::ArtifactNotFound { artifact }));
        };
        if known.verdicts.rejected()
            && let Some(mark) = known.mark(Mark::Rejected)
        {
            let mark = self.view.policy().mark_tag(mark);
            return Ok(Answer::Fail(Reason::ArtifactRejected { artifact, mark }));
        }
        if let Some((_, tag, _)) = selected.as_ref().filter(|(_, _, digest)| *digest == artifact) {
            return Ok(Answer::Pass(format!("{tag} is the highest version for {stage}")));
        }
        if let Some((version, tag, by)) = selected.clone() {
            let newer = match (self.view.birth_of(by)?, self.view.birth_of(artifact)?) {
                (Some(theirs), Some(own)) => theirs > own,
                // Made by hand, or pruned: its own version tells.
                (None, Some(own)) => version > own,
                (_, None) => true,
            };
            if newer && !self.view.verdicts(by)?.is_some_and(|verdicts| verdicts.rejected()) {
                return Ok(Answer::Fail(Reason::Overtaken { stage, tag, by }));
            }
        }
        if let Some(missing) = (1..=self.stage).find(|entered| !known.verdicts.has_evidence(*entered)) {
            let before = self.view.policy().stages().get(usize::from(missing) - 1);
            let stage = before.map(|stage| stage.name.clone()).unwrap_or_default();
            return Ok(Answer::Fail(Reason::NotPromoted { stage, artifact }));
        }
        let selected = selected.map(|(_, tag, _)| tag);
        Ok(Answer::Fail(match known.mark(Mark::Stage(self.stage)) {
            Some(mark) if self.stage > 0 => Reason::HalfPromoted { artifact, mark: self.view.policy().mark_tag(mark) },
            _ => Reason::NewestNotSelected { stage, newest: artifact, selected },
        }))
    }

    /// Whether the stage validated it and selects something newer by now: what its cluster runs says nothing about it any more.
    pub(super) fn went_on(&self) -> Result<bool, Needs> {
        let overtaken = matches!(self.selected()?, Answer::Fail(Reason::Overtaken { .. }));
        Ok(overtaken && self.evidence()?.is_some())
    }

    /// Whether somebody recorded that it works in the stage.
    pub(super) fn promoted(&self) -> Result<Answer, Needs> {
        let (artifact, stage) = (self.digest, self.name.to_string());
        Ok(match self.evidence()? {
            Some(mark) => Answer::Pass(mark.to_string()),
            None => Answer::Fail(Reason::NotPromoted { stage, artifact }),
        })
    }

    /// The standing evidence that lets it leave the stage.
    pub(super) fn evidence(&self) -> Result<Option<Tag>, Needs> {
        let known = self.view.artifact(self.digest)?;
        let standing = known.filter(|known| known.verdicts.has_evidence(self.stage + 1));
        let policy = self.view.policy();
        Ok(standing.and_then(|known| Some(policy.mark_tag(known.mark(Mark::Stage(self.stage + 1))?))))
    }

    /// The tag by which the stage should have the artifact.
    pub(super) fn wanted(&self) -> Result<Option<Tag>, Needs> {
        let selected = self.view.selected(self.stage)?.filter(|(_, _, digest)| *digest == self.digest);
        Ok(selected.map(|(_, tag, _)| tag))
    }

    /// Every tag of the listing.
    pub(super) fn tags(&self) -> Vec<&str> {
        self.view.snapshot().tags().map(Tag::as_str).collect()
    }

    /// A digest as sources write one.
    pub(super) fn is_this(&self, digest: &str) -> bool {
        digest == self.digest.to_string()
    }

    pub(super) fn short(&self) -> String {
        format!("sha256:{}", self.digest.short())
    }
}
