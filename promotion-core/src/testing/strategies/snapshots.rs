//! What is known of a repository: some of what a history has left there.

use proptest::prelude::*;

use super::ops_with_strangers;
use crate::policy::Policy;
use crate::snapshot::{Query, Snapshot};
use crate::testing::world::{Mode, World};

/// Snapshots of repositories that histories of at most `len` operations leave, of which any part is known.
pub fn snapshots(policy: Policy, len: usize) -> impl Strategy<Value = Snapshot> {
    (ops_with_strangers(len), any::<u64>()).prop_map(move |(history, known)| {
        let mut world = World::new(policy.clone(), Mode::CompareAndSwap);
        world.run(&history);
        let tags = world.registry().listing().tags;
        let mut snapshot = Snapshot::new(&policy, &tags);
        for (index, tag) in tags.into_iter().enumerate() {
            if (known >> (index % 64)) & 1 == 1 {
                let query = Query::Tag(tag);
                let reply = world.registry().reply(&query);
                snapshot.learn(query, reply);
            }
        }
        snapshot
    })
}
