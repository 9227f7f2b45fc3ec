//! Every request of a promotion, each of the ways in which it can go wrong: once or from then on, before the registry
//! heard of it or after. Either all tags are right in the end, or the error says what happened; the same again, without
//! the fault, ends right.
//!
//! A request that only reads is not broken "after": nobody could tell the difference.
//!
//! A 404 to HEAD has no body. It is the registry's word that a tag is absent, whoever made it up; so is one with a
//! registry's own code to GET. What is then done rests on a lie, and must be harmless all the same: writes say what they
//! expect, and are read back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use promotion_core::Digest;
use promotion_core::ports::PortError;
use promotion_registry::distribution::{Observer, Options};
use promotion_registry::flux::push;
use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::proxy::{Exchange, Fault, Operation, Proxy};

use crate::story::{PASSWORD, Stages, Story, Tags, Told, guarded, impatient, open, options, packed};

/// What goes wrong, and what may be said of it.
#[derive(Clone)]
struct Cause {
    name: &'static str,
    /// `None`: nobody listens.
    fault: Option<Fault>,
    /// Kinds that an error may have.
    kinds: &'static [&'static str],
    /// What its text must name.
    says: &'static str,
    /// The answer is a registry's, and not true.
    lies: bool,
}

fn cause(name: &'static str, fault: Fault, kinds: &'static [&'static str]) -> Cause {
    Cause { name, fault: Some(fault), kinds, says: "", lies: false }
}

/// A status without a word.
fn status(name: &'static str, status: u16, kinds: &'static [&'static str]) -> Cause {
    Cause { says: name, ..cause(name, Fault::status(status), kinds) }
}

fn with(status: u16, header: Option<(&str, &str)>, body: &str) -> Fault {
    let header = header.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Fault::Status(status, header.into_iter().collect(), body.to_owned())
}

fn lie(cause: Cause) -> Cause {
    Cause { lies: true, ..cause }
}

/// How many causes there are.
const CAUSES: usize = 24;

/// Everything that can go wrong.
fn causes(elsewhere: &str) -> [Cause; CAUSES] {
    let too_many = |text: &str| format!(r#"{{"errors":[{{"code":"TOOMANYREQUESTS","message":"{text}"}}]}}"#);
    let unknown = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
    let wrong = |header, body| Fault::WrongDigest { header, body };
    [
        Cause { name: "refused", fault: None, kinds: &["unavailable"], says: "no connection to", lies: false },
        cause("reset", Fault::Reset, &["unavailable"]),
        cause("reset mid-body", Fault::ResetMidBody, &["unavailable"]),
        cause("stalled body", Fault::StalledBody, &["unavailable"]),
        cause("slow body", Fault::SlowBody(Duration::ZERO), &[]),
        // Of one without a challenge it is said what is missing.
        Cause { says: "", ..status("401", 401, &["unauthorized"]) },
        status("403", 403, &["forbidden"]),
        // A tag that is said to be written and reads as absent is "unavailable".
        lie(cause("404", Fault::status(404), &["not-found", "invalid", "unavailable"])),
        lie(cause("404 with a code", with(404, None, unknown), &["not-found", "invalid", "unavailable"])),
        cause("404 of a page", Fault::Html(404), &["invalid"]),
        status("405", 405, &["unsupported"]),
        status("409", 409, &["forbidden"]),
        status("412", 412, &["forbidden"]),
        Cause { says: "429", ..cause("429 header", with(429, Some(("retry-after", "0.001")), ""), &["rate-limited"]) },
        Cause { says: "429", ..cause("429 an hour", with(429, Some(("retry-after", "3600")), ""), &["rate-limited"]) },
        Cause {
            says: "429",
            ..cause(
                "429 body",
                with(429, None, &too_many("retry-after: 1.3ms, allowed: 44000/minute")),
                &["rate-limited"],
            )
        },
        status("500", 500, &["unavailable"]),
        status("503", 503, &["unavailable"]),
        // What is cut may be the registry's own "absent", which then is none.
        cause("truncated JSON", Fault::TruncatedJson, &["corrupt", "invalid"]),
        lie(cause("wrong digest in the header", wrong(true, false), &["corrupt", "conflict", "not-found"])),
        cause("wrong digest of the body", wrong(false, true), &["corrupt", "invalid"]),
        // A write that is answered by a page did not happen.
        cause("200 of a page", Fault::Html(200), &["corrupt", "invalid", "unavailable"]),
        cause("endless redirect", Fault::EndlessRedirect, &["invalid"]),
        // There, too, somebody wants to know who we are, and is not told. What writes does not even go there.
        cause(
            "redirect to another host",
            Fault::RedirectToOtherHost(elsewhere.to_owned()),
            &["unauthorized", "invalid"],
        ),
    ]
}

/// Which request goes wrong, and how.
#[derive(Clone)]
struct Case {
    cause: Cause,
    /// The request, from 1.
    at: u64,
    for_good: bool,
    after: bool,
}

impl Case {
    fn fault(&self) -> Option<Fault> {
        let fault = self.cause.fault.clone()?;
        Some(if self.after { fault.after_forwarding() } else { fault })
    }

    fn name(&self, exchange: &Exchange) -> String {
        let often = if self.for_good { "from then on" } else { "once" };
        let side = if self.after { ", after it was done" } else { "" };
        format!("{} {often}{side} at {} {} {}", self.cause.name, self.at, exchange.method, exchange.path)
    }
}

/// All that is needed to try one case after another.
struct Arena {
    story: Story,
    registry: FakeRegistry,
    elsewhere: Proxy,
    _other: FakeRegistry,
    clean: Vec<Exchange>,
    before: Tags,
    after: Tags,
}

impl Arena {
    async fn new(story: Story) -> Self {
        let registry = FakeRegistry::start(guarded());
        let direct = open(options(&registry.host()), &registry.host(), "template");
        story.prepare(&direct).await;
        registry.fork(story_start(story), "clean");
        let before = registry.tags(story_start(story));
        let proxy = Proxy::before(&registry.host());
        let other = FakeRegistry::start(crate::story::guarded());
        let elsewhere = Proxy::before(&other.host());
        let mut arena =
            Self { story, registry, elsewhere, _other: other, clean: Vec::new(), before, after: Tags::new() };
        assert_eq!(arena.run(options(&proxy.host()), &proxy.host(), "clean").await.unwrap(), Told::Done);
        (arena.clean, arena.after) = (proxy.take(), arena.registry.tags("clean"));
        assert_ne!(arena.before, arena.after, "the story changes nothing");
        arena
    }

    async fn run(&self, options: Options, host: &str, name: &str) -> Result<Told, PortError> {
        let options = Options { concurrency: 1, ..options };
        let client = promotion_registry::distribution::Client::new(options).unwrap();
        let at = |name: &str| client.open(&format!("oci://{host}/{name}").parse().unwrap()).unwrap();
        self.story.run(&at(name), &at("template")).await
    }

    /// For each request and cause: once or for good, before or after.
    fn cases(&self) -> Vec<Vec<Case>> {
        let causes = causes(&format!("http://{}/v2/", self.elsewhere.host()));
        let mut cases = Vec::new();
        for (exchange, at) in self.clean.iter().zip(1..) {
            let writes = !matches!(exchange.method.as_str(), "GET" | "HEAD");
            for cause in &causes {
                let after = writes && cause.fault.is_some();
                let variants = [(false, false), (true, false), (false, true), (true, true)].into_iter();
                let variants = variants.filter(|(_, is_after)| after || !is_after);
                cases.push(
                    variants.map(|(for_good, after)| Case { cause: cause.clone(), at, for_good, after }).collect(),
                );
            }
        }
        cases
    }

    /// What is wrong with what came of a case.
    async fn check(&self, case: &Case) -> Vec<String> {
        let name = "case";
        self.registry.fork(story_start(self.story), name);
        let outcome = match case.fault() {
            Some(fault) => self.broken(case, fault, name).await,
            None => self.refused(case, name).await,
        };
        let mut wrong = self.judge(case, &outcome, name);
        if self.registry.tags(name) != self.after {
            let host = self.registry.host();
            match self.run(options(&host), &host, name).await {
                Ok(Told::Done | Told::Warned(_)) if self.is_right(case, name) => {}
                again => wrong.push(format!("again: {again:?}: {}", self.difference(name))),
            }
        }
        wrong
    }

    /// Whether every tag is as after a run without fault. Who was lied to may have written more, such as another candidate
    /// for one that was said to be gone; then every stage selects what it should, by the rules and as after that run.
    fn is_right(&self, case: &Case, name: &str) -> bool {
        self.registry.tags(name) == self.after
            || (case.cause.lies && Stages::of(&self.registry, name) == Stages::of(&self.registry, "clean"))
    }

    async fn broken(&self, case: &Case, fault: Fault, name: &str) -> Result<Told, PortError> {
        let proxy = Proxy::before(&self.registry.host());
        let (at, for_good) = (case.at, case.for_good);
        proxy.fault(move |n, _| (n == at || (for_good && n > at)).then(|| fault.clone()));
        let options = options(&proxy.host());
        let options = if case.cause.name == "stalled body" { impatient(options) } else { options };
        self.run(options, &proxy.host(), name).await
    }

    /// The request finds nobody listening; afterwards, if it is only once, somebody does.
    async fn refused(&self, case: &Case, name: &str) -> Result<Told, PortError> {
        let upstream = self.registry.host();
        let proxy = Proxy::before(&upstream);
        let host = proxy.host();
        let (at, for_good, address) = (case.at, case.for_good, host.clone());
        if at == 1 {
            proxy.hang_up();
        }
        let proxy = Mutex::new((proxy, 1));
        let observer = move |exchange: &promotion_registry::distribution::Exchange<'_>| {
            let (proxy, sent) = &mut *proxy.lock().unwrap();
            *sent += 1;
            match exchange.status {
                None if !for_good => *proxy = Proxy::at(&address, &upstream),
                _ if *sent == at => proxy.hang_up(),
                _ => {}
            }
        };
        self.run(Options { observer: Some(Observer(Arc::new(observer))), ..options(&host) }, &host, name).await
    }

    fn judge(&self, case: &Case, outcome: &Result<Told, PortError>, name: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        match outcome {
            Ok(Told::Done | Told::Warned(_)) if self.is_right(case, name) => {}
            Ok(Told::Warned(_)) if self.hides_an_artifact(case) => {}
            Ok(Told::Done | Told::Warned(_)) => {
                wrong.push(format!("{outcome:?}, and it is not: {}", self.difference(name)));
            }
            Ok(Told::Refused(_)) if case.cause.lies => {}
            Ok(Told::Refused(reason)) => wrong.push(format!("refused: {reason}")),
            Err(error) => wrong.extend(imprecise(case, error)),
        }
        wrong.extend(self.strange(case, name));
        wrong.extend(Stages::of(&self.registry, name).unvalidated);
        if self.elsewhere.take().iter().any(|exchange| exchange.authorized) {
            wrong.push("another host learned who we are".to_owned());
        }
        wrong
    }

    /// A manifest that the registry says not to have, though a tag leads to it, is no artifact to promote or to lift:
    /// nothing can be done with it, until the same again finds it.
    fn hides_an_artifact(&self, case: &Case) -> bool {
        let at = usize::try_from(case.at).unwrap() - 1;
        case.cause.name == "404 with a code" && self.clean[at].operation == Operation::GetDigest
    }

    /// Tags that are neither as before nor as they should be.
    fn strange(&self, case: &Case, name: &str) -> Vec<String> {
        let was =
            |tag: &String, digest: &Digest| self.before.get(tag) == Some(digest) || self.after.get(tag) == Some(digest);
        let new = |tag: &String| case.cause.lies && !self.before.contains_key(tag) && !self.after.contains_key(tag);
        let tags = self.registry.tags(name).into_iter().filter(|(tag, digest)| !was(tag, digest) && !new(tag));
        let gone = self.before.keys().filter(|tag| !self.registry.tags(name).contains_key(*tag));
        let gone = gone.map(|tag| format!("{tag} is gone")).collect::<Vec<_>>();
        tags.map(|(tag, digest)| format!("{tag} is {digest}")).chain(gone).collect()
    }

    fn difference(&self, name: &str) -> String {
        let tags = self.registry.tags(name);
        let missing: Vec<_> = self.after.iter().filter(|(tag, digest)| tags.get(*tag) != Some(digest)).collect();
        let surplus: Vec<_> = tags.iter().filter(|(tag, digest)| self.after.get(*tag) != Some(digest)).collect();
        format!("missing {missing:?}, surplus {surplus:?}")
    }
}

/// Where a story begins: a copy begins with nothing.
const fn story_start(story: Story) -> &'static str {
    if matches!(story, Story::Copy) { "nothing" } else { "template" }
}

/// What an error should have said.
fn imprecise(case: &Case, error: &PortError) -> Vec<String> {
    let text = format!("{error}: {:?}", std::error::Error::source(error));
    let mut wrong = Vec::new();
    if !case.cause.kinds.contains(&error.kind().id()) {
        wrong.push(format!("kind: {text}"));
    }
    if !text.contains(case.cause.says) || !text.contains("127.0.0.1:") {
        wrong.push(format!("does not say {:?} and where: {text}", case.cause.says));
    }
    if text.contains(PASSWORD) || text.contains("YWRhOm") {
        wrong.push(format!("shows a credential: {text}"));
    }
    wrong
}

/// How much of the matrix is tried.
#[derive(Clone, Copy)]
enum Part {
    /// All of it.
    Whole,
    /// Every request with every cause, in one of its variants: the next pair has the next one.
    Pairs,
    /// Of these pairs every sixth, each request and each cause in turn.
    Some,
}

impl Part {
    fn of(self, number: usize, mut pair: Vec<Case>) -> Vec<Case> {
        let one = |pair: &mut Vec<Case>| {
            // Each cause comes with each variant in turn.
            let variant = (number + number / CAUSES) % pair.len();
            vec![pair.swap_remove(variant)]
        };
        match self {
            Self::Whole => pair,
            Self::Pairs => one(&mut pair),
            Self::Some if (number + number / CAUSES).is_multiple_of(6) => one(&mut pair),
            Self::Some => Vec::new(),
        }
    }
}

async fn hold(story: Story, part: Part) {
    let arena = Arena::new(story).await;
    let pairs = arena.cases().into_iter().enumerate();
    let cases: Vec<Case> = pairs.flat_map(|(number, pair)| part.of(number, pair)).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let at = usize::try_from(case.at).unwrap() - 1;
        let name = case.name(&arena.clean[at]);
        wrong.extend(arena.check(case).await.into_iter().map(|what| format!("{name}: {what}")));
    }
    println!("{story:?}: {} requests, {} cases", arena.clean.len(), cases.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_promotion_survives_every_fault_of_every_request() {
    hold(Story::Promote, Part::Pairs).await;
}

#[tokio::test]
async fn a_push_and_build_survive_faults_of_every_request() {
    hold(Story::Build, Part::Some).await;
}

#[tokio::test]
async fn a_rejection_survives_faults_of_every_request() {
    hold(Story::Reject, Part::Some).await;
}

#[tokio::test]
async fn a_rollback_survives_faults_of_every_request() {
    hold(Story::Rollback, Part::Some).await;
}

#[tokio::test]
async fn a_copy_with_its_record_survives_faults_of_every_request() {
    hold(Story::Copy, Part::Some).await;
}

#[tokio::test]
#[ignore = "needs minutes: the whole matrix"]
async fn everything_survives_every_fault_of_every_request_of_a_promotion() {
    hold(Story::Promote, Part::Whole).await;
}

#[tokio::test]
#[ignore = "needs minutes: the whole matrix"]
async fn everything_survives_every_fault_of_every_request_of_a_build() {
    hold(Story::Build, Part::Whole).await;
}

#[tokio::test]
#[ignore = "needs minutes: the whole matrix"]
async fn everything_survives_every_fault_of_every_request_of_a_rejection() {
    hold(Story::Reject, Part::Whole).await;
}

#[tokio::test]
#[ignore = "needs minutes: the whole matrix"]
async fn everything_survives_every_fault_of_every_request_of_a_rollback() {
    hold(Story::Rollback, Part::Whole).await;
}

#[tokio::test]
#[ignore = "needs minutes: the whole matrix"]
async fn everything_survives_every_fault_of_every_request_of_a_copy() {
    hold(Story::Copy, Part::Whole).await;
}

#[tokio::test]
async fn an_upload_that_happened_and_is_told_as_one_too_many_is_found() {
    let registry = FakeRegistry::start(Quirks::default());
    let proxy = Proxy::before(&registry.host());
    proxy.fault_once(Operation::Upload, Fault::status(429).after_forwarding());
    push(&open(options(&proxy.host()), &proxy.host(), "a"), &packed('a').await, None).await.unwrap();
}

/// Not every registry looks whether the blobs of a manifest are there.
#[tokio::test]
async fn a_page_is_no_word_that_something_was_stored() {
    let registry = FakeRegistry::start(Quirks::default());
    for operation in [Operation::Upload, Operation::PutDigest] {
        let proxy = Proxy::before(&registry.host());
        proxy.fault_once(operation, Fault::Html(200));
        let pushed = push(&open(options(&proxy.host()), &proxy.host(), "b"), &packed('a').await, None).await;
        let error = pushed.unwrap_err();
        assert_eq!(error.kind().id(), "corrupt", "{error}");
        assert!(error.message().contains("a page"), "{error}");
    }
}
