//! Constraints by brute force: the grammar as a backtracking matcher over every possible end, the meaning case by case.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{NaiveVersion, loose, order};

/// Groups of atoms.
#[derive(Debug, Clone)]
pub struct NaiveConstraint(Vec<Vec<Atom>>);

#[derive(Debug, Clone)]
struct Atom {
    operator: String,
    kind: Kind,
    version: NaiveVersion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Major,
    Minor,
    Full,
}

/// Longest first, as the leftmost match of a regular expression prefers them.
const OPERATORS: [&str; 12] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^", ""];

/// Reads a constraint.
#[must_use]
pub fn constraint(text: &str) -> Option<NaiveConstraint> {
    if text.len() > 512 {
        return None;
    }
    let rewritten = without_hyphens(&text.chars().collect::<Vec<char>>());
    let groups: Vec<&str> = rewritten.split("||").collect();
    if groups.len() > 32 {
        return None;
    }
    groups
        .into_iter()
        .map(|group| atoms(&group.chars().collect::<Vec<char>>()))
        .collect::<Option<_>>()
        .map(NaiveConstraint)
}

impl NaiveConstraint {
    /// Whether a cluster with this constraint considers the version.
    #[must_use]
    pub fn accepts(&self, version: &NaiveVersion) -> bool {
        self.0.iter().any(|group| {
            let open = version.pre.is_empty() || group.iter().any(|atom| !atom.version.pre.is_empty());
            open && group.iter().all(|atom| atom.accepts(version))
        })
    }
}

impl Atom {
    fn accepts(&self, v: &NaiveVersion) -> bool {
        let c = &self.version;
        let compared = order(v, c);
        let (at_least, same) = (compared != Ordering::Less, compared == Ordering::Equal);
        let (major, minor) = (v.numbers[0].cmp(&c.numbers[0]), v.numbers[..2].cmp(&c.numbers[..2]));
        let same_minor_number = v.numbers[1] == c.numbers[1];
        match self.operator.as_str() {
            "" | "=" if self.kind == Kind::Full => same,
            "" | "=" | "~" | "~>" => {
                let zero = c.numbers.iter().all(|number| *number == 0);
                let everything = zero && matches!(self.kind, Kind::Any | Kind::Full);
                at_least && (everything || (major.is_eq() && (self.kind == Kind::Major || same_minor_number)))
            }
            "!=" => match self.kind {
                Kind::Major => major.is_ne(),
                Kind::Minor => {
                    let any_pre = !v.pre.is_empty() || !c.pre.is_empty();
                    major.is_ne() || !same_minor_number || (any_pre && v.pre != c.pre)
                }
                Kind::Any | Kind::Full => !same,
            },
            ">" => match self.kind {
                Kind::Major => major.is_gt(),
                Kind::Minor => minor.is_gt(),
                Kind::Any | Kind::Full => compared == Ordering::Greater,
            },
            "<" => !at_least,
            ">=" | "=>" => at_least,
            "<=" | "=<" => match self.kind {
                Kind::Full => compared != Ordering::Greater,
                Kind::Major => major.is_le(),
                Kind::Minor | Kind::Any => minor.is_le(),
            },
            _ => {
                at_least
                    && if c.numbers[0] > 0 || self.kind == Kind::Major {
                        major.is_eq()
                    } else if v.numbers[0] != 0 {
                        false
                    } else if c.numbers[1] > 0 || self.kind == Kind::Minor {
                        same_minor_number
                    } else {
                        v.numbers[1] == 0 && v.numbers[2] == c.numbers[2]
                    }
            }
        }
    }
}

/// `A - B` becomes `>= A, <= B `, from left to right, wherever it stands.
fn without_hyphens(text: &[char]) -> String {
    let mut rewritten = String::new();
    let mut at = 0;
    while at < text.len() {
        if let Some((low, high, end)) = range(text, at) {
            rewritten.push_str(&format!(">= {low}, <= {high} "));
            at = end;
        } else {
            rewritten.push(text[at]);
            at += 1;
        }
    }
    rewritten
}

/// The first way in which a range matches here: its bounds and its end.
fn range(text: &[char], at: usize) -> Option<(String, String, usize)> {
    let written = |from: usize, to: usize| text[from..to].iter().collect::<String>();
    for low in spaces(text, at, 0) {
        for low_end in version_ends(text, low) {
            for hyphen in spaces(text, low_end, 1) {
                for after in one(text, hyphen, |c| c == '-') {
                    for high in spaces(text, after, 1) {
                        if let Some(high_end) = version_ends(text, high).first().copied() {
                            let end = spaces(text, high_end, 0).first().copied().unwrap_or(high_end);
                            return Some((written(low, low_end), written(high, high_end), end));
                        }
                    }
                }
            }
        }
    }
    None
}

