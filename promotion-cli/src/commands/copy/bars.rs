//! A bar for each blob under way, and one for all of them; on a terminal, where they are wanted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use promotion_core::Digest;
use promotion_core::manifest::Descriptor;
use promotion_registry::copy::{Moved, Progress};

use crate::output::Output;

/// The bars; dropping them clears the terminal.
pub(super) struct Bars {
    screen: MultiProgress,
    out: Output,
    total: ProgressBar,
    each: Mutex<BTreeMap<Digest, ProgressBar>>,
}

impl Bars {
    pub(super) fn new(out: &Output) -> Self {
        let target = if out.status().is_wanted() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let screen = MultiProgress::with_draw_target(target);
        Self { screen, out: out.clone(), total: ProgressBar::hidden(), each: Mutex::default() }
    }

    fn each(&self) -> MutexGuard<'_, BTreeMap<Digest, ProgressBar>> {
        self.each.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress for Bars {
    fn planned(&self, _blobs: usize, bytes: u64) {
        self.out.status().clear();
        self.total.set_style(style("{prefix:>15} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
        self.total.set_prefix("all");
        self.total.set_length(bytes);
        self.screen.add(self.total.clone());
    }

    fn started(&self, blob: &Descriptor) {
        let mut each = self.each();
        // An attempt that failed counts for nothing.
        if let Some(bar) = each.get(&blob.digest) {
            self.total.dec(bar.position());
            bar.reset();
            return;
        }
        let bar = self.screen.insert_before(&self.total, ProgressBar::new(blob.size));
        bar.set_style(style("{prefix:>15} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}"));
        bar.set_prefix(format!("sha256:{}", blob.digest.short()));
        each.insert(blob.digest, bar);
    }

    fn advanced(&self, blob: &Descriptor, bytes: u64) {
        self.total.inc(bytes);
        if let Some(bar) = self.each().get(&blob.digest) {
            bar.inc(bytes);
        }
    }

    fn done(&self, blob: &Descriptor, how: Moved) {
        let bar = self.each().remove(&blob.digest);
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        match how {
            Moved::Copied if bar.is_some() => {
                self.out.detail(&format!("copied blob {}, {} bytes", blob.digest, blob.size));
            }
            Moved::Mounted => self.out.detail(&format!("mounted blob {}", blob.digest)),
            // There already, or a dry run.
            Moved::Copied | Moved::Skipped => {}
        }
        if how != Moved::Copied {
            self.total.inc(blob.size);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.total.finish_and_clear();
        // Nobody is left to tell when the terminal is gone.
        let _ = self.screen.clear();
    }
}
