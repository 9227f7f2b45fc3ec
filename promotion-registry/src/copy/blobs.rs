//! Blobs: several at once, each as a stream.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use promotion_core::Repository;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{BlobSource, PortError, PortErrorKind, Registry};

use super::{Moved, Options, Progress, Report};

/// Copies the blobs that the destination lacks.
pub(super) async fn copy(
    from: &dyn Registry,
    to: &dyn Registry,
    blobs: &[Descriptor],
    options: &Options,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<(), PortError> {
    progress.planned(blobs.len(), blobs.iter().map(|blob| blob.size).sum());
    let work = Work { from, to, options, progress };
    // Boxed, or the compiler cannot tell that the whole may change threads.
    let each: Vec<BoxFuture<'_, _>> = blobs.iter().map(|blob| work.one(blob).boxed()).collect();
    let mut moves = stream::iter(each).buffer_unordered(options.concurrency.max(1));
    while let Some((blob, how)) = moves.try_next().await? {
        report.blobs.count(how);
        if how == Moved::Copied {
            report.bytes += blob.size;
        }
    }
    Ok(())
}

struct Work<'a> {
    from: &'a dyn Registry,
    to: &'a dyn Registry,
    options: &'a Options,
    progress: &'a dyn Progress,
}

impl Work<'_> {
    async fn one<'b>(&'b self, blob: &'b Descriptor) -> Result<(&'b Descriptor, Moved), PortError> {
        let how = self.bring(blob).await?;
        self.progress.done(blob, how);
        Ok((blob, how))
    }

    async fn bring(&self, blob: &Descriptor) -> Result<Moved, PortError> {
        let mut attempt = 1;
        loop {
            // Asked each time: an upload whose answer was lost may have arrived.
            if self.to.has_blob(blob.digest).await? {
                return Ok(if attempt == 1 { Moved::Skipped } else { Moved::Copied });
            }
            if self.options.dry_run {
                return Ok(Moved::Copied);
            }
            if self.neighbours() && self.to.mount_blob(blob, self.from.repository()).await? {
                return Ok(Moved::Mounted);
            }
            match self.send(blob).await {
                Ok(()) => return Ok(Moved::Copied),
                // A stream cannot be sent again from its middle, so the adapter leaves that to us.
                Err(error) if *error.kind() == PortErrorKind::Unavailable && attempt < self.options.attempts => {}
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Whether both are repositories of one registry.
    fn neighbours(&self) -> bool {
        match (self.from.repository(), self.to.repository()) {
            (Repository::Oci { host: one, .. }, Repository::Oci { host: other, .. }) => one == other,
            _ => false,
        }
    }

    async fn send(&self, blob: &Descriptor) -> Result<(), PortError> {
        self.progress.started(blob);
        let source = self.from.blob(blob).await?;
        self.to.put_blob(blob, &mut Watched { source, blob, progress: self.progress }).await
    }
}

/// A source that tells how much of it was read.
struct Watched<'a> {
    source: Box<dyn BlobSource>,
    blob: &'a Descriptor,
    progress: &'a dyn Progress,
}

#[async_trait]
impl BlobSource for Watched<'_> {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let chunk = self.source.next_chunk().await?;
        if let Some(chunk) = &chunk {
            self.progress.advanced(self.blob, chunk.len() as u64);
        }
        Ok(chunk)
    }
}
