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
    // Sizes are what manifests say, which anybody may have written.
    let bytes = blobs.iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
    progress.planned(blobs.len(), bytes);
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
        if self.options.dry_run || self.neighbours() {
            if self.to.has_blob(blob.digest).await? {
                return Ok(Moved::Skipped);
            }
            if self.options.dry_run {
                return Ok(Moved::Copied);
            }
            if self.to.mount_blob(blob, self.from.repository()).await? {
                return Ok(Moved::Mounted);
            }
        }
        let mut how = Moved::Skipped;
        for attempt in 1.. {
            let mut source = Lazy { from: self.from, blob, progress: self.progress, source: None };
            let put = self.to.put_blob(blob, &mut source).await;
            if source.source.is_some() {
                how = Moved::Copied;
            }
            match put {
                Ok(()) => break,
                // A stream cannot be sent again from its middle, so the adapter leaves that to us.
                Err(error) if *error.kind() == PortErrorKind::Unavailable && attempt < self.options.attempts => {}
                Err(error) => return Err(error),
            }
        }
        Ok(how)
    }

    /// Whether both are repositories of one registry.
    fn neighbours(&self) -> bool {
        match (self.from.repository(), self.to.repository()) {
            (Repository::Oci { host: one, .. }, Repository::Oci { host: other, .. }) => one == other,
            _ => false,
        }
    }
}

/// A source that is opened when its first bytes are wanted, which they are not where the blob is there already; it tells
/// how much of it was read.
struct Lazy<'a> {
    from: &'a dyn Registry,
    blob: &'a Descriptor,
    progress: &'a dyn Progress,
    source: Option<Box<dyn BlobSource>>,
}

#[async_trait]
impl BlobSource for Lazy<'_> {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let source = match &mut self.source {
            Some(source) => source,
            closed => {
                self.progress.started(self.blob);
                closed.insert(self.from.blob(self.blob).await?)
            }
        };
        let chunk = source.next_chunk().await?;
        if let Some(chunk) = &chunk {
            self.progress.advanced(self.blob, chunk.len() as u64);
        }
        Ok(chunk)
    }
}
