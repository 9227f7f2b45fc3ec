//! What a layout keeps, and how it is laid out.

use std::fs;

use promotion_core::Digest;
use promotion_core::manifest::{Descriptor, Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::ports::{Bytes, Expect, PortErrorKind, Registry};
use promotion_registry::OciDir;

use crate::support::{Fixture, manifest, tag, temps};

#[tokio::test]
async fn creation_is_idempotent_and_complete() {
    let fixture = Fixture::new().await;
    fixture.layout.put_tag(&tag("1.0.0"), &manifest("a"), Expect::Absent).await.unwrap();
    let again = OciDir::create(fixture.path("")).await.unwrap();
    assert_eq!(again.list_tags().await.unwrap().tags, [tag("1.0.0")]);
    assert_eq!(fs::read_to_string(fixture.path("oci-layout")).unwrap(), r#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[tokio::test]
async fn many_creators_make_one_layout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let creators = (0..16).map(|n| {
        let path = path.clone();
        tokio::spawn(async move {
            let layout = OciDir::create(&path).await.unwrap();
            layout.put_tag(&tag(&format!("t{n}")), &manifest("same"), Expect::Absent).await.unwrap();
        })
    });
    for creator in creators.collect::<Vec<_>>() {
        creator.await.unwrap();
    }
    assert_eq!(OciDir::open(&path).await.unwrap().list_tags().await.unwrap().tags.len(), 16);
}

#[tokio::test]
async fn a_folder_with_other_things_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let error = OciDir::create(folder.path()).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Invalid, "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "not even a lock file appeared");
    assert_eq!(OciDir::open(folder.path()).await.unwrap_err().kind(), &PortErrorKind::Invalid);
}

#[tokio::test]
async fn creation_that_was_cut_short_is_repeated() {
    // What is on disk after each step of a creation.
    for step in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join(".promotion.lock"), "").unwrap();
        if step > 0 {
            fs::create_dir(root.join("blobs")).unwrap();
        }
        if step > 1 {
            fs::create_dir(root.join("blobs/sha256")).unwrap();
            fs::write(root.join(".promotion-1-0.tmp"), "{\"schemaV").unwrap();
        }
        if step > 2 {
            let empty = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
            fs::write(root.join("index.json"), format!("{empty}\n")).unwrap();
        }
        if step > 3 {
            fs::write(root.join(".promotion-1-1.tmp"), "{\"image").unwrap();
        }
        assert_eq!(OciDir::open(root).await.unwrap_err().kind(), &PortErrorKind::NotFound, "step {step}");
        let layout = OciDir::create(root).await.unwrap();
        layout.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
        assert!(temps(root).is_empty(), "step {step}: leftovers were swept");
    }
}

#[tokio::test]
async fn listing_keeps_the_order_of_the_index() {
    let fixture = Fixture::new().await;
    for name in ["c", "a", "b"] {
        fixture.layout.put_tag(&tag(name), &manifest(name), Expect::Absent).await.unwrap();
    }
    fixture.layout.put_tag(&tag("a"), &manifest("moved"), Expect::Any).await.unwrap();
    assert_eq!(fixture.layout.list_tags().await.unwrap().tags, [tag("c"), tag("a"), tag("b")]);
}

#[tokio::test]
async fn a_manifest_never_loses_its_last_entry() {
    let fixture = Fixture::new().await;
    let (a, b) = (manifest("a"), manifest("b"));
    fixture.layout.put_manifest(&a).await.unwrap();
    assert_eq!(fixture.entries().len(), 1, "{}", fixture.index());
    fixture.layout.put_tag(&tag("t"), &a, Expect::Absent).await.unwrap();
    assert_eq!(fixture.entries().len(), 1, "the tag took over: {}", fixture.index());
    fixture.layout.put_tag(&tag("t"), &b, Expect::Any).await.unwrap();
    let entries = fixture.entries();
    assert_eq!(entries.len(), 2, "{}", fixture.index());
    assert_eq!(entries[1]["digest"], a.digest().to_string());
    assert!(entries[1]["annotations"].is_null());
    fixture.layout.delete_tag(&tag("t"), b.digest()).await.unwrap();
    assert_eq!(fixture.entries().len(), 2, "{}", fixture.index());
    assert_eq!(fixture.reopen().await.unwrap().manifest(b.digest()).await.unwrap(), b);
}

