//! What is known of a repository, with writes that are still to come.

use std::collections::BTreeSet;

use promotion_core::artifact::View;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::memory::MemoryRegistry;
use promotion_core::policy::Policy;
use promotion_core::scheme::Mark;
use promotion_core::snapshot::{Ancestry, Needs, Query, Reply, Snapshot};
use promotion_core::verdicts::Verdicts;
use promotion_core::{Commit, Digest, Tag};

use crate::scene::{Scene, commit, tag};

/// Everything that the registry knows.
fn everything(registry: &MemoryRegistry, policy: &Policy) -> Snapshot {
    let mut snapshot = Snapshot::new(policy, &registry.listing().tags);
    let manifests: BTreeSet<Digest> = registry.tags().values().copied().collect();
    let tags = registry.listing().tags.into_iter().map(Query::Tag);
    for query in tags.chain(manifests.into_iter().map(Query::Manifest)) {
        let reply = registry.reply(&query);
        snapshot.learn(query, reply);
    }
    snapshot
}

fn versions(view: &View<'_>) -> Vec<String> {
    view.versions().map(|(_, tag)| tag.to_string()).collect()
}

fn queries(needs: &Needs) -> Vec<String> {
    let name = |query: &Query| match query {
        Query::Tag(tag) => tag.to_string(),
        other => format!("{other:?}"),
    };
    needs.0.iter().map(name).collect()
}

#[test]
fn writes_take_their_place_among_what_was_read_once() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("a", "x");
    for version in ["0.5.0", "0.3.0", "0.1.0"] {
        scene.put(version, artifact);
    }
    for written in [["0.2.0", "0.4.0", "0.3.0"], ["0.4.0", "0.3.0", "0.2.0"], ["0.3.0", "0.2.0", "0.4.0"]] {
        let snapshot = everything(&scene.registry, &scene.policy);
        let mut view = View::new(&snapshot, &scene.policy);
        for version in written {
            view.write(tag(version), artifact);
        }
        assert_eq!(versions(&view), ["0.5.0", "0.4.0", "0.3.0", "0.2.0", "0.1.0"], "written as {written:?}");
        let base = "0.3.0".parse().unwrap();
        assert_eq!(view.versions_of(base).count(), 1);
    }
}

#[test]
fn a_verdict_is_of_the_artifact_that_its_tag_points_at_and_its_key_means() {
    let mut scene = Scene::new();
    let (one, other) = (scene.artifact("aaaaaaa1", "one"), scene.artifact("aaaaaaa2", "other"));
    scene.put("rejected-aaaaaaa1", other);
    scene.put("validated-aaaaaaa2", other);
    let snapshot = everything(&scene.registry, &scene.policy);
    let view = View::new(&snapshot, &scene.policy);
    let said = |marks: &[(Mark, u64)]| Some(marks.iter().copied().collect::<Verdicts>());
    assert!(view.verdicts(one).is_err(), "no tag points at it, so nobody read its manifest");
    assert_eq!(view.verdicts(other), Ok(said(&[(Mark::Stage(1), 1)])), "another commit's key does not speak of it");
    scene.put("rejected-aaaaaaa2", one);
    let snapshot = everything(&scene.registry, &scene.policy);
    let view = View::new(&snapshot, &scene.policy);
    assert_eq!(view.verdicts(one), Ok(said(&[])), "its tag has another commit's key");
    assert_eq!(view.verdicts(other), Ok(said(&[(Mark::Stage(1), 1)])), "the tag points at another artifact");
}

