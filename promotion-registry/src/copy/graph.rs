//! Everything that belongs to what is copied, found at the source before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use promotion_core::manifest::{DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Links, Manifest, OCI_INDEX, OCI_MANIFEST};
use promotion_core::ports::{PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Tag};

use super::tags::Target;
use super::{BATCH, failed};

/// Indexes within indexes: deeper than anybody builds.
const DEEPEST: usize = 32;

/// Manifests with what they point at, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: BTreeMap<Digest, Node>,
    found: Vec<Digest>,
    missing: BTreeSet<Digest>,
}

#[derive(Debug)]
struct Node {
    manifest: Manifest,
    links: Links,
}

impl Graph {
    pub(super) fn manifest(&self, digest: Digest) -> Option<&Manifest> {
        self.nodes.get(&digest).map(|node| &node.manifest)
    }

    /// Every blob once.
    pub(super) fn blobs(&self) -> Vec<Descriptor> {
        let mut seen = BTreeSet::new();
        let links = self.links().filter(|blob| !is_foreign(blob));
        links.filter(|blob| seen.insert(blob.digest)).cloned().collect()
    }

    /// Layers that are not to be copied, each once.
    pub(super) fn foreign(&self) -> BTreeSet<Digest> {
        self.links().filter(|blob| is_foreign(blob)).map(|blob| blob.digest).collect()
    }

    /// Referrers that are listed and not there.
    pub(super) fn missing(&self) -> &BTreeSet<Digest> {
        &self.missing
    }

    fn links(&self) -> impl Iterator<Item = &Descriptor> {
        self.found.iter().filter_map(|digest| self.nodes.get(digest)).flat_map(|node| &node.links.blobs)
    }

    /// Nothing but referrers may be missing: neither what is required nor a child, unless its index lists referrers
    /// and is nobody's child. Such a list is left out, and given back.
    fn leave_out(
        &mut self,
        from: &dyn Registry,
        required: &[Digest],
        mut lists: BTreeSet<Digest>,
    ) -> Result<BTreeSet<Digest>, PortError> {
        for link in self.nodes.values().flat_map(|node| &node.links.manifests) {
            lists.remove(&link.digest);
        }
        if let Some(digest) = required.iter().find(|digest| self.missing.contains(digest)) {
            return Err(absent(from, *digest, ""));
        }
        let mut out = BTreeSet::new();
        for (index, node) in &self.nodes {
            let lost = node.links.manifests.iter().find(|child| self.missing.contains(&child.digest));
            match lost {
                Some(_) if lists.contains(index) => {
                    out.insert(*index);
                }
                Some(child) => return Err(absent(from, child.digest, &format!(", but index {index} lists it"))),
                None => {}
            }
        }
        self.nodes.retain(|digest, _| !out.contains(digest));
        Ok(out)
    }

    /// Children before their index, and subjects before what refers to them.
    pub(super) fn ordered(&self) -> Vec<&Manifest> {
        let (mut seen, mut ordered) = (BTreeSet::new(), Vec::with_capacity(self.found.len()));
        // A stack of our own: how long a chain of referrers is, others decide.
        let mut stack: Vec<(Digest, bool)> = self.found.iter().rev().map(|digest| (*digest, false)).collect();
        while let Some((digest, all_before_are_placed)) = stack.pop() {
            let Some(node) = self.nodes.get(&digest) else { continue };
            if all_before_are_placed {
                ordered.push(&node.manifest);
            } else if seen.insert(digest) {
                stack.push((digest, true));
                let before = node.links.manifests.iter().chain(&node.links.subject);
                stack.extend(before.map(|link| (link.digest, false)));
            }
        }
        ordered
    }
}

fn is_foreign(blob: &Descriptor) -> bool {
    blob.media_type.contains("nondistributable") || blob.media_type.contains("foreign")
}

/// Reads the targets and all that belongs to them. Tags of signatures that are found on the way become targets too,
/// unless `all` tags are targets already. Lists of referrers that are missing are targets no more.
pub(super) async fn discover(
    from: &dyn Registry,
    targets: &mut Vec<Target>,
    referrers: bool,
    all: bool,
) -> Result<Graph, PortError> {
    let mut graph = Graph::default();
    // What was asked for by name is asked for whole.
    let named = if all { 0 } else { targets.len() };
    let mut roots: Vec<Digest> = targets.iter().map(|target| target.digest).collect();
    while !roots.is_empty() {
        let new = read_tree(from, &mut graph, roots).await?;
        roots = Vec::new();
        if referrers {
            roots.extend(referrers_of(from, &new).await?);
        }
        if referrers && !all {
            let companions = companions(from, &new, targets).await?;
            roots.extend(companions.iter().map(|target| target.digest));
            targets.extend(companions);
        }
    }
    let digests: Vec<Digest> = targets.iter().map(|target| target.digest).collect();
    let (named, found) = targets.split_at(named);
    let out = graph.leave_out(from, &digests, lists_of_referrers(named, found))?;
    targets.retain(|target| !out.contains(&target.digest));
    Ok(graph)
}