/// Entries of containerd, of builders with platforms, of other algorithms, with numbers that no float holds.
const FOREIGN: &str = r#"{"schemaVersion":2,"x-future":{"z":1,"a":12345678901234567890123},"manifests":[
{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","size":12,"annotations":{"io.containerd.image.name":"docker.io/acme/x:1","org.opencontainers.image.ref.name":"docker.io/acme/x:1"}},
{"platform":{"os":"linux","architecture":"arm64"},"size":3,"x":1.0e400,"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","mediaType":"application/vnd.oci.image.manifest.v1+json"},
{"mediaType":"application/xml","digest":"sha512:33","size":4}
],"annotations":{"k":"v"}}"#;

#[tokio::test]
async fn what_is_not_ours_keeps_its_exact_text() {
    let fixture = Fixture::new().await;
    fs::write(fixture.path("index.json"), FOREIGN).unwrap();
    let layout = fixture.reopen().await.unwrap();
    let listing = layout.list_tags().await.unwrap();
    assert_eq!((listing.tags.len(), listing.not_tags), (0, vec!["docker.io/acme/x:1".to_owned()]));
    layout.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    layout.put_tag(&tag("t"), &manifest("b"), Expect::Any).await.unwrap();
    layout.delete_tag(&tag("t"), manifest("b").digest()).await.unwrap();
    let after = fixture.index();
    for line in FOREIGN.lines().filter(|line| line.starts_with("{\"m") || line.starts_with("{\"p")) {
        assert!(after.contains(line.trim_end_matches(',')), "{line} is gone from {after}");
    }
    assert!(after.starts_with(r#"{"schemaVersion":2,"x-future":{"z":1,"a":12345678901234567890123},"manifests":["#));
    assert!(after.trim_end().ends_with(r#"],"annotations":{"k":"v"}}"#), "{after}");
}

#[tokio::test]
async fn annotations_of_others_stay_when_a_tag_goes() {
    let fixture = Fixture::new().await;
    let a = manifest("a");
    fixture.layout.put_manifest(&a).await.unwrap();
    let entry = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}","size":{},"mediaType":"{OCI_MANIFEST}","annotations":{{"z":"1","org.opencontainers.image.ref.name":"t","a":"2"}},"x":[1]}}]}}"#,
        a.digest(),
        a.bytes().len()
    );
    fs::write(fixture.path("index.json"), entry).unwrap();
    fixture.layout.delete_tag(&tag("t"), a.digest()).await.unwrap();
    let after = fixture.index();
    assert!(after.contains(r#""annotations":{"z":"1","a":"2"},"x":[1]"#), "{after}");
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let fixture = Fixture::new().await;
    fixture.layout.put_tag(&tag("taken"), &manifest("a"), Expect::Absent).await.unwrap();
    let before = fixture.index();
    let batch = [(tag("x"), manifest("b"), Expect::Absent), (tag("taken"), manifest("b"), Expect::Absent)];
    let error = fixture.layout.put_tags(&batch).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(manifest("a").digest()) });
    assert_eq!(fixture.index(), before);
    fixture.layout.put_tags(&batch[..1]).await.unwrap();
    let twice = [(tag("y"), manifest("a"), Expect::Any), (tag("y"), manifest("b"), Expect::Any)];
    assert_eq!(fixture.layout.put_tags(&twice).await.unwrap_err().kind(), &PortErrorKind::Invalid);
    assert_eq!(fixture.layout.list_tags().await.unwrap().tags, [tag("taken"), tag("x")]);
}

#[tokio::test]
async fn ten_thousand_tags_in_one_write() {
    let fixture = Fixture::new().await;
    let batch: Vec<_> = (0..10_000).map(|n| (tag(&format!("1.0.{n}")), manifest("same"), Expect::Absent)).collect();
    fixture.layout.put_tags(&batch).await.unwrap();
    let layout = fixture.reopen().await.unwrap();
    let tags = layout.list_tags().await.unwrap().tags;
    assert_eq!(tags.len(), 10_000);
    // Quadratic work would not end in any patience: each of these reads the index.
    for tag in &tags {
        assert!(layout.resolve(tag).await.unwrap().is_some());
    }
    let moves: Vec<_> = tags.iter().map(|tag| (tag.clone(), manifest("other"), Expect::Any)).collect();
    layout.put_tags(&moves).await.unwrap();
    assert_eq!(fixture.entries().len(), 10_001, "the old manifest stays reachable once");
}

#[tokio::test]
async fn an_unfinished_manifest_is_refused() {
    let fixture = Fixture::new().await;
    let absent = Digest::of(b"absent");
    let dangling = format!(r#"{{"schemaVersion":2,"layers":[{{"mediaType":"x/y","digest":"{absent}","size":6}}]}}"#);
    let dangling = Manifest::new(OCI_MANIFEST, dangling.into_bytes());
    for result in
        [fixture.layout.put_manifest(&dangling).await, fixture.layout.put_tag(&tag("t"), &dangling, Expect::Any).await]
    {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Invalid);
        assert!(error.message().contains(&absent.to_string()), "{error}");
    }
    assert!(fixture.entries().is_empty());
    let garbage = Manifest::new(OCI_MANIFEST, b"not json".to_vec());
    assert_eq!(fixture.layout.put_manifest(&garbage).await.unwrap_err().kind(), &PortErrorKind::Invalid);
}

#[tokio::test]
async fn a_child_of_an_index_is_a_manifest_and_a_blob_is_not() {
    let fixture = Fixture::new().await;
    let config = b"{}".to_vec();
    let blob = Descriptor { size: 2, digest: Digest::of(&config), ..manifest("x").descriptor() };
    fixture.layout.put_blob(&blob, &mut Bytes::new(config)).await.unwrap();
    let error = fixture.layout.manifest(blob.digest).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::NotFound, "{error}");
    // As builders write children: a blob that only the index names, without a media type of its own.
    let child = format!(r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#, serde_json::to_string(&blob).unwrap());
    let child = Manifest::new(OCI_MANIFEST, child.into_bytes());
    fixture.layout.put_blob(&child.descriptor(), &mut Bytes::new(child.bytes().to_vec())).await.unwrap();
    let index =
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, serde_json::to_string(&child.descriptor()).unwrap());
    let index = Manifest::new(OCI_INDEX, index.into_bytes());
    fixture.layout.put_tag(&tag("multi"), &index, Expect::Absent).await.unwrap();
    assert_eq!(fixture.layout.manifest(child.digest()).await.unwrap(), child);
    assert_eq!(fixture.layout.manifest(index.digest()).await.unwrap(), index);
}

#[tokio::test]
async fn a_rewrite_of_the_same_length_is_seen() {
    let fixture = Fixture::new().await;
    let (a, b) = (manifest("a"), manifest("b"));
    fixture.layout.put_tag(&tag("t"), &a, Expect::Absent).await.unwrap();
    fixture.layout.put_manifest(&b).await.unwrap();
    for n in 0..20 {
        // In place, as other tools write, with no time in between.
        let (from, to) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let text = fixture.index();
        let text = text.replace(&from.digest().hex(), "SWAP").replace(&to.digest().hex(), &from.digest().hex());
        fs::write(fixture.path("index.json"), text.replace("SWAP", &to.digest().hex())).unwrap();
        assert_eq!(fixture.layout.resolve(&tag("t")).await.unwrap(), Some(to.digest()), "rewrite {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_writers_leave_threads_to_the_holder() {
    let fixture = Fixture::new().await;
    let other = fixture.reopen().await.unwrap();
    let guard = fixture.layout.lock().await.unwrap();
    // More than the runtime has threads for blocking work.
    let waiting: Vec<_> = (0..600)
        .map(|n| {
            let other = other.clone();
            tokio::spawn(async move { other.put_tag(&tag(&format!("w{n}")), &manifest("w"), Expect::Absent).await })
        })
        .collect();
    for n in 0..20 {
        tokio::task::yield_now().await;
        fixture.layout.put_tag(&tag(&format!("h{n}")), &manifest("h"), Expect::Absent).await.unwrap();
    }
    assert_eq!(fixture.layout.list_tags().await.unwrap().tags.len(), 20, "the others wait");
    drop(guard);
    for write in waiting {
        write.await.unwrap().unwrap();
    }
    assert_eq!(fixture.layout.list_tags().await.unwrap().tags.len(), 620);
}

#[tokio::test]
async fn reading_needs_no_permission_to_write() {
    use std::os::unix::fs::PermissionsExt;

    let fixture = Fixture::new().await;
    fixture.layout.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    fs::remove_file(fixture.path(".promotion.lock")).unwrap();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o555)).unwrap();
    let layout = fixture.reopen().await.unwrap();
    assert_eq!(layout.manifest(manifest("a").digest()).await.unwrap(), manifest("a"));
    assert_eq!(layout.list_tags().await.unwrap().tags, [tag("t")]);
    layout.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
    assert!(!fixture.path(".promotion.lock").exists(), "no lock file was made for reading, nor for what is done");
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
}
