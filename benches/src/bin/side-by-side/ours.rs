//! The library's part in a process of its own, as others' commands are.

use promotion_core::ports::{Expect, Registry};
use promotion_core::{Digest, Tag};
use promotion_registry::distribution::{Client, Distribution, Options};

/// Tags a known digest.
pub(crate) fn retag(repository: &str, digest: &str, tags: &[&str]) {
    let digest: Digest = digest.parse().expect("a digest");
    let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().expect("a tag")).collect();
    block_on(async {
        let registry = open(repository);
        let manifest = registry.manifest(digest).await.expect("a manifest");
        for tag in tags {
            registry.put_tag(&tag, &manifest, Expect::Absent).await.expect("a tag that was written");
        }
    });
}

/// Prints every tag with its digest.
pub(crate) fn digests(repository: &str) {
    block_on(async {
        let registry = open(repository);
        let tags = registry.list_tags().await.expect("a listing").tags;
        let digests = registry.resolve_all(&tags).await.expect("digests");
        for (tag, digest) in tags.iter().zip(digests) {
            println!("{tag} {}", digest.expect("a tag that is there"));
        }
    });
}

/// A repository of a registry on loopback.
pub(crate) fn open(repository: &str) -> Distribution {
    let client = Client::new(Options { plain_http: true, ..Options::default() }).expect("a client");
    client.open(&format!("oci://{repository}").parse().expect("a repository")).expect("a repository of a registry")
}

/// As the command line runs it.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}
