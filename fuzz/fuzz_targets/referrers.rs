//! An index that lists referrers, whoever wrote it: one more referrer is added once, and loses nothing that was there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_core::manifest::{Descriptor, Manifest, OCI_MANIFEST};
use promotion_registry::testing::bytes::{referrers, with_referrer};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let referrer: Descriptor = Manifest::new(OCI_MANIFEST, b"{}".to_vec()).descriptor();
    let Ok(listed) = referrers(bytes) else {
        assert!(with_referrer(bytes, &referrer).is_err(), "what cannot be read is not written over");
        return;
    };
    let Some(merged) = with_referrer(bytes, &referrer).expect("an index can take another") else {
        assert!(listed.iter().any(|known| known.digest == referrer.digest));
        return;
    };
    let all = referrers(&merged).expect("what is written can be read");
    assert_eq!(all.split_last(), Some((&referrer, &listed[..])));
    assert_eq!(with_referrer(&merged, &referrer), Ok(None), "once is enough");
    let plain = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
    let (before, after) = (plain(bytes), plain(&merged));
    for (key, value) in before.as_object().expect("an index is an object") {
        assert!(key == "manifests" || *value == after[key], "{key} is {}", after[key]);
    }
    let entries = |index: &Value| index["manifests"].as_array().cloned().unwrap_or_default();
    assert!(entries(&after).starts_with(&entries(&before)), "entries keep their exact content and order");
});
