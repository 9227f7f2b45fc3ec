//! Laws of a copy: whole or without a tag, digests kept, again is nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::ports::{
    BlobSource, Bytes, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry,
};
use promotion_core::{Digest, Repository, Tag};
use promotion_registry::OciDir;
use promotion_registry::copy::{Counts, Moved, Options, Progress, Quiet, Report, Selection, copy};

use crate::support::tag;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn memory() -> SharedRegistry {
    SharedRegistry::new(MemoryRegistry::default())
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor { media_type: media_type.to_owned(), ..Manifest::new("", bytes.to_vec()).descriptor() }
}

async fn blob(at: &dyn Registry, bytes: &[u8]) -> Descriptor {
    let blob = descriptor(LAYER, bytes);
    at.put_blob(&blob, &mut Bytes::new(bytes.to_vec())).await.unwrap();
    blob
}

fn document(media_type: &str, members: &serde_json::Value) -> Manifest {
    let mut document = serde_json::json!({"schemaVersion": 2, "mediaType": media_type});
    document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Manifest::new(media_type, document.to_string().into_bytes())
}

async fn put(at: &dyn Registry, manifest: Manifest) -> Manifest {
    at.put_manifest(&manifest).await.unwrap();
    manifest
}

async fn image(at: &dyn Registry, seed: &str) -> Manifest {
    let config = blob(at, format!("{{\"config\":{seed:?}}}").as_bytes()).await;
    let layer = blob(at, format!("layer of {seed}").as_bytes()).await;
    put(at, document(OCI_MANIFEST, &serde_json::json!({"config": config, "layers": [layer]}))).await
}

async fn index(at: &dyn Registry, children: &[&Manifest]) -> Manifest {
    let children: Vec<Descriptor> = children.iter().map(|child| child.descriptor()).collect();
    put(at, document(OCI_INDEX, &serde_json::json!({"manifests": children}))).await
}

async fn referrer(at: &dyn Registry, subject: &Manifest, seed: &str) -> Manifest {
    let config = blob(at, b"{}").await;
    let layer = blob(at, seed.as_bytes()).await;
    let members = serde_json::json!({"config": config, "layers": [layer], "subject": subject.descriptor()});
    put(at, document(OCI_MANIFEST, &members)).await
}

/// `1.0.0`: an index of an image and of an index; signed as cosign does, and by referrers of its child and of its
/// referrer; beside it `1.1.0`, which nothing else belongs to.
struct Scene {
    top: Manifest,
    all: Vec<Manifest>,
    signature: Tag,
}

async fn scene(at: &dyn Registry) -> Scene {
    let (amd, arm, other) = (image(at, "amd64").await, image(at, "arm64").await, image(at, "other").await);
    let nested = index(at, &[&arm]).await;
    let top = index(at, &[&amd, &nested]).await;
    let sbom = referrer(at, &arm, "sbom").await;
    let signed = referrer(at, &sbom, "signature of the sbom").await;
    let cosign = image(at, "cosign").await;
    let signature = tag(&format!("sha256-{}.sig", top.digest().hex()));
    for (name, manifest) in [(tag("1.0.0"), &top), (tag("1.1.0"), &other), (signature.clone(), &cosign)] {
        at.put_tag(&name, manifest, Expect::Absent).await.unwrap();
    }
    Scene { all: vec![amd, arm, nested, top.clone(), sbom, signed, cosign], top, signature }
}

fn one(name: &str) -> Selection {
    Selection::Tag { from: tag(name), to: tag(name) }
}

async fn run(from: &dyn Registry, to: &dyn Registry, selection: &Selection) -> Result<Report, PortError> {
    copy(from, to, selection, &Options::default(), &Quiet).await
}

/// Asserts that whatever a manifest points at is there.
async fn assert_whole(at: &dyn Registry, digest: Digest) {
    let mut open = vec![digest];
    while let Some(digest) = open.pop() {
        let manifest = at.manifest(digest).await.unwrap();
        assert_eq!(Digest::of(manifest.bytes()), digest);
        let links = manifest.links().unwrap();
        for blob in links.blobs {
            assert!(at.has_blob(blob.digest).await.unwrap(), "{digest} lacks its blob {}", blob.digest);
        }
        open.extend(links.manifests.iter().map(|child| child.digest));
    }
}

