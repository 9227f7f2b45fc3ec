//! Blobs of a layout: streamed in chunks, hashed on the way in and on the way out.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{BlobSource, PortError, PortErrorKind};
use sha2::{Digest as _, Sha256};

use super::files::Temp;
use super::layout::Layout;
use crate::fault::{Fault, blocking};

/// Bytes per chunk: large enough that changing threads costs nothing, small enough for any machine.
const CHUNK: usize = 256 * 1024;

impl Layout {
    pub(super) fn blob_path(&self, digest: Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// A blob's size; `None` when it is not there.
    pub(super) fn blob_len(&self, digest: Digest) -> Result<Option<u64>, Fault> {
        let path = self.blob_path(digest);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Err(Fault::corrupt(&path, "not a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::io("look for", &path, error)),
        }
    }

    /// Opens a blob for reading.
    pub(super) fn read_blob(&self, blob: &Descriptor, attempted: String) -> Result<BlobReader, Fault> {
        let path = self.blob_path(blob.digest);
        let Some(len) = self.blob_len(blob.digest)? else {
            return Err(Fault::new(PortErrorKind::NotFound, format!("{}: no such blob in the layout", path.display())));
        };
        if len != blob.size {
            return Err(Fault::corrupt(&path, format!("{len} bytes, but the descriptor says {}", blob.size)));
        }
        let file = File::open(&path).map_err(|error| Fault::io("open", &path, error))?;
        let open = OpenBlob { file, path, digest: blob.digest, left: blob.size, hash: Sha256::new() };
        Ok(BlobReader { open: Some(open), attempted })
    }

    /// Whether the blob is there already; one of another size under its name is damage that must not be hidden.
    fn has_whole(&self, blob: &Descriptor) -> Result<bool, Fault> {
        match self.blob_len(blob.digest)? {
            None => Ok(false),
            Some(len) if len == blob.size => Ok(true),
            Some(len) => Err(Fault::corrupt(
                &self.blob_path(blob.digest),
                format!(
                    "{len} bytes, but the descriptor says {}; remove the file if the descriptor is right",
                    blob.size
                ),
            )),
        }
    }
}

/// A blob that is being read.
pub(super) struct BlobReader {
    /// `None` at the end and after an error.
    open: Option<OpenBlob>,
    attempted: String,
}

struct OpenBlob {
    file: File,
    path: PathBuf,
    digest: Digest,
    left: u64,
    hash: Sha256,
}

impl OpenBlob {
    /// The next chunk; the last one only after the whole was verified.
    fn read(mut self) -> Result<(Vec<u8>, Option<Self>), Fault> {
        let want = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let mut chunk = vec![0; want];
        self.file.read_exact(&mut chunk).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::corrupt(&self.path, "the file became shorter while it was read"),
            _ => Fault::io("read", &self.path, error),
        })?;
        self.hash.update(&chunk);
        self.left -= want as u64;
        if self.left > 0 {
            return Ok((chunk, Some(self)));
        }
        let got = Digest::from_sha256(self.hash.finalize().into());
        if got != self.digest {
            return Err(Fault::corrupt(&self.path, format!("the bytes are {got}; remove the file and put it again")));
        }
        Ok((chunk, None))
    }
}

#[async_trait]
impl BlobSource for BlobReader {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let Some(open) = self.open.take() else { return Ok(None) };
        let (chunk, open) = blocking(|| open.read()).await.map_err(|fault| fault.attempting(&self.attempted))?;
        self.open = open;
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

/// Copies a source into the layout; the blob appears whole and verified, or not at all.
pub(super) async fn write_blob(
    layout: &Arc<Layout>,
    blob: &Descriptor,
    source: &mut dyn BlobSource,
    attempted: &str,
) -> Result<(), PortError> {
    let expected = blob.clone();
    let begin = Arc::clone(layout);
    let begun = blocking(move || {
        if begin.has_whole(&expected)? {
            return Ok(None);
        }
        begin.create_blobs()?;
        Temp::create(&begin.blobs()).map(Some)
    });
    let Some(mut temp) = begun.await.map_err(|fault| fault.attempting(attempted))? else { return Ok(()) };
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    while let Some(chunk) = source.next_chunk().await? {
        size += chunk.len() as u64;
        if size > blob.size {
            break;
        }
        let write = move || {
            let (mut temp, mut hash) = (temp, hash);
            hash.update(&chunk);
            temp.write(&chunk)?;
            Ok((temp, hash))
        };
        (temp, hash) = blocking(write).await.map_err(|fault| fault.attempting(attempted))?;
    }
    let expected = blob.clone();
    let end = Arc::clone(layout);
    let finish = move || {
        let got = Digest::from_sha256(hash.finalize().into());
        let wrong = match size.cmp(&expected.size) {
            std::cmp::Ordering::Greater => Some(format!("more than the {} bytes that were announced", expected.size)),
            std::cmp::Ordering::Less => Some(format!("{size} bytes, but {} were announced", expected.size)),
            std::cmp::Ordering::Equal if got != expected.digest => Some(format!("the bytes are {got}")),
            std::cmp::Ordering::Equal => None,
        };
        match wrong {
            Some(wrong) => {
                let message = format!("what was sent as {} is not that: {wrong}; nothing was stored", expected.digest);
                Err(Fault::new(PortErrorKind::Corrupt, message))
            }
            None => temp.publish(&end.blob_path(expected.digest)),
        }
    };
    blocking(finish).await.map_err(|fault| fault.attempting(attempted))
}
