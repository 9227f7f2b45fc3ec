//! A [`World`] in which time stands still and nobody knows which commit is older.
//!
//! ```
//! use promotion_core::executor::World;
//! use promotion_core::testing::still::Still;
//! use promotion_core::time::Timestamp;
//!
//! let world = Still { now: Timestamp::from_unix(1_800_000_000), actor: Some("ada") };
//! assert_eq!(world.now(), Timestamp::from_unix(1_800_000_000));
//! assert_eq!(world.actor().as_deref(), Some("ada"));
//! ```

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use async_trait::async_trait;

use crate::Commit;
use crate::executor::{Step, World};
use crate::snapshot::Ancestry;
use crate::time::Timestamp;

/// What a driver needs to know besides the registry, for tests of registries.
#[derive(Debug, Clone, Copy)]
pub struct Still {
    /// The time.
    pub now: Timestamp,
    /// Who acts; nobody keeps no records.
    pub actor: Option<&'static str>,
}

#[async_trait]
impl World for Still {
    fn now(&self) -> Timestamp {
        self.now
    }

    async fn ancestry(&self, _ancestor: &Commit, _descendant: &Commit) -> Ancestry {
        Ancestry::Unknown
    }

    fn about_to(&self, _step: &Step) {}

    fn actor(&self) -> Option<String> {
        self.actor.map(ToString::to_string)
    }
}
