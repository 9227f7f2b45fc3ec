//! Whether everything is there that something suspended will want.

use promotion_core::lint::{Answer, Awaited, Document, Image, Wants, awaited};
use promotion_core::ports::{PortError, PortErrorKind, Registry};
use promotion_core::reason::Finding;
use promotion_core::{Digest, Repository};

use crate::app::App;
use crate::config::Config;
use crate::connect::Connector;
use crate::error::Failure;

/// Asks the registries. What cannot be told of one does not keep the others from being told.
pub(super) async fn check(app: &App, config: &Config, documents: &[Document]) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let awaited = awaited(documents);
    if awaited.is_empty() {
        app.out.note("nothing is suspended, and there is no image policy");
    }
    for one in awaited {
        let answer = match one.wants.repository() {
            Some(repository) => ask(app, config, &repository, &one).await?,
            None => Answer::Unknown("that is no name of a repository".to_owned()),
        };
        match one.flaw(&answer) {
            Some(flaw) => findings.push(Finding::warning(flaw.into())),
            None => app.out.note(&format!("{}: {}: {}", one.subject, one.wants, told(&answer))),
        }
    }
    Ok(findings)
}

fn told(answer: &Answer) -> String {
    match answer {
        Answer::Complete(digest) => format!("is there: {digest}"),
        Answer::Tags(tags) => format!("chooses from {} tags", tags.len()),
        Answer::Absent | Answer::Lacks(_) | Answer::Unknown(_) => "is not".to_owned(),
    }
}

async fn ask(app: &App, config: &Config, repository: &Repository, awaited: &Awaited) -> Result<Answer, Failure> {
    let registry = Connector::named_by_a_file(app, config, repository)?.registry(repository)?;
    let answer = match &awaited.wants {
        Wants::Image(image) => look(&registry, image).await,
        Wants::Choice { .. } => registry.list_tags().await.map(|listing| Answer::Tags(listing.tags)),
    };
    Ok(answer.unwrap_or_else(|error| match error.kind() {
        PortErrorKind::NotFound => Answer::Absent,
        _ => Answer::Unknown(crate::error::chain(&error)),
    }))
}

async fn look(registry: &dyn Registry, image: &Image) -> Result<Answer, PortError> {
    let digest: Digest = match (&image.digest, &image.tag) {
        (Some(digest), _) => match digest.parse() {
            Ok(digest) => digest,
            Err(error) => return Ok(Answer::Unknown(format!("{digest}: {error}"))),
        },
        (None, Some(tag)) => match tag.parse() {
            Ok(tag) => match registry.resolve(&tag).await? {
                Some(digest) => digest,
                None => return Ok(Answer::Absent),
            },
            Err(error) => return Ok(Answer::Unknown(format!("{tag}: {error}"))),
        },
        (None, None) => return Ok(Answer::Absent),
    };
    let manifest = registry.manifest(digest).await?;
    let children: Vec<Digest> = match manifest.links() {
        Ok(links) => links.manifests.iter().map(|child| child.digest).collect(),
        Err(error) => return Ok(Answer::Unknown(error.to_string())),
    };
    let found = registry.manifest_all(&children).await?;
    let lost = children.iter().zip(&found).find(|(_, found)| found.is_none());
    Ok(lost.map_or(Answer::Complete(digest), |(child, _)| Answer::Lacks(*child)))
}
