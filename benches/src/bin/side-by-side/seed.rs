//! Repositories of any size at a registry.

use futures_util::stream::{self, StreamExt};
use promotion_benches::Repository;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::ports::{Bytes, Expect, Registry};
use promotion_core::{Digest, Revision};

use crate::ours::{block_on, open};

/// Writes at once.
const WRITERS: usize = 8;

/// Fills a repository with so many tags of some years' builds.
pub(crate) fn seed(repository: &str, size: usize) {
    let history = Repository::of(size);
    block_on(async {
        let registry = open(repository);
        let empty = Manifest::new(OCI_MANIFEST, b"{}".to_vec()).descriptor();
        registry.put_blob(&empty, &mut Bytes::new(b"{}".to_vec())).await.expect("a blob");
        let writes = history.tags.iter().map(|tag| {
            let manifest = manifest(history.revision(tag).expect("a commit"));
            let registry = &registry;
            async move { registry.put_tag(tag, &manifest, Expect::Any).await.expect("a tag") }
        });
        stream::iter(writes).buffer_unordered(WRITERS).collect::<()>().await;
    });
}

/// Any digest of the repository.
pub(crate) fn digest(size: usize) -> Digest {
    let history = Repository::of(size);
    manifest(history.revision(&history.tags[0]).expect("a commit")).digest()
}

fn manifest(revision: &Revision) -> Manifest {
    let blob =
        format!(r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{}","size":2}}"#, Digest::of(b"{}"));
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{blob},"layers":[{blob}],"annotations":{{"org.opencontainers.image.revision":"{revision}"}}}}"#
    );
    Manifest::new(OCI_MANIFEST, text.into_bytes())
}
