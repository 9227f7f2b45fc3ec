//! Real processes: two that write at once, and one that is killed in the middle.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_core::ports::{Bytes, Expect, PortErrorKind, Registry};
use promotion_registry::OciDir;

use crate::support::{Fixture, manifest, tag, temps};

const ROLE: &str = "PROMOTION_TEST_ROLE";
const LAYOUT: &str = "PROMOTION_TEST_LAYOUT";
const NAME: &str = "PROMOTION_TEST_NAME";
const KILLS: u64 = 60;

/// This binary again, as a writer of its own.
fn spawn(fixture: &Fixture, role: &str, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(LAYOUT, fixture.path(""))
        .env(NAME, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the other processes of this module do; nothing when the tests run as usual.
#[tokio::test(flavor = "multi_thread")]
async fn writer() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let layout = OciDir::open(std::env::var(LAYOUT).unwrap()).await.unwrap();
    let name = std::env::var(NAME).unwrap();
    match role.as_str() {
        "count" => count(&layout, &name).await,
        "forever" => write_forever(&layout, &name).await,
        "create" => create_forever().await,
        role => panic!("no role {role:?}"),
    }
}

/// Tags of its own, and a counter that all processes share and only compare-and-swap keeps right.
async fn count(layout: &OciDir, name: &str) {
    for n in 0..40 {
        layout.put_tag(&tag(&format!("{name}-{n}")), &manifest(name), Expect::Absent).await.unwrap();
        loop {
            let found = layout.resolve(&tag("counter")).await.unwrap();
            let value = match found {
                None => 0,
                Some(digest) => value_of(layout, digest).await,
            };
            let expect = found.map_or(Expect::Absent, Expect::Equals);
            // Named after its writer: two that write the same manifest both succeed, as the port says.
            let mine = manifest(&format!("{} {name}", value + 1));
            match layout.put_tag(&tag("counter"), &mine, expect).await {
                Ok(()) => break,
                Err(error) => assert!(matches!(error.kind(), PortErrorKind::Conflict { .. }), "{error}"),
            }
        }
    }
}

async fn value_of(layout: &OciDir, digest: Digest) -> u64 {
    let bytes = layout.manifest(digest).await.unwrap().bytes().to_vec();
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    document["annotations"]["seed"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap()
}

/// Every kind of write, each told on the standard output once it was acknowledged.
async fn write_forever(layout: &OciDir, name: &str) {
    for n in 0_u64.. {
        let bytes = format!("{name}-{n}").repeat(30_000).into_bytes();
        let blob = Descriptor { digest: Digest::of(&bytes), size: bytes.len() as u64, ..manifest("any").descriptor() };
        layout.put_blob(&blob, &mut Bytes::new(bytes)).await.unwrap();
        acknowledge(&format!("blob {}", blob.digest));
        let guard = if n % 3 == 0 { Some(layout.lock().await.unwrap()) } else { None };
        let mine = manifest(&format!("{name}-{n}"));
        layout.put_tag(&tag(&format!("{name}-{n}")), &mine, Expect::Absent).await.unwrap();
        acknowledge(&format!("tag {name}-{n} {}", mine.digest()));
        let pair = [format!("{name}-{n}-x"), format!("{name}-{n}-y")];
        layout.put_tags(&pair.clone().map(|one| (tag(&one), mine.clone(), Expect::Absent))).await.unwrap();
        for one in pair {
            acknowledge(&format!("tag {one} {}", mine.digest()));
        }
        layout.put_tag(&tag("moving"), &mine, Expect::Any).await.unwrap();
        drop(guard);
    }
}

async fn create_forever() {
    let root = std::env::var(LAYOUT).unwrap();
    let name = std::env::var(NAME).unwrap();
    for n in 0_u64.. {
        let path = format!("{}.made/{name}-{n}", root.trim_end_matches('/'));
        OciDir::create(&path).await.unwrap();
        acknowledge(&path);
    }
}

fn acknowledge(what: &str) {
    let mut out = std::io::stdout().lock();
    // The test harness may have left its own line open.
    out.write_all(format!("\nack {what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_lose_no_tag() {
    let fixture = Fixture::new().await;
    let names = ["one", "two", "three"];
    let mut children: Vec<Child> = names.iter().map(|name| spawn(&fixture, "count", name)).collect();
    for child in &mut children {
        // Read to the end first, or a child that says much would wait for ever.
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
    }
    let tags = fixture.layout.list_tags().await.unwrap().tags;
    assert_eq!(tags.len(), 3 * 40 + 1);
    for name in names {
        for n in 0..40 {
            let found = fixture.layout.resolve(&tag(&format!("{name}-{n}"))).await.unwrap();
            assert_eq!(found, Some(manifest(name).digest()));
        }
    }
    let counter = fixture.layout.resolve(&tag("counter")).await.unwrap().unwrap();
    assert_eq!(value_of(&fixture.layout, counter).await, 3 * 40, "an update was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_writer_leaves_a_layout_that_opens() {
    let fixture = Fixture::new().await;
    let mut acknowledged = Vec::new();
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    for round in 0..KILLS {
        let mut child = spawn(&fixture, "forever", &format!("r{round}"));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        // Not before it writes.
        while !first.starts_with("ack") {
            first.clear();
            assert_ne!(out.read_line(&mut first).unwrap(), 0, "the writer ended by itself");
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((random >> 33) % 25_000));
        child.kill().unwrap();
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        child.wait().unwrap();
        let said = first + &String::from_utf8(rest).unwrap();
        // A last line without its end may be half of one.
        let whole = said.rsplit_once('\n').unwrap().0;
        acknowledged.extend(whole.lines().filter_map(|line| line.strip_prefix("ack ")).map(str::to_owned));

        let layout = OciDir::open(fixture.path("")).await.unwrap();
        let listed = layout.list_tags().await.unwrap().tags;
        assert!(layout.resolve_all(&listed).await.unwrap().iter().all(Option::is_some), "round {round}");
        for line in &acknowledged {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["blob", digest] => assert!(layout.has_blob(digest.parse().unwrap()).await.unwrap(), "{line} is lost"),
                ["tag", name, digest] => {
                    let found = layout.resolve(&tag(name)).await.unwrap();
                    assert_eq!(found, Some(digest.parse().unwrap()), "{line} is lost");
                }
                _ => panic!("{line:?}"),
            }
        }
    }
    // The lock of the dead is free, their temporary files go with the next write, and every blob is whole.
    let layout = OciDir::open(fixture.path("")).await.unwrap();
    layout.put_tag(&tag("after"), &manifest("after"), Expect::Absent).await.unwrap();
    assert_eq!(temps(&fixture.path("")), [""; 0]);
    assert_eq!(temps(&fixture.path("blobs/sha256")), [""; 0]);
    for entry in std::fs::read_dir(fixture.path("blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(Digest::of(&std::fs::read(&path).unwrap()).hex(), name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_creator_leaves_what_can_be_created_again() {
    let fixture = Fixture::new().await;
    for round in 0..20_u64 {
        let mut child = spawn(&fixture, "create", &round.to_string());
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        while !first.starts_with("ack") {
            first.clear();
            assert_ne!(out.read_line(&mut first).unwrap(), 0, "the creator ended by itself");
        }
        std::thread::sleep(Duration::from_micros(round * 137));
        child.kill().unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        child.wait().unwrap();
        let said = first + &rest;
        for path in said.rsplit_once('\n').unwrap().0.lines().filter_map(|line| line.strip_prefix("ack ")) {
            OciDir::open(path).await.unwrap();
        }
    }
    for entry in std::fs::read_dir(fixture.folder.path().join("layout.made")).unwrap() {
        let path = entry.unwrap().path();
        match OciDir::open(&path).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), &PortErrorKind::NotFound, "half made: {error}"),
        }
        let layout = OciDir::create(&path).await.unwrap();
        layout.put_tag(&tag("t"), &manifest("a"), Expect::Absent).await.unwrap();
        assert_eq!(temps(&path), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_spares_what_is_being_written() {
    use promotion_core::ports::{BlobSource, PortError};

    /// Lets somebody else write in the middle of a blob.
    struct Interrupted(Vec<Vec<u8>>, std::path::PathBuf);

    #[async_trait::async_trait]
    impl BlobSource for Interrupted {
        async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PortError> {
            let other = OciDir::open(&self.1).await?;
            let name = tag(&format!("t{}", self.0.len()));
            other.put_tag(&name, &manifest("other"), Expect::Absent).await?;
            Ok(self.0.pop())
        }
    }

    let fixture = Fixture::new().await;
    let blobs = fixture.path("blobs/sha256");
    std::fs::write(blobs.join(".promotion-1-7.tmp"), "left behind by the dead").unwrap();
    let blob = Descriptor { digest: Digest::of(b"12"), size: 2, ..manifest("any").descriptor() };
    let mut source = Interrupted(vec![b"2".to_vec(), b"1".to_vec()], fixture.path(""));
    fixture.layout.put_blob(&blob, &mut source).await.unwrap();
    assert!(fixture.layout.has_blob(blob.digest).await.unwrap());
    assert_eq!(temps(&blobs), [""; 0]);
}

#[tokio::test]
async fn a_writer_that_gives_up_leaves_nothing() {
    let fixture = Fixture::new().await;
    let blob = Descriptor { digest: Digest::of(b"other"), size: 5, ..manifest("any").descriptor() };
    fixture.layout.put_blob(&blob, &mut Bytes::new(b"bytes".to_vec())).await.unwrap_err();
    assert_eq!(temps(&fixture.path("blobs/sha256")), [""; 0]);
}
