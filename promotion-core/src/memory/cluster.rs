//! An in-memory cluster.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use async_trait::async_trait;
use serde_json::Value;

use crate::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use crate::ports::{PortError, PortErrorKind};

/// A cluster as a value: what it holds, and what it does not let anybody read. Nothing writes to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryCluster {
    /// What it is called.
    pub name: String,
    /// What it holds.
    pub objects: BTreeMap<(Kind, ObjectName), Object>,
    /// Why objects of a kind cannot be read, if so.
    pub forbidden: BTreeMap<Kind, String>,
}

impl MemoryCluster {
    /// Puts an object, instead of what was there.
    pub fn insert(&mut self, object: Object) {
        self.objects.insert((object.kind, object.name.clone()), object);
    }
}

#[async_trait]
impl Cluster for MemoryCluster {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, kind: Kind, namespace: &str) -> Reading<Vec<Object>> {
        if let Some(why) = self.forbidden.get(&kind) {
            return Reading::Unknown(why.clone());
        }
        let of_kind = self.objects.values().filter(|object| object.kind == kind);
        Reading::Known(of_kind.filter(|object| object.name.namespace == namespace).cloned().collect())
    }

    async fn get(&self, kind: Kind, name: &ObjectName) -> Reading<Object> {
        match self.forbidden.get(&kind) {
            Some(why) => Reading::Unknown(why.clone()),
            None => self.objects.get(&(kind, name.clone())).cloned().into(),
        }
    }

    async fn patch(&self, kind: Kind, name: &ObjectName, _: &Value) -> Result<Object, PortError> {
        Err(read_only(kind, name))
    }

    async fn create(&self, object: &Object) -> Result<Object, PortError> {
        Err(read_only(object.kind, &object.name))
    }
}

fn read_only(kind: Kind, name: &ObjectName) -> PortError {
    let message = "these are objects as somebody saw them, and no cluster".to_string();
    PortError::new(PortErrorKind::Unsupported, alloc::format!("write {kind} {name}"), message)
}
