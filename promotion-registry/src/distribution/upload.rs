//! A request's body on its way, watched: a registry that takes no more bytes is not waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Timeouts;

/// What became of a body so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How often it was asked for more bytes.
    asked: AtomicU64,
    /// 1 while its source is waited for, 2 at its end.
    phase: AtomicU64,
}

const WAITS_FOR_SOURCE: u64 = 1;
const ENDED: u64 = 2;

impl Progress {
    /// How long to wait now.
    pub(crate) fn patience(&self, timeouts: &Timeouts) -> Duration {
        if self.phase.load(Ordering::Relaxed) == ENDED { timeouts.answer } else { timeouts.stall }
    }

    /// A mark that differs when there was progress; `None` while it is not the registry that is waited for.
    pub(crate) fn mark(&self) -> Option<u64> {
        let source = self.phase.load(Ordering::Relaxed) == WAITS_FOR_SOURCE;
        (!source).then(|| self.asked.load(Ordering::Relaxed))
    }
}

/// A body of known length that records its progress.
pub(crate) struct Watched {
    inner: reqwest::Body,
    left: u64,
    progress: Arc<Progress>,
}

impl Watched {
    pub(crate) fn new(inner: reqwest::Body, length: u64) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        (Self { inner, left: length, progress: Arc::clone(&progress) }, progress)
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.progress.asked.fetch_add(1, Ordering::Relaxed);
        let phase = match &polled {
            Poll::Pending => WAITS_FOR_SOURCE,
            Poll::Ready(None) => ENDED,
            Poll::Ready(Some(_)) => 0,
        };
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.left = self.left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        }
        // With a known length nobody asks for the end.
        let phase = if self.left == 0 { ENDED } else { phase };
        self.progress.phase.store(phase, Ordering::Relaxed);
        polled
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
