//! Laws of exclusion, and of two adapter values over one repository.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use super::{ok, refused, seeded_manifest, tag, tags, untagged};
use crate::ports::{Consistency, Expect, PortErrorKind, Registry};

/// Checks the laws between two adapter values. `make` gives two views of one new, empty repository each time.
///
/// # Panics
/// When a law is broken, with its name.
pub async fn shared_conformance<F, R>(make: F)
where
    F: Fn() -> R,
    R: Future<Output = (Box<dyn Registry>, Box<dyn Registry>)>,
{
    let (one, two) = make().await;
    a_write_is_visible_to_another_reader(&*one, &*two).await;
    let (one, two) = make().await;
    an_expectation_sees_the_other_writer(&*one, &*two).await;
    let (one, two) = make().await;
    a_guard_excludes_the_other_value(&*one, &*two).await;
}

pub(super) async fn a_holder_can_write(registry: &dyn Registry) {
    const LAW: &str = "writes of the adapter value that holds the guard need nothing more";
    let guard = ok(LAW, registry.lock().await);
    let manifest = seeded_manifest(registry, "held").await;
    ok(LAW, registry.put_manifest(&manifest).await);
    ok(LAW, registry.put_tag(&tag("held"), &manifest, Expect::Absent).await);
    assert_eq!(tags(LAW, registry).await, [tag("held")], "{LAW}");
    drop(guard);
}

pub(super) async fn a_guard_can_be_taken_again_after_its_drop(registry: &dyn Registry) {
    const LAW: &str = "dropping the guard releases the lock";
    for _ in 0..3 {
        drop(ok(LAW, registry.lock().await));
    }
    let manifest = seeded_manifest(registry, "released").await;
    ok(LAW, registry.put_tag(&tag("released"), &manifest, Expect::Absent).await);
}

async fn a_write_is_visible_to_another_reader(one: &dyn Registry, two: &dyn Registry) {
    const LAW: &str = "a write that returned is visible to every reader";
    untagged(LAW, two).await;
    let manifest = seeded_manifest(one, "visible").await;
    for name in ["a", "b", "c"] {
        ok(LAW, one.put_tag(&tag(name), &manifest, Expect::Absent).await);
        assert_eq!(ok(LAW, two.resolve(&tag(name)).await), Some(manifest.digest()), "{LAW}: {name}");
    }
    assert_eq!(tags(LAW, one).await, tags(LAW, two).await, "{LAW}: listings");
    assert_eq!(ok(LAW, two.manifest(manifest.digest()).await), manifest, "{LAW}: manifest");
}

async fn an_expectation_sees_the_other_writer(one: &dyn Registry, two: &dyn Registry) {
    const LAW: &str = "an expectation is checked against what any writer wrote";
    let (a, b) = (seeded_manifest(one, "a").await, seeded_manifest(two, "b").await);
    assert_eq!(ok(LAW, two.resolve(&tag("t")).await), None, "{LAW}: before");
    ok(LAW, one.put_tag(&tag("t"), &a, Expect::Absent).await);
    let kind = refused(LAW, two.put_tag(&tag("t"), &b, Expect::Absent).await);
    assert_eq!(kind, PortErrorKind::Conflict { found: Some(a.digest()) }, "{LAW}");
}

async fn a_guard_excludes_the_other_value(one: &dyn Registry, two: &dyn Registry) {
    const LAW: &str = "a guard keeps the other adapter value's guards and writes out until it is dropped";
    if one.consistency() != Consistency::Exclusive {
        return;
    }
    let (a, b) = (seeded_manifest(one, "a").await, seeded_manifest(two, "b").await);
    let guard = ok(LAW, one.lock().await);
    let mut write = pin!(async { two.put_tag(&tag("theirs"), &b, Expect::Absent).await });
    // Polled by hand: under any runtime, a future that waits for the guard cannot be ready before the guard is gone.
    let waiting = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(waiting, Poll::Pending), "{LAW}: a write of the other value went through");
    for name in ["ours-1", "ours-2", "ours-3"] {
        ok(LAW, one.put_tag(&tag(name), &a, Expect::Absent).await);
        assert_eq!(ok(LAW, one.resolve(&tag("theirs")).await), None, "{LAW}: a write of the other value went through");
        assert!(write.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "{LAW}: too early");
    }
    drop(guard);
    ok(LAW, write.await);
    let order = tags(LAW, one).await;
    assert_eq!(order.len(), 4, "{LAW}: no write was lost: {order:?}");
    let guard = ok(LAW, two.lock().await);
    let mut lock = pin!(one.lock());
    assert!(lock.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "{LAW}: two guards at once");
    drop(guard);
    drop(ok(LAW, lock.await));
}
