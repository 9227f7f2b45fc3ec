//! The `Link` header (RFC 8288): where the next page is.

use reqwest::header::{HeaderMap, LINK};

/// A header that speaks of a next page and cannot be read: taken for none, it would end a listing early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The target of the first link whose relation is `next`, as the registry wrote it.
pub(crate) fn next(headers: &HeaderMap) -> Result<Option<&str>, Unreadable> {
    for value in headers.get_all(LINK) {
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Unreadable)?;
        if let Some(target) = next_of(text)? {
            return Ok(Some(target));
        }
    }
    Ok(None)
}

fn next_of(mut rest: &str) -> Result<Option<&str>, Unreadable> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((target, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
            return if rest.to_ascii_lowercase().contains("next") { Err(Unreadable) } else { Ok(None) };
        };
        let (is_next, after) = parameters(after);
        if is_next {
            return Ok(Some(target));
        }
        rest = after;
    }
}

/// Reads the parameters of one link: whether it is the next page, and what follows it.
fn parameters(mut rest: &str) -> (bool, &str) {
    // Only the first `rel` counts.
    let mut relation: Option<&str> = None;
    while let Some(parameter) = rest.trim_start().strip_prefix(';') {
        let parameter = parameter.trim_start();
        let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
        let (name, after) = parameter.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        if name.trim().eq_ignore_ascii_case("rel") {
            relation.get_or_insert(value);
        }
        rest = after;
    }
    let is_next =
        relation.is_some_and(|types| types.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case("next")));
    (is_next, rest)
}

/// A parameter's value, quoted or not, and what follows it. Escapes stay: no relation has one.
fn value(text: &str) -> (&str, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim_end(), &text[end..]);
    };
    let mut escaped = false;
    let end = quoted.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    match end {
        Some(end) => (&quoted[..end], &quoted[end + 1..]),
        None => (quoted, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, next_of};

    #[test]
    fn the_next_page_is_found_in_every_spelling() {
        for (header, expected) in [
            (r#"</v2/a/tags/list?last=x&n=2>; rel="next""#, Some("/v2/a/tags/list?last=x&n=2")),
            ("<u>;rel=next", Some("u")),
            ("<u> ; REL = Next ;x=y", Some("u")),
            (r#"<first>; rel="first", <u>; title="a, <b>; rel=next"; rel="prev next""#, Some("u")),
            (r#"<a,b;c>; rel="next""#, Some("a,b;c")),
            (r#"<u>; title="say \"hi\", <v>; rel=next"; rel=next"#, Some("u")),
            (r#"<u>; rel="prev"; rel="next""#, None),
            (r#"<u>; rel="nextish""#, None),
            ("<u>; crossorigin; rel=next", Some("u")),
            ("<u>", None),
            (r#"<u>; rel="next"#, Some("u")),
            ("", None),
            ("u; rel=prev", None),
            ("<u>; rel=prev, help", None),
            (r#"<list?last=ü>; rel="next""#, Some("list?last=ü")),
        ] {
            assert_eq!(next_of(header), Ok(expected), "{header}");
        }
    }

    #[test]
    fn a_next_page_that_cannot_be_read_is_not_none() {
        for header in ["u; rel=next", "<u; rel=next", "<a>; rel=prev, b; rel=\"NEXT\"", "next"] {
            assert_eq!(next_of(header), Err(Unreadable), "{header}");
        }
    }
}
