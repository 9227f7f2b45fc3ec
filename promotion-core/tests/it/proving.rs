//! What is proved of a configuration: the very findings, with their witnesses.

use promotion_core::policy::{Policy, Spec};
use promotion_core::proofs::prove;
use promotion_core::reason::{Finding, Reason};

/// Findings of the default policy with other constraints, filters and line; `info` aside.
fn proved(change: impl Fn(&mut Spec)) -> Vec<Reason> {
    let mut spec = Spec::default();
    change(&mut spec);
    let crosses = |finding: &Finding| matches!(finding.reason, Reason::StageCrossesMajors { .. });
    let findings = prove(&Policy::new(spec).unwrap()).into_iter().filter(|finding| !crosses(finding));
    findings.map(|finding| finding.reason).collect()
}

fn integration(semver: &'static str) -> impl Fn(&mut Spec) {
    move |spec| spec.stages.0[1].semver = Some(semver.into())
}

fn live(semver: &'static str) -> impl Fn(&mut Spec) {
    move |spec| spec.stages.0[2].semver = Some(semver.into())
}

fn hidden(stage: &str, witness: &str) -> Reason {
    Reason::StageCannotSelect { stage: stage.into(), witness: witness.into() }
}

fn lower(stage: &str, witness: &str) -> Reason {
    Reason::StageSelectsLowerLabel { stage: stage.into(), witness: witness.into() }
}

#[test]
fn the_default_is_sound_and_its_last_stage_crosses_majors() {
    assert_eq!(prove(&Policy::default()), [Finding::info(Reason::StageCrossesMajors { stage: "live".into() })]);
    assert_eq!(proved(live(">= 0.0.0, < 18446744073709551615.0.0")), [hidden("live", "18446744073709551615.0.0")]);
}

#[test]
fn what_a_constraint_names_itself_is_tried() {
    assert_eq!(proved(integration(">= 0.0.0-0, != 1.2.3-rc.7")), [hidden("integration", "1.2.3-rc.7")]);
    assert_eq!(proved(live(">= 0.0.0 || 1.2.3-rc.7")), [lower("live", "1.2.3-rc.7")]);
    // Naming one opens the whole group to candidates; that this one stays hidden is no flaw of the last stage.
    assert_eq!(proved(live(">= 0.0.0, != 1.2.3-rc.7")), [lower("live", "0.0.1-rc.0.1")]);
    assert_eq!(proved(integration(">= 0.0.0-0, != 1.2.3-rc.0.7")), [hidden("integration", "1.2.3-rc.0.7")]);
}

#[test]
fn what_is_outside_the_line_need_not_be_selected() {
    let with_line = |semver: &'static str| {
        proved(move |spec: &mut Spec| {
            spec.versions.line = Some(">= 0.0.0, < 1.0.0".into());
            integration(semver)(spec);
        })
    };
    let beyond = |found: &[Reason]| {
        found.iter().filter(|reason| matches!(reason, Reason::StageBeyondLine { stage, .. } if stage == "live")).count()
    };
    let found = with_line(">= 0.0.0-0, != 1.2.3-rc.7");
    assert_eq!((found.len(), beyond(&found)), (1, 1), "{found:?}");
    let found = with_line(">= 0.0.0-0, != 0.2.3-rc.7");
    assert!(found.contains(&hidden("integration", "0.2.3-rc.7")), "{found:?}");
}

#[test]
fn the_numbers_next_to_a_named_one_are_tried_and_zero_is_none() {
    let filtered = |semver: &'static str, filter: &'static str| {
        proved(move |spec: &mut Spec| {
            integration(semver)(spec);
            spec.stages.0[1].filter = Some(filter.into());
        })
    };
    // A filter without 4, whose digits 1, 10 and 1000 pass.
    let without_four = r"(-rc\.([0-35-9]|[0-9]{2,}|0\.[0-9]+)|^[0-9.]+)$";
    assert_eq!(filtered(">= 0.0.0-0", without_four), [], "nobody names it");
    assert_eq!(filtered(">= 0.0.0-0, != 1.2.3-rc.5", without_four), [hidden("integration", "1.2.3-rc.4")]);
    assert_eq!(filtered(">= 0.0.0-0, != 1.2.3-rc.3", without_four), [hidden("integration", "1.2.3-rc.3")]);
    assert_eq!(filtered(">= 0.0.0-0 || 1.2.3-rc.3", without_four), [hidden("integration", "1.2.3-rc.4")]);
    assert_eq!(proved(integration(">= 0.0.0-0, != 1.2.3-rc.0 || 1.2.3-rc.1")), [], "rc.0 is no candidate of ours");
}
