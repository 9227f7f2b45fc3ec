//! An HTTP/1.1 server on loopback with a thread and a runtime of its own, so that the test it serves may block.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use futures_util::future::select;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Broken>;

/// An answer, or the wish to reset the connection instead.
pub(super) type Answer = Result<Response<Body>, Broken>;

/// The connection is to be reset: nothing more is answered on it.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is reset on purpose")
    }
}

impl Error for Broken {}

/// A body that is known already.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Listens until it is dropped or stopped.
#[derive(Debug)]
pub(super) struct Listener {
    host: String,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Listener {
    /// Answers every request by `handler`, on a port that the kernel chose.
    pub(super) fn start<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::start_at("127.0.0.1:0", handler)
    }

    /// The same at an address, `127.0.0.1:PORT`.
    pub(super) fn start_at<H, F>(address: &str, handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let socket = std::net::TcpListener::bind(address).expect("a free port");
        socket.set_nonblocking(true).expect("a socket that does not block");
        let host = socket.local_addr().expect("an address").to_string();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(socket, Arc::new(handler), stopped));
        Self { host, running: Mutex::new(Some((stop, thread))) }
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Closes the socket and every connection; whoever connects afterwards is refused.
    pub(super) fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            // A thread that ended already has said why.
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve<H, F>(socket: std::net::TcpListener, handler: Arc<H>, stopped: oneshot::Receiver<()>)
where
    H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let socket = TcpListener::from_std(socket).expect("a socket of the runtime");
        let accepting = pin!(async {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&handler)));
            }
        });
        select(accepting, stopped).await;
    });
}

/// Answers what comes on one connection; a broken one ends with a reset, as a crashed server's would.
async fn converse<H, F>(stream: TcpStream, handler: Arc<H>)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answer>,
{
    let _ = stream.set_nodelay(true);
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(|it| handler(it)));
    if (&mut connection).await.is_err() {
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}
