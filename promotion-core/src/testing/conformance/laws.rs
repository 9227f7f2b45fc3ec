//! Laws of tags and manifests.

use alloc::format;
use alloc::vec::Vec;

use super::{manifest_with, ok, refused, seeded_manifest, tag, tags, untagged};
use crate::manifest::Manifest;
use crate::ports::{Expect, PortErrorKind, Registry, Tagged};
use crate::{Digest, Tag};

pub(super) async fn an_empty_repository_lists_nothing(registry: &dyn Registry) {
    untagged("an empty repository lists nothing", registry).await;
}

pub(super) async fn what_is_absent_is_none(registry: &dyn Registry) {
    const LAW: &str = "what is absent is None or NotFound, and no other error";
    let nothing = Digest::of(b"nothing");
    assert_eq!(ok(LAW, registry.resolve(&tag("nothing")).await), None, "{LAW}: resolve");
    assert!(!ok(LAW, registry.has_blob(nothing).await), "{LAW}: has_blob");
    assert_eq!(refused(LAW, registry.manifest(nothing).await), PortErrorKind::NotFound, "{LAW}: manifest");
    assert!(ok(LAW, registry.referrers(nothing).await).is_empty(), "{LAW}: referrers");
}

pub(super) async fn what_is_put_is_read_back_exactly(registry: &dyn Registry) {
    const LAW: &str = "a manifest is read back with its exact bytes and media type";
    let manifest = seeded_manifest(registry, "exact").await;
    put(LAW, registry, "1.0.0-rc.1", &manifest, Expect::Absent).await;
    assert_eq!(ok(LAW, registry.resolve(&tag("1.0.0-rc.1")).await), Some(manifest.digest()), "{LAW}: resolve");
    assert_eq!(ok(LAW, registry.manifest(manifest.digest()).await), manifest, "{LAW}");
}

pub(super) async fn a_manifest_without_a_tag_is_not_listed(registry: &dyn Registry) {
    const LAW: &str = "a manifest put by digest is there, and has no tag";
    let manifest = seeded_manifest(registry, "untagged").await;
    ok(LAW, registry.put_manifest(&manifest).await);
    ok(LAW, registry.put_manifest(&manifest).await);
    assert_eq!(ok(LAW, registry.manifest(manifest.digest()).await), manifest, "{LAW}");
    untagged(LAW, registry).await;
    put(LAW, registry, "later", &manifest, Expect::Absent).await;
    assert_eq!(tags(LAW, registry).await, [tag("later")], "{LAW}: tagged later");
}

pub(super) async fn a_listing_is_complete_and_stable(registry: &dyn Registry) {
    const LAW: &str = "a listing has every tag once, in an order that reading does not change";
    let manifests = [seeded_manifest(registry, "even").await, seeded_manifest(registry, "odd").await];
    // More than the page of any small server.
    let names: Vec<Tag> = (0..250).map(|n| tag(&format!("1.{}.0-rc.{n}", n % 7))).collect();
    for (n, name) in names.iter().enumerate() {
        ok(LAW, registry.put_tag(name, &manifests[n % 2], Expect::Absent).await);
    }
    let first = tags(LAW, registry).await;
    assert_eq!(first, tags(LAW, registry).await, "{LAW}: the order changed");
    let (mut listed, mut written) = (first, names);
    listed.sort();
    written.sort();
    assert_eq!(listed, written, "{LAW}");
}

pub(super) async fn resolve_all_answers_in_order(registry: &dyn Registry) {
    const LAW: &str = "resolve_all answers every tag in the order of the question";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    put(LAW, registry, "a", &a, Expect::Absent).await;
    put(LAW, registry, "b", &b, Expect::Absent).await;
    let question = [tag("b"), tag("none"), tag("a"), tag("b")];
    let answer = ok(LAW, registry.resolve_all(&question).await);
    assert_eq!(answer, [Some(b.digest()), None, Some(a.digest()), Some(b.digest())], "{LAW}");
    let tagged = ok(LAW, registry.tagged_all(&question).await);
    let whole = |manifest: &Manifest| Tagged { digest: manifest.digest(), manifest: Some(manifest.clone()) };
    assert_eq!(tagged, [Some(whole(&b)), None, Some(whole(&a)), Some(whole(&b))], "{LAW}: with their manifests");
}

