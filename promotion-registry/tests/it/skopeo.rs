//! An independent client reads what is written here, and the other way round.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use promotion_core::Tag;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{Expect, Registry};
use promotion_core::testing::conformance::seeded_manifest;
use promotion_registry::OciDir;
use promotion_registry::flux::{Created, PackOptions, pack, push};

use crate::support::{Fixture, manifest, tag};

fn skopeo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("skopeo").args(["--insecure-policy", "--override-os", "linux"]).args(arguments).output();
    let output = output.expect("skopeo is installed");
    assert!(output.status.success(), "skopeo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn oci(path: &Path, tag: &str) -> String {
    format!("oci:{}:{tag}", path.display())
}

/// A Flux artifact under a tag.
async fn artifact(fixture: &Fixture, name: &str, content: &str) -> Manifest {
    let tree = tempfile::tempdir().unwrap();
    std::fs::write(tree.path().join("app.yaml"), content).unwrap();
    let revision = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9".parse().unwrap();
    let packed = pack(PackOptions::new(tree.path(), revision, Created::EPOCH)).await.unwrap();
    push(&fixture.layout, &packed, None).await.unwrap();
    fixture.layout.put_tag(&tag(name), &packed.manifest, Expect::Absent).await.unwrap();
    packed.manifest
}

async fn tags(layout: &OciDir) -> BTreeSet<Tag> {
    layout.list_tags().await.unwrap().tags.into_iter().collect()
}

#[tokio::test]
#[ignore = "needs skopeo; scripts/components installs it"]
async fn skopeo_reads_what_is_written_here() {
    let fixture = Fixture::new().await;
    let packed = artifact(&fixture, "1.0.0-rc.1", "kind: A\n").await;
    let raw = skopeo(&["inspect", "--raw", &oci(&fixture.path(""), "1.0.0-rc.1")]);
    assert_eq!(raw, packed.bytes());
    let copy = fixture.folder.path().join("copy");
    skopeo(&["copy", &oci(&fixture.path(""), "1.0.0-rc.1"), &format!("dir:{}", copy.display())]);
    assert_eq!(std::fs::read(copy.join("manifest.json")).unwrap(), packed.bytes());
    for blob in packed.links().unwrap().blobs {
        assert_eq!(std::fs::metadata(copy.join(blob.digest.hex())).unwrap().len(), blob.size);
    }
}

#[tokio::test]
#[ignore = "needs skopeo; scripts/components installs it"]
async fn what_skopeo_writes_is_read_here() {
    let fixture = Fixture::new().await;
    let packed = artifact(&fixture, "1.0.0", "kind: A\n").await;
    let theirs = fixture.folder.path().join("theirs");
    skopeo(&["copy", &oci(&fixture.path(""), "1.0.0"), &oci(&theirs, "1.0.0")]);
    skopeo(&["copy", &oci(&fixture.path(""), "1.0.0"), &oci(&theirs, "stable")]);
    let layout = OciDir::open(&theirs).await.unwrap();
    assert_eq!(tags(&layout).await, [tag("1.0.0"), tag("stable")].into());
    assert_eq!(layout.resolve(&tag("1.0.0")).await.unwrap(), Some(packed.digest()));
    assert_eq!(layout.manifest(packed.digest()).await.unwrap(), packed);
    for blob in packed.links().unwrap().blobs {
        read_whole(&layout, &blob).await;
    }
    layout.put_tag(&tag("1.0.1"), &packed, Expect::Absent).await.unwrap();
    assert_eq!(skopeo(&["inspect", "--raw", &oci(&theirs, "1.0.1")]), packed.bytes());
}

async fn read_whole(layout: &OciDir, blob: &Descriptor) {
    let mut reader = layout.blob(blob).await.unwrap();
    let mut size = 0;
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        size += chunk.len() as u64;
    }
    assert_eq!(size, blob.size);
}

/// skopeo writes the index anew, in place, from what it understands.
#[tokio::test]
#[ignore = "needs skopeo; scripts/components installs it"]
async fn a_layout_that_skopeo_rewrote_is_still_ours() {
    let fixture = Fixture::new().await;
    let first = artifact(&fixture, "1.0.0", "kind: A\n").await;
    let second = artifact(&fixture, "1.1.0", "kind: B\n").await;
    let untagged = seeded_manifest(&fixture.layout, "untagged").await;
    fixture.layout.put_manifest(&untagged).await.unwrap();
    let other = Fixture::new().await;
    let third = artifact(&other, "any", "kind: C\n").await;
    // A new tag, then a tag that moves.
    skopeo(&["copy", &oci(&other.path(""), "any"), &oci(&fixture.path(""), "2.0.0")]);
    skopeo(&["copy", &oci(&other.path(""), "any"), &oci(&fixture.path(""), "1.1.0")]);
    for layout in [&fixture.layout, &fixture.reopen().await.unwrap()] {
        assert_eq!(tags(layout).await, [tag("1.0.0"), tag("1.1.0"), tag("2.0.0")].into());
        assert_eq!(layout.resolve(&tag("1.0.0")).await.unwrap(), Some(first.digest()));
        assert_eq!(layout.resolve(&tag("1.1.0")).await.unwrap(), Some(third.digest()));
        assert_eq!(layout.manifest(untagged.digest()).await.unwrap(), untagged);
        // Without an entry, yet still a manifest among the blobs.
        assert_eq!(layout.manifest(second.digest()).await.unwrap(), second);
    }
    fixture.layout.put_tag(&tag("3.0.0"), &manifest("new"), Expect::Absent).await.unwrap();
    fixture.layout.delete_tag(&tag("2.0.0"), third.digest()).await.unwrap();
    assert_eq!(skopeo(&["inspect", "--raw", &oci(&fixture.path(""), "1.1.0")]), third.bytes());
}
