//! Audit: every invariant against the repository as it is. Reads everything, changes nothing.
//!
//! ```
//! use promotion_core::audit::audit;
//! use promotion_core::policy::Policy;
//! use promotion_core::snapshot::{Query, Reply, Snapshot};
//! use promotion_core::{Digest, Tag};
//!
//! let (policy, artifact) = (Policy::default(), Digest::of(b"manifest"));
//! let release: Tag = "1.0.0".parse()?;
//! let mut snapshot = Snapshot::new(&policy, &[release.clone()]);
//! snapshot.learn(Query::Tag(release), Reply::Digest(Some(artifact)));
//! snapshot.learn(Query::Manifest(artifact), Reply::Manifest(Some(Default::default())));
//! let ids: Vec<_> = audit(&snapshot, &policy).unwrap().iter().map(|finding| finding.reason.id()).collect();
//! assert_eq!(ids, ["release-without-candidate", "release-without-evidence"]);
//! # Ok::<(), promotion_core::TagError>(())
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::artifact::{Artifact, View};
use crate::converge::{self, Stop, is_stripped_candidate};
use crate::policy::Policy;
use crate::proofs::prove;
use crate::reason::{Finding, Reason, Severity};
use crate::scheme::{Kind, Mark};
use crate::snapshot::{Needs, Snapshot, flux_order};
use crate::version::Version;
use crate::{Digest, Tag};

/// Everything that is wrong, errors first; within a severity in the order of the model.
///
/// # Errors
/// What must be read to tell: everything.
pub fn audit(snapshot: &Snapshot, policy: &Policy) -> Result<Vec<Finding>, Needs> {
    let view = View::new(snapshot, policy);
    view.require_everything()?;
    let mut findings = Vec::new();
    let mut artifacts = BTreeMap::new();
    for tag in snapshot.tags().filter(|tag| is_ours(policy, tag)) {
        let Some(digest) = snapshot.digest(tag)? else { continue };
        match view.artifact(digest)? {
            Some(artifact) => {
                artifacts.entry(digest).or_insert(artifact);
            }
            None => findings.push(Finding::error(Reason::DanglingTag { tag: tag.clone(), artifact: digest })),
        }
    }
    rules(&view, &mut findings)?;
    versions(&view, &artifacts, &mut findings)?;
    marks(&view, &artifacts, &mut findings)?;
    strangers(&view, &mut findings)?;
    findings.extend(prove(policy).into_iter().filter(|finding| finding.severity > Severity::Info));
    // What two rules find is told once, as the graver.
    findings.sort_by(|a, b| a.reason.cmp(&b.reason).then_with(|| b.severity.cmp(&a.severity)));
    findings.dedup_by(|a, b| a.reason.cmp(&b.reason).is_eq());
    findings.sort_by_key(|finding| Reverse(finding.severity));
    Ok(findings)
}

fn is_ours(policy: &Policy, tag: &Tag) -> bool {
    matches!(policy.classify(tag.as_str()), Kind::Version(_) | Kind::Mark(_))
}

/// R1 and R2, and what holds them back.
fn rules(view: &View<'_>, findings: &mut Vec<Finding>) -> Result<(), Needs> {
    match converge::rules(view.snapshot(), view.policy()) {
        Err(Stop::Needs(needs)) => return Err(needs),
        Err(Stop::Refused(refusal)) => findings.push(Finding::error(refusal.reason)),
        // A rule that is held back is not broken: it is reported by the reason that holds it.
        Ok(plan) => {
            findings.extend(plan.findings);
            if plan.actions.is_empty() {
                return Ok(());
            }
        }
    }
    let (policy, mut held) = (view.policy(), Vec::new());
    for finding in findings.iter() {
        if let Reason::HeldByNewer { stage, .. } | Reason::HeldByHandMade { stage, .. } = &finding.reason {
            held.push(stage.clone());
        }
    }
    for (stage, index) in policy.stages().iter().zip(0..).filter(|(stage, _)| !held.contains(&stage.name)) {
        let newest = match index {
            0 => view.newest(|_, verdicts| !verdicts.rejected())?,
            index => view.newest(|_, verdicts| verdicts.admitted(index))?,
        };
        let Some(newest) = newest.map(|newest| view.artifact(newest.digest)).transpose()?.flatten() else { continue };
        let selected = view.selected(index)?;
        if selected.as_ref().is_some_and(|(_, _, digest)| *digest == newest.digest) {
            continue;
        }
        let (name, selected) = (stage.name.clone(), selected.map(|(_, tag, _)| tag));
        findings.push(Finding::error(match newest.mark(Mark::Stage(index)) {
            _ if index == 0 => Reason::NewestNotSelected { stage: name, newest: newest.digest, selected },
            Some(mark) if index == policy.last() => {
                Reason::HalfPromoted { artifact: newest.digest, mark: policy.mark_tag(mark) }
            }
            _ => Reason::ValidatedNotSelected { stage: name, newest: newest.digest, selected },
        }));
    }
    Ok(())
}

