//! Which tag Flux picks: the exact rules behind `semver`, `semverFilter` and image policies.
//!
//! A prediction is only worth having if it is right, so this module follows what Flux 2.7 and newer run: the version library
//! Masterminds/semver v3.5.0, which source-controller 1.9 and image-reflector-controller 1.2 pin, and Go's regular expressions.
//! Its answers differ from those of Rust's `semver` in most cases that matter; neither crate can stand in for the other.
//!
//! 1. A tag with two dots anywhere is read as a loose [`Version`]; others are skipped.
//! 2. Versions are ordered by [`Version::precedence`], which ignores build metadata, so different tags can tie.
//! 3. A [`Constraint`] accepts versions, and pre-releases only where one of its groups names one.
//! 4. A [`TagFilter`] is a Go regular expression over the tag as it is.
//! 5. [`select`] answers for an `OCIRepository`, [`select_image`] for an `ImagePolicy`. Where Flux's answer is an accident of sorting
//!    or of map order they say so instead of guessing, and a pattern that cannot be translated is [`FilterError::Unpredictable`].
//!
//! What Flux does with no answer is the same in both controllers: it reports an error and keeps what is deployed.
//!
//! ```
//! use promotion_core::flux::{Constraint, Version};
//!
//! let live: Constraint = ">= 0.0.0".parse()?;
//! assert!(live.matches(&Version::parse_tag("2024.01.02")?));
//! assert!(!live.matches(&Version::parse_tag("1.4.0-rc.1")?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod constraint;
mod filter;
mod image_policy;
mod select;
mod version;

pub use constraint::{Atom, Constraint, ConstraintError, Explanation, Group, GroupExplanation, Operator, Precision};
pub use filter::{FilterError, TagFilter, Template};
pub use image_policy::{
    FilterTags, ImageChoice, ImagePolicy, ImagePolicyError, OrderPolicy, PolicyChoice, SemverPolicy, select_image,
};
pub use select::{HELM_CHART_MEDIA_TYPE, SelectError, Selection, Selector, select};
pub use version::{Version, VersionError};
