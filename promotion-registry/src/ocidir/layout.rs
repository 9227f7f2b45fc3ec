//! The layout itself, in blocking terms: opening, reading and changing `index.json`, manifests.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use promotion_core::Repository;
use promotion_core::ports::PortErrorKind;

use super::files;
use super::index::{self, Edit, Index};
use super::lock::{LOCK_FILE, Writers};
use super::manifests::Subjects;
use crate::fault::Fault;

/// The marker file's content.
const MARKER: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";

/// A file whose time of change is younger than this may change again without a new time: file systems stamp in ticks,
/// some of a whole second or two.
const SETTLED: Duration = Duration::from_secs(3);

/// One adapter value's view of a layout.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) root: PathBuf,
    pub(super) repository: Repository,
    pub(super) writers: Writers,
    pub(super) subjects: Mutex<Subjects>,
    cache: Mutex<Option<Cached>>,
    swept: AtomicBool,
}

/// The index as it was last read, with what tells whether the file is still the same.
#[derive(Debug)]
struct Cached {
    identity: Identity,
    settled: bool,
    bytes: Vec<u8>,
    index: Arc<Index>,
}

/// What changes when a file is replaced or written to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    len: u64,
    modified: Option<SystemTime>,
    /// Device, inode and time of the last change of any kind.
    node: [i64; 4],
}

