//! What a registry can do, as its answers show.

use promotion_core::Repository;
use promotion_core::ports::{PortErrorKind, Registry};
use promotion_registry::Distribution;
use promotion_registry::distribution::Capabilities;
use serde::Serialize;

use crate::app::App;
use crate::connect::{Connector, LeaseLock};
use crate::error::Failure;
use crate::output::{Document, Paint, columns};

#[derive(Debug, Serialize)]
pub(super) struct Examined {
    repository: Repository,
    /// How many tags it has; absent when there is no such repository yet.
    tags: Option<usize>,
    pages: Option<bool>,
    referrers_api: Option<bool>,
    immutable_tags: Option<bool>,
    tag_delete: Option<bool>,
    multi_tag_put: Option<bool>,
    case_sensitive_tags: Option<bool>,
}

impl Document for Examined {
    const KIND: &'static str = "Registry";

    fn table(&self, paint: Paint) -> String {
        let known =
            |known: Option<bool>| known.map_or("not known", |known| if known { "yes" } else { "no" }).to_owned();
        let tags = self.tags.map_or_else(|| "no such repository yet".to_owned(), |tags| tags.to_string());
        let rows = [
            ("tags", tags),
            ("pages its listings", known(self.pages)),
            ("lists referrers itself", known(self.referrers_api)),
            ("refuses to move tags", known(self.immutable_tags)),
            ("deletes single tags", known(self.tag_delete)),
            ("takes several tags at once", known(self.multi_tag_put)),
            ("tells capitals in tags apart", known(self.case_sensitive_tags)),
        ];
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        columns(paint, &[&self.repository.to_string(), ""], &rows)
    }

    fn names(&self) -> Vec<String> {
        vec![self.repository.to_string()]
    }
}

/// Asks a registry what is harmless to ask; with `write`, also what only a write shows.
pub(super) async fn examine(app: &App, repository: &Repository, write: bool) -> Result<Examined, Failure> {
    let config = app.config()?;
    let registry = Connector::new(app, &config, repository)?.registry(repository)?;
    let lease = LeaseLock::of(&config, &app.out).filter(|_| write);
    let tags = match &lease {
        Some(lease) => {
            let held = lease.take().await?;
            let tags = look(&registry, write).await;
            drop(held);
            lease.settle().await;
            tags?
        }
        None => look(&registry, write).await?,
    };
    let known = registry.capabilities();
    let Capabilities { referrers_api, multi_tag_put, immutable_tags, tag_delete, pages, case_sensitive_tags } = known;
    let repository = repository.clone();
    Ok(Examined {
        repository,
        tags,
        pages,
        referrers_api,
        immutable_tags,
        tag_delete,
        multi_tag_put,
        case_sensitive_tags,
    })
}

async fn look(registry: &Distribution, write: bool) -> Result<Option<usize>, Failure> {
    let tags = match registry.list_tags().await {
        Ok(listing) => listing.tags,
        Err(error) if *error.kind() == PortErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(tag) = tags.first() else { return Ok(Some(0)) };
    if let Some(digest) = registry.resolve(tag).await? {
        registry.referrers(digest).await?;
        if write {
            let manifest = registry.manifest(digest).await?;
            registry.probe_multi_tag(tag, &manifest).await?;
        }
    }
    Ok(Some(tags.len()))
}
