//! Whatever is configured: what the proofs let through keeps the laws.

use promotion_core::policy::Policy;
use promotion_core::testing::laws::{LAWS, Search};
use promotion_core::testing::strategies::{policies, proved_policies};
use proptest::prelude::*;

use crate::scene::cases;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(40), ..ProptestConfig::default() })]

    #[test]
    fn a_policy_whose_proofs_hold_keeps_every_law(policy in proved_policies(), seed: u64) {
        for law in LAWS {
            if let Err(found) = law.check(&policy, &Search { cases: 2, seed }) {
                let spec = serde_json::to_string(policy.spec()).unwrap();
                return Err(TestCaseError::fail(format!("{found}\nunder {spec}")));
            }
        }
    }

    #[test]
    fn a_policy_is_what_its_spec_says(policy in policies()) {
        let json = serde_json::to_vec(policy.spec()).unwrap();
        let again = Policy::new(serde_json::from_slice(&json).unwrap()).unwrap();
        prop_assert_eq!(again.hash(), policy.hash());
        prop_assert_eq!(again, policy);
    }
}