/// The atoms of a group, which must be nothing but atoms.
fn atoms(text: &[char]) -> Option<Vec<Atom>> {
    let mut starts = spaces(text, 0, 0);
    let mut atoms = Vec::new();
    loop {
        let (written, end) = starts.iter().find_map(|start| atom(text, *start))?;
        atoms.push(written);
        let after = spaces(text, end, 0);
        if after.contains(&text.len()) {
            return Some(atoms);
        }
        starts = spaces(text, end, 1);
        for comma in after.into_iter().flat_map(|at| one(text, at, |c| c == ',')) {
            starts.extend(spaces(text, comma, 0));
        }
    }
}

/// One atom that is followed by what may follow an atom.
fn atom(text: &[char], at: usize) -> Option<(Atom, usize)> {
    for operator in OPERATORS {
        let symbol: Vec<char> = operator.chars().collect();
        if !text[at..].starts_with(&symbol) {
            continue;
        }
        for start in spaces(text, at + symbol.len(), 0) {
            for end in version_ends(text, start) {
                if end < text.len() && !is_space(text[end]) && text[end] != ',' {
                    continue;
                }
                let written: String = text[start..end].iter().collect();
                let (kind, version) = bound(&written)?;
                return Some((Atom { operator: operator.into(), kind, version }, end));
            }
        }
    }
    None
}

/// How much of a version is written out, and the version with zeros for the rest.
fn bound(written: &str) -> Option<(Kind, NaiveVersion)> {
    let wild = |part: Option<&str>| matches!(part, None | Some("x" | "X" | "*"));
    let core_end = written.find(['-', '+']).unwrap_or(written.len());
    let (core, rest) = written.split_at(core_end);
    let pre = if rest.starts_with('-') { rest.split('+').next().unwrap_or_default() } else { "" };
    let parts: Vec<&str> = core.strip_prefix('v').unwrap_or(core).split('.').collect();
    let part = |index: usize| parts.get(index).copied();
    let (kind, text) = if wild(part(0)) {
        (Kind::Any, format!("0.0.0{pre}"))
    } else if wild(part(1)) {
        (Kind::Major, format!("{}.0.0{pre}", parts[0]))
    } else if wild(part(2)) {
        (Kind::Minor, format!("{}.{}.0{pre}", parts[0], parts[1]))
    } else {
        (Kind::Full, written.into())
    };
    Some((kind, loose(&text)?))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{c}' | '\r')
}

/// Where `c` ends, if it is here.
fn one(text: &[char], at: usize, is: impl Fn(char) -> bool) -> Vec<usize> {
    if text.get(at).is_some_and(|c| is(*c)) { alloc::vec![at + 1] } else { Vec::new() }
}

/// Where a run of at least so many such characters can end, the longest first.
fn run(text: &[char], at: usize, least: usize, is: impl Fn(char) -> bool) -> Vec<usize> {
    let longest = text[at..].iter().take_while(|c| is(**c)).count();
    (least..=longest).rev().map(|length| at + length).collect()
}

fn spaces(text: &[char], at: usize, least: usize) -> Vec<usize> {
    run(text, at, least, is_space)
}

/// Where a version of a constraint can end, in the order in which a greedy expression tries.
fn version_ends(text: &[char], at: usize) -> Vec<usize> {
    let part = |at: usize| run(text, at, 1, |c| c.is_ascii_digit() || "xX*|".contains(c));
    let optional = |ends: Vec<usize>, next: &dyn Fn(usize) -> Vec<usize>| {
        let mut all: Vec<usize> = Vec::new();
        for end in ends {
            let longer = next(end);
            all.extend(longer.into_iter().chain([end]));
        }
        let mut seen = Vec::new();
        all.retain(|end| {
            if seen.contains(end) {
                false
            } else {
                seen.push(*end);
                true
            }
        });
        all
    };
    let dotted = |at: usize| one(text, at, |c| c == '.').into_iter().flat_map(part).collect();
    let pre = |at: usize| one(text, at, |c| c == '-').into_iter().flat_map(|at| identifiers(text, at)).collect();
    let meta = |at: usize| one(text, at, |c| c == '+').into_iter().flat_map(|at| identifiers(text, at)).collect();
    let mut starts = one(text, at, |c| c == 'v');
    starts.push(at);
    let first: Vec<usize> = starts.into_iter().flat_map(part).collect();
    optional(optional(optional(optional(first, &dotted), &dotted), &pre), &meta)
}

/// Where identifiers joined by dots can end.
fn identifiers(text: &[char], at: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    for end in run(text, at, 1, |c| c.is_ascii_alphanumeric() || c == '-') {
        ends.extend(one(text, end, |c| c == '.').into_iter().flat_map(|next| identifiers(text, next)));
        ends.push(end);
    }
    ends
}
