//! The in-memory registry behind the port passes the suite that every adapter passes.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use promotion_core::memory::{MemoryRegistry, SharedRegistry};
use promotion_core::ports::Registry;
use promotion_core::testing::conformance::registry_conformance;

/// Nothing in memory ever waits, so one poll is enough.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the in-memory registry waited"),
    }
}

#[test]
fn memory_registry_conforms() {
    ready(registry_conformance(|| async {
        Box::new(SharedRegistry::new(MemoryRegistry::default())) as Box<dyn Registry>
    }));
}
