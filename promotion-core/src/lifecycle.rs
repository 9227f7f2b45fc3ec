//! Lifecycle: where one artifact stands, derived from its facts by one exhaustive match.
//!
//! ```
//! use promotion_core::lifecycle::{Facts, State};
//!
//! let mut facts = Facts { handed_over: true, candidate: true, ..Facts::default() };
//! assert_eq!(facts.state(), State::Candidate);
//! facts.validated = true;
//! assert_eq!(facts.state(), State::Validated);
//! facts.released = true;
//! assert_eq!(facts.state(), State::Released);
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;

use serde::Serialize;

use crate::Digest;
use crate::artifact::{Artifact, View};
use crate::scheme::Mark;
use crate::snapshot::Needs;
use crate::version::Version;

/// What is known of one artifact. Each is a set of tags that points at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Facts {
    /// The first stage's mark.
    pub handed_over: bool,
    /// A birth.
    pub candidate: bool,
    /// Evidence for every later stage was given at some time.
    pub validated: bool,
    /// That evidence no longer stands: a rejection was withdrawn since, and nothing was shown anew.
    pub withdrawn: bool,
    /// A version of the last stage.
    pub released: bool,
    /// The highest verdict is a rejection.
    pub rejected: bool,
    /// A newer artifact is released.
    pub overtaken: bool,
}

/// Where an artifact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Content, perhaps with a commit tag: the build stopped, or was overtaken.
    Pushed,
    /// Handed over, but the candidate was lost or is still to come: no stage can select it.
    Orphaned,
    /// Visible to the first stage, waiting for a verdict.
    Candidate,
    /// Validated, and its release is still to come: half promoted.
    Validated,
    /// Released; the newest that is.
    Released,
    /// Something newer is ahead: it was released before, or never will be.
    Superseded,
    /// Bad.
    Rejected,
    /// Facts that no run of this pipeline writes: see the audit's findings.
    Impossible,
}

/// Which artifact holds which version: read once, asked for each artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    births: BTreeMap<Digest, Version>,
    released: BTreeSet<Digest>,
    newest_released: Option<Digest>,
}

impl Holders {
    /// Reads every version.
    ///
    /// # Errors
    /// What must be read to tell.
    pub fn of(view: &View<'_>) -> Result<Self, Needs> {
        let mut holders = Self::default();
        for (version, tag) in view.versions() {
            let Some(digest) = view.digest(tag)? else { continue };
            holders.add(version, digest);
        }
        Ok(holders)
    }

    /// Adds the next lower version.
    pub(crate) fn add(&mut self, version: Version, digest: Digest) {
        if version.is_release() {
            self.newest_released = self.newest_released.or(Some(digest));
            self.released.insert(digest);
        } else if version.is_birth() {
            self.births.entry(digest).or_insert(version);
        }
    }

    /// Whether lower versions would change nothing that is asked of these artifacts: their births, and that of the newest
    /// release, were seen.
    pub(crate) fn settled(&self, artifacts: &[Digest]) -> bool {
        let mut all = artifacts.iter().chain(self.newest_released.as_ref());
        all.all(|digest| self.births.contains_key(digest))
    }

    fn overtaken(&self, digest: Digest) -> bool {
        let newest = self.newest_released.filter(|newest| *newest != digest);
        newest.is_some_and(|newest| self.births.get(&newest) > self.births.get(&digest))
    }
}

impl Facts {
    /// What is known of the artifact.
    #[must_use]
    pub fn of(artifact: &Artifact, holders: &Holders, last: u8) -> Self {
        Self {
            handed_over: artifact.handed_over(),
            candidate: holders.births.contains_key(&artifact.digest),
            validated: (1..=last).all(|stage| artifact.mark(Mark::Stage(stage)).is_some()),
            withdrawn: !(1..=last).all(|stage| artifact.verdicts.has_evidence(stage)),
            released: holders.released.contains(&artifact.digest),
            rejected: artifact.verdicts.rejected(),
            overtaken: holders.overtaken(artifact.digest),
        }
    }

    /// Where that places it.
    #[must_use]
    pub const fn state(self) -> State {
        let Self { handed_over, candidate, validated, withdrawn, released, rejected, overtaken } = self;
        match (handed_over, candidate, validated, released, rejected, overtaken) {
            // What was shown no longer counts: it waits again.
            (true, true, true, false, false, false) if withdrawn => State::Candidate,
            // A rejection outranks everything else that can be said.
            (_, _, _, _, true, _) => State::Rejected,
            (false, false, false, false, false, _) => State::Pushed,
            (true, false, false, false, false, _) => State::Orphaned,
            (true, true, _, false, false, true) => State::Superseded,
            (true, true, false, false, false, false) => State::Candidate,
            (true, true, true, false, false, false) => State::Validated,
            (true, true, true, true, false, true) => State::Superseded,
            (true, true, true, true, false, false) => State::Released,
            // Evidence or a release without hand-over or birth; a release without evidence; a candidate made by hand.
            (false, true, _, _, false, _)
            | (false, false, true, _, false, _)
            | (false, false, false, true, false, _)
            | (true, false, true, _, false, _)
            | (true, false, false, true, false, _)
            | (true, true, false, true, false, _) => State::Impossible,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pushed => "pushed",
            Self::Orphaned => "orphaned",
            Self::Candidate => "candidate",
            Self::Validated => "validated",
            Self::Released => "released",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
            Self::Impossible => "impossible",
        })
    }
}
