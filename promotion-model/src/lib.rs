//! A model checker's view of promotion: the real planner and executor, a registry in memory, and every order in which a few
//! actors can take their steps, overtake each other and crash.
//!
//! A [`Scenario`] says who may appear; a [`Setting`] says how far the registry keeps them apart. [`explore`] visits
//! every state that can be reached and reports which [laws](law) hold in all of them, and for each that does not the
//! shortest story that breaks it.
//!
//! ```
//! use promotion_model::{Setting, explore, scenario};
//!
//! let builders = scenario("builders").unwrap();
//! let locked = explore(builders, Setting::Lock);
//! assert!(locked.broken.is_empty() && locked.states > 10);
//! ```

mod actor;
mod explore;
pub mod law;
mod memo;
mod model;
mod report;
mod scenario;
mod setting;
mod state;
mod story;
mod witness;

pub use explore::{Explored, explore};
pub use model::Promotion;
pub use report::markdown;
pub use scenario::{Given, Role, SCENARIOS, Scenario, scenario};
pub use setting::{Pages, Setting};
pub use story::Story;
