//! Which tag Flux picks, asked of Flux: random repositories in a real registry, read by a real source-controller.

use promotion_cluster::testing::{ControlPlane, Controller, condition, is_ready};
use promotion_core::Tag;
use promotion_core::flux::{SelectError, Selector, select};
use promotion_core::ports::{Expect, Registry};
use promotion_core::testing::strategies::{constraint_texts, tags};
use promotion_registry::distribution::{Client, Options};
use promotion_registry::flux::{Created, PackOptions, pack, push};
use promotion_registry::testing::servers::{Kind, Server, Setup};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::manifests::source;

const CASES: usize = 220;

/// What a repository has, and what a source says of it.
#[derive(Debug)]
struct Case {
    tags: Vec<Tag>,
    constraint: String,
    filter: Option<&'static str>,
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let usual = prop_oneof![Just(">= 0.0.0-0"), Just(">= 0.0.0"), Just("1.x"), Just("~1.2-0"), Just("*")];
    let constraint = prop_oneof![usual.prop_map(str::to_owned), constraint_texts()];
    let filters = [".*-rc.*", "^v", "^[0-9]+\\.[0-9]+\\.[0-9]+$", "-(rc|alpha)\\.[0-9]+$", "(?i)^V?1", "["];
    let filter = proptest::option::weighted(0.3, proptest::sample::select(filters.to_vec()));
    let case = (btree_set(tags(), 1..24), constraint, filter);
    vec(
        case.prop_map(|(tags, constraint, filter)| Case { tags: tags.into_iter().collect(), constraint, filter }),
        CASES,
    )
}

impl Case {
    /// What differs between what Flux made of it and what we say that it makes.
    fn surprise(&self, listing: &[Tag], digest: &str, object: &Value) -> Option<String> {
        let listing: Vec<&str> = listing.iter().map(Tag::as_str).collect();
        let predicted = Selector::parse(&self.constraint, self.filter, None)
            .and_then(|selector| select(&listing, &selector).map(|found| (found.tag, found.ambiguous.clone())));
        let served = object["status"]["artifact"]["revision"].as_str();
        let said = condition(object, "Ready").and_then(|ready| ready["message"].as_str()).unwrap_or_default();
        let foreseen = match &predicted {
            Ok((Some(tag), _)) => served == Some(&format!("{tag}@{digest}")),
            // One of them, and nobody can know which.
            Ok((None, tied)) => tied.iter().any(|tag| served == Some(&format!("{tag}@{digest}"))),
            Err(SelectError::NoMatch { .. }) => {
                served.is_none() && said.ends_with(&format!("no match found for semver: {}", self.constraint))
            }
            Err(SelectError::Filter(_) | SelectError::Constraint(_)) => {
                served.is_none() && !said.contains("no match found")
            }
            Err(_) => false,
        };
        (!foreseen).then(|| format!("{self:?}\nwe say {predicted:?}\nFlux serves {served:?}, and says {said}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go-containerregistry, kube-apiserver, etcd and Flux's controllers: scripts/components"]
async fn source_controller_picks_what_we_say() {
    let cases = cases().new_tree(&mut TestRunner::default()).unwrap().current();
    let server = Server::start(Kind::Ggcr, Setup::anonymous());
    let client = Client::new(Options { plain_http: true, ..Options::default() }).unwrap();
    let tree = tempfile::tempdir().unwrap();
    std::fs::write(tree.path().join("app.yaml"), "kind: ConfigMap\n").unwrap();
    let revision = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9".parse().unwrap();
    let packed = pack(PackOptions::new(tree.path(), revision, Created::EPOCH)).await.unwrap();
    let digest = packed.manifest.digest().to_string();

    let (mut listings, mut sources) = (Vec::new(), Vec::new());
    for (case, number) in cases.iter().zip(0..) {
        let address = server.repository(&format!("case-{number}"));
        let registry = client.open(&format!("oci://{address}").parse().unwrap()).unwrap();
        push(&registry, &packed, None).await.unwrap();
        let writes = case.tags.iter().map(|tag| (tag.clone(), packed.manifest.clone(), Expect::Absent));
        registry.put_tags(&writes.collect::<Vec<_>>()).await.unwrap();
        listings.push(registry.list_tags().await.unwrap().tags);
        let mut reference = json!({"semver": case.constraint});
        if let Some(filter) = case.filter {
            reference["semverFilter"] = filter.into();
        }
        sources.push(source(&format!("case-{number}"), &format!("oci://{address}"), &reference));
    }

    let plane = ControlPlane::start();
    plane.install_flux();
    let _controllers = [Controller::Notification, Controller::Source].map(|controller| plane.run(controller));
    plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": sources}));
    // While it tries again, neither is told.
    let has_failed = |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["status"] == "False");
    let is_done = |object: &Value| is_ready(object) || has_failed(object);
    let objects = plane.until_all("ocirepository", "are ready or have failed", is_done);
    let objects: Vec<&Value> = (0..CASES).map(|number| &objects[&format!("case-{number}")]).collect();

    let judged = cases.iter().zip(&listings).zip(&objects);
    let surprises: Vec<String> =
        judged.filter_map(|((case, listing), object)| case.surprise(listing, &digest, object)).collect();
    assert!(surprises.is_empty(), "{} of {CASES}:\n{}", surprises.len(), surprises.join("\n\n"));
    let served = objects.iter().filter(|object| is_ready(object)).count();
    assert!(served > CASES / 4 && served < CASES, "{served} sources found something: these cases ask little");
}
