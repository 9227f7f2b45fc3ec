//! One request of an actor, as strong or weak as the registry.

use alloc::format;
use alloc::vec::Vec;

use super::{Actor, Mode, NOW, World};
use crate::Tag;
use crate::executor::Step;
use crate::plan::Action;
use crate::ports::{Expect, Listing};

impl World {
    /// One request of an actor; `false` when it has ended.
    pub(super) fn advance(&mut self, actor: &mut Actor) -> bool {
        if let Some((action, written)) = actor.writing.take() {
            self.register_write(actor, action, written);
            return true;
        }
        match actor.executor.next(NOW) {
            Step::Done(outcome) => {
                self.ended(actor.name, *outcome);
                return false;
            }
            Step::Drifted(_) => return false,
            Step::List => self.list(actor),
            Step::Ask(queries) => {
                for query in queries {
                    let reply = self.registry.reply(&query);
                    actor.executor.learned(query, reply);
                }
            }
            Step::Write(action) if self.mode == Mode::Registers => {
                if self.registry.digest(&action.tag).is_some_and(|found| found != action.digest) {
                    self.taken(actor, &action);
                } else {
                    actor.writing = Some((action, false));
                }
            }
            Step::Write(action) => self.swap(actor, &action),
        }
        true
    }

    fn list(&mut self, actor: &mut Actor) {
        let tags = |range: &dyn Fn(&Tag) -> bool| -> Vec<Tag> {
            self.registry.tags().keys().filter(|tag| range(tag)).cloned().collect()
        };
        let is_version = |tag: &Tag| tag.as_str().starts_with(|first: char| first.is_ascii_digit());
        // Pages in byte order read versions first; in the opposite order, marks first. Either may be torn.
        let told = if self.mode != Mode::Registers {
            actor.executor.listed(&self.registry.listing());
            "lists the tags"
        } else if let Some(mut seen) = actor.torn.take() {
            seen.extend(tags(&is_version));
            actor.executor.listed(&Listing { tags: seen, not_tags: Vec::new() });
            "lists the rest of the tags: the versions"
        } else {
            actor.torn = Some(tags(&|tag| !is_version(tag)));
            "lists the first tags: the marks"
        };
        self.tell_of_a_read(actor.name, told);
    }

    fn swap(&mut self, actor: &mut Actor, action: &Action) {
        match self.registry.put(&action.tag, action.digest, action.expect) {
            Ok(was) => {
                actor.executor.wrote(was);
                self.written(was, actor.name, action);
            }
            Err(_) => self.taken(actor, action),
        }
    }

    fn register_write(&mut self, actor: &mut Actor, action: Action, written: bool) {
        if !written {
            // Plain registers take every write.
            let was = self.registry.put(&action.tag, action.digest, Expect::Any).unwrap_or_default();
            self.written(was, actor.name, &action);
            actor.writing = Some((action, true));
        } else if self.registry.digest(&action.tag) == Some(action.digest) {
            actor.executor.wrote(None);
        } else {
            self.taken(actor, &action);
        }
    }

    fn taken(&mut self, actor: &mut Actor, action: &Action) {
        actor.executor.conflicted();
        self.tell(actor.name, &format!("finds another artifact at {}", action.tag));
    }
}
