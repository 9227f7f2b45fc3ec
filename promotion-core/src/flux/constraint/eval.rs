//! What each operator means, one function per rule.
//!
//! ```
//! use promotion_core::flux::{Constraint, Version};
//!
//! let accepts = |atom: &str, tag| {
//!     Constraint::parse(atom).unwrap().groups()[0].atoms()[0].accepts(&Version::parse_tag(tag).unwrap())
//! };
//! assert!(accepts("^0.2.3", "0.2.9") && !accepts("^0.2.3", "0.3.0"));
//! assert!(accepts("~0.0.0", "5.0.0") && !accepts("~0.0.1", "0.1.0"));
//! assert!(accepts("<=1.2-0", "1.2.9") && !accepts(">1.2-0", "1.2.9"));
//! ```

use super::{Atom, Operator, Precision};
use crate::flux::Version;

impl Atom {
    /// Whether the comparison holds; pre-releases are the group's business.
    #[must_use]
    #[inline]
    pub fn accepts(&self, version: &Version<'_>) -> bool {
        let compared = || version.compare(self.numbers, || &self.text[self.pre.clone()]);
        match self.operator {
            Operator::Less => compared().is_lt(),
            Operator::GreaterEqual => compared().is_ge(),
            Operator::Equal if self.precision == Precision::Full => compared().is_eq(),
            Operator::Equal | Operator::Tilde => tilde(self.precision, &self.version(), version),
            Operator::NotEqual => not_equal(self.precision, &self.version(), version),
            Operator::Greater => greater(self.precision, &self.version(), version),
            Operator::LessEqual => less_equal(self.precision, &self.version(), version),
            Operator::Caret => caret(self.precision, &self.version(), version),
        }
    }
}

/// The numbers that both `1.2` and `1.2.x` write out.
fn line(version: &Version<'_>) -> (u64, u64) {
    (version.major, version.minor)
}

fn tilde(precision: Precision, bound: &Version<'_>, version: &Version<'_>) -> bool {
    let zero = (bound.major, bound.minor, bound.patch) == (0, 0, 0);
    version.precedence(bound).is_ge()
        && match precision {
            Precision::Any | Precision::Full if zero => true,
            Precision::Major => version.major == bound.major,
            Precision::Any | Precision::Minor | Precision::Full => line(version) == line(bound),
        }
}

fn not_equal(precision: Precision, bound: &Version<'_>, version: &Version<'_>) -> bool {
    match precision {
        Precision::Major => version.major != bound.major,
        // Without pre-releases on either side both are empty, so one comparison covers the rule.
        Precision::Minor => line(version) != line(bound) || version.pre != bound.pre,
        Precision::Any | Precision::Full => version.precedence(bound).is_ne(),
    }
}

fn greater(precision: Precision, bound: &Version<'_>, version: &Version<'_>) -> bool {
    match precision {
        Precision::Major => version.major > bound.major,
        Precision::Minor => line(version) > line(bound),
        Precision::Any | Precision::Full => version.precedence(bound).is_gt(),
    }
}

fn less_equal(precision: Precision, bound: &Version<'_>, version: &Version<'_>) -> bool {
    match precision {
        Precision::Major => version.major <= bound.major,
        Precision::Any | Precision::Minor => line(version) <= line(bound),
        Precision::Full => version.precedence(bound).is_le(),
    }
}

fn caret(precision: Precision, bound: &Version<'_>, version: &Version<'_>) -> bool {
    version.precedence(bound).is_ge()
        && version.major == bound.major
        && if bound.major > 0 || precision == Precision::Major {
            true
        } else if bound.minor > 0 || precision == Precision::Minor {
            version.minor == bound.minor
        } else {
            version.minor == 0 && version.patch == bound.patch
        }
}
