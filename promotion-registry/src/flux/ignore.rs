//! What stays out of an artifact: Flux's patterns, with Flux's rules.
//!
//! The syntax is that of `.gitignore`, but the rules are those of the matcher that Flux has, and they differ from
//! git's in ways that decide what a cluster gets:
//!
//! - a negation (`!keep.yaml`) brings a file back even from an ignored folder;
//! - the last pattern that matches decides, over all files of patterns;
//! - `**` counts only as a whole component, and `a/**` takes `a` itself too;
//! - a pattern with a slash in the middle or in front is anchored, and takes everything below what it matches;
//! - `[^a]` negates a class, `[!a]` does not; a malformed pattern matches nothing.

use std::io;
use std::path::Path;

/// What `flux push artifact` ignores unless told otherwise: version control, pictures and archives.
pub(super) const FLUX_DEFAULTS: [&str; 12] = [
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
];

/// Name of the files with patterns that Flux's source controller reads.
const SOURCE_IGNORE: &str = ".sourceignore";

/// What to leave out.
///
/// ```
/// use promotion_registry::flux::Ignore;
///
/// let ignore = Ignore::flux().with_patterns(["/docs", "!docs/crd.yaml"]);
/// assert!(ignore.ignores("logo.png", false));
/// assert!(ignore.ignores("docs/index.md", false));
/// assert!(!ignore.ignores("docs/crd.yaml", false));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
    source_ignore: bool,
}

impl Ignore {
    /// Nothing is left out.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The default of `flux push artifact --ignore-paths`.
    #[must_use]
    pub fn flux() -> Self {
        Self::nothing().with_patterns(FLUX_DEFAULTS)
    }

    /// Adds patterns, each a line of a `.gitignore`; later ones win.
    #[must_use]
    pub fn with_patterns<T: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.patterns.extend(patterns.into_iter().flat_map(|text| parse(text.as_ref(), &[])));
        self
    }

    /// Also reads the `.sourceignore` files of the tree, each for its own folder, as Flux's source controller does for
    /// a Git repository (`flux push artifact` does not).
    #[must_use]
    pub fn with_source_ignore(mut self) -> Self {
        self.source_ignore = true;
        self
    }

    /// Whether a path, relative to the root and with `/`, is left out.
    #[must_use]
    pub fn ignores(&self, path: &str, is_dir: bool) -> bool {
        let components: Vec<&str> = path.split('/').collect();
        // From the highest priority down, the first that says anything decides.
        let decides = self.patterns.iter().rev().find(|pattern| pattern.matches(&components, is_dir));
        decides.is_some_and(|pattern| !pattern.inclusion)
    }

    /// Whether everything below an ignored folder is ignored too, so that it need not be walked.
    pub(super) fn is_final(&self) -> bool {
        self.patterns.iter().all(|pattern| !pattern.inclusion)
    }

    /// The same with the patterns of the tree's own files, where they are wanted.
    pub(super) fn of_tree(&self, root: &Path) -> io::Result<Self> {
        let mut ignore = self.clone();
        if self.source_ignore {
            ignore.load(root, &mut Vec::new())?;
        }
        Ok(ignore)
    }

    fn load(&mut self, folder: &Path, domain: &mut Vec<String>) -> io::Result<()> {
        match std::fs::read(folder.join(SOURCE_IGNORE)) {
            Ok(text) => self.patterns.extend(parse(&String::from_utf8_lossy(&text), domain)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name() != ".git" {
                folders.push(entry.file_name());
            }
        }
        folders.sort();
        for name in folders {
            domain.push(name.to_string_lossy().into_owned());
            self.load(&folder.join(&name), domain)?;
            domain.pop();
        }
        Ok(())
    }
}

fn parse(text: &str, domain: &[String]) -> Vec<Pattern> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| Pattern::parse(line, domain)).collect()
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// The folder whose file the pattern is from.
    domain: Vec<String>,
    components: Vec<Component>,
    inclusion: bool,
    dir_only: bool,
    /// Has a slash that is not at its end.
    anchored: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Component {
    /// Before a leading slash, or between two.
    Empty,
    /// `**`.
    Deep,
    /// `**` beside something else, which the rules refuse.
    Broken,
    Glob(Glob),
}

