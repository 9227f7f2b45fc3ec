//! Many processes, one layout.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use crate::support::{REPO, Site, revision, text};

#[test]
fn two_processes_pushing_at_once_lose_no_candidate_and_write_no_tag_twice() {
    let site = Site::new();
    let outcomes = thread::scope(|scope| {
        let builder = |from: u32| {
            let site = &site;
            // The creation of the layout is part of the race.
            scope.spawn(move || (from..from + 20).map(|build| site.push(build)).collect::<Vec<_>>())
        };
        let builders = [builder(100), builder(200)];
        builders.into_iter().flat_map(|builder| builder.join().unwrap()).collect::<Vec<_>>()
    });

    let mut written = BTreeMap::new();
    let mut candidates = BTreeSet::new();
    for outcome in &outcomes {
        assert_eq!(outcome["outcome"], "done");
        assert!(candidates.insert(text(&outcome["candidate"]).to_owned()), "{outcome}");
        for write in outcome["writes"].as_array().unwrap() {
            let before = written.insert(text(&write["tag"]).to_owned(), text(&write["digest"]).to_owned());
            assert_eq!(before, None, "{} was written twice", write["tag"]);
        }
    }
    let expected: BTreeSet<String> = (1..=40).map(|number| format!("0.1.0-rc.{number}")).collect();
    assert_eq!(candidates, expected);
    assert_eq!(site.tags(), written);
    assert!(site.ok(&["audit", REPO]).stdout.starts_with("nothing found"));
}

#[test]
fn builders_and_promoters_at_once_leave_the_rules_true() {
    let site = Site::new();
    let first = site.push(1);
    thread::scope(|scope| {
        let site = &site;
        scope.spawn(move || (10..20).for_each(|build| drop(site.push(build))));
        scope.spawn(move || {
            for _ in 0..10 {
                let newest = site.json(0, &["status", REPO]);
                let pending = &newest["pending"][0]["digest"];
                site.promote(pending.as_str().unwrap_or_else(|| text(&first["digest"])));
            }
        });
    });
    assert!(site.ok(&["audit", REPO]).stdout.starts_with("nothing found"));
    assert_eq!(site.json(0, &["repair", REPO])["outcome"], "already-done");
}

#[test]
fn one_build_pushed_by_many_processes_at_once_is_one_candidate() {
    let site = Site::new();
    let app = site.app("same");
    thread::scope(|scope| {
        for _ in 0..8 {
            let (site, app) = (&site, &app);
            scope.spawn(move || site.ok(&["push", REPO, "--path", app, "--revision", &revision(1)]));
        }
    });
    assert_eq!(site.tags().len(), 3);
}
