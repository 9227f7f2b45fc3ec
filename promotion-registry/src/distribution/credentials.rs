//! Who we are to a registry.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use promotion_core::ports::PortError;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What it is: for a header, never for people.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What proves who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password, or a token in its place.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token, exchanged at the token endpoint.
    Identity(Secret),
    /// A bearer token, sent as it is.
    Bearer(Secret),
}

/// Finds the credential for a repository.
#[async_trait]
pub trait Credentials: fmt::Debug + Send + Sync {
    /// The credential for `path` at `host`; `None` means anonymous.
    ///
    /// # Errors
    /// When a source of credentials is there and broken.
    async fn find(&self, host: &str, path: &str) -> Result<Option<Credential>, PortError>;
}

/// Nobody in particular.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Credentials for Anonymous {
    async fn find(&self, _host: &str, _path: &str) -> Result<Option<Credential>, PortError> {
        Ok(None)
    }
}

/// The same credential for whatever host it was given for.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The host it belongs to.
    pub host: String,
    /// The credential.
    pub credential: Credential,
}

#[async_trait]
impl Credentials for Fixed {
    async fn find(&self, host: &str, _path: &str) -> Result<Option<Credential>, PortError> {
        // The host that is asked has no port where it is the scheme's own, which people write all the same.
        let port = self.host.strip_prefix(host);
        Ok(Some(self.credential.clone()).filter(|_| matches!(port, Some("" | ":443" | ":80"))))
    }
}

/// The first of several sources that knows the repository.
#[derive(Debug, Clone, Default)]
pub struct FirstOf(pub Vec<Arc<dyn Credentials>>);

#[async_trait]
impl Credentials for FirstOf {
    async fn find(&self, host: &str, path: &str) -> Result<Option<Credential>, PortError> {
        for source in &self.0 {
            let found = source.find(host, path).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
