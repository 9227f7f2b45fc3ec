//! Clusters as somebody exported them: why, status and doctor without a cluster.

use promotion_registry::testing::fake::{Auth, FakeRegistry, Quirks};
use serde_json::{Value, json};

use crate::support::{Run, Site, revision, text};

/// A registry with one build, and manifests of an integration cluster that runs it.
struct Export {
    registry: FakeRegistry,
    site: Site,
    digest: String,
}

impl Export {
    fn new() -> Self {
        let (registry, site) = (FakeRegistry::start(Quirks::default()), Site::new());
        let mut export = Self { registry, site, digest: String::new() };
        let app = export.site.app("1");
        let pushed = export.run(&["push", "--path", &app, "--revision", &revision(1), "-o", "json"]);
        assert_eq!(pushed.code, 0, "{}", pushed.stderr);
        text(&pushed.value()["digest"]).clone_into(&mut export.digest);
        export
    }

    fn repository(&self) -> String {
        format!("oci://{}/acme/platform", self.registry.host())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.site.command(arguments);
        command.env("PROMOTION_PLAIN_HTTP", "true").env("PROMOTION_REPOSITORY", self.repository());
        Run::of(command.env("KUBECONFIG", self.site.path().join("no-kubeconfig")))
    }

    /// What `kubectl get ocirepositories,kustomizations,alerts,providers -o json` would show.
    fn export(&self, semver: &str, alerts: &[Value]) {
        let revision = format!("0.1.0-rc.1@{}", self.digest);
        let ready = json!([{ "type": "Ready", "status": "True", "reason": "Succeeded", "message": "fine" }]);
        let mut items = vec![
            json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1beta2", "kind": "OCIRepository",
                "metadata": { "namespace": "apps", "name": "platform" },
                "spec": { "url": self.repository(), "ref": { "semver": semver } },
                "status": { "artifact": { "revision": revision }, "conditions": ready },
            }),
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": { "namespace": "apps", "name": "anything" },
                "spec": { "wait": true, "sourceRef": { "kind": "OCIRepository", "name": "platform" } },
                "status": { "lastAppliedRevision": revision, "conditions": ready },
            }),
        ];
        items.extend(alerts.iter().cloned());
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        self.site.write("exported/all.json", &list.to_string());
    }
}

fn alert(severity: &str) -> [Value; 2] {
    [
        json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": { "namespace": "apps", "name": "promote" },
            "spec": { "providerRef": { "name": "hook" }, "eventSeverity": severity,
                      "eventSources": [{ "kind": "Kustomization", "name": "*" }] },
        }),
        json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": { "namespace": "apps", "name": "hook" }, "spec": { "type": "generic" },
        }),
    ]
}

#[test]
fn why_needs_neither_a_cluster_nor_a_configuration() {
    let export = Export::new();
    export.export(">= 0.0.0-0", &alert("info"));
    let why = ["why", &export.digest, "--manifests", "integration=exported"];
    let run = export.run(&why);
    assert_eq!(run.code, 10, "{}{}", run.stdout, run.stderr);
    for told in [
        "ok      seen by the stage's cluster: OCIRepository apps/platform has 0.1.0-rc.1",
        "ok      announced to the outside: Alert apps/promote passes it on to apps/hook",
        "BROKEN  recorded as working there",
    ] {
        assert!(run.stdout.contains(told), "{told}\n{}", run.stdout);
    }
    export.export(">= 0.0.0-0", &alert("error"));
    let names = export.run(&[&why[..], &["-o", "name"]].concat());
    assert_eq!(names.stdout, "alert-excludes\n");
}

#[test]
fn exported_manifests_are_evidence_of_no_known_time() {
    let export = Export::new();
    export.export(">= 0.0.0-0", &[]);
    let undated = export.run(&["promote", "--manifests", "integration=exported"]);
    assert_eq!(undated.code, 3, "{}{}", undated.stdout, undated.stderr);
    assert!(undated.stderr.contains("when it was observed"), "{}", undated.stderr);
    // Where the gate does not ask how old it is, they are evidence.
    export.site.write(
        "promotion.yaml",
        "stages:\n\
        - {name: integration, source: oci, semver: \">= 0.0.0-0\", mark: \"integration-{short}\", \
           gate: {evidence: [kustomization], fresh: null}}\n\
        - {name: live, source: oci, semver: \">= 0.0.0\", mark: \"validated-{short}\"}\n",
    );
    let promoted = export.run(&["promote", "--manifests", "integration=exported", "-o", "json"]);
    assert_eq!(promoted.code, 0, "{}{}", promoted.stdout, promoted.stderr);
    assert_eq!(promoted.value()["release"], "0.1.0");
}

