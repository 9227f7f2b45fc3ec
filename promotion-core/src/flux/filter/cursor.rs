//! Where the reader of a pattern stands, and why it stops.
//!
//! ```
//! use promotion_core::flux::TagFilter;
//!
//! assert_eq!(TagFilter::parse("v[").unwrap_err().to_string(), "missing closing ] at byte 1 of pattern \"v[\"");
//! ```

/// Why reading stops, before the pattern is put into the error.
pub(super) enum Stop {
    Invalid(usize, &'static str),
    Unpredictable(&'static str),
}

/// A place in the pattern.
pub(super) struct Cursor<'p> {
    pattern: &'p str,
    pub(super) at: usize,
}

impl<'p> Cursor<'p> {
    pub(super) const fn new(pattern: &'p str) -> Self {
        Self { pattern, at: 0 }
    }

    pub(super) fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) const fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }
}
