//! The pipeline keeps every law: whoever builds, promotes, rejects, rolls back, crashes and overtakes whom.

use promotion_core::proofs::prove;
use promotion_core::reason::Severity;
use promotion_core::testing::laws::{LAWS, Search};
use promotion_core::testing::world::Mode;
use verify_your_own::pipeline::policy;

/// Constraints and filters select what they should: proved, so it is quick, and it comes first.
#[test]
fn the_configuration_proves() {
    let findings = prove(&policy().unwrap());
    let wrong: Vec<_> = findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
    assert_eq!(wrong, Vec::<&_>::new());
}

/// What fails here prints the shortest history that breaks the law, and a line to keep it by.
#[test]
fn every_law_holds() {
    let policy = policy().unwrap();
    for law in LAWS {
        law.check(&policy, &Search { cases: 50, seed: 1 }).unwrap_or_else(|found| panic!("{found}"));
    }
}

/// The law that this pipeline exists for holds even in a registry that promises nothing; searched further than the rest.
#[test]
fn production_implies_evidence() {
    let policy = policy().unwrap();
    let law = LAWS.iter().find(|law| law.id == "live_implies_evidence_for_that_digest").unwrap();
    assert!(law.holds_in(Mode::Registers));
    law.check(&policy, &Search { cases: 300, seed: 2 }).unwrap_or_else(|found| panic!("{found}"));
}
