//! An actor and its steps. A step is as much as it does without anybody else's step in between mattering.

use std::collections::VecDeque;
use std::sync::Arc;

use promotion_core::executor::{Executor, Outcome, Step};
use promotion_core::memory::MemoryRegistry;
use promotion_core::plan::{Action, Why};
use promotion_core::ports::{Expect, Listing};
use promotion_core::retention::{Deletion, deletions};
use promotion_core::snapshot::{Needs, Query, Reply, Snapshot};
use promotion_core::time::Timestamp;
use promotion_core::{Digest, Tag};

use crate::memo::hash;
use crate::scenario::Role;
use crate::setting::{Pages, Setting};

/// Time stands still.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Somebody at work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Actor {
    /// Which letter the story gives it: in order of appearance.
    pub(crate) name: u8,
    pub(crate) role: Role,
    pub(crate) artifact: Option<Digest>,
    pub(crate) work: Work,
    /// Nobody has written anything since its listing began.
    pub(crate) up_to_date: bool,
    /// The hash of everything that decides what it does from here on.
    essence: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Work {
    /// A goal is carried out.
    Goal(Box<Executor>, Place),
    /// What retention planned is deleted, a tag at a time.
    Retention(VecDeque<Deletion>),
}

/// Where an actor is on plain registers, between two requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// It asks its executor what to do next.
    Ready,
    /// It has read what it foresaw, and has the first page of a listing.
    FirstPage(Vec<(Query, Reply)>, Vec<Tag>),
    /// It has seen that the tag is absent.
    Absent(Action),
    /// It has written the tag.
    Written(Action),
}

/// What a step was, for laws and stories.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Did {
    Looked(Looked),
    /// It looked, and wrote the marks that precede a birth.
    Began(Vec<Action>),
    Wrote(Action),
    /// It found its own write in place.
    ReadBack(Action),
    /// It found that somebody else had written the tag.
    Met(Action),
    Deleted(Deletion),
    /// It found that the tag was not what it wanted to delete.
    LeftAlone(Deletion),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looked {
    AtEverything,
    AtTheFirstPage,
    /// The first page was not what it is now.
    AtTheSecondPage {
        torn: bool,
    },
    AtWhatTagsPointAt,
    ThatATagIsAbsent,
}

impl Actor {
    pub(crate) fn new(name: u8, role: Role, artifact: Option<Digest>, work: Work) -> Self {
        let mut actor = Self { name, role, artifact, work, up_to_date: true, essence: 0 };
        actor.settle();
        actor
    }

    pub(crate) const fn essence(&self) -> u64 {
        self.essence
    }

    /// Must be called after every change.
    pub(crate) fn settle(&mut self) {
        let work = match &self.work {
            Work::Goal(executor, place) => hash((executor, place)),
            Work::Retention(queue) => hash(queue),
        };
        self.essence = hash((work, self.role, self.artifact, self.up_to_date));
    }

    /// Whether a crash now would leave something behind.
    pub(crate) fn has_written(&self) -> bool {
        match &self.work {
            Work::Goal(executor, place) => !executor.writes().is_empty() || matches!(place, Place::Written(_)),
            Work::Retention(_) => true,
        }
    }

    /// One step; with it the outcome, where nothing is left to do after it.
    pub(crate) fn step(
        &mut self,
        setting: Setting,
        begin_at_once: bool,
        registry: &mut Arc<MemoryRegistry>,
    ) -> (Did, Option<Outcome>) {
        let mut did = match (&mut self.work, setting) {
            (Work::Retention(queue), _) => delete(queue, registry),
            (Work::Goal(executor, _), Setting::Lock | Setting::Immutable) => whole(executor, registry),
            (Work::Goal(executor, place), Setting::Registers(pages)) => request(executor, place, pages, registry),
        };
        let first = matches!(did, Did::Looked(Looked::AtEverything | Looked::AtTheFirstPage));
        self.up_to_date |= first;
        if let Work::Goal(executor, Place::Ready) = &mut self.work
            && begin_at_once
            && self.role == Role::Build
        {
            let began = begin(executor, registry);
            if !began.is_empty() {
                did = Did::Began(began);
            }
        }
        // That nothing is left to do needs no request.
        let outcome = match &mut self.work {
            Work::Goal(executor, Place::Ready) => match executor.next(NOW) {
                Step::Done(outcome) => Some(*outcome),
                _ => None,
            },
            Work::Goal(..) | Work::Retention(_) => None,
        };
        self.settle();
        (did, outcome)
    }

    /// Whether there is nothing left to delete.
    pub(crate) fn has_deleted_everything(&self) -> bool {
        matches!(&self.work, Work::Retention(queue) if queue.is_empty())
    }
}

