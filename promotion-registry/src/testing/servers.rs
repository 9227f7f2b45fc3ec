//! Real registries on loopback, and the clients of others to hold against ours.
//!
//! ```no_run
//! use promotion_registry::testing::servers::{Kind, Server, Setup, peer};
//!
//! let server = Server::start(Kind::Distribution3, Setup::anonymous());
//! let tags = peer("crane").args(["ls", &server.repository("platform")]).output().unwrap();
//! ```

mod config;
mod tools;

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use tools::{find, peer, zot_is_current};

/// How long a server may take until it listens; a busy machine with one core needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A registry that can be started here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Debian's `docker-registry`: distribution 2.8.
    Distribution2,
    /// distribution 3.
    Distribution3,
    /// zot, of whichever version `scripts/components` could build; [`zot_is_current`] tells.
    Zot,
    /// The registry of go-containerregistry, in memory: anonymous and without TLS only.
    Ggcr,
}

impl Kind {
    /// Every registry that can be started here.
    pub const ALL: [Self; 4] = [Self::Distribution2, Self::Distribution3, Self::Zot, Self::Ggcr];
}

/// Who may do what at a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Access {
    /// Everybody everything.
    #[default]
    Anonymous,
    /// One user everything, by HTTP Basic.
    Htpasswd {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
    /// Everybody may read and create, nobody may update or delete: zot's immutable tags.
    CreateOnly,
}

/// How a server is set up. Deletes are enabled unless the access forbids them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    access: Access,
    tls: Option<Tls>,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tls {
    certificate: String,
    key: String,
}

impl Setup {
    /// Everybody may do everything, over plain HTTP.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// One user may do everything.
    pub fn htpasswd(user: &str, password: &str) -> Self {
        let access = Access::Htpasswd { user: user.to_owned(), password: password.to_owned() };
        Self { access, tls: None }
    }

    /// Everybody may read and create, nobody may update or delete; zot only.
    pub fn create_only() -> Self {
        Self { access: Access::CreateOnly, tls: None }
    }

    /// The same over TLS, with this certificate and key in PEM.
    pub fn tls(self, certificate: &str, key: &str) -> Self {
        let tls = Tls { certificate: certificate.to_owned(), key: key.to_owned() };
        Self { tls: Some(tls), ..self }
    }
}

/// A registry that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a registry with empty storage and returns when it listens.
    ///
    /// # Panics
    ///
    /// If it is not installed, or does not come up; the message then ends with its log.
    pub fn start(kind: Kind, setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = config::command(kind, &setup, folder.path());
        let child =
            logged(&mut command, &folder).spawn().unwrap_or_else(|error| panic!("cannot run {kind:?}: {error}"));
        let mut server = Self { kind, child, port: 0, folder };
        server.port = server.listens();
        server
    }

    /// Which registry this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `127.0.0.1:PORT/NAME`.
    pub fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The port that the kernel gave it: no two servers can want the same one. The socket is open when the log says so,
    /// and requests wait in its queue from then on.
    fn listens(&mut self) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(port) = announced(self.kind, &self.log()) {
                return port;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{:?} ended with {status} before it listened:\n{}", self.kind, self.tail());
            }
            assert!(Instant::now() < deadline, "{:?} does not listen yet:\n{}", self.kind, self.tail());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to stop then.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "why a test failed is often here")]
            {
                eprintln!("the log of {:?} ends with:\n{}", self.kind, self.tail());
            }
        }
    }
}

/// Sends what a command prints to the log file.
fn logged<'a>(command: &'a mut Command, folder: &TempDir) -> &'a mut Command {
    let log = File::create(folder.path().join("log")).expect("a log file");
    let copy = log.try_clone().expect("a second handle of the log file");
    command.stdin(Stdio::null()).stdout(log).stderr(copy)
}

/// The port in a log, once the line that tells it is complete.
fn announced(kind: Kind, log: &str) -> Option<u16> {
    let before = match kind {
        Kind::Distribution2 | Kind::Distribution3 => "listening on 127.0.0.1:",
        Kind::Zot => "\"port\":",
        Kind::Ggcr => "serving on port ",
    };
    let (_, rest) = log.split_once(before)?;
    let (digits, _) = rest.split_at(rest.find(|after: char| !after.is_ascii_digit())?);
    digits.parse().ok()
}
