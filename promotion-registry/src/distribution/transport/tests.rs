//! What the transport does on a wire, against servers that answer what a test says.

mod auth;
mod patience;
mod redirects;
mod retries;
mod secrets;
mod ways;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::distribution::{Credential, Fixed, Observer, Retries, Secret, Timeouts};

/// A registry, and a client of it.
struct Rig {
    server: MockServer,
    home: Url,
    transport: Transport,
    seen: Seen,
}

/// What the observer was told.
type Seen = Arc<Mutex<Vec<String>>>;

/// Options that lose no time.
fn quick() -> Options {
    Options {
        retries: Retries { attempts: 3, pause: Duration::from_millis(1), longest: Duration::from_millis(50) },
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            stall: Duration::from_secs(20),
        },
        ..Options::default()
    }
}

fn observed(options: Options) -> (Options, Seen) {
    let seen = Seen::default();
    let sink = Arc::clone(&seen);
    let observer = Observer(Arc::new(move |exchange| {
        sink.lock()
            .unwrap()
            .push(format!("{} {} {:?} {}", exchange.method, exchange.url, exchange.status, exchange.attempt));
    }));
    (Options { observer: Some(observer), ..options }, seen)
}

impl Rig {
    async fn new() -> Self {
        Self::with(quick()).await
    }

    async fn with(options: Options) -> Self {
        let server = MockServer::start().await;
        let home = Url::parse(&format!("{}/v2/acme/platform/", server.uri())).unwrap();
        let (options, seen) = observed(options);
        Self { server, home, transport: Transport::new(options).unwrap(), seen }
    }

    /// A client with these credentials for this server.
    async fn known_as(credential: Credential) -> Self {
        let mut rig = Self::new().await;
        let credentials = Arc::new(Fixed { host: rig.server.address().to_string(), credential });
        let (options, seen) = observed(Options { credentials, ..quick() });
        rig.transport = Transport::new(options).unwrap();
        rig.seen = seen;
        rig
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            attempted: "try it",
            home: &self.home,
            path: "acme/platform",
            access: Access::Pull,
            also: None,
            repeat: Repeat::Harmless,
            method,
            url: self.home.join(path).unwrap(),
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    async fn get(&self, path: &str) -> Result<Answer, PortError> {
        self.transport.send(self.call(Method::GET, path)).await
    }

    async fn refused(&self, path: &str) -> PortError {
        match self.get(path).await {
            Ok(answer) => answer.refused().await,
            Err(error) => error,
        }
    }

    /// Answers what no other mock does.
    async fn otherwise(&self, respond: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static) {
        Mock::given(wiremock::matchers::any()).respond_with(respond).with_priority(9).mount(&self.server).await;
    }

    async fn requests(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        requests.iter().map(|request| format!("{} {}", request.method, request.url.path())).collect()
    }
}

/// The whole body.
async fn body(mut answer: Answer) -> Result<Vec<u8>, PortError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().unwrap())
}

fn user() -> Credential {
    Credential::Basic { user: "ann".to_owned(), password: Secret::new("hunter22") }
}
