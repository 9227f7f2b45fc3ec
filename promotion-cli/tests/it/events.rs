//! `promote --event`: the payloads that arrive after a validation.

use crate::support::{REPO, Site, commit, text};

const NOW: &str = "NOW";

fn flux(digest: &str, name: &str, reason: &str) -> String {
    let message = if reason == "HealthCheckFailed" { "Deployment/app is not ready" } else { "Reconciliation finished" };
    let severity = if reason == "HealthCheckFailed" { "error" } else { "info" };
    format!(
        r#"{{"involvedObject": {{"kind": "Kustomization", "name": "{name}", "namespace": "flux-system"}},
            "severity": "{severity}", "reason": "{reason}", "message": "{message}", "timestamp": "{}",
            "metadata": {{"revision": "0.1.0-rc.1@{digest}"}}, "reportingController": "kustomize-controller"}}"#,
        now()
    )
}

/// The time as events write it.
fn now() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn built() -> (Site, String) {
    let site = Site::new();
    let digest = text(&site.push(1)["digest"]).to_owned();
    (site, digest)
}

#[test]
fn a_flux_event_names_the_artifact_and_proves_it() {
    let (site, digest) = built();
    site.write("event.json", &flux(&digest, "platform", "ReconciliationSucceeded"));
    let outcome = site.json(0, &["promote", REPO, "--event", "event.json"]);
    assert_eq!((&outcome["outcome"], &outcome["release"]), (&"done".into(), &"0.1.0".into()));
    // Alerts repeat every ten minutes.
    let again = site.json(0, &["promote", REPO, "--event", "event.json"]);
    assert_eq!(again["outcome"], "already-done");
}

#[test]
fn a_repository_dispatch_carries_the_same_event_on_stdin() {
    let (site, digest) = built();
    let dispatch = format!(
        r#"{{"action": "Kustomization/platform.flux-system", "repository": {{"full_name": "acme/platform"}},
            "client_payload": {}}}"#,
        flux(&digest, "platform", "ReconciliationSucceeded")
    );
    let run = site.run_with(&dispatch, &["promote", REPO, "--event", "-", "-o", "name"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "0.1.0\n"), "{}", run.stderr);
}

#[test]
fn a_commit_status_names_only_the_commit() {
    let (site, _) = built();
    let status = format!(
        r#"{{"sha": "{}", "state": "success", "context": "kustomization/platform/1a2b3c4d",
            "description": "reconciliation succeeded", "updated_at": "{NOW}",
            "repository": {{"full_name": "acme/platform"}}}}"#,
        commit(1)
    );
    site.write("status.json", &status.replace(NOW, &now()));
    let outcome = site.json(0, &["promote", REPO, "--event", "status.json"]);
    assert_eq!(outcome["release"], "0.1.0");
}

#[test]
fn events_that_prove_nothing_are_refused() {
    let (site, digest) = built();
    let id = |event: String| {
        site.write("event.json", &event);
        let outcome = site.json(3, &["promote", REPO, "--event", "event.json"]);
        text(&outcome["refusal"]["id"]).to_owned()
    };
    assert_eq!(id(flux(&digest, "platform", "HealthCheckFailed")), "evidence-reports-failure");
    assert_eq!(id(flux(&digest, "platform", "Progressing")), "evidence-inconclusive");
    let source = flux(&digest, "platform", "Succeeded").replace("Kustomization", "OCIRepository");
    assert_eq!(id(source), "evidence-inconclusive");
    let stale = flux(&digest, "platform", "ReconciliationSucceeded").replace(&now()[..4], "2020");
    assert_eq!(id(stale), "not-promotable");
    assert_eq!(site.tags().len(), 3);
}

#[test]
fn an_event_and_what_it_is_given_for_must_agree() {
    let (site, digest) = built();
    let other = text(&site.push(2)["digest"]).to_owned();
    site.write("event.json", &flux(&digest, "platform", "ReconciliationSucceeded"));
    let outcome = site.json(3, &["promote", REPO, &other, "--event", "event.json"]);
    assert_eq!(outcome["refusal"]["because"][0]["id"], "evidence-of-another-digest");
}

#[test]
fn the_wrong_clusters_success_promotes_nothing() {
    let (site, digest) = built();
    site.write(
        "promotion.yaml",
        "clusters:\n  integration: { namespace: flux-system, kustomization: platform }\n  \
         live: { namespace: flux-system, kustomization: platform-live }\n",
    );
    let promote = |name: &str, code| {
        site.write("event.json", &flux(&digest, name, "ReconciliationSucceeded"));
        site.json(code, &["promote", REPO, "--event", "event.json"])
    };
    assert_eq!(promote("other", 3)["refusal"]["id"], "evidence-of-another-object");
    assert_eq!(promote("platform-live", 3)["refusal"]["id"], "unknown-stage");
    assert_eq!(promote("platform", 0)["release"], "0.1.0");
}

#[test]
fn what_an_alert_calls_its_cluster_is_a_stage_or_configured() {
    let (site, digest) = built();
    let event = flux(&digest, "platform", "ReconciliationSucceeded");
    let on = |cluster: &str, code| {
        site.write(
            "event.json",
            &event.replace("\"metadata\": {", &format!("\"metadata\": {{\"cluster\": {cluster:?}, ")),
        );
        site.json(code, &["promote", REPO, "--event", "event.json"])
    };
    assert_eq!(on("eu-1", 3)["refusal"]["id"], "evidence-of-another-object");
    assert_eq!(on("live", 3)["refusal"]["id"], "unknown-stage");
    site.write("promotion.yaml", "clusters: { integration: { context: eu-1 } }\n");
    assert_eq!(on("eu-2", 3)["refusal"]["id"], "evidence-of-another-object");
    assert_eq!(on("eu-1", 0)["release"], "0.1.0");
}

#[test]
fn observations_come_from_a_file_and_a_persons_word_does_not() {
    let (site, digest) = built();
    let gate = |kind: &str| {
        let json = format!(
            r#"[{{"kind": "{kind}", "digest": "{digest}", "stage": "integration", "observed_at": "{}", "source": "ci"}}]"#,
            now()
        );
        site.write("gate.json", &json);
        site.run(&["promote", REPO, &digest, "--gate", "gate.json"])
    };
    assert_eq!(gate("manual").code, 2);
    assert_eq!(gate("canary").code, 3, "the gate asks for a kustomization");
    assert_eq!(gate("kustomization").code, 0);
}