/// Everything up to the next write, or the write.
///
/// That reading is one step is sound here. Under a lock nobody else acts. With immutable tags a listing is one moment;
/// only listed tags are asked for, and what they point at can be read at any time later, because it never changes: so
/// everything is as if it had been read when it was listed. (Retention deletes tags and breaks that: where it works
/// beside others, fewer orders are explored than there are. It works under a lock, and what it breaks without one is found
/// all the same.)
fn whole(executor: &mut Executor, registry: &mut Arc<MemoryRegistry>) -> Did {
    if let Step::Write(action) = executor.next(NOW) {
        return match Arc::make_mut(registry).put(&action.tag, action.digest, action.expect) {
            Ok(was) => {
                executor.wrote(was);
                Did::Wrote(action)
            }
            Err(_) => {
                executor.conflicted();
                Did::Met(action)
            }
        };
    }
    loop {
        match executor.next(NOW) {
            Step::List => executor.listed(&registry.listing()),
            Step::Ask(queries) => queries.into_iter().for_each(|query| {
                let reply = registry.reply(&query);
                executor.learned(query, reply);
            }),
            Step::Write(_) | Step::Done(_) | Step::Drifted(_) => return Did::Looked(Looked::AtEverything),
        }
    }
}

/// One request. Questions that are asked at once are answered at once.
fn request(executor: &mut Executor, place: &mut Place, pages: Pages, registry: &mut Arc<MemoryRegistry>) -> Did {
    let page = |first: bool| -> Vec<Tag> {
        registry.tags().keys().filter(|tag| pages.is_first(tag) == first).cloned().collect()
    };
    match std::mem::replace(place, Place::Ready) {
        Place::FirstPage(ahead, mut tags) => {
            let torn = tags != page(true);
            tags.extend(page(false));
            executor.listed(&Listing { tags, not_tags: Vec::new() });
            if let Step::Ask(asked) = executor.next(NOW) {
                for (query, reply) in ahead.into_iter().filter(|(query, _)| asked.contains(query)) {
                    executor.learned(query, reply);
                }
            }
            Did::Looked(Looked::AtTheSecondPage { torn })
        }
        Place::Absent(action) => {
            // Plain registers take every write.
            let _ = Arc::make_mut(registry).put(&action.tag, action.digest, Expect::Any);
            *place = Place::Written(action.clone());
            Did::Wrote(action)
        }
        Place::Written(action) => found(executor, registry.digest(&action.tag), action),
        Place::Ready => match executor.next(NOW) {
            Step::Write(action) => match registry.digest(&action.tag) {
                None => {
                    *place = Place::Absent(action);
                    Did::Looked(Looked::ThatATagIsAbsent)
                }
                already => found(executor, already, action),
            },
            Step::Ask(queries) => {
                for query in queries {
                    let reply = registry.reply(&query);
                    executor.learned(query, reply);
                }
                Did::Looked(Looked::AtWhatTagsPointAt)
            }
            Step::List | Step::Done(_) | Step::Drifted(_) => {
                let foreseen = if pages == Pages::TagsFirst { executor.foreseen(NOW) } else { Vec::new() };
                let answered = |query: Query| (query.clone(), registry.reply(&query));
                let ahead = foreseen.into_iter().map(Query::Tag).map(answered).collect();
                *place = Place::FirstPage(ahead, page(true));
                Did::Looked(Looked::AtTheFirstPage)
            }
        },
    }
}

/// The marks that a build writes before its birth, without a step between them.
///
/// Nobody comes for an artifact before its birth, and whoever reads everything makes nothing of marks without one: so it
/// does not matter when exactly they are written. It does where builds share a commit, and with it the marks.
fn begin(executor: &mut Executor, registry: &mut Arc<MemoryRegistry>) -> Vec<Action> {
    let mut began = Vec::new();
    while let Step::Write(action) = executor.next(NOW)
        && matches!(action.why, Why::Commit | Why::HandOver)
        && let Ok(was) = Arc::make_mut(registry).put(&action.tag, action.digest, action.expect)
    {
        executor.wrote(was);
        began.push(action);
    }
    began
}

fn found(executor: &mut Executor, found: Option<Digest>, action: Action) -> Did {
    if found == Some(action.digest) {
        executor.wrote(None);
        return Did::ReadBack(action);
    }
    executor.conflicted();
    Did::Met(action)
}

fn delete(queue: &mut VecDeque<Deletion>, registry: &mut Arc<MemoryRegistry>) -> Did {
    match queue.pop_front() {
        Some(deletion) if registry.digest(&deletion.tag) == Some(deletion.digest) => {
            Arc::make_mut(registry).delete_tag(&deletion.tag);
            Did::Deleted(deletion)
        }
        Some(deletion) => Did::LeftAlone(deletion),
        None => Did::Looked(Looked::AtEverything),
    }
}

/// What retention would delete, when nothing must be kept for anybody outside.
pub(crate) fn doomed(policy: &promotion_core::policy::Policy, registry: &MemoryRegistry) -> VecDeque<Deletion> {
    let mut snapshot = Snapshot::new(policy, &registry.listing().tags);
    loop {
        match deletions(&snapshot, policy, &std::collections::BTreeSet::new()) {
            Ok(plan) => return plan.into(),
            Err(Needs(queries)) => queries.into_iter().for_each(|query| {
                let reply = registry.reply(&query);
                snapshot.learn(query, reply);
            }),
        }
    }
}
