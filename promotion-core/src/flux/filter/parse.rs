//! Reads Go's regular expression syntax, with Go's limits.
//!
//! ```
//! use promotion_core::flux::TagFilter;
//!
//! for rejected in ["*", "a**", "x{2}{3}", "x{1001}", "(?:x{40}){40}", "(?x)a", "(?=a)", "(a", "a)"] {
//!     assert!(TagFilter::parse(rejected).is_err(), "{rejected}");
//! }
//! for accepted in ["a{", "a{,3}", "^*", "a(?i)*", "(?P<x>a)(?<x>b)", "[a[b]", r"\Qa.b"] {
//!     assert!(TagFilter::parse(accepted).is_ok(), "{accepted}");
//! }
//! ```

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem;

use super::FilterError;
use super::class::Class;
use super::cursor::{Cursor, Stop};
use super::escape;
use super::program::{Look, Tree};

/// Nesting up to which the compiler's recursion is safe everywhere; Go allows 1000 levels of its own tree.
const MAX_HEIGHT: usize = 200;
/// Go's limit for a count, and for nested counts multiplied.
const MAX_COUNT: u64 = 1000;

pub(super) struct Parsed {
    pub(super) tree: Tree,
    pub(super) names: Vec<Option<Box<str>>>,
    /// Whether something that can be empty is repeated.
    pub(super) repeats_empty: bool,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

/// A part of the expression with what Go's limits look at.
struct Node {
    tree: Tree,
    /// Whether it can be empty.
    empty: bool,
    /// The largest product of nested counts.
    count: u64,
    height: usize,
}

impl Node {
    const fn leaf(tree: Tree) -> Self {
        Self { empty: matches!(tree, Tree::Look(_)), tree, count: 1, height: 1 }
    }

    /// One node of many; its limits are those of its worst part.
    fn of(mut parts: Vec<Self>, empty: bool, join: fn(Vec<Tree>) -> Tree) -> Self {
        if parts.len() < 2
            && let Some(only) = parts.pop()
        {
            return only;
        }
        let count = parts.iter().map(|part| part.count).max().unwrap_or(1);
        let height = parts.iter().map(|part| part.height).max().unwrap_or(0) + usize::from(!parts.is_empty());
        Self { tree: join(parts.into_iter().map(|part| part.tree).collect()), empty, count, height }
    }
}

/// An open group, or the whole pattern.
struct Group {
    /// The flags to return to when it closes.
    outer: Flags,
    /// Which group it is, counted from one.
    capture: Option<usize>,
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
}

impl Group {
    const fn new(outer: Flags, capture: Option<usize>) -> Self {
        Self { outer, capture, alternatives: Vec::new(), sequence: Vec::new() }
    }

    fn next_alternative(&mut self) {
        let sequence = mem::take(&mut self.sequence);
        let empty = sequence.iter().all(|part| part.empty);
        self.alternatives.push(Node::of(sequence, empty, Tree::All));
    }

    fn close(mut self) -> Node {
        self.next_alternative();
        let empty = self.alternatives.iter().any(|part| part.empty);
        let mut node = Node::of(self.alternatives, empty, Tree::Any);
        if let Some(group) = self.capture {
            node.tree = Tree::Capture(group, Box::new(node.tree));
            node.height += 1;
        }
        node
    }
}

struct Parser<'p> {
    cursor: Cursor<'p>,
    flags: Flags,
    group: Group,
    outer: Vec<Group>,
    names: Vec<Option<Box<str>>>,
    /// Whether the last item read was a repetition; only that one cannot be repeated.
    repeated: bool,
    repeats_empty: bool,
}

pub(super) fn parse(pattern: &str) -> Result<Parsed, FilterError> {
    let parser = Parser {
        cursor: Cursor::new(pattern),
        flags: Flags::default(),
        group: Group::new(Flags::default(), None),
        outer: Vec::new(),
        names: Vec::new(),
        repeated: false,
        repeats_empty: false,
    };
    parser.run().map_err(|stop| match stop {
        Stop::Invalid(at, reason) => FilterError::Invalid { pattern: pattern.to_string(), at, reason },
        Stop::Unpredictable(reason) => FilterError::Unpredictable { pattern: pattern.to_string(), reason },
    })
}

