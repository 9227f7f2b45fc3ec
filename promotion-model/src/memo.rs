//! Answers that are asked for again and again: thousands of states share a repository, or an actor.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

/// What was computed before, by the hash of everything that it depends on. States are told apart by such a hash too.
#[derive(Debug)]
pub(crate) struct Memo<V>(Mutex<HashMap<u64, V>>);

impl<V: Clone> Memo<V> {
    /// What was computed for this, or what is computed now.
    pub(crate) fn of(&self, key: impl Hash, compute: impl FnOnce() -> V) -> V {
        let key = hash(key);
        if let Some(known) = self.0.lock().ok().and_then(|known| known.get(&key).cloned()) {
            return known;
        }
        let value = compute();
        if let Ok(mut known) = self.0.lock() {
            known.insert(key, value.clone());
        }
        value
    }
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

pub(crate) fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