pub(super) async fn a_tag_can_be_written_first_and_read_back_later(registry: &dyn Registry) {
    const LAW: &str = "write_tag and read_back are put_tag in two parts";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    for expect in [Expect::Absent, Expect::Equals(a.digest())] {
        if let Some(unread) = ok(LAW, registry.write_tag(&tag("t"), &a, expect).await) {
            assert_eq!(unread.was, None, "{LAW}");
            let _first_look = ok(LAW, registry.read_back(&tag("t"), a.digest(), unread).await);
        }
        assert_eq!(ok(LAW, registry.resolve(&tag("t")).await), Some(a.digest()), "{LAW}");
    }
    let kind = refused(LAW, registry.write_tag(&tag("t"), &b, Expect::Absent).await);
    assert_eq!(kind, PortErrorKind::Conflict { found: Some(a.digest()) }, "{LAW}");
    // Somebody else moves it in between.
    if let Some(unread) = ok(LAW, registry.write_tag(&tag("t"), &b, Expect::Equals(a.digest())).await) {
        assert_eq!(unread.was, Some(a.digest()), "{LAW}");
        let other = seeded_manifest(registry, "other").await;
        ok(LAW, registry.put_tag(&tag("t"), &other, Expect::Any).await);
        let kind = refused(LAW, registry.read_back(&tag("t"), b.digest(), unread).await);
        assert_eq!(kind, PortErrorKind::Conflict { found: Some(other.digest()) }, "{LAW}");
    }
}

pub(super) async fn several_are_put_like_one_after_the_other(registry: &dyn Registry) {
    const LAW: &str = "several manifests or tags are put as if one after the other, up to the first that cannot be";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    ok(LAW, registry.put_manifests(&[a.clone(), b.clone(), a.clone()]).await);
    assert_eq!(ok(LAW, registry.manifest(b.digest()).await), b, "{LAW}");
    let writes = [("one", &a), ("two", &b), ("one", &a)];
    let writes = writes.map(|(name, manifest)| (tag(name), manifest.clone(), Expect::Absent));
    ok(LAW, registry.put_tags(&writes).await);
    assert_eq!(ok(LAW, registry.resolve(&tag("one")).await), Some(a.digest()), "{LAW}");
    assert_eq!(ok(LAW, registry.resolve(&tag("two")).await), Some(b.digest()), "{LAW}");
    let refused_at = [(tag("two"), a.clone(), Expect::Absent), (tag("three"), a, Expect::Absent)];
    let kind = refused(LAW, registry.put_tags(&refused_at).await);
    assert_eq!(kind, PortErrorKind::Conflict { found: Some(b.digest()) }, "{LAW}");
    assert_eq!(ok(LAW, registry.resolve(&tag("three")).await), None, "{LAW}: after the first that cannot be");
}

pub(super) async fn expect_absent_refuses_another_digest(registry: &dyn Registry) {
    const LAW: &str = "Expect::Absent refuses a tag that is another digest, and changes nothing";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    put(LAW, registry, "t", &a, Expect::Absent).await;
    let kind = refused(LAW, registry.put_tag(&tag("t"), &b, Expect::Absent).await);
    assert_eq!(kind, PortErrorKind::Conflict { found: Some(a.digest()) }, "{LAW}");
    assert_eq!(ok(LAW, registry.resolve(&tag("t")).await), Some(a.digest()), "{LAW}");
}

