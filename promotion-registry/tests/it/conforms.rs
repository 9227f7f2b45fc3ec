//! The port's conformance suite over HTTP against a registry in the process, one of its quirks at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use promotion_core::ports::{Expect, Registry};
use promotion_core::testing::conformance::{registry_conformance, seeded_manifest, shared_conformance};
use promotion_registry::Distribution;
use promotion_registry::distribution::{Client, Credential, Credentials, Fixed, Options, Retries, Secret};
use promotion_registry::testing::fake::{Auth, FakeRegistry, Location, Paging, Quirks};

use crate::support::tag;

const USER: (&str, &str) = ("ada", "correct horse");

/// A client without TLS that loses no time.
pub(crate) fn client(credentials: Arc<dyn Credentials>) -> Client {
    Client::new(Options { credentials, ..quick() }).unwrap()
}

pub(crate) fn quick() -> Options {
    let retries = Retries { attempts: 5, pause: Duration::from_millis(1), longest: Duration::from_millis(50) };
    Options { plain_http: true, retries, ..Options::default() }
}

/// A user and a password for one host.
pub(crate) fn known_as(host: &str, user: &str, password: &str) -> Arc<dyn Credentials> {
    let credential = Credential::Basic { user: user.to_owned(), password: Secret::new(password) };
    Arc::new(Fixed { host: host.to_owned(), credential })
}

pub(crate) fn open(client: &Client, repository: &str) -> Distribution {
    client.open(&format!("oci://{repository}").parse().unwrap()).unwrap()
}

async fn conforms(quirks: Quirks) {
    let registry = FakeRegistry::start(quirks);
    let client = client(known_as(&registry.host(), USER.0, USER.1));
    let next = AtomicUsize::new(0);
    let fresh = |name: &str| -> Box<dyn Registry> { Box::new(open(&client, &registry.repository(name))) };
    let name = || format!("conformance/r{}", next.fetch_add(1, Ordering::Relaxed));
    registry_conformance(|| async { fresh(&name()) }).await;
    shared_conformance(|| async {
        let name = name();
        (fresh(&name), fresh(&name))
    })
    .await;
}

fn with(change: impl FnOnce(&mut Quirks)) -> Quirks {
    let mut quirks = Quirks::default();
    change(&mut quirks);
    quirks
}

#[tokio::test]
async fn a_registry_by_the_book_is_one() {
    conforms(Quirks::default()).await;
}

#[tokio::test]
async fn a_registry_is_one_however_it_pages() {
    let styles = [Paging::IgnoresN, Paging::NoLinkButLast, Paging::RestartsForever, Paging::OpaqueCursor];
    for paging in styles.into_iter().chain([Paging::CapsAt(1)]) {
        conforms(with(|it| it.paging = paging)).await;
    }
}

#[tokio::test]
async fn a_registry_is_one_whoever_it_asks_for() {
    let (user, password) = (USER.0.to_owned(), USER.1.to_owned());
    let bearer = Auth::Bearer { user: user.clone(), password: password.clone(), uses: None };
    let basic = Auth::Basic { user: user.clone(), password: password.clone() };
    let readable = Auth::AnonymousPull { user: user.clone(), password: password.clone() };
    for auth in [basic, readable, bearer] {
        conforms(with(|it| it.auth = auth)).await;
    }
}

#[tokio::test]
async fn a_registry_is_one_wherever_it_takes_uploads() {
    conforms(with(|it| it.location = Location::Absolute)).await;
    conforms(with(|it| it.monolithic_only = true)).await;
}

#[tokio::test]
async fn a_registry_is_one_whatever_it_leaves_unsaid() {
    conforms(with(|it| it.no_referrers_api = true)).await;
    conforms(with(|it| it.no_digest_header = true)).await;
    conforms(with(|it| it.accept_needed = true)).await;
}

#[tokio::test]
async fn a_registry_is_one_though_tags_are_torn_while_they_are_written() {
    conforms(with(|it| it.torn_500 = Some(3))).await;
}

#[tokio::test]
async fn a_registry_of_many_quirks_is_still_one() {
    let auth = Auth::Bearer { user: USER.0.to_owned(), password: USER.1.to_owned(), uses: None };
    conforms(Quirks {
        paging: Paging::OpaqueCursor,
        auth,
        location: Location::Absolute,
        no_referrers_api: true,
        no_digest_header: true,
        torn_500: Some(5),
        accept_needed: true,
        monolithic_only: true,
        multi_tag_put: true,
        ..Quirks::default()
    })
    .await;
}

/// Not the whole suite: a stream cannot be sent again with another token.
#[tokio::test]
async fn a_token_that_serves_once_is_fetched_for_each_request() {
    let auth = Auth::Bearer { user: USER.0.to_owned(), password: USER.1.to_owned(), uses: Some(1) };
    let registry = FakeRegistry::start(Quirks { auth, ..Quirks::default() });
    let credentials = known_as(&registry.host(), USER.0, USER.1);
    let client = Client::new(Options { credentials, concurrency: 1, ..quick() }).unwrap();
    let repository = open(&client, &registry.repository("expiring"));
    let it = seeded_manifest(&repository, "a").await;
    for name in ["0.1.0-rc.1", "0.1.0", "validated", "0.1.0"] {
        repository.put_tag(&tag(name), &it, Expect::Any).await.unwrap();
    }
    repository.delete_tag(&tag("validated"), it.digest()).await.unwrap();
    assert_eq!(repository.resolve_all(&[tag("0.1.0"), tag("validated")]).await.unwrap(), [Some(it.digest()), None]);
    assert_eq!(registry.tags("expiring").into_keys().collect::<Vec<_>>(), ["0.1.0", "0.1.0-rc.1"]);
}