impl Parser<'_> {
    fn run(mut self) -> Result<Parsed, Stop> {
        while let Some(next) = self.cursor.peek() {
            self.repeated = self.item(next)?;
        }
        if self.outer.is_empty() {
            Ok(Parsed { tree: self.group.close().tree, names: self.names, repeats_empty: self.repeats_empty })
        } else {
            Err(Stop::Invalid(self.cursor.at, "missing closing )"))
        }
    }

    /// Reads one item and says whether it was a repetition.
    fn item(&mut self, next: char) -> Result<bool, Stop> {
        match next {
            '*' => return self.repetition(0, None, 1).map(|()| true),
            '+' => return self.repetition(1, None, 1).map(|()| true),
            '?' => return self.repetition(0, Some(1), 1).map(|()| true),
            '{' => return self.counted(),
            '(' => self.open()?,
            ')' => self.close()?,
            '|' => self.skip_then(Group::next_alternative),
            '^' => self.look(if self.flags.multi_line { Look::LineStart } else { Look::Start }, 1),
            '$' => self.look(if self.flags.multi_line { Look::LineEnd } else { Look::End }, 1),
            '.' => self.any(),
            '[' => {
                let class = escape::brackets(&mut self.cursor, self.flags.fold)?;
                self.push(Tree::Class(class));
            }
            '\\' => self.escape()?,
            literal => {
                self.cursor.skip(literal.len_utf8());
                self.literal(u32::from(literal));
            }
        }
        Ok(false)
    }

    fn skip_then(&mut self, action: fn(&mut Group)) {
        self.cursor.skip(1);
        action(&mut self.group);
    }

    fn push(&mut self, tree: Tree) {
        self.group.sequence.push(Node::leaf(tree));
    }

    fn look(&mut self, look: Look, length: usize) {
        self.cursor.skip(length);
        self.push(Tree::Look(look));
    }

    fn any(&mut self) {
        self.cursor.skip(1);
        let class = if self.flags.dot_newline { Class::ALL } else { Class::NEWLINE.negated() };
        self.push(Tree::Class(class));
    }

    fn literal(&mut self, code: u32) {
        self.push(Tree::Class(Class::range(code, code, self.flags.fold)));
    }

    fn escape(&mut self) -> Result<(), Stop> {
        match self.cursor.rest().as_bytes().get(1) {
            Some(b'A') => self.look(Look::Start, 2),
            Some(b'z') => self.look(Look::End, 2),
            Some(b'b') => self.look(Look::Word, 2),
            Some(b'B') => self.look(Look::NotWord, 2),
            Some(b'Q') => self.quoted(),
            _ => match escape::set(&mut self.cursor, self.flags.fold)? {
                Some(class) => self.push(Tree::Class(class)),
                None => {
                    let code = escape::character(&mut self.cursor)?;
                    self.literal(code);
                }
            },
        }
        Ok(())
    }

    /// Everything up to `\E`, or up to the end, stands for itself.
    fn quoted(&mut self) {
        self.cursor.skip(2);
        while let Some(literal) = self.cursor.peek() {
            if self.cursor.eat(r"\E") {
                return;
            }
            self.cursor.skip(literal.len_utf8());
            self.literal(u32::from(literal));
        }
    }

    /// `{2}`, `{2,}` or `{2,3}`; a brace that opens none of these is an ordinary character.
    fn counted(&mut self) -> Result<bool, Stop> {
        let Some((min, max, length)) = counts(self.cursor.rest()) else {
            self.cursor.skip(1);
            self.literal(u32::from('{'));
            return Ok(false);
        };
        if min.max(max.unwrap_or(0)) > MAX_COUNT || max.is_some_and(|max| max < min) {
            return Err(Stop::Invalid(self.cursor.at, "invalid repeat count"));
        }
        let start = self.cursor.at;
        // Both fit: they are at most 1000.
        self.repetition(min as u32, max.map(|max| max as u32), length)?;
        let Some(node) = self.group.sequence.last_mut() else { return Ok(true) };
        node.count = match max.unwrap_or(min) {
            0 if max.is_some() => 1,
            times => node.count.saturating_mul(times.max(1)),
        };
        if min.max(max.unwrap_or(0)) >= 2 && node.count > MAX_COUNT {
            return Err(Stop::Invalid(start, "invalid repeat count"));
        }
        Ok(true)
    }

    fn repetition(&mut self, min: u32, max: Option<u32>, length: usize) -> Result<(), Stop> {
        let start = self.cursor.at;
        self.cursor.skip(length);
        let lazy = self.cursor.eat("?");
        if self.repeated {
            return Err(Stop::Invalid(start, "invalid nested repetition operator"));
        }
        let Some(node) = self.group.sequence.last_mut() else {
            return Err(Stop::Invalid(start, "missing argument to repetition operator"));
        };
        self.repeats_empty |= max.is_none_or(|max| max > 1) && node.empty;
        let sub = Box::new(mem::replace(&mut node.tree, Tree::All(Vec::new())));
        node.tree = Tree::Repeat { min, max, greedy: lazy == self.flags.swap_greed, sub };
        node.empty |= min == 0;
        node.height += 1;
        check_height(node)
    }

    fn open(&mut self) -> Result<(), Stop> {
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        // Go looks for a name only where one more character follows.
        let named = (rest.starts_with("(?P<") && rest.len() > 4) || (rest.starts_with("(?<") && rest.len() > 3);
        if named {
            let name = group_name(rest).ok_or(Stop::Invalid(start, "invalid named capture"))?;
            let (before, _) = rest.split_once('<').unwrap_or((rest, ""));
            self.cursor.skip(before.len() + name.len() + 2);
            self.begin_capture(Some(name.into()));
            Ok(())
        } else if rest.starts_with("(?") {
            self.cursor.skip(2);
            self.flags_or_group().ok_or(Stop::Invalid(start, "invalid or unsupported Perl syntax"))
        } else {
            self.cursor.skip(1);
            self.begin_capture(None);
            Ok(())
        }
    }

    fn begin_capture(&mut self, name: Option<Box<str>>) {
        self.names.push(name);
        self.begin(Some(self.names.len()), self.flags);
    }

    fn begin(&mut self, capture: Option<usize>, inner: Flags) {
        let group = Group::new(self.flags, capture);
        self.outer.push(mem::replace(&mut self.group, group));
        self.flags = inner;
    }

    /// `(?flags)` or `(?flags:`, behind the question mark; nothing when it is neither.
    fn flags_or_group(&mut self) -> Option<()> {
        let mut flags = self.flags;
        let (mut value, mut expects_flag) = (true, false);
        loop {
            let next = self.cursor.next()?;
            match next {
                'i' => flags.fold = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.swap_greed = value,
                '-' if value => value = false,
                ':' | ')' if !expects_flag => {
                    if next == ':' {
                        self.begin(None, flags);
                    }
                    self.flags = flags;
                    return Some(());
                }
                _ => return None,
            }
            expects_flag = next == '-';
        }
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(outer) = self.outer.pop() else {
            return Err(Stop::Invalid(self.cursor.at, "unexpected )"));
        };
        self.cursor.skip(1);
        let group = mem::replace(&mut self.group, outer);
        self.flags = group.outer;
        let node = group.close();
        check_height(&node)?;
        self.group.sequence.push(node);
        Ok(())
    }
}

const fn check_height(node: &Node) -> Result<(), Stop> {
    if node.height > MAX_HEIGHT { Err(Stop::Unpredictable("it nests too deeply")) } else { Ok(()) }
}

/// The name in `(?P<name>` or `(?<name>`.
fn group_name(rest: &str) -> Option<&str> {
    let (_, name) = rest.split_once('<')?;
    let (name, _) = name.split_once('>')?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(legal)).then_some(name)
}

/// The counts in braces, and how long the whole is.
fn counts(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let length = inner.len() + 2;
    let Some((min, max)) = inner.split_once(',') else {
        let count = decimal(inner)?;
        return Some((count, Some(count), length));
    };
    let max = if max.is_empty() { None } else { Some(decimal(max)?) };
    Some((decimal(min)?, max, length))
}

/// Digits without leading zeros; any number too large for a count is as good as another.
fn decimal(digits: &str) -> Option<u64> {
    let legal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0');
    (legal && !padded).then(|| digits.parse().unwrap_or(u64::MAX))
}
