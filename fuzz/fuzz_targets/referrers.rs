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
    let merged = match with_referrer(bytes, &referrer) {
        Ok(Some(merged)) => merged,
        Ok(None) => return assert!(listed.iter().any(|known| known.digest == referrer.digest)),
        // What is not text cannot be written again as it was, so it is not written over.
        Err(_) => return assert!(core::str::from_utf8(bytes).is_err() || escapes_half_a_letter(bytes)),
    };
    let all = referrers(&merged).expect("what is written can be read");
    assert_eq!(all.split_last(), Some((&referrer, &listed[..])));
    assert_eq!(with_referrer(&merged, &referrer), Ok(None), "once is enough");
    let plain = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes);
    // What is passed over may be no text, or a number of any size.
    let (Ok(before), Ok(after)) = (plain(bytes), plain(&merged)) else { return };
    for (key, value) in before.as_object().expect("an index is an object") {
        assert!(key == "manifests" || *value == after[key], "{key} is {}", after[key]);
    }
    let entries = |index: &Value| index["manifests"].as_array().cloned().unwrap_or_default();
    assert!(entries(&after).starts_with(&entries(&before)), "entries keep their exact content and order");
});

/// Half of a surrogate pair may be escaped where nobody reads it.
fn escapes_half_a_letter(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|part| part.eq_ignore_ascii_case(b"\\ud"))
}
