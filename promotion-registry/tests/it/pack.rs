//! Flux artifacts: their shape, what is in them, and that the same tree is the same digest.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promotion_core::Digest;
use promotion_core::ports::Registry;
use promotion_registry::flux::{Created, Ignore, PackError, PackOptions, Packed, pack, push};
use proptest::prelude::*;

use crate::support::Fixture;

const REVISION: &str = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9";

fn options(path: &Path) -> PackOptions {
    PackOptions::new(path, REVISION.parse().unwrap(), Created::from_unix(1_700_000_000).unwrap())
}

/// A tree of files with this content; names that end in `/` are empty folders.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    folder
}

/// An entry as a reader sees it: mode, kind and content.
type Entries = Vec<(String, u32, char, Vec<u8>)>;

fn unpack(packed: &Packed) -> Entries {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.layer.1.reader()));
    let read = |entry: Result<tar::Entry<'_, _>, std::io::Error>| {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
        assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
        let kind = if header.entry_type().is_dir() { 'd' } else { 'f' };
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (String::from_utf8(entry.path_bytes().to_vec()).unwrap(), header.mode().unwrap(), kind, content)
    };
    archive.entries().unwrap().map(read).collect()
}

fn names(packed: &Packed) -> Vec<String> {
    unpack(packed).into_iter().map(|(name, ..)| name).collect()
}

#[tokio::test]
async fn the_artifact_has_the_shape_of_flux() {
    let folder = tree(&[("b/app.yaml", "kind: A\n"), ("b-c.yaml", "kind: B\n"), ("a/", "")]);
    fs::set_permissions(folder.path().join("b-c.yaml"), fs::Permissions::from_mode(0o700)).unwrap();
    let mut options = options(folder.path());
    options.source = Some("https://example.com/acme/platform?a=1&b=2".into());
    options.annotations.insert("org.example.team".into(), "platform".into());
    let packed = pack(options).await.unwrap();
    assert_eq!(
        unpack(&packed),
        [
            (".".into(), 0o755, 'd', vec![]),
            ("a".into(), 0o755, 'd', vec![]),
            ("b".into(), 0o755, 'd', vec![]),
            ("b/app.yaml".into(), 0o644, 'f', b"kind: A\n".to_vec()),
            ("b-c.yaml".into(), 0o755, 'f', b"kind: B\n".to_vec()),
        ]
    );
    let (layer, content) = &packed.layer;
    let mut bytes = Vec::new();
    content.reader().read_to_end(&mut bytes).unwrap();
    assert_eq!((layer.digest, layer.size), (Digest::of(&bytes), bytes.len() as u64));
    assert_eq!(&bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], "no time, no system");
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut archive).unwrap();
    let (config, text) = &packed.config;
    assert_eq!(
        std::str::from_utf8(text).unwrap(),
        format!(
            r#"{{"architecture":"","created":"2023-11-14T22:13:20Z","history":[{{"created":"0001-01-01T00:00:00Z"}}],"os":"","rootfs":{{"type":"layers","diff_ids":["{}"]}},"config":{{}}}}"#,
            Digest::of(&archive)
        )
    );
    assert_eq!(
        std::str::from_utf8(packed.manifest.bytes()).unwrap(),
        format!(
            concat!(
                r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
                r#""config":{{"mediaType":"application/vnd.cncf.flux.config.v1+json","size":{},"digest":"{}"}},"#,
                r#""layers":[{{"mediaType":"application/vnd.cncf.flux.content.v1.tar+gzip","size":{},"digest":"{}"}}],"#,
                r#""annotations":{{"org.example.team":"platform","#,
                r#""org.opencontainers.image.created":"2023-11-14T22:13:20Z","#,
                r#""org.opencontainers.image.revision":"{}","#,
                r#""org.opencontainers.image.source":"https://example.com/acme/platform?a=1&b=2"}}}}"#
            ),
            config.size, config.digest, layer.size, layer.digest, REVISION
        )
    );
    let facts = packed.manifest.read().unwrap();
    assert_eq!(facts.revision.unwrap().to_string(), REVISION);
}

/// The bytes themselves: a change of archiver or compressor changes every digest, which must be a decision.
#[tokio::test]
async fn a_known_tree_has_its_known_digest() {
    let folder = tree(&[("deploy/app.yaml", "kind: ConfigMap\n"), ("README.md", "# acme\n")]);
    let packed = pack(options(folder.path())).await.unwrap();
    assert_eq!(
        packed.manifest.digest().to_string(),
        "sha256:91ced555d6a84be3fcbe343e399156813884175ff03b0465392abb18f49b6914"
    );
}

