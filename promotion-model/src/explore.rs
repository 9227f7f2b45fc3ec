//! Exploring a scenario: everything that can happen, once.

use std::time::{Duration, Instant};

use stateright::{Checker, Model};

use crate::law::{Event, Law};
use crate::model::Promotion;
use crate::scenario::Scenario;
use crate::setting::Setting;
use crate::story::Story;

/// What came of exploring a scenario in a setting, to the end.
#[derive(Debug)]
pub struct Explored {
    /// The scenario.
    pub scenario: &'static Scenario,
    /// The setting.
    pub setting: Setting,
    /// How many different states there are.
    pub states: usize,
    /// How many steps were taken to find that out.
    pub steps: usize,
    /// The length of the longest way to a state.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The laws that are broken, each with the shortest story. All others hold in every state.
    pub broken: Vec<(Law, Story)>,
    /// What happened on some way.
    pub reached: Vec<Event>,
}

/// Visits every state of a scenario in a setting.
///
/// One thread: the search is breadth-first then, and whatever is found first has the shortest story.
#[must_use]
pub fn explore(scenario: &'static Scenario, setting: Setting) -> Explored {
    let started = Instant::now();
    let checker = Promotion::new(scenario, setting).checker().spawn_bfs().join();
    let mut discoveries = checker.discoveries();
    let broken = Law::ALL.iter().filter_map(|law| {
        let path = discoveries.remove(law.id())?;
        Some((*law, Story::of(checker.model(), *law, path)))
    });
    let broken = broken.collect();
    let reached = Event::ALL.iter().copied().filter(|event| discoveries.contains_key(event.id())).collect();
    Explored {
        scenario,
        setting,
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        took: started.elapsed(),
        broken,
        reached,
    }
}

impl Explored {
    /// What is not as the scenario expects: a law broken or kept against expectation, an event that was never reached.
    #[must_use]
    pub fn surprises(&self) -> Vec<String> {
        let expected = self.scenario.expected(self.setting);
        let broken: Vec<Law> = self.broken.iter().map(|(law, _)| *law).collect();
        let new = self.broken.iter().filter(|(law, _)| !expected.contains(law));
        let new = new.map(|(law, story)| format!("{} is broken:\n{story}", law.id()));
        let kept = expected.iter().filter(|law| !broken.contains(law));
        let kept = kept.map(|law| format!("{} was expected to be broken, and holds", law.id()));
        let unreached = self.scenario.must_reach(self.setting).into_iter().filter(|it| !self.reached.contains(it));
        let unreached = unreached.map(|event| format!("never reached: {}", event.id()));
        new.chain(kept).chain(unreached).collect()
    }
}
