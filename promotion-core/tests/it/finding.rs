//! What a person names is one artifact, or the reason why not.

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use promotion_core::artifact::View;
use promotion_core::executor::{Step, World, observe};
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::policy::{Policy, Spec};
use promotion_core::ports::Registry;
use promotion_core::reason::Reason;
use promotion_core::snapshot::{Ancestry, Needs, Query, Snapshot};
use promotion_core::time::Timestamp;
use promotion_core::what::{What, built_from, find};
use promotion_core::{Commit, CommitPrefix, Digest, Tag};

use crate::probe::{Probe, patiently};
use crate::scene::{NOW, Scene};

/// Asks until it is answered; every answer must be new, or nobody would ever be done.
pub(crate) fn answered<T>(
    registry: &MemoryRegistry,
    policy: &Policy,
    question: impl Fn(&View<'_>) -> Result<T, Needs>,
) -> (T, Vec<Vec<Query>>) {
    let mut snapshot = Snapshot::new(policy, &registry.listing().tags);
    let (mut asked, mut rounds) = (BTreeSet::new(), Vec::new());
    loop {
        match question(&View::new(&snapshot, policy)) {
            Ok(answer) => return (answer, rounds),
            Err(Needs(needs)) => {
                assert!(needs.iter().any(|query| asked.insert(query.clone())), "it asks nothing new: {needs:?}");
                for query in &needs {
                    let reply = registry.reply(query);
                    snapshot.learn(query.clone(), reply);
                }
                rounds.push(needs.into_iter().collect());
            }
        }
    }
}

fn found(scene: &Scene, what: &str) -> Result<Digest, Reason> {
    let what: What = what.parse().unwrap();
    answered(&scene.registry, &scene.policy, |view| find(view, &what)).0
}

fn built(scene: &Scene, commit: &str) -> BTreeSet<Digest> {
    let commit: CommitPrefix = commit.parse().unwrap();
    answered(&scene.registry, &scene.policy, |view| built_from(view, &commit)).0
}

#[test]
fn a_commit_is_named_by_as_many_digits_as_people_like() {
    let mut scene = Scene::new();
    let one = scene.artifact("aaaaaaa1", "one");
    scene.put("sha-aaaaaaa1", one);
    for digits in ["aaaaaaa", "aaaaaaa1", "aaaaaaa10", &format!("aaaaaaa1{:0<32}", "")] {
        assert_eq!(found(&scene, digits), Ok(one), "{digits}");
    }
    for other in ["aaaaaaa2", "aaaaaaa11", "bbbbbbb"] {
        assert!(matches!(found(&scene, other), Err(Reason::WhatNotFound { .. })), "{other}");
    }
}

#[test]
fn a_tag_that_names_a_commit_counts_if_the_manifest_says_the_same() {
    let mut scene = Scene::new();
    let (one, other) = (scene.artifact("aaaaaaa1", "one"), scene.artifact("ccccccc", "other"));
    let silent = scene.registry.push(Manifest::new(OCI_MANIFEST, br#"{"schemaVersion":2}"#.to_vec()));
    scene.put("integration-aaaaaaa", one);
    scene.put("sha-aaaaaaa", other);
    scene.put("sha-ddddddd", silent);
    // Verdicts name commits, too, and say nothing of where something was built.
    scene.put("rejected-eeeeeee", one);
    assert_eq!(built(&scene, "aaaaaaa"), BTreeSet::from([one]));
    assert_eq!(built(&scene, "ddddddd"), BTreeSet::from([silent]), "it does not contradict its tag");
    assert_eq!(built(&scene, "eeeeeee"), BTreeSet::new());
    scene.registry.delete_manifest(one);
    assert_eq!(built(&scene, "aaaaaaa"), BTreeSet::new(), "what is gone was not built");
}

#[test]
fn several_artifacts_of_a_commit_are_all_told() {
    let mut scene = Scene::new();
    let (one, twin) = (scene.artifact("aaaaaaa1", "one"), scene.artifact("aaaaaaa1", "twin"));
    scene.put("sha-aaaaaaa", one);
    scene.put(&format!("sha-aaaaaaa.{}", twin.short()), twin);
    let Err(Reason::WhatAmbiguous { artifacts, .. }) = found(&scene, "aaaaaaa") else { panic!("one of two was taken") };
    assert_eq!(artifacts.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([one, twin]));
}

#[test]
fn tags_and_digests_are_themselves() {
    let mut scene = Scene::new();
    let one = scene.artifact("aaaaaaa1", "one");
    scene.put("latest", one);
    assert_eq!(found(&scene, "latest"), Ok(one));
    assert_eq!(found(&scene, &one.to_string()), Ok(one));
    let nobody = Digest::of(b"nobody");
    assert_eq!(found(&scene, &nobody.to_string()), Err(Reason::ArtifactNotFound { artifact: nobody }));
    assert!(matches!(found(&scene, "oldest"), Err(Reason::WhatNotFound { .. })));
    for text in ["latest", "aaaaaaa", &one.to_string()] {
        assert_eq!(String::from(text.parse::<What>().unwrap()), text);
    }
}

/// A world in which somebody notes what is asked, round by round.
#[derive(Default)]
struct Noted(Mutex<Vec<Vec<Query>>>);

#[async_trait]
impl World for Noted {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(NOW)
    }

    async fn ancestry(&self, _: &Commit, _: &Commit) -> Ancestry {
        Ancestry::Unknown
    }

    fn about_to(&self, step: &Step) {
        if let Step::Ask(queries) = step {
            self.0.lock().unwrap().push(queries.clone());
        }
    }
}

/// What was found, and what was asked after the listing.
fn observed(
    registry: &dyn Registry,
    policy: &Policy,
    foreseen: &[Tag],
    what: &What,
) -> (Result<Digest, Reason>, Vec<Vec<Query>>) {
    let world = Noted::default();
    let question = |known: &Snapshot| find(&View::new(known, policy), what);
    let (found, _) = patiently(observe(registry, policy, &world, foreseen, question)).unwrap();
    (found, world.0.into_inner().unwrap())
}

#[test]
fn the_tags_of_what_is_named_are_read_with_the_listing() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let registry = SharedRegistry::new(scene.registry.clone());
    let content = vec![vec![Query::Manifest(artifact)]];
    let full = format!("aaaaaaa{:0<33}", "");
    for (what, left) in [("aaaaaaa", &content), (&full, &content), ("0.1.0-rc.1", &vec![])] {
        let what: What = what.parse().unwrap();
        let (found, before) = observed(&registry, &scene.policy, &[], &what);
        let (foretold, after) = observed(&registry, &scene.policy, &what.tags(&scene.policy), &what);
        assert_eq!((&found, &foretold), (&Ok(artifact), &Ok(artifact)));
        assert_eq!((before.len(), &after), (left.len() + 1, left), "{what}");
    }
    // Nobody knows what fewer digits than tags have would be.
    let mut longer = Spec::default();
    longer.tags.short = 8;
    let longer = Policy::new(longer).unwrap();
    assert_eq!(What::from_str("aaaaaaa").unwrap().tags(&longer), []);
    assert_eq!(What::Digest(artifact).tags(&scene.policy), []);
}

#[test]
fn what_was_not_there_when_it_was_foreseen_is_asked_for_once_it_is_listed() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let registry = SharedRegistry::new(scene.registry.clone());
    let mut probe = Probe::steady(&registry);
    probe.absent_at_first = AtomicBool::new(true);
    let what: What = "aaaaaaa".parse().unwrap();
    let (found, asked) = observed(&probe, &scene.policy, &what.tags(&scene.policy), &what);
    assert_eq!((found, asked.len()), (Ok(artifact), 2));
}

