//! What must be in a registry before something that is suspended goes on.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::image::{Image, images};
use super::rule::{Flaw, Rule};
use super::{Document, called, items, text};
use crate::flux::{ImagePolicy, select_image};
use crate::{Digest, Repository, Tag};

/// Something that will be wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The file.
    pub place: String,
    /// Who wants it: `HelmRelease web`.
    pub subject: String,
    /// What.
    pub wants: Wants,
}

/// What somebody will want of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// An image, with all its children where it is an index.
    Image(Image),
    /// A tag that an image policy chooses.
    Choice {
        /// As the `ImageRepository` names it.
        repository: String,
        /// The rules.
        policy: ImagePolicy,
    },
}

/// What a registry says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The image is there.
    Complete(Digest),
    /// It is not.
    Absent,
    /// It is an index, and this child of it is not there.
    Lacks(Digest),
    /// The repository's tags.
    Tags(Vec<Tag>),
    /// Why nobody can say.
    Unknown(String),
}

/// What everything that is suspended will want, and what image policies will choose from.
#[must_use]
pub fn awaited(documents: &[Document]) -> Vec<Awaited> {
    let mut awaited = Vec::new();
    for document in documents {
        let value = &document.value;
        let subject = called(value);
        let mut wants = |wants: Wants| {
            awaited.push(Awaited { place: document.place.clone(), subject: subject.clone(), wants });
        };
        match text(value, "/kind") {
            Some("HelmRelease") if value.pointer("/spec/suspend") == Some(&Value::Bool(true)) => {
                images(value).into_iter().map(Wants::Image).for_each(&mut wants);
            }
            Some("ImagePolicy") => choice(value, documents).into_iter().for_each(&mut wants),
            _ => {}
        }
    }
    awaited
}

/// An image policy with the repository that it chooses from, if that is among the documents.
fn choice(policy: &Value, documents: &[Document]) -> Option<Wants> {
    let of = |value: &Value, path: &str| text(value, path).map(ToString::to_string);
    let namespace = of(policy, "/metadata/namespace");
    let named = of(policy, "/spec/imageRepositoryRef/name")?;
    let in_namespace = of(policy, "/spec/imageRepositoryRef/namespace").or(namespace);
    let is_it = |other: &Value| {
        text(other, "/kind") == Some("ImageRepository")
            && of(other, "/metadata/name").as_ref() == Some(&named)
            && of(other, "/metadata/namespace") == in_namespace
    };
    let repository = documents.iter().map(|document| &document.value).find(|value| is_it(value))?;
    let mut rules = policy.get("spec")?.clone();
    let exclusions = items(repository, "/spec/exclusionList");
    if let (Some(rules), false) = (rules.as_object_mut(), exclusions.is_empty()) {
        rules.insert("exclusionList".to_string(), exclusions.into());
    }
    Some(Wants::Choice { repository: of(repository, "/spec/image")?, policy: serde_json::from_value(rules).ok()? })
}

impl Wants {
    /// Where to ask for it; `None` where the name is none of a repository.
    #[must_use]
    pub fn repository(&self) -> Option<Repository> {
        let name = match self {
            Self::Image(image) => &image.repository,
            Self::Choice { repository, .. } => repository,
        };
        let first = name.split('/').next().unwrap_or(name);
        // As docker reads names (distribution's reference grammar, "familiar names").
        let has_host = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
        let full = match (has_host, name.contains('/')) {
            (true, _) => format!("oci://{name}"),
            (false, true) => format!("oci://docker.io/{name}"),
            (false, false) => format!("oci://docker.io/library/{name}"),
        };
        full.parse().ok()
    }
}

impl Awaited {
    /// What is wrong with it, as the registry answered.
    #[must_use]
    pub fn flaw(&self, answer: &Answer) -> Option<Flaw> {
        let rule = match (answer, &self.wants) {
            (Answer::Complete(_), _) => return None,
            (Answer::Unknown(why), wants) => Rule::ResumeUnknown { wanted: wants.to_string(), why: why.clone() },
            (Answer::Lacks(child), wants) => Rule::ResumeLacksChild { image: wants.to_string(), child: *child },
            (Answer::Tags(tags), Wants::Choice { policy, .. }) => match select_image(tags, policy) {
                Ok(_) => return None,
                Err(error) => Rule::PolicySelectsNothing { why: error.to_string() },
            },
            (Answer::Absent | Answer::Tags(_), wants) => Rule::ResumeAbsent { image: wants.to_string() },
        };
        Some(Flaw { place: self.place.clone(), subject: self.subject.clone(), rule })
    }
}

impl core::fmt::Display for Wants {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Image(image) => image.fmt(f),
            Self::Choice { repository, .. } => f.write_str(repository),
        }
    }
}
