//! Storing blobs: one upload session, one PUT of all bytes (which Artifact Registry insists on). What is sent is hashed
//! on the way, and the last chunk leaves only when the whole is what it should be.

use std::io;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{BlobSource, PortError, PortErrorKind};
use promotion_core::{Digest, Repository};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::operation::Operation;
use super::shown;
use super::transport::{Access, Answer, Body, Repeat};

/// Blobs up to this size are kept in memory, so that they can be sent again.
const SMALL: u64 = 1 << 20;
/// Chunks between the source and the network.
const AHEAD: usize = 2;

impl Operation<'_> {
    /// [`promotion_core::ports::Registry::put_blob`].
    pub(super) async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        if self.has_blob(blob.digest).await? {
            return Ok(());
        }
        self.put_missing_blob(blob, source).await
    }

    /// A blob that the registry just said that it does not have.
    pub(super) async fn put_missing_blob(
        &self,
        blob: &Descriptor,
        source: &mut dyn BlobSource,
    ) -> Result<(), PortError> {
        if blob.size <= SMALL { self.put_small(blob, source).await } else { self.put_large(blob, source).await }
    }

    /// Reads all, then sends it as often as it takes.
    async fn put_small(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        let mut checked = Checked::new(self, blob, source);
        let mut bytes = Vec::new();
        while let Some(chunk) = checked.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        let bytes = Bytes::from(bytes);
        let mut attempt = 1;
        loop {
            let error = match self.upload(blob, Body::Bytes(bytes.clone())).await {
                Err(error) if *error.kind() == PortErrorKind::Unavailable => error,
                result => return result,
            };
            if self.has_blob(blob.digest).await? {
                return Ok(());
            }
            if attempt >= self.attempts() {
                return Err(error);
            }
            self.pause(attempt).await;
            attempt += 1;
        }
    }

    /// One session and one PUT of a body that may be sent again.
    async fn upload(&self, blob: &Descriptor, body: Body) -> Result<(), PortError> {
        let session = self.begin().await?;
        let answer = self.send(self.put_call(&session, blob, body)).await?;
        let result = self.stored(blob, answer).await;
        if result.is_err() {
            self.cancel(&session).await;
        }
        result
    }

    /// Sends what the source gives while it gives it. What fails leaves nothing behind but a session, which is
    /// cancelled.
    async fn put_large(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        let session = self.begin().await?;
        let result = self.stream(&session, blob, source).await;
        let Err(error) = result else { return Ok(()) };
        // The registry may have stored it all the same.
        if *error.kind() == PortErrorKind::Unavailable && self.has_blob(blob.digest).await.unwrap_or(false) {
            return Ok(());
        }
        self.cancel(&session).await;
        Err(error)
    }

    async fn stream(&self, session: &Url, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let body = Body::Stream { length: blob.size, body: body(receiver, blob.size) };
        let send = Box::pin(self.send(self.put_call(session, blob, body)));
        let feed = Box::pin(self.feed(blob, source, sender));
        let answer = match select(send, feed).await {
            // Answered before all was sent, or refused to be sent at all: the rest is of no use.
            Either::Left((answer, _feed)) => answer?,
            Either::Right((fed, send)) => {
                // Dropping the request breaks it off before its last bytes.
                fed?;
                send.await?
            }
        };
        self.stored(blob, answer).await
    }

    /// Gives the network what the source gives, the last chunk only after the whole was verified.
    async fn feed(
        &self,
        blob: &Descriptor,
        source: &mut dyn BlobSource,
        sender: mpsc::Sender<Bytes>,
    ) -> Result<(), PortError> {
        let mut checked = Checked::new(self, blob, source);
        let mut held: Option<Bytes> = None;
        while let Some(chunk) = checked.next().await? {
            if let Some(held) = held.replace(chunk.into()) {
                // A closed channel is a request that ended; its answer says why.
                if sender.send(held).await.is_err() {
                    return Ok(());
                }
            }
        }
        if let Some(held) = held {
            let _ = sender.send(held).await;
        }
        Ok(())
    }

    /// [`promotion_core::ports::Registry::mount_blob`].
    pub(super) async fn mount(&self, blob: &Descriptor, from: &Repository) -> bool {
        let (Repository::Oci { host, path }, Repository::Oci { host: here, .. }) = (from, &self.registry.repository)
        else {
            return false;
        };
        if host != here {
            return false;
        }
        let url = self.endpoints().mount(blob.digest, path);
        let mut call = self.post(url);
        call.also = Some(path);
        let Ok(answer) = self.send(call).await else { return false };
        if answer.status == StatusCode::ACCEPTED
            && let Ok(session) = self.location(&answer)
        {
            drop(answer);
            self.cancel(&session).await;
            return false;
        }
        let named = self.named_digest(&answer.headers);
        answer.status == StatusCode::CREATED && named.is_none_or(|named| named == blob.digest)
    }

    /// Begins an upload session, and says where it is.
    async fn begin(&self) -> Result<Url, PortError> {
        let answer = self.send(self.post(self.endpoints().uploads())).await?;
        if answer.status.is_success() { self.location(&answer) } else { Err(answer.refused().await) }
    }

    fn post<'c>(&'c self, url: Url) -> super::transport::Call<'c> {
        let mut call = self.call(Method::POST, url, Access::Push);
        // Some front ends answer 411 to a POST that says nothing of its length.
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        call
    }

    fn put_call(&self, session: &Url, blob: &Descriptor, body: Body) -> super::transport::Call<'_> {
        let mut url = session.clone();
        url.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        let mut call = self.call(Method::PUT, url, Access::Push);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if let Body::Bytes(bytes) = &body {
            // Nothing would say that there is nothing to send.
            call.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        // A session takes one PUT: another attempt needs another session.
        call.repeat = Repeat::Harmful;
        call.body = body;
        call
    }

    fn location(&self, answer: &Answer) -> Result<Url, PortError> {
        let Some(location) = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
            let message = format!("{} began an upload, but names no Location to send it to", shown::url(&answer.url));
            return Err(self.corrupt(message));
        };
        self.endpoints().pointed(&answer.url, location).ok_or_else(|| {
            self.corrupt(format!("{} began an upload at a Location that is no address", shown::url(&answer.url)))
        })
    }

    async fn stored(&self, blob: &Descriptor, answer: Answer) -> Result<(), PortError> {
        if !answer.status.is_success() {
            return Err(answer.refused().await);
        }
        self.no_page(&answer.headers)?;
        match self.named_digest(&answer.headers) {
            Some(named) if named != blob.digest => {
                let sent = blob.digest;
                Err(self.corrupt(format!("{sent} was sent, but the registry says that it stored {named}")))
            }
            _ => Ok(()),
        }
    }

    /// Ends a session that is of no use any more. The registry ends it some day by itself, so no failure matters.
    async fn cancel(&self, session: &Url) {
        let mut call = self.call(Method::DELETE, session.clone(), Access::Push);
        call.repeat = Repeat::Harmful;
        let _ = self.send(call).await;
    }
}

