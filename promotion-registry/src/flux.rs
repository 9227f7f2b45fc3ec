//! Packing a folder as a Flux artifact: what `flux push artifact` makes, reproducibly.
//!
//! An artifact is an OCI image manifest with one layer, a tar archive in gzip, a config, and annotations that say when,
//! where and from which revision it was built. Flux's `OCIRepository` reads it like one of Flux's own.
//!
//! The same tree, options and version of this crate give the same digest on every machine. Where that and Flux differ:
//!
//! | | `flux push artifact` | here |
//! |---|---|---|
//! | `created` | now, or the epoch with `--reproducible` | what the caller says |
//! | modes | as on disk, so the umask shows | 0755 for folders and executables, else 0644 |
//! | symbolic links, sockets, devices | left out silently | left out, and listed in [`Packed::skipped`] |
//! | the root is a symbolic link | an empty archive | followed |
//! | no file at all | an archive without files, on which Flux deletes what it applied | an error, unless allowed |
//! | names that are not UTF-8 | as they are | an error |
//! | a file that changes meanwhile | an error of the archiver, or mixed content | an error that names the file |
//!
//! ```
//! use promotion_core::ports::Registry;
//! use promotion_registry::OciDir;
//! use promotion_registry::flux::{Created, PackOptions, pack, push};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let tree = folder.path().join("deploy");
//! # std::fs::create_dir(&tree)?;
//! std::fs::write(tree.join("app.yaml"), "kind: ConfigMap\n")?;
//! let revision = "main@sha1:6f9c0e2d5a3b4c1d8e7f60718293a4b5c6d7e8f9".parse()?;
//! let packed = pack(PackOptions::new(&tree, revision, Created::EPOCH)).await?;
//! assert_eq!(packed.files, 1);
//!
//! let layout = OciDir::create(folder.path().join("registry")).await?;
//! push(&layout, &packed, None).await?;
//! assert!(layout.list_tags().await?.tags.is_empty(), "tagging is somebody else's decision");
//! # Ok(())
//! # }
//! ```

mod archive;
mod created;
mod ignore;
mod layer;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use promotion_core::manifest::{CREATED, Descriptor, Manifest, OCI_MANIFEST, REVISION, SOURCE};
use promotion_core::ports::{Bytes, PortError, Registry};
use promotion_core::{Digest, Revision};
use serde::Serialize;

pub use self::created::{Created, CreatedError};
pub use self::ignore::Ignore;
pub use self::layer::{Layer, LayerReader};

/// Media type of the config.
pub const CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";
/// Media type of the layer.
pub const CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";

/// Told of every piece of work done, in bytes since the last call.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// What to pack, and what to say of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct PackOptions {
    /// A folder, or a single file.
    pub path: PathBuf,
    /// The commit that the tree is of.
    pub revision: Revision,
    /// The source repository's address; Flux's own command requires it, here it is left away when unknown.
    pub source: Option<String>,
    /// When it was built.
    pub created: Created,
    /// Further annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// What to leave out; [`Ignore::flux`] at first.
    pub ignore: Ignore,
    /// Whether an artifact without a single file is wanted.
    pub allow_empty: bool,
    /// Told of the bytes read from files.
    pub progress: Option<Progress>,
}

/// An artifact, ready to be pushed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Packed {
    /// The manifest.
    pub manifest: Manifest,
    /// The config and its bytes.
    pub config: (Descriptor, Vec<u8>),
    /// The layer, in a temporary file that nobody else sees.
    pub layer: (Descriptor, Layer),
    /// How many files are in it.
    pub files: u64,
    /// How many bytes these files have.
    pub bytes: u64,
    /// Symbolic links and special files that were left out.
    pub skipped: Vec<PathBuf>,
}

/// Why a tree cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// An annotation that has its own option.
    #[error("annotation {key} is set by its own option; leave it out of the further annotations")]
    Annotation {
        /// The annotation.
        key: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A name that is not UTF-8 means something else on every machine.
    #[error("the name of {path:?} is not UTF-8; rename or ignore it")]
    Name {
        /// The file or folder.
        path: PathBuf,
    },
    /// Neither a folder nor a regular file.
    #[error("{path} is neither a folder nor a regular file", path = path.display())]
    Special {
        /// The path.
        path: PathBuf,
    },
    /// The tree changed while it was read: what would be packed never existed.
    #[error("{path} changed while it was packed ({how}); pack again when nothing writes to the tree", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What happened to it.
        how: &'static str,
    },
    /// No file is left to pack.
    #[error(
        "{path} has no file to pack (everything is ignored, or nothing is there); Flux would delete what it applied",
        path = path.display()
    )]
    Empty {
        /// The root.
        path: PathBuf,
    },
    /// The temporary file cannot be written.
    #[error("cannot write the temporary file of the layer; is there space in the folder for temporary files?")]
    Spool(#[source] io::Error),
    /// The worker thread ended early.
    #[error("packing was cut short: {0}")]
    Aborted(String),
}

