//! Who we are, as a registry wants to be told: tokens and credentials, fetched once for whoever needs the same.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::challenge::Challenge;
use super::credentials::{Credential, Secret};
use super::failure::Failure;
use super::shown;
use super::token::{self, Token};
use super::transport::Access;
use super::wire::Wire;

/// What a request needs to be allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The registry.
    pub(crate) home: &'a Url,
    pub(crate) path: &'a str,
    pub(crate) access: Access,
    /// A repository that is read besides.
    pub(crate) also: Option<&'a str>,
}

/// What a request is sent with.
#[derive(Clone, Default)]
pub(crate) struct Grant {
    pub(crate) header: Option<HeaderValue>,
    /// What must not be shown of the answer.
    pub(crate) secrets: Vec<Secret>,
    /// There is a credential for this registry.
    known: bool,
    /// Which state of the slot it comes from: whether a refusal of it is news.
    seen: u64,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("known", &self.known).field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// Everything known of how to be allowed.
#[derive(Debug, Default)]
pub(crate) struct Auth {
    /// What each registry asked for last: the next request need not be refused first.
    challenges: Mutex<BTreeMap<String, Challenge>>,
    slots: Mutex<BTreeMap<Key, Arc<Slot>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    origin: String,
    path: String,
    access: Access,
    also: Option<String>,
}

/// One scope's token.
#[derive(Debug, Default)]
struct Slot {
    state: Mutex<State>,
    /// Held while a token is fetched: the others wait and take what comes of it. Who gives up while fetching leaves
    /// it to the next.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts the outcomes.
    generation: u64,
    outcome: Option<Result<Token, Failure>>,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that is still good.
    fn fresh(&self) -> Option<Grant> {
        let state = self.state();
        let token = state.outcome.as_ref()?.as_ref().ok()?;
        token.is_fresh().then(|| Grant { seen: state.generation, ..Grant::of(token) })
    }

    fn failed(&self) -> bool {
        matches!(self.state().outcome, Some(Err(_)))
    }

    fn generation(&self) -> u64 {
        self.state().generation
    }

    /// What others fetched since `seen`.
    fn since(&self, seen: u64) -> Option<Result<Grant, Failure>> {
        let state = self.state();
        if state.generation == seen {
            return None;
        }
        Some(state.outcome.clone()?.map(|token| Grant { seen: state.generation, ..Grant::of(&token) }))
    }

    fn store(&self, outcome: Result<Token, Failure>) -> Result<Grant, Failure> {
        let mut state = self.state();
        state.generation += 1;
        state.outcome = Some(outcome.clone());
        outcome.map(|token| Grant { seen: state.generation, ..Grant::of(&token) })
    }
}

impl Grant {
    fn of(token: &Token) -> Self {
        Self { header: Some(token.header.clone()), secrets: token.secrets.clone(), known: token.known, seen: 0 }
    }

    /// What next, when it was refused.
    pub(crate) fn hint(&self, home: &Url) -> String {
        let host = registry(home);
        match (&self.header, self.known) {
            (None, _) => format!("{host} asked for no credentials"),
            (Some(_), true) => format!("sent with the credentials found for {host}"),
            (Some(_), false) => format!("no credentials found for {host}: docker login {host}"),
        }
    }
}

impl Auth {
    /// What to send a request with before it was refused: what was fetched for its like, or what the registry is known
    /// to ask for.
    pub(crate) async fn known(&self, wire: &Wire, ask: Ask<'_>) -> Result<Grant, Failure> {
        let slot = self.slot(ask, ask.access);
        let wider = [Access::Push, Access::Delete].into_iter().filter(|_| ask.access == Access::Pull);
        let wider = wider.filter_map(|access| self.slot_if_any(ask, access));
        let seen = slot.generation();
        if let Some(grant) = std::iter::once(Arc::clone(&slot)).chain(wider).find_map(|slot| slot.fresh()) {
            return Ok(Grant { seen, ..grant });
        }
        let nothing = Grant { seen, ..Grant::default() };
        // What failed is not tried ahead again: if this request needs it, the registry says so.
        if slot.failed() {
            return Ok(nothing);
        }
        let Some(challenge) = self.challenges().get(&origin(ask.home)).cloned() else { return Ok(nothing) };
        match self.renew(wire, ask, &challenge, seen).await {
            // It may be that this request needs none.
            Err(refused) if matches!(refused.kind(), PortErrorKind::Unauthorized | PortErrorKind::Forbidden) => {
                Ok(Grant { seen: slot.generation(), ..nothing })
            }
            outcome => outcome,
        }
    }

    /// What to send a request with after it was refused with `challenge`, sent with `refused`.
    pub(crate) async fn answer(
        &self,
        wire: &Wire,
        ask: Ask<'_>,
        challenge: &Challenge,
        refused: &Grant,
    ) -> Result<Grant, Failure> {
        self.challenges().insert(origin(ask.home), challenge.clone());
        self.renew(wire, ask, challenge, refused.seen).await
    }

