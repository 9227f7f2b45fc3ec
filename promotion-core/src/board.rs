//! The board: what every stage selects, and what waits.
//!
//! ```
//! use promotion_core::board::board;
//! use promotion_core::policy::Policy;
//! use promotion_core::snapshot::Snapshot;
//!
//! let policy = Policy::default();
//! let board = board(&Snapshot::new(&policy, &[]), &policy).unwrap();
//! assert_eq!(board.stages.len(), 2);
//! assert!(board.stages.iter().all(|stage| stage.selects.is_none()));
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use crate::artifact::{Artifact, View, ahead};
use crate::cluster::Observed;
use crate::converge::{Stop, is_stripped_candidate, rules};
use crate::lifecycle::{Facts, Holders, State};
use crate::policy::Policy;
use crate::proofs::prove;
use crate::reason::{Finding, Reason, Severity};
use crate::scheme::Kind;
use crate::snapshot::{Needs, Snapshot};
use crate::verdicts::Verdicts;
use crate::version::Version;
use crate::{Commit, Digest, Tag};

/// What every stage selects, and what waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Board {
    /// The stages, first to last.
    pub stages: Vec<StageRow>,
    /// Candidates younger than what the last stage selects, youngest first, without the rejected ones.
    pub pending: Vec<Pending>,
    /// Writes that a repair would do: half-done work.
    pub unfinished: Vec<Unfinished>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageRow {
    /// Its name.
    pub name: String,
    /// Its constraint.
    pub constraint: String,
    /// The highest of our versions that its cluster considers.
    pub selects: Option<Selected>,
    /// What its cluster says that it runs, where it was asked and said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
}

/// What a stage's cluster runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// The tag that it was found by.
    pub tag: Option<Tag>,
    /// The manifest.
    pub digest: Digest,
    /// Whether all of it is ready.
    pub ready: bool,
}

/// What a stage selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// The tag.
    pub tag: Tag,
    /// What it points at.
    pub digest: Digest,
    /// The commit it was built from.
    pub commit: Option<Commit>,
}

/// An artifact that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Its youngest candidate.
    pub candidate: Tag,
    /// Its digest.
    pub digest: Digest,
    /// Its commit.
    pub commit: Option<Commit>,
    /// The furthest stage it may run in.
    pub admitted: String,
}

/// A write that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// The tag.
    pub tag: Tag,
    /// What it should point at.
    pub digest: Digest,
    /// What it is for.
    pub why: String,
}

/// Reads the board. The cost is the number of candidates above what the last stage selects.
///
/// # Errors
/// What must be read to tell.
pub fn board(snapshot: &Snapshot, policy: &Policy) -> Result<Board, Needs> {
    let view = View::new(snapshot, policy);
    let mut stages = Vec::new();
    for (stage, index) in policy.stages().iter().zip(0..) {
        let selects = match view.selected(index)? {
            None => None,
            Some((_, tag, digest)) => Some(Selected { tag, digest, commit: commit(&view, digest)? }),
        };
        stages.push(StageRow {
            name: stage.name.clone(),
            constraint: stage.constraint.to_string(),
            selects,
            runs: None,
        });
    }
    let running = stages.last().and_then(|stage| stage.selects.as_ref()).map(|selected| selected.digest);
    let pending = pending(&view, running)?;
    let (unfinished, findings) = match rules(snapshot, policy) {
        Err(Stop::Needs(needs)) => return Err(needs),
        Err(Stop::Refused(refusal)) => (Vec::new(), alloc::vec![Finding::error(refusal.reason)]),
        Ok(plan) => {
            let missing = plan.actions.into_iter();
            let row = missing.map(|action| Unfinished {
                tag: action.tag,
                digest: action.digest,
                why: action.why.to_string(),
            });
            (row.collect(), plan.findings)
        }
    };
    let mut findings: Vec<Finding> = findings;
    findings.extend(prove(policy).into_iter().filter(|finding| finding.severity == Severity::Error));
    Ok(Board { stages, pending, unfinished, findings })
}

