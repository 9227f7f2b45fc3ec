//! Tags: which there are, whether they may be written, and in which order they are.

use std::cmp::Ordering;

use promotion_core::flux::Version;
use promotion_core::ports::{Expect, PortError, PortErrorKind, Registry};
use promotion_core::{Digest, Tag};

use super::graph::Graph;
use super::{BATCH, CopiedTag, Options, Report, Selection, failed, known};

/// Tags written at once, where the destination can: a layout then writes its index once for all of them.
const AT_ONCE: usize = 1024;

/// A manifest that is copied because it was asked for, or because it belongs to one that was.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) digest: Digest,
    /// Its tag at the source.
    pub(super) from: Option<Tag>,
    /// Its tag at the destination.
    pub(super) to: Option<Tag>,
    /// What that tag is at the destination now.
    pub(super) was: Option<Digest>,
}

impl Target {
    /// A tag that keeps its name.
    pub(super) fn same(tag: Tag, digest: Digest) -> Self {
        Self { digest, from: Some(tag.clone()), to: Some(tag), was: None }
    }

    /// Whether it lists the referrers of a digest, where a registry has no API for them (OCI distribution
    /// specification, "Referrers Tag Schema").
    pub(super) fn lists_referrers(&self) -> bool {
        self.names_a_digest() == Some("")
    }

    /// Whether it is a tag by which something is kept beside a digest: the above, and cosign's.
    pub(super) fn is_companion(&self) -> bool {
        matches!(self.names_a_digest(), Some("" | ".sig" | ".att" | ".sbom"))
    }

    /// What follows `sha256-` and 64 hex digits.
    fn names_a_digest(&self) -> Option<&str> {
        let rest = self.to.as_ref()?.as_str().strip_prefix("sha256-")?;
        let (hex, end) = rest.split_at_checked(64)?;
        hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(end)
    }
}

/// What is selected, with digests.
pub(super) async fn selected(
    from: &dyn Registry,
    selection: &Selection,
    report: &mut Report,
) -> Result<Vec<Target>, PortError> {
    match selection {
        Selection::Digest { digest, to } => Ok(vec![Target { digest: *digest, from: None, to: to.clone(), was: None }]),
        Selection::Tag { from: tag, to } => {
            let digest = from.resolve(tag).await?;
            let digest = digest.ok_or_else(|| absent(from, tag))?;
            Ok(vec![Target { digest, from: Some(tag.clone()), to: Some(to.clone()), was: None }])
        }
        Selection::All => {
            let mut listing = from.list_tags().await?;
            report.not_tags = listing.not_tags;
            listing.tags.sort_unstable();
            listing.tags.dedup();
            all(from, &listing.tags).await
        }
    }
}

async fn all(from: &dyn Registry, tags: &[Tag]) -> Result<Vec<Target>, PortError> {
    let mut targets = Vec::with_capacity(tags.len());
    for batch in tags.chunks(BATCH) {
        for (tag, digest) in batch.iter().zip(from.resolve_all(batch).await?) {
            let digest = digest.ok_or_else(|| absent(from, tag))?;
            targets.push(Target::same(tag.clone(), digest));
        }
    }
    Ok(targets)
}

fn absent(from: &dyn Registry, tag: &Tag) -> PortError {
    failed(PortErrorKind::NotFound, &format!("resolve tag {tag}"), from, "there is no such tag")
}

/// Looks at every tag at the destination, before anything is written there.
pub(super) async fn look(to: &dyn Registry, targets: &mut [Target], overwrite: bool) -> Result<(), PortError> {
    let mut tagged: Vec<&mut Target> = targets.iter_mut().filter(|target| target.to.is_some()).collect();
    for batch in tagged.chunks_mut(BATCH) {
        let tags: Vec<Tag> = batch.iter().filter_map(|target| target.to.clone()).collect();
        for (target, was) in batch.iter_mut().zip(to.resolve_all(&tags).await?) {
            target.was = was;
        }
    }
    let moves = |target: &&Target| target.was.is_some_and(|was| was != target.digest) && !target.lists_referrers();
    let conflicts: Vec<&Target> = targets.iter().filter(moves).collect();
    match conflicts.first() {
        Some(first) if !overwrite => Err(conflict(to, first, &conflicts)),
        _ => Ok(()),
    }
}

fn conflict(to: &dyn Registry, first: &Target, all: &[&Target]) -> PortError {
    let names: Vec<&str> = all.iter().filter_map(|target| target.to.as_ref()).take(5).map(Tag::as_str).collect();
    let more = if all.len() > names.len() { format!(" and {} more", all.len() - names.len()) } else { String::new() };
    let verb = if all.len() == 1 { "is" } else { "are" };
    let message = format!("{}{more} {verb} something else there; nothing was copied", names.join(", "));
    failed(PortErrorKind::Conflict { found: first.was }, "copy tags", to, message)
}

/// Writes the tags, now that all they lead to is there.
pub(super) async fn write(
    to: &dyn Registry,
    mut targets: Vec<Target>,
    graph: &Graph,
    options: &Options,
    report: &mut Report,
) -> Result<(), PortError> {
    targets.sort_by(order);
    for batch in targets.chunks(AT_ONCE) {
        let mut writes = Vec::new();
        for target in batch {
            let manifest = known(graph, target, to)?;
            let Some(tag) = &target.to else { continue };
            if target.lists_referrers() && keeps_its_own(to, tag, target, options).await? {
                continue;
            }
            // What was seen, and not just anything: somebody else may have written since.
            let expect = target.was.map_or(Expect::Absent, Expect::Equals);
            if target.was != Some(target.digest) {
                writes.push((tag.clone(), manifest.clone(), expect));
            }
            report.tags.push(CopiedTag { tag: tag.clone(), digest: target.digest, was: target.was });
        }
        if !options.dry_run && !writes.is_empty() {
            to.put_tags(&writes).await?;
        }
    }
    Ok(())
}

/// Whether the destination lists these referrers itself: it, or its adapter, did so when they were put there.
async fn keeps_its_own(to: &dyn Registry, tag: &Tag, target: &Target, options: &Options) -> Result<bool, PortError> {
    let now = if options.dry_run { target.was } else { to.resolve(tag).await? };
    Ok(now.is_some_and(|now| now != target.digest))
}

/// Whether its tag looks like a rejection; which policy names it, nobody here knows.
fn rejects(target: &Target) -> bool {
    target.to.as_ref().is_some_and(|tag| tag.as_str().starts_with("rejected"))
}

/// Facts before what they allow, and rejections before all; then versions from the highest down: whoever follows the
/// destination meanwhile never selects an old one on the way to the newest.
fn order(a: &Target, b: &Target) -> Ordering {
    let version =
        |target: &Target| -> Option<Tag> { target.to.clone().filter(|tag| Version::parse_tag(tag.as_str()).is_ok()) };
    match (version(a), version(b)) {
        (None, None) => (!rejects(a), &a.to).cmp(&(!rejects(b), &b.to)),
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => match (Version::parse_tag(a.as_str()), Version::parse_tag(b.as_str())) {
            (Ok(one), Ok(other)) => other.precedence(&one).then_with(|| a.cmp(&b)),
            _ => Ordering::Equal,
        },
    }
}
