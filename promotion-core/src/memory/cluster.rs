//! An in-memory cluster.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use async_trait::async_trait;

use crate::ports::cluster::{Cluster, Kustomization, ObjectName, Reading, Source};

/// A cluster as a value: what it holds, and what it does not let anybody read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryCluster {
    /// Its `OCIRepositories`.
    pub sources: BTreeMap<ObjectName, Source>,
    /// Its `Kustomizations`.
    pub kustomizations: BTreeMap<ObjectName, Kustomization>,
    /// Why nothing can be read, if so.
    pub forbidden: Option<String>,
}

impl MemoryCluster {
    fn read<T: Clone>(&self, value: Option<&T>) -> Reading<T> {
        match (&self.forbidden, value) {
            (Some(why), _) => Reading::Unknown(why.clone()),
            (None, Some(value)) => Reading::Known(value.clone()),
            (None, None) => Reading::Absent,
        }
    }
}

#[async_trait]
impl Cluster for MemoryCluster {
    async fn source(&self, name: &ObjectName) -> Reading<Source> {
        self.read(self.sources.get(name))
    }

    async fn sources(&self) -> Reading<Vec<Source>> {
        self.read(Some(&self.sources.values().cloned().collect()))
    }

    async fn kustomization(&self, name: &ObjectName) -> Reading<Kustomization> {
        self.read(self.kustomizations.get(name))
    }
}
