//! The conformance suite of the [`Registry`] port: every sentence of its documentation as a law.
//!
//! An adapter passes when [`registry_conformance`] returns. A law that is broken panics with its name. The suite needs
//! no particular runtime; run it under the one that the adapter needs.
//!
//! ```
//! use std::pin::pin;
//! use std::task::{Context, Waker};
//!
//! use promotion_core::memory::{MemoryRegistry, SharedRegistry};
//! use promotion_core::ports::Registry;
//! use promotion_core::testing::conformance::registry_conformance;
//!
//! async fn fresh_registry() -> Box<dyn Registry> {
//!     Box::new(SharedRegistry::new(MemoryRegistry::default()))
//! }
//! // In memory nothing waits, so one poll runs the whole suite; other adapters need their runtime.
//! let suite = pin!(registry_conformance(fresh_registry));
//! assert!(suite.poll(&mut Context::from_waker(Waker::noop())).is_ready());
//! ```
//!
//! Laws that need two adapter values over one repository (a lock, a second reader) are in [`shared_conformance`]: an
//! adapter of yours calls both. What it cannot do at all (deleting tags, referrers) it answers with
//! [`PortErrorKind::Unsupported`], and these laws ask nothing of it. [`seeded_manifest`] makes content for laws of your own.
//! `examples/verify-your-own` has a whole adapter.

#![allow(clippy::panic, clippy::expect_used, reason = "a broken law is a panic that names it")]

mod blobs;
mod laws;
mod lock;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::future::Future;

use crate::manifest::{Descriptor, Manifest, OCI_MANIFEST};
use crate::ports::{Bytes, PortError, PortErrorKind, Registry};
use crate::{Digest, Tag};

pub use self::lock::shared_conformance;

/// Checks every law that one adapter value can show. `make` gives a new, empty repository each time, or one that the
/// first write creates.
///
/// # Panics
/// When a law is broken, with its name.
pub async fn registry_conformance<F, R>(make: F)
where
    F: Fn() -> R,
    R: Future<Output = Box<dyn Registry>>,
{
    laws::an_empty_repository_lists_nothing(&*make().await).await;
    laws::what_is_absent_is_none(&*make().await).await;
    laws::what_is_put_is_read_back_exactly(&*make().await).await;
    laws::a_manifest_without_a_tag_is_not_listed(&*make().await).await;
    laws::a_listing_is_complete_and_stable(&*make().await).await;
    laws::resolve_all_answers_in_order(&*make().await).await;
    laws::a_tag_can_be_written_first_and_read_back_later(&*make().await).await;
    laws::several_are_put_like_one_after_the_other(&*make().await).await;
    laws::expect_absent_refuses_another_digest(&*make().await).await;
    laws::expect_equals_refuses_anything_else(&*make().await).await;
    laws::expect_any_moves_the_tag(&*make().await).await;
    laws::the_same_digest_is_success_under_every_expectation(&*make().await).await;
    laws::a_tag_that_moves_leaves_its_manifest(&*make().await).await;
    laws::deleting_a_tag_deletes_only_that_tag(&*make().await).await;
    laws::deleting_expects_a_digest(&*make().await).await;
    laws::deleting_what_is_absent_is_success(&*make().await).await;
    laws::referrers_are_found_by_subject(&*make().await).await;
    blobs::a_blob_is_read_back_exactly(&*make().await).await;
    blobs::an_empty_blob_is_a_blob(&*make().await).await;
    blobs::a_large_blob_comes_in_bounded_chunks(&*make().await).await;
    blobs::a_blob_that_is_not_what_it_says_is_not_stored(&*make().await).await;
    blobs::an_existing_blob_is_not_read_again(&*make().await).await;
    blobs::a_failing_source_stores_nothing(&*make().await).await;
    blobs::an_absent_blob_is_not_found(&*make().await).await;
    lock::a_holder_can_write(&*make().await).await;
    lock::a_guard_can_be_taken_again_after_its_drop(&*make().await).await;
}

/// A manifest whose config is in the registry, different for every `seed`.
///
/// # Panics
/// When the registry refuses the config.
pub async fn seeded_manifest(registry: &dyn Registry, seed: &str) -> Manifest {
    manifest_with(registry, seed, None).await
}

async fn manifest_with(registry: &dyn Registry, seed: &str, subject: Option<&Manifest>) -> Manifest {
    let config = format!("{{\"seed\":{seed:?}}}").into_bytes();
    let blob = blob_of("application/vnd.example.config.v1+json", &config);
    registry.put_blob(&blob, &mut Bytes::new(config)).await.expect("a config can be stored");
    // Its artifact type is that of its config: registries from before the specification's 1.1 know no other.
    let refers = |subject: &Manifest| {
        format!(",\"annotations\":{{\"seed\":{seed:?}}},\"subject\":{}", json(&subject.descriptor()))
    };
    let subject = subject.map(refers).unwrap_or_default();
    // The odd spacing shows whether bytes are kept or written anew.
    let text = format!(
        "{{ \"schemaVersion\": 2,\"mediaType\":\"{OCI_MANIFEST}\" ,\n\"config\":{},\"layers\":[]{subject}}}\n",
        json(&blob)
    );
    Manifest::new(OCI_MANIFEST, text.into_bytes())
}

fn json(descriptor: &Descriptor) -> String {
    serde_json::to_string(descriptor).expect("a descriptor is JSON")
}

fn blob_of(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_string(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        annotations: alloc::collections::BTreeMap::new(),
    }
}

fn tag(text: &str) -> Tag {
    text.parse().expect("the suite's tags are tags")
}

/// The value of something that a law says must succeed.
#[track_caller]
fn ok<T>(law: &str, result: Result<T, PortError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{law}: failed: {error}"),
    }
}

/// The kind of something that a law says must fail.
#[track_caller]
fn refused<T>(law: &str, result: Result<T, PortError>) -> PortErrorKind {
    match result {
        Ok(_) => panic!("{law}: succeeded, though it must fail"),
        Err(error) => error.kind().clone(),
    }
}

/// A repository without tags; to a registry it may not exist before something is tagged in it.
async fn untagged(law: &str, registry: &dyn Registry) {
    match registry.list_tags().await {
        Err(error) if *error.kind() == PortErrorKind::NotFound => {}
        listing => {
            let listing = ok(law, listing);
            assert!(listing.tags.is_empty() && listing.not_tags.is_empty(), "{law}: {listing:?}");
        }
    }
}

async fn tags(law: &str, registry: &dyn Registry) -> Vec<Tag> {
    ok(law, registry.list_tags().await).tags
}
