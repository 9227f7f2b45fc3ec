//! What the fuzz targets share: bytes read as histories, repositories to apply plans to, and small things read from text.

pub mod ops;
pub mod plans;

/// The input as lines, as far as it is text.
pub fn lines(bytes: &[u8]) -> Vec<&str> {
    core::str::from_utf8(bytes).map(|text| text.split('\n').collect()).unwrap_or_default()
}