async fn assert_tags_are_whole(at: &dyn Registry) -> usize {
    let tags = at.list_tags().await.unwrap().tags;
    for tag in &tags {
        assert_whole(at, at.resolve(tag).await.unwrap().unwrap()).await;
    }
    tags.len()
}

#[tokio::test]
async fn all_that_belongs_to_a_tag_arrives_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let layouts = [
        OciDir::create(folder.path().join("one")).await.unwrap(),
        OciDir::create(folder.path().join("two")).await.unwrap(),
    ];
    let (first, last) = (memory(), memory());
    let scene = scene(&first).await;
    let chain: [&dyn Registry; 4] = [&first, &layouts[0], &layouts[1], &last];
    for pair in chain.windows(2) {
        let report = run(pair[0], pair[1], &one("1.0.0")).await.unwrap();
        assert_eq!(report.manifests, Counts { copied: scene.all.len(), ..Counts::default() });
        // Three images, two referrers, one empty config that those share.
        assert_eq!(report.blobs, Counts { copied: 9, ..Counts::default() });
    }
    for manifest in &scene.all {
        assert_eq!(last.manifest(manifest.digest()).await.unwrap(), *manifest);
        assert_whole(&last, manifest.digest()).await;
    }
    assert_eq!(last.resolve(&tag("1.0.0")).await.unwrap(), Some(scene.top.digest()));
    assert_eq!(last.list_tags().await.unwrap().tags, [tag("1.0.0"), scene.signature], "nothing else was asked for");
}

#[tokio::test]
async fn without_a_tag_all_tags_are_copied() {
    let (from, to) = (memory(), memory());
    scene(&from).await;
    run(&from, &to, &Selection::All).await.unwrap();
    assert_eq!(to.list_tags().await.unwrap(), from.list_tags().await.unwrap());
    assert_eq!(assert_tags_are_whole(&to).await, 3);
}

#[tokio::test]
async fn a_digest_needs_no_tag() {
    let (from, to) = (memory(), memory());
    let scene = scene(&from).await;
    let digest = scene.all[0].digest();
    run(&from, &to, &Selection::Digest { digest, to: None }).await.unwrap();
    assert_whole(&to, digest).await;
    assert_eq!(to.list_tags().await.unwrap().tags, []);
    run(&from, &to, &Selection::Digest { digest, to: Some(tag("amd64")) }).await.unwrap();
    assert_eq!(to.resolve(&tag("amd64")).await.unwrap(), Some(digest));
}

#[tokio::test]
async fn referrers_are_left_out_on_request() {
    let (from, to) = (memory(), memory());
    let scene = scene(&from).await;
    let options = Options { referrers: false, ..Options::default() };
    let report = copy(&from, &to, &one("1.0.0"), &options, &Quiet).await.unwrap();
    assert_eq!(report.manifests.copied, 4, "two indexes, two images");
    copy(&from, &to, &Selection::All, &options, &Quiet).await.unwrap();
    assert_eq!(to.list_tags().await.unwrap().tags, [tag("1.0.0"), tag("1.1.0")], "{} is one too", scene.signature);
}

/// A registry that counts operations and obeys orders.
struct Probe {
    inner: SharedRegistry,
    /// Operations until everything fails.
    fuse: Arc<AtomicUsize>,
    writes: AtomicUsize,
    /// Uploads that fail once.
    flaky: AtomicUsize,
    uploads: AtomicUsize,
    most_uploads: AtomicUsize,
    /// What is listed as a referrer besides those that are there.
    listed: Option<Descriptor>,
}

impl Probe {
    fn new(inner: &SharedRegistry, fuse: &Arc<AtomicUsize>) -> Self {
        Self {
            inner: inner.clone(),
            fuse: Arc::clone(fuse),
            writes: AtomicUsize::new(0),
            flaky: AtomicUsize::new(0),
            uploads: AtomicUsize::new(0),
            most_uploads: AtomicUsize::new(0),
            listed: None,
        }
    }

    fn sound(inner: &SharedRegistry) -> Self {
        Self::new(inner, &Arc::new(AtomicUsize::new(usize::MAX)))
    }

    fn step(&self) -> Result<(), PortError> {
        burn(&self.fuse)
    }