#[test]
fn what_could_not_be_read_when_it_was_foreseen_is_asked_for_if_it_is_needed() {
    let mut scene = Scene::new();
    let artifact = scene.build("aaaaaaa");
    let registry = SharedRegistry::new(scene.registry.clone());
    let what: What = "aaaaaaa".parse().unwrap();
    // One operation is for the listing, and the others are for the two tags.
    for step in 1..=2 {
        let probe = Probe::new(&registry, step, true);
        let (found, _) = observed(&probe, &scene.policy, &what.tags(&scene.policy), &what);
        assert!(probe.has_failed());
        assert_eq!(found, Ok(artifact), "{step}");
    }
}

#[test]
fn what_was_there_when_it_was_foreseen_and_is_listed_no_more_names_nothing() {
    let mut scene = Scene::new();
    scene.build("aaaaaaa");
    let registry = SharedRegistry::new(scene.registry.clone());
    let what: What = "0.1.0-rc.1".parse().unwrap();
    let mut probe = Probe::steady(&registry);
    probe.unlisted = what.tags(&scene.policy).pop();
    let (found, asked) = observed(&probe, &scene.policy, &what.tags(&scene.policy), &what);
    assert!(matches!(found, Err(Reason::WhatNotFound { .. })), "{found:?}");
    assert!(asked.is_empty());
}
