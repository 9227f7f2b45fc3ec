//! Which tag Flux picks, asked of Flux: random repositories in a real registry, read by real controllers.

use promotion_cluster::testing::{ControlPlane, Controller, condition, is_ready};
use promotion_core::flux::{ImageChoice, ImagePolicy, SelectError, Selector, select, select_image};
use promotion_core::ports::{Expect, Registry};
use promotion_core::testing::strategies::{constraint_texts, tags};
use promotion_core::{Digest, Tag};
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
    fn surprise(&self, listing: &[Tag], digest: Digest, object: &Value) -> Option<String> {
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

/// The same artifact under each of the tags, in a repository for each case; the addresses, and what each lists.
async fn seed<'c>(server: &Server, cases: impl Iterator<Item = &'c [Tag]>) -> (Digest, Vec<(String, Vec<Tag>)>) {
    let client = Client::new(Options { plain_http: true, ..Options::default() }).unwrap();
    let tree = tempfile::tempdir().unwrap();
    std::fs::write(tree.path().join("app.yaml"), "kind: ConfigMap\n").unwrap();
    let revision = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9".parse().unwrap();
    let packed = pack(PackOptions::new(tree.path(), revision, Created::EPOCH)).await.unwrap();
    let mut repositories = Vec::new();
    for (tags, number) in cases.zip(0..) {
        let address = server.repository(&format!("case-{number}"));
        let registry = client.open(&format!("oci://{address}").parse().unwrap()).unwrap();
        push(&registry, &packed, None).await.unwrap();
        let writes = tags.iter().map(|tag| (tag.clone(), packed.manifest.clone(), Expect::Absent));
        registry.put_tags(&writes.collect::<Vec<_>>()).await.unwrap();
        repositories.push((address, registry.list_tags().await.unwrap().tags));
    }
    (packed.manifest.digest(), repositories)
}