/// Targets that list referrers and are nothing else.
fn lists_of_referrers(named: &[Target], found: &[Target]) -> BTreeSet<Digest> {
    let (lists, others): (Vec<&Target>, Vec<&Target>) = found.iter().partition(|target| target.lists_referrers());
    let others: BTreeSet<Digest> = others.into_iter().chain(named).map(|target| target.digest).collect();
    lists.into_iter().map(|target| target.digest).filter(|digest| !others.contains(digest)).collect()
}

async fn referrers_of(from: &dyn Registry, subjects: &[Digest]) -> Result<Vec<Digest>, PortError> {
    let asked: Vec<_> = subjects.iter().map(|subject| from.referrers(*subject)).collect();
    let lists: Vec<Vec<Descriptor>> = stream::iter(asked).buffered(BATCH).try_collect().await?;
    Ok(lists.into_iter().flatten().map(|referrer| referrer.digest).collect())
}

/// Reads manifests and, level by level, their children; gives those that were not known before.
async fn read_tree(from: &dyn Registry, graph: &mut Graph, roots: Vec<Digest>) -> Result<Vec<Digest>, PortError> {
    let mut new = Vec::new();
    let mut level = roots;
    let mut depth = 0;
    while !level.is_empty() {
        let mut seen = BTreeSet::new();
        level.retain(|digest| {
            !graph.nodes.contains_key(digest) && !graph.missing.contains(digest) && seen.insert(*digest)
        });
        if depth > DEEPEST {
            let message = format!("indexes are nested more than {DEEPEST} deep");
            return Err(failed(PortErrorKind::Unsupported, "read manifests", from, message));
        }
        let mut next = Vec::new();
        for batch in level.chunks(BATCH) {
            for (digest, manifest) in batch.iter().zip(from.manifest_all(batch).await?) {
                let Some(manifest) = manifest else {
                    graph.missing.insert(*digest);
                    continue;
                };
                let node = node(from, *digest, manifest)?;
                next.extend(node.links.manifests.iter().map(|child| child.digest));
                graph.nodes.insert(*digest, node);
                graph.found.push(*digest);
                new.push(*digest);
            }
        }
        level = next;
        depth += 1;
    }
    Ok(new)
}

fn absent(from: &dyn Registry, digest: Digest, but: &str) -> PortError {
    let message = format!("there is no such manifest{but}");
    failed(PortErrorKind::NotFound, &format!("get manifest {digest}"), from, message)
}

fn node(from: &dyn Registry, digest: Digest, manifest: Manifest) -> Result<Node, PortError> {
    let failed = |kind, message: String| failed(kind, &format!("get manifest {digest}"), from, message);
    let media_type = manifest.media_type();
    if !matches!(media_type, OCI_MANIFEST | OCI_INDEX | DOCKER_MANIFEST | DOCKER_INDEX) {
        // Nobody knows what a manifest of another kind points at, so the copy could be incomplete.
        return Err(failed(PortErrorKind::Unsupported, format!("it is a {media_type}, which cannot be copied whole")));
    }
    let links = manifest.links().map_err(|error| failed(PortErrorKind::Corrupt, error.to_string()))?;
    Ok(Node { manifest, links })
}

/// Tags by which cosign, and registries without a referrers API, keep what refers to a digest.
async fn companions(from: &dyn Registry, of: &[Digest], targets: &[Target]) -> Result<Vec<Target>, PortError> {
    let mut tags: Vec<Tag> = Vec::new();
    for digest in of {
        let name = format!("sha256-{}", digest.hex());
        tags.extend(["", ".sig", ".att", ".sbom"].iter().filter_map(|end| format!("{name}{end}").parse().ok()));
    }
    let known: BTreeSet<&Tag> = targets.iter().filter_map(|target| target.from.as_ref()).collect();
    tags.retain(|tag| !known.contains(tag));
    let mut found = Vec::new();
    for batch in tags.chunks(BATCH) {
        for (tag, digest) in batch.iter().zip(from.resolve_all(batch).await?) {
            found.extend(digest.map(|digest| Target::same(tag.clone(), digest)));
        }
    }
    Ok(found)
}
