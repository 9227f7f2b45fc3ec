//! Manifests that were read by digest, so that one operation after another need not read them again.
//!
//! Only verified bytes are kept, and what a digest means never changes. Whether the registry *still* has them may, so
//! only [`Registry::manifest`](promotion_core::ports::Registry::manifest) answers from here: whoever writes sends the
//! bytes along. `manifest_all`, by which a copy finds out what is missing, and every question about a tag ask the
//! registry.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use promotion_core::Digest;
use promotion_core::manifest::Manifest;

/// Manifests kept at most: more than a promotion reads.
const COUNT: usize = 64;
/// Bytes of manifests kept at most.
const BYTES: usize = 8 << 20;

/// The manifests read last, the newest first.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<VecDeque<Manifest>>);

impl Cache {
    /// A manifest that was read before, which then counts as read last.
    pub(super) fn get(&self, digest: Digest) -> Option<Manifest> {
        let mut kept = self.kept();
        let at = kept.iter().position(|manifest| manifest.digest() == digest)?;
        let manifest = kept.remove(at)?;
        kept.push_front(manifest.clone());
        Some(manifest)
    }

    /// Keeps a verified manifest, and drops those not read for longest.
    pub(super) fn keep(&self, manifest: &Manifest) {
        let mut kept = self.kept();
        kept.retain(|other| other.digest() != manifest.digest());
        kept.push_front(manifest.clone());
        while kept.len() > COUNT || kept.iter().map(|manifest| manifest.bytes().len()).sum::<usize>() > BYTES {
            kept.pop_back();
        }
    }

    /// Drops what the registry turned out not to have.
    pub(super) fn forget(&self, digest: Digest) {
        self.kept().retain(|manifest| manifest.digest() != digest);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Manifest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use promotion_core::manifest::OCI_MANIFEST;

    use super::*;

    fn manifest(seed: usize, length: usize) -> Manifest {
        let mut bytes = seed.to_string().into_bytes();
        bytes.resize(length, b' ');
        Manifest::new(OCI_MANIFEST, bytes)
    }

    #[test]
    fn the_manifests_read_last_are_kept() {
        let cache = Cache::default();
        (0..=COUNT).for_each(|seed| {
            cache.keep(&manifest(seed, 3));
            assert!(cache.get(manifest(1, 3).digest()).is_some() || seed == 0);
        });
        assert_eq!(cache.get(manifest(0, 3).digest()), None);
        assert_eq!(cache.get(manifest(1, 3).digest()), Some(manifest(1, 3)));
        assert_eq!(cache.kept().len(), COUNT);
    }

    #[test]
    fn large_manifests_are_kept_up_to_a_size() {
        let cache = Cache::default();
        (0..5).for_each(|seed| cache.keep(&manifest(seed, 3 << 20)));
        assert_eq!(cache.kept().len(), 2);
        assert_eq!(cache.get(manifest(4, 3 << 20).digest()), Some(manifest(4, 3 << 20)));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let cache = Cache::default();
        cache.keep(&manifest(1, 3));
        cache.forget(manifest(1, 3).digest());
        assert_eq!(cache.get(manifest(1, 3).digest()), None);
    }
}
