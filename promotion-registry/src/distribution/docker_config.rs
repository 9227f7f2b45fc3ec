//! Credential files of Docker and Podman, and the helpers that they name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use promotion_core::ports::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth_keys::{keys, store_key};
use super::credentials::{Credential, Credentials, Secret};
use crate::fault::{Fault, blocking};

/// What helpers say of a host they know nothing of; it is part of their protocol.
const MISS: &str = "credentials not found";

/// Credential files, the first that knows the repository wins.
///
/// An entry for `HOST/PATH` wins over one for `HOST`, in a file and its `credHelpers`; what is written in the file wins
/// over its `credsStore`. A file that does not exist says nothing.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    /// The files, such as `~/.docker/config.json` and `$XDG_RUNTIME_DIR/containers/auth.json`.
    pub files: Vec<PathBuf>,
}

#[async_trait]
impl Credentials for DockerConfig {
    async fn find(&self, host: &str, path: &str) -> Result<Option<Credential>, PortError> {
        let (files, registry, repository) = (self.files.clone(), host.to_owned(), path.to_owned());
        let search = move || search(&files, &registry, &repository);
        blocking(search).await.map_err(|fault| fault.attempting(format!("find credentials for {host}")))
    }
}

fn search(files: &[PathBuf], host: &str, path: &str) -> Result<Option<Credential>, Fault> {
    for file in files {
        let found = match fs::read(file) {
            Ok(bytes) => File::parse(file, host, &bytes)?.find(host, path, &mut credential)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Fault::io("read credentials from", file, error)),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The part of a file that concerns us.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// A document for the library, and the key to look for in it; a helper that the document names is run.
type Ask<'a> = dyn FnMut(&Value, &str) -> Result<Option<Credential>, CredentialRetrievalError> + 'a;

pub(crate) struct File<'a> {
    path: &'a Path,
    config: Config,
}

impl<'a> File<'a> {
    pub(crate) fn parse(path: &'a Path, host: &str, bytes: &[u8]) -> Result<Self, Fault> {
        let config = serde_json::from_slice(bytes).map_err(|error| {
            // Not what the parser says: it may repeat a value. Where it stopped says enough.
            let (line, column) = (error.line(), error.column());
            let what = if error.is_data() { "is no credential file" } else { "is malformed JSON" };
            let message = format!(
                "{} {what} (line {line}, column {column}), so that nobody knows the credentials for {host}",
                path.display()
            );
            Fault::new(PortErrorKind::Invalid, message)
        })?;
        Ok(Self { path, config })
    }

    pub(crate) fn find(&self, host: &str, path: &str, ask: &mut Ask<'_>) -> Result<Option<Credential>, Fault> {
        for key in keys(host, path) {
            if let Some(helper) = self.helper(&key) {
                return self.helped(helper, &key, host, ask);
            }
            if let Some(credential) = self.entry(&key).map(|entry| self.read(entry, &key)).transpose()?.flatten() {
                return Ok(Some(credential));
            }
        }
        let store = self.config.creds_store.as_deref().filter(|store| !store.is_empty());
        store.map_or(Ok(None), |store| self.helped(store, store_key(host), host, ask))
    }

    fn helper(&self, key: &str) -> Option<&str> {
        self.config.cred_helpers.as_ref()?.get(key).map(String::as_str).filter(|helper| !helper.is_empty())
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.config.auths.as_ref()?.get(key)?.as_ref()
    }

    /// An entry as the library reads it; `None` when it is empty, as beside a store.
    fn read(&self, entry: &Entry, key: &str) -> Result<Option<Credential>, Fault> {
        if let Some(token) = some(&entry.registrytoken) {
            return Ok(Some(Credential::Bearer(Secret::new(token))));
        }
        let fields = [
            ("auth", &entry.auth),
            ("username", &entry.username),
            ("password", &entry.password),
            ("identitytoken", &entry.identitytoken),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), some(value)?.into())));
        let fields: serde_json::Map<String, Value> = fields.collect();
        if fields.is_empty() {
            return Ok(None);
        }
        // One entry under its own key: with the whole file the library takes whichever is similar.
        let document = json!({ "auths": { key: fields } });
        credential(&document, key).map_err(|error| self.broken(key, entry_fault(&error)))
    }

    /// Asks a helper; it may know nothing of the host.
    fn helped(&self, helper: &str, key: &str, host: &str, ask: &mut Ask<'_>) -> Result<Option<Credential>, Fault> {
        if helper.contains(['/', '\\']) {
            return Err(self.broken(host, format!("the helper's name {helper:?} is none")));
        }
        let document = json!({ "credsStore": helper });
        match ask(&document, key) {
            Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
                if stdout.contains(MISS) || stderr.contains(MISS) =>
            {
                Ok(None)
            }
            other => other.map_err(|error| self.broken(host, helper_fault(helper, &error))),
        }
    }

    fn broken(&self, host: &str, what: impl AsRef<str>) -> Fault {
        let message = format!("the credentials for {host} in {}: {}", self.path.display(), what.as_ref());
        Fault::new(PortErrorKind::Invalid, message)
    }
}

/// What the library finds in a document; it runs the helper that one names.
fn credential(document: &Value, key: &str) -> Result<Option<Credential>, CredentialRetrievalError> {
    Ok(match get_credential_from_reader(document.to_string().as_bytes(), key)? {
        DockerCredential::IdentityToken(token) => Some(Credential::Identity(Secret::new(token))),
        // What helpers say instead of a user, in a file.
        DockerCredential::UsernamePassword(user, token) if user == "<token>" => {
            Some(Credential::Identity(Secret::new(token.trim_end_matches('\0'))))
        }
        // Docker pads what it encodes with zero bytes.
        DockerCredential::UsernamePassword(user, password) => {
            let password = Secret::new(password.trim_end_matches('\0'));
            Some(Credential::Basic { user, password })
        }
    }
    .filter(|credential| !is_empty(credential)))
}

fn some(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

/// A helper may answer with nothing instead of an error.
fn is_empty(credential: &Credential) -> bool {
    match credential {
        Credential::Basic { user, password } => user.is_empty() && password.expose().is_empty(),
        Credential::Identity(token) | Credential::Bearer(token) => token.expose().is_empty(),
    }
}

/// The library's errors may hold what a helper printed: only which of them it was is told.
fn entry_fault(error: &CredentialRetrievalError) -> &'static str {
    match error {
        CredentialRetrievalError::CredentialDecodingError => "\"auth\" is not user:password in base64",
        CredentialRetrievalError::CredentialMismatchError => "\"auth\" is another user or password than the fields say",
        _ => "a password without a user, or a user without a password",
    }
}

fn helper_fault(helper: &str, error: &CredentialRetrievalError) -> String {
    let name = format!("docker-credential-{helper}");
    match error {
        CredentialRetrievalError::HelperCommunicationError => {
            format!("{name} cannot be run; is it installed, and in PATH?")
        }
        CredentialRetrievalError::HelperFailure { .. } => {
            format!("{name} failed; `{name} get` says why")
        }
        _ => format!("{name} answered with something else than a credential"),
    }
}