impl PackOptions {
    /// A tree with Flux's default patterns and nothing further to say of it.
    pub fn new(path: impl Into<PathBuf>, revision: Revision, created: Created) -> Self {
        Self {
            path: path.into(),
            revision,
            source: None,
            created,
            annotations: BTreeMap::new(),
            ignore: Ignore::flux(),
            allow_empty: false,
            progress: None,
        }
    }
}

impl std::fmt::Debug for PackOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackOptions")
            .field("path", &self.path)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Packs a tree, in constant memory.
///
/// # Errors
/// What [`PackError`] says; nothing stays behind.
pub async fn pack(options: PackOptions) -> Result<Packed, PackError> {
    match tokio::task::spawn_blocking(move || pack_blocking(&options)).await {
        Ok(packed) => packed,
        Err(error) => Err(PackError::Aborted(error.to_string())),
    }
}

/// Pushes an artifact: its blobs, then its manifest by digest, and no tag. What is there already is not sent again.
///
/// # Errors
/// What the registry says.
pub async fn push(registry: &dyn Registry, packed: &Packed, progress: Option<Progress>) -> Result<(), PortError> {
    let (layer, content) = &packed.layer;
    registry.put_blob(layer, &mut *content.source(progress)).await?;
    let (config, bytes) = &packed.config;
    registry.put_blob(config, &mut Bytes::new(bytes.clone())).await?;
    registry.put_manifest(&packed.manifest).await
}

fn pack_blocking(options: &PackOptions) -> Result<Packed, PackError> {
    let annotations = annotations(options)?;
    let archive = archive::archive(&options.path, &options.ignore, options.progress.as_ref())?;
    if archive.files == 0 && !options.allow_empty {
        return Err(PackError::Empty { path: options.path.clone() });
    }
    let config = json(&Config {
        architecture: "",
        created: options.created.to_string(),
        history: [History { created: "0001-01-01T00:00:00Z" }],
        os: "",
        rootfs: RootFs { r#type: "layers", diff_ids: [archive.diff_id] },
        config: NoConfig {},
    });
    let config_link = Link { media_type: CONFIG, size: config.len() as u64, digest: Digest::of(&config) };
    let layer_link = Link { media_type: CONTENT, size: archive.size, digest: archive.digest };
    let (config_blob, layer_blob) = (config_link.descriptor(), layer_link.descriptor());
    let manifest = json(&Document {
        schema_version: 2,
        media_type: OCI_MANIFEST,
        config: config_link,
        layers: [layer_link],
        annotations,
    });
    Ok(Packed {
        manifest: Manifest::new(OCI_MANIFEST, manifest),
        config: (config_blob, config),
        layer: (layer_blob, Layer::new(archive.file)),
        files: archive.files,
        bytes: archive.bytes,
        skipped: archive.skipped,
    })
}

fn annotations(options: &PackOptions) -> Result<BTreeMap<String, String>, PackError> {
    let mut annotations = options.annotations.clone();
    let own = [
        (CREATED, Some(options.created.to_string())),
        (SOURCE, options.source.clone()),
        (REVISION, Some(options.revision.to_string())),
    ];
    for (key, value) in own {
        if annotations.contains_key(key) {
            return Err(PackError::Annotation { key: key.to_owned() });
        }
        annotations.extend(value.map(|value| (key.to_owned(), value)));
    }
    Ok(annotations)
}

/// A manifest with its members in the order in which Flux writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u8,
    media_type: &'static str,
    config: Link,
    layers: [Link; 1],
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    media_type: &'static str,
    size: u64,
    digest: Digest,
}

/// The config of an image without a system, as Flux's builder leaves it.
#[derive(Serialize)]
struct Config {
    architecture: &'static str,
    created: String,
    history: [History; 1],
    os: &'static str,
    rootfs: RootFs,
    config: NoConfig,
}

#[derive(Serialize)]
struct History {
    created: &'static str,
}

#[derive(Serialize)]
struct RootFs {
    r#type: &'static str,
    diff_ids: [Digest; 1],
}

#[derive(Serialize)]
struct NoConfig {}

impl Link {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.to_owned(),
            digest: self.digest,
            size: self.size,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// Text of a value that is made of strings, numbers and lists only.
fn json(value: &impl Serialize) -> Vec<u8> {
    // Serialising these types cannot fail: no map has a key that is not a string.
    serde_json::to_vec(value).unwrap_or_default()
}
