//! Real servers: that let nobody move a tag, that ask who one is, that speak TLS, and what all of them agree on.

use std::sync::Arc;

use promotion_core::executor::OutcomeKind;
use promotion_core::manifest::Manifest;
use promotion_core::ports::{Expect, PortError, PortErrorKind, Registry};
use promotion_core::record;
use promotion_core::testing::conformance::seeded_manifest;
use promotion_registry::Distribution;
use promotion_registry::distribution::{Anonymous, Client, Options};
use promotion_registry::flux::{Created, PackOptions, pack, push};
use promotion_registry::testing::servers::{Kind, Server, Setup};

use crate::conforms::{client, known_as, open, quick};
use crate::promoted::{nominate, promote};
use crate::support::tag;

const WITH_USERS: [Kind; 3] = [Kind::Distribution2, Kind::Distribution3, Kind::Zot];

/// A Flux artifact without a tag.
pub(crate) async fn artifact(registry: &dyn Registry, content: &str) -> Manifest {
    let tree = tempfile::tempdir().unwrap();
    std::fs::write(tree.path().join("app.yaml"), content).unwrap();
    let revision = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9".parse().unwrap();
    let packed = pack(PackOptions::new(tree.path(), revision, Created::EPOCH)).await.unwrap();
    push(registry, &packed, None).await.unwrap();
    packed.manifest
}

fn anonymous(server: &Server) -> Distribution {
    open(&client(Arc::new(Anonymous)), &server.repository("platform"))
}

#[tokio::test]
#[ignore = "needs zot: scripts/components"]
async fn where_nothing_may_move_the_same_digest_is_success_and_another_is_told() {
    let server = Server::start(Kind::Zot, Setup::create_only());
    let registry = anonymous(&server);
    let (one, two) = (seeded_manifest(&registry, "one").await, seeded_manifest(&registry, "two").await);
    registry.put_manifest(&two).await.unwrap();
    registry.put_tag(&tag("1.0.0"), &one, Expect::Absent).await.unwrap();
    for expect in [Expect::Absent, Expect::Any, Expect::Equals(two.digest())] {
        registry.put_tag(&tag("1.0.0"), &one, expect).await.unwrap();
    }
    let error = registry.put_tag(&tag("1.0.0"), &two, Expect::Equals(one.digest())).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Immutable, "{error}");
    assert!(error.message().contains(&format!("tag 1.0.0 is {} and may not move", one.digest())), "{error}");
    assert_eq!(registry.capabilities().immutable_tags, Some(true));
    let error = registry.delete_tag(&tag("1.0.0"), one.digest()).await.unwrap_err();
    assert!(matches!(error.kind(), PortErrorKind::Unauthorized | PortErrorKind::Forbidden), "{error}");
    assert_eq!(registry.resolve(&tag("1.0.0")).await.unwrap(), Some(one.digest()));
}

#[tokio::test]
#[ignore = "needs zot: scripts/components"]
async fn a_promotion_needs_no_tag_to_move() {
    let server = Server::start(Kind::Zot, Setup::create_only());
    let registry = anonymous(&server);
    let it = artifact(&registry, "kind: A\n").await;
    nominate(&registry, it.digest()).await;
    let outcome = promote(&registry, it.digest()).await;
    assert_eq!((outcome.kind, outcome.release), (OutcomeKind::Done, Some(tag("0.1.0"))), "{:#?}", outcome.warnings);
    assert_eq!(registry.resolve(&tag("0.1.0")).await.unwrap(), Some(it.digest()));
    assert_eq!(record::read(&registry, it.digest()).await.unwrap().len(), 1);
    assert_eq!(promote(&registry, it.digest()).await.kind, OutcomeKind::AlreadyDone);
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn a_promotion_is_the_same_everywhere() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Setup::anonymous());
        let registry = anonymous(&server);
        let it = artifact(&registry, "kind: A\n").await;
        // Where nothing is tagged, distribution knows no repository.
        registry.put_tag(&tag("cache"), &it, Expect::Absent).await.unwrap();
        nominate(&registry, it.digest()).await;
        assert_eq!(promote(&registry, it.digest()).await.kind, OutcomeKind::Done, "{kind:?}");
        assert_eq!(registry.resolve(&tag("0.1.0")).await.unwrap(), Some(it.digest()), "{kind:?}");
        assert_eq!(record::read(&registry, it.digest()).await.unwrap().len(), 1, "{kind:?}");
    }
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn who_one_is_decides_what_one_may() {
    for kind in WITH_USERS {
        let server = Server::start(kind, Setup::htpasswd("ada", "correct horse"));
        let (host, repository) = (server.host(), server.repository("platform"));
        let known = open(&client(known_as(&host, "ada", "correct horse")), &repository);
        let it = seeded_manifest(&known, "a").await;
        known.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
        for (client, hint) in [
            (client(Arc::new(Anonymous)), format!("docker login {host}")),
            (client(known_as(&host, "ada", "wrong horse")), format!("sent with the credentials found for {host}")),
            (client(known_as("elsewhere.example", "ada", "correct horse")), format!("docker login {host}")),
        ] {
            for error in every_refusal(&open(&client, &repository), &it).await {
                assert_eq!(error.kind(), &PortErrorKind::Unauthorized, "{kind:?}: {error}");
                assert!(error.message().contains(&hint), "{kind:?}: {error}");
                assert!(!format!("{error:?} {error}").contains("horse"), "{kind:?}: {error}");
            }
        }
    }
}

