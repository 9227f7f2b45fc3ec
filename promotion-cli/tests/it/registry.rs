//! How registries are reached: flags, environment, promotion.yaml; and that no credential is ever shown.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::support::{REPO, Run, Site};

/// Nobody listens there.
const NOWHERE: &str = "oci://127.0.0.1:1/acme/platform";

#[test]
fn a_mistake_in_how_a_registry_is_reached_is_told_before_it_is_asked() {
    let site = Site::new();
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let told: &[Case<'_>] = &[
        (&["--timeout", "soon"], &[], "--timeout"),
        (&["--timeout", "0s"], &[], "more than nothing"),
        (&["--concurrency", "0"], &[], "expected 1 to 256"),
        (&["--retries", "many"], &[], "--retries"),
        (&["--retries", "101"], &[], "--retries"),
        (&["--ca-file", "missing.pem"], &[], "missing.pem"),
        (&["--registry-config", "missing.json"], &[], "missing.json"),
        (&["--creds", "me"], &[], "the password is missing"),
        (&["--creds", "me:"], &[], "the password is missing"),
        (&["--creds", ":s3cret"], &[], "the user is missing"),
        (&["--creds", "me:s3cret", "--password-stdin"], &[], "would bring another"),
        (&["--password-stdin"], &[], "a password without a user"),
        (&["--creds", "me", "--password-stdin"], &[], "the password is missing"),
        (&[], &[("PROMOTION_PASSWORD", "s3cret")], "nobody says whose"),
        (&[], &[("PROMOTION_USERNAME", "me")], "the password is missing"),
        (&[], &[("PROMOTION_PLAIN_HTTP", "perhaps")], "neither true nor false"),
        (&[], &[("PROMOTION_PASWORD", "s3cret")], "did you mean PROMOTION_PASSWORD?"),
        (&["--cred=me:s3cret"], &[], "--creds"),
    ];
    for (flags, environment, message) in told {
        let arguments = [&["status", NOWHERE], *flags].concat();
        let run = Run::of(site.command(&arguments).envs(environment.iter().copied()));
        assert_eq!(run.code, 2, "{arguments:?} {environment:?}\n{}", run.text());
        assert!(run.stderr.contains(message), "{arguments:?} {environment:?}\n{}", run.text());
        assert!(!run.text().contains("s3cret"), "{arguments:?} {environment:?}\n{}", run.text());
    }
}

#[test]
fn keys_of_the_file_are_checked() {
    let site = Site::new();
    let told = [
        ("registry: { plain_http: [\"http://localhost:5000\"] }\n", "is no host; write localhost:5000"),
        ("registry: { timeout: soon }\n", "registry.timeout"),
        ("registry: { concurrency: 0 }\n", "expected 1 to 256"),
        ("registry: { ca_files: [missing.pem] }\n", "missing.pem"),
        ("registry: { creds: me }\n", "unknown key \"creds\""),
    ];
    for (yaml, message) in told {
        site.write("promotion.yaml", yaml);
        let run = site.run(&["status", NOWHERE]);
        assert_eq!(run.code, 2, "{yaml}{}", run.text());
        assert!(run.stderr.contains(message), "{yaml}{}", run.text());
    }
}

#[test]
fn stdin_is_read_once() {
    let site = Site::new();
    let arguments = ["promote", NOWHERE, "--event", "-", "--creds", "me", "--password-stdin"];
    let run = site.run_with("s3cret\n", &arguments);
    assert_eq!(run.code, 2, "{}", run.text());
    assert!(!run.text().contains("s3cret"), "{}", run.text());
    let resolve = site.run_with("1.0.0\n", &["resolve", "--tags-from", "-", "--semver", "1"]);
    assert_eq!(resolve.code, 0, "{}", resolve.text());
}

