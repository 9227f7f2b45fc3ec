//! A manifest is its bytes: whatever they are, they are kept; and what is read of them is what a plain reading of the JSON says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_core::manifest::{CREATED, Manifest, OCI_MANIFEST, REVISION, SOURCE, TITLE};
use promotion_core::record::Record;
use promotion_core::{Digest, Revision};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let manifest = Manifest::new(OCI_MANIFEST, bytes.to_vec());
    assert_eq!((manifest.bytes(), manifest.digest()), (bytes, Digest::of(bytes)));
    let (Ok(facts), Ok(links), Ok(annotations), Ok(referrer)) =
        (manifest.read(), manifest.links(), manifest.annotations(), manifest.as_referrer())
    else {
        assert!(manifest.read().is_err() && manifest.links().is_err(), "half a manifest");
        assert!(manifest.annotations().is_err() && manifest.as_referrer().is_err(), "half a manifest");
        assert_eq!(Record::of_manifest(&manifest), None);
        return;
    };
    // What is passed over may be no text, or a number of any size.
    if let Ok(plain) = serde_json::from_slice::<Value>(bytes) {
        let Value::Object(plain) = plain else { panic!("a manifest is an object") };
        let count = |key: &str| plain.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        let config = usize::from(plain.get("config").is_some_and(Value::is_object));
        assert_eq!((links.blobs.len(), links.manifests.len()), (config + count("layers"), count("manifests")));
        let said = plain.get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
        assert_eq!(serde_json::to_value(&annotations).expect("text"), Value::Object(said));
    }

    let named = [(SOURCE, &facts.source), (TITLE, &facts.title), (CREATED, &facts.created)];
    named.into_iter().for_each(|(key, fact)| assert_eq!(fact.as_ref(), annotations.get(key)));
    let revision = annotations.get(REVISION).and_then(|text| text.parse::<Revision>().ok());
    assert_eq!(facts.revision, revision);

    let subject = links.subject.map(|subject| subject.digest);
    assert_eq!(referrer.as_ref().map(|(of, _)| *of), subject);
    if let Some((_, referrer)) = referrer {
        assert_eq!((referrer.digest, referrer.size), (manifest.digest(), bytes.len() as u64));
        assert_eq!(referrer.annotations, annotations);
    }
    if let Some(record) = Record::of_manifest(&manifest) {
        let again = record.manifest(&manifest.descriptor());
        assert_eq!(Record::of_manifest(&again), Some(record), "a record is kept as it was read");
        let subject = again.links().expect("ours").subject.map(|subject| subject.digest);
        assert_eq!(subject, Some(manifest.digest()));
    }
});