#[test]
fn a_source_with_another_constraint_is_another_stages() {
    let export = Export::new();
    export.export(">= 0.0.0", &[]);
    let run = export.run(&["promote", &export.digest, "--manifests", "exported"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("evidence") && !run.stdout.contains("0.1.0\n"), "{}", run.stderr);
}

#[test]
fn manifests_of_two_clusters_are_told_apart() {
    let export = Export::new();
    export.export(">= 0.0.0-0", &[]);
    let text = std::fs::read_to_string(export.site.path().join("exported/all.json")).unwrap();
    export.site.write("exported/live.json", &text.replace("0.1.0-rc.1", "0.0.9"));
    let both = export.run(&["why", &export.digest, "--manifests", "integration=exported"]);
    assert_eq!(both.code, 10, "{}{}", both.stdout, both.stderr);
    assert!(both.stdout.contains("was exported twice, and differently"), "{}", both.stdout);

    let same = "clusters:\n  integration: {source: platform}\n  live: {source: platform}\n";
    export.site.write("promotion.yaml", same);
    let whose = export.run(&["why", &export.digest, "--manifests", "exported"]);
    assert_eq!(whose.code, 2, "{}{}", whose.stdout, whose.stderr);
    assert!(whose.stderr.contains("whose are these?"), "{}", whose.stderr);
}

#[test]
fn doctor_tells_what_is_set_up_differently() {
    let export = Export::new();
    export.export(">= 0.1.0-0", &alert("error"));
    export.site.write("promotion.yaml", "clusters: { integration: { namespace: apps, source: platform } }\n");
    let ids = || -> Vec<String> {
        let doctor = export.run(&["doctor", "--manifests", "integration=exported", "-o", "json"]);
        let findings = doctor.value()["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| text(&finding["id"]).to_owned()).collect()
    };
    let of_the_defaults = "stage-crosses-majors";
    assert_eq!(ids(), [of_the_defaults, "declared-otherwise", "alert-excludes"]);
    export.export(">= 0.0.0-0", &alert("info"));
    assert_eq!(ids(), [of_the_defaults]);
}

#[test]
fn stages_whose_clusters_cannot_be_reached_share_no_gate() {
    let export = Export::new();
    let nowhere = "clusters: { integration: { context: nowhere, source: a }, live: { context: nowhere, source: b } }\n";
    export.site.write("promotion.yaml", nowhere);
    let doctor = export.run(&["doctor", "--clusters", "-o", "json"]);
    let findings = doctor.value()["findings"].to_string();
    assert!(findings.contains("object-unreadable") && !findings.contains("gate-of-several"), "{findings}");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_unknown_and_the_registry_is_told_of() {
    let export = Export::new();
    export.site.write("promotion.yaml", "clusters: { integration: { context: nowhere, source: platform } }\n");
    let status = export.run(&["status"]);
    assert_eq!(status.code, 0, "{}{}", status.stdout, status.stderr);
    assert!(status.stdout.contains("0.1.0-rc.1") && status.stdout.contains("object-unreadable"), "{}", status.stdout);
    let refused = export.run(&["promote", &export.digest]);
    assert_eq!(refused.code, 3, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("the cluster of integration proves nothing"), "{}", refused.stderr);
    let word = export.run(&["promote", &export.digest, "--manual", "--reason", "seen"]);
    assert_eq!(word.code, 0, "a person needs no cluster: {}", word.stderr);
}

#[test]
fn manifests_that_are_not_there_or_of_no_stage_are_refused() {
    let export = Export::new();
    let missing = export.run(&["why", &export.digest, "--manifests", "nowhere"]);
    assert_eq!(missing.code, 2, "{}", missing.stderr);
    assert!(missing.stderr.contains("read the manifests") && missing.stderr.contains("nowhere"), "{}", missing.stderr);
    let mistyped = export.run(&["why", &export.digest, "--manifests", "integraton=exported"]);
    assert_eq!(mistyped.code, 2, "{}", mistyped.stderr);
    assert!(mistyped.stderr.contains("did you mean \"integration\"?"), "{}", mistyped.stderr);
}

#[test]
fn doctor_reads_folders_of_manifests_and_workflows() {
    let site = Site::new();
    let analysis = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: success}\nspec:\n  metrics:\n\
                    \x20   - {name: errors, interval: 1m}\n";
    site.write("repo/apps/analysis.yaml", analysis);
    site.write(
        "repo/.github/workflows/promote.yml",
        "on: push\nname: promote\njobs:\n  promote:\n    steps:\n      - run: promotion promote --event event.json\n",
    );
    site.write("repo/apps/chart.yaml", "{{- if .Values.on }}\nkind: X\n");
    let run = site.run(&["doctor", "repo", "-o", "json"]);
    assert_eq!(run.code, 10, "{}", run.text());
    let findings = run.value()["findings"].as_array().unwrap().clone();
    let ids: Vec<&str> = findings.iter().map(|finding| text(&finding["id"])).collect();
    assert_eq!(ids, ["workflow-without-concurrency", "analysis-without-count"]);
    assert!(text(&findings[1]["subject"]).ends_with("repo/apps/analysis.yaml"), "{findings:?}");
    assert!(run.stderr.contains("chart.yaml is passed over"), "{}", run.stderr);
    // A file that is no manifest is a configuration, as before.
    site.write("promotion.yaml", "versions: {initial: 2.0.0}\n");
    assert_eq!(site.run(&["doctor", "promotion.yaml"]).code, site.run(&["doctor"]).code);
    assert_eq!(site.run(&["doctor", "nowhere"]).code, 2);
    let meaning = site.run(&["doctor", "--explain", "wave-order"]);
    assert!(meaning.stdout.contains("before the definition of its kind"), "{}", meaning.stdout);
}

/// A folder with a suspended release of an image with this tag, and a policy that chooses staging.
fn waiting(site: &Site, host: &str, tag: &str) {
    let release = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": { "namespace": "apps", "name": "web" },
        "spec": { "suspend": true,
                  "values": { "image": { "registry": host, "repository": "acme/platform", "tag": tag } } },
    });
    let repository = json!({
        "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImageRepository", "metadata": { "namespace": "apps", "name": "web" },
        "spec": { "image": format!("{host}/acme/platform") },
    });
    let policy = json!({
        "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImagePolicy", "metadata": { "namespace": "apps", "name": "web" },
        "spec": { "imageRepositoryRef": { "name": "web" }, "filterTags": { "pattern": format!("^{tag}$") },
                  "policy": { "alphabetical": { "order": "asc" } } },
    });
    for (name, object) in [("release", release), ("repository", repository), ("policy", policy)] {
        site.write(&format!("repo/{name}.json"), &object.to_string());
    }
}