    /// Fetches once for all who saw the same.
    async fn renew(&self, wire: &Wire, ask: Ask<'_>, challenge: &Challenge, seen: u64) -> Result<Grant, Failure> {
        let slot = self.slot(ask, ask.access);
        let _turn = slot.turn.lock().await;
        if let Some(outcome) = slot.since(seen) {
            return outcome;
        }
        let outcome = fetch(wire, ask, challenge).await;
        slot.store(outcome)
    }

    fn challenges(&self) -> MutexGuard<'_, BTreeMap<String, Challenge>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, ask: Ask<'_>, access: Access) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key(ask, access)).or_default())
    }

    fn slot_if_any(&self, ask: Ask<'_>, access: Access) -> Option<Arc<Slot>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(&key(ask, access)).map(Arc::clone)
    }
}

fn key(ask: Ask<'_>, access: Access) -> Key {
    let also = ask.also.filter(|also| *also != ask.path).map(str::to_owned);
    Key { origin: origin(ask.home), path: ask.path.to_owned(), access, also }
}

/// Scheme, host and port.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The name under which a registry's credentials are kept: Docker Hub answers under another than the one in references.
pub(crate) fn registry(home: &Url) -> String {
    match shown::host(home) {
        host if host == "registry-1.docker.io" => "docker.io".to_owned(),
        host => host,
    }
}

async fn fetch(wire: &Wire, ask: Ask<'_>, challenge: &Challenge) -> Result<Token, Failure> {
    let host = registry(ask.home);
    let found = wire.options().credentials.find(&host, ask.path).await.map_err(told)?;
    let refuse = |message: String| Err(Failure::new(PortErrorKind::Unauthorized, message));
    match (challenge, found) {
        (Challenge::Basic, Some(Credential::Basic { user, password })) => token::basic(&user, &password),
        (Challenge::Basic, Some(_)) => {
            refuse(format!("{host} asks for a user and a password, and the credentials found for it are a token"))
        }
        (Challenge::Basic, None) => refuse(format!(
            "{host} asks for a user and a password, and no credentials were found for it: docker login {host}"
        )),
        (Challenge::Bearer { .. }, Some(Credential::Bearer(secret))) => token::bearer(&secret, true),
        (Challenge::Bearer { realm, service, scope }, credential) => {
            let scopes = scopes(ask, scope.as_deref());
            let endpoint = token::Endpoint {
                realm,
                service: service.as_deref(),
                scopes: &scopes,
                registry: &host,
                home: ask.home,
            };
            token::fetch(wire, &endpoint, credential).await
        }
    }
}

/// A broken source of credentials, told below the request that needed them.
fn told(error: PortError) -> Failure {
    Failure::new(error.kind().clone(), error.message())
}

/// The scopes to ask for: ours, and what the registry's challenge names besides.
fn scopes(ask: Ask<'_>, challenged: Option<&str>) -> Vec<String> {
    let actions = match ask.access {
        Access::Pull => "pull",
        Access::Push => "pull,push",
        Access::Delete => "pull,delete",
    };
    let mut scopes = vec![format!("repository:{}:{actions}", ask.path)];
    scopes.extend(ask.also.filter(|also| *also != ask.path).map(|also| format!("repository:{also}:pull")));
    for scope in challenged.unwrap_or_default().split_whitespace() {
        add(&mut scopes, scope);
    }
    scopes
}

/// Adds a scope: its actions to those of the same resource, or itself.
fn add(scopes: &mut Vec<String>, scope: &str) {
    let split = |scope: &str| scope.rsplit_once(':').map(|(name, actions)| (name.to_owned(), actions.to_owned()));
    let Some((name, wanted)) = split(scope) else { return };
    let same = scopes.iter_mut().find(|known| known.rsplit_once(':').is_some_and(|(known, _)| known == name));
    let Some(known) = same else { return scopes.push(scope.to_owned()) };
    for action in wanted.split(',').filter(|action| !action.is_empty()) {
        let has = known.rsplit_once(':').is_some_and(|(_, actions)| actions.split(',').any(|known| known == action));
        if !has {
            known.push(',');
            known.push_str(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_ours_and_what_the_challenge_adds() {
        let home = Url::parse("https://r.example/v2/a/b/").unwrap();
        let ask = |access, also| Ask { home: &home, path: "a/b", access, also };
        assert_eq!(scopes(ask(Access::Pull, None), None), ["repository:a/b:pull"]);
        assert_eq!(scopes(ask(Access::Push, Some("c")), None), ["repository:a/b:pull,push", "repository:c:pull"]);
        assert_eq!(scopes(ask(Access::Push, Some("a/b")), None), ["repository:a/b:pull,push"]);
        let challenged = Some("repository:a/b:pull,metadata_read registry:catalog:* nonsense");
        let expected = ["repository:a/b:pull,delete,metadata_read", "registry:catalog:*"];
        assert_eq!(scopes(ask(Access::Delete, None), challenged), expected);
    }

    #[test]
    fn docker_hub_has_the_name_of_its_references() {
        assert_eq!(registry(&Url::parse("https://registry-1.docker.io/v2/").unwrap()), "docker.io");
        assert_eq!(registry(&Url::parse("http://localhost:5000/v2/").unwrap()), "localhost:5000");
    }
}