pub(super) async fn expect_equals_refuses_anything_else(registry: &dyn Registry) {
    const LAW: &str = "Expect::Equals refuses a tag that is absent or another digest, and changes nothing";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    let kind = refused(LAW, registry.put_tag(&tag("t"), &b, Expect::Equals(a.digest())).await);
    assert_eq!(kind, PortErrorKind::Conflict { found: None }, "{LAW}: absent");
    assert_eq!(ok(LAW, registry.resolve(&tag("t")).await), None, "{LAW}: absent");
    put(LAW, registry, "t", &a, Expect::Absent).await;
    let other = Digest::of(b"other");
    let kind = refused(LAW, registry.put_tag(&tag("t"), &b, Expect::Equals(other)).await);
    assert_eq!(kind, PortErrorKind::Conflict { found: Some(a.digest()) }, "{LAW}: another digest");
    assert_eq!(ok(LAW, registry.resolve(&tag("t")).await), Some(a.digest()), "{LAW}: another digest");
    put(LAW, registry, "t", &b, Expect::Equals(a.digest())).await;
    assert_eq!(ok(LAW, registry.resolve(&tag("t")).await), Some(b.digest()), "{LAW}: the right digest");
}

pub(super) async fn expect_any_moves_the_tag(registry: &dyn Registry) {
    const LAW: &str = "Expect::Any writes whatever the tag is";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    put(LAW, registry, "latest", &a, Expect::Any).await;
    put(LAW, registry, "latest", &b, Expect::Any).await;
    assert_eq!(ok(LAW, registry.resolve(&tag("latest")).await), Some(b.digest()), "{LAW}");
    assert_eq!(tags(LAW, registry).await, [tag("latest")], "{LAW}: a tag is listed once");
}

pub(super) async fn the_same_digest_is_success_under_every_expectation(registry: &dyn Registry) {
    const LAW: &str = "a tag that already is the manifest is success under every expectation";
    let manifest = seeded_manifest(registry, "same").await;
    put(LAW, registry, "t", &manifest, Expect::Absent).await;
    for expect in [Expect::Absent, Expect::Equals(Digest::of(b"other")), Expect::Any] {
        put(LAW, registry, "t", &manifest, expect).await;
    }
    assert_eq!(tags(LAW, registry).await, [tag("t")], "{LAW}");
}

pub(super) async fn a_tag_that_moves_leaves_its_manifest(registry: &dyn Registry) {
    const LAW: &str = "moving a tag keeps every other tag, and the old manifest where one of them holds it";
    let (a, b) = (seeded_manifest(registry, "a").await, seeded_manifest(registry, "b").await);
    put(LAW, registry, "moves", &a, Expect::Absent).await;
    // Without it some registries (Gitea, old zot) collect the manifest at once.
    put(LAW, registry, "holds", &a, Expect::Absent).await;
    put(LAW, registry, "stays", &b, Expect::Absent).await;
    put(LAW, registry, "moves", &b, Expect::Equals(a.digest())).await;
    assert_eq!(ok(LAW, registry.manifest(a.digest()).await), a, "{LAW}");
    assert_eq!(ok(LAW, registry.resolve(&tag("holds")).await), Some(a.digest()), "{LAW}");
    assert_eq!(ok(LAW, registry.resolve(&tag("stays")).await), Some(b.digest()), "{LAW}");
}

pub(super) async fn deleting_a_tag_deletes_only_that_tag(registry: &dyn Registry) {
    const LAW: &str = "deleting a tag deletes that tag and nothing else";
    let manifest = seeded_manifest(registry, "shared").await;
    put(LAW, registry, "one", &manifest, Expect::Absent).await;
    put(LAW, registry, "two", &manifest, Expect::Absent).await;
    if !delete(LAW, registry, "one", manifest.digest()).await {
        return;
    }
    assert_eq!(ok(LAW, registry.resolve(&tag("one")).await), None, "{LAW}");
    assert_eq!(tags(LAW, registry).await, [tag("two")], "{LAW}: the other tag of the digest");
    assert_eq!(ok(LAW, registry.manifest(manifest.digest()).await), manifest, "{LAW}: the manifest");
    // Some registries collect a manifest with its last tag. That may be said, and nothing else may have happened.
    if let Err(error) = registry.delete_tag(&tag("two"), manifest.digest()).await {
        assert_eq!(*error.kind(), PortErrorKind::Corrupt, "{LAW}: {error}");
        assert_eq!(refused(LAW, registry.manifest(manifest.digest()).await), PortErrorKind::NotFound, "{LAW}: {error}");
    }
    assert_eq!(ok(LAW, registry.resolve(&tag("two")).await), None, "{LAW}: the last tag");
}

