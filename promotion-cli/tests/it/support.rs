//! A fresh folder per test, and the command run in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to run commands in, with `registry` as its repository.
pub(crate) struct Site {
    folder: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) const REPO: &str = "ocidir://registry";

impl Site {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command, with nothing of the caller's environment that it reads.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promotion"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PROMOTION_") {
                command.env_remove(name);
            }
        }
        for name in
            ["SOURCE_DATE_EPOCH", "NO_COLOR", "COLUMNS", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"]
        {
            command.env_remove(name);
        }
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.env("HOME", self.path()).env_remove("XDG_CONFIG_HOME");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    pub(crate) fn run_with(&self, stdin: &str, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Run::new(output)
    }

    /// Runs it and expects success.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}\n{}{}", run.stdout, run.stderr);
        run
    }

    /// Runs it for JSON, expecting this exit code.
    pub(crate) fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.extend(["-o", "json"]);
        let run = self.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}\n{}{}", run.stdout, run.stderr);
        run.value()
    }

    /// Runs it for JSON that is printed whatever the format.
    pub(crate) fn json_text(&self, arguments: &[&str]) -> Value {
        self.ok(arguments).value()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A folder to push whose content says which build it is.
    pub(crate) fn app(&self, build: &str) -> String {
        let name = format!("app-{build}");
        self.write(&format!("{name}/app.yaml"), &format!("kind: ConfigMap\ndata: {{build: {build:?}}}\n"));
        name
    }

    /// Pushes a build of its own commit; gives the outcome.
    pub(crate) fn push(&self, build: u32) -> Value {
        let app = self.app(&build.to_string());
        self.json(0, &["push", REPO, "--path", &app, "--revision", &revision(build)])
    }

    /// Promotes by a person's word; gives the outcome.
    pub(crate) fn promote(&self, what: &str) -> Value {
        self.json(0, &["promote", REPO, what, "--manual", "--reason", "it works"])
    }

    /// Every tag with what it points at, read from the layout itself.
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.path().join("registry/index.json")).unwrap();
        let index: Value = serde_json::from_str(&text).unwrap();
        let entries = index["manifests"].as_array().unwrap().iter();
        entries
            .filter_map(|entry| {
                let tag = entry["annotations"]["org.opencontainers.image.ref.name"].as_str()?;
                Some((tag.to_owned(), entry["digest"].as_str()?.to_owned()))
            })
            .collect()
    }
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::new(command.output().unwrap())
    }

    fn new(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// Everything that was printed, as a snapshot has it.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("exit {}\n", self.code);
        for (name, part) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !part.is_empty() {
                text.push_str(&format!("--- {name}\n{part}"));
            }
        }
        text
    }
}

/// The commit of a build; short forms differ too.
pub(crate) fn commit(build: u32) -> String {
    format!("{:08x}", build.wrapping_mul(0x9e37_79b1)).repeat(5)
}

pub(crate) fn revision(build: u32) -> String {
    format!("main@sha1:{}", commit(build))
}

/// A text of a JSON value.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