impl Layout {
    fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            repository: Repository::Layout { path: root.to_string_lossy().into_owned() },
            writers: Writers::new(root),
            subjects: Mutex::default(),
            cache: Mutex::default(),
            swept: AtomicBool::new(false),
        }
    }

    /// Opens what exists: a marker of a known version and a readable index.
    pub(super) fn open(root: &Path) -> Result<Self, Fault> {
        let layout = Self::at(root);
        layout.check_marker()?;
        layout.index()?;
        Ok(layout)
    }

    /// Makes a layout, or opens the one that is there. The marker is written last: before that, nothing is there.
    pub(super) fn create(root: &Path) -> Result<Self, Fault> {
        let layout = Self::at(root);
        let marker = layout.marker();
        if !exists(&marker)? {
            fs::create_dir_all(root).map_err(|error| Fault::io("create the folder", root, error))?;
            // A folder with something else in it must not even get a lock file.
            if let Err(fault) = layout.check_unfinished()
                && !exists(&marker)?
            {
                return Err(fault);
            }
            layout.writers.exclusively(|| {
                if exists(&marker)? {
                    return Ok(());
                }
                layout.check_unfinished()?;
                layout.create_blobs()?;
                files::write_file(&layout.index_path(), index::EMPTY)?;
                files::write_file(&marker, MARKER)
            })?;
            if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                // The folder's own name; where its parent belongs to somebody else, that is theirs to make durable.
                let _ = files::sync_folder(parent);
            }
        }
        Self::open(root)
    }

    pub(super) fn index_path(&self) -> PathBuf {
        self.root.join("index.json")
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    fn marker(&self) -> PathBuf {
        self.root.join("oci-layout")
    }

    pub(super) fn create_blobs(&self) -> Result<(), Fault> {
        let blobs = self.blobs();
        if blobs.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&blobs).map_err(|error| Fault::io("create the folder", &blobs, error))?;
        files::sync_folder(&self.root.join("blobs"))?;
        files::sync_folder(&self.root)
    }

    fn check_marker(&self) -> Result<(), Fault> {
        let path = self.marker();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.without_marker()),
            Err(error) => return Err(Fault::io("read", &path, error)),
        };
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Marker {
            image_layout_version: String,
        }
        let marker: Marker = serde_json::from_slice(&text).map_err(|error| {
            Fault::corrupt(&path, format!("not the marker of an image layout: {error}; expected {}", lossy(MARKER)))
        })?;
        // 1.0.0 is the only version that the specification (up to 1.1) has.
        if marker.image_layout_version.split('.').next() != Some("1") {
            let version = marker.image_layout_version;
            return Err(Fault::corrupt(&path, format!("imageLayoutVersion is {version:?}, expected \"1.0.0\"")));
        }
        Ok(())
    }

    /// Why there is no marker: no layout at all, or a damaged one.
    fn without_marker(&self) -> Fault {
        if !self.root.is_dir() {
            let hint = "no such folder; create the layout first";
            return Fault::new(PortErrorKind::NotFound, format!("{}: {hint}", self.root.display()));
        }
        match self.check_unfinished() {
            Ok(()) => {
                let hint = "the folder holds no image layout; create it first";
                Fault::new(PortErrorKind::NotFound, format!("{}: {hint}", self.root.display()))
            }
            Err(fault) => fault,
        }
    }

    /// Nothing is here but what a creation that was cut short leaves behind.
    fn check_unfinished(&self) -> Result<(), Fault> {
        let list = |folder: &Path| -> Result<Vec<PathBuf>, Fault> {
            let entries = fs::read_dir(folder).map_err(|error| Fault::io("list", folder, error))?;
            entries
                .map(|entry| entry.map(|entry| entry.path()).map_err(|error| Fault::io("list", folder, error)))
                .collect()
        };
        for path in list(&self.root)? {
            let name = path.file_name().unwrap_or_default();
            // The marker: another creator finished just now.
            if files::is_temp(&path) || name == LOCK_FILE || name == "oci-layout" {
                continue;
            }
            if name == "index.json" {
                let text = fs::read(&path).map_err(|error| Fault::io("read", &path, error))?;
                if text == index::EMPTY {
                    continue;
                }
                return Err(self.marker_lost("index.json"));
            }
            if name == "blobs" {
                let mut inside = list(&path)?;
                for folder in std::mem::take(&mut inside) {
                    if folder.file_name().is_some_and(|name| name == "sha256") {
                        inside.extend(list(&folder)?);
                    } else {
                        inside.push(folder);
                    }
                }
                if inside.iter().all(|path| files::is_temp(path)) {
                    continue;
                }
                return Err(self.marker_lost("blobs"));
            }
            let message = format!(
                "{}: the folder is not an image layout and holds other things ({}); name a new or empty folder",
                self.root.display(),
                name.to_string_lossy()
            );
            return Err(Fault::new(PortErrorKind::Invalid, message));
        }
        Ok(())
    }

    fn marker_lost(&self, sign: &str) -> Fault {
        let message = format!(
            "the file is missing, though {sign} is there; if this folder is an image layout, restore it with {}",
            lossy(MARKER)
        );
        Fault::corrupt(&self.marker(), message)
    }

    /// The index as it is now.
    pub(super) fn index(&self) -> Result<Arc<Index>, Fault> {
        let path = self.index_path();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(if exists(&self.marker())? {
                    Fault::corrupt(&path, "the file is missing; restore it from a copy (the blobs are untouched)")
                } else {
                    self.without_marker()
                });
            }
            Err(error) => return Err(Fault::io("open", &path, error)),
        };
        let read = |error| Fault::io("read", &path, error);
        let metadata = file.metadata().map_err(read)?;
        let identity = Identity::of(&metadata);
        let settled = settled(&metadata);
        let known = cache.as_mut().filter(|known| known.identity == identity);
        if let Some(known) = &known
            && known.settled
        {
            return Ok(Arc::clone(&known.index));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        file.read_to_end(&mut bytes).map_err(read)?;
        if let Some(known) = known
            && known.bytes == bytes
        {
            known.settled = settled;
            return Ok(Arc::clone(&known.index));
        }
        let index = Arc::new(Index::parse(&bytes).map_err(|why| Fault::corrupt(&path, why))?);
        *cache = Some(Cached { identity, settled, bytes, index: Arc::clone(&index) });
        Ok(index)
    }

    /// Reads the index, changes it and writes it, with no other writer in between. `change` says whether there is
    /// anything to write.
    pub(super) fn update(
        &self,
        change: impl FnOnce(&Index, &mut dyn FnMut() -> Edit) -> Result<Option<Edit>, Fault>,
    ) -> Result<(), Fault> {
        self.writers.exclusively(|| {
            if !self.swept.swap(true, Ordering::Relaxed) {
                files::sweep(&self.root);
                files::sweep(&self.blobs());
            }
            let index = self.index()?;
            let Some(edit) = change(&index, &mut || Edit::new(&index))? else { return Ok(()) };
            self.write_index(edit)
        })
    }

    fn write_index(&self, edit: Edit) -> Result<(), Fault> {
        let path = self.index_path();
        let next = edit.finish().map_err(|why| Fault::new(PortErrorKind::Invalid, why))?;
        let bytes = next.to_bytes();
        files::write_file(&path, &bytes)?;
        // What was just written need not be parsed again; a reader still compares the bytes.
        if let Ok(metadata) = fs::metadata(&path) {
            let cached = Cached { identity: Identity::of(&metadata), settled: false, bytes, index: Arc::new(next) };
            *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        }
        Ok(())
    }
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        let node =
            [metadata.dev().cast_signed(), metadata.ino().cast_signed(), metadata.ctime(), metadata.ctime_nsec()];
        Self { len: metadata.len(), modified: metadata.modified().ok(), node }
    }

    #[cfg(not(unix))]
    fn of(metadata: &fs::Metadata) -> Self {
        Self { len: metadata.len(), modified: metadata.modified().ok(), node: [0; 4] }
    }
}

fn settled(metadata: &fs::Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > SETTLED)
}

fn exists(path: &Path) -> Result<bool, Fault> {
    path.try_exists().map_err(|error| Fault::io("look for", path, error))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