#[test]
fn no_credential_is_ever_shown() {
    let site = Site::new();
    let secrets = [("PROMOTION_USERNAME", "me"), ("PROMOTION_PASSWORD", "s3cret")];
    for format in ["table", "json", "yaml"] {
        let arguments = ["status", NOWHERE, "--plain-http", "--retries", "0", "-v", "-o", format];
        let flagged = site.run(&[&arguments[..], &["--creds", "me:s3cret"]].concat());
        let set = Run::of(site.command(&arguments).envs(secrets));
        for run in [flagged, set] {
            assert_eq!(run.code, 1, "{}", run.text());
            assert!(!run.text().contains("s3cret"), "{}", run.text());
        }
    }
    for arguments in [
        &["status", "oci://me:s3cret@r.example/acme"][..],
        &["copy", "https://me:s3cret@r.example/acme", "ocidir://x"],
        &["copy", "oci://me:s3cret@r.example/acme", "ocidir://x", "-o", "json"],
        &["status", "--creds", "me:s3cret", "--no-such-flag"],
    ] {
        let run = site.run(arguments);
        assert_eq!(run.code, 2, "{}", run.text());
        assert!(!run.text().contains("s3cret"), "{}", run.text());
    }
    let warned = site.run(&["status", NOWHERE, "--plain-http", "--retries", "0", "--creds", "me:s3cret"]);
    assert!(warned.stderr.contains("everyone on this machine can see"), "{}", warned.stderr);
    let quiet = site.run(&["status", NOWHERE, "--plain-http", "--retries", "0", "--creds", "me:s3cret", "--quiet"]);
    assert!(!quiet.stderr.contains("everyone on this machine"), "{}", quiet.stderr);
}

/// Ctrl-C and SIGTERM stop a command that waits, also one that waits for its input, as shells expect.
#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_command_says_what_it_wrote() {
    use std::process::{Command, Stdio};

    let site = Site::new();
    site.push(1);
    let waits: [&[&str]; 2] = [&["status", REPO, "--watch"], &["promote", REPO, "--event", "-"]];
    for (arguments, signal) in waits.iter().zip(["-INT", "-TERM"]) {
        let mut command = site.command(arguments);
        // The pipe stays open, so the command waits for it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        // Signals are caught as soon as the mask says so; before that, one would kill without a word.
        let caught = |id: u32| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
            let mask = u64::from_str_radix(&mask, 16).unwrap();
            mask & (1 << 1) != 0 && mask & (1 << 14) != 0
        };
        while !caught(child.id()) {
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(stderr.contains("interrupted; no tag was written"), "{stderr}");
        drop(stdin);
    }
}

/// A registry that wants to know who asks, knows one repository, and remembers what it was told.
struct Server {
    host: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                let head = lines.collect::<Vec<String>>().join("\n");
                let known = head.to_lowercase().contains("authorization: basic");
                let (status, header, body) = match (known, head.contains("/tags/list")) {
                    (false, _) => ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"test\"\r\n", ""),
                    (true, true) => {
                        ("200 OK", "Content-Type: application/json\r\n", r#"{"name":"acme/x","tags":["1.0.0"]}"#)
                    }
                    (true, false) => {
                        ("404 Not Found", "", r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}"#)
                    }
                };
                seen.lock().unwrap().push(head);
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { host, heads }
    }

    /// The last credential that was sent, and forgets it.
    fn told(&self) -> Option<String> {
        let heads = std::mem::take(&mut *self.heads.lock().unwrap());
        let lines = heads.iter().flat_map(|head| head.lines());
        let mut sent = lines
            .filter_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization")));
        sent.next_back().map(|(_, value)| value.to_owned())
    }
}

