//! A pipeline of three stages with its own words in tags.
//!
//! ```
//! use verify_your_own::pipeline::policy;
//!
//! let names: Vec<_> = policy().unwrap().stages().iter().map(|stage| stage.name.clone()).collect();
//! assert_eq!(names, ["qa", "staging", "production"]);
//! ```

use promotion_core::evidence::EvidenceKind;
use promotion_core::policy::{GateSpec, Policy, PolicyError, SourceKind, Spec, StageSpec};

/// `qa` selects `2.0.0-beta.N`, `staging` selects `2.0.0-rc.N`, `production` selects `2.0.0`.
///
/// # Errors
/// None; a pipeline that is read from a file may be wrong.
pub fn policy() -> Result<Policy, PolicyError> {
    let mut spec = Spec::default();
    spec.versions.initial = "2.0.0".into();
    spec.versions.line = Some(">= 2.0.0 < 3.0.0".into());
    spec.tags.commit = "git-{short}".into();
    spec.tags.short = 8;
    spec.stages.0 = vec![
        stage("qa", ">= 2.0.0-0 < 3.0.0", Some(r"^\d+\.\d+\.\d+(-beta\.[\d.]+|-rc\.[\d.]+)?$"), Some("beta")),
        stage("staging", ">= 2.0.0-0 < 3.0.0", Some(r"^\d+\.\d+\.\d+(-rc\.[\d.]+)?$"), Some("rc")),
        stage("production", ">= 2.0.0 < 3.0.0", None, None),
    ];
    Policy::new(spec)
}

/// What leaves a stage was deployed there and checked for half an hour at most before.
fn stage(name: &str, semver: &str, filter: Option<&str>, label: Option<&str>) -> StageSpec {
    StageSpec {
        name: name.into(),
        source: SourceKind::Oci,
        semver: Some(semver.into()),
        filter: filter.map(Into::into),
        mark: Some(format!("for-{name}-{{short}}")),
        label: label.map(Into::into),
        gate: GateSpec {
            evidence: vec![EvidenceKind::Kustomization, EvidenceKind::Canary],
            fresh: Some("30m".into()),
            verdict_deadline: None,
        },
    }
}
