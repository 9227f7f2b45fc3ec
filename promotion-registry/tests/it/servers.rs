//! The registries and clients of `scripts/components` start, answer and stop.

use std::net::TcpStream;
use std::process::{Command, Output};

use promotion_registry::testing::servers::{Kind, Server, Setup, peer, zot_is_current};

fn run(command: &mut Command) -> String {
    let output = finish(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn finish(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Pushes a small artifact with oras.
fn push(repository: &str, tag: &str, content: &str, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("content"), content).unwrap();
    let mut oras = peer("oras");
    oras.current_dir(&folder).args(["push", "--artifact-type", "application/vnd.test"]).args(options);
    finish(oras.args([&format!("{repository}:{tag}"), "content"]))
}

fn pushed(repository: &str, tag: &str, content: &str) {
    let output = push(repository, tag, content, &["--plain-http"]);
    assert!(output.status.success(), "oras: {}", String::from_utf8_lossy(&output.stderr));
}

/// The status of a request, asked by reqwest.
async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// A client of plain HTTP and TLS.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Pushes to a registry with one client, and reads, copies and tags it with the others.
pub(crate) fn peers_agree_about(host: &str) {
    let repository = format!("{host}/team/platform");
    pushed(&repository, "1.0.0", "one");
    let reference = format!("{repository}:1.0.0");
    let digest = run(peer("crane").args(["digest", &reference]));
    assert_eq!(run(peer("oras").args(["resolve", "--plain-http", &reference])), digest);
    let plain = format!("reg={host},tls=disabled");
    assert_eq!(run(peer("regctl").args(["--host", &plain, "manifest", "head", &reference])), digest);
    let (from, to) = (format!("docker://{reference}"), format!("docker://{host}/team/copy:1.0.0"));
    let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    run(peer("skopeo").args(["--insecure-policy", "copy"]).args(plain).args([&from, &to]));
    assert_eq!(run(peer("crane").args(["digest", &format!("{host}/team/copy:1.0.0")])), digest);
    run(peer("crane").args(["tag", &reference, "stable"]));
    assert_eq!(run(peer("crane").args(["ls", &repository])), "1.0.0\nstable");
}

#[test]
#[ignore = "needs registries and their clients: scripts/components"]
fn every_client_reads_what_one_pushed_to_every_registry() {
    for kind in Kind::ALL {
        peers_agree_about(&Server::start(kind, Setup::anonymous()).host());
    }
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn a_user_is_asked_for() {
    for kind in [Kind::Distribution2, Kind::Distribution3, Kind::Zot] {
        let server = Server::start(kind, Setup::htpasswd("alice", "secret"));
        let request = || client().get(format!("http://{}/v2/", server.host()));
        assert_eq!(status(request()).await, 401, "{kind:?}");
        assert_eq!(status(request().header("authorization", "Basic YWxpY2U6d3Jvbmc=")).await, 401, "{kind:?}");
        assert_eq!(status(request().header("authorization", "Basic YWxpY2U6c2VjcmV0")).await, 200, "{kind:?}");
    }
}

#[tokio::test]
#[ignore = "needs registries: scripts/components"]
async fn tls_is_by_the_certificate_given() {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    client();
    let authority = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let trusting = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    for kind in [Kind::Distribution2, Kind::Distribution3, Kind::Zot] {
        let server = Server::start(kind, Setup::anonymous().tls(&certificate, &key));
        assert_eq!(status(trusting.get(format!("https://{}/v2/", server.host()))).await, 200, "{kind:?}");
    }
}

#[test]
#[ignore = "needs zot and oras: scripts/components"]
fn a_create_only_registry_never_moves_a_tag() {
    println!("zot is {}", if zot_is_current() { "version 2" } else { "1.4.3" });
    let server = Server::start(Kind::Zot, Setup::create_only());
    let repository = server.repository("platform");
    pushed(&repository, "1.0.0", "one");
    let digest = run(peer("crane").args(["digest", &format!("{repository}:1.0.0")]));
    assert!(!push(&repository, "1.0.0", "two", &["--plain-http"]).status.success());
    assert_eq!(run(peer("crane").args(["digest", &format!("{repository}:1.0.0")])), digest);
}

#[test]
#[ignore = "needs registries: scripts/components"]
fn a_dropped_server_listens_no_longer() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Setup::anonymous());
        let host = server.host();
        TcpStream::connect(&host).unwrap();
        drop(server);
        assert!(TcpStream::connect(&host).is_err(), "{kind:?}");
    }
}
