//! Stands in for what is on its way: credentials that are never found.

use std::path::PathBuf;

use async_trait::async_trait;
use promotion_core::ports::PortError;

use super::{Credential, Credentials};

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
