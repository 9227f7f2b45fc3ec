//! Every command on a registry over HTTP: the one in the process by default, real ones where they are installed.

use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::proxy::{Exchange, Operation, Proxy};
use promotion_registry::testing::servers::{Kind, Server, Setup, peer};
use serde_json::Value;

use crate::support::{Run, Site, commit, revision, text};

/// A site whose commands speak HTTP to a registry.
struct Remote {
    site: Site,
    repository: String,
}

impl Remote {
    fn new(host: &str) -> Self {
        Self { site: Site::new(), repository: format!("oci://{host}/acme/platform") }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.site.command(arguments);
        Run::of(command.env("PROMOTION_PLAIN_HTTP", "true").env("PROMOTION_REPOSITORY", &self.repository))
    }

    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["-o", "json"]].concat();
        let run = self.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}\n{}{}", run.stdout, run.stderr);
        run.value()
    }

    fn push(&self, build: u32) -> String {
        let app = self.site.app(&build.to_string());
        let outcome = self.json(0, &["push", "--path", &app, "--revision", &revision(build)]);
        text(&outcome["digest"]).to_owned()
    }

    fn promote(&self, what: &str) -> Value {
        self.json(0, &["promote", what, "--manual", "--reason", "it works"])
    }
}

/// Builds, a masked candidate, verdicts, a rollback, plans; at the end nothing is to be found.
fn story(remote: &Remote) {
    assert_eq!(remote.run(&["status"]).code, 5, "nothing was pushed");
    let (first, second) = (remote.push(1), remote.push(2));
    assert_eq!(remote.push(1), first, "pushed again");
    let released = remote.promote(&first);
    assert_eq!(released["release"], "0.1.0");
    // The newer build is lifted above the release that would mask it.
    assert!(released["writes"].to_string().contains("0.1.1-rc.0.1"), "{released}");
    assert_eq!(remote.promote(&first)["outcome"], "already-done");
    let status = remote.json(0, &["status"]);
    assert_eq!(status["stages"][0]["selects"]["digest"], second.as_str());
    assert_eq!(status["stages"][1]["selects"]["digest"], first.as_str());

    let plan =
        remote.json(0, &["promote", &second, "--manual", "--reason", "planned", "--dry-run", "--out", "plan.json"]);
    assert!(!plan["actions"].as_array().unwrap().is_empty(), "{plan}");
    assert_eq!(remote.json(0, &["apply", "plan.json"])["outcome"], "done");
    assert_eq!(remote.json(0, &["resolve", "--semver", ">=0.0.0"])["digest"], second.as_str());

    let rolled = remote.json(0, &["rollback", "--to", &first]);
    assert_eq!(remote.json(0, &["status"])["stages"][1]["selects"]["digest"], first.as_str(), "{rolled}");
    assert_eq!(remote.json(0, &["reopen", &second, "--reason", "wrong alarm"])["outcome"], "done");
    let third = remote.push(3);
    assert_eq!(remote.json(0, &["reject", &third, "--reason", "broken"])["outcome"], "done");
    assert_eq!(remote.json(0, &["candidate", &second, "--again"])["outcome"], "done");

    let history = remote.json(0, &["history", &first]);
    let deeds: Vec<&str> = history["records"].as_array().unwrap().iter().map(|record| text(&record["deed"])).collect();
    assert!(deeds.contains(&"promote") && deeds.contains(&"rollback"), "{history}");
    let list = remote.json(0, &["list", "--all"]);
    assert_eq!(list["artifacts"].as_array().unwrap().len(), 3, "{list}");
    assert_eq!(remote.json(0, &["list", "--sha", &commit(1)])["artifacts"][0]["digest"], first.as_str());
    assert_eq!(remote.json(0, &["repair"])["outcome"], "already-done");
    let audit = remote.json(0, &["audit"]);
    assert_eq!(audit["findings"], serde_json::json!([]), "{audit}");
}

/// Out over an air gap and in again: the same digests, tags and records.
fn there_and_back(remote: &Remote, copy: &str) {
    let (out, back) = ("ocidir://usb", format!("{copy}/mirror"));
    let tags = |repository: &str| {
        let resolved = remote.run(&["list", repository, "--all", "-o", "json"]);
        assert_eq!(resolved.code, 0, "{}", resolved.stderr);
        resolved.value()["artifacts"].clone()
    };
    for (from, to) in [(remote.repository.as_str(), out), (out, back.as_str())] {
        let run = remote.run(&["copy", from, to]);
        assert_eq!(run.code, 0, "{from} {to} {}", run.stderr);
        assert_eq!(tags(from), tags(to), "{from} {to}");
    }
    let again = remote.json(0, &["copy", out, &back]);
    let first = text(&remote.json(0, &["list"])["artifacts"][0]["digest"]).to_owned();
    let history = |repository: &str| remote.json(0, &["history", repository, &first])["records"].clone();
    assert_eq!(history(&remote.repository), history(&back), "{again}");
}

