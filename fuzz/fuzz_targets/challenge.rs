//! `WWW-Authenticate`, a header per line: the one that is answered does not depend on what stands beside it, and is read
//! as it would be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promotion_registry::testing::bytes::{Challenge, challenge};

const BEARER: &[u8] = br#"Bearer realm="https://auth.example/token""#;

fuzz_target!(|bytes: &[u8]| {
    let headers: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let beside = |header| [&headers[..], &[header]].concat();
    let before = |header| [&[header], &headers[..]].concat();
    let chosen = challenge(&headers);
    match &chosen {
        Ok(Challenge::Bearer { realm, service, scope }) => {
            assert!(realm.starts_with("https://") || realm.starts_with("http://"), "{realm}");
            assert!(service.as_deref() != Some("") && scope.as_deref() != Some(""));
            let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let parameter = |name: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!(",{name}=\"{}\"", quoted(value))).unwrap_or_default()
            };
            let (service, scope) = (parameter("service", service), parameter("scope", scope));
            let written = format!("Bearer realm=\"{}\"{service}{scope}", quoted(realm));
            assert_eq!(challenge(&[written.as_bytes()]), chosen, "{written}");
            assert_eq!(challenge(&beside(b"Basic realm=\"x\"")), chosen);
            assert_eq!(challenge(&before(b"Basic realm=\"x\"")), chosen);
        }
        Ok(Challenge::Basic) => {
            assert!(matches!(challenge(&beside(BEARER)), Ok(Challenge::Bearer { .. })));
            assert!(matches!(challenge(&before(BEARER)), Ok(Challenge::Bearer { .. })));
            assert_eq!(challenge(&beside(b"Negotiate")), chosen);
        }
        Err(why) => {
            assert!(!why.is_empty());
            assert_eq!(challenge(&beside(b"Basic realm=\"x\"")), Ok(Challenge::Basic));
            assert_eq!(challenge(&before(b"Basic realm=\"x\"")), Ok(Challenge::Basic));
        }
    }
});