    fn write(&self) -> Result<(), PortError> {
        self.step()?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn broken() -> PortError {
    PortError::new(PortErrorKind::Unavailable, "anything", "the plug was pulled")
}

fn burn(fuse: &AtomicUsize) -> Result<(), PortError> {
    let left = fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    left.map(|_| ()).map_err(|_| broken())
}

/// Two chunks, and the plug may be pulled before, between and after them.
struct Halves {
    fuse: Arc<AtomicUsize>,
    halves: Vec<Vec<u8>>,
}

#[async_trait]
impl BlobSource for Halves {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        burn(&self.fuse)?;
        Ok(self.halves.pop())
    }
}

#[async_trait]
impl Registry for Probe {
    fn repository(&self) -> &Repository {
        self.inner.repository()
    }

    fn consistency(&self) -> Consistency {
        self.inner.consistency()
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        self.inner.lock().await
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        self.step()?;
        self.inner.list_tags().await
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.step()?;
        self.inner.resolve(tag).await
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.step()?;
        self.inner.manifest(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.write()?;
        for child in manifest.links().unwrap().manifests {
            assert!(self.inner.manifest(child.digest).await.is_ok(), "an index before its children");
        }
        self.inner.put_manifest(manifest).await
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        self.write()?;
        self.inner.put_tag(tag, manifest, expect).await
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        self.write()?;
        self.inner.delete_tag(tag, expected).await
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        self.step()?;
        let mut referrers = self.inner.referrers(subject).await?;
        referrers.extend(self.listed.clone());
        Ok(referrers)
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        self.step()?;
        self.inner.has_blob(digest).await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        self.step()?;
        let mut whole = self.inner.blob(blob).await?.next_chunk().await?.unwrap_or_default();
        let half = whole.split_off(whole.len() / 2);
        Ok(Box::new(Halves { fuse: Arc::clone(&self.fuse), halves: vec![half, whole] }))
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        self.step()?;
        if self.inner.has_blob(blob.digest).await? {
            return Ok(());
        }
        self.write()?;
        let now = self.uploads.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_uploads.fetch_max(now, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let put = match burn(&self.flaky) {
            Ok(()) => source.next_chunk().await.and(Err(broken())),
            Err(_) => self.inner.put_blob(blob, source).await,
        };
        self.uploads.fetch_sub(1, Ordering::Relaxed);
        put
    }
}

/// Every request of either side, and every chunk, is where the power fails once.
#[tokio::test]
async fn whoever_stops_anywhere_leaves_no_incomplete_tag_and_goes_on_later() {
    let from = memory();
    scene(&from).await;
    let mut steps = 0;
    loop {
        let (to, fuse) = (memory(), Arc::new(AtomicUsize::new(steps)));
        let stopped = run(&Probe::new(&from, &fuse), &Probe::new(&to, &fuse), &Selection::All).await;
        assert_tags_are_whole(&to).await;
        run(&from, &to, &Selection::All).await.unwrap();
        assert_eq!(to.list_tags().await.unwrap(), from.list_tags().await.unwrap(), "after {steps} steps");
        assert_eq!(assert_tags_are_whole(&to).await, 3);
        if stopped.is_ok() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 60, "{steps} steps are not all that there are");
}

#[tokio::test]
async fn again_is_nothing() {
    let (from, to) = (memory(), memory());
    scene(&from).await;
    let first = run(&from, &to, &Selection::All).await.unwrap();
    let probe = Probe::sound(&to);
    let again = run(&from, &probe, &Selection::All).await.unwrap();
    assert_eq!(probe.writes.load(Ordering::Relaxed), 0);
    assert_eq!(again.manifests, Counts { skipped: first.manifests.copied, ..Counts::default() });
    assert_eq!(again.blobs, Counts { skipped: first.blobs.copied, ..Counts::default() });
    assert_eq!(again.bytes, 0);
    assert!(again.tags.iter().all(|tag| tag.was == Some(tag.digest)), "{again:?}");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let (from, to) = (memory(), memory());
    scene(&from).await;
    let probe = Probe::sound(&to);
    let options = Options { dry_run: true, ..Options::default() };
    let planned = copy(&from, &probe, &Selection::All, &options, &Quiet).await.unwrap();
    assert_eq!(probe.writes.load(Ordering::Relaxed), 0);
    assert_eq!(run(&from, &to, &Selection::All).await.unwrap(), planned);
}

#[tokio::test]
async fn a_tag_that_is_something_else_stops_it_before_its_first_write() {
    let (from, to) = (memory(), memory());
    let scene = scene(&from).await;
    let other = image(&to, "in the way").await;
    to.put_tag(&tag("1.0.0"), &other, Expect::Absent).await.unwrap();
    let probe = Probe::sound(&to);
    let error = run(&from, &probe, &Selection::All).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Conflict { found: Some(other.digest()) });
    assert!(error.message().contains("1.0.0 is something else there"), "{error}");
    assert_eq!(probe.writes.load(Ordering::Relaxed), 0);

    let options = Options { overwrite: true, ..Options::default() };
    let report = copy(&from, &to, &one("1.0.0"), &options, &Quiet).await.unwrap();
    let moved = report.tags.iter().find(|copied| copied.tag == tag("1.0.0")).unwrap();
    assert_eq!((moved.was, moved.digest), (Some(other.digest()), scene.top.digest()));
    assert_eq!(to.resolve(&tag("1.0.0")).await.unwrap(), Some(scene.top.digest()));
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let (from, to) = (memory(), memory());
    let scene = scene(&from).await;
    let (index, child) = (scene.all[2].digest(), scene.all[1].digest());
    let cases = [
        (Selection::Tag { from: tag("2.0.0"), to: tag("2.0.0") }, "tag 2.0.0".to_owned()),
        (Selection::Digest { digest: Digest::of(b"no"), to: None }, Digest::of(b"no").to_string()),
    ];
    for (selection, name) in cases {
        let error = run(&from, &to, &selection).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::NotFound);
        assert!(error.to_string().contains(&name), "{error}");
    }
    from.with(|registry| registry.delete_manifest(child));
    let error = run(&from, &to, &one("1.0.0")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.contains(&child.to_string()) && text.contains(&index.to_string()), "{text}");
    assert_eq!(to.list_tags().await.unwrap().tags, []);
}

#[tokio::test]
async fn what_nobody_can_read_is_not_copied_in_part() {
    let (from, to) = (memory(), memory());
    let artifact = Manifest::new("application/vnd.oci.artifact.manifest.v1+json", br#"{"blobs":[]}"#.to_vec());
    let garbage = Manifest::new(OCI_MANIFEST, b"<html>".to_vec());
    for (manifest, kind) in [(artifact, PortErrorKind::Unsupported), (garbage, PortErrorKind::Corrupt)] {
        from.put_manifest(&manifest).await.unwrap();
        let selection = Selection::Digest { digest: manifest.digest(), to: Some(tag("x")) };
        let error = run(&from, &to, &selection).await.unwrap_err();
        assert_eq!(error.kind(), &kind, "{error}");
    }
    assert_eq!(to.list_tags().await.unwrap().tags, []);
}

#[tokio::test]
async fn layers_that_must_stay_where_they_are_are_told_and_not_copied() {
    let (from, to) = (memory(), memory());
    let config = blob(&from, b"{}").await;
    let foreign = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"licensed");
    let members = serde_json::json!({"config": config, "layers": [foreign]});
    let manifest = document(OCI_MANIFEST, &members);
    from.put_tag(&tag("windows"), &manifest, Expect::Absent).await.unwrap();
    let report = run(&from, &to, &one("windows")).await.unwrap();
    assert_eq!(report.foreign, [foreign.digest]);
    assert_eq!(report.blobs.copied, 1);
    assert_eq!(to.resolve(&tag("windows")).await.unwrap(), Some(manifest.digest()));
}

#[tokio::test]
async fn an_upload_that_breaks_is_sent_again() {
    let (from, to) = (memory(), memory());
    image(&from, "one").await;
    let manifest = image(&from, "two").await;
    let selection = Selection::Digest { digest: manifest.digest(), to: None };
    let probe = Probe { flaky: AtomicUsize::new(2), ..Probe::sound(&to) };
    run(&from, &probe, &selection).await.unwrap();
    assert_whole(&to, manifest.digest()).await;
    let to = memory();
    let probe = Probe { flaky: AtomicUsize::new(usize::MAX), ..Probe::sound(&to) };
    assert_eq!(run(&from, &probe, &selection).await.unwrap_err().kind(), &PortErrorKind::Unavailable);
}

#[tokio::test]
async fn no_more_blobs_at_once_than_allowed() {
    let (from, to) = (memory(), memory());
    let mut layers = Vec::new();
    for number in 0..20 {
        layers.push(blob(&from, format!("layer {number}").as_bytes()).await);
    }
    let manifest =
        put(&from, document(OCI_MANIFEST, &serde_json::json!({"config": layers[0], "layers": layers}))).await;
    let probe = Probe::sound(&to);
    run(&from, &probe, &Selection::Digest { digest: manifest.digest(), to: None }).await.unwrap();
    assert_eq!(probe.most_uploads.load(Ordering::Relaxed), Options::default().concurrency);
}

/// Facts first, then versions from the highest down: whoever follows the destination meets no old version on the way.
#[tokio::test]
async fn tags_are_written_in_an_order_that_no_follower_minds() {
    let (from, to) = (memory(), memory());
    let manifest = image(&from, "one").await;
    for name in ["1.9.0", "1.10.0", "1.10.0-rc.1", "validated-6f9c0e2", "latest", "rejected-6f9c0e2", "sha-6f9c0e2"] {
        from.put_tag(&tag(name), &manifest, Expect::Absent).await.unwrap();
    }
    let report = run(&from, &to, &Selection::All).await.unwrap();
    let order: Vec<&str> = report.tags.iter().map(|copied| copied.tag.as_str()).collect();
    assert_eq!(
        order,
        ["rejected-6f9c0e2", "latest", "sha-6f9c0e2", "validated-6f9c0e2", "1.10.0", "1.10.0-rc.1", "1.9.0"]
    );
}

/// Registries without a referrers API keep a list under a tag; each keeps its own.
#[tokio::test]
async fn a_list_of_referrers_is_copied_where_there_is_none() {
    let from = memory();
    let subject = image(&from, "subject").await;
    from.put_tag(&tag("1.0.0"), &subject, Expect::Absent).await.unwrap();
    let detached = image(&from, "listed, and names no subject").await;
    let list = index(&from, &[&detached]).await;
    let name = tag(&format!("sha256-{}", subject.digest().hex()));
    from.put_tag(&name, &list, Expect::Absent).await.unwrap();
    for selection in [one("1.0.0"), Selection::All] {
        let empty = memory();
        run(&from, &empty, &selection).await.unwrap();
        assert_eq!(empty.resolve(&name).await.unwrap(), Some(list.digest()));
        assert_whole(&empty, list.digest()).await;

        let own = memory();
        let other = index(&own, &[]).await;
        own.put_tag(&name, &other, Expect::Absent).await.unwrap();
        run(&from, &own, &selection).await.unwrap();
        assert_eq!(own.resolve(&name).await.unwrap(), Some(other.digest()), "it is not ours to replace");
        assert_whole(&own, detached.digest()).await;
    }
}

/// A registry may list what it lost: that is no reason to lose the rest.
#[tokio::test]
async fn a_referrer_that_is_gone_is_told_and_the_rest_is_copied() {
    let from = memory();
    let subject = image(&from, "subject").await;
    from.put_tag(&tag("1.0.0"), &subject, Expect::Absent).await.unwrap();
    let signature = referrer(&from, &subject, "signature").await;
    let gone = Manifest::new(OCI_MANIFEST, b"{\"gone\":true}".to_vec());
    let list = index(&from, &[&signature, &gone]).await;
    let name = tag(&format!("sha256-{}", subject.digest().hex()));
    from.put_tag(&name, &list, Expect::Absent).await.unwrap();
    for selection in [one("1.0.0"), Selection::All] {
        let to = memory();
        let report =
            run(&Probe { listed: Some(gone.descriptor()), ..Probe::sound(&from) }, &to, &selection).await.unwrap();
        assert_eq!(report.missing, [gone.digest()]);
        assert_eq!(to.resolve(&tag("1.0.0")).await.unwrap(), Some(subject.digest()));
        assert_whole(&to, signature.digest()).await;
        assert_eq!(assert_tags_are_whole(&to).await, 1, "the list is not whole");
        assert!(to.manifest(list.digest()).await.is_err(), "nobody needs it");
    }
    let error = run(&from, &memory(), &one(name.as_str())).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::NotFound, "it was asked for: {error}");
    // The same index under a tag of its own is an image that lacks a part, whatever else it is called.
    from.put_tag(&tag("2.0.0"), &list, Expect::Absent).await.unwrap();
    let error = run(&from, &memory(), &Selection::All).await.unwrap_err();
    assert!(error.to_string().contains(&format!("index {} lists it", list.digest())), "{error}");
}

