//! Flux's controllers.

use std::process::Command;

use super::address::{ARTIFACTS, EVENTS, HEALTH, RECEIVER};
use super::control_plane::{ControlPlane, Identity};
use super::objects::NAMESPACE;
use super::process::Process;
use super::tools::{excuse, find};

/// One of Flux's controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Reads registries, and serves what it read.
    Source,
    /// Applies what was read.
    Kustomize,
    /// Tells others what happened.
    Notification,
    /// Scans registries for image policies.
    ImageReflector,
}

impl Controller {
    /// Those that every installation of Flux has, first those that others talk to.
    pub const ALL: [Self; 3] = [Self::Notification, Self::Source, Self::Kustomize];

    fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
            Self::Notification => "notification-controller",
            Self::ImageReflector => "image-reflector-controller",
        }
    }

    /// Why it is not here although `scripts/components` was run: it could not be had. `None` when it is here, or should be.
    pub fn lacks(self) -> Option<String> {
        excuse(self.name())
    }
}

/// A controller that runs until it is dropped.
#[derive(Debug)]
pub struct Running(Process);

impl Running {
    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.0.log()
    }
}

impl ControlPlane {
    /// Starts a controller as administrator, and returns when it works.
    ///
    /// Controllers send their events to notification-controller, and lose seconds on each when it does not run.
    ///
    /// # Panics
    ///
    /// If it is not installed, or does not come up: each of them needs the definitions of its own resources. The message
    /// then ends with its log.
    pub fn run(&self, controller: Controller) -> Running {
        let name = controller.name();
        let (here, folder) = (self.address(), self.path().join(name));
        std::fs::create_dir_all(&folder).expect("a folder in the temporary folder");
        let mut command = Command::new(find(name));
        command.env("KUBECONFIG", self.kubeconfig(Identity::Admin));
        command.env("RUNTIME_NAMESPACE", NAMESPACE).env("TMPDIR", &folder);
        command.args(["--metrics-addr=0", "--log-encoding=json"]);
        let [source, kustomize, notification, image_reflector] = HEALTH;
        let events = format!("http://{}/", here.at(EVENTS));
        let mut flag = |flag: &str, value: String| {
            command.arg(format!("--{flag}={value}"));
        };
        match controller {
            Controller::Source => {
                flag("health-addr", here.at(source));
                flag("events-addr", events);
                flag("storage-path", folder.display().to_string());
                flag("storage-addr", here.at(ARTIFACTS));
                flag("storage-adv-addr", here.at(ARTIFACTS));
            }
            Controller::Kustomize => {
                flag("health-addr", here.at(kustomize));
                flag("events-addr", events);
                // What waits for others asks again after half a minute otherwise.
                flag("requeue-dependency", "1s".to_owned());
            }
            Controller::ImageReflector => {
                flag("health-addr", here.at(image_reflector));
                flag("events-addr", events);
                flag("storage-path", folder.display().to_string());
                flag("requeue-dependency", "1s".to_owned());
            }
            Controller::Notification => {
                flag("health-addr", here.at(notification));
                flag("events-addr", here.at(EVENTS));
                flag("receiverAddr", here.at(RECEIVER));
            }
        }
        let mut process = Process::start(name, &mut command, self.path());
        process.until_it_says("Starting workers");
        Running(process)
    }
}
