//! Every scenario.

use super::Given::{Built, Promoted, Rejected};
use super::Role::{Build, ByHand, Nominate, Promote, PromoteAs, Reject, Reopen, Repair, Retain, Rollback};
use super::Scenario;
use crate::law::{Event, Law};
use crate::setting::Pages::{MarksFirst, TagsFirst, VersionsFirst};
use crate::setting::Setting::{self, Immutable, Lock, Registers};

/// Those that keep actors apart at all. What has more than a few million states on plain registers is explored in these.
const GUARDED: &[Setting] = &[Lock, Immutable];
const REGISTERS: &[Setting] = &[Registers(VersionsFirst), Registers(MarksFirst), Registers(TagsFirst)];
/// Those in which actors work at the same time.
const SHARED: &[Setting] = &[Immutable, Registers(VersionsFirst), Registers(MarksFirst), Registers(TagsFirst)];

/// What most scenarios are a variation of.
const PLAIN: Scenario = Scenario {
    name: "",
    about: "",
    given: &[],
    cast: &[],
    crashes: 0,
    one_commit: false,
    begin_at_once: true,
    settings: &Setting::ALL,
    reaches: &[],
    breaks: &[],
    large: &[],
};

/// Every scenario.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "builders",
        about: "Two builds overlap, and one may crash.",
        cast: &[(Build, 2)],
        crashes: 1,
        begin_at_once: false,
        reaches: &[
            (&Setting::ALL, &[Event::CrashedMidway]),
            (SHARED, &[Event::Conflict]),
            (REGISTERS, &[Event::Overwrote, Event::TornListing]),
        ],
        breaks: &[(REGISTERS, &[Law::FactsNeverMove, Law::NoFinishedBuildIsLost])],
        ..PLAIN
    },
    Scenario {
        name: "three-builders",
        about: "Three builds overlap.",
        cast: &[(Build, 3)],
        large: REGISTERS,
        reaches: &[(SHARED, &[Event::Conflict]), (REGISTERS, &[Event::Overwrote, Event::TornListing])],
        breaks: &[(REGISTERS, &[Law::FactsNeverMove, Law::NoFinishedBuildIsLost])],
        ..PLAIN
    },
    Scenario {
        name: "one-commit",
        about: "Two builds of one commit overlap.",
        cast: &[(Build, 2)],
        one_commit: true,
        begin_at_once: false,
        reaches: &[
            (&Setting::ALL, &[Event::KeyForked]),
            (SHARED, &[Event::Conflict]),
            (REGISTERS, &[Event::Overwrote, Event::TornListing]),
        ],
        breaks: &[(REGISTERS, &[Law::FactsNeverMove, Law::NoFinishedBuildIsLost])],
        ..PLAIN
    },
    Scenario {
        name: "rebuilt-commit",
        about: "A commit is built again, to other bytes, while the first artifact is promoted.",
        given: &[Built],
        cast: &[(Build, 1), (Promote, 1)],
        one_commit: true,
        begin_at_once: false,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::KeyForked]),
            (REGISTERS, &[Event::TornListing]),
        ],
        breaks: &[(SHARED, &[Law::IntegrationNeverStepsBack]), (REGISTERS, &[Law::DoneMeansDone])],
        ..PLAIN
    },
    Scenario {
        name: "promotions",
        about: "Two builds, and both are promoted, in any order and beside each other.",
        cast: &[(Build, 2), (Promote, 2)],
        settings: GUARDED,
        reaches: &[(GUARDED, &[Event::Released, Event::Lifted, Event::Superseded]), (&[Immutable], &[Event::Conflict])],
        breaks: &[(&[Immutable], &[Law::ReleasesOnlyGoUp, Law::IntegrationNeverStepsBack])],
        ..PLAIN
    },
    Scenario {
        name: "overwritten-candidate",
        about: "Two builds overlap, and what one of them makes is promoted.",
        cast: &[(Build, 2), (Promote, 1)],
        large: REGISTERS,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted]),
            (SHARED, &[Event::Conflict]),
            (REGISTERS, &[Event::Overwrote, Event::TornListing]),
        ],
        breaks: &[
            (SHARED, &[Law::IntegrationNeverStepsBack]),
            (
                REGISTERS,
                &[
                    Law::FactsNeverMove,
                    Law::ReleaseIsAStrippedCandidate,
                    Law::DoneMeansDone,
                    Law::NoFinishedBuildIsLost,
                ],
            ),
        ],
        ..PLAIN
    },
    Scenario {
        name: "two-promoters",
        about: "Two artifacts are promoted beside each other, and one promoter may crash.",
        given: &[Built, Built],
        cast: &[(Promote, 2)],
        crashes: 1,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::CrashedMidway, Event::Superseded]),
            (SHARED, &[Event::Conflict]),
            (REGISTERS, &[Event::Overwrote, Event::TornListing]),
            (&[Registers(MarksFirst)], &[Event::Held]),
        ],
        breaks: &[
            (SHARED, &[Law::ReleasesOnlyGoUp]),
            (REGISTERS, &[Law::FactsNeverMove, Law::LiveNeverStepsBack, Law::DoneMeansDone]),
        ],
        ..PLAIN
    },
    Scenario {
        name: "build-and-promote",
        about: "An artifact is promoted while the next is built, and one of the two may crash.",
        given: &[Built],
        cast: &[(Build, 1), (Promote, 1)],
        crashes: 1,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::CrashedMidway]),
            (REGISTERS, &[Event::TornListing]),
        ],
        breaks: &[(SHARED, &[Law::IntegrationNeverStepsBack]), (REGISTERS, &[Law::DoneMeansDone])],
        ..PLAIN
    },
    Scenario {
        name: "rejections",
        about: "An artifact is rejected while another is promoted.",
        given: &[Promoted, Built],
        cast: &[(Promote, 1), (Reject, 1)],
        crashes: 1,
        reaches: &[
            (
                &Setting::ALL,
                &[Event::Released, Event::Lifted, Event::CrashedMidway, Event::RefusedLate, Event::RejectedLive],
            ),
            (REGISTERS, &[Event::TornListing]),
        ],
        breaks: &[
            (SHARED, &[Law::NothingRejectedIsNewlySelected, Law::WhatIsNewlySelectedIsAdmitted]),
            (REGISTERS, &[Law::DoneMeansDone]),
            (&[Registers(MarksFirst)], &[Law::ReleasesOnlyGoUp]),
        ],
        ..PLAIN
    },
    Scenario {
        name: "rollback",
        about: "Somebody rolls back while something newer is promoted.",
        given: &[Promoted, Promoted, Built],
        cast: &[(Promote, 1), (Rollback, 1)],
        crashes: 1,
        large: REGISTERS,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::CrashedMidway, Event::RejectedLive]),
            (SHARED, &[Event::Conflict, Event::RefusedLate]),
            (GUARDED, &[Event::Superseded]),
            (REGISTERS, &[Event::Overwrote, Event::TornListing]),
        ],
        breaks: &[
            (SHARED, &[Law::NothingRejectedIsNewlySelected, Law::WhatIsNewlySelectedIsAdmitted]),
            (REGISTERS, &[Law::FactsNeverMove, Law::ReleasesOnlyGoUp, Law::DoneMeansDone]),
        ],
        ..PLAIN
    },
    Scenario {
        name: "repairs",
        about: "Two repairs meet a rejection.",
        given: &[Promoted, Promoted],
        cast: &[(Reject, 1), (Repair, 2)],
        crashes: 1,
        settings: GUARDED,
        reaches: &[(GUARDED, &[Event::Released, Event::Lifted, Event::CrashedMidway, Event::RejectedLive])],
        ..PLAIN
    },
    Scenario {
        name: "repair",
        about: "A repair meets a rejection.",
        given: &[Promoted, Promoted, Built],
        cast: &[(Reject, 1), (Repair, 1)],
        crashes: 1,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::CrashedMidway, Event::RejectedLive]),
            (REGISTERS, &[Event::TornListing]),
        ],
        breaks: &[
            (REGISTERS, &[Law::DoneMeansDone]),
            (&[Registers(MarksFirst)], &[Law::NothingRejectedIsNewlySelected, Law::WhatIsNewlySelectedIsAdmitted]),
        ],
        ..PLAIN
    },
    Scenario {
        name: "by-hand",
        about: "Somebody releases by hand, above everything, while an artifact is promoted.",
        given: &[Promoted, Built],
        cast: &[(Promote, 1), (ByHand, 1), (Build, 1)],
        large: REGISTERS,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::Held, Event::RefusedLate]),
            (SHARED, &[Event::Conflict]),
            (REGISTERS, &[Event::Overwrote, Event::TornListing]),
        ],
        breaks: &[
            (&Setting::ALL, &[Law::ReleasesOnlyGoUp]),
            (SHARED, &[Law::IntegrationNeverStepsBack]),
            (REGISTERS, &[Law::FactsNeverMove, Law::DoneMeansDone]),
        ],
        ..PLAIN
    },
    Scenario {
        name: "chosen-version",
        about: "An artifact is promoted as a version chosen by hand while another is promoted.",
        given: &[Built, Built],
        cast: &[(PromoteAs, 1), (Promote, 1)],
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::Lifted, Event::Superseded]),
            (REGISTERS, &[Event::TornListing]),
            (&[Registers(MarksFirst)], &[Event::Held]),
        ],
        breaks: &[(SHARED, &[Law::ReleasesOnlyGoUp, Law::LiveNeverStepsBack]), (REGISTERS, &[Law::DoneMeansDone])],
        ..PLAIN
    },
    Scenario {
        name: "reopened",
        about: "A rejection is withdrawn while artifacts are promoted.",
        given: &[Built, Rejected],
        cast: &[(Reopen, 1), (Promote, 2)],
        settings: GUARDED,
        reaches: &[
            (GUARDED, &[Event::Released, Event::Lifted, Event::Held, Event::RefusedLate]),
            (&[Immutable], &[Event::Superseded]),
        ],
        breaks: &[(&[Immutable], &[Law::LiveNeverStepsBack])],
        ..PLAIN
    },
    Scenario {
        name: "nominated",
        about: "An old artifact is nominated again while artifacts are promoted.",
        given: &[Built, Built],
        cast: &[(Nominate, 1), (Promote, 2)],
        settings: GUARDED,
        reaches: &[(GUARDED, &[Event::Released, Event::Lifted, Event::Superseded]), (&[Immutable], &[Event::Conflict])],
        breaks: &[(&[Immutable], &[Law::ReleasesOnlyGoUp, Law::IntegrationNeverStepsBack, Law::LiveNeverStepsBack])],
        ..PLAIN
    },
    Scenario {
        name: "retention",
        about: "Old artifacts are deleted while another is promoted, and one of the two may crash.",
        given: &[Promoted, Rejected, Promoted, Built],
        cast: &[(Retain, 1), (Promote, 1)],
        crashes: 1,
        reaches: &[
            (&Setting::ALL, &[Event::Released, Event::CrashedMidway, Event::Deleted]),
            (GUARDED, &[Event::Superseded]),
            (REGISTERS, &[Event::TornListing]),
        ],
        ..PLAIN
    },
    Scenario {
        name: "retention-and-rejection",
        about: "Old artifacts are deleted while what is live is rejected, and one of the two may crash.",
        given: &[Promoted, Promoted],
        cast: &[(Retain, 1), (Reject, 1)],
        crashes: 1,
        reaches: &[
            (
                &Setting::ALL,
                &[
                    Event::Released,
                    Event::Lifted,
                    Event::CrashedMidway,
                    Event::RefusedLate,
                    Event::RejectedLive,
                    Event::Deleted,
                ],
            ),
            (REGISTERS, &[Event::Conflict, Event::TornListing]),
        ],
        breaks: &[(SHARED, &[Law::WhatIsNewlySelectedIsAdmitted, Law::RetentionChangesNoRule])],
        ..PLAIN
    },
    Scenario {
        name: "day",
        about: "A long day: builds, promotions, a rejection, its withdrawal, retention and a crash.",
        cast: &[(Build, 3), (Promote, 2), (Reject, 1), (Reopen, 1), (Retain, 1)],
        crashes: 1,
        settings: &[Lock],
        reaches: &[(
            &[Lock],
            &[
                Event::Released,
                Event::Lifted,
                Event::CrashedMidway,
                Event::Held,
                Event::RefusedLate,
                Event::RejectedLive,
                Event::Deleted,
                Event::Superseded,
            ],
        )],
        ..PLAIN
    },
    Scenario {
        name: "incident",
        about: "One artifact is rejected, somebody rolls back, and the next is promoted, all at once.",
        given: &[Promoted, Promoted, Built],
        cast: &[(Promote, 1), (Reject, 1), (Rollback, 1)],
        settings: GUARDED,
        reaches: &[
            (GUARDED, &[Event::Released, Event::Lifted, Event::RefusedLate, Event::RejectedLive, Event::Superseded]),
            (&[Immutable], &[Event::Conflict]),
        ],
        breaks: &[(
            &[Immutable],
            &[Law::ReleasesOnlyGoUp, Law::NothingRejectedIsNewlySelected, Law::WhatIsNewlySelectedIsAdmitted],
        )],
        ..PLAIN
    },
    Scenario {
        name: "three-promotions",
        about: "Three artifacts are promoted beside each other, and one promoter may crash.",
        given: &[Built, Built, Built],
        cast: &[(Promote, 3)],
        crashes: 1,
        settings: GUARDED,
        reaches: &[
            (GUARDED, &[Event::Released, Event::Lifted, Event::CrashedMidway, Event::Superseded]),
            (&[Immutable], &[Event::Conflict]),
        ],
        breaks: &[(&[Immutable], &[Law::ReleasesOnlyGoUp])],
        ..PLAIN
    },
];