impl Board {
    /// Adds what clusters say: what each stage runs of this repository, and what is wrong there.
    pub fn observe(&mut self, repository: &str, observed: &[Observed]) {
        for observed in observed {
            let Some(row) = self.stages.iter_mut().find(|row| row.name == observed.site.stage) else { continue };
            let troubles = [
                observed.source_trouble(&row.constraint).or_else(|| observed.follows_another(repository)),
                observed.not_running(),
                observed.unready_release(false),
            ];
            let troubles: Vec<_> = troubles.into_iter().flatten().chain(observed.unhealthy_canary(false)).collect();
            row.runs = observed.kustomization.1.as_ref().known().and_then(|found| {
                let applied = found.applied.as_ref()?;
                let ready = observed.not_running().is_none() && observed.unready_release(false).is_none();
                Some(Runs { tag: applied.tag.clone(), digest: applied.digest, ready })
            });
            self.findings.extend(troubles.into_iter().map(|trouble| Finding::warning(Reason::from(trouble))));
        }
    }
}

fn pending(view: &View<'_>, running: Option<Digest>) -> Result<Vec<Pending>, Needs> {
    let mut pending = Vec::new();
    let mut seen = BTreeSet::new();
    // Below a release that no birth leads to, everything is older than it.
    let by_hand = match view.selected(view.policy().last())? {
        Some((version, _, digest)) if !is_stripped_candidate(view, &version, digest)? => Some(version),
        _ => None,
    };
    for (passed, (birth, tag)) in view.births().enumerate() {
        if by_hand.is_some_and(|version| birth < version) {
            break;
        }
        let known = match view.tagged(tag) {
            Ok(known) => known,
            Err(needs) => return Err(view.ahead(needs, passed, |tag| view.tagged(tag).err())),
        };
        let Some((digest, verdicts)) = known else { continue };
        if Some(digest) == running {
            break;
        }
        let Some(verdicts) = verdicts.filter(|_| seen.insert(digest)) else { continue };
        if !verdicts.rejected() {
            let admitted = furthest(view, &verdicts);
            pending.push(Pending { candidate: tag.clone(), digest, commit: commit(view, digest)?, admitted });
        }
    }
    Ok(pending)
}

/// The commit that an artifact was built from.
fn commit(view: &View<'_>, digest: Digest) -> Result<Option<Commit>, Needs> {
    Ok(view.manifest(digest)?.and_then(|facts| Some(facts.revision.as_ref()?.commit.clone())))
}

fn furthest(view: &View<'_>, verdicts: &Verdicts) -> String {
    let stages = view.policy().stages().iter().zip(0..);
    let admitted = stages.take_while(|(_, index)| verdicts.admitted(*index)).last();
    admitted.map(|(stage, _)| stage.name.clone()).unwrap_or_default()
}

/// One artifact with everything that points at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArtifactRow {
    /// Its digest.
    pub digest: Digest,
    /// Its commit.
    pub commit: Option<Commit>,
    /// Where it stands.
    pub state: State,
    /// Its versions, highest first.
    pub versions: Vec<Tag>,
    /// Its marks, in byte order.
    pub marks: Vec<Tag>,
    /// When it was built, as its manifest says.
    pub created: Option<String>,
}

/// Every artifact with a tag of ours, newest version first, those without a version last by digest.
///
/// # Errors
/// What must be read to tell: everything.
pub fn artifacts(snapshot: &Snapshot, policy: &Policy) -> Result<Vec<ArtifactRow>, Needs> {
    let view = View::new(snapshot, policy);
    view.require_everything()?;
    let mut versions = Versions::default();
    for (version, tag) in view.versions() {
        if let Some(digest) = view.digest(tag)? {
            versions.add(version, tag, digest);
        }
    }
    for tag in snapshot.tags().filter(|tag| matches!(policy.classify(tag.as_str()), Kind::Mark(_))) {
        if let Some(digest) = snapshot.digest(tag)? {
            versions.marks.entry(digest).or_default().push(tag.clone());
        }
    }
    let unversioned = versions.marks.keys().filter(|digest| !versions.tags.contains_key(digest));
    let digests: Vec<Digest> = versions.order.iter().chain(unversioned).copied().collect();
    rows(&view, &versions, &digests)
}

