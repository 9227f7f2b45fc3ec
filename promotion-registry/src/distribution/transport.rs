//! Sends a request until there is an answer worth having: authentication, retries, redirects, limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode, Url};

pub(crate) use super::answer::Answer;
use super::answer::{Asked, rest};
use super::auth::{Ask, Auth, Grant, origin};
use super::failure::{Failure, Passing};
use super::limit::{Limit, Place};
use super::retry::Tries;
use super::wire::{Outgoing, Wire};
use super::{Options, challenge, shown};

/// What a request may do: the scope of the token it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
    Delete,
}

/// Whether it is harmless to send a request again when nobody knows what became of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Harmless,
    /// Sent again only when it certainly was not carried out: 401, 429, no connection.
    Harmful,
    /// Sent again only with who we are (401): whatever else takes time, the caller must look first what others did.
    Stale,
}

/// What is sent.
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// Sent once, whatever happens: `length` bytes.
    Stream {
        length: u64,
        body: reqwest::Body,
    },
}

/// A request.
pub(crate) struct Call<'a> {
    /// For people: `put tag 1.4.0 in oci://…`.
    pub(crate) attempted: &'a str,
    /// Any URL of the registry: credentials go to its scheme, host and port, and nowhere else.
    pub(crate) home: &'a Url,
    /// The repository's name, for the token's scope.
    pub(crate) path: &'a str,
    pub(crate) access: Access,
    /// A repository of the same registry that is read besides, for a mount.
    pub(crate) also: Option<&'a str>,
    pub(crate) repeat: Repeat,
    pub(crate) method: Method,
    /// May be at another host (a `Location` for an upload): that one learns no credentials.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// What stays the same of a request while it is repeated.
#[derive(Clone, Copy)]
struct Task<'a> {
    attempted: &'a str,
    ask: Ask<'a>,
    repeat: Repeat,
}

/// Connections, tokens and limits.
#[derive(Debug)]
pub(crate) struct Transport {
    wire: Wire,
    auth: Auth,
    limits: Mutex<BTreeMap<String, Arc<Limit>>>,
}

impl Transport {
    pub(crate) fn new(options: Options) -> Result<Self, PortError> {
        Ok(Self { wire: Wire::new(options)?, auth: Auth::default(), limits: Mutex::default() })
    }

    pub(crate) const fn options(&self) -> &Options {
        self.wire.options()
    }

    /// Sends a request: with a token where the registry asks for one, again where that may help and does no harm.
    ///
    /// Any status that is left is an answer, not an error; the caller knows which it expects. Dropping the future
    /// harms nobody who waits for the same token or the same place.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, PortError> {
        let Call { attempted, home, path, access, also, repeat, method, url, headers, body } = call;
        let task = Task { attempted, ask: Ask { home, path, access, also }, repeat };
        let outgoing = Outgoing { method, url, headers, body: Some(body), home };
        self.repeated(task, outgoing).await.map_err(|failure| failure.attempting(attempted))
    }

    /// One place for all attempts: who has to wait keeps others from asking too much.
    ///
    /// The place ends with the answer's head. Whoever reads a body while sending another request (a copy does) would
    /// otherwise hold one place and wait for a second, and eight of them would wait for ever. For the same reason what
    /// is sent while it is read takes none: its source may be another repository of this client.
    async fn repeated(&self, task: Task<'_>, mut outgoing: Outgoing<'_>) -> Result<Answer, Failure> {
        let limit = self.limit(task.ask.home);
        let mut place = if outgoing.replayable() { limit.enter().await } else { limit.beside() };
        let mut tries = Tries::new(self.options().retries);
        loop {
            let outcome = self.attempt(task, &mut outgoing, tries.next()).await;
            note(&mut place, &outcome);
            let may = outgoing.replayable() && may_repeat(&outcome, task.repeat);
            let asked = outcome.as_ref().ok().and_then(Answer::retry_after);
            let Some(pause) = tries.pause(asked).filter(|_| may) else { return outcome };
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends it with what we know, and once more with what the registry asks for.
    async fn attempt(&self, task: Task<'_>, outgoing: &mut Outgoing<'_>, number: u32) -> Result<Answer, Failure> {
        let mut grant = self.auth.known(&self.wire, task.ask).await?;
        let mut response = self.wire.send(outgoing, grant.header.as_ref(), number).await?;
        if asks_who_we_are(&response, task.ask.home) && outgoing.replayable() {
            let fresh = self.identify(task.ask, &response, &grant).await?;
            // The same once more would be refused once more.
            if fresh.header != grant.header {
                grant = fresh;
                rest(&mut response, self.options().timeouts.stall).await;
                response = self.wire.send(outgoing, grant.header.as_ref(), number).await?;
            }
        }
        Ok(self.answer(task, outgoing, response, &grant).await)
    }

    async fn identify(&self, ask: Ask<'_>, response: &Response, refused: &Grant) -> Result<Grant, Failure> {
        let challenge = challenge::choose(response.headers()).map_err(|how| {
            let message = format!("{} asks who we are {how}", shown::host(ask.home));
            Failure::new(PortErrorKind::Unauthorized, message)
        })?;
        self.auth.answer(&self.wire, ask, &challenge, refused).await
    }

    async fn answer(&self, task: Task<'_>, outgoing: &Outgoing<'_>, response: Response, grant: &Grant) -> Answer {
        let at_home = response.url().origin() == task.ask.home.origin();
        let asked = Asked {
            attempted: task.attempted,
            method: &outgoing.method,
            home: task.ask.home,
            stall: self.options().timeouts.stall,
            secrets: &grant.secrets,
            hint: at_home.then(|| grant.hint(task.ask.home)),
        };
        Answer::read(response, asked).await
    }

    fn limit(&self, home: &Url) -> Arc<Limit> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits.entry(origin(home)).or_insert_with(|| Limit::new(self.options().concurrency));
        Arc::clone(limit)
    }
}

/// A question for us, not one of a host that a redirect or a `Location` led to.
fn asks_who_we_are(response: &Response, home: &Url) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && response.url().origin() == home.origin()
}

fn note(place: &mut Place, outcome: &Result<Answer, Failure>) {
    match outcome {
        Ok(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => place.too_many(),
        Ok(_) => place.fine(),
        Err(_) => {}
    }
}

/// Whether another attempt may help, and does no harm.
fn may_repeat(outcome: &Result<Answer, Failure>, repeat: Repeat) -> bool {
    let harmless = repeat == Repeat::Harmless;
    if repeat == Repeat::Stale {
        return false;
    }
    match outcome {
        Ok(answer) if answer.is_torn() => harmless,
        Ok(answer) => match answer.status.as_u16() {
            429 => true,
            // These two will not change.
            501 | 505 => false,
            408 | 425 | 500..=599 => harmless,
            _ => false,
        },
        Err(failure) => match failure.passing {
            Passing::NotSent => true,
            Passing::Perhaps => harmless,
            Passing::Never => false,
        },
    }
}

#[cfg(test)]
mod tests;
