//! The command line and configuration of each registry.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::tools::{find, zot_is_current};
use super::{Access, Kind, Setup, Tls};

/// The command that starts a registry with its files in `folder`. Port 0 leaves the choice to the kernel.
pub(super) fn command(kind: Kind, setup: &Setup, folder: &Path) -> Command {
    let config = |config: Value| write(folder, "config.json", &config.to_string());
    match kind {
        Kind::Distribution2 => serve("docker-registry", config(distribution(setup, folder))),
        Kind::Distribution3 => serve("registry-v3", config(distribution(setup, folder))),
        Kind::Zot => serve("zot", config(zot(setup, folder))),
        Kind::Ggcr => {
            assert!(*setup == Setup::anonymous(), "the registry of go-containerregistry knows neither users nor TLS");
            let mut command = Command::new(find("ggcr-registry"));
            command.args(["-port", "0"]);
            command
        }
    }
}

fn serve(name: &str, config: PathBuf) -> Command {
    let mut command = Command::new(find(name));
    // distribution 3 would send traces to a collector that is not there, and log that.
    command.arg("serve").arg(config).env("OTEL_TRACES_EXPORTER", "none");
    command
}

/// distribution reads YAML, and JSON is YAML.
fn distribution(setup: &Setup, folder: &Path) -> Value {
    let mut config = json!({
        "version": 0.1,
        "log": {"level": "info"},
        "storage": {
            "filesystem": {"rootdirectory": folder.join("storage")},
            "delete": {"enabled": true},
            "maintenance": {"uploadpurging": {"enabled": false}},
        },
        "http": {"addr": "127.0.0.1:0", "secret": "of a test"},
    });
    match &setup.access {
        Access::Anonymous => {}
        Access::Htpasswd { user, password } => {
            config["auth"] = json!({"htpasswd": {"realm": "test", "path": htpasswd(folder, user, password)}});
        }
        Access::CreateOnly => panic!("distribution cannot allow to create but not to update"),
    }
    if let Some(tls) = &setup.tls {
        let (certificate, key) = tls_files(folder, tls);
        config["http"]["tls"] = json!({"certificate": certificate, "key": key});
    }
    config
}

fn zot(setup: &Setup, folder: &Path) -> Value {
    let mut config = json!({
        "distSpecVersion": "1.1.0",
        "storage": {"rootDirectory": folder.join("storage"), "gc": false},
        "http": {"address": "127.0.0.1", "port": "0"},
        "log": {"level": "info"},
    });
    match &setup.access {
        Access::Anonymous => {}
        Access::Htpasswd { user, password } => {
            config["http"]["auth"] = json!({"htpasswd": {"path": htpasswd(folder, user, password)}});
        }
        Access::CreateOnly => {
            let everywhere = json!({"**": {"anonymousPolicy": ["read", "create"]}});
            config["http"]["accessControl"] =
                if zot_is_current() { json!({"repositories": everywhere}) } else { everywhere };
        }
    }
    if let Some(tls) = &setup.tls {
        let (certificate, key) = tls_files(folder, tls);
        config["http"]["tls"] = json!({"cert": certificate, "key": key});
    }
    config
}

/// A password file in bcrypt, the only form that both servers read; 4 is the least work that it knows.
fn htpasswd(folder: &Path, user: &str, password: &str) -> PathBuf {
    let output = Command::new(find("htpasswd")).args(["-nbB", "-C", "4", user, password]).output();
    let output = output.expect("htpasswd runs");
    assert!(output.status.success(), "htpasswd: {}", String::from_utf8_lossy(&output.stderr));
    write(folder, "htpasswd", &String::from_utf8_lossy(&output.stdout))
}

fn tls_files(folder: &Path, tls: &Tls) -> (PathBuf, PathBuf) {
    (write(folder, "certificate.pem", &tls.certificate), write(folder, "key.pem", &tls.key))
}

fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file in the temporary folder");
    path
}
