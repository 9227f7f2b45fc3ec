//! The `promotion` command: the only place that wires adapters, prints, reads the environment and exits.
//!
//! Read on in this order: the arguments ([`cli`], one file per command in [`commands`]), what a command works with
//! ([`app`], [`config`], [`connect`], [`session`], [`world`]), and what comes out ([`output`], [`error`], [`exit`]).

mod app;
mod cli;
mod commands;
mod config;
mod connect;
mod error;
mod exit;
mod interrupt;
mod output;
mod progress;
mod reference;
mod session;
mod target;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().into()
}
