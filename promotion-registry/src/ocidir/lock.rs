//! One writer at a time, across tasks, adapter values and processes.
//!
//! The lock belongs to the open file description, so that two adapter values of one process exclude each other exactly
//! as two processes do. The kernel releases it when its holder dies, however it dies.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::files;
use crate::fault::Fault;

/// Name of the lock file: hidden, and not part of the image layout specification, so other tools leave it alone.
pub(super) const LOCK_FILE: &str = ".promotion.lock";

/// The lock, held while this value lives.
#[derive(Debug)]
pub(super) struct LockFile(#[expect(dead_code, reason = "held for the lock on it")] File);

impl LockFile {
    fn acquire(path: &Path) -> Result<Self, Fault> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .map_err(|error| Fault::io("open the lock file", path, error))?;
            files::lock(&file).map_err(|error| Fault::io("lock", path, error))?;
            // Somebody may have removed the file while we waited; then the others lock a different one.
            if files::is_at(&file, path) {
                return Ok(Self(file));
            }
        }
    }
}

/// The writers that share one adapter value.
#[derive(Debug)]
pub(super) struct Writers {
    path: PathBuf,
    /// Who holds a guard, so that the next one waits without occupying a thread.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Who may occupy a thread with waiting for the file lock.
    pass: Arc<tokio::sync::Mutex<()>>,
    /// The guard's lock. Also held (the mutex) while the file lock is waited for, so that a write of this value can
    /// never wait for the lock that a guard of this value is about to have.
    held: Mutex<Weak<LockFile>>,
}

impl Writers {
    pub(super) fn new(root: &Path) -> Self {
        Self { path: root.join(LOCK_FILE), turn: Arc::default(), pass: Arc::default(), held: Mutex::default() }
    }

    pub(super) fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.turn)
    }

    pub(super) fn pass(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.pass)
    }

    /// Takes the lock for a guard; the caller has the turn.
    pub(super) fn hold(&self) -> Result<Arc<LockFile>, Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held.upgrade() {
            return Ok(lock);
        }
        let lock = Arc::new(LockFile::acquire(&self.path)?);
        *held = Arc::downgrade(&lock);
        Ok(lock)
    }

    /// Does one write: under the guard's lock if there is a guard, else under a lock of its own.
    pub(super) fn exclusively<T>(&self, write: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = match held.upgrade() {
            Some(lock) => lock,
            None => Arc::new(LockFile::acquire(&self.path)?),
        };
        write()
    }
}
