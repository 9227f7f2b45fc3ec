//! A page of a listing: its `Link` header (line 1) and its body (the rest). No next page is overlooked, and the names are
//! those that a plain reading of the JSON finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_registry::testing::bytes::{next_page, tags};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let (link, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &b""[..]),
    };
    let text =
        core::str::from_utf8(link).ok().filter(|text| text.chars().all(|letter| letter >= ' ' && letter != '\x7f'));
    if let Some(text) = text {
        links(text);
    }
    // What is passed over may be no text, or a number of any size.
    if let (Some(names), Ok(plain)) = (tags(body), serde_json::from_slice::<Value>(body)) {
        let Value::Object(plain) = plain else { panic!("a page is an object") };
        let listed: Vec<Value> = plain["tags"].as_array().cloned().unwrap_or_default();
        assert!(plain["tags"].is_array() || plain["tags"].is_null());
        assert_eq!(listed, names);
    }
});

fn links(text: &str) {
    let next = |text: &str| next_page(&[text.as_bytes()]);
    let found = next(text);
    match &found {
        Ok(Some(target)) => assert!(text.contains(&format!("<{target}>")), "{target} is made up"),
        Ok(None) => {}
        Err(_) => assert!(text.to_ascii_lowercase().contains("next")),
    }
    assert_eq!(
        next(&format!("</a?last=b>; rel=\"next\", {text}")),
        Ok(Some("/a?last=b".to_owned())),
        "the first counts"
    );
    assert_eq!(next(&format!("</a>; rel=prev, {text}")), found, "another page before it changes nothing");
    assert_eq!(next_page(&[b"</a>; rel=prev", text.as_bytes()]), found, "nor in a header of its own");
}
