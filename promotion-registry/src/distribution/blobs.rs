//! Reading blobs: streamed, verified before the last chunk is given out, and taken up again where a connection broke.

use async_trait::async_trait;
use bytes::Bytes;
use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{BlobSource, PortError, PortErrorKind};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};

use super::Distribution;
use super::operation::Operation;
use super::transport::{Access, Answer};

/// Bytes given out at once, at most.
const CHUNK: usize = 256 << 10;

impl Operation<'_> {
    /// [`promotion_core::ports::Registry::has_blob`].
    pub(super) async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        let answer = self.head(self.endpoints().blob(digest), None).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => self.absent(answer).await.map(|()| false),
            _ => Err(answer.refused().await),
        }
    }

    /// [`promotion_core::ports::Registry::blob`].
    pub(super) async fn open(&self, blob: &Descriptor, told: &str) -> Result<Reader, PortError> {
        let answer = self.send(self.call(Method::GET, self.endpoints().blob(blob.digest), Access::Pull)).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                self.absent(answer).await?;
                return Err(self.error(PortErrorKind::NotFound, "the registry has no such blob"));
            }
            _ => return Err(answer.refused().await),
        }
        let length = number(answer.headers.get(CONTENT_LENGTH));
        if let Some(length) = length.filter(|length| *length != blob.size) {
            let message = format!("the registry has {length} bytes, but the descriptor says {}", blob.size);
            return Err(self.corrupt(message));
        }
        Ok(Reader {
            registry: self.registry.clone(),
            told: told.to_owned(),
            blob: blob.clone(),
            answer: Some(answer),
            hash: Sha256::new(),
            read: 0,
            breaks: 0,
            ready: Bytes::new(),
        })
    }

    /// Asks for the rest of a blob.
    async fn rest(&self, blob: &Descriptor, from: u64) -> Result<Answer, PortError> {
        let mut call = self.call(Method::GET, self.endpoints().blob(blob.digest), Access::Pull);
        let range = HeaderValue::from_str(&format!("bytes={from}-"));
        call.headers.insert(RANGE, range.map_err(|_| self.corrupt("the range is no header"))?);
        let answer = self.send(call).await?;
        let expected = format!("bytes {from}-{}/", blob.size.saturating_sub(1));
        let continues = answer.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        match answer.status {
            StatusCode::PARTIAL_CONTENT if continues.is_some_and(|range| range.starts_with(&expected)) => Ok(answer),
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
                let size = blob.size;
                let message =
                    format!("the connection broke after {from} of {size} bytes, and the registry does not resume");
                Err(self.error(PortErrorKind::Unavailable, message))
            }
            _ => Err(answer.refused().await),
        }
    }
}

/// A blob that is being read.
pub(super) struct Reader {
    registry: Distribution,
    /// What is attempted, without the repository.
    told: String,
    blob: Descriptor,
    /// `None` at the end and after an error.
    answer: Option<Answer>,
    hash: Sha256,
    read: u64,
    /// Broken connections since bytes last came.
    breaks: u32,
    /// Verified as far as that is possible, and not given out yet.
    ready: Bytes,
}

impl Reader {
    /// The next bytes of the network. Where the connection broke, the rest is asked for, a bounded number of times.
    async fn receive(&mut self) -> Result<Option<Bytes>, PortError> {
        let Some(mut answer) = self.answer.take() else { return Ok(None) };
        loop {
            let error = match answer.chunk().await {
                // With all bytes there, how the connection ends is of no interest.
                Ok(None) | Err(_) if self.read == self.blob.size => return Ok(None),
                Ok(Some(chunk)) => {
                    self.answer = Some(answer);
                    self.breaks = 0;
                    return Ok(Some(chunk));
                }
                Ok(None) => None,
                Err(error) => Some(error),
            };
            // Its place among the concurrent requests is needed for the next.
            drop(answer);
            let operation = self.registry.attempting(self.told.clone());
            self.breaks += 1;
            if self.breaks >= operation.attempts() {
                let message = format!("the connection broke after {} of {} bytes", self.read, self.blob.size);
                return Err(error.unwrap_or_else(|| operation.error(PortErrorKind::Unavailable, message)));
            }
            operation.pause(self.breaks).await;
            answer = operation.rest(&self.blob, self.read).await?;
        }
    }

    /// Takes the next bytes in; those that make the blob complete only when it is what it should be.
    async fn advance(&mut self) -> Result<bool, PortError> {
        let Some(chunk) = self.receive().await? else {
            // Only a blob of no bytes ends without a last chunk.
            return if self.blob.size == 0 { self.verify().map(|()| false) } else { Ok(false) };
        };
        self.hash.update(&chunk);
        self.read += chunk.len() as u64;
        if self.read < self.blob.size {
            self.ready = chunk;
            return Ok(true);
        }
        if self.read > self.blob.size || self.receive().await?.is_some_and(|more| !more.is_empty()) {
            return Err(self.wrong(&format!("more than the {} bytes that the descriptor says", self.blob.size)));
        }
        self.verify()?;
        self.ready = chunk;
        Ok(true)
    }

    fn verify(&mut self) -> Result<(), PortError> {
        let got = Digest::from_sha256(std::mem::take(&mut self.hash).finalize().into());
        if got == self.blob.digest { Ok(()) } else { Err(self.wrong(&format!("the bytes are {got}"))) }
    }

    fn wrong(&self, what: &str) -> PortError {
        let message = format!("expected {}, got something else: {what}", self.blob.digest);
        self.registry.attempting(self.told.clone()).corrupt(message)
    }
}

#[async_trait]
impl BlobSource for Reader {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        while self.ready.is_empty() {
            match self.advance().await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.answer = None;
                    return Err(error);
                }
            }
        }
        let chunk = self.ready.split_to(self.ready.len().min(CHUNK));
        Ok(Some(chunk.to_vec()))
    }
}

fn number(value: Option<&HeaderValue>) -> Option<u64> {
    value?.to_str().ok()?.parse().ok()
}
