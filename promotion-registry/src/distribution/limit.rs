//! How many requests a registry gets at once: fewer after it said that it is too many, more again when it does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Successes after which one more request at once is tried.
const PROOF: usize = 32;

/// The places for the concurrent requests to one registry.
#[derive(Debug)]
pub(crate) struct Limit {
    places: Arc<Semaphore>,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How many places there should be.
    wanted: usize,
    /// Places to take away as soon as they are free.
    surplus: usize,
    /// Answers since the last change.
    proven: usize,
    /// Times that it was lowered.
    lowered: u64,
}

/// A place among the concurrent requests, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limit: Arc<Limit>,
    permit: Option<OwnedSemaphorePermit>,
    /// `lowered` when it was taken: what was sent before is no news of the limit after.
    lowered: u64,
}

impl Limit {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let state = State { wanted: most, surplus: 0, proven: 0, lowered: 0 };
        Arc::new(Self { places: Arc::new(Semaphore::new(most)), most, state: Mutex::new(state) })
    }

    /// Waits for a place.
    pub(crate) async fn enter(self: &Arc<Self>) -> Place {
        // It is never closed; without a permit the request would merely not be counted.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        Place { limit: Arc::clone(self), permit, lowered: self.state().lowered }
    }

    /// A request beside the places.
    pub(crate) fn beside(self: &Arc<Self>) -> Place {
        Place { limit: Arc::clone(self), permit: None, lowered: self.state().lowered }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The registry said that it is too many: half as many from now on, but never none.
    pub(crate) fn too_many(&mut self) {
        let mut state = self.limit.state();
        state.proven = 0;
        if state.lowered != self.lowered {
            return;
        }
        let half = (state.wanted / 2).max(1);
        state.surplus += state.wanted - half;
        state.wanted = half;
        state.lowered += 1;
        self.lowered = state.lowered;
        state.surplus -= self.limit.places.forget_permits(state.surplus);
    }

    /// The registry answered.
    pub(crate) fn fine(&self) {
        let mut state = self.limit.state();
        state.proven += 1;
        if state.proven < PROOF || state.wanted == self.limit.most {
            return;
        }
        state.proven = 0;
        state.wanted += 1;
        match state.surplus {
            0 => self.limit.places.add_permits(1),
            _ => state.surplus -= 1,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.limit.state();
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many places can be had at once.
    async fn places(limit: &Arc<Limit>) -> usize {
        let mut held = Vec::new();
        while limit.places.available_permits() > 0 {
            held.push(limit.enter().await);
        }
        held.len()
    }

    #[tokio::test]
    async fn halves_once_for_what_was_sent_together_and_never_to_nothing() {
        let limit = Limit::new(8);
        let mut together = [limit.enter().await, limit.enter().await, limit.enter().await];
        for place in &mut together {
            place.too_many();
        }
        drop(together);
        assert_eq!(places(&limit).await, 4);
        for _ in 0..5 {
            limit.enter().await.too_many();
        }
        assert_eq!(places(&limit).await, 1);
    }

    #[tokio::test]
    async fn places_that_are_taken_go_when_they_are_given_back() {
        let limit = Limit::new(4);
        let mut all = Vec::new();
        for _ in 0..4 {
            all.push(limit.enter().await);
        }
        all[0].too_many();
        all.truncate(2);
        assert_eq!(limit.places.available_permits(), 0, "two are still out, and two there should be");
        drop(all);
        assert_eq!(places(&limit).await, 2);
    }

    #[tokio::test]
    async fn grows_back_by_one_after_enough_answers_and_not_beyond() {
        let limit = Limit::new(2);
        limit.enter().await.too_many();
        for _ in 0..PROOF {
            limit.enter().await.fine();
        }
        assert_eq!(places(&limit).await, 2);
        for _ in 0..PROOF {
            limit.enter().await.fine();
        }
        assert_eq!(places(&limit).await, 2);
    }
}