async fn every_refusal(registry: &Distribution, it: &Manifest) -> Vec<PortError> {
    vec![
        registry.list_tags().await.unwrap_err(),
        registry.resolve(&tag("1.0.0")).await.unwrap_err(),
        registry.manifest(it.digest()).await.unwrap_err(),
        registry.put_tag(&tag("1.0.1"), it, Expect::Absent).await.unwrap_err(),
        registry.put_manifest(it).await.unwrap_err(),
        registry.has_blob(it.digest()).await.unwrap_err(),
    ]
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn tls_is_by_an_authority_of_ones_own_and_by_nothing_less() {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    for kind in WITH_USERS {
        let setup = Setup::htpasswd("ada", "correct horse").tls(&certificate, &key);
        let server = Server::start(kind, setup);
        let repository = server.repository("platform");
        let connect = |options: Options| open(&Client::new(options).unwrap(), &repository);
        let credentials = || known_as(&server.host(), "ada", "correct horse");
        let secure = || Options { plain_http: false, credentials: credentials(), ..quick() };
        let trusting = connect(Options { authorities: vec![certificate.clone().into_bytes()], ..secure() });
        let it = seeded_manifest(&trusting, "a").await;
        trusting.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
        assert_eq!(trusting.manifest(it.digest()).await.unwrap(), it, "{kind:?}");
        let error = connect(secure()).resolve(&tag("1.0.0")).await.unwrap_err();
        assert!(error.message().contains("certificate is not accepted"), "{kind:?}: {error}");
        let error = connect(Options { plain_http: true, ..secure() }).resolve(&tag("1.0.0")).await.unwrap_err();
        assert!(!matches!(error.kind(), PortErrorKind::NotFound), "{kind:?}: {error}");
        let careless = connect(Options { insecure: true, ..secure() });
        assert_eq!(careless.resolve(&tag("1.0.0")).await.unwrap(), Some(it.digest()), "{kind:?}");
        if kind != Kind::Zot {
            assert!(server.log().contains("HTTP/2.0\" 201"), "{kind:?}: {}", server.log());
        }
    }
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn asking_for_several_tags_at_once_changes_nothing_anywhere() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Setup::anonymous());
        let registry = anonymous(&server);
        let it = seeded_manifest(&registry, "a").await;
        registry.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
        let offered = registry.probe_multi_tag(&tag("1.0.0"), &it).await.unwrap();
        println!("{kind:?} takes several tags at once: {offered}");
        assert!(!offered || kind == Kind::Zot, "{kind:?}");
        assert_eq!(registry.list_tags().await.unwrap().tags, [tag("1.0.0")], "{kind:?}");
        assert_eq!(registry.resolve(&tag("1.0.0")).await.unwrap(), Some(it.digest()), "{kind:?}");
    }
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn tags_differ_by_case_everywhere() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Setup::anonymous());
        let registry = anonymous(&server);
        let (one, two) = (seeded_manifest(&registry, "one").await, seeded_manifest(&registry, "two").await);
        registry.put_tag(&tag("1.0.0-rc.1"), &one, Expect::Absent).await.unwrap();
        registry.put_tag(&tag("1.0.0-RC.1"), &two, Expect::Absent).await.unwrap();
        let found = registry.resolve_all(&[tag("1.0.0-rc.1"), tag("1.0.0-RC.1")]).await.unwrap();
        assert_eq!(found, [Some(one.digest()), Some(two.digest())], "{kind:?}");
        assert_eq!(registry.capabilities().case_sensitive_tags, Some(true), "{kind:?}");
    }
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn a_repository_may_have_every_name_of_the_specification() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Setup::anonymous());
        let room = 255 - server.host().len() - 1;
        let longest = format!("{}{}", "a/".repeat((room - 1) / 2), "a".repeat(1 + (room - 1) % 2));
        for name in ["v2", "tags/list", "a/manifests/b", "a/blobs/uploads/b", "a.b_c__d-e--f", longest.as_str()] {
            let registry = open(&client(Arc::new(Anonymous)), &server.repository(name));
            let it = seeded_manifest(&registry, "a").await;
            registry.put_tag(&tag("1.0.0"), &it, Expect::Absent).await.unwrap();
            assert_eq!(registry.list_tags().await.unwrap().tags, [tag("1.0.0")], "{kind:?}: {name}");
            assert_eq!(registry.manifest(it.digest()).await.unwrap(), it, "{kind:?}: {name}");
        }
    }
}
