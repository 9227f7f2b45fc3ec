//! Every scenario.

use super::Given::{Built, Promoted, Rejected};
use super::Role::{Build, ByHand, Nominate, Promote, PromoteAs, Reject, Reopen, Repair, Retain, Rollback};
use super::Scenario;
use crate::setting::Setting;

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
    large: false,
};

/// Every scenario.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "builders",
        about: "Two builds overlap, and one may crash.",
        cast: &[(Build, 2)],
        crashes: 1,
        begin_at_once: false,
        ..PLAIN
    },
    Scenario {
        name: "three-builders",
        about: "Three builds overlap.",
        cast: &[(Build, 3)],
        ..PLAIN
    },
    Scenario {
        name: "one-commit",
        about: "Two builds of one commit overlap, and one artifact is promoted.",
        cast: &[(Build, 2), (Promote, 1)],
        one_commit: true,
        begin_at_once: false,
        ..PLAIN
    },
    Scenario {
        name: "promotions",
        about: "Two builds, and both are promoted, in any order and beside each other.",
        cast: &[(Build, 2), (Promote, 2)],
        ..PLAIN
    },
    Scenario {
        name: "two-promoters",
        about: "Two artifacts are promoted beside each other, and one promoter may crash.",
        given: &[Built, Built],
        cast: &[(Promote, 2)],
        crashes: 1,
        ..PLAIN
    },
    Scenario {
        name: "build-and-promote",
        about: "An artifact is promoted while the next is built, and one of the two may crash.",
        given: &[Built],
        cast: &[(Build, 1), (Promote, 1)],
        crashes: 1,
        ..PLAIN
    },
    Scenario {
        name: "rejections",
        about: "An artifact is rejected while another is promoted.",
        given: &[Promoted, Built],
        cast: &[(Promote, 1), (Reject, 1)],
        crashes: 1,
        ..PLAIN
    },
    Scenario {
        name: "rollback",
        about: "Somebody rolls back while something newer is promoted.",
        given: &[Promoted, Promoted, Built],
        cast: &[(Promote, 1), (Rollback, 1)],
        crashes: 1,
        ..PLAIN
    },
    Scenario {
        name: "repairs",
        about: "Two repairs meet a rejection.",
        given: &[Promoted, Promoted],
        cast: &[(Reject, 1), (Repair, 2)],
        crashes: 1,
        ..PLAIN
    },
    Scenario {
        name: "by-hand",
        about: "Somebody releases by hand, above everything, while an artifact is promoted.",
        given: &[Promoted, Built],
        cast: &[(Promote, 1), (ByHand, 1), (Build, 1)],
        ..PLAIN
    },
    Scenario {
        name: "chosen-version",
        about: "An artifact is promoted as a version chosen by hand while another is promoted.",
        given: &[Built, Built],
        cast: &[(PromoteAs, 1), (Promote, 1)],
        ..PLAIN
    },
    Scenario {
        name: "reopened",
        about: "A rejection is withdrawn while artifacts are promoted.",
        given: &[Promoted, Rejected],
        cast: &[(Reopen, 1), (Promote, 1), (Reject, 1)],
        ..PLAIN
    },
    Scenario {
        name: "nominated",
        about: "An old artifact is nominated again while artifacts are promoted.",
        given: &[Built, Promoted],
        cast: &[(Nominate, 1), (Promote, 2)],
        ..PLAIN
    },
    Scenario {
        name: "retention",
        about: "Old artifacts are deleted while another is promoted, and one of the two may crash.",
        given: &[Promoted, Rejected, Promoted, Built],
        cast: &[(Retain, 1), (Promote, 1), (Reject, 1)],
        crashes: 1,
        ..PLAIN
    },
];
