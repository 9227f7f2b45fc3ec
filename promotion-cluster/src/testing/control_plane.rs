//! etcd and kube-apiserver: a cluster as a client sees one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::address::{API, Address, ETCD, ETCD_PEER};
use super::objects::NAMESPACE;
use super::process::Process;
use super::tools::{definitions, find};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// May do everything.
    Admin,
    /// May do what [`ControlPlane::allow`] said, and nothing else.
    Restricted,
}

impl Identity {
    const ALL: [Self; 2] = [Self::Admin, Self::Restricted];

    /// The user's name.
    pub fn user(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Restricted => "restricted",
        }
    }

    /// The user's bearer token.
    pub fn token(self) -> &'static str {
        match self {
            Self::Admin => "token-of-admin",
            Self::Restricted => "token-of-restricted",
        }
    }
}

/// An API server of its own, empty, until it is dropped. Its files are in a temporary folder.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped in this order: who asks stops before who answers.
    api: Option<Process>,
    _etcd: Process,
    address: Address,
    folder: TempDir,
}

impl ControlPlane {
    /// Starts etcd and kube-apiserver, and returns when that is ready and has the namespace `flux-system`.
    ///
    /// # Panics
    ///
    /// If they are not installed, or do not come up; the message then ends with the log.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = Address::claim();
        let etcd = Process::start("etcd", &mut etcd(&address, folder.path()), folder.path());
        let mut plane = Self { api: None, _etcd: etcd, address, folder };
        plane.write_identities();
        plane.start_api_server();
        plane.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}));
        plane
    }

    /// Starts the API server again, with what it had.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    pub fn start_api_server(&mut self) {
        // Who still runs holds the port.
        self.stop_api_server();
        let mut api = Process::start("kube-apiserver", &mut api_server(&self.address, self.path()), self.path());
        api.until(|| {
            let mut ready = self.kubectl();
            ready.args(["get", "--raw", "/readyz"]).output().is_ok_and(|output| output.status.success())
        });
        self.api = Some(api);
    }

    /// Stops the API server: nobody listens there any more.
    pub fn stop_api_server(&mut self) {
        self.api = None;
    }

    /// `https://ADDRESS:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address.at(API))
    }

    /// A configuration file of `kubectl` and of every other client; its context has the user's name.
    pub fn kubeconfig(&self, identity: Identity) -> PathBuf {
        self.path().join(format!("{}.kubeconfig", identity.user()))
    }

    /// `kubectl`, as administrator.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub fn kubectl(&self) -> Command {
        self.kubectl_as(Identity::Admin)
    }

    /// `kubectl`, as somebody.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub fn kubectl_as(&self, identity: Identity) -> Command {
        let mut command = Command::new(find("kubectl"));
        command.env("KUBECONFIG", self.kubeconfig(identity)).env("KUBECACHEDIR", self.path().join("cache"));
        command
    }

    /// Defines every resource of Flux.
    ///
    /// # Panics
    ///
    /// If the definitions are not installed, or not accepted.
    pub fn install_flux(&self) {
        self.install("");
    }

    /// Defines the resources of Flux whose names start so: `source.toolkit.fluxcd.io` for one part of Flux,
    /// `source.toolkit.fluxcd.io_ocirepositories` for one resource.
    ///
    /// # Panics
    ///
    /// If there is no such definition, or it is not accepted.
    pub fn install(&self, start: &str) {
        let mut apply = self.kubectl();
        apply.args(["apply", "--server-side"]);
        let mut established = self.kubectl();
        established.args(["wait", "--for=condition=Established", "--timeout=60s"]);
        for file in definitions(start) {
            apply.arg("--filename").arg(&file);
            established.arg("--filename").arg(&file);
        }
        self.done(apply, None);
        self.done(established, None);
    }

    /// Defines a resource that Flux once had, or will have.
    ///
    /// # Panics
    ///
    /// If it is not accepted, or has no name.
    pub fn define(&self, definition: &Value) {
        self.apply(definition);
        let name = definition["metadata"]["name"].as_str().expect("a definition has a name");
        let mut established = self.kubectl();
        established.args(["wait", "--for=condition=Established", "--timeout=60s", "customresourcedefinition", name]);
        self.done(established, None);
    }

    /// Lets [`Identity::Restricted`] do this, everywhere: verbs and resources as RBAC writes them, such as `get,list` and
    /// `ocirepositories.source.toolkit.fluxcd.io`.
    ///
    /// # Panics
    ///
    /// If the API server refuses.
    pub fn allow(&self, name: &str, verbs: &str, resources: &str) {
        let mut role = self.kubectl();
        role.args(["create", "clusterrole", name, "--verb", verbs, "--resource", resources]);
        self.done(role, None);
        let mut binding = self.kubectl();
        binding.args(["create", "clusterrolebinding", name, "--clusterrole", name]);
        binding.args(["--user", Identity::Restricted.user()]);
        self.done(binding, None);
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The API server reads the tokens, clients the configurations.
    fn write_identities(&self) {
        let mut tokens = String::new();
        for identity in Identity::ALL {
            let (user, token) = (identity.user(), identity.token());
            let group = if identity == Identity::Admin { ",system:masters" } else { "" };
            tokens.push_str(&format!("{token},{user},{user}{group}\n"));
            let server = json!({"server": self.url(), "certificate-authority": self.path().join("tls/apiserver.crt")});
            let config = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": user,
                "clusters": [{"name": "loopback", "cluster": server}],
                "users": [{"name": user, "user": {"token": token}}],
                "contexts": [{"name": user, "context": {"cluster": "loopback", "user": user, "namespace": NAMESPACE}}],
            });
            write(&self.kubeconfig(identity), &config.to_string());
        }
        write(&self.path().join("tokens.csv"), &tokens);
        // Every API server signs tokens of service accounts, whether or not there are any.
        let key = rcgen::KeyPair::generate().expect("a key");
        write(&self.path().join("accounts.key"), &key.serialize_pem());
        write(&self.path().join("accounts.pub"), &key.public_key_pem());
    }
}

