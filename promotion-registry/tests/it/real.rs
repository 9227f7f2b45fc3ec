//! The port's conformance suite, over HTTP against real registries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use promotion_core::ports::Registry;
use promotion_core::testing::conformance::{registry_conformance, shared_conformance};
use promotion_registry::distribution::{Client, Credential, Fixed, Options, Secret};
use promotion_registry::testing::servers::{Kind, Server, Setup};

const USER: (&str, &str) = ("ada", "correct horse");

fn client(host: &str) -> Client {
    let credential = Credential::Basic { user: USER.0.to_owned(), password: Secret::new(USER.1) };
    let credentials = Arc::new(Fixed { host: host.to_owned(), credential });
    Client::new(Options { plain_http: true, credentials, ..Options::default() }).unwrap()
}

/// A repository that exists and has no tags: registries make one of the first blob that is pushed to it.
async fn fresh(client: &Client, server: &Server, name: String) -> Box<dyn Registry> {
    let repository = format!("oci://{}", server.repository(&name)).parse().unwrap();
    Box::new(client.open(&repository).unwrap())
}

async fn conforms(kind: Kind, setup: Setup) {
    let server = Server::start(kind, setup);
    let client = client(&server.host());
    let next = AtomicUsize::new(0);
    let name = || format!("conformance/r{}", next.fetch_add(1, Ordering::Relaxed));
    registry_conformance(|| fresh(&client, &server, name())).await;
    shared_conformance(|| async {
        let name = name();
        (fresh(&client, &server, name.clone()).await, fresh(&client, &server, name).await)
    })
    .await;
}

fn htpasswd() -> Setup {
    Setup::htpasswd(USER.0, USER.1)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs docker-registry: scripts/components"]
async fn distribution_2_is_a_registry() {
    conforms(Kind::Distribution2, Setup::anonymous()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs docker-registry: scripts/components"]
async fn distribution_2_with_passwords_is_a_registry() {
    conforms(Kind::Distribution2, htpasswd()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs distribution 3: scripts/components"]
async fn distribution_3_is_a_registry() {
    conforms(Kind::Distribution3, Setup::anonymous()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs zot: scripts/components"]
async fn zot_is_a_registry() {
    conforms(Kind::Zot, Setup::anonymous()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs zot: scripts/components"]
async fn zot_with_passwords_is_a_registry() {
    conforms(Kind::Zot, htpasswd()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go-containerregistry: scripts/components"]
async fn go_containerregistry_is_a_registry() {
    conforms(Kind::Ggcr, Setup::anonymous()).await;
}
