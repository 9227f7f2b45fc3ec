//! What people's files are read as, for fuzzing.
//!
//! ```
//! use promotion_cli::testing::configuration;
//!
//! let written = configuration("versions:\n  initial: 1.0.0\n").unwrap();
//! assert!(written.contains("1.0.0") && configuration(&written).unwrap() == written, "it is read again as it was");
//! let mistake = configuration("version: 1").unwrap_err();
//! assert_eq!((mistake.place.as_str(), mistake.message.as_str()), ("promotion.yaml:1:1", "unknown key \"version\""));
//! ```

use crate::config::Config;

/// Why a text is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file, and where known line and column.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// What a `promotion.yaml` of this text says, written out in full.
///
/// # Errors
/// When it is no configuration.
pub fn configuration(text: &str) -> Result<String, Mistake> {
    let config = Config::of_text(text)
        .map_err(|failure| Mistake { place: failure.place.unwrap_or_default(), message: failure.message })?;
    let unwritable = |error: serde_saphyr::ser::Error| Mistake { place: String::new(), message: error.to_string() };
    serde_saphyr::to_string(&config.settings).map_err(unwritable)
}
