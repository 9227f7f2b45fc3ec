//! Bodies that come wrong, changed while they are streamed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as _, Frame};

use crate::testing::listener::{Body, Broken};

type Piece = Result<Frame<Bytes>, Broken>;

/// The first half of a body; then a reset, or nothing at all on an open connection.
pub(super) fn broken(body: Body, reset: bool) -> Body {
    let half = body.size_hint().exact().unwrap_or_default() / 2;
    boxed(stream::unfold((body, half), move |(mut body, left)| async move {
        if left == 0 {
            return Some((end(reset).await, (body, 0)));
        }
        let bytes = data(&mut body).await?;
        let kept = bytes.slice(..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        let left = left - kept.len() as u64;
        Some((Ok(Frame::data(kept)), (body, left)))
    }))
}

/// What has been written so far is flushed only while the body waits, and a reset forgets what is not.
async fn end(reset: bool) -> Piece {
    if !reset {
        std::future::pending::<()>().await;
    }
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
    Err(Broken)
}

/// A body byte by byte, with a pause before each.
pub(super) fn dribbling(body: Body, pause: Duration) -> Body {
    boxed(stream::unfold((body, Bytes::new()), move |(mut body, mut bytes)| async move {
        while bytes.is_empty() {
            bytes = data(&mut body).await?;
        }
        tokio::time::sleep(pause).await;
        Some((Ok(Frame::data(bytes.split_to(1))), (body, bytes)))
    }))
}

/// A body whose first byte is another one.
pub(super) fn altered(body: Body) -> Body {
    let mut first = true;
    body.map_frame(move |frame| {
        frame.map_data(|bytes| {
            let mut bytes = bytes.to_vec();
            if let Some(byte) = bytes.first_mut().filter(|_| std::mem::take(&mut first)) {
                *byte ^= 1;
            }
            Bytes::from(bytes)
        })
    })
    .boxed_unsync()
}

/// The next data of a body; trailers are of no interest.
async fn data(body: &mut Body) -> Option<Bytes> {
    loop {
        match body.frame().await? {
            Ok(frame) => {
                if let Ok(bytes) = frame.into_data() {
                    return Some(bytes);
                }
            }
            Err(Broken) => return None,
        }
    }
}

fn boxed(pieces: impl Stream<Item = Piece> + Send + 'static) -> Body {
    StreamBody::new(pieces).boxed_unsync()
}
