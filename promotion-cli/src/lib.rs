//! The `promotion` command: the only place that wires adapters, prints, reads the environment and exits. It is a library
//! so that what it reads can be fuzzed; its interface is the command line.
//!
//! Read on in this order: the arguments (`cli`, one file per command in `commands`), what a command works with
//! (`app`, `config`, `connect`, `session`, `world`), and what comes out (`output`, `error`, `exit`).

mod app;
mod cli;
mod commands;
mod config;
mod connect;
mod error;
mod exit;
mod interrupt;
mod output;
mod page;
mod progress;
mod reference;
mod session;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod world;

use std::process::ExitCode;

/// Carries out what the process's arguments say.
#[must_use]
pub fn run() -> ExitCode {
    cli::run().into()
}