#[test]
fn before_a_resume_the_registry_is_asked_for_what_will_be_wanted() {
    let export = Export::new();
    let ids = |run: &Run| -> Vec<String> {
        let findings = run.value()["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| text(&finding["id"]).to_owned()).collect()
    };
    waiting(&export.site, &export.registry.host(), "staging");
    export.site.write("pins.txt", "container/platform==staging # the first start\n");
    let run = export.run(&["doctor", "repo", "--resume", "--pins", "pins.txt", "-o", "json"]);
    assert_eq!(
        (run.code, ids(&run)),
        (10, vec!["policy-selects-nothing".to_owned(), "resume-absent".to_owned()]),
        "{}",
        run.stderr
    );
    let run = export.run(&["doctor", "repo", "-o", "json"]);
    assert_eq!((run.code, ids(&run)), (10, vec!["floating-suspended".to_owned()]), "without a pin, and without asking");

    waiting(&export.site, &export.registry.host(), "sha-0000001");
    let run = export.run(&["doctor", "repo", "--resume", "-o", "json"]);
    let tags = export.run(&["list", "-o", "json"]);
    assert_eq!(run.code, 10, "{} {}", run.stderr, tags.stdout);

    waiting(&export.site, &export.registry.host(), "0.1.0-rc.1");
    let run = export.run(&["doctor", "repo", "--resume", "-o", "json"]);
    assert_eq!((run.code, ids(&run)), (0, vec![]), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("is there: {}", export.digest)), "{}", run.stderr);
}

#[test]
fn a_registry_that_does_not_answer_leaves_the_rest_answered() {
    let export = Export::new();
    waiting(&export.site, "127.0.0.1:1", "staging");
    let run = export.run(&["doctor", "repo", "--resume", "--retries", "0", "-o", "json"]);
    let findings = run.value()["findings"].to_string();
    assert_eq!(run.code, 10);
    assert_eq!(findings.matches("resume-unknown").count(), 2, "{findings}");
}

#[test]
fn a_registry_that_only_a_manifest_names_learns_nothing_of_us() {
    let auth = Auth::Basic { user: "me".into(), password: "s3cret".into() };
    let stranger = FakeRegistry::start(Quirks { auth, ..Quirks::default() });
    stranger.seed("acme/platform", "staging", "theirs");
    let site = Site::new();
    waiting(&site, &stranger.host(), "staging");
    site.write("promotion.yaml", &format!("registry: {{plain_http: [\"{}\"]}}\n", stranger.host()));
    let run = |repository: String| {
        let mut command = site.command(&["doctor", "repo", "--resume", "--retries", "0", "-o", "json"]);
        command.env("PROMOTION_USERNAME", "me").env("PROMOTION_PASSWORD", "s3cret");
        Run::of(command.env("PROMOTION_REPOSITORY", repository))
    };
    let told = run("oci://registry.example/acme/platform".to_owned());
    assert_eq!(told.value()["findings"].to_string().matches("resume-unknown").count(), 2, "{}", told.text());
    // The same credential opens it where it is meant.
    let told = run(format!("oci://{}/other/thing", stranger.host()));
    assert!(told.stderr.contains("staging: is there"), "{}", told.text());
}

#[test]
fn pins_that_cannot_be_read_are_told_with_their_line() {
    let site = Site::new();
    site.write("repo/empty.yaml", "kind: Namespace\n");
    site.write("pins.txt", "container/web==staging\ncontainer/api=staging\n");
    let run = site.run(&["doctor", "repo", "--pins", "pins.txt"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("line 2: \"container/api=staging\" is not type/name==version"), "{}", run.stderr);
    assert_eq!(site.run(&["doctor", "repo", "--pins", "nowhere.txt"]).code, 2);
    assert_eq!(site.run(&["doctor", "--pins", "pins.txt"]).code, 2, "there is nothing to compare them with");
}