impl Pattern {
    fn parse(line: &str, domain: &[String]) -> Self {
        let (inclusion, text) = match line.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, line),
        };
        let text = if text.ends_with("\\ ") { text } else { text.trim_end_matches(' ') };
        let (dir_only, text) = match text.strip_suffix('/') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let anchored = text.contains('/');
        let component = |part: &str| match part {
            "" if anchored => Component::Empty,
            "**" if anchored => Component::Deep,
            part if anchored && part.contains("**") => Component::Broken,
            part => Component::Glob(Glob::parse(part)),
        };
        let components = text.split('/').map(component).collect();
        Self { domain: domain.to_vec(), components, inclusion, dir_only, anchored }
    }

    fn matches(&self, path: &[&str], is_dir: bool) -> bool {
        let inside =
            path.len() > self.domain.len() && path.iter().zip(&self.domain).all(|(name, domain)| name == domain);
        let path = path.get(self.domain.len()..).unwrap_or_default();
        inside && if self.anchored { self.matches_anchored(path, is_dir) } else { self.matches_any_name(path, is_dir) }
    }

    /// A pattern without a slash matches a name at any depth, and with it everything below.
    fn matches_any_name(&self, path: &[&str], is_dir: bool) -> bool {
        let Some(Component::Glob(glob)) = self.components.first() else { return false };
        let found = path.iter().position(|name| glob.matches(name));
        found.is_some_and(|at| !self.dir_only || is_dir || at + 1 < path.len())
    }

    fn matches_anchored(&self, path: &[&str], is_dir: bool) -> bool {
        let (mut path, mut matched, mut deep) = (path, false, false);
        for (at, component) in self.components.iter().enumerate() {
            match component {
                Component::Empty => deep = false,
                Component::Deep if at + 1 == self.components.len() => break,
                Component::Deep => deep = true,
                Component::Broken => return false,
                Component::Glob(_) if path.is_empty() => return false,
                Component::Glob(glob) if deep => {
                    deep = false;
                    match path.iter().position(|name| glob.matches(name)) {
                        Some(found) => {
                            matched = true;
                            path = &path[found + 1..];
                        }
                        None => {
                            matched = false;
                            path = &[];
                        }
                    }
                }
                Component::Glob(glob) => {
                    if !glob.matches(path[0]) {
                        return false;
                    }
                    matched = true;
                    path = &path[1..];
                }
            }
        }
        matched && !(self.dir_only && !is_dir && path.is_empty())
    }
}

/// A pattern of one name, as Go's `path/filepath.Match` has it; `None` when malformed, which matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob(Option<Vec<Token>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Star,
    AnyOne,
    One(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    fn parse(text: &str) -> Self {
        let mut chars = text.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(char) = chars.next() {
            let token = match char {
                '*' => Some(Token::Star),
                '?' => Some(Token::AnyOne),
                '\\' => chars.next().map(Token::One),
                '[' => class(&mut chars),
                char => Some(Token::One(char)),
            };
            match token {
                Some(token) => tokens.push(token),
                None => return Self(None),
            }
        }
        Self(Some(tokens))
    }

    fn matches(&self, name: &str) -> bool {
        let Some(tokens) = &self.0 else { return false };
        let name: Vec<char> = name.chars().collect();
        let (mut token, mut char) = (0, 0);
        // Where to go on when the last star has to take one more character.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match (tokens.get(token), name.get(char)) {
                (None, None) => return true,
                (Some(Token::Star), _) => {
                    retry = Some((token, char));
                    token += 1;
                    continue;
                }
                (Some(one), Some(found)) if one.matches(*found) => {
                    token += 1;
                    char += 1;
                    continue;
                }
                _ => {}
            }
            match &mut retry {
                Some((star, taken)) if *taken < name.len() => {
                    *taken += 1;
                    (token, char) = (*star + 1, *taken);
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn matches(&self, found: char) -> bool {
        match self {
            Self::Star => false,
            Self::AnyOne => true,
            Self::One(char) => *char == found,
            Self::Class { negated, ranges } => {
                *negated != ranges.iter().any(|(low, high)| (*low..=*high).contains(&found))
            }
        }
    }
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    let end = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        char => Some(char),
    };
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Some(Token::Class { negated, ranges });
        }
        let low = end(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { end(chars)? } else { low };
        // A class that the text's end leaves open is malformed.
        chars.peek()?;
        ranges.push((low, high));
    }
}
