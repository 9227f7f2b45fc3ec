//! Proptest strategies: tags as registries hold them, policies as people write them, histories of actors who meet, and
//! the snapshots that these leave.
//!
//! ```
//! use promotion_core::testing::strategies::{ops, policies, snapshots};
//! use proptest::strategy::{Strategy, ValueTree};
//! use proptest::test_runner::TestRunner;
//!
//! let mut runner = TestRunner::deterministic();
//! let history = ops(20).new_tree(&mut runner).unwrap().current();
//! assert!(history.len() <= 20);
//! let policy = policies().new_tree(&mut runner).unwrap().current();
//! assert!(policy.stages().len() >= 2);
//! let snapshot = snapshots(policy, 20).new_tree(&mut runner).unwrap().current();
//! assert!(snapshot.versions().len() <= 100);
//! ```

mod histories;
mod policies;
mod snapshots;
mod tags;

pub use self::histories::{intent, ops, ops_with_strangers, ops_without_crashes};
pub use self::policies::{policies, proved_policies, specs};
pub use self::snapshots::snapshots;
pub use self::tags::{constraint_texts, tag_texts, tags};
