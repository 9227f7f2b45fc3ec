//! Histories of a repository, step by step, with what each step wrote or why it did not.

use std::fmt::Write as _;

use promotion_core::executor::Outcome;
use promotion_core::plan::{Build, Goal, Promote};
use promotion_core::policy::{Policy, Spec};
use promotion_core::{Digest, Tag};

use crate::scene::{Scene, refusal_ids, three_stages};

/// `build a` makes the artifact of commit `aaaaaaa` known; the other words are goals about it. `again` nominates it once more,
/// `tag X a` is somebody's hand, `untag X` somebody's mistake.
fn tell(scene: &mut Scene, steps: &[&str]) -> String {
    let mut story = String::new();
    for step in steps {
        let words: Vec<&str> = step.split(' ').collect();
        let outcome = match words[..] {
            ["build", of] => {
                let artifact = artifact(scene, of);
                Some(scene.run(Goal::Build(Build::of(artifact))))
            }
            ["again", of] => {
                let artifact = artifact(scene, of);
                Some(scene.run(Goal::Build(Build { again: true, ..Build::of(artifact) })))
            }
            ["promote", of] => Some(promote(scene, of, None, None)),
            ["promote", of, "from", stage] => Some(promote(scene, of, Some(stage), None)),
            ["promote", of, "as", version] => Some(promote(scene, of, None, Some(version))),
            ["reject", of] => {
                let artifact = artifact(scene, of);
                Some(scene.reject(artifact))
            }
            ["reopen", of] => {
                let artifact = artifact(scene, of);
                Some(scene.run(Goal::Reopen { artifact, reason: "a mistake".into() }))
            }
            ["rollback", of] => {
                let to = artifact(scene, of);
                Some(scene.run(Goal::Rollback { to, only: false }))
            }
            ["rollback", "only", of] => {
                let to = artifact(scene, of);
                Some(scene.run(Goal::Rollback { to, only: true }))
            }
            ["repair"] => Some(scene.run(Goal::Repair)),
            ["stop", writes, "of", "promote", of] => {
                let artifact = artifact(scene, of);
                scene.crash_after(writes.parse().unwrap(), Goal::Promote(Scene::promotion(artifact)));
                None
            }
            ["tag", text, of] => {
                let artifact = artifact(scene, of);
                scene.put(text, artifact);
                None
            }
            ["untag", text] => {
                scene.registry.delete_tag(&crate::scene::tag(text)).unwrap();
                None
            }
            _ => panic!("what is {step:?}?"),
        };
        writeln!(story, "{step}: {}", outcome.map_or_else(|| "done".to_owned(), |outcome| told(&outcome))).unwrap();
        let selected = (0..=scene.policy.last()).map(|stage| selects(scene, stage)).collect::<Vec<_>>();
        writeln!(story, "    {}", selected.join(" | ")).unwrap();
    }
    story
}

/// The artifact of a commit that is one letter, again and again.
fn artifact(scene: &mut Scene, letter: &str) -> Digest {
    scene.artifact(&letter.repeat(7), letter)
}

fn promote(scene: &mut Scene, of: &str, stage: Option<&str>, version: Option<&str>) -> Outcome {
    let artifact = artifact(scene, of);
    let version = version.map(|version| version.parse().unwrap());
    scene.run(Goal::Promote(Promote { stage: stage.map(Into::into), version, ..Scene::promotion(artifact) }))
}

fn told(outcome: &Outcome) -> String {
    let written: Vec<&str> = outcome.writes.iter().map(|write| write.tag.as_str()).collect();
    let kind = serde_json::to_value(outcome.kind).unwrap();
    let mut told = format!("{} {}", kind.as_str().unwrap(), written.join(", "));
    for id in refusal_ids(outcome) {
        write!(told, " !{id}").unwrap();
    }
    for warning in &outcome.warnings {
        write!(told, " ?{}", warning.reason.id()).unwrap();
    }
    told
}

/// The tag that a stage selects, with the letter of its artifact.
fn selects(scene: &Scene, stage: u8) -> String {
    let Some(digest) = scene.selects(stage) else { return "-".to_owned() };
    let name = |tag: &Tag| {
        let at = scene.registry.digest(tag);
        scene.policy.stages()[usize::from(stage)].accepts(tag.as_str()) && at == Some(digest)
    };
    let mut tags: Vec<_> = scene
        .registry
        .tags()
        .keys()
        .filter(|tag| name(tag))
        .filter_map(|tag| match scene.policy.classify(tag.as_str()) {
            promotion_core::scheme::Kind::Version(version) => Some((version, tag)),
            _ => None,
        })
        .collect();
    tags.sort();
    tags.last().map_or_else(|| "?".to_owned(), |(_, tag)| tag.to_string())
}

fn default(steps: &[&str]) -> String {
    tell(&mut Scene::new(), steps)
}

fn under(change: impl Fn(&mut Spec), steps: &[&str]) -> String {
    let mut spec = Spec::default();
    change(&mut spec);
    tell(&mut Scene::with(Policy::new(spec).unwrap()), steps)
}

