//! A state: the registry, who is at work, who may still come, and what is remembered of the way here.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use promotion_core::Digest;
use promotion_core::memory::MemoryRegistry;

use crate::actor::Actor;
use crate::law::{Events, Laws};

/// A state. Those that hash alike have the same future, so one of them is explored.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(crate) registry: Arc<MemoryRegistry>,
    /// The hash of the registry's tags; what is stored by digest never changes.
    pub(crate) tags: u64,
    pub(crate) actors: Vec<Arc<Actor>>,
    /// How many of each role may still appear, in the order of the scenario's cast.
    pub(crate) left: Vec<u8>,
    /// How many crashes may still happen.
    pub(crate) crashes: u8,
    pub(crate) memory: Memory,
    /// Laws that the step to here broke, or that are broken here.
    pub(crate) broken: Laws,
    /// What the step to here was: no part of the state's identity.
    pub(crate) events: Events,
}

/// What is remembered of the way here, because a law asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    /// Which artifacts somebody brought evidence for.
    pub(crate) evidenced: BTreeSet<Digest>,
    /// Which artifacts somebody released by hand.
    pub(crate) by_hand: BTreeSet<Digest>,
    /// Which builds were reported as done.
    pub(crate) finished: BTreeSet<Digest>,
    /// How many artifacts were built: the next builder builds the next one. Builders differ in nothing but what they
    /// build, so their order says nothing.
    pub(crate) built: usize,
    /// Something was written that nobody has looked at since who then saw to the rules.
    pub(crate) unseen: bool,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Who came first says nothing about what can happen next.
        let mut actors: Vec<u64> = self.actors.iter().map(|actor| actor.essence()).collect();
        actors.sort_unstable();
        (self.tags, actors, &self.left, self.crashes, &self.memory, self.broken).hash(state);
    }
}
