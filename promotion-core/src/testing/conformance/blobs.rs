//! Laws of blobs.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use async_trait::async_trait;

use super::{blob_of, ok, refused};
use crate::Digest;
use crate::manifest::Descriptor;
use crate::ports::{BlobSource, Bytes, PortError, PortErrorKind, Registry};

const OCTETS: &str = "application/octet-stream";
/// The largest chunk that still counts as constant memory.
const LARGEST_CHUNK: usize = 1024 * 1024;

pub(super) async fn a_blob_is_read_back_exactly(registry: &dyn Registry) {
    const LAW: &str = "a blob is read back exactly";
    let bytes = b"a layer".to_vec();
    let blob = blob_of(OCTETS, &bytes);
    ok(LAW, registry.put_blob(&blob, &mut Bytes::new(bytes.clone())).await);
    assert!(ok(LAW, registry.has_blob(blob.digest).await), "{LAW}: has_blob");
    assert_eq!(ok(LAW, read(registry, &blob).await), bytes, "{LAW}");
}

pub(super) async fn an_empty_blob_is_a_blob(registry: &dyn Registry) {
    const LAW: &str = "a blob of no bytes is a blob";
    let blob = blob_of(OCTETS, b"");
    ok(LAW, registry.put_blob(&blob, &mut Bytes::new(Vec::new())).await);
    assert!(ok(LAW, registry.has_blob(blob.digest).await), "{LAW}: has_blob");
    assert!(ok(LAW, read(registry, &blob).await).is_empty(), "{LAW}");
}

pub(super) async fn a_large_blob_comes_in_bounded_chunks(registry: &dyn Registry) {
    const LAW: &str = "a blob is streamed in bounded chunks, never an empty one";
    let bytes: Vec<u8> = (0_u32..1_500_000).flat_map(|n| [(n % 251) as u8, (n / 251 % 256) as u8]).collect();
    let blob = blob_of(OCTETS, &bytes);
    let mut source = Chunks { bytes: bytes.clone(), at: 0, fails_at: usize::MAX };
    ok(LAW, registry.put_blob(&blob, &mut source).await);
    let mut reader = ok(LAW, registry.blob(&blob).await);
    let mut back = Vec::new();
    while let Some(chunk) = ok(LAW, reader.next_chunk().await) {
        assert!(!chunk.is_empty() && chunk.len() <= LARGEST_CHUNK, "{LAW}: a chunk of {} bytes", chunk.len());
        back.extend(chunk);
    }
    assert!(back == bytes, "{LAW}: the bytes differ");
    assert_eq!(ok(LAW, reader.next_chunk().await), None, "{LAW}: the end stays the end");
}

pub(super) async fn a_blob_that_is_not_what_it_says_is_not_stored(registry: &dyn Registry) {
    const LAW: &str = "bytes that are not what the descriptor says are Corrupt, and nothing is stored";
    let honest = blob_of(OCTETS, b"honest");
    let shorter = Descriptor { size: honest.size + 1, ..honest.clone() };
    let longer = Descriptor { size: honest.size - 1, ..honest.clone() };
    for (blob, bytes) in [(&honest, "forged"), (&shorter, "honest"), (&longer, "honest"), (&honest, "")] {
        let kind = refused(LAW, registry.put_blob(blob, &mut Bytes::new(bytes.as_bytes().to_vec())).await);
        assert_eq!(kind, PortErrorKind::Corrupt, "{LAW}: {bytes:?} as {blob:?}");
        assert!(!ok(LAW, registry.has_blob(blob.digest).await), "{LAW}: {bytes:?} as {blob:?}");
    }
    ok(LAW, registry.put_blob(&honest, &mut Bytes::new(b"honest".to_vec())).await);
    let lied = Descriptor { size: honest.size + 1, ..honest };
    assert_eq!(refused(LAW, read(registry, &lied).await), PortErrorKind::Corrupt, "{LAW}: read with a wrong size");
}

pub(super) async fn an_existing_blob_is_not_read_again(registry: &dyn Registry) {
    const LAW: &str = "an existing blob is success without reading the source";
    let blob = blob_of(OCTETS, b"once");
    ok(LAW, registry.put_blob(&blob, &mut Bytes::new(b"once".to_vec())).await);
    let mut source = Chunks { bytes: vec![], at: 0, fails_at: 0 };
    ok(LAW, registry.put_blob(&blob, &mut source).await);
}

pub(super) async fn a_failing_source_stores_nothing(registry: &dyn Registry) {
    const LAW: &str = "a source that fails is the failure of the write, and nothing is stored";
    let bytes = vec![7; 200_000];
    let blob = blob_of(OCTETS, &bytes);
    let mut source = Chunks { bytes, at: 0, fails_at: 100_000 };
    let kind = refused(LAW, registry.put_blob(&blob, &mut source).await);
    assert_eq!(kind, PortErrorKind::Unavailable, "{LAW}: the source's own error is told");
    assert!(!ok(LAW, registry.has_blob(blob.digest).await), "{LAW}");
}

pub(super) async fn an_absent_blob_is_not_found(registry: &dyn Registry) {
    const LAW: &str = "opening an absent blob is NotFound";
    let kind = refused(LAW, read(registry, &blob_of(OCTETS, b"absent")).await);
    assert_eq!(kind, PortErrorKind::NotFound, "{LAW}");
    assert!(!ok(LAW, registry.has_blob(Digest::of(b"absent")).await), "{LAW}");
}

async fn read(registry: &dyn Registry, blob: &Descriptor) -> Result<Vec<u8>, PortError> {
    let mut reader = registry.blob(blob).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next_chunk().await? {
        bytes.extend(chunk);
    }
    Ok(bytes)
}

/// A source of small chunks that can fail on the way.
struct Chunks {
    bytes: Vec<u8>,
    at: usize,
    fails_at: usize,
}

#[async_trait]
impl BlobSource for Chunks {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        if self.at >= self.fails_at {
            return Err(PortError::new(PortErrorKind::Unavailable, "read the source", "it failed, as the law wants"));
        }
        let end = (self.at + 40_009).min(self.bytes.len());
        let chunk = self.bytes[self.at..end].to_vec();
        self.at = end;
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}