/// Whether a controller has made up its mind. While it tries again, it has not.
fn is_done(object: &Value) -> bool {
    is_ready(object) || condition(object, "Ready").is_some_and(|ready| ready["status"] == "False")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go-containerregistry, kube-apiserver, etcd and Flux's controllers: scripts/components"]
async fn source_controller_picks_what_we_say() {
    let cases = cases().new_tree(&mut TestRunner::default()).unwrap().current();
    let server = Server::start(Kind::Ggcr, Setup::anonymous());
    let (digest, repositories) = seed(&server, cases.iter().map(|case| &*case.tags)).await;
    let sources = cases.iter().zip(&repositories).zip(0..).map(|((case, (address, _)), number)| {
        let mut reference = json!({"semver": case.constraint});
        if let Some(filter) = case.filter {
            reference["semverFilter"] = filter.into();
        }
        source(&format!("case-{number}"), &format!("oci://{address}"), &reference)
    });
    let sources: Vec<Value> = sources.collect();

    let plane = ControlPlane::start();
    plane.install_flux();
    let _controllers = [Controller::Notification, Controller::Source].map(|controller| plane.run(controller));
    plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": sources}));
    let objects = plane.until_all("ocirepository", "are ready or have failed", is_done);
    let objects: Vec<&Value> = (0..CASES).map(|number| &objects[&format!("case-{number}")]).collect();

    let judged = cases.iter().zip(&repositories).zip(&objects);
    let surprises: Vec<String> =
        judged.filter_map(|((case, (_, listing)), object)| case.surprise(listing, digest, object)).collect();
    assert!(surprises.is_empty(), "{} of {CASES}:\n{}", surprises.len(), surprises.join("\n\n"));
    let served = objects.iter().filter(|object| is_ready(object)).count();
    assert!(served > CASES / 4 && served < CASES, "{served} sources found something: these cases ask little");
}

/// What a repository has, and what an image policy says of it.
#[derive(Debug)]
struct Images {
    tags: Vec<Tag>,
    /// `spec.policy` and `spec.filterTags`.
    policy: Value,
    exclusions: Option<&'static str>,
}

/// What images are tagged with where versions are not enough: by branch, commit, time and number.
fn image_tags() -> impl Strategy<Value = Tag> {
    let branch = proptest::sample::select(vec!["main", "staging", "dev"]);
    let stamped = (branch, 0x1000_u32..0x100f, 1_u32..200).prop_map(|(branch, sha, at)| format!("{branch}-{sha}-{at}"));
    let numbers = prop_oneof![(0_u32..300).prop_map(|n| n.to_string()), Just("007".to_owned()), Just("1e3".to_owned())];
    let odd = proptest::sample::select(vec!["staging", "latest", "sha256-aa.sig", "NaN", "0x10", "1_0", "inf"]);
    let texts = prop_oneof![4 => stamped, 3 => numbers, 1 => odd.prop_map(str::to_owned)];
    prop_oneof![2 => tags(), 3 => texts.prop_map(|text| text.parse().unwrap())]
}

fn images() -> impl Strategy<Value = Vec<Images>> {
    let range = prop_oneof![Just(">= 0.0.0-0".to_owned()), Just("*".to_owned()), constraint_texts()];
    let order = || proptest::sample::select(vec!["asc", "desc"]);
    let policy = prop_oneof![
        range.prop_map(|range| json!({"semver": {"range": range}})),
        order().prop_map(|order| json!({"alphabetical": {"order": order}})),
        order().prop_map(|order| json!({"numerical": {"order": order}})),
    ];
    let filters = vec![
        json!({"pattern": "^main-[a-f0-9]+-(?P<ts>[0-9]+)$", "extract": "$ts"}),
        json!({"pattern": "^[a-z]+-(?P<sha>[a-f0-9]+)-[0-9]+$", "extract": "${sha}x"}),
        json!({"pattern": "^[0-9]+$"}),
        json!({"pattern": "^(.*)-(.*)$", "extract": "$2$1"}),
        json!({"pattern": "^staging$"}),
        json!({"pattern": "^v?(?P<v>[0-9].*)$", "extract": "$v"}),
        json!({"pattern": "["}),
    ];
    let filter = proptest::option::weighted(0.6, proptest::sample::select(filters));
    let exclusions = proptest::option::weighted(0.2, proptest::sample::select(vec!["^main-", "^[0-9]$"]));
    let case = (btree_set(image_tags(), 1..24), policy, filter, exclusions);
    let case = case.prop_map(|(tags, policy, filter, exclusions)| {
        let mut spec = json!({"policy": policy});
        if let Some(filter) = filter {
            spec["filterTags"] = filter;
        }
        Images { tags: tags.into_iter().collect(), policy: spec, exclusions }
    });
    vec(case, CASES)
}

impl Images {
    fn surprise(&self, listing: &[Tag], object: &Value) -> Option<String> {
        let mut policy = self.policy.clone();
        if let Some(exclusion) = self.exclusions {
            policy["exclusionList"] = json!([exclusion]);
        }
        let policy: ImagePolicy = serde_json::from_value(policy).unwrap();
        let listing: Vec<&str> = listing.iter().map(Tag::as_str).collect();
        let predicted = select_image(&listing, &policy);
        let picked = object["status"]["latestRef"]["tag"].as_str();
        let foreseen = match &predicted {
            Ok(ImageChoice::Selected(tag)) => is_ready(object) && picked == Some(tag),
            Ok(ImageChoice::Ambiguous { possible }) => picked.is_some_and(|picked| possible.contains(&picked)),
            Err(_) => !is_ready(object) && picked.is_none(),
        };
        (!foreseen).then(|| {
            let said = condition(object, "Ready").and_then(|ready| ready["message"].as_str());
            format!("{self:?}\nwe say {predicted:?}\nFlux picks {picked:?}, and says {said:?}")
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go-containerregistry, kube-apiserver, etcd and Flux's controllers: scripts/components"]
async fn image_reflector_controller_picks_what_we_say() {
    if let Some(why) = Controller::ImageReflector.lacks() {
        eprintln!("not asked: image-reflector-controller could not be had: {why}");
        return;
    }
    let cases = images().new_tree(&mut TestRunner::default()).unwrap().current();
    let server = Server::start(Kind::Ggcr, Setup::anonymous());
    let (_, repositories) = seed(&server, cases.iter().map(|case| &*case.tags)).await;
    let object = |kind: &str, number: usize, spec: Value| {
        let metadata = json!({"name": format!("case-{number}"), "namespace": "flux-system"});
        json!({"apiVersion": "image.toolkit.fluxcd.io/v1", "kind": kind, "metadata": metadata, "spec": spec})
    };
    let scanned = cases.iter().zip(&repositories).zip(0..).map(|((case, (address, _)), number)| {
        let mut spec = json!({"image": address, "insecure": true, "interval": "1h"});
        if let Some(exclusion) = case.exclusions {
            spec["exclusionList"] = json!([exclusion]);
        }
        object("ImageRepository", number, spec)
    });
    let chosen = cases.iter().zip(0..).map(|(case, number)| {
        let mut spec = case.policy.clone();
        spec["imageRepositoryRef"] = json!({"name": format!("case-{number}")});
        object("ImagePolicy", number, spec)
    });

    let plane = ControlPlane::start();
    plane.install_flux();
    let _controllers = [Controller::Notification, Controller::ImageReflector].map(|controller| plane.run(controller));
    plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": scanned.collect::<Vec<_>>()}));
    plane.until_all("imagerepository", "are scanned", is_ready);
    plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": chosen.collect::<Vec<_>>()}));
    let objects = plane.until_all("imagepolicy", "are ready or have failed", is_done);

    let judged = cases.iter().zip(&repositories).zip(0..);
    let surprises: Vec<String> = judged
        .filter_map(|((case, (_, listing)), number)| case.surprise(listing, &objects[&format!("case-{number}")]))
        .collect();
    assert!(surprises.is_empty(), "{} of {CASES}:\n{}", surprises.len(), surprises.join("\n\n"));
    let picked = objects.values().filter(|object| is_ready(object)).count();
    assert!(picked > CASES / 4 && picked < CASES, "{picked} policies picked something: these cases ask little");
}
