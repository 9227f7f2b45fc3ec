//! What a pattern is compiled to, and how it is run: every way through it at once, one character after the other, so that no
//! pattern and no tag takes longer than their lengths multiplied.
//!
//! Tags are ASCII and short, so there is nothing here of what makes other engines large: no Unicode, no literal search, no
//! automaton built ahead. The browser build carries this one.
//!
//! ```
//! use promotion_core::flux::{TagFilter, Template};
//!
//! let filter = TagFilter::parse("(a+?)(a*)")?;
//! assert_eq!(filter.expand("baaa", &Template::parse("$1-$2")?)?.as_deref(), Some("a-aa"));
//! assert!(!TagFilter::parse("^(?:a?){100}b$")?.is_match(&"a".repeat(100)));
//! # Ok::<(), promotion_core::flux::FilterError>(())
//! ```

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::class::Class;

/// A place that consumes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    Word,
    NotWord,
}

/// A pattern as it was read.
#[derive(Debug)]
pub(super) enum Tree {
    Class(Class),
    Look(Look),
    /// Group, counted from one.
    Capture(usize, Box<Self>),
    Repeat {
        min: u32,
        max: Option<u32>,
        greedy: bool,
        sub: Box<Self>,
    },
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// One step; where nothing else is said, the next one follows.
#[derive(Debug, Clone, Copy)]
enum Step {
    Class(Class),
    Look(Look),
    /// Goes on at both; the first is preferred.
    Fork(usize, usize),
    /// Remembers the place: the start of a group has an even number, its end the odd one behind it.
    Save(usize),
    Match,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Program {
    steps: Box<[Step]>,
    /// Without the whole match.
    groups: usize,
}

/// The pattern is larger than [`Program::MAX_STEPS`].
#[derive(Debug)]
pub(super) struct TooLarge;

impl Program {
    const MAX_STEPS: usize = 1 << 16;
    /// Programs of up to so many steps run without allocating.
    const SMALL: usize = 64;

    pub(super) fn compile(tree: &Tree, groups: usize) -> Result<Self, TooLarge> {
        let mut compiler = Compiler(Vec::new());
        // The whole match is group 0.
        compiler.group(0, tree)?;
        compiler.push(Step::Match)?;
        Ok(Self { steps: compiler.0.into(), groups })
    }

    /// Whether it matches anywhere.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let size = 4 * self.steps.len();
        if self.steps.len() <= Self::SMALL {
            self.search(text, &mut [0; 4 * Self::SMALL][..size])
        } else {
            self.search(text, &mut vec![0; size])
        }
    }

    /// Without groups it does not matter which way is preferred: steps are a set.
    fn search(&self, text: &[u8], scratch: &mut [usize]) -> bool {
        let (lists, rest) = scratch.split_at_mut(2 * self.steps.len());
        let (mut now, mut then) = lists.split_at_mut(self.steps.len());
        let (seen, stack) = rest.split_at_mut(self.steps.len());
        let mut waiting = 0;
        for at in 0..=text.len() {
            // A match may start here as well as further to the left.
            now[waiting] = 0;
            let mut next = 0;
            for entry in &now[..=waiting] {
                let mut height = 0;
                visit(*entry, at, seen, stack, &mut height);
                while height > 0 {
                    height -= 1;
                    let step = stack[height];
                    match self.steps[step] {
                        Step::Match => return true,
                        Step::Class(class) => {
                            if text.get(at).is_some_and(|byte| class.contains(*byte)) {
                                then[next] = step + 1;
                                next += 1;
                            }
                        }
                        Step::Look(look) if !look.holds(text, at) => {}
                        Step::Look(_) | Step::Save(_) => visit(step + 1, at, seen, stack, &mut height),
                        Step::Fork(one, other) => {
                            visit(one, at, seen, stack, &mut height);
                            visit(other, at, seen, stack, &mut height);
                        }
                    }
                }
            }
            (now, then, waiting) = (then, now, next);
        }
        false
    }

