//! The layer: a tar archive in gzip, the same bytes for the same tree on every machine.
//!
//! Entries are those of Flux's own archiver: the root as `.`, then folders and regular files in the order of their
//! names, with no owner and no times. Modes are not: Flux copies permission bits, which differ with the umask of
//! whoever checked the tree out; here a folder or executable file is 0755 and any other file 0644.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use promotion_core::Digest;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::{Ignore, PackError, Progress};

/// What came out.
pub(super) struct Archive {
    pub(super) file: File,
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// Digest of the archive before compression.
    pub(super) diff_id: Digest,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) skipped: Vec<PathBuf>,
}

/// Counts and hashes what passes.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

struct Archiver<'a> {
    tar: Builder<GzStage>,
    ignore: &'a Ignore,
    progress: Option<&'a Progress>,
    files: u64,
    bytes: u64,
    skipped: Vec<PathBuf>,
}

type GzStage = Hashing<GzEncoder<Hashing<BufWriter<File>>>>;

/// Archives a folder, or a file as the only entry of a folder.
pub(super) fn archive(path: &Path, ignore: &Ignore, progress: Option<&Progress>) -> Result<Archive, PackError> {
    let unreadable = |source| PackError::Read { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let ignore = if metadata.is_dir() { ignore.of_tree(path).map_err(unreadable)? } else { ignore.clone() };
    // Unlinked from the start: nothing stays behind, even of a process that is killed.
    let spool = tempfile::tempfile().map_err(PackError::Spool)?;
    let file = Hashing::new(BufWriter::with_capacity(128 * 1024, spool));
    // 255 is "unknown system" (RFC 1952): the header must not tell where it was made.
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(file, Compression::new(6));
    let tar = Builder::new(Hashing::new(gzip));
    let mut archiver = Archiver { tar, ignore: &ignore, progress, files: 0, bytes: 0, skipped: Vec::new() };
    archiver.entry(".", EntryType::Directory, 0o755, 0, &mut io::empty()).map_err(PackError::Spool)?;
    if metadata.is_dir() {
        archiver.folder(path, "")?;
    } else {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| PackError::Name { path: path.to_owned() })?;
        if !ignore.ignores(name, false) {
            archiver.file(path, name)?;
        }
    }
    archiver.finish()
}

impl Archiver<'_> {
    fn finish(self) -> Result<Archive, PackError> {
        let tar = self.tar.into_inner().map_err(PackError::Spool)?;
        let (gzip, diff_id, _) = tar.finish();
        let (file, digest, size) = gzip.finish().map_err(PackError::Spool)?.finish();
        let file = file.into_inner().map_err(|error| PackError::Spool(error.into_error()))?;
        let (files, bytes, skipped) = (self.files, self.bytes, self.skipped);
        Ok(Archive { file, digest, size, diff_id, files, bytes, skipped })
    }

    /// Everything in a folder, parents before children, in the order of names.
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), PackError> {
        let unreadable = |source| PackError::Read { path: folder.to_owned(), source };
        let mut names: Vec<OsString> = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
        }
        names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        for name in names {
            let path = folder.join(&name);
            let kind = fs::symlink_metadata(&path).map_err(|error| vanished(&path, error))?.file_type();
            let within = format!("{prefix}{}", name.to_string_lossy());
            let ignored = self.ignore.ignores(&within, kind.is_dir());
            if ignored && (!kind.is_dir() || self.ignore.is_final()) {
                continue;
            }
            if !kind.is_dir() && !kind.is_file() {
                self.skipped.push(path);
                continue;
            }
            if name.to_str().is_none() {
                return Err(PackError::Name { path });
            }
            if kind.is_dir() {
                if !ignored {
                    self.entry(&within, EntryType::Directory, 0o755, 0, &mut io::empty()).map_err(PackError::Spool)?;
                }
                self.folder(&path, &format!("{within}/"))?;
            } else {
                self.file(&path, &within)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, within: &str) -> Result<(), PackError> {
        let unreadable = |source| PackError::Read { path: path.to_owned(), source };
        let changed = |how| PackError::Changed { path: path.to_owned(), how };
        let mut file = File::open(path).map_err(|error| vanished(path, error))?;
        let before = file.metadata().map_err(unreadable)?;
        if !before.is_file() {
            return Err(PackError::Special { path: path.to_owned() });
        }
        let size = before.len();
        let mut source = Source { file: &mut file, left: size, failed: None, progress: self.progress };
        let written = self.entry(within, EntryType::Regular, mode(&before), size, &mut source);
        if let Some(error) = source.failed.take() {
            let short = error.kind() == io::ErrorKind::UnexpectedEof;
            return Err(if short { changed("it became shorter") } else { unreadable(error) });
        }
        written.map_err(PackError::Spool)?;
        if file.read(&mut [0]).map_err(unreadable)? != 0 {
            return Err(changed("it became longer"));
        }
        let after = file.metadata().map_err(unreadable)?;
        if after.len() != size || after.modified().ok() != before.modified().ok() {
            return Err(changed("it was written to"));
        }
        self.files += 1;
        self.bytes += size;
        Ok(())
    }

    fn entry(&mut self, name: &str, kind: EntryType, mode: u32, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        if !set_name(&mut header, name) {
            self.tar.append_pax_extensions([("path", name.as_bytes())])?;
        }
        header.set_cksum();
        self.tar.append(&header, content)
    }
}

/// Writes the name where every reader looks; `false` when it has to be told in a PAX record (too long, or not ASCII).
fn set_name(header: &mut Header, name: &str) -> bool {
    let Some(ustar) = header.as_ustar_mut() else { return false };
    let bytes = name.as_bytes();
    let ascii = name.is_ascii();
    let split = match bytes.len() {
        0..=100 => Some((&bytes[..0], bytes)),
        _ => bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| (&bytes[..at], &bytes[at + 1..]))
            .find(|(prefix, rest)| prefix.len() <= 155 && !rest.is_empty() && rest.len() <= 100),
    };
    // With a PAX record the header's own name is a fallback that nobody reads.
    let (prefix, rest) = split.filter(|_| ascii).unwrap_or((&[], b"pax"));
    ustar.prefix[..prefix.len()].copy_from_slice(prefix);
    ustar.name[..rest.len()].copy_from_slice(rest);
    ascii && split.is_some()
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 }
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o644
}

fn vanished(path: &Path, error: io::Error) -> PackError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => PackError::Changed { path, how: "it disappeared" },
        _ => PackError::Read { path, source: error },
    }
}

/// Exactly the announced bytes of a file. Remembers its own failure, to tell it from one of the archive.
struct Source<'a> {
    file: &'a mut File,
    left: u64,
    failed: Option<io::Error>,
    progress: Option<&'a Progress>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if want == 0 {
            return Ok(0);
        }
        match self.file.read(&mut buffer[..want]) {
            Ok(0) => {
                self.failed = Some(io::ErrorKind::UnexpectedEof.into());
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(read) => {
                self.left -= read as u64;
                if let Some(progress) = self.progress {
                    progress(read as u64);
                }
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest::from_sha256(self.hash.finalize().into()), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
