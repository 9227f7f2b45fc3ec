//! Documents in files: YAML with one or many in a file, JSON, and containerd's `hosts.toml`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use promotion_core::lint::Document;
use serde_json::Value;

/// Files that are larger are not written by people, in bytes.
const LARGEST: u64 = 64 << 20;
/// Folders in which nothing is anybody's own.
const OTHERS: [&str; 3] = [".git", "node_modules", "target"];

/// What was read, and what could not be.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// The documents, in the order of their files' names.
    pub documents: Vec<Document>,
    /// Files that could not be read, with why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Reads a file, or every `.yaml`, `.yml` and `.json` file and every `hosts.toml` in a folder and in the folders in it.
///
/// # Errors
/// When the path is not there or cannot be listed. A file that cannot be read is among what is returned.
pub fn documents(path: &Path) -> io::Result<Documents> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    let mut read = Documents::default();
    for file in files {
        match parse(&file) {
            Ok((text, values)) => {
                let place = file.display().to_string();
                let document = |value| Document { place: place.clone(), value, text: text.clone() };
                read.documents.extend(values.into_iter().map(document));
            }
            Err(why) => read.unreadable.push((file, why)),
        }
    }
    Ok(read)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        fs::metadata(path)?;
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        // A link could lead out of the folder, or round in a circle.
        if entry.is_symlink() || entry.file_name().is_some_and(|name| OTHERS.iter().any(|other| name == *other)) {
            continue;
        }
        let is_document = || {
            entry.extension().is_some_and(|of| of == "yaml" || of == "yml" || of == "json")
                || entry.file_name().is_some_and(|name| name == "hosts.toml")
        };
        if entry.is_dir() || is_document() {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

fn parse(file: &Path) -> Result<(String, Vec<Value>), String> {
    let told = |error: io::Error| error.to_string();
    if fs::metadata(file).map_err(told)?.len() > LARGEST {
        return Err("it is larger than 64 MiB".to_owned());
    }
    let text = fs::read_to_string(file).map_err(told)?;
    let values = if file.extension().is_some_and(|of| of == "toml") {
        vec![toml::from_str(&text).map_err(|error| error.to_string())?]
    } else if file.extension().is_some_and(|of| of == "json") {
        let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        documents.collect::<Result<_, _>>().map_err(|error| error.to_string())?
    } else {
        serde_saphyr::from_multiple::<Value>(&text).map_err(|error| error.to_string())?
    };
    Ok((text, values))
}
