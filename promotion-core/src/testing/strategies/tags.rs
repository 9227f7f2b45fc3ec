//! Tags and constraints as texts: versions strict and loose, marks, and what is neither.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::Tag;

/// What may stand in a listing; some of it is no tag by the specification.
pub fn tag_texts() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => ("v?", "[0-3](\\.[0-3]){0,2}", pre_release()).prop_map(|(v, core, pre)| format!("{v}{core}{pre}")),
        2 => "(sha|integration|validated|rejected|reopened)-[0-9a-f]{7}(-[2-9])?",
        1 => Just("latest".to_owned()),
        1 => "[0-9a-zA-Z_.+-]{0,12}",
    ]
}

/// Tags: ours by the default scheme, versions that only Flux reads, and others.
pub fn tags() -> impl Strategy<Value = Tag> {
    tag_texts().prop_filter_map("no tag", |text| text.parse().ok())
}

/// What may be written as a constraint; some of it Flux rejects.
pub fn constraint_texts() -> impl Strategy<Value = String> {
    let atom = || {
        ("(=|!=|>|<|>=|=>|<=|=<|~|~>|\\^|) ?", "v?[0-3xX*](\\.[0-3x]){0,2}", pre_release())
            .prop_map(|(operator, core, pre)| format!("{operator}{core}{pre}"))
    };
    let glue = prop_oneof![Just(" "), Just(", "), Just(" || "), Just(" - "), Just("||")];
    (atom(), vec((glue, atom()), 0..4))
        .prop_map(|(first, rest)| rest.into_iter().fold(first, |text, (glue, atom)| text + glue + &atom))
}

fn pre_release() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        2 => "-(rc|alpha|0|10|9|a-b|99999999999999999999)(\\.(0|1|9|10|x|99999999999999999999|100000000000000000000)){0,2}",
    ]
}
