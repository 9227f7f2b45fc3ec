//! Config proofs: whether each stage's constraint and filter select exactly what the rules mean for it.
//!
//! A constraint's answer can change only next to a version that it names, so a finite set of witnesses around those
//! versions (and the pipeline's own forms of them) decides it; filters are judged by the same witnesses.
//!
//! ```
//! use promotion_core::policy::{Policy, Spec};
//! use promotion_core::proofs::prove;
//!
//! assert!(prove(&Policy::default()).iter().all(|finding| finding.reason.id() == "stage-crosses-majors"));
//! let mut spec = Spec::default();
//! spec.stages.0[1].semver = Some(">= 0.0.0".into());
//! let findings = prove(&Policy::new(spec)?);
//! assert!(findings.iter().any(|finding| finding.reason.id() == "stage-cannot-select"));
//! # Ok::<(), promotion_core::policy::PolicyError>(())
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::policy::Policy;
use crate::reason::{Finding, Reason};
use crate::version::{Base, Level, Number, Rank, Version};

/// Everything that is wrong with a policy's constraints and filters; per stage at most one witness of each kind, the lowest.
#[must_use]
pub fn prove(policy: &Policy) -> Vec<Finding> {
    let bases = witnesses(policy);
    let mut findings = Vec::new();
    findings.extend(no_room(policy));
    for (stage, index) in policy.stages().iter().zip(0u8..) {
        let name = || stage.name.clone();
        let accepted = |version: &Version| stage.accepts(policy.version_tag(version).as_str());
        let admitted =
            |version: &Version| Some(String::from(policy.version_tag(version))).filter(|_| accepted(version));
        if let Some(witness) = lower_label(policy, &bases, index) {
            findings.push(Finding::error(Reason::StageSelectsLowerLabel { stage: name(), witness }));
        }
        // What the pipeline writes for the stage must be visible, at every base of the line.
        let in_line = bases.iter().filter(|base| policy.in_line(**base));
        let own = in_line.flat_map(|base| own_forms(policy, *base, index)).chain(
            named(policy).filter(|version| policy.in_line(version.base) && version.stage(policy.last()) == index),
        );
        if let Some(hidden) = own.into_iter().find(|version| !accepted(version)) {
            let witness = String::from(policy.version_tag(&hidden));
            findings.push(Finding::error(Reason::StageCannotSelect { stage: name(), witness }));
        }
        if index == policy.last() {
            let beyond = bases.iter().filter(|base| !policy.in_line(**base)).map(|base| Version::release(*base));
            if let Some(witness) = beyond.into_iter().find_map(|version| admitted(&version)) {
                findings.push(Finding::warning(Reason::StageBeyondLine { stage: name(), witness }));
            }
            if accepted(&Version::release(Base::new(u64::MAX, 0, 0))) {
                findings.push(Finding::info(Reason::StageCrossesMajors { stage: name() }));
            }
        }
    }
    findings
}

/// A build raises the first version, and a lifted artifact its patch: neither may leave the line.
fn no_room(policy: &Policy) -> Option<Finding> {
    let (initial, line) = (policy.initial(), policy.spec().versions.line.clone()?);
    let raised = [policy.bump(), Level::Patch].into_iter().filter_map(|level| initial.bump(level));
    let version = raised.into_iter().find(|version| !policy.in_line(*version))?;
    Some(Finding::error(Reason::RaiseOutsideLine { initial, version, line }))
}

/// What the stages before have not validated must stay invisible, whatever its base.
fn lower_label(policy: &Policy, bases: &[Base], stage: u8) -> Option<String> {
    let rules = policy.stages().get(usize::from(stage))?;
    let forms = bases.iter().flat_map(|base| (0..stage).flat_map(|label| forms(*base, label)));
    let named = named(policy).filter(|version| version.stage(policy.last()) < stage);
    let tags = forms.chain(named).map(|version| String::from(policy.version_tag(&version)));
    tags.into_iter().find(|tag| rules.accepts(tag))
}

/// The first stage that could select what no stage before it has validated, with a witness.
pub(crate) fn unsound(policy: &Policy) -> Option<(String, String)> {
    let bases = witnesses(policy);
    let stages = policy.stages().iter().zip(0u8..);
    stages.into_iter().find_map(|(stage, index)| Some((stage.name.clone(), lower_label(policy, &bases, index)?)))
}

/// Versions of ours that a constraint names itself, and those whose numbers are next to it.
fn named(policy: &Policy) -> impl Iterator<Item = Version> {
    let mut found = Vec::new();
    for stage in policy.stages() {
        for version in stage.constraint.boundaries() {
            let Some(Version { base, rank: Rank::Candidate { stage, number } }) = policy.parse_version(version.text())
            else {
                continue;
            };
            let (number, form): (u64, fn(u64) -> Number) = match number {
                Number::Nth(n) => (n, Number::Nth),
                Number::Rebase(k) => (k, Number::Rebase),
            };
            let near = [number.checked_sub(1).filter(|n| *n > 0), Some(number), number.checked_add(1)];
            found.extend(near.into_iter().flatten().map(|number| Version::candidate(base, stage, form(number))));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter()
}

/// Numbers of one digit and of more: a filter may count them.
const NUMBERS: [u64; 3] = [1, 10, 1000];

fn forms(base: Base, label: u8) -> Vec<Version> {
    let numbers = NUMBERS.map(Number::Rebase).into_iter().chain(NUMBERS.map(Number::Nth));
    numbers.map(|number| Version::candidate(base, label, number)).collect()
}

fn own_forms(policy: &Policy, base: Base, stage: u8) -> Vec<Version> {
    if stage == policy.last() {
        alloc::vec![Version::release(base)]
    } else if stage == 0 {
        forms(base, 0)
    } else {
        // Later labels are only ever numbered; re-bases belong to the first.
        NUMBERS.map(|number| Version::candidate(base, stage, Number::Nth(number))).to_vec()
    }
}

/// Bases at and next to every version that a constraint or the line names, and the ends of the range.
fn witnesses(policy: &Policy) -> Vec<Base> {
    let mut bases = alloc::vec![Base::new(0, 0, 0), policy.initial(), Base::new(u64::MAX, 0, 0)];
    let constraints = policy.stages().iter().map(|stage| &stage.constraint).chain(policy.line());
    for version in constraints.flat_map(|constraint| constraint.boundaries().collect::<Vec<_>>()) {
        let Some(named) = base_of(version.text()) else { continue };
        bases.push(named);
        for major in around(named.major) {
            bases.extend([Base::new(major, 0, 0), Base::new(major, named.minor, named.patch)]);
        }
        for minor in around(named.minor) {
            bases.extend([Base::new(named.major, minor, 0), Base::new(named.major, minor, named.patch)]);
        }
        bases.extend(around(named.patch).map(|patch| Base::new(named.major, named.minor, patch)));
    }
    bases.sort_unstable();
    bases.dedup();
    bases
}

fn around(number: u64) -> impl Iterator<Item = u64> {
    [number.checked_sub(1), Some(number)].into_iter().chain(NUMBERS.map(|more| number.checked_add(more))).flatten()
}

/// The base of a version as a constraint names it: loosely written, perhaps with fewer parts.
fn base_of(text: &str) -> Option<Base> {
    let core = text.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse().ok());
    let base = Base::new(parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    debug_assert!(parts.next().is_none(), "{}", text.to_string());
    Some(base)
}
