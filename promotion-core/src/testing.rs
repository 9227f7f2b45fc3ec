//! What embedders and adapters test themselves with: a conformance suite for every adapter of the registry port, a
//! simulated world of actors that crash and overtake each other, a naive oracle that judges what they leave, a reference
//! model that predicts what one actor after another comes to, and a naive reading of constraints.
//!
//! ```
//! use promotion_core::policy::Policy;
//! use promotion_core::testing::world::{Intent, Mode, Op, World};
//!
//! let mut world = World::new(Policy::default(), Mode::Locked);
//! world.run(&[
//!     Op::Start(Intent::Build { commit: 0, content: 0, number: None, again: false }),
//!     Op::Step { actor: 0, steps: 5 },
//!     Op::Crash { actor: 0 },
//! ]);
//! world.settle();
//! assert_eq!(world.violations(), []);
//! ```

pub mod conformance;
pub mod faulty;
pub mod laws;
pub mod machine;
pub mod model;
pub mod naive;
pub mod oracle;
pub mod still;
pub mod strategies;
pub mod world;
