//! Which executors act alike: what decides what one does from here on, as its [`Hash`].

use core::hash::{Hash, Hasher};

use super::Executor;
use crate::ports::Consistency;

/// Executors of one policy that hash alike do the same from here on, given the same answers. So a model checker visits
/// what they have in common once.
///
/// What was read counts only in the middle of reading. Once there is a queue, or the listing is old, everything that can
/// change is read again before it decides anything; where it is not read again, it cannot change. The plan and the
/// warnings are for people.
impl Hash for Executor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let reading = self.snapshot.as_ref().filter(|_| !self.stale && self.queue.is_empty());
        reading.hash(state);
        (&self.goal, self.consistency, &self.queue, self.stated, self.refused_late.is_some()).hash(state);
        self.expected.as_ref().map(|file| file.hash).hash(state);
        (self.writes.is_empty(), self.rounds).hash(state);
        // Where tags could have been overwritten, what was written and met is looked at again, and what is believed of
        // tags decides what is asked in one go.
        if self.consistency == Consistency::Registers {
            self.met.hash(state);
            self.believed.hash(state);
            if let Some(snapshot) = &self.snapshot {
                snapshot.resolved().for_each(|known| known.hash(state));
            }
            self.writes.iter().for_each(|write| (&write.tag, write.digest).hash(state));
        }
    }
}
