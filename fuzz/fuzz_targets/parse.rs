//! Whatever people and registries write is read without a panic, and what is read is written as it was read.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use promotion_core::flux::{Constraint, Selector, TagFilter, Template, Version};
use promotion_core::forecast::forecast;
use promotion_core::listing::{Document, tag_of_line};
use promotion_core::plan::PlanFile;
use promotion_core::policy::{Policy, Spec};
use promotion_core::scheme::Kind;
use promotion_core::time::{Timestamp, parse_duration};
use promotion_core::version::Base;
use promotion_core::what::What;
use promotion_core::{Commit, CommitPrefix, Digest, Repository, Revision, Tag};

/// The text of what was read is the text that was given.
fn exact<T: FromStr + Display>(text: &str) -> bool {
    let Ok(read) = text.parse::<T>() else { return false };
    assert_eq!(read.to_string(), text);
    true
}

/// Writing and reading again changes nothing, even where there are several ways of writing it.
fn stable<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let again = read.to_string().parse::<T>();
    assert!(again.as_ref().is_ok_and(|again| *again == read), "{read:?} became {again:?}");
}

/// Each line gives at most one word, and a stage picks one of those or none.
fn listed(text: &str) {
    let tags: Vec<&str> = text.lines().filter_map(|line| tag_of_line(line, false)).collect();
    assert!(tags.iter().all(|tag| !tag.is_empty() && !tag.contains(char::is_whitespace)), "{tags:?}");
    let told = forecast(&tags, &Policy::default(), 5);
    assert_eq!(told.counts.tags, tags.len());
    for pick in told.stages {
        assert!(pick.tag.is_none_or(|tag| tags.contains(&tag)), "{pick:?}");
    }
    if let Ok(Document(tags)) = serde_json::from_str::<Document>(text) {
        let again = serde_json::to_string(&tags).expect("texts are JSON");
        assert_eq!(serde_json::from_str(&again).ok(), Some(Document(tags)));
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = PlanFile::parse(bytes) {
        let written = serde_json::to_vec(&file).expect("a plan is JSON");
        assert_eq!(PlanFile::parse(&written), Ok(file));
    }
    if let Ok(spec) = serde_json::from_slice::<Spec>(bytes)
        && let Ok(policy) = Policy::new(spec)
    {
        assert_eq!(Policy::new(policy.spec().clone()).as_ref(), Ok(&policy));
        let _ = promotion_core::proofs::prove(&policy);
    }
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let is_tag = exact::<Tag>(text);
    exact::<Digest>(text);
    exact::<Commit>(text);
    exact::<CommitPrefix>(text);
    // Hosts have no case, and are written in lower case.
    stable::<Repository>(text);
    exact::<What>(text);
    exact::<Base>(text);
    exact::<Constraint>(text);
    exact::<TagFilter>(text);
    stable::<Revision>(text);
    stable::<Timestamp>(text);
    let _ = (parse_duration(text), Selector::parse(text, Some(text), None));
    if let (Ok(filter), Ok(template)) = (TagFilter::parse(text), Template::parse(text)) {
        let _ = (filter.is_match(text), filter.expand(text, &template));
    }
    versions(text);
    listed(text);
    if is_tag {
        classified(text);
    }
});

fn versions(text: &str) {
    let loose = Version::parse_loose(text);
    for version in [loose, Version::parse_tag(text), Version::parse_chart_tag(text)].into_iter().flatten() {
        assert_eq!(version.text(), text);
        let written = version.to_string();
        let again = Version::parse_loose(&written).map(|again| again.precedence(&version));
        // What is written out in full can be longer than what is read at all.
        assert!(written.len() > Version::MAX_LEN || again.is_ok_and(std::cmp::Ordering::is_eq), "{written}");
    }
    assert!(Version::parse_tag(text).is_err() || loose.is_ok(), "a tag is read more strictly");
}

/// What the scheme reads it can write, and there is one way to write it.
fn classified(text: &str) {
    let policy = Policy::default();
    match policy.classify(text) {
        Kind::Version(version) => assert_eq!(policy.version_tag(&version).as_str(), text),
        Kind::Mark(mark) => assert_eq!(policy.mark_tag(&mark).as_str(), text),
        Kind::Channel | Kind::Foreign(_) => {}
    }
}