/// Which artifacts a listing is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All with a version.
    Versioned,
    /// Those with a release.
    Released,
    /// These.
    These(BTreeSet<Digest>),
}

/// The first `limit` of [`artifacts`] that are wanted, and whether the repository may have more of them. Reads what lies
/// above their births, not the whole repository.
///
/// # Errors
/// What must be read to tell.
pub fn newest_artifacts(
    snapshot: &Snapshot,
    policy: &Policy,
    wanted: &Wanted,
    limit: usize,
) -> Result<(Vec<ArtifactRow>, bool), Needs> {
    let view = View::new(snapshot, policy);
    let limit = match wanted {
        Wanted::These(these) => limit.min(these.len()),
        Wanted::Versioned | Wanted::Released => limit,
    };
    let (mut versions, mut found, mut more) = (Versions::default(), Vec::new(), false);
    for (passed, (version, tag)) in view.versions().enumerate() {
        if found.len() == limit && versions.holders.settled(&found) {
            more = true;
            break;
        }
        let digest = match view.digest(tag) {
            Ok(Some(digest)) => digest,
            Ok(None) => continue,
            Err(needs) => {
                return Err(ahead(needs, passed, view.versions().map(|(_, tag)| tag), |tag| view.digest(tag).err()));
            }
        };
        versions.add(version, tag, digest);
        let is_wanted = match wanted {
            Wanted::Versioned => true,
            Wanted::Released => version.is_release(),
            Wanted::These(these) => these.contains(&digest),
        };
        if is_wanted && !found.contains(&digest) {
            if found.len() < limit {
                found.push(digest);
            } else {
                more = true;
            }
        }
    }
    let more = more && !matches!(wanted, Wanted::These(these) if these.len() <= limit);
    Ok((rows(&view, &versions, &found)?, more))
}

/// Versions as they were passed on the way down.
#[derive(Debug, Default)]
struct Versions {
    order: Vec<Digest>,
    tags: BTreeMap<Digest, Vec<Tag>>,
    /// Every mark that points at it, if all were read; else those that can only mean it are shown.
    marks: BTreeMap<Digest, Vec<Tag>>,
    holders: Holders,
}

impl Versions {
    fn add(&mut self, version: Version, tag: &Tag, digest: Digest) {
        let tags = self.tags.entry(digest).or_default();
        if tags.is_empty() {
            self.order.push(digest);
        }
        tags.push(tag.clone());
        self.holders.add(version, digest);
    }
}

fn rows(view: &View<'_>, versions: &Versions, digests: &[Digest]) -> Result<Vec<ArtifactRow>, Needs> {
    let mut needs = Needs::default();
    let mut rows = Vec::new();
    for digest in digests {
        match view.artifact(*digest) {
            Ok(artifact) => rows.push(row(view, versions, *digest, artifact)?),
            Err(unknown) => needs.0.extend(unknown.0),
        }
    }
    if needs.0.is_empty() { Ok(rows) } else { Err(needs) }
}

fn row(view: &View<'_>, versions: &Versions, digest: Digest, artifact: Option<Artifact>) -> Result<ArtifactRow, Needs> {
    let tags = versions.tags.get(&digest).cloned().unwrap_or_default();
    let marks = versions.marks.get(&digest).cloned();
    let Some(artifact) = artifact else {
        let marks = marks.unwrap_or_default();
        return Ok(ArtifactRow {
            digest,
            commit: None,
            state: State::Impossible,
            versions: tags,
            marks,
            created: None,
        });
    };
    let state = Facts::of(&artifact, &versions.holders, view.policy().last()).state();
    let created = view.manifest(digest)?.and_then(|facts| facts.created.clone());
    let own = || artifact.marks.iter().map(|mark| view.policy().mark_tag(mark)).collect::<BTreeSet<Tag>>();
    let marks = marks.unwrap_or_else(|| own().into_iter().collect());
    Ok(ArtifactRow { digest, commit: artifact.commit, state, versions: tags, marks, created })
}
