//! The demo's folder: a configuration, a small application, and the layout.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::FILE;
use crate::error::{Failure, Id};
use crate::exit::Exit;

/// What tells an earlier demo's folder from somebody's own.
const MARKER: &str = ".promotion-demo";

pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes the folder, or empties the one that an earlier demo made.
    pub(super) fn prepare(root: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("make the demo's folder", root.display().to_string(), &error);
        match fs::read_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(mut entries) => {
                if entries.next().is_some() && !root.join(MARKER).is_file() {
                    let message = "the folder holds other things, and the demo starts from nothing";
                    return Err(Failure::new(Exit::Usage, Id::USAGE, "make the demo's folder", message)
                        .at(root.display().to_string())
                        .fix("name another: promotion demo DIR"));
                }
            }
        }
        let folder = Self { root: root.to_owned() };
        fs::create_dir_all(root).map_err(failed)?;
        fs::write(root.join(MARKER), "").map_err(failed)?;
        for part in [folder.registry(), folder.app()] {
            match fs::remove_dir_all(part) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        fs::create_dir_all(folder.app()).map_err(failed)?;
        fs::write(folder.config(), "# The defaults, and where the registry is.\nrepository: ocidir://./registry\n")
            .map_err(failed)?;
        Ok(folder)
    }

    pub(super) fn registry(&self) -> PathBuf {
        self.root.join("registry")
    }

    pub(super) fn app(&self) -> PathBuf {
        self.root.join("app")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.root.join(FILE)
    }

    /// A version of the application.
    pub(super) fn write_app(&self, version: usize) -> Result<(), Failure> {
        let config_map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: platform\ndata:\n  greeting: hello from build {version}\n"
        );
        let files = [
            ("kustomization.yaml", "kind: Kustomization\nresources: [config.yaml]\n".to_owned()),
            ("config.yaml", config_map),
        ];
        files.into_iter().try_for_each(|(name, text)| {
            let path = self.app().join(name);
            fs::write(&path, text)
                .map_err(|error| Failure::io("write the application", path.display().to_string(), &error))
        })
    }
}
