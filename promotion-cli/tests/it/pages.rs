//! `status -o html`: one file, with what `-o json` says, and nothing in it that could run but its own script.

use serde_json::Value;

use crate::support::{REPO, Site};

const HOSTILE: &str = r#"
stages:
  - { name: "</script><script>alert(1)</script>", source: oci, semver: ">= 0.0.0-0", mark: "first-{short}" }
  - { name: live, source: oci, semver: ">= 0.0.0" }
"#;

/// What stands in the page's data.
fn data(html: &str) -> Value {
    let (_, rest) = html.split_once(r#"<script type="application/json" id="data">"#).unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    assert!(!data.contains('<'), "{data}");
    serde_json::from_str(data).unwrap()
}

#[test]
fn the_page_says_what_the_board_says_and_what_clusters_pick() {
    let site = Site::new();
    site.push(1);
    site.promote("0.1.0-rc.1");
    site.push(2);
    let html = site.ok(&["status", REPO, "-o", "html"]).stdout;
    let (page, json) = (data(&html), site.json(0, &["status", REPO]));
    for part in ["stages", "pending", "unfinished", "findings"] {
        assert_eq!(page["board"][part], json[part], "{part}");
    }
    let picks: Vec<&Value> = page["forecast"]["stages"].as_array().unwrap().iter().map(|pick| &pick["tag"]).collect();
    let selects: Vec<&Value> =
        json["stages"].as_array().unwrap().iter().map(|stage| &stage["selects"]["tag"]).collect();
    assert_eq!(picks, selects);
    assert_eq!(html.matches("<script").count(), 2);
    assert!(html.contains("default-src 'none'; script-src 'sha256-"));
}

#[test]
fn what_somebody_wrote_is_no_markup() {
    let site = Site::new();
    site.write("promotion.yaml", HOSTILE);
    site.push(1);
    let html = site.ok(&["status", REPO, "-o", "html"]).stdout;
    assert_eq!(data(&html)["board"]["stages"][0]["name"], "</script><script>alert(1)</script>");
    assert_eq!(html.matches("<script").count(), 2);
}

#[test]
fn only_status_has_a_page_and_nothing_is_done_for_another() {
    let site = Site::new();
    site.push(1);
    let before = site.tags();
    for arguments in
        [&["repair", REPO, "-o", "html"][..], &["list", REPO, "-o", "html"], &["status", REPO, "--watch", "-o", "html"]]
    {
        let run = site.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
    }
    assert_eq!(site.tags(), before);
}
