//! Credential files of Docker and Podman, as users have them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use promotion_core::ports::{PortError, PortErrorKind};
use promotion_registry::distribution::{Credential, Credentials, DockerConfig, FirstOf, Fixed, Secret};
use proptest::prelude::*;
use tempfile::TempDir;

struct Files {
    folder: TempDir,
    config: DockerConfig,
}

impl Files {
    fn new(contents: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |(number, text): (usize, &&str)| {
            let path = folder.path().join(format!("{number}.json"));
            fs::write(&path, text).unwrap();
            path
        };
        let files = contents.iter().enumerate().map(write).collect();
        Self { folder, config: DockerConfig { files } }
    }

    async fn find(&self, host: &str, path: &str) -> Result<Option<Credential>, PortError> {
        self.config.find(host, path).await
    }
}

fn basic(user: &str, password: &str) -> Option<Credential> {
    Some(Credential::Basic { user: user.to_owned(), password: Secret::new(password) })
}

/// `ann:one` and `bob:two` in base64.
const ANN: &str = "YW5uOm9uZQ==";
const BOB: &str = "Ym9iOnR3bw";

#[tokio::test]
async fn the_most_specific_entry_wins() {
    let text = format!(r#"{{"auths": {{"quay.io": {{"auth": "{ANN}"}}, "quay.io/acme/a": {{"auth": "{BOB}"}}}}}}"#);
    let files = Files::new(&[&text]);
    assert_eq!(files.find("quay.io", "acme/a").await.unwrap(), basic("bob", "two"));
    assert_eq!(files.find("quay.io", "acme/a/b").await.unwrap(), basic("bob", "two"));
    assert_eq!(files.find("quay.io", "acme/ab").await.unwrap(), basic("ann", "one"));
    assert_eq!(files.find("ghcr.io", "acme/a").await.unwrap(), None);
    // A path-scoped entry is no entry for the host.
    let text = format!(r#"{{"auths": {{"quay.io/acme/a": {{"auth": "{BOB}"}}}}}}"#);
    assert_eq!(Files::new(&[&text]).find("quay.io", "acme/b").await.unwrap(), None);
}

#[tokio::test]
async fn docker_hub_and_old_forms_are_found() {
    for (key, host) in [
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("https://ghcr.io/v1/", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("http://localhost:5000", "localhost:5000"),
    ] {
        let text = format!(r#"{{"auths": {{"{key}": {{"auth": "{ANN}"}}}}}}"#);
        assert_eq!(Files::new(&[&text]).find(host, "acme/a").await.unwrap(), basic("ann", "one"), "{key}");
    }
}

#[tokio::test]
async fn every_form_of_an_entry_is_read() {
    let token = |text: &str| Secret::new(text);
    for (entry, expected) in [
        (r#"{"username": "ann", "password": "one"}"#, basic("ann", "one")),
        // `ann:one\0`, as Docker pads it.
        (r#"{"auth": "YW5uOm9uZQA="}"#, basic("ann", "one")),
        // `ann:a:b`
        (r#"{"auth": "YW5uOmE6Yg=="}"#, basic("ann", "a:b")),
        (r#"{"auth": "YW5uOg==", "identitytoken": "id"}"#, Some(Credential::Identity(token("id")))),
        (r#"{"username": "<token>", "password": "id"}"#, Some(Credential::Identity(token("id")))),
        (r#"{"registrytoken": "tok"}"#, Some(Credential::Bearer(token("tok")))),
        (r#"{"auth": "", "username": "", "identitytoken": ""}"#, None),
        ("{}", None),
        ("null", None),
    ] {
        let text = format!(r#"{{"auths": {{"ghcr.io": {entry}}}, "HttpHeaders": {{"x": "y"}}}}"#);
        assert_eq!(Files::new(&[&text]).find("ghcr.io", "acme/a").await.unwrap(), expected, "{entry}");
    }
}

#[tokio::test]
async fn the_first_file_that_knows_wins_and_a_missing_one_says_nothing() {
    let ann = format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{ANN}"}}}}}}"#);
    let bob = format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{BOB}"}}}}}}"#);
    let mut files = Files::new(&["{}", &bob, &ann]);
    files.config.files.insert(0, PathBuf::from("/nowhere/config.json"));
    assert_eq!(files.find("ghcr.io", "a").await.unwrap(), basic("bob", "two"));
    let given = Fixed { host: "ghcr.io".to_owned(), credential: basic("eve", "three").unwrap() };
    let all = FirstOf(vec![Arc::new(given), Arc::new(files.config)]);
    assert_eq!(all.find("ghcr.io", "a").await.unwrap(), basic("eve", "three"));
    assert_eq!(all.find("quay.io", "a").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_broken_names_file_and_host_and_no_secret() {
    for (text, said) in [
        (r#"{"auths": {"ghcr.io": {"auth": "hunter22"#, "malformed JSON (line 1"),
        (r#"{"auths": {"ghcr.io": "hunter22"}}"#, "is no credential file (line 1"),
        (r#"["hunter22"]"#, "is no credential file"),
        ("", "malformed JSON"),
        (r#"{"auths": {"ghcr.io": {"auth": "hunter22!"}}}"#, "not user:password in base64"),
        // `hunter22` without a colon.
        (r#"{"auths": {"ghcr.io": {"auth": "aHVudGVyMjI="}}}"#, "not user:password in base64"),
        (r#"{"auths": {"ghcr.io": {"auth": "YW5uOm9uZQ==", "username": "ann", "password": "hunter22"}}}"#, "another"),
        (r#"{"auths": {"ghcr.io": {"password": "hunter22"}}}"#, "a password without a user"),
        (r#"{"credHelpers": {"ghcr.io": "../hunter"}}"#, "name \"../hunter\" is none"),
        (r#"{"credHelpers": {"ghcr.io": "of-nobody-at-all"}}"#, "docker-credential-of-nobody-at-all cannot be run"),
        (r#"{"credsStore": "of-nobody-at-all"}"#, "docker-credential-of-nobody-at-all cannot be run"),
    ] {
        let files = Files::new(&[text]);
        let error = files.find("ghcr.io", "acme/a").await.unwrap_err();
        assert_eq!(*error.kind(), PortErrorKind::Invalid, "{text}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(said) && shown.contains("ghcr.io"), "{shown}");
        assert!(shown.contains(&*files.folder.path().join("0.json").to_string_lossy()), "{shown}");
        assert!(!shown.contains("hunter22") && !shown.contains("aHVudGVy"), "{shown}");
    }
}

#[tokio::test]
async fn a_folder_where_a_file_should_be_is_told() {
    let files = Files::new(&[]);
    let config = DockerConfig { files: vec![files.folder.path().to_owned()] };
    let error = config.find("ghcr.io", "a").await.unwrap_err();
    assert!(error.message().contains("cannot read credentials from"), "{error}");
}

/// Says on its standard output what the helpers in `PATH` make of it.
#[tokio::test]
#[ignore = "run by helpers_are_asked_by_their_protocol, with other helpers in PATH"]
async fn what_helpers_say() {
    // Whoever runs all that is ignored means others.
    let Some(folder) = std::env::var_os("HELPERS").map(PathBuf::from) else { return };
    for name in ["known", "token", "miss", "empty", "crash", "noise", "store"] {
        let config = DockerConfig { files: vec![folder.join(format!("{name}.json"))] };
        let found = config.find("docker.io", "acme/a").await;
        let told = match &found {
            Ok(Some(Credential::Basic { user, password })) => format!("{user} {}", password.expose()),
            Ok(Some(Credential::Identity(token) | Credential::Bearer(token))) => format!("token {}", token.expose()),
            Ok(None) => "nothing".to_owned(),
            Err(error) => format!("{error} {error:?}").replace('\n', " "),
        };
        println!("\n{name}: {told}");
    }
}

#[cfg(unix)]
#[test]
fn helpers_are_asked_by_their_protocol() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let known = r#"read -r host; printf '{"Username":"%s","Secret":"hunter22"}' "$host""#;
    for (name, script) in [
        ("known", known),
        ("store", known),
        ("token", r#"cat >&2; echo '{"Username":"<token>","Secret":"id"}'"#),
        ("miss", "cat >&2; echo 'credentials not found in native keychain'; exit 1"),
        ("empty", r#"cat >&2; echo '{"Username":"","Secret":""}'"#),
        ("crash", "cat >&2; echo hunter22; echo hunter22 >&2; exit 2"),
        ("noise", "cat >&2; echo hunter22"),
    ] {
        let helper = folder.path().join(format!("docker-credential-{name}"));
        fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        let text = match name {
            "store" => format!(r#"{{"credsStore": "{name}", "auths": {{"https://index.docker.io/v1/": {{}}}}}}"#),
            _ => format!(r#"{{"credHelpers": {{"https://index.docker.io/v1/": "{name}"}}}}"#),
        };
        fs::write(folder.path().join(format!("{name}.json")), text).unwrap();
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "credentials::what_helpers_say", "--ignored", "--nocapture"])
        .env("PATH", path)
        .env("HELPERS", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let line = |name: &str| said.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned();
    assert_eq!(line("known"), "https://index.docker.io/v1/ hunter22");
    assert_eq!(line("store"), "https://index.docker.io/v1/ hunter22");
    assert_eq!(line("token"), "token id");
    assert_eq!(line("miss"), "nothing");
    assert_eq!(line("empty"), "nothing");
    assert!(line("crash").contains("docker-credential-crash failed"), "{said}");
    assert!(line("noise").contains("docker-credential-noise answered with something else"), "{said}");
    assert!(!line("crash").contains("hunter22") && !line("noise").contains("hunter22"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_file_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), auth in "[A-Za-z0-9+/=]{0,24}") {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        fs::write(&one, &bytes).unwrap();
        fs::write(&two, format!(r#"{{"auths": {{"h": {{"auth": "{auth}"}}}}}}"#)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for file in [one, two] {
            let _ = runtime.block_on(DockerConfig { files: vec![file] }.find("h", "a"));
        }
    }
}