#[tokio::test]
async fn a_pushed_artifact_is_read_back() {
    let fixture = Fixture::new().await;
    let folder = tree(&[("app.yaml", "kind: A\n")]);
    let packed = pack(options(folder.path())).await.unwrap();
    let sent = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let progress = move |bytes| {
        count.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    push(&fixture.layout, &packed, Some(Arc::new(progress))).await.unwrap();
    push(&fixture.layout, &packed, None).await.unwrap();
    assert_eq!(sent.load(std::sync::atomic::Ordering::Relaxed), packed.layer.0.size);
    assert_eq!(fixture.layout.manifest(packed.manifest.digest()).await.unwrap(), packed.manifest);
    assert!(fixture.layout.has_blob(packed.layer.0.digest).await.unwrap());
    assert!(fixture.layout.list_tags().await.unwrap().tags.is_empty());
}

#[tokio::test]
async fn links_and_sockets_are_left_out_and_told() {
    let folder = tree(&[("app.yaml", "a"), ("sub/", "")]);
    symlink("app.yaml", folder.path().join("link.yaml")).unwrap();
    symlink("sub", folder.path().join("linked")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let packed = pack(options(folder.path())).await.unwrap();
    assert_eq!(names(&packed), [".", "app.yaml", "sub"]);
    let skipped: Vec<_> = packed.skipped.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(skipped, ["link.yaml", "linked", "socket"]);
    let link = folder.path().join("sub/root");
    symlink(folder.path(), &link).unwrap();
    assert_eq!(names(&pack(options(&link)).await.unwrap()), [".", "app.yaml", "sub"], "a root that is a link");
}

#[tokio::test]
async fn a_single_file_is_a_tree_of_one() {
    let folder = tree(&[("all.yaml", "kind: A\n"), ("other.yaml", "")]);
    let packed = pack(options(&folder.path().join("all.yaml"))).await.unwrap();
    assert_eq!(names(&packed), [".", "all.yaml"]);
    let alone = tree(&[("all.yaml", "kind: A\n")]);
    assert_eq!(packed.manifest, pack(options(alone.path())).await.unwrap().manifest);
}

#[tokio::test]
async fn long_and_foreign_names_survive() {
    let long = "n".repeat(200);
    let deep = ["d".repeat(90), "e".repeat(90), "f".repeat(60)].join("/");
    let split = format!("{}/{}", "p".repeat(120), "q".repeat(90));
    let files = [format!("{long}.yaml"), format!("{deep}/x"), format!("{split}/y"), "größe/é.yaml".to_owned()];
    let folder = tree(&files.iter().map(|name| (name.as_str(), "x")).collect::<Vec<_>>());
    let packed = pack(options(folder.path())).await.unwrap();
    let found = names(&packed);
    for file in &files {
        assert!(found.contains(file), "{file} is not in {found:?}");
    }
    assert_eq!(packed.files, 4);
    assert!(unpack(&packed).iter().all(|(_, _, kind, content)| *kind == 'd' || content == b"x"));
}

#[tokio::test]
async fn what_cannot_be_packed_says_so() {
    use std::os::unix::ffi::OsStrExt;

    let nothing = tree(&[("logo.png", ""), ("sub/", "")]);
    assert!(matches!(pack(options(nothing.path())).await, Err(PackError::Empty { .. })));
    let mut allowed = options(nothing.path());
    allowed.allow_empty = true;
    assert_eq!(names(&pack(allowed).await.unwrap()), [".", "sub"]);

    let missing = nothing.path().join("missing");
    assert!(matches!(pack(options(&missing)).await, Err(PackError::Read { path, .. }) if path == missing));

    let strange = tree(&[("a", "")]);
    fs::write(strange.path().join(std::ffi::OsStr::from_bytes(b"\xff.yaml")), "").unwrap();
    assert!(matches!(pack(options(strange.path())).await, Err(PackError::Name { .. })));
    let mut ignoring = options(strange.path());
    ignoring.ignore = Ignore::flux().with_patterns(["?.yaml"]);
    assert_eq!(names(&pack(ignoring).await.unwrap()), [".", "a"]);

    let mut twice = options(strange.path());
    twice.annotations.insert("org.opencontainers.image.created".into(), "now".into());
    assert!(matches!(pack(twice).await, Err(PackError::Annotation { .. })));
}

#[tokio::test]
async fn a_tree_that_changes_meanwhile_says_so() {
    type Change = fn(&File);
    let cases: [(&str, Change); 3] = [
        ("shorter", |file| file.set_len(10).unwrap()),
        ("longer", |file| file.set_len(10_000_000).unwrap()),
        ("written", |file| {
            file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(7))).unwrap();
        }),
    ];
    for (how, change) in cases {
        let folder = tree(&[("big.yaml", &"x".repeat(1_000_000))]);
        let path = folder.path().join("big.yaml");
        let file = File::options().write(true).open(&path).unwrap();
        let mut options = options(folder.path());
        // Told of the first bytes: exactly in the middle of reading.
        options.progress = Some(Arc::new(move |_| change(&file)));
        let error = pack(options).await.unwrap_err();
        assert!(matches!(&error, PackError::Changed { path: changed, .. } if *changed == path), "{error}");
        assert!(error.to_string().contains(how), "{error} does not say {how:?}");
    }
}

