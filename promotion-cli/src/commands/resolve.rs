use std::path::PathBuf;

use promotion_core::Repository;
use promotion_core::flux::{FilterError, SelectError, Selection, Selector, select};
use promotion_core::forecast::poison;
use promotion_core::policy::Policy;
use promotion_core::{Digest, Tag};
use serde::Serialize;

use crate::app::{self, App};
use crate::connect::{Connector, Open};
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::output::{Document, Paint};

mod tags;

/// Predict which tag Flux selects, and refuse to guess
///
/// Follows Flux 2.7 and newer exactly, which no semver library of another language does. Exits 3 when the choice
/// depends on an accident (tied versions among more than 12 matches) or the filter cannot be predicted, and 5 when
/// nothing matches.
#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    /// The repository, `oci://HOST/PATH` or `ocidir://PATH`; the configuration's where absent
    #[arg(value_name = "REPO", conflicts_with = "tags_from")]
    repository: Option<Repository>,

    /// The OCIRepository's ref.semver
    #[arg(long, value_name = "CONSTRAINT")]
    semver: String,

    /// The OCIRepository's ref.semverFilter
    #[arg(long, value_name = "REGEX")]
    filter: Option<String>,

    /// The OCIRepository's layerSelector.mediaType; for Helm charts `_` in tags reads as `+`
    #[arg(long, value_name = "TYPE")]
    media_type: Option<String>,

    /// Tags from a file instead of a repository: one a line, a JSON list, or what crane, flux and registries print; `-`
    /// for stdin. Their order counts where versions tie
    #[arg(long, value_name = "FILE")]
    tags_from: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Resolved {
    tag: Option<String>,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    ambiguous: Vec<String>,
    runners_up: Vec<String>,
    poison: Vec<String>,
}

impl Document for Resolved {
    const KIND: &'static str = "Selection";

    fn table(&self, paint: Paint) -> String {
        let mut lines = Vec::new();
        match &self.tag {
            Some(tag) => lines.push(paint.green(tag)),
            None => {
                let tied = self.ambiguous.join(", ");
                lines.push(format!("{} {tied}", paint.red("ambiguous, Flux takes one of:")));
                lines.push("  -> remove all but one, or tell them apart with --filter".to_owned());
            }
        }
        lines.extend(self.digest.map(|digest| format!("  {:<10} {digest}", "digest")));
        if !self.runners_up.is_empty() {
            lines.push(format!("  {:<10} {}", "then", self.runners_up.join(", ")));
        }
        for poison in &self.poison {
            lines.push(format!(
                "{} {poison} is not this pipeline's, and no tag of the pipeline outranks it",
                paint.yellow("poison:")
            ));
        }
        lines.join("\n")
    }

    fn names(&self) -> Vec<String> {
        self.tag.iter().cloned().collect()
    }
}

impl ResolveArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let selector = Selector::parse(&self.semver, self.filter.as_deref(), self.media_type.as_deref());
        let selector = selector.map_err(|error| self.invalid(&error))?;
        let config = app.config()?;
        let Some(file) = &self.tags_from else {
            let repository = app::repository(self.repository.clone(), &config)?;
            let registry = Connector::new(app, &config, &repository)?.open(&repository, Open::Existing).await?;
            let tags = registry.list_tags().await?.tags;
            let mut resolved = match resolve(&tags, &selector, &config.policy) {
                Ok(resolved) => resolved,
                Err(error) => return Err(self.invalid(&error).at(repository.to_string())),
            };
            if let Some(tag) = resolved.tag.as_ref().and_then(|tag| tag.parse::<Tag>().ok()) {
                resolved.digest = registry.resolve(&tag).await?;
            }
            return show(app, &resolved);
        };
        let tags = tags::read(file)?;
        app.out.detail(&format!("{} tags", tags.len()));
        let resolved = resolve(&tags, &selector, &config.policy);
        show(app, &resolved.map_err(|error| self.invalid(&error).at(crate::target::place(file)))?)
    }

    fn invalid(&self, error: &SelectError) -> Failure {
        let message = error.to_string();
        match error {
            SelectError::Filter(FilterError::Unpredictable { .. }) => {
                Failure::new(Exit::Refused, Id::UNPREDICTABLE, "read --filter", message)
            }
            SelectError::Filter(_) => Failure::new(Exit::Usage, Id::BAD_FILTER, "read --filter", message),
            SelectError::Constraint(_) => Failure::new(Exit::Usage, Id::BAD_CONSTRAINT, "read --semver", message),
            _ => Failure::new(Exit::NotFound, Id::NO_MATCH, "select a tag", message).fix(self.no_match_fix()),
        }
    }

    /// The usual reason why nothing matches: the tags are pre-releases, and the constraint admits none.
    fn no_match_fix(&self) -> String {
        if self.semver.contains('-') {
            "Flux keeps what is deployed; widen the constraint or the filter".to_owned()
        } else {
            format!(
                "Flux keeps what is deployed; pre-releases match only a constraint with one: {:?}",
                format!("{}-0", self.semver.trim())
            )
        }
    }
}

fn show(app: &App, resolved: &Resolved) -> Result<Exit, Failure> {
    app.out.document(resolved)?;
    Ok(if resolved.tag.is_some() { Exit::Done } else { Exit::Refused })
}

fn resolve<T: AsRef<str>>(tags: &[T], selector: &Selector, policy: &Policy) -> Result<Resolved, SelectError> {
    let selection: Selection<'_> = select(tags.iter().map(AsRef::as_ref), selector)?;
    let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    Ok(Resolved {
        tag: selection.tag.map(ToOwned::to_owned),
        version: selection.version.to_string(),
        digest: None,
        ambiguous: owned(&selection.ambiguous),
        runners_up: owned(&selection.runners_up),
        poison: owned(&poison(tags, selector, policy)),
    })
}