#[test]
fn flags_win_over_the_environment_and_credentials_stay_with_their_host() {
    let site = Site::new();
    let server = Server::start();
    let repository = format!("oci://{}/acme/x", server.host);
    let resolve = ["resolve", &repository, "--semver", "1", "--retries", "0"];
    let run = |flags: &[&str], environment: &[(&str, &str)]| {
        let run = Run::of(site.command(&[&resolve[..], flags].concat()).envs(environment.iter().copied()));
        assert!(!run.text().contains("s3cret"), "{}", run.text());
        run
    };
    let environment = [("PROMOTION_USERNAME", "env"), ("PROMOTION_PASSWORD", "s3cret"), ("PROMOTION_PLAIN_HTTP", "1")];
    let (of_env, of_flag, of_both) = ("Basic ZW52OnMzY3JldA==", "Basic ZmxhZzpwdw==", "Basic ZmxhZzpzM2NyZXQ=");

    let anonymous = run(&["--plain-http"], &[]);
    assert_eq!((anonymous.code, server.told()), (1, None), "{}", anonymous.text());
    assert!(anonymous.stderr.contains(&format!("docker login {}", server.host)), "{}", anonymous.stderr);
    assert_eq!(run(&[], &environment).code, 0);
    assert_eq!(server.told().as_deref(), Some(of_env));
    run(&["--creds", "flag:pw"], &environment);
    assert_eq!(server.told().as_deref(), Some(of_flag));
    run(&["--creds", "flag"], &environment);
    assert_eq!(
        server.told().as_deref(),
        Some(of_both),
        "the environment's password keeps the flag out of the process list"
    );

    let piped =
        site.run_with("s3cret\n", &[&resolve[..], &["--plain-http", "--creds", "flag", "--password-stdin"]].concat());
    assert_eq!(piped.code, 0, "{}", piped.text());
    assert_eq!(server.told().as_deref(), Some(of_both));

    // What docker login wrote, unless this run says who we are; a file that is named is the only one that is read.
    let auths = |user: &str| format!(r#"{{"auths": {{"{}": {{"auth": "{user}"}}}}}}"#, server.host);
    site.write(".docker/config.json", &auths("aG9tZTpzM2NyZXQ="));
    site.write("named.json", &auths("bmFtZWQ6czNjcmV0"));
    site.write("moved/config.json", &auths("bW92ZWQ6czNjcmV0"));
    let moved = site.path().join("moved").display().to_string();
    let moved = [("DOCKER_CONFIG", moved.as_str())];
    let named = ["--plain-http", "--registry-config", "named.json"];
    for (flags, environment, expected) in [
        (&named[..1], &[][..], "Basic aG9tZTpzM2NyZXQ="),
        (&named[..1], &moved, "Basic bW92ZWQ6czNjcmV0"),
        (&named, &moved, "Basic bmFtZWQ6czNjcmV0"),
        (&named, &environment, of_env),
    ] {
        assert_eq!(run(flags, environment).code, 0);
        assert_eq!(server.told().as_deref(), Some(expected), "{flags:?} {environment:?}");
    }

    // The file makes HTTP of one host, and -v shows each exchange.
    site.write("promotion.yaml", &format!("registry: {{ plain_http: [\"{}\"] }}\n", server.host));
    let shown = run(&["-v"], &environment[..2]);
    assert_eq!(shown.code, 0, "{}", shown.text());
    let line = format!("GET http://{}/v2/acme/x/tags/list", server.host);
    assert!(
        shown.stderr.contains(&line) && shown.stderr.contains(" 401") && shown.stderr.contains(" 200"),
        "{}",
        shown.stderr
    );
    site.write("promotion.yaml", "registry: { plain_http: [\"localhost:1\"] }\n");
    let tls = run(&[], &environment[..2]);
    assert_eq!(tls.code, 1, "{}", tls.text());
    assert!(tls.stderr.contains("--plain-http"), "{}", tls.stderr);
}

/// A lock that cannot be had must not be taken for one that is held.
#[test]
fn a_lease_that_cannot_be_had_is_not_passed_over() {
    let site = Site::new();
    let server = Server::start();
    site.write("promotion.yaml", "lock: lease:flux-system/promotion\nclusters: { live: { context: nowhere } }\n");
    let repository = format!("oci://{}/acme/x", server.host);
    let nowhere = site.path().join("kubeconfig");
    for writing in [&["repair", &repository][..], &["doctor", &repository, "--write"]] {
        let run = Run::of(site.command(writing).arg("--plain-http").env("KUBECONFIG", &nowhere));
        assert_eq!(run.code, 1, "{}", run.text());
        assert!(run.stderr.contains("read the kubeconfig"), "{}", run.stderr);
    }
    assert!(server.heads.lock().unwrap().is_empty());
}
