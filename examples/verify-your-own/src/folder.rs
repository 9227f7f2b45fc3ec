//! A registry that is a folder of files, for when there is no other: a file per tag, per manifest and per blob.
//!
//! ```text
//! tags/1.0.0-rc.1      sha256:6f9c…
//! manifests/6f9c…      the media type, a newline, the bytes
//! blobs/1a2b…          the bytes
//! lock                 held while a tag is looked at and written
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use promotion_core::manifest::{Descriptor, Manifest};
use promotion_core::ports::{
    BlobSource, Bytes, Consistency, Expect, Guard, Listing, PortError, PortErrorKind, Registry,
};
use promotion_core::{Digest, Repository, Tag};

/// A repository in a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    repository: Repository,
    path: PathBuf,
}

impl Folder {
    /// The repository in this folder, which is made where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        for kind in ["tags", "manifests", "blobs"] {
            fs::create_dir_all(path.join(kind))?;
        }
        File::create(path.join("lock"))?;
        let repository = Repository::Layout { path: path.display().to_string() };
        Ok(Self { repository, path: path.to_owned() })
    }

    fn read(&self, kind: &str, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        match fs::read(self.path.join(kind).join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            // Only this says that something is absent: a folder that cannot be read says nothing.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(format!("read {kind}/{name}"), error)),
        }
    }

    /// Written beside its place and moved there, so that nobody reads half a file.
    fn write(&self, kind: &str, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        let written = beside(&self.path, kind, name);
        let moved = fs::write(&written, bytes).and_then(|()| fs::rename(&written, self.path.join(kind).join(name)));
        moved.map_err(|error| failed(format!("write {kind}/{name}"), error))
    }

    fn digest(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        let Some(bytes) = self.read("tags", tag.as_str())? else { return Ok(None) };
        let digest = String::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        let corrupt = || PortError::new(PortErrorKind::Corrupt, format!("tag {tag}"), "the file holds no digest");
        digest.map(Some).ok_or_else(corrupt)
    }

    fn found(&self, digest: Digest) -> Result<Option<Manifest>, PortError> {
        let Some(file) = self.read("manifests", &digest.hex())? else { return Ok(None) };
        let corrupt = || PortError::new(PortErrorKind::Corrupt, format!("manifest {digest}"), "the file is another's");
        let end = file.iter().position(|byte| *byte == b'\n').ok_or_else(corrupt)?;
        let media_type = String::from_utf8_lossy(&file[..end]).into_owned();
        let manifest = Manifest::new(media_type, file[end + 1..].to_vec());
        if manifest.digest() == digest { Ok(Some(manifest)) } else { Err(corrupt()) }
    }

    fn store(&self, manifest: &Manifest) -> Result<(), PortError> {
        let file = [manifest.media_type().as_bytes(), b"\n", manifest.bytes()].concat();
        self.write("manifests", &manifest.digest().hex(), &file)
    }

    /// Keeps other writers out between a look at a tag and its write, which is what makes it a compare-and-swap.
    fn alone(&self) -> Result<File, PortError> {
        let file = File::open(self.path.join("lock")).and_then(|file| file.lock().map(|()| file));
        file.map_err(|error| failed("lock the folder", error))
    }
}

#[async_trait]
impl Registry for Folder {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn consistency(&self) -> Consistency {
        Consistency::CompareAndSwap
    }

    async fn lock(&self) -> Result<Guard, PortError> {
        Ok(Guard::none())
    }

    async fn list_tags(&self) -> Result<Listing, PortError> {
        let list = || -> io::Result<Vec<String>> {
            let entries = fs::read_dir(self.path.join("tags"))?;
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        };
        let mut names = list().map_err(|error| failed("list the tags", error))?;
        // A folder has no order of its own.
        names.sort();
        let mut listing = Listing::default();
        for name in names {
            match name.parse() {
                Ok(tag) => listing.tags.push(tag),
                Err(_) => listing.not_tags.push(name),
            }
        }
        Ok(listing)
    }

    async fn resolve(&self, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.digest(tag)
    }

