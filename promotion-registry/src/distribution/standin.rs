//! Stands in for what is on its way: a registry that cannot do anything, credentials that are never found.

use std::path::PathBuf;

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{BlobSource, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Repository, Tag};

use super::{Credential, Credentials, Distribution};

/// Docker's and Podman's files.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    /// The files, the first that knows the host wins.
    pub files: Vec<PathBuf>,
}

#[async_trait]
impl Credentials for DockerConfig {
    async fn find(&self, _host: &str, _path: &str) -> Result<Option<Credential>, PortError> {
        Ok(None)
    }
}

impl Distribution {
    fn cannot<T>(&self, what: &str) -> Result<T, PortError> {
        let attempted = format!("{what} in {}", self.repository);
        Err(PortError::new(PortErrorKind::Unsupported, attempted, "not in this version"))
    }
}

#[async_trait]
impl Registry for Distribution {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn consistency(&self) -> Consistency {
        Consistency::Registers
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        Ok(Guard::none())
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.cannot("list tags")
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.cannot(&format!("resolve tag {tag}"))
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.cannot(&format!("get manifest {digest}"))
    }

    async fn put_manifest(&self, _: &Manifest) -> Result<(), PortError> {
        self.cannot("put manifest")
    }

    async fn put_tag(&self, _: &Tag, _: &Manifest, _: Expect) -> Result<(), PortError> {
        self.cannot("put tag")
    }

    async fn delete_tag(&self, _: &Tag, _: Digest) -> Result<(), PortError> {
        self.cannot("delete tag")
    }

    async fn referrers(&self, _: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.cannot("list referrers")
    }

    async fn has_blob(&self, _: Digest) -> Result<bool, PortError> {
        self.cannot("look for blob")
    }

    async fn blob(&self, _: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        self.cannot("get blob")
    }

    async fn put_blob(&self, _: &Descriptor, _: &mut dyn BlobSource) -> Result<(), PortError> {
        self.cannot("put blob")
    }
}
