//! What is thrown: an `Error` whose `id` programs go by and whose `message` people read.

use promotion_core::flux::{ConstraintError, FilterError, ImagePolicyError, SelectError, VersionError};
use promotion_core::policy::PolicyError;
use promotion_core::{Digest, Tag};

use crate::js::Unreadable;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("an argument cannot be written as JSON")]
    Unwritable,
    #[error("not JSON: it begins like a document, and ends or goes on unlike one")]
    NoJson,
    #[error(transparent)]
    Input(#[from] Unreadable),
    #[error("the answer cannot be written as JSON")]
    Answer,
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("{text:?}: {error}")]
    Version { text: String, error: VersionError },
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    #[error(transparent)]
    Select(#[from] SelectError),
    #[error(transparent)]
    ImagePolicy(#[from] ImagePolicyError),
    #[error("{tag} is not as the plan expects: it {}", found.map_or("does not exist".to_owned(), |found| format!("points at {found}")))]
    Conflict { tag: Tag, found: Option<Digest> },
    #[error("no reason has the id {0:?}")]
    UnknownReason(String),
}

impl Failure {
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Self::Unwritable | Self::NoJson | Self::Input(_) => "input",
            Self::Answer => "answer",
            Self::Policy(_) => "policy",
            Self::Version { .. } => "version",
            Self::Constraint(_) | Self::Select(SelectError::Constraint(_)) => "constraint",
            Self::Select(SelectError::Filter(error)) => filter(error),
            Self::Select(_) => "no-match",
            Self::ImagePolicy(error) => image_policy(error),
            Self::Conflict { .. } => "conflict",
            Self::UnknownReason(_) => "unknown-reason",
        }
    }
}

fn image_policy(error: &ImagePolicyError) -> &'static str {
    match error {
        ImagePolicyError::Exclusion(_) => "exclusion",
        ImagePolicyError::NoPolicy => "no-policy",
        ImagePolicyError::Range(_) => "range",
        ImagePolicyError::Order(_) => "order",
        ImagePolicyError::NoTags => "no-tags",
        ImagePolicyError::Filter(error) => filter(error),
        ImagePolicyError::NothingLeft => "nothing-left",
        ImagePolicyError::NoVersion(_) => "no-version",
        ImagePolicyError::NotANumber(_) => "not-a-number",
        _ => "image-policy",
    }
}

const fn filter(error: &FilterError) -> &'static str {
    match error {
        FilterError::Unpredictable { .. } => "unpredictable",
        _ => "filter",
    }
}
