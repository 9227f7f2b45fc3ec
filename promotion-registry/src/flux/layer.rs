//! The packed layer: an unlinked file that is gone with its last reader.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use promotion_core::ports::{BlobSource, PortError, PortErrorKind};

use super::Progress;
use crate::fault::{Fault, blocking};

/// Bytes per chunk.
const CHUNK: usize = 256 * 1024;

/// A layer's bytes; clones share them.
#[derive(Debug, Clone)]
pub struct Layer(Arc<Mutex<File>>);

impl Layer {
    pub(super) fn new(file: File) -> Self {
        Self(Arc::new(Mutex::new(file)))
    }

    /// The bytes from the start, for [`Registry::put_blob`](promotion_core::ports::Registry::put_blob).
    #[must_use]
    pub fn source(&self, progress: Option<Progress>) -> Box<dyn BlobSource> {
        Box::new(Source { reader: Some(self.reader()), progress })
    }

    /// The bytes from the start, for code that may block.
    #[must_use]
    pub fn reader(&self) -> LayerReader {
        LayerReader { layer: self.clone(), at: 0 }
    }
}

/// A layer that is being read. Readers do not disturb each other.
#[derive(Debug)]
pub struct LayerReader {
    layer: Layer,
    at: u64,
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.layer.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

struct Source {
    /// `None` at the end and after an error.
    reader: Option<LayerReader>,
    progress: Option<Progress>,
}

#[async_trait]
impl BlobSource for Source {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let read = blocking(move || {
            let mut chunk = Vec::new();
            let limited = reader.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
            limited.map_err(|error| Fault::new(PortErrorKind::Unavailable, error.to_string()))?;
            Ok((chunk, reader))
        });
        let (chunk, reader) = read.await.map_err(|fault| fault.attempting("read the packed layer"))?;
        if chunk.is_empty() {
            return Ok(None);
        }
        if let Some(progress) = &self.progress {
            progress(chunk.len() as u64);
        }
        self.reader = Some(reader);
        Ok(Some(chunk))
    }
}
