//! Shortens a history that breaks a law beyond what the strategies can: they know no actors, so they cannot take one out
//! of a history and leave the others who they were.

use alloc::vec::Vec;

use super::Case;
use crate::testing::world::{Intent, Op};

/// How often a case is judged at most.
const TRIES: usize = 5_000;

/// A case that still fails and makes a shorter story, if there is one. `story` gives the number of its lines, and none
/// for a case that does not fail.
pub(super) fn shorten(mut case: Case, story: impl Fn(&Case) -> Option<usize>) -> Case {
    let mut tries = 0;
    // The fewest lines, then the fewest operations, then those of whoever appeared first: this comes to an end.
    let size = |case: &Case| Some((story(case)?, case.history.len() + case.choices.len(), weight(case)));
    let Some(mut smallest) = size(&case) else { return case };
    loop {
        let shorter = candidates(&case).find_map(|candidate| {
            tries += 1;
            let found = if tries <= TRIES { size(&candidate) } else { None };
            found.filter(|found| *found < smallest).map(|found| (found, candidate))
        });
        match shorter {
            Some((found, shorter)) => (smallest, case) = (found, shorter),
            None => return case,
        }
    }
}

/// What is tried, the largest steps first.
fn candidates(case: &Case) -> impl Iterator<Item = Case> {
    let len = case.history.len();
    let sizes = core::iter::successors(Some(len / 2), |size| Some(size / 2)).take_while(|size| *size > 0);
    let cut = sizes.flat_map(move |size| (0..=len - size).map(move |at| without(case, at, size)));
    let who = [(true, false), (false, true), (true, true)];
    let forget = (0..len).flat_map(move |at| who.map(|who| forgotten(case, at, who)));
    let finish = (0..len).flat_map(move |at| (0..3).map(move |actor| finished(case, at, actor)));
    let simplify =
        (0..len).flat_map(move |at| simpler(&case.history[at]).into_iter().map(move |op| with(case, at, op)));
    let choices = (0..case.choices.len()).map(move |at| {
        let mut candidate = case.clone();
        candidate.choices.remove(at);
        candidate
    });
    cut.chain(forget).chain(finish).chain(simplify).chain(choices)
}

fn weight(case: &Case) -> usize {
    let picks = case.history.iter().filter_map(|op| picked(&mut op.clone()).map(|pick| usize::from(*pick)));
    picks.sum()
}

fn without(case: &Case, at: usize, size: usize) -> Case {
    let mut candidate = case.clone();
    candidate.history.drain(at..at + size);
    candidate
}

fn with(case: &Case, at: usize, op: Op) -> Case {
    let mut candidate = case.clone();
    candidate.history[at] = op;
    candidate
}

/// Without one operation, and without the actor or the artifact that came with it: the later ones move up.
fn forgotten(case: &Case, at: usize, (actors, artifacts): (bool, bool)) -> Case {
    let mut candidate = without(case, at, 1);
    for op in &mut candidate.history[at..] {
        let moves = if matches!(op, Op::Step { .. } | Op::Crash { .. }) { actors } else { artifacts };
        if let Some(pick) = picked(op).filter(|_| moves) {
            *pick = pick.saturating_sub(1);
        }
    }
    candidate
}

/// With an actor that ends there, instead of meeting those that come later.
fn finished(case: &Case, at: usize, actor: u8) -> Case {
    let mut candidate = case.clone();
    candidate.history.insert(at + 1, Op::Step { actor, steps: 60 });
    candidate
}

/// The same operation of somebody or something that appeared earlier.
fn simpler(op: &Op) -> Vec<Op> {
    let earlier = |pick| {
        let mut other = op.clone();
        *picked(&mut other).filter(|place| **place > pick)? = pick;
        Some(other)
    };
    (0..4).filter_map(earlier).collect()
}

/// Which actor or which artifact an operation picks.
fn picked(op: &mut Op) -> Option<&mut u8> {
    match op {
        Op::Step { actor: pick, .. }
        | Op::Crash { actor: pick }
        | Op::ByHand { artifact: pick }
        | Op::Stranger { which: pick }
        | Op::Start(
            Intent::Promote { artifact: pick, .. }
            | Intent::Reject { artifact: pick }
            | Intent::Reopen { artifact: pick }
            | Intent::Rollback { to: pick, .. },
        ) => Some(pick),
        Op::Start(Intent::Build { .. } | Intent::Repair) => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_does_not_matter_goes_and_who_matters_stays() {
        let build = |commit| Op::Start(Intent::Build { commit, content: 0, number: None, again: false });
        let history = vec![
            build(0),
            build(1),
            Op::Step { actor: 0, steps: 60 },
            Op::Start(Intent::Repair),
            build(2),
            Op::Crash { actor: 200 },
            Op::Step { actor: 3, steps: 2 },
        ];
        // It matters that commit 2 is built and that a crash follows.
        let story = |case: &Case| {
            let built = case.history.iter().position(|op| *op == build(2));
            let crashed = case.history.iter().position(|op| matches!(op, Op::Crash { .. }));
            built.zip(crashed).filter(|(built, crashed)| built < crashed).map(|_| case.history.len())
        };
        let case = Case { history, choices: vec![1, 2, 3] };
        let shortest = Case { history: vec![build(2), Op::Crash { actor: 0 }], choices: vec![] };
        assert_eq!(shorten(case, story), shortest);
    }
}
