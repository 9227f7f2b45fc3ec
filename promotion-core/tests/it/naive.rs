//! A slow second opinion on constraints and selection, written from the rules without a look at the crate's own code: versions are
//! split with `split`, groups are evaluated over all tags, and everything is sorted.

use std::cmp::Ordering;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NaiveVersion {
    pub(crate) numbers: Vec<u64>,
    pub(crate) pre: Vec<String>,
}

/// Reads a version without metadata rules beyond the grammar.
pub(crate) fn version(tag: &str) -> Option<NaiveVersion> {
    if tag.matches('.').count() < 2 {
        return None;
    }
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let (tag, meta) = tag.split_once('+').map_or((tag, None), |(tag, meta)| (tag, Some(meta)));
    let (core, pre) = tag.split_once('-').map_or((tag, None), |(core, pre)| (core, Some(pre)));
    let numbers: Vec<&str> = core.split('.').collect();
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let identifiers = |text: &str| {
        text.split('.').all(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    if numbers.len() > 3 || !numbers.iter().all(|number| digits(number)) || !meta.is_none_or(identifiers) {
        return None;
    }
    if !pre.is_none_or(identifiers) {
        return None;
    }
    let pre: Vec<String> = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
    if pre.iter().any(|id| digits(id) && id.len() > 1 && id.starts_with('0')) {
        return None;
    }
    let mut numbers: Vec<u64> = numbers.iter().map(|number| number.parse().ok()).collect::<Option<_>>()?;
    numbers.resize(3, 0);
    Some(NaiveVersion { numbers, pre })
}

pub(crate) fn order(a: &NaiveVersion, b: &NaiveVersion) -> Ordering {
    let numbers = a.numbers.cmp(&b.numbers);
    if numbers != Ordering::Equal {
        return numbers;
    }
    if a.pre.is_empty() || b.pre.is_empty() {
        return a.pre.is_empty().cmp(&b.pre.is_empty());
    }
    for (a, b) in a.pre.iter().zip(&b.pre) {
        let by_id = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.as_bytes().cmp(b.as_bytes()),
        };
        if by_id != Ordering::Equal {
            return by_id;
        }
    }
    a.pre.len().cmp(&b.pre.len())
}

/// Selects among `>=low` tags: the tags that share the highest version, in listing order, and how many tags match.
pub(crate) fn at_least<'t>(low: &str, tags: &[&'t str]) -> (Vec<&'t str>, usize) {
    let low = version(low).unwrap();
    let admits = |v: &NaiveVersion| order(v, &low) != Ordering::Less && (v.pre.is_empty() || !low.pre.is_empty());
    let mut matching: Vec<(NaiveVersion, &str)> =
        tags.iter().filter_map(|tag| Some((version(tag)?, *tag))).filter(|(v, _)| admits(v)).collect();
    let count = matching.len();
    matching.sort_by(|a, b| order(&b.0, &a.0));
    let Some(top) = matching.first().map(|(v, _)| v.clone()) else {
        return (Vec::new(), 0);
    };
    (matching.into_iter().filter(|(v, _)| order(v, &top).is_eq()).map(|(_, tag)| tag).collect(), count)
}
