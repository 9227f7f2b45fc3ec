//! Credential files: no secret is ever shown, none is found for a host that the file does not name, and helpers are
//! programs, not paths.
#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use promotion_registry::distribution::Credential;
use promotion_registry::testing::bytes::credential;
use serde_json::Value;

/// What every secret of a file is marked with.
const MARK: &str = "S3CR3T";
/// A host that nobody names by chance.
const STRANGER: &str = "stranger.invalid";
const PLACES: [(&str, &str); 3] =
    [("registry.example", "team/app"), ("registry.example:5000", "app"), ("index.docker.io", "library/app")];

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let contains = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    if !contains(STRANGER) {
        let found = credential(bytes, STRANGER, "team/app", &mut Vec::new());
        assert!(!matches!(found, Ok(Some(_))), "somebody else's credential: {found:?}");
    }
    let Ok(mut file) = serde_json::from_slice::<Value>(bytes) else { return };
    if contains(MARK) || contains("\\u") {
        return;
    }
    mark(&mut file);
    for shown in check(file.to_string().as_bytes()) {
        assert!(!shown.contains(MARK), "a secret is shown: {shown}");
    }
});

/// Everything that anybody could be shown of what is found.
fn check(file: &[u8]) -> Vec<String> {
    let mut shown = Vec::new();
    for (host, path) in PLACES {
        let mut helpers = Vec::new();
        let found = credential(file, host, path, &mut helpers);
        assert_eq!(found, credential(file, host, path, &mut Vec::new()), "the same file says the same");
        assert!(helpers.iter().all(|helper| !helper.is_empty() && !helper.contains(['/', '\\'])), "{helpers:?}");
        if let Ok(Some(credential)) = &found {
            let (Credential::Basic { password: secret, .. }
            | Credential::Identity(secret)
            | Credential::Bearer(secret)) = credential;
            let user = matches!(credential, Credential::Basic { user, .. } if !user.is_empty());
            assert!(user || !secret.expose().is_empty(), "nothing is no credential");
        }
        shown.push(match found {
            Ok(found) => format!("{found:?}"),
            Err(error) => error,
        });
    }
    shown
}

fn mark(file: &mut Value) {
    for entry in file.get_mut("auths").and_then(Value::as_object_mut).into_iter().flat_map(|auths| auths.values_mut()) {
        for (key, value) in entry.as_object_mut().into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            *value = match (key.as_str(), decoded.as_deref().and_then(|pair| pair.split_once(':'))) {
                ("auth", Some((user, password))) => BASE64_STANDARD.encode(format!("{user}:{MARK}{password}")).into(),
                ("auth" | "password" | "identitytoken" | "registrytoken", _) if !text.is_empty() => {
                    format!("{MARK}{text}").into()
                }
                _ => continue,
            };
        }
    }
}
