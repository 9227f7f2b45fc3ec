//! What is checked, and what must have happened for that to mean anything.
//!
//! ```
//! use promotion_model::law::{Law, Laws};
//!
//! let mut broken = Laws::default();
//! broken.insert(Law::FactsNeverMove);
//! assert!(broken.contains(Law::FactsNeverMove) && !broken.contains(Law::RulesHoldAtRest));
//! ```

/// A set of laws, or of events: one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Set(u32);

/// A set of laws.
pub type Laws = Set;
/// A set of events.
pub type Events = Set;

impl Set {
    /// Adds one.
    pub fn insert(&mut self, member: impl Into<u8>) {
        self.0 |= 1 << member.into();
    }

    /// Takes one away.
    pub fn remove(&mut self, member: impl Into<u8>) {
        self.0 &= !(1 << member.into());
    }

    /// Whether it is there.
    #[must_use]
    pub fn contains(self, member: impl Into<u8>) -> bool {
        self.0 & 1 << member.into() != 0
    }

    /// Whether none is there.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Everything of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])* $variant:ident = $id:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[doc = $meaning])* $variant,)* }

        impl $name {
            /// Every one, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What it says, as a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($meaning,)*).trim_ascii(),)* }
            }
        }

        impl From<$name> for u8 {
            fn from(member: $name) -> Self {
                member as Self
            }
        }
    };
}

named! {
    /// A law: it holds in every state and at every step, or there is a story that breaks it.
    Law {
        /// A tag that is a fact is never pointed at anything else.
        FactsNeverMove = "facts_never_move",
        /// A release points at what a candidate of its base points at.
        ReleaseIsAStrippedCandidate = "release_is_a_stripped_candidate_of_the_same_digest",
        /// No release is written below another.
        ReleasesOnlyGoUp = "releases_only_go_up",
        /// Live selects a release.
        LiveNeverSelectsAPrerelease = "live_never_selects_a_prerelease",
        /// Live selects what somebody brought evidence for, or released by hand.
        LiveImpliesEvidence = "live_implies_evidence_for_that_digest",
        /// Integration does not go back to older bytes, even for a moment, unless what it ran was rejected.
        IntegrationNeverStepsBack = "integration_never_steps_back",
        /// Live does not go back to older bytes, even for a moment, unless what it ran was rejected.
        LiveNeverStepsBack = "live_never_steps_back",
        /// No write of a version makes a stage select what is rejected.
        NothingRejectedIsNewlySelected = "nothing_rejected_is_newly_selected",
        /// No write of a version makes a stage select what has no standing evidence for it.
        WhatIsNewlySelectedIsAdmitted = "what_is_newly_selected_is_admitted",
        /// Whoever reports success leaves both rules true.
        DoneMeansDone = "done_means_done",
        /// Once everybody has stopped, both rules are true, provided that the last writer looked again or somebody came later.
        RulesHoldAtRest = "whoever_stops_last_leaves_it_right",
        /// Once everybody has stopped, a repair makes both rules true, whatever happened before.
        RepairMakesTheRulesTrue = "repair_makes_the_rules_true",
        /// A build that was reported as done keeps its candidate.
        NoFinishedBuildIsLost = "no_finished_build_is_lost",
        /// A build that has lost its candidate is named by the audit.
        WhatIsLostIsNamed = "what_is_lost_is_named_by_the_audit",
        /// Nobody writes for ever.
        ActorsConverge = "actors_converge",
        /// A deletion changes neither what a stage selects nor what it should select.
        RetentionChangesNoRule = "retention_changes_no_rule",
        /// Bytes that were rejected become selectable by no deletion: a rejection goes after everything that it is about.
        RejectionsOutliveWhatTheyReject = "rejections_outlive_what_they_reject",
    }
}

named! {
    /// Something that must be able to happen: a scenario in which it cannot proves little.
    Event {
        /// A release was written.
        Released = "released",
        /// An artifact was lifted above a release.
        Lifted = "lifted",
        /// Somebody else had written the tag.
        Conflict = "conflict",
        /// An actor was gone after some of its writes.
        CrashedMidway = "crashed midway",
        /// A tag was overwritten.
        Overwrote = "overwrote",
        /// The first page of a listing was old when the second was read.
        TornListing = "torn listing",
        /// A rule was held back and reported.
        Held = "held back",
        /// A goal was refused after its actor's own write.
        RefusedLate = "refused late",
        /// An artifact was rejected after it was released.
        RejectedLive = "rejected live",
        /// A tag was deleted.
        Deleted = "deleted",
        /// A newer artifact was ahead.
        Superseded = "superseded",
        /// Two artifacts held marks of one commit.
        KeyForked = "key forked",
    }
}
