//! What a test does with objects, through `kubectl`: an implementation that is not ours.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::control_plane::ControlPlane;
use super::process::Deadline;

/// Where Flux's objects are, unless they say otherwise.
pub const NAMESPACE: &str = "flux-system";

impl ControlPlane {
    /// Creates an object, or makes it what is said here.
    ///
    /// # Panics
    ///
    /// If the API server refuses.
    pub fn apply(&self, object: &Value) {
        let mut apply = self.kubectl();
        apply.args(["apply", "--server-side", "--field-manager=test", "--force-conflicts", "--filename=-"]);
        self.done(apply, Some(object));
    }

    /// An object, if there is one: its kind as `kubectl` takes it, and `NAME` or `NAMESPACE/NAME`.
    ///
    /// # Panics
    ///
    /// If the API server does not say.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let mut get = self.kubectl();
        get.args(["get", "--ignore-not-found", "--output=json"]).args(target(kind, name));
        let printed = self.done(get, None);
        (!printed.is_empty()).then(|| serde_json::from_str(&printed).expect("kubectl prints JSON"))
    }

    /// All objects of a kind.
    ///
    /// # Panics
    ///
    /// If the API server does not say.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let mut get = self.kubectl();
        get.args(["get", kind, "--output=json"]);
        let mut list: Value = serde_json::from_str(&self.done(get, None)).expect("kubectl prints JSON");
        serde_json::from_value(list["items"].take()).expect("a list has items")
    }

    /// Merges this into an object.
    ///
    /// # Panics
    ///
    /// If the API server refuses.
    pub fn patch(&self, kind: &str, name: &str, patch: &Value) {
        let mut command = self.kubectl();
        command.args(["patch", "--type=merge", "--patch", &patch.to_string()]).args(target(kind, name));
        self.done(command, None);
    }

    /// Deletes an object, and waits until it is gone.
    ///
    /// # Panics
    ///
    /// If the API server refuses, or a finalizer keeps it: its controller must run.
    pub fn delete(&self, kind: &str, name: &str) {
        let mut command = self.kubectl();
        command.args(["delete", "--timeout=60s"]).args(target(kind, name));
        self.done(command, None);
    }

    /// Asks Flux to look at an object now; `at` must differ from what was asked before.
    ///
    /// # Panics
    ///
    /// If the API server refuses.
    pub fn reconcile(&self, kind: &str, name: &str, at: &str) {
        self.patch(kind, name, &json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": at}}}));
    }

    /// Waits until something holds of an object, and returns it.
    ///
    /// # Panics
    ///
    /// If it takes too long; the message then ends with the object as it is.
    pub fn until(&self, kind: &str, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Deadline::start();
        loop {
            let found = self.get(kind, name);
            if let Some(object) = found.as_ref().filter(|object| holds(object)) {
                return object.clone();
            }
            assert!(!deadline.pause(), "{kind} {name} {what}: not yet: {:#}", found.unwrap_or_default());
        }
    }

    /// Waits until something holds of every object of a kind, and returns them by name.
    ///
    /// # Panics
    ///
    /// If it takes too long; the message then ends with those of which it does not hold.
    pub fn until_all(&self, kind: &str, what: &str, holds: impl Fn(&Value) -> bool) -> BTreeMap<String, Value> {
        let deadline = Deadline::start();
        loop {
            let (done, others): (Vec<Value>, Vec<Value>) = self.list(kind).into_iter().partition(&holds);
            if others.is_empty() {
                return done.into_iter().map(|object| (name_of(&object), object)).collect();
            }
            let names = || others.iter().map(name_of).collect::<Vec<_>>();
            assert!(!deadline.pause(), "{kind}s {what}: not yet {:?}", names());
        }
    }

    /// Runs a command that must succeed, with an object as its input, and returns what it prints.
    pub(super) fn done(&self, mut command: Command, input: Option<&Value>) -> String {
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        if let Some((input, mut pipe)) = input.zip(child.stdin.take()) {
            // It may have ended without reading; its own message says why.
            let _ = pipe.write_all(input.to_string().as_bytes());
        }
        let output = child.wait_with_output().expect("kubectl ends");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("kubectl prints UTF-8")
    }
}

/// An object as `kubectl` takes it: `NAME` is in the namespace of the configuration.
fn target(kind: &str, name: &str) -> Vec<String> {
    match name.split_once('/') {
        Some((namespace, name)) => vec![format!("--namespace={namespace}"), kind.to_owned(), name.to_owned()],
        None => vec![kind.to_owned(), name.to_owned()],
    }
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("every object has a name").to_owned()
}

/// A condition of an object.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Whether an object is ready, as it was last written: a status of an older generation says nothing.
pub fn is_ready(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
        && condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
}
