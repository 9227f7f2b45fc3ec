//! Policies as people write them: two to four stages, labels, constraints, filters, lines, marks and gates.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::evidence::EvidenceKind;
use crate::policy::{GateSpec, Policy, SourceKind, Spec, StageSpec, TagsSpec, VersionsSpec};
use crate::proofs::prove;
use crate::reason::Severity;
use crate::version::{Base, Level};

/// Every label sorts after the one before it.
const LABELS: [&str; 5] = ["alpha", "beta", "build-x", "rc", "z"];
const NAMES: [&str; 5] = ["dev", "integration", "qa", "staging", "live"];

/// Policies that are well-formed; their proofs may fail.
pub fn policies() -> impl Strategy<Value = Policy> {
    specs().prop_filter_map("not well-formed", |spec| Policy::new(spec).ok())
}

/// Policies whose proofs find nothing wrong: what a pipeline may run with.
pub fn proved_policies() -> impl Strategy<Value = Policy> {
    policies()
        .prop_filter("a proof fails", |policy| prove(policy).iter().all(|finding| finding.severity < Severity::Error))
}

/// Specs, most of which are policies, and most of these sound.
pub fn specs() -> impl Strategy<Value = Spec> {
    (versions(), tags(), 2..=4_usize).prop_flat_map(|(versions, tags, count)| {
        let names = subsequence(&NAMES[..], count);
        let labels = subsequence(&LABELS[..], count - 1);
        let stages = (names, labels, prop::bool::ANY).prop_flat_map({
            let versions = versions.clone();
            move |(names, labels, filters)| stages(&versions, &names, &labels, filters)
        });
        stages.prop_map(move |stages| {
            let mut spec = Spec { versions: versions.clone(), tags: tags.clone(), ..Spec::default() };
            spec.stages.0 = stages;
            spec
        })
    })
}

fn versions() -> impl Strategy<Value = VersionsSpec> {
    let level = select(vec![Level::Patch, Level::Minor, Level::Major]);
    (0..3_u64, 0..3_u64, 0..3_u64, 0..4_u8, level).prop_map(|(major, minor, patch, line, bump)| {
        let line = match line {
            0 => Some(format!(">= {major}.{minor}.0 < {major}.{}.0", minor + 1)),
            1 => Some(format!(">= {major}.0.0 < {}.0.0", major + 1)),
            _ => None,
        };
        // A line is left by what a raise reaches beyond it.
        let bump = if line.is_some() { Level::Patch } else { bump };
        VersionsSpec { initial: Base::new(major, minor, patch).to_string(), bump, label: "rc".into(), line }
    })
}

fn tags() -> impl Strategy<Value = TagsSpec> {
    let commit = select(vec!["sha-{short}", "git-{short}", "commit-of-{short}"]);
    (commit, select(vec![7_usize, 8, 40])).prop_map(|(commit, short)| TagsSpec { commit: commit.into(), short })
}

fn stages(
    versions: &VersionsSpec,
    names: &[&'static str],
    labels: &[&'static str],
    filters: bool,
) -> impl Strategy<Value = Vec<StageSpec>> + use<> {
    let line = versions.line.clone();
    let (names, labels) = (names.to_vec(), labels.to_vec());
    let each = names.into_iter().enumerate().map(move |(index, name)| {
        let label = labels.get(index).map(ToString::to_string);
        let (semver, filter) = follows(line.as_deref(), &labels, index, filters);
        let odd = prop_oneof![12 => Just(None), 1 => odd_constraints().prop_map(Some)];
        (gate(), any::<bool>(), odd).prop_map(move |(gate, mark, odd)| StageSpec {
            name: name.into(),
            source: SourceKind::Oci,
            semver: Some(odd.unwrap_or_else(|| semver.clone())),
            filter: filter.clone(),
            mark: mark.then(|| format!("to-{name}-{{short}}")),
            label: label.clone(),
            gate,
        })
    });
    each.collect::<Vec<_>>()
}

/// The constraint and filter with which a stage sees its own label, the later ones and releases, and nothing else.
fn follows(line: Option<&str>, labels: &[&str], index: usize, filters: bool) -> (String, Option<String>) {
    let released = line.unwrap_or(">= 0.0.0");
    if index == labels.len() {
        return (released.into(), None);
    }
    // A lower bound that is a pre-release admits pre-releases; an upper one must not.
    let semver = released.split_once(' ').map(|(_, bound)| match bound.split_once(" < ") {
        Some((low, high)) => format!(">= {low}-0 < {high}-0"),
        None => format!(">= {bound}-0"),
    });
    let seen = labels.get(index..).unwrap_or_default().join("|");
    // The first stage needs no filter: there is nothing below it.
    let filter = (index > 0 || filters).then(|| format!(r"^\d+\.\d+\.\d+(-({seen})\.[\d.]+)?$"));
    (semver.unwrap_or_else(|| released.into()), filter)
}

/// What somebody might write by mistake.
fn odd_constraints() -> impl Strategy<Value = String> {
    select(vec![">= 1.0.0", ">= 0.0.0", "*", ">= 0.0.0-0", "< 2.0.0", "1.x", ">= 1.2.0-rc.1", "~1.2"])
        .prop_map(Into::into)
}

fn gate() -> impl Strategy<Value = GateSpec> {
    let kinds = vec![
        EvidenceKind::Kustomization,
        EvidenceKind::HelmRelease,
        EvidenceKind::Canary,
        EvidenceKind::Analysis,
        EvidenceKind::Manual,
    ];
    let fresh = select(vec![None, Some("1m"), Some("1h"), Some("240h")]);
    (subsequence(kinds, 0..3), fresh).prop_map(|(evidence, fresh)| GateSpec {
        evidence,
        fresh: fresh.map(Into::into),
        verdict_deadline: None,
    })
}