pub(super) async fn deleting_expects_a_digest(registry: &dyn Registry) {
    const LAW: &str = "deleting a tag that is another digest is a conflict, and changes nothing";
    let manifest = seeded_manifest(registry, "kept").await;
    put(LAW, registry, "t", &manifest, Expect::Absent).await;
    let kind = refused(LAW, registry.delete_tag(&tag("t"), Digest::of(b"other")).await);
    if kind == PortErrorKind::Unsupported {
        return;
    }
    assert_eq!(kind, PortErrorKind::Conflict { found: Some(manifest.digest()) }, "{LAW}");
    assert_eq!(ok(LAW, registry.resolve(&tag("t")).await), Some(manifest.digest()), "{LAW}");
}

pub(super) async fn deleting_what_is_absent_is_success(registry: &dyn Registry) {
    const LAW: &str = "deleting an absent tag is success";
    delete(LAW, registry, "absent", Digest::of(b"whatever")).await;
    untagged(LAW, registry).await;
}

pub(super) async fn referrers_are_found_by_subject(registry: &dyn Registry) {
    const LAW: &str =
        "referrers are the manifests whose subject is the digest, tagged or not, each once, with type and annotations";
    let subject = seeded_manifest(registry, "subject").await;
    let other = seeded_manifest(registry, "other").await;
    put(LAW, registry, "subject", &subject, Expect::Absent).await;
    put(LAW, registry, "other", &other, Expect::Absent).await;
    let untagged = manifest_with(registry, "untagged", Some(&subject)).await;
    let tagged = manifest_with(registry, "tagged", Some(&subject)).await;
    let stranger = manifest_with(registry, "stranger", Some(&other)).await;
    if let Some(unsettled) = ok(LAW, registry.put_referrer(&untagged, &[]).await) {
        let listed = ok(LAW, registry.referrers(subject.digest()).await);
        assert!(listed.iter().any(|referrer| referrer.digest == untagged.digest()), "{LAW}: before it is settled");
        ok(LAW, registry.settle(&untagged, unsettled).await);
    }
    ok(LAW, registry.put_manifest(&stranger).await);
    put(LAW, registry, "signature", &tagged, Expect::Absent).await;
    put(LAW, registry, "signature-again", &tagged, Expect::Absent).await;
    let found = match registry.referrers(subject.digest()).await {
        // No referrers API there, which the error says.
        Err(error) if *error.kind() == PortErrorKind::Unsupported => return,
        found => ok(LAW, found),
    };
    let mut found = found;
    let describe = |manifest: &Manifest| manifest.as_referrer().ok().flatten().map(|(_, referrer)| referrer);
    let mut expected: Vec<_> = [&untagged, &tagged].into_iter().filter_map(describe).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{LAW}");
}

async fn put(law: &str, registry: &dyn Registry, name: &str, manifest: &Manifest, expect: Expect) {
    ok(law, registry.put_tag(&tag(name), manifest, expect).await);
}

/// Whether the registry can delete tags at all.
async fn delete(law: &str, registry: &dyn Registry, name: &str, expected: Digest) -> bool {
    match registry.delete_tag(&tag(name), expected).await {
        Err(error) if *error.kind() == PortErrorKind::Unsupported => false,
        result => {
            ok(law, result);
            true
        }
    }
}
