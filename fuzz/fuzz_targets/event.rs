//! Whatever arrives at a webhook is read without a panic, and what is read keeps what the type promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_core::event::{self, Form};

fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = event::parse(bytes) else { return };
    assert_eq!(event::parse(bytes).as_ref(), Ok(&event), "the same bytes are the same event");
    assert!(event.digest.is_none() || event.form != Form::Status, "a commit status knows no digest");
    if let Some(object) = &event.object {
        assert!(object.to_string().bytes().all(|byte| byte.is_ascii_graphic()), "a name hides nothing");
    }
    if let Some(at) = event.at {
        assert_eq!(at.to_string().parse(), Ok(at), "a time is written as it was read");
    }
});
