//! Listings of tags in the ways of paging that are known.

use bytes::Bytes;
use hyper::header::LINK;
use hyper::{Request, Response, StatusCode};
use serde_json::json;

use super::Paging;
use super::answer::{json as answer, name_unknown, parameter, with};
use super::state::State;

/// Where a page begins, and which address leads to the next one.
struct Page {
    start: usize,
    length: usize,
    link: Option<String>,
}

impl State {
    pub(super) fn list_tags(&mut self, repository: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(stored) = self.repositories.get(repository) else { return name_unknown(repository) };
        let paging = self.quirks.paging;
        let mut tags: Vec<&str> = stored.tags.iter().map(|(tag, _)| tag.as_str()).collect();
        if paging == Paging::IgnoresN {
            tags.reverse();
        } else {
            tags.sort_unstable();
        }
        let Page { start, length, link } = page(paging, &tags, request);
        let tags = &tags[start..(start + length).min(tags.len())];
        let listing = answer(StatusCode::OK, json!({"name": repository, "tags": tags}));
        match link {
            Some(query) => with(listing, LINK, format!("<{}?{query}>; rel=\"next\"", request.uri().path())),
            None => listing,
        }
    }
}

fn page(paging: Paging, tags: &[&str], request: &Request<Bytes>) -> Page {
    let asked = parameter(request, "n").and_then(|n| n.parse().ok());
    let last = parameter(request, "last").unwrap_or_default();
    let after = tags.iter().position(|tag| *tag > last.as_str());
    let after_last = if last.is_empty() { 0 } else { after.unwrap_or(tags.len()) };
    let all = asked.unwrap_or(tags.len());
    match paging {
        Paging::Link => linked(tags, after_last, all),
        Paging::CapsAt(most) => linked(tags, after_last, all.min(most)),
        Paging::IgnoresN => Page { start: 0, length: tags.len(), link: None },
        Paging::NoLinkButLast => Page { start: after_last, length: all, link: None },
        Paging::RestartsForever => Page { start: after_last % tags.len().max(1), length: all, link: None },
        Paging::OpaqueCursor => {
            let start = parameter(request, "cursor").and_then(|cursor| uncovered(&cursor)).unwrap_or_default();
            let end = start + all;
            let link = (end < tags.len()).then(|| format!("n={all}&cursor={}", covered(end)));
            Page { start: start.min(tags.len()), length: all, link }
        }
        Paging::RepeatsPages => {
            let link = format!("n={all}&last={last}");
            Page { start: after_last, length: all, link: Some(link) }
        }
    }
}

/// A page with a link to the next one, by its own last tag.
fn linked(tags: &[&str], start: usize, length: usize) -> Page {
    let end = start.saturating_add(length);
    let last = tags.get(end.wrapping_sub(1)).filter(|_| length > 0 && end < tags.len());
    Page { start, length, link: last.map(|last| format!("n={length}&last={last}")) }
}

/// A cursor that looks like no tag and no number.
fn covered(place: usize) -> String {
    format!("%2B{:x}%3D%3D", place ^ 0x5eed)
}

fn uncovered(cursor: &str) -> Option<usize> {
    let hex = cursor.strip_prefix('+')?.strip_suffix("==")?;
    Some(usize::from_str_radix(hex, 16).ok()? ^ 0x5eed)
}