    async fn manifest(&self, digest: Digest) -> Result<Manifest, PortError> {
        self.found(digest)?.ok_or_else(|| absent(format!("manifest {digest}")))
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), PortError> {
        self.store(manifest)
    }

    async fn put_tag(&self, tag: &Tag, manifest: &Manifest, expect: Expect) -> Result<(), PortError> {
        let _alone = self.alone()?;
        let found = self.digest(tag)?;
        if found == Some(manifest.digest()) {
            return Ok(());
        }
        let expected = match expect {
            Expect::Absent => found.is_none(),
            Expect::Equals(digest) => found == Some(digest),
            Expect::Any => true,
        };
        if !expected {
            let message = "the tag is not what was expected";
            return Err(PortError::new(PortErrorKind::Conflict { found }, format!("tag {tag}"), message));
        }
        // First what the tag will point at.
        self.store(manifest)?;
        self.write("tags", tag.as_str(), manifest.digest().to_string().as_bytes())
    }

    async fn delete_tag(&self, tag: &Tag, expected: Digest) -> Result<(), PortError> {
        let _alone = self.alone()?;
        match self.digest(tag)? {
            None => Ok(()),
            Some(found) if found == expected => fs::remove_file(self.path.join("tags").join(tag.as_str()))
                .map_err(|error| failed(format!("delete tag {tag}"), error)),
            found => {
                let message = "the tag is not what was expected";
                Err(PortError::new(PortErrorKind::Conflict { found }, format!("delete tag {tag}"), message))
            }
        }
    }

    async fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PortError> {
        let names = fs::read_dir(self.path.join("manifests")).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut referrers = Vec::new();
        for entry in names.map_err(|error| failed("list the manifests", error))? {
            let digest = format!("sha256:{}", entry.file_name().to_string_lossy()).parse();
            let Some(manifest) = digest.ok().map(|digest| self.found(digest)).transpose()?.flatten() else { continue };
            // What is no manifest that we can read refers to nothing.
            if let Ok(Some((of, referrer))) = manifest.as_referrer()
                && of == subject
            {
                referrers.push(referrer);
            }
        }
        referrers.sort();
        Ok(referrers)
    }

    async fn has_blob(&self, digest: Digest) -> Result<bool, PortError> {
        let path = self.path.join("blobs").join(digest.hex());
        path.try_exists().map_err(|error| failed(format!("look for blob {digest}"), error))
    }

    /// Into memory at once: an adapter for large blobs would read as it is asked.
    async fn blob(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource>, PortError> {
        let bytes = self.read("blobs", &blob.digest.hex())?.ok_or_else(|| absent(format!("blob {}", blob.digest)))?;
        verified(blob, bytes).map(|bytes| Box::new(Bytes::new(bytes)) as Box<dyn BlobSource>)
    }

    async fn put_blob(&self, blob: &Descriptor, source: &mut dyn BlobSource) -> Result<(), PortError> {
        if self.has_blob(blob.digest).await? {
            return Ok(());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = source.next_chunk().await? {
            bytes.extend(chunk);
        }
        self.write("blobs", &blob.digest.hex(), &verified(blob, bytes)?)
    }
}

/// The bytes, if they are what the descriptor says.
fn verified(blob: &Descriptor, bytes: Vec<u8>) -> Result<Vec<u8>, PortError> {
    if Digest::of(&bytes) == blob.digest && bytes.len() as u64 == blob.size {
        return Ok(bytes);
    }
    let message = format!("{} bytes that are not the {} bytes of the descriptor", bytes.len(), blob.size);
    Err(PortError::new(PortErrorKind::Corrupt, format!("blob {}", blob.digest), message))
}

/// Two writers never write the same one.
fn beside(path: &Path, kind: &str, name: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    path.join(format!("{kind}-{name}.{process}.{next}"))
}

fn absent(what: String) -> PortError {
    PortError::new(PortErrorKind::NotFound, what, "there is no such file")
}

fn failed(what: impl Into<String>, error: io::Error) -> PortError {
    PortError::new(PortErrorKind::Unavailable, what, error.to_string())
}