/// A source whose end is reached only by the bytes that were announced.
struct Checked<'a> {
    operation: &'a Operation<'a>,
    blob: &'a Descriptor,
    source: &'a mut dyn BlobSource,
    hash: Sha256,
    size: u64,
}

impl<'a> Checked<'a> {
    fn new(operation: &'a Operation<'a>, blob: &'a Descriptor, source: &'a mut dyn BlobSource) -> Self {
        Self { operation, blob, source, hash: Sha256::new(), size: 0 }
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let announced = self.blob.size;
        let Some(chunk) = self.source.next_chunk().await? else {
            let got = Digest::from_sha256(std::mem::take(&mut self.hash).finalize().into());
            return match self.size {
                size if size != announced => Err(self.lied(&format!("{size} bytes, but {announced} were announced"))),
                _ if got != self.blob.digest => Err(self.lied(&format!("the bytes are {got}"))),
                _ => Ok(None),
            };
        };
        self.size += chunk.len() as u64;
        if self.size > announced {
            return Err(self.lied(&format!("more than the {announced} bytes that were announced")));
        }
        self.hash.update(&chunk);
        Ok(Some(chunk))
    }

    fn lied(&self, how: &str) -> PortError {
        let digest = self.blob.digest;
        self.operation.corrupt(format!("what was sent as {digest} is not that: {how}; nothing was stored"))
    }
}

/// The chunks of a channel as a body. One that ends early is an error, so that it can never pass for the whole.
fn body(receiver: mpsc::Receiver<Bytes>, length: u64) -> reqwest::Body {
    let chunks = stream::unfold((receiver, length), |(mut receiver, left)| async move {
        if left == 0 {
            return None;
        }
        match receiver.recv().await {
            Some(chunk) => {
                let left = left.saturating_sub(chunk.len() as u64);
                Some((Ok(chunk), (receiver, left)))
            }
            None => Some((Err(io::Error::from(io::ErrorKind::UnexpectedEof)), (receiver, 0))),
        }
    });
    reqwest::Body::wrap_stream(chunks)
}