    /// The places of the preferred match among those that start first: start and end of each group, if it took part.
    pub(super) fn captures(&self, text: &[u8]) -> Option<Vec<Option<usize>>> {
        // What each way has saved: what it was, where, and the save before it; ways share what they have in common.
        let mut trail: Vec<(usize, usize, usize)> = Vec::new();
        let mut found = None;
        let mut seen = vec![0; self.steps.len()];
        let mut waiting: Vec<(usize, usize)> = Vec::new();
        for at in 0..=text.len() {
            if found.is_none() {
                waiting.push((0, 0));
            }
            let mut next = Vec::new();
            // Best first: what was pushed last is looked at first.
            let mut stack: Vec<_> = waiting.drain(..).rev().collect();
            while let Some((step, saved)) = stack.pop() {
                if seen[step] > at {
                    continue;
                }
                seen[step] = at + 1;
                match self.steps[step] {
                    Step::Match => {
                        found = Some(saved);
                        // All that is left is less preferred.
                        break;
                    }
                    Step::Class(class) => {
                        if text.get(at).is_some_and(|byte| class.contains(*byte)) {
                            next.push((step + 1, saved));
                        }
                    }
                    Step::Look(look) if !look.holds(text, at) => {}
                    Step::Look(_) => stack.push((step + 1, saved)),
                    Step::Save(place) => {
                        trail.push((place, at, saved));
                        stack.push((step + 1, trail.len()));
                    }
                    Step::Fork(first, second) => stack.extend([(second, saved), (first, saved)]),
                }
            }
            waiting = next;
        }
        let (mut places, mut last) = (vec![None; 2 * (self.groups + 1)], found?);
        while let Some((place, at, before)) = last.checked_sub(1).and_then(|index| trail.get(index)) {
            // The latest counts.
            places[*place] = places[*place].or(Some(*at));
            last = *before;
        }
        Some(places)
    }
}

/// Puts a step on the stack, once for each place in the text.
fn visit(step: usize, at: usize, seen: &mut [usize], stack: &mut [usize], height: &mut usize) {
    if seen[step] <= at {
        seen[step] = at + 1;
        stack[*height] = step;
        *height += 1;
    }
}

impl Look {
    fn holds(self, text: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| text[before]);
        let after = text.get(at).copied();
        let word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::LineStart => before.is_none_or(|byte| byte == b'\n'),
            Self::LineEnd => after.is_none_or(|byte| byte == b'\n'),
            Self::Word => word(before) != word(after),
            Self::NotWord => word(before) == word(after),
        }
    }
}

struct Compiler(Vec<Step>);

impl Compiler {
    fn push(&mut self, step: Step) -> Result<usize, TooLarge> {
        if self.0.len() == Program::MAX_STEPS {
            return Err(TooLarge);
        }
        self.0.push(step);
        Ok(self.0.len() - 1)
    }

    fn tree(&mut self, tree: &Tree) -> Result<(), TooLarge> {
        match tree {
            Tree::Class(class) => self.push(Step::Class(*class)).map(|_| ()),
            Tree::Look(look) => self.push(Step::Look(*look)).map(|_| ()),
            Tree::Capture(group, sub) => self.group(*group, sub),
            Tree::All(parts) => parts.iter().try_for_each(|part| self.tree(part)),
            Tree::Any(parts) => self.any(parts),
            Tree::Repeat { min, max, greedy, sub } => {
                (0..*min).try_for_each(|_| self.tree(sub))?;
                match max {
                    None => self.endless(sub, *greedy),
                    Some(max) => self.optional(sub, max - min, *greedy),
                }
            }
        }
    }

    fn group(&mut self, group: usize, sub: &Tree) -> Result<(), TooLarge> {
        self.push(Step::Save(2 * group))?;
        self.tree(sub)?;
        self.push(Step::Save(2 * group + 1)).map(|_| ())
    }

    fn any(&mut self, parts: &[Tree]) -> Result<(), TooLarge> {
        let mut ends = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index + 1 == parts.len() {
                self.tree(part)?;
            } else {
                let fork = self.fork()?;
                self.tree(part)?;
                ends.push(self.fork()?);
                self.lead(fork, fork + 1, self.0.len(), true);
            }
        }
        let end = self.0.len();
        ends.into_iter().for_each(|fork| self.lead(fork, end, end, true));
        Ok(())
    }

    fn endless(&mut self, sub: &Tree, greedy: bool) -> Result<(), TooLarge> {
        let fork = self.fork()?;
        self.tree(sub)?;
        self.push(Step::Fork(fork, fork))?;
        self.lead(fork, fork + 1, self.0.len(), greedy);
        Ok(())
    }

    fn optional(&mut self, sub: &Tree, times: u32, greedy: bool) -> Result<(), TooLarge> {
        let mut forks = Vec::new();
        for _ in 0..times {
            forks.push(self.fork()?);
            self.tree(sub)?;
        }
        let end = self.0.len();
        forks.into_iter().for_each(|fork| self.lead(fork, fork + 1, end, greedy));
        Ok(())
    }

    /// A fork of which only the place is known yet.
    fn fork(&mut self) -> Result<usize, TooLarge> {
        self.push(Step::Fork(0, 0))
    }

    fn lead(&mut self, fork: usize, into: usize, past: usize, greedy: bool) {
        self.0[fork] = if greedy { Step::Fork(into, past) } else { Step::Fork(past, into) };
    }
}