#[test]
fn an_artifact_knows_who_holds_its_key_and_who_shares_its_commit() {
    let mut scene = Scene::new();
    let one = scene.artifact("aaaaaaa1", "one");
    let view = |scene: &Scene| {
        let snapshot = everything(&scene.registry, &scene.policy);
        let view = View::new(&snapshot, &scene.policy);
        let artifact = view.artifact(one).unwrap().unwrap();
        (artifact.key_held_by, artifact.commit_shared)
    };
    scene.put("integration-aaaaaaa", one);
    assert_eq!(view(&scene), (None, false));

    // Another commit that starts with the same seven digits.
    let like = scene.artifact("aaaaaaa2", "like");
    scene.put("sha-aaaaaaa2", like);
    assert_eq!(view(&scene), (None, false), "eight digits of another commit");
    scene.put("sha-aaaaaaa1", like);
    assert_eq!(view(&scene), (None, false), "digits of its own, more than the scheme writes");
    scene.put(&format!("sha-aaaaaaa.{}", like.short()), like);
    assert_eq!(view(&scene), (None, false), "a fork holds no key");
    scene.put("sha-aaaaaaa", like);
    assert_eq!(view(&scene), (Some(like), false));

    // One that does not say what it was built from may be of any commit, but not under the key of another.
    let silent = scene.registry.push(Manifest::new(OCI_MANIFEST, br#"{"schemaVersion":2}"#.to_vec()));
    scene.put("integration-aaaaaaa3", silent);
    assert_eq!(view(&scene), (Some(like), false));

    let twin = scene.registry.push_artifact(&commit("aaaaaaa1"), "twin");
    scene.put(&format!("validated-aaaaaaa.{}", twin.short()), twin);
    assert_eq!(view(&scene), (Some(like), true));
}

#[test]
fn everything_is_all_tags_of_ours_and_what_they_point_at() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("a", "x");
    for text in ["0.1.0-rc.1", "sha-aaaaaaa", "latest"] {
        scene.put(text, artifact);
    }
    let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
    let mut rounds = Vec::new();
    while let Err(needs) = View::new(&snapshot, &scene.policy).require_everything() {
        rounds.push(queries(&needs));
        assert!(rounds.len() < 4, "it asks again and again: {rounds:?}");
        needs.0.into_iter().for_each(|query| {
            let reply = scene.registry.reply(&query);
            snapshot.learn(query, reply);
        });
    }
    let manifest = format!("{:?}", Query::Manifest(artifact));
    assert_eq!(rounds, [vec!["0.1.0-rc.1".to_owned(), "sha-aaaaaaa".to_owned()], vec![manifest]]);
}

#[test]
fn a_walk_asks_for_half_as_much_again_as_it_passed() {
    let mut scene = Scene::new();
    for n in 1..=12 {
        let artifact = scene.artifact(&format!("{n:07x}"), "x");
        scene.put(&format!("0.1.0-rc.{n}"), artifact);
    }
    let stranger = Digest::of(b"nobody");
    let passing = |known: u64| {
        let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
        for n in (13 - known)..=12 {
            let query = Query::Tag(tag(&format!("0.1.0-rc.{n}")));
            let reply = scene.registry.reply(&query);
            snapshot.learn(query, reply);
        }
        let view = View::new(&snapshot, &scene.policy);
        let needs = view.birth_of(stranger).unwrap_err();
        needs.0.len()
    };
    assert_eq!([0, 1, 2, 4, 6, 11].map(passing), [1, 1, 2, 3, 4, 1]);
}

#[test]
fn a_new_listing_keeps_what_cannot_have_changed() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("a", "x");
    for text in ["0.1.0-rc.1", "0.1.0"] {
        scene.put(text, artifact);
    }
    let listing: Vec<Tag> = ["0.1.0-rc.1", "0.1.0", "0.2.0"].map(tag).to_vec();
    let [one, two]: [Commit; 2] = ["a", "b"].map(|prefix| commit(prefix).parse().unwrap());
    for tags_stay in [false, true] {
        let mut known = everything(&scene.registry, &scene.policy);
        let query = Query::Ancestry { ancestor: one.clone(), descendant: two.clone() };
        known.learn(query, Reply::Ancestry(Ancestry::Ancestor));
        let relisted = known.relisted(&scene.policy, &listing, tags_stay);
        assert!(relisted.manifest(artifact).is_ok(), "bytes behind a digest never change");
        assert_eq!(relisted.ancestry(&one, &two), Ok(Ancestry::Ancestor), "nor do commits");
        assert_eq!(relisted.digest(&tag("0.1.0")).is_ok(), tags_stay);
        assert!(relisted.digest(&tag("0.2.0")).is_err(), "it is new");
    }
}

#[test]
fn what_was_learned_is_known_until_it_is_forgotten() {
    let mut scene = Scene::new();
    let artifact = scene.artifact("a", "x");
    scene.put("0.1.0", artifact);
    scene.put("0.2.0", artifact);
    let mut snapshot = Snapshot::new(&scene.policy, &scene.registry.listing().tags);
    let known = |snapshot: &Snapshot| snapshot.resolved().map(|(tag, _)| tag.to_string()).collect::<Vec<_>>();
    assert_eq!((known(&snapshot), snapshot.manifests().count()), (vec![], 0));
    snapshot.learn(Query::Tag(tag("0.1.0")), scene.registry.reply(&Query::Tag(tag("0.1.0"))));
    snapshot.learn(Query::Manifest(artifact), scene.registry.reply(&Query::Manifest(artifact)));
    // No answer to the question leaves it open.
    snapshot.learn(Query::Tag(tag("0.2.0")), Reply::Ancestry(Ancestry::Unknown));
    assert_eq!((known(&snapshot), snapshot.manifests().count()), (vec!["0.1.0".to_owned()], 1));
    assert_eq!(queries(&snapshot.digest(&tag("0.2.0")).unwrap_err()), ["0.2.0"]);
    snapshot.forget(&tag("0.1.0"));
    assert_eq!(known(&snapshot), [""; 0]);
    assert_eq!(snapshot.digest(&tag("nothing")), Ok(None), "the listing was complete");
}

#[test]
fn which_commit_is_older_is_known_of_the_two_that_were_asked_for() {
    let mut snapshot = Snapshot::new(&Policy::default(), &[]);
    let [a, b, c]: [Commit; 3] = ["aaaaaaa", "bbbbbbb", "ccccccc"].map(|prefix| commit(prefix).parse().unwrap());
    let asked = |ancestor: &Commit, descendant: &Commit| Query::Ancestry {
        ancestor: ancestor.clone(),
        descendant: descendant.clone(),
    };
    snapshot.learn(asked(&a, &b), Reply::Ancestry(Ancestry::Ancestor));
    snapshot.learn(asked(&b, &a), Reply::Ancestry(Ancestry::Unrelated));
    assert_eq!(snapshot.ancestry(&a, &b), Ok(Ancestry::Ancestor));
    assert_eq!(snapshot.ancestry(&b, &a), Ok(Ancestry::Unrelated));
    for (ancestor, descendant) in [(&a, &c), (&c, &b), (&a, &a)] {
        assert_eq!(snapshot.ancestry(ancestor, descendant), Err(asked(ancestor, descendant).into()));
    }
}
