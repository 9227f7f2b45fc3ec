//! How far a registry keeps actors apart.

use std::fmt;

use promotion_core::Tag;
use promotion_core::memory::MemoryRegistry;
use promotion_core::ports::Consistency;

/// How far the registry keeps actors apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// One actor at a time, from its first read to its end or crash.
    Lock,
    /// Whoever writes a tag that somebody else has written meanwhile is refused.
    Immutable,
    /// The last writer of a tag wins, and a listing comes in two pages.
    Registers(Pages),
}

/// In which order an actor reads after its writes: registries list in whatever order they like, and what an actor foresees that
/// it will ask for it may read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pages {
    /// Candidates and releases, then marks, as in byte order.
    VersionsFirst,
    /// The other way round.
    MarksFirst,
    /// What the tags point at that it foresees that it will ask for, then as [`Pages::VersionsFirst`].
    TagsFirst,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Lock,
        Self::Immutable,
        Self::Registers(Pages::VersionsFirst),
        Self::Registers(Pages::MarksFirst),
        Self::Registers(Pages::TagsFirst),
    ];

    /// What an adapter says of such a registry.
    pub(crate) const fn consistency(self) -> Consistency {
        match self {
            Self::Lock => Consistency::Exclusive,
            Self::Immutable => Consistency::CompareAndSwap,
            Self::Registers(_) => Consistency::Registers,
        }
    }

    /// An empty registry.
    pub(crate) const fn registry(self) -> MemoryRegistry {
        MemoryRegistry::new(match self {
            Self::Lock | Self::Immutable => Consistency::CompareAndSwap,
            Self::Registers(_) => Consistency::Registers,
        })
    }

    /// Its word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Immutable => "immutable",
            Self::Registers(_) => "registers",
        }
    }
}

impl Pages {
    pub(crate) fn is_first(self, tag: &Tag) -> bool {
        let version = tag.as_str().starts_with(|first: char| first.is_ascii_digit());
        match self {
            Self::VersionsFirst | Self::TagsFirst => version,
            Self::MarksFirst => !version,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lock => "under a lock",
            Self::Immutable => "with immutable tags",
            Self::Registers(Pages::VersionsFirst) => "on plain registers, versions listed first",
            Self::Registers(Pages::MarksFirst) => "on plain registers, marks listed first",
            Self::Registers(Pages::TagsFirst) => "on plain registers, foreseen tags read before the listing",
        })
    }
}