#[test]
fn every_command_works_over_http() {
    let registry = FakeRegistry::start(Quirks::default());
    let remote = Remote::new(&registry.host());
    story(&remote);
    there_and_back(&remote, &format!("oci://{}", registry.host()));
}

#[test]
fn every_command_works_without_the_referrers_api() {
    let registry = FakeRegistry::start(Quirks { no_referrers_api: true, ..Quirks::default() });
    let remote = Remote::new(&registry.host());
    story(&remote);
    there_and_back(&remote, &format!("oci://{}", registry.host()));
}

fn on_a_real(kind: Kind) {
    let server = Server::start(kind, Setup::anonymous());
    let remote = Remote::new(&server.host());
    story(&remote);
    there_and_back(&remote, &format!("oci://{}", server.host()));
    // Somebody else reads what we wrote.
    let reference = server.repository("acme/platform:0.1.0");
    let output = peer("crane").args(["digest", "--insecure", &reference]).output().unwrap();
    let selected = remote.json(0, &["resolve", "--semver", "0.1.0"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), text(&selected["digest"]), "{kind:?}");
}

#[test]
#[ignore = "needs docker-registry: scripts/components"]
fn every_command_works_on_distribution_2() {
    on_a_real(Kind::Distribution2);
}

#[test]
#[ignore = "needs distribution 3: scripts/components"]
fn every_command_works_on_distribution_3() {
    on_a_real(Kind::Distribution3);
}

#[test]
#[ignore = "needs zot: scripts/components"]
fn every_command_works_on_zot() {
    on_a_real(Kind::Zot);
}

#[test]
#[ignore = "needs go-containerregistry: scripts/components"]
fn every_command_works_on_go_containerregistry() {
    on_a_real(Kind::Ggcr);
}

/// The requests of a command, by kind.
fn counted(exchanges: &[Exchange]) -> String {
    let count = |operation: Operation| exchanges.iter().filter(|exchange| exchange.operation == operation).count();
    let named = [
        ("list", Operation::ListTags),
        ("HEAD tag", Operation::HeadTag),
        ("GET tag", Operation::GetTag),
        ("GET manifest", Operation::GetDigest),
        ("PUT tag", Operation::PutTag),
        ("PUT manifest", Operation::PutDigest),
        ("HEAD blob", Operation::HeadBlob),
        ("POST upload", Operation::BeginUpload),
        ("PUT upload", Operation::Upload),
        ("referrers", Operation::Referrers),
    ];
    let told: Vec<String> = named
        .iter()
        .map(|(name, of)| (count(*of), name))
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| format!("{n} {name}"))
        .collect();
    assert_eq!(named.iter().map(|(_, of)| count(*of)).sum::<usize>(), exchanges.len(), "{exchanges:#?}");
    format!("{}: {}", exchanges.len(), told.join(", "))
}

#[test]
fn what_each_command_asks_is_a_contract() {
    let registry = FakeRegistry::start(Quirks::default());
    let proxy = Proxy::before(&registry.host());
    let remote = Remote::new(&proxy.host());
    let mut table = String::new();
    let mut told =
        |name: &str, exchanges: Vec<Exchange>| table.push_str(&format!("{name:<28} {}\n", counted(&exchanges)));
    let first = remote.push(1);
    told("push, the first", proxy.take());
    remote.push(2);
    told("push", proxy.take());
    remote.push(2);
    told("push again", proxy.take());
    remote.json(0, &["status"]);
    told("status", proxy.take());
    remote.promote(&first);
    told("promote, lifting a newer one", proxy.take());
    remote.promote("0.1.1-rc.0.1");
    told("promote", proxy.take());
    remote.promote("0.1.1-rc.0.1");
    told("promote again", proxy.take());
    remote.json(0, &["history", "0.1.0"]);
    told("history", proxy.take());
    remote.json(0, &["resolve", "--semver", ">=0.0.0"]);
    told("resolve", proxy.take());
    remote.json(0, &["rollback", "--to", &first]);
    told("rollback", proxy.take());
    insta::assert_snapshot!(table);
}

#[test]
fn doctor_tells_what_a_registry_can_do() {
    let registry = FakeRegistry::start(Quirks { multi_tag_put: true, ..Quirks::default() });
    let remote = Remote::new(&registry.host());
    let examine = |more: &[&str]| remote.json(0, &[&["doctor", remote.repository.as_str()], more].concat());
    assert_eq!(examine(&[])["tags"], Value::Null, "nothing was pushed");
    remote.push(1);
    let before = registry.tags("acme/platform");
    let (looked, wrote) = (examine(&[]), examine(&["--write"]));
    assert_eq!((&looked["tags"], &looked["referrers_api"]), (&3.into(), &true.into()), "{looked}");
    assert_eq!((&looked["multi_tag_put"], &wrote["multi_tag_put"]), (&Value::Null, &true.into()), "{wrote}");
    assert_eq!(registry.tags("acme/platform"), before, "examining changes nothing");
    assert_eq!(remote.run(&["doctor", "--write"]).code, 2);
    assert_eq!(remote.run(&["doctor", "oci://nowhere"]).code, 2);
}
