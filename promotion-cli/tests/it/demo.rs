//! `demo`: the story, and what it leaves.

use crate::support::Site;

#[test]
fn the_story_is_told_and_its_registry_stays() {
    let site = Site::new();
    let story = site.ok(&["demo"]).stdout;
    for told in ["0.1.2-rc.0.1, 0.1.1", "Killed", "half done:", "wrote 0.1.2\n", "rejected-c3d4e5f", "nothing found"] {
        assert!(story.contains(told), "{told} is missing from\n{story}");
    }
    let mut status = site.command(&["status", "-o", "name"]);
    let status = crate::support::Run::of(status.current_dir(site.path().join("promotion-demo")));
    assert_eq!(status.stdout, "0.1.3\n0.1.3\n", "{}", status.stderr);
}

#[test]
fn it_starts_afresh_and_never_in_somebody_elses_folder() {
    let site = Site::new();
    let first = site.ok(&["demo", "here"]).stdout;
    assert_eq!(site.ok(&["demo", "here"]).stdout, first);
    site.write("theirs/file", "precious");
    assert_eq!(site.run(&["demo", "theirs"]).code, 2);
    assert_eq!(std::fs::read_dir(site.path().join("theirs")).unwrap().count(), 1);
}