#[tokio::test]
async fn source_ignore_files_count_for_their_folders() {
    let folder = tree(&[
        (".sourceignore", "# comment\n\n*.md\n/only-root\nbuild/\n!important.md\n"),
        ("README.md", ""),
        ("important.md", ""),
        ("only-root", ""),
        ("sub/only-root", ""),
        ("sub/.sourceignore", "*.txt\n!/README.md\n"),
        ("sub/README.md", ""),
        ("sub/deep/README.md", ""),
        ("sub/a.txt", ""),
        ("a.txt", ""),
        ("build/x", ""),
        ("sub/build/x", ""),
        (".git/config", ""),
    ]);
    let mut reading = options(folder.path());
    reading.ignore = Ignore::flux().with_source_ignore();
    assert_eq!(
        names(&pack(reading).await.unwrap()),
        [
            ".",
            ".sourceignore",
            "a.txt",
            "important.md",
            "sub",
            "sub/.sourceignore",
            "sub/README.md",
            "sub/deep",
            "sub/only-root"
        ]
    );
    let unread = names(&pack(options(folder.path())).await.unwrap());
    assert!(unread.contains(&"README.md".to_owned()) && !unread.contains(&".git/config".to_owned()), "{unread:?}");
}

/// Answers of Flux's own matcher (package sourceignore/gitignore of fluxcd/pkg) to random patterns and paths.
#[test]
fn ignoring_is_what_flux_does() {
    for line in include_str!("data/flux-ignore.tsv").lines() {
        let (patterns, question) = line.split_once("\t=>\t").unwrap();
        let [path, kind, answer] = question.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let ignore = Ignore::nothing().with_patterns(patterns.split('\t'));
        assert_eq!(ignore.ignores(path, kind == "dir"), answer == "ignored", "{line}");
    }
}

/// Writes the same files in another order, with other times and under another umask.
fn write_tree(files: &BTreeMap<String, (Vec<u8>, bool)>, reverse: bool, mtime: u64, umask: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut order: Vec<_> = files.iter().collect();
    if reverse {
        order.reverse();
    }
    for (name, (content, executable)) in order {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let mode = if *executable { 0o777 } else { 0o666 };
        let file = File::options().write(true).open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(mtime))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode & !umask)).unwrap();
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777 & !umask)).unwrap();
    }
    folder
}

fn packed_digest(path: &Path) -> Digest {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { pack(options(path)).await.unwrap().manifest.digest() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_tree_is_the_same_digest(
        files in prop::collection::btree_map(
            "([a-c]{1,2}/){0,2}[A-Za-z.é-]{1,3}\\.yaml",
            (prop::collection::vec(any::<u8>(), 0..2000), any::<bool>()),
            1..8,
        ),
        mtime in 0_u64..2_000_000_000,
        umask in prop::sample::select(vec![0o000, 0o002, 0o022, 0o027, 0o077]),
    ) {
        let one = write_tree(&files, false, 1_600_000_000, 0o022);
        let two = write_tree(&files, true, mtime, umask);
        let digest = packed_digest(one.path());
        prop_assert_eq!(digest, packed_digest(two.path()));
        let mut other = files;
        if let Some((content, executable)) = other.values_mut().next() {
            if mtime % 2 == 0 { content.push(1) } else { *executable = !*executable }
        }
        prop_assert_ne!(digest, packed_digest(write_tree(&other, false, mtime, umask).path()));
    }
}

/// What this process needed at most, in KiB.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs alone in a process of its own; nothing when the tests run as usual.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_tree() {
    let Ok(size) = std::env::var("PROMOTION_TEST_LARGE") else { return };
    let fixture = Fixture::new().await;
    let folder = tree(&[]);
    // A quarter does not compress, so that the layer is large too.
    let mut file = File::create(folder.path().join("large.bin")).unwrap();
    let (size, mut random) = (size.parse::<u64>().unwrap(), 1_u64);
    for _ in 0..size / 4 / 8192 {
        let noise = std::array::from_fn::<[u8; 8], 1024, _>(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.to_le_bytes()
        });
        std::io::Write::write_all(&mut file, noise.as_flattened()).unwrap();
    }
    file.set_len(size).unwrap();
    let before = peak();
    let packed = pack(options(folder.path())).await.unwrap();
    push(&fixture.layout, &packed, None).await.unwrap();
    println!("\nlayer {} bytes, peak {} KiB, before {before} KiB", packed.layer.0.size, peak());
    assert!(peak() - before < 16 * 1024, "{} KiB more than before", peak() - before);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_tree() {
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pack::large_tree", "--nocapture", "--test-threads=1"])
        .env("PROMOTION_TEST_LARGE", (64_u64 << 20).to_string())
        .status()
        .unwrap();
    assert!(status.success());
}
