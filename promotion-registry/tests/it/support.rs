//! What several modules need.

use std::path::{Path, PathBuf};

use promotion_core::Tag;
use promotion_core::manifest::{Manifest, OCI_MANIFEST};
use promotion_core::ports::PortErrorKind;
use promotion_registry::OciDir;

pub(crate) fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// A manifest that points at nothing, different for every seed.
pub(crate) fn manifest(seed: &str) -> Manifest {
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","annotations":{{"seed":"{seed}"}}}}"#);
    Manifest::new(OCI_MANIFEST, text.into_bytes())
}

/// A layout in a folder that vanishes with the test.
pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) layout: OciDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = OciDir::create(folder.path().join("layout")).await.unwrap();
        Self { folder, layout }
    }

    pub(crate) fn path(&self, within: &str) -> PathBuf {
        self.folder.path().join("layout").join(within)
    }

    pub(crate) fn index(&self) -> String {
        std::fs::read_to_string(self.path("index.json")).unwrap()
    }

    pub(crate) fn entries(&self) -> Vec<serde_json::Value> {
        let index: serde_json::Value = serde_json::from_str(&self.index()).unwrap();
        index["manifests"].as_array().unwrap().clone()
    }

    pub(crate) async fn reopen(&self) -> Result<OciDir, promotion_core::ports::PortError> {
        OciDir::open(self.path("")).await
    }

    pub(crate) fn blob(&self, manifest: &Manifest) -> PathBuf {
        self.path("blobs/sha256").join(manifest.digest().hex())
    }
}

/// Asserts damage, told with the path of the damaged file.
#[track_caller]
pub(crate) fn assert_corrupt<T: std::fmt::Debug>(
    result: Result<T, promotion_core::ports::PortError>,
    path: &Path,
    what: &str,
) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{error}");
    assert!(error.message().contains(path.to_str().unwrap()), "{error} does not name {}", path.display());
    assert!(error.message().contains(what), "{error} does not say {what:?}");
}

/// Names of temporary files in a folder.
pub(crate) fn temps(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".tmp")).collect()
}