/// Versions that no run of the pipeline writes.
fn versions(view: &View<'_>, artifacts: &BTreeMap<Digest, Artifact>, findings: &mut Vec<Finding>) -> Result<(), Needs> {
    let mut born = BTreeSet::new();
    let live = view.selected(view.policy().last())?.map(|(version, _, _)| version);
    for (version, tag) in view.versions() {
        let Some(digest) = view.digest(tag)? else { continue };
        let Some(artifact) = artifacts.get(&digest) else { continue };
        let stage = version.stage(view.policy().last());
        let (tag, artifact_digest) = (tag.clone(), digest);
        if version.is_birth() {
            born.insert(digest);
        }
        if stage == 0 && !artifact.handed_over() {
            findings.push(Finding::warning(Reason::CandidateWithoutHandOver { tag, artifact: artifact_digest }));
            continue;
        }
        if stage > 0 && !is_stripped_candidate(view, &version, digest)? {
            let reason = Reason::ReleaseWithoutCandidate { tag: tag.clone(), artifact: artifact_digest };
            findings.push(if_selected(version, live, reason));
        }
        // A verdict withdrawn later does not make the release wrong at its time.
        if (1..=stage).any(|stage| artifact.mark(Mark::Stage(stage)).is_none()) {
            let reason = Reason::ReleaseWithoutEvidence { tag, artifact: artifact_digest };
            findings.push(if_selected(version, live, reason));
        }
    }
    for artifact in
        artifacts.values().filter(|artifact| !born.contains(&artifact.digest) && !artifact.verdicts.rejected())
    {
        if let Some(mark) = artifact.mark(Mark::Stage(0)) {
            let mark = view.policy().mark_tag(mark);
            findings.push(Finding::warning(Reason::Orphan { artifact: artifact.digest, mark }));
        }
    }
    Ok(())
}

/// A wrong release is an error while live may select it; below that it is history that nobody can change.
fn if_selected(version: Version, live: Option<Version>, reason: Reason) -> Finding {
    if live.is_some_and(|live| version < live) { Finding::info(reason) } else { Finding::error(reason) }
}

/// Marks that count for nothing, or for an artifact that was never handed over.
fn marks(view: &View<'_>, artifacts: &BTreeMap<Digest, Artifact>, findings: &mut Vec<Finding>) -> Result<(), Needs> {
    let mut unannotated: Vec<(Digest, String, &Tag)> = Vec::new();
    for tag in view.snapshot().tags() {
        let Kind::Mark(mark) = view.policy().classify(tag.as_str()) else { continue };
        let Some(digest) = view.digest(tag)? else { continue };
        let Some(artifact) = artifacts.get(&digest) else { continue };
        if !mark.key.means(&artifact.key, digest) {
            // An image without the annotation is keyed by its digest, and its commit tag by what the builder said.
            if mark.mark == Mark::Commit && artifact.commit.is_none() {
                unannotated.push((digest, mark.key.hex, tag));
                continue;
            }
            let commit = artifact.commit.clone();
            findings.push(Finding::error(Reason::MarkOfAnotherCommit { mark: tag.clone(), artifact: digest, commit }));
        } else if matches!(mark.mark, Mark::Stage(1..)) && !artifact.handed_over() {
            let reason = Reason::EvidenceWithoutHandOver { mark: tag.clone(), artifact: digest };
            findings.push(Finding::error(reason));
        }
    }
    unannotated.sort_by_key(|(artifact, _, _)| *artifact);
    for commits in unannotated.chunk_by(|a, b| a.0 == b.0) {
        let Some(((artifact, first, _), rest)) = commits.split_first() else { continue };
        let same = |hex: &String| hex.starts_with(first) || first.starts_with(hex);
        findings.extend(rest.iter().filter(|(_, hex, _)| !same(hex)).map(|(_, _, mark)| {
            Finding::warning(Reason::MarkOfAnotherCommit { mark: (*mark).clone(), artifact: *artifact, commit: None })
        }));
    }
    Ok(())
}

/// Every stranger that a stage would prefer to our own choice, not only the highest.
fn strangers(view: &View<'_>, findings: &mut Vec<Finding>) -> Result<(), Needs> {
    for (stage, index) in view.policy().stages().iter().zip(0..) {
        let ours = view.selected(index)?.map(|(_, tag, _)| tag);
        let accepted = view.snapshot().strangers().iter().filter(|tag| stage.accepts(tag.as_str()));
        let above = accepted.take_while(|tag| ours.as_ref().is_none_or(|ours| flux_order(tag, ours).is_ge()));
        findings.extend(above.map(|tag| {
            let poison = Reason::PoisonTag { stage: stage.name.clone(), tag: tag.clone(), above: ours.clone() };
            Finding::warning(poison)
        }));
    }
    Ok(())
}
