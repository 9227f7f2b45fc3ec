//! What a registry's refusal means, in the port's words.

use promotion_core::ports::PortErrorKind;
use reqwest::StatusCode;

/// The kind of a refusal: by status, and by the registry's own code where it says more.
pub(crate) fn kind(status: StatusCode) -> PortErrorKind {
    match status.as_u16() {
        401 => PortErrorKind::Unauthorized,
        403 => PortErrorKind::Forbidden,
        404 => PortErrorKind::NotFound,
        405 => PortErrorKind::Unsupported,
        409 | 412 => PortErrorKind::Immutable,
        429 => PortErrorKind::RateLimited { retry_after: None },
        500..=599 => PortErrorKind::Unavailable,
        _ => PortErrorKind::Invalid,
    }
}