macro_rules! story {
    ($name:ident, $told:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!($told);
        }
    };
}

story!(
    a_pipeline_at_its_best,
    default(&["build a", "promote a", "build b", "build c", "promote b", "promote c", "promote c"])
);

story!(
    promotions_out_of_order,
    default(&[
        "build a",
        "build b",
        "build c",
        "promote c",
        "promote a",
        "promote b",
        "repair",
        "build d",
        "promote d"
    ])
);

story!(
    candidates_under_a_release,
    default(&["build a", "build b", "promote a", "build c", "promote b", "promote c", "again a", "promote a"])
);

story!(
    promotions_that_stop,
    default(&[
        "build a",
        "build b",
        "stop 1 of promote a",
        "repair",
        "build c",
        "stop 1 of promote b",
        "stop 1 of promote c",
        "promote b",
        "build d",
        "stop 1 of promote d",
        "repair",
    ])
);

story!(
    releases_by_hand,
    default(&[
        "build a",
        "tag 0.5.0 x",
        "build b",
        "promote a",
        "promote b",
        "tag 0.9.0 b",
        "build c",
        "promote c",
        "tag 2.0.0-rc.7 y",
        "build d",
        "promote d",
        "tag 3.0.0 d",
        "build e",
        "promote e",
    ])
);

story!(
    rejections_and_what_comes_of_them,
    default(&[
        "build a",
        "build b",
        "reject b",
        "promote a",
        "build c",
        "promote b",
        "reopen b",
        "promote b",
        "promote c",
        "reject c",
        "reject b",
        "reject a",
        "reopen a",
        "promote a",
    ])
);

story!(
    rollbacks,
    default(&[
        "build a",
        "promote a",
        "build b",
        "promote b",
        "build c",
        "promote c",
        "rollback a",
        "build d",
        "promote d",
        "rollback only a",
        "rollback only c",
        "reopen b",
        "rollback b",
        "repair",
    ])
);

story!(
    versions_that_somebody_chose,
    default(&[
        "build a",
        "promote a as 1.0.0",
        "build b",
        "promote b as 0.9.0",
        "promote b as 1.0.0",
        "promote b as 1.0.1",
        "build c",
        "build d",
        "promote c as 3.0.0",
        "promote d",
        "promote d as 3.0.0",
    ])
);

story!(
    a_rejected_candidate_of_a_higher_base,
    default(&[
        "build a",
        "tag 0.4.0-rc.1 b",
        "tag integration-bbbbbbb b",
        "reject b",
        "promote a",
        "build c",
        "promote c",
        "tag 0.8.0-rc.0.3 a",
        "build d",
        "promote d",
    ])
);

story!(
    evidence_and_births_that_are_lost,
    default(&[
        "build a",
        "promote a",
        "build b",
        "promote b",
        "untag validated-bbbbbbb",
        "build c",
        "repair",
        "promote c",
        "untag 0.1.2-rc.1",
        "build d",
        "promote d",
        "untag 0.1.0",
        "untag 0.1.1",
        "repair",
    ])
);

story!(
    a_line_with_little_room,
    under(
        |spec| {
            spec.versions.initial = "1.0.0".into();
            spec.versions.line = Some(">= 1.0.0, < 1.0.3".into());
            spec.stages.0[2].semver = Some(">= 1.0.0, < 1.0.3".into());
        },
        &[
            "build a",
            "promote a",
            "build b",
            "promote b",
            "build c",
            "promote c",
            "build d",
            "promote d",
            "reject c",
            "repair"
        ],
    )
);

story!(
    minor_versions,
    under(
        |spec| spec.versions.bump = promotion_core::version::Level::Minor,
        &[
            "build a",
            "promote a",
            "build b",
            "tag 0.2.5 a",
            "promote b",
            "build c",
            "promote c",
            "rollback b",
            "build d"
        ],
    )
);

story!(
    three_stages_one_after_the_other,
    tell(
        &mut Scene::with(three_stages()),
        &[
            "build a",
            "build b",
            "promote a from alpha",
            "promote b from alpha",
            "promote a from rc",
            "build c",
            "promote b from rc",
            "promote c from rc",
            "promote c from alpha",
            "reject c",
            "promote c from rc",
            "reopen c",
            "promote c from alpha",
            "promote c from rc",
            "rollback a",
            "build d",
            "promote d from alpha",
            "promote d from rc",
        ],
    )
);

story!(
    three_stages_and_hands,
    tell(
        &mut Scene::with(three_stages()),
        &[
            "build a",
            "tag 0.3.0-rc.4 x",
            "promote a from alpha",
            "build b",
            "tag 0.5.0 y",
            "promote b from alpha",
            "promote b from rc",
            "tag 0.7.0-rc.2 b",
            "build c",
            "promote c from alpha",
            "promote c from rc",
            "promote a from rc",
            "repair",
        ],
    )
);