#[derive(Default)]
struct Largest(AtomicUsize, AtomicUsize);

impl Progress for Largest {
    fn advanced(&self, _: &Descriptor, bytes: u64) {
        self.0.fetch_max(usize::try_from(bytes).unwrap(), Ordering::Relaxed);
    }

    fn done(&self, _: &Descriptor, how: Moved) {
        assert_eq!(how, Moved::Copied);
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// A chunk at a time is all that is held of a blob.
#[tokio::test]
async fn the_size_of_a_blob_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let from = OciDir::create(folder.path().join("one")).await.unwrap();
    let to = OciDir::create(folder.path().join("two")).await.unwrap();
    let layer = blob(&from, &vec![7; 5 << 20]).await;
    let members = serde_json::json!({"config": blob(&from, b"{}").await, "layers": [layer]});
    from.put_tag(&tag("big"), &document(OCI_MANIFEST, &members), Expect::Absent).await.unwrap();
    let seen = Largest::default();
    let report = copy(&from, &to, &Selection::All, &Options::default(), &seen).await.unwrap();
    assert_eq!(report.bytes, (5 << 20) + 2);
    assert_eq!(seen.1.load(Ordering::Relaxed), 2);
    assert!(seen.0.load(Ordering::Relaxed) <= 256 << 10);
}

/// Names of layouts that are no tags cannot be copied, and are told.
#[tokio::test]
async fn names_that_are_no_tags_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one");
    let from = OciDir::create(&path).await.unwrap();
    let manifest = image(&from, "one").await;
    from.put_tag(&tag("a"), &manifest, Expect::Absent).await.unwrap();
    let index = std::fs::read_to_string(path.join("index.json")).unwrap();
    std::fs::write(path.join("index.json"), index.replace("\"a\"", "\"example.com/x:1\"")).unwrap();
    let report = run(&OciDir::open(&path).await.unwrap(), &memory(), &Selection::All).await.unwrap();
    assert_eq!(report.not_tags, ["example.com/x:1"]);
}

