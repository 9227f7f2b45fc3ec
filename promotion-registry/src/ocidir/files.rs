//! Files that are whole or absent: temporary file, fsync, rename, fsync of the folder.
//!
//! A temporary file holds a lock on itself for as long as its writer lives. That is how [`sweep`] tells a leftover of a
//! crash from a file that somebody is writing right now.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fault::Fault;

const TEMP_PREFIX: &str = ".promotion-";
const TEMP_SUFFIX: &str = ".tmp";

/// A file under construction; removed when dropped before [`Temp::publish`].
#[derive(Debug)]
pub(super) struct Temp {
    file: File,
    path: PathBuf,
    published: bool,
}

impl Temp {
    /// A new empty file in `folder` under a name that no other tool looks at.
    pub(super) fn create(folder: &Path) -> Result<Self, Fault> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{TEMP_PREFIX}{}-{number}{TEMP_SUFFIX}", std::process::id()));
            let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => file,
                // A leftover of an earlier process with the same id, or of another machine on a shared disk.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Fault::io("create", &path, error)),
            };
            lock(&file).map_err(|error| Fault::io("lock", &path, error))?;
            // Between creation and lock a sweeper may have taken it for a leftover and removed it.
            if is_at(&file, &path) {
                return Ok(Self { file, path, published: false });
            }
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.file.write_all(bytes).map_err(|error| Fault::io("write", &self.path, error))
    }

    /// Gives the finished file its name; whatever had the name is replaced in one step.
    ///
    /// The content is durable, the name only after [`sync_folder`].
    pub(super) fn place(mut self, to: &Path) -> Result<(), Fault> {
        if let Ok(old) = fs::metadata(to) {
            // Who may read a file is not ours to change.
            self.file.set_permissions(old.permissions()).map_err(|error| Fault::io("set the mode of", to, error))?;
        }
        self.file.sync_all().map_err(|error| Fault::io("flush", &self.path, error))?;
        fs::rename(&self.path, to).map_err(|error| Fault::io("replace", to, error))?;
        self.published = true;
        Ok(())
    }

    /// [`Temp::place`], durably.
    pub(super) fn publish(self, to: &Path) -> Result<(), Fault> {
        self.place(to)?;
        sync_folder(to.parent().unwrap_or_else(|| Path::new(".")))
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: a sweep removes what stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes a whole file, durably and in one step.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let mut temp = Temp::create(path.parent().unwrap_or_else(|| Path::new(".")))?;
    temp.write(bytes)?;
    temp.publish(path)
}

/// Removes temporary files whose writers are gone.
///
/// Tidying only: what cannot be removed stays, and disturbs nobody.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if is_temp(&path)
            && let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a path is named like a temporary file of ours.
pub(super) fn is_temp(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX)
}

/// Waits for the exclusive lock of an open file.
pub(super) fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether the open file is the one that the path names now.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => open.dev() == named.dev() && open.ino() == named.ino(),
        _ => false,
    }
}

/// Whether the open file is the one that the path names now: an open file cannot be removed here.
#[cfg(not(unix))]
pub(super) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Makes renames in a folder survive a loss of power.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), Fault> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Fault::io("flush the folder", folder, error))
}

/// Folders cannot be flushed here.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<(), Fault> {
    Ok(())
}
