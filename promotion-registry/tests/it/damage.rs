//! Damage is told with its file, and stays as it is.

use std::fs;

use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{Bytes, Expect, Registry};

use crate::support::{Fixture, assert_corrupt, manifest, tag};

#[tokio::test]
async fn a_damaged_index_is_told_and_kept() {
    let digest = |c: &str| c.repeat(64);
    let entry = |name: &str, c: &str| {
        format!(
            r#"{{"mediaType":"m","digest":"sha256:{}","size":1,"annotations":{{"org.opencontainers.image.ref.name":"{name}"}}}}"#,
            digest(c)
        )
    };
    let with = |entries: &[String]| format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    let cases = [
        (String::new(), "empty"),
        ("\0\0\0\0\0\0".to_owned(), "not a JSON object"),
        (r#"{"schemaVersion":2,"manifests":[{"mediaType":"#.to_owned(), "torn"),
        ("[]".to_owned(), "not a JSON object"),
        (r#"{"schemaVersion":2,"manifests":[]}trailing"#.to_owned(), "not a JSON object"),
        (r#"{"schemaVersion":1,"manifests":[]}"#.to_owned(), "schemaVersion is 1"),
        (r#"{"manifests":[]}"#.to_owned(), "schemaVersion is missing"),
        (r#"{"schemaVersion":2}"#.to_owned(), "\"manifests\" is missing"),
        (r#"{"schemaVersion":2,"manifests":{}}"#.to_owned(), "not a list"),
        (r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#.to_owned(), "more than once"),
        (
            r#"{"schemaVersion":2,"manifests":[{"mediaType":"m","size":1}]}"#.to_owned(),
            "manifests[0]: missing field `digest`",
        ),
        (r#"{"schemaVersion":2,"manifests":[{"digest":"sha256:12","size":1}]}"#.to_owned(), "manifests[0]: digest"),
        (r#"{"schemaVersion":2,"manifests":[{"digest":"none","size":1}]}"#.to_owned(), "manifests[0]: digest"),
        (
            with(&[entry("1.0.0", "a"), entry("x", "a"), entry("1.0.0", "b")]),
            "manifests[0] and manifests[2] both have the tag 1.0.0",
        ),
    ];
    for (text, what) in cases {
        let fixture = Fixture::new().await;
        let path = fixture.path("index.json");
        fs::write(&path, &text).unwrap();
        assert_corrupt(fixture.reopen().await, &path, what);
        assert_corrupt(fixture.layout.list_tags().await, &path, what);
        assert_corrupt(fixture.layout.resolve(&tag("1.0.0")).await, &path, what);
        assert_corrupt(fixture.layout.put_tag(&tag("1.0.0"), &manifest("a"), Expect::Any).await, &path, what);
        assert_corrupt(fixture.layout.put_manifest(&manifest("a")).await, &path, what);
        assert_corrupt(fixture.layout.delete_tag(&tag("1.0.0"), Digest::of(b"a")).await, &path, what);
        assert_corrupt(promotion_registry::OciDir::create(fixture.path("")).await, &path, what);
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "the damaged file was changed");
    }
}

#[tokio::test]
async fn every_truncation_of_an_index_is_told() {
    let fixture = Fixture::new().await;
    for name in ["a", "b"] {
        fixture.layout.put_tag(&tag(name), &manifest(name), Expect::Absent).await.unwrap();
    }
    let (path, whole) = (fixture.path("index.json"), fixture.index());
    // All but the final line feed, which is not needed.
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        assert_corrupt(fixture.layout.list_tags().await, &path, "torn");
    }
}

#[tokio::test]
async fn a_missing_index_is_told() {
    let fixture = Fixture::new().await;
    fs::remove_file(fixture.path("index.json")).unwrap();
    assert_corrupt(fixture.reopen().await, &fixture.path("index.json"), "missing");
    assert_corrupt(fixture.layout.list_tags().await, &fixture.path("index.json"), "missing");
}

#[tokio::test]
async fn a_damaged_marker_is_told() {
    let cases = [
        ("", "not the marker"),
        ("{}", "not the marker"),
        (r#"{"imageLayoutVersion":"2.0.0"}"#, "\"2.0.0\""),
        (r#"{"imageLayoutVersion":1}"#, "not the marker"),
    ];
    for (text, what) in cases {
        let fixture = Fixture::new().await;
        fs::write(fixture.path("oci-layout"), text).unwrap();
        assert_corrupt(fixture.reopen().await, &fixture.path("oci-layout"), what);
    }
    let fixture = Fixture::new().await;
    fixture.layout.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    fs::remove_file(fixture.path("oci-layout")).unwrap();
    assert_corrupt(fixture.reopen().await, &fixture.path("oci-layout"), "missing");
    assert_corrupt(promotion_registry::OciDir::create(fixture.path("")).await, &fixture.path("oci-layout"), "missing");
}

#[tokio::test]
async fn damaged_content_is_told() {
    let fixture = Fixture::new().await;
    let a = manifest("a");
    fixture.layout.put_tag(&tag("t"), &a, Expect::Absent).await.unwrap();
    let path = fixture.blob(&a);
    let same_length = vec![b' '; a.bytes().len()];
    fs::write(&path, &same_length).unwrap();
    assert_corrupt(fixture.layout.manifest(a.digest()).await, &path, "the bytes are");
    assert_corrupt(fixture.layout.put_manifest(&a).await, &path, "the bytes are");
    assert_corrupt(fixture.layout.referrers(a.digest()).await, &path, "the bytes are");
    let mut reader = fixture.layout.blob(&a.descriptor()).await.unwrap();
    assert_corrupt(reader.next_chunk().await, &path, "the bytes are");
    fs::write(&path, "short").unwrap();
    assert_corrupt(fixture.layout.resolve(&tag("t")).await, &path, "5 bytes");
    assert_corrupt(fixture.layout.blob(&a.descriptor()).await.map(|_| ()), &path, "5 bytes");
    assert_corrupt(
        fixture.layout.put_blob(&a.descriptor(), &mut Bytes::new(a.bytes().to_vec())).await,
        &path,
        "5 bytes",
    );
    fs::remove_file(&path).unwrap();
    assert_corrupt(fixture.layout.resolve(&tag("t")).await, &path, "missing");
    assert_corrupt(fixture.layout.resolve_all(&[tag("t")]).await, &path, "missing");
    assert_corrupt(fixture.layout.manifest(a.digest()).await, &path, "missing");
    fs::create_dir(&path).unwrap();
    assert_corrupt(fixture.layout.has_blob(a.digest()).await, &path, "not a file");
}

#[tokio::test]
async fn the_last_chunk_of_a_damaged_blob_never_comes() {
    let fixture = Fixture::new().await;
    let bytes = vec![1_u8; 700_000];
    let blob = Descriptor { size: 700_000, digest: Digest::of(&bytes), ..manifest("x").descriptor() };
    fixture.layout.put_blob(&blob, &mut Bytes::new(bytes.clone())).await.unwrap();
    let path = fixture.path("blobs/sha256").join(blob.digest.hex());
    let mut damaged = bytes;
    damaged[3] = 2;
    fs::write(&path, damaged).unwrap();
    let mut reader = fixture.layout.blob(&blob).await.unwrap();
    let mut got = 0;
    let end = loop {
        match reader.next_chunk().await {
            Ok(Some(chunk)) => got += chunk.len(),
            end => break end,
        }
    };
    assert_corrupt(end, &path, "the bytes are");
    assert!(got < 700_000);
}