fn etcd(address: &Address, folder: &Path) -> Command {
    let (clients, peers) = (format!("http://{}", address.at(ETCD)), format!("http://{}", address.at(ETCD_PEER)));
    let mut command = Command::new(find("etcd"));
    command.arg("--data-dir").arg(folder.join("etcd"));
    command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
    command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
    command.args(["--initial-cluster", &format!("default={peers}")]);
    command
}

/// The API server makes its own certificate, which is then also the authority that clients are told.
fn api_server(address: &Address, folder: &Path) -> Command {
    let file = |name: &str| folder.join(name).display().to_string();
    let flags = [
        ("etcd-servers", format!("http://{}", address.at(ETCD))),
        ("bind-address", address.ip()),
        ("advertise-address", address.ip()),
        ("secure-port", API.to_string()),
        ("cert-dir", file("tls")),
        ("token-auth-file", file("tokens.csv")),
        ("authorization-mode", "RBAC".to_owned()),
        ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
        ("service-account-key-file", file("accounts.pub")),
        ("service-account-signing-key-file", file("accounts.key")),
        ("service-cluster-ip-range", "10.96.0.0/24".to_owned()),
        // It would publish its own address as a Service's, which may not be loopback.
        ("endpoint-reconciler-type", "none".to_owned()),
        // It waits for accounts that the controller of service accounts makes, which does not run.
        ("disable-admission-plugins", "ServiceAccount".to_owned()),
    ];
    let mut command = Command::new(find("kube-apiserver"));
    command.args(flags.map(|(flag, value)| format!("--{flag}={value}")));
    command
}

fn write(path: &Path, content: &str) {
    std::fs::write(path, content).expect("a file in the temporary folder");
}
