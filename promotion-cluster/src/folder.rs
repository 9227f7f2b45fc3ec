//! A folder of exported manifests: what `kubectl get … -o yaml` or `-o json` wrote, one object or many in a file, lists
//! unwrapped. Read-only, and never sure that something is not there: it may not have been exported.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use promotion_core::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use promotion_core::ports::{PortError, PortErrorKind};
use serde_json::Value;

use crate::files::documents;

/// Objects that were exported to files.
#[derive(Debug, Clone)]
pub struct Folder {
    name: String,
    objects: BTreeMap<(Kind, ObjectName), Object>,
    /// Kinds of which at least one object was exported.
    exported: BTreeSet<Kind>,
    /// Objects that two files tell differently: of two clusters, or of two moments.
    twice: BTreeSet<(Kind, ObjectName)>,
    /// Files that could not be read as manifests, with why.
    unreadable: Vec<(PathBuf, String)>,
}

impl Folder {
    /// Reads a file, or every `.yaml`, `.yml` and `.json` file in a folder and in the folders in it.
    ///
    /// # Errors
    /// When the path is not there or cannot be listed. A file that is no manifest is told by [`Folder::unreadable`].
    pub fn read(path: &Path) -> io::Result<Self> {
        let name = path.display().to_string();
        let mut folder = Self {
            name,
            objects: BTreeMap::new(),
            exported: BTreeSet::new(),
            twice: BTreeSet::new(),
            unreadable: Vec::new(),
        };
        let read = documents(path)?;
        // What nodes are told of mirrors is no object: nothing can be behind it.
        let is_object = |(file, _): &(PathBuf, String)| file.extension().is_none_or(|of| of != "toml");
        folder.unreadable = read.unreadable.into_iter().filter(is_object).collect();
        read.documents.into_iter().for_each(|document| folder.take(document.value));
        Ok(folder)
    }

    /// Files that could not be read, with why.
    #[must_use]
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.unreadable
    }

    /// Every object of a known kind.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    fn take(&mut self, mut document: Value) {
        let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        if let Some(Value::Array(items)) = document.get_mut("items").filter(|_| is_list).map(Value::take) {
            items.into_iter().for_each(|item| self.take(item));
        } else if let Some(object) = Object::of(document) {
            self.exported.insert(object.kind);
            let key = (object.kind, object.name.clone());
            match self.objects.get(&key) {
                Some(known) if known.document != object.document => drop(self.twice.insert(key)),
                Some(_) => {}
                None => drop(self.objects.insert(key, object)),
            }
        }
    }

    fn missing<T>(&self, kind: Kind) -> Reading<T> {
        if let Some((file, why)) = self.unreadable.first() {
            return Reading::Unknown(format!("{} cannot be read: {why}", file.display()));
        }
        if self.exported.contains(&kind) {
            return Reading::Absent;
        }
        Reading::Unknown(format!("no {kind} was exported to {}", self.name))
    }
}

fn exported_twice((kind, name): &(Kind, ObjectName)) -> String {
    format!("{kind} {name} was exported twice, and differently: give each cluster a folder of its own")
}

#[async_trait]
impl Cluster for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_live(&self) -> bool {
        false
    }

    async fn list(&self, kind: Kind, namespace: &str) -> Reading<Vec<Object>> {
        if let Some(name) = self.twice.iter().find(|(of, name)| *of == kind && name.namespace == namespace) {
            return Reading::Unknown(exported_twice(name));
        }
        let of_kind = self.objects.values().filter(|object| object.kind == kind);
        let found: Vec<Object> = of_kind.filter(|object| object.name.namespace == namespace).cloned().collect();
        match self.missing(kind) {
            Reading::Unknown(why) => Reading::Unknown(why),
            Reading::Absent | Reading::Known(()) => Reading::Known(found),
        }
    }

    async fn get(&self, kind: Kind, name: &ObjectName) -> Reading<Object> {
        let key = (kind, name.clone());
        if self.twice.contains(&key) {
            return Reading::Unknown(exported_twice(&key));
        }
        match self.objects.get(&key) {
            Some(object) => Reading::Known(object.clone()),
            None => self.missing(kind),
        }
    }

    async fn patch(&self, kind: Kind, name: &ObjectName, _: &Value) -> Result<Object, PortError> {
        Err(self.read_only(kind, name))
    }

    async fn create(&self, object: &Object) -> Result<Object, PortError> {
        Err(self.read_only(object.kind, &object.name))
    }
}

impl Folder {
    fn read_only(&self, kind: Kind, name: &ObjectName) -> PortError {
        let message = format!("{} is a folder of manifests, and no cluster", self.name);
        PortError::new(PortErrorKind::Unsupported, format!("write {kind} {name}"), message)
    }
}
