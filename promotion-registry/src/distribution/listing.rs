//! All tags: page after page, to an end that is proven.
//!
//! - A `Link` to the next page is followed, at the registry only, as it was written. Where there were links, the page
//!   without one is the last, as the specification has it.
//! - Without any `Link`, fewer names than were asked for are all names, and so are more: that registry does not count
//!   (distribution 2.8). Exactly as many may be a page, so the registry is asked what follows the last name, until
//!   an answer brings no new one. A registry that cuts its pages shorter than asked *and* names no next page breaks the
//!   specification and cannot be told from one that has no more tags.
//! - Order and repetitions are the registry's, as Flux sees them. Only of a page that was not linked to, and so may
//!   begin anew (ggcr's registry does), known names are left out; a linked page of nothing but known names adds nothing.
//! - When a page is gone (zot, after the tag that it continues from was deleted), the listing begins again.

use std::collections::HashSet;
use std::fmt;

use promotion_core::Tag;
use promotion_core::ports::{Listing, PortError, PortErrorKind};
use reqwest::{StatusCode, Url};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::link;
use super::operation::{Document, Got, Limit, Operation, object};
use super::shown;

/// Names asked for at once: what most registries give at most.
const PAGE: usize = 1000;
/// Pages of a listing at most.
const PAGES: usize = 10_000;
/// Pages in succession that may bring nothing new.
const IDLE: usize = 10;
/// Bytes of a listing at most: hundreds of thousands of tags.
const BYTES: usize = 16 << 20;
/// Names of a listing at most: each takes many times its bytes in memory, and may be a letter.
const NAMES: usize = 1_000_000;
/// How often a listing that changed under us is begun.
const BEGINNINGS: usize = 3;

#[derive(Deserialize)]
struct Page {
    /// `null` where there are none; an answer that does not speak of tags is no listing.
    #[serde(deserialize_with = "Option::deserialize")]
    tags: Option<Names>,
}

/// Names of one page; of more than are allowed, one.
#[derive(Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut names: A) -> Result<Self, A::Error> {
        while self.0.len() <= NAMES {
            let Some(name) = names.next_element()? else { return Ok(self) };
            self.0.push(name);
        }
        while names.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

/// What the pages so far have brought.
#[derive(Default)]
struct Pages {
    listing: Listing,
    seen: HashSet<String>,
    visited: HashSet<Url>,
    bytes: usize,
    idle: usize,
    linked: bool,
}

/// Where to go after a page.
enum Next {
    Link(Url),
    After(String),
    End,
}

impl Operation<'_> {
    /// The listing of [`promotion_core::ports::Registry::list_tags`].
    pub(super) async fn list(&self) -> Result<Listing, PortError> {
        for _ in 0..BEGINNINGS {
            if let Some(listing) = self.list_once().await? {
                return Ok(listing);
            }
        }
        let message = format!(
            "the page that should follow was not found, {BEGINNINGS} times; tags may be deleted meanwhile: try again"
        );
        Err(self.error(PortErrorKind::Unavailable, message))
    }

    /// One walk through the pages; `None` when one of them is gone.
    async fn list_once(&self) -> Result<Option<Listing>, PortError> {
        let mut pages = Pages::default();
        let mut url = self.endpoints().tags(PAGE, None);
        let mut by_link = true;
        while pages.visited.insert(url.clone()) {
            let limit = Limit { bytes: BYTES - pages.bytes, what: "the rest of the listing" };
            let document = match self.get(&url, None, limit).await? {
                Got::Document(document) => document,
                // zot says so without a word, which proves nothing of the repository, and need not: it begins anew.
                Got::Other(answer) if answer.status == StatusCode::NOT_FOUND && pages.visited.len() > 1 => {
                    return Ok(None);
                }
                Got::Other(answer) if answer.status == StatusCode::NOT_FOUND => {
                    self.absent(*answer).await?;
                    return Err(self.no_repository());
                }
                Got::Other(answer) => return Err(answer.refused().await),
            };
            let next = self.turn(&mut pages, document, by_link)?;
            by_link = matches!(next, Next::Link(_));
            url = match next {
                Next::Link(url) => url,
                Next::After(last) => self.endpoints().tags(PAGE, Some(&last)),
                Next::End => return Ok(Some(pages.listing)),
            };
            if pages.visited.len() >= PAGES || pages.idle >= IDLE {
                break;
            }
        }
        let (read, names) = (pages.visited.len(), pages.seen.len());
        Err(self.corrupt(format!(
            "the listing does not end: {read} pages were read, with {names} names, and another follows"
        )))
    }

    /// Takes a page in, and says where the next one is.
    fn turn(&self, pages: &mut Pages, document: Document, by_link: bool) -> Result<Next, PortError> {
        pages.bytes += document.body.len();
        let names = names(&document.body)
            .map_err(|error| self.corrupt(format!("{} is not a list of tags: {error}", shown::url(&document.url))))?;
        if pages.listing.tags.len() + pages.listing.not_tags.len() + names.len() > NAMES {
            return Err(self.error(PortErrorKind::Unsupported, format!("the listing has more than {NAMES} names")));
        }
        let (count, last) = (names.len(), names.last().cloned());
        let news = pages.add(names, by_link);
        if let Some(url) = self.linked(&document)? {
            pages.linked = true;
            self.registry.learned.note(|known| known.pages = Some(true));
            return Ok(Next::Link(url));
        }
        if count > PAGE {
            self.registry.learned.note(|known| known.pages = Some(false));
        }
        match last {
            Some(last) if count == PAGE && news && !pages.linked => Ok(Next::After(last)),
            _ => Ok(Next::End),
        }
    }

    /// The next page's address: a registry that sends us elsewhere for its tags is not believed.
    pub(super) fn linked(&self, page: &Document) -> Result<Option<Url>, PortError> {
        let from = shown::url(&page.url);
        let Some(target) = link::next(&page.headers)
            .map_err(|_| self.corrupt(format!("{from} names a next page in a Link header that cannot be read")))?
        else {
            return Ok(None);
        };
        match self.endpoints().pointed(&page.url, target) {
            Some(url) if self.endpoints().is_home(&url) => Ok(Some(url)),
            Some(url) => {
                let elsewhere = shown::url(&url);
                Err(self.corrupt(format!("{from} says that the next page is at {elsewhere}: another host")))
            }
            None => Err(self.corrupt(format!("{from} names a next page that is no address"))),
        }
    }

    fn no_repository(&self) -> PortError {
        self.error(
            PortErrorKind::NotFound,
            "the registry knows no such repository; nothing was pushed, or we may not see it",
        )
    }
}

/// The names that a page lists.
pub(crate) fn names(page: &[u8]) -> Result<Vec<String>, String> {
    object(page)?;
    let page: Page = serde_json::from_slice(page).map_err(|error| error.to_string())?;
    Ok(page.tags.unwrap_or_default().0)
}

impl Pages {
    /// Adds names, and says whether any was new.
    fn add(&mut self, names: Vec<String>, by_link: bool) -> bool {
        let first = self.visited.len() == 1;
        let fresh: Vec<bool> = names.iter().map(|name| !self.seen.contains(name)).collect();
        let news = fresh.contains(&true);
        self.idle = if news { 0 } else { self.idle + 1 };
        for (name, fresh) in names.into_iter().zip(fresh) {
            if first || fresh || (by_link && news) {
                self.seen.insert(name.clone());
                match name.parse::<Tag>() {
                    Ok(tag) => self.listing.tags.push(tag),
                    Err(_) => self.listing.not_tags.push(name),
                }
            }
        }
        news
    }
}
