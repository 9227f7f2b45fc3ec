//! A proxy before a registry that records what passes, and breaks the exchange that a test picks.
//!
//! ```
//! use promotion_registry::testing::fake::{FakeRegistry, Quirks};
//! use promotion_registry::testing::proxy::{Fault, Operation, Proxy};
//!
//! let registry = FakeRegistry::start(Quirks::default());
//! let proxy = Proxy::before(&registry.host());
//! // The first write happens, and its answer is lost.
//! proxy.fault(|n, exchange| {
//!     (n == 1 && exchange.operation == Operation::PutTag).then(|| Fault::Reset.after_forwarding())
//! });
//! // ... a client that talks to `proxy.host()` ...
//! assert_eq!(proxy.count(Operation::PutTag), 0);
//! ```

mod body;
mod exchange;
mod fault;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::CONNECTION;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::listener::{Answer, Body, Broken, Listener};

pub use exchange::{Exchange, Operation};
pub use fault::Fault;

/// Chooses the fault of an exchange.
type Chooser = Box<dyn FnMut(u64, &Exchange) -> Option<Fault> + Send>;

/// A proxy that runs until it is dropped.
///
/// It passes the client's `Host` on, so registries that answer with absolute URLs name the proxy in them. Bodies are
/// streamed. Every request has a connection of its own to the registry; the client's are kept alive.
#[derive(Debug)]
pub struct Proxy {
    listener: Listener,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts a proxy before the registry at `upstream`, `HOST:PORT`.
    pub fn before(upstream: &str) -> Self {
        Self::at("127.0.0.1:0", upstream)
    }

    /// Starts a proxy at an address: where another one has [hung up](Self::hang_up), and clients still call.
    pub fn at(address: &str, upstream: &str) -> Self {
        let shared = Arc::new(Shared { upstream: upstream.to_owned(), state: Mutex::default() });
        let of_listener = Arc::clone(&shared);
        let listener = Listener::start_at(address, move |request| pass(Arc::clone(&of_listener), request));
        Self { listener, shared }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.listener.host().to_owned()
    }

    /// `127.0.0.1:PORT/NAME`.
    pub fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// Every exchange so far, in the order in which the requests came.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.state().exchanges.clone()
    }

    /// Every exchange so far, which are then forgotten.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.shared.state().exchanges)
    }

    /// How many exchanges of one kind there were.
    pub fn count(&self, operation: Operation) -> usize {
        self.shared.state().exchanges.iter().filter(|exchange| exchange.operation == operation).count()
    }

    /// Breaks the exchanges for which `choose` gives a fault. It is asked once for each request, with the number of the
    /// request since now, from 1, and with what is known of it. Replaces what was set before.
    pub fn fault(&self, choose: impl FnMut(u64, &Exchange) -> Option<Fault> + Send + 'static) {
        let mut state = self.shared.state();
        state.asked = 0;
        state.choose = Some(Box::new(choose));
    }

    /// Breaks the first exchange of one kind from now on, and no other.
    pub fn fault_once(&self, operation: Operation, fault: Fault) {
        let mut fault = Some(fault);
        self.fault(move |_, exchange| if exchange.operation == operation { fault.take() } else { None });
    }

    /// Breaks nothing from now on.
    pub fn heal(&self) {
        self.shared.state().choose = None;
    }

    /// Closes the socket and every connection for good: connecting is refused from now on.
    pub fn hang_up(&self) {
        self.listener.stop();
    }
}

/// An address at which nothing listens: `127.0.0.1:PORT`.
pub fn nobody() -> String {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").to_string()
}

struct Shared {
    upstream: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests ever, which number the exchanges.
    seen: u64,
    /// Requests since the faults were set.
    asked: u64,
    exchanges: Vec<Exchange>,
    choose: Option<Chooser>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request: its number, and what is to go wrong with it.
    fn begin(&self, request: &Request<Incoming>) -> (u64, Option<Fault>) {
        let mut state = self.state();
        state.seen += 1;
        state.asked += 1;
        let exchange = Exchange::of(state.seen, request);
        let State { asked, choose, .. } = &mut *state;
        let fault =
            Fault::carried_on(request.uri()).or_else(|| choose.as_mut().and_then(|choose| choose(*asked, &exchange)));
        let number = exchange.number;
        state.exchanges.push(exchange);
        (number, fault)
    }

    /// Records the status of an answer, unless the exchange has been taken meanwhile.
    fn end(&self, number: u64, answer: &Answer) {
        let mut state = self.state();
        if let Some(exchange) = state.exchanges.iter_mut().find(|exchange| exchange.number == number) {
            exchange.status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        }
    }
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Answer {
    let (number, fault) = shared.begin(&request);
    let answer = match fault {
        Some(fault) => fault.apply(&shared.upstream, request).await,
        None => forward(&shared.upstream, request).await,
    };
    shared.end(number, &answer);
    answer
}

/// Asks the registry; a registry that cannot be reached is a reset for the client too.
async fn forward(upstream: &str, request: Request<Incoming>) -> Answer {
    let stream = TcpStream::connect(upstream).await.map_err(|_| Broken)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Broken)?;
    tokio::spawn(connection);
    let mut response = sender.send_request(request).await.map_err(|_| Broken)?;
    // The two connections end when they like.
    response.headers_mut().remove(CONNECTION);
    Ok(streamed(response))
}

fn streamed(response: Response<Incoming>) -> Response<Body> {
    response.map(|body| body.map_err(|_| Broken).boxed_unsync())
}