#[tokio::test]
async fn a_copy_can_be_spawned() {
    let (from, to) = (memory(), memory());
    let digests: BTreeSet<Digest> = scene(&from).await.all.iter().map(Manifest::digest).collect();
    let copied = to.clone();
    tokio::spawn(async move { run(&from, &to, &Selection::All).await.map(|_| ()) }).await.unwrap().unwrap();
    for digest in digests {
        assert!(copied.manifest(digest).await.is_ok());
    }
}

/// A layout writes its index once for many tags and manifests: otherwise a copy of thousands would take minutes.
#[cfg(unix)]
#[tokio::test]
async fn a_layout_is_written_a_few_times_and_not_once_for_each_tag() {
    let from = memory();
    for build in 0..300 {
        let manifest = crate::support::manifest(&build.to_string());
        from.put_tag(&tag(&format!("0.{build}.0")), &manifest, Expect::Absent).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let to = OciDir::create(folder.path().join("layout")).await.unwrap();
    let index = folder.path().join("layout/index.json");
    let (writes, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let watcher = std::thread::spawn({
        let (writes, done) = (Arc::clone(&writes), Arc::clone(&done));
        move || {
            // Each write is a new file: what is seen is at most what was written.
            let mut last = 0;
            while done.load(Ordering::Relaxed) == 0 {
                let now =
                    std::fs::metadata(&index).map(|file| std::os::unix::fs::MetadataExt::ino(&file)).unwrap_or(last);
                writes.fetch_add(usize::from(now != last), Ordering::Relaxed);
                last = now;
            }
        }
    });
    run(&from, &to, &Selection::All).await.unwrap();
    done.store(1, Ordering::Relaxed);
    watcher.join().unwrap();
    assert_eq!(to.list_tags().await.unwrap().tags.len(), 300);
    let seen = writes.load(Ordering::Relaxed);
    assert!(seen <= 12, "index.json was seen {seen} times");
}
