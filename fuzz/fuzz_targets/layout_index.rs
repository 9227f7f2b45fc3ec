//! `index.json` of an image layout, whoever wrote it: writing it again loses nothing, and a tag that is written or taken
//! away moves no other tag and makes no manifest unreachable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::{Digest, Tag};
use promotion_registry::testing::bytes::Index;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(index) = Index::parse(bytes) else { return };
    let again = reread(&index);
    assert_eq!((again.to_bytes(), again.tags()), (index.to_bytes(), index.tags()), "written twice");
    // Numbers may be of any size to us, and not to whoever reads them as numbers.
    let (Ok(read), Ok(written)) = (plain(bytes), plain(&index.to_bytes())) else { return };
    for (key, value) in read.as_object().expect("an index is an object") {
        assert!(*value == written[key] || (key == "manifests" && value.is_null()), "{key} is {}", written[key]);
    }

    let known = digests(&read);
    let descriptor = Manifest::new(OCI_MANIFEST, b"{}".to_vec()).descriptor();
    let new: Tag = "1.4.0-rc.1".parse().expect("a tag");
    for tag in index.tags().iter().take(2).chain([&new]) {
        let pointed = reread(&index.point(tag, &descriptor).expect("a tag can be written"));
        assert_eq!(pointed.digest(tag), Some(descriptor.digest));
        kept(&index, &pointed, tag, &known);
        let twice = reread(&pointed.point(tag, &descriptor).expect("a tag can be written again"));
        assert_eq!((twice.digest(tag), twice.tags()), (pointed.digest(tag), pointed.tags()));
        let gone = reread(&pointed.untag(tag).expect("a tag can be taken away"));
        assert!(!gone.tags().contains(tag) && gone.has(descriptor.digest));
        kept(&index, &gone, tag, &known);
    }
});

fn reread(index: &Index) -> Index {
    Index::parse(&index.to_bytes()).expect("what is written can be read")
}

fn plain(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes)
}

/// What an index points at.
fn digests(index: &Value) -> Vec<Digest> {
    let entries = index["manifests"].as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["digest"].as_str()?.parse().ok()).collect()
}

fn kept(before: &Index, after: &Index, moved: &Tag, known: &[Digest]) {
    for tag in before.tags().iter().filter(|tag| *tag != moved) {
        assert!(after.tags().contains(tag), "{tag} is gone");
        assert_eq!(after.digest(tag), before.digest(tag), "{tag}");
    }
    known.iter().for_each(|digest| assert!(after.has(*digest), "{digest} cannot be reached"));
}
