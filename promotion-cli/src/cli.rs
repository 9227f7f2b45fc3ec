//! The arguments, and from there to an exit code.

use std::io::Write as _;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, ValueEnum as _};

use crate::app::{App, Globals, variable};
use crate::commands::Command;
use crate::error::{Failure, redact};
use crate::exit::Exit;
use crate::interrupt::until_interrupted;
use crate::output::{Format, Paint, no_page};

/// Promote OCI artifacts through environments by tags, safely
///
/// A build becomes a candidate (X.Y.Z-rc.N), which the first stage selects; once that stage has validated the digest,
/// the artifact becomes a release (X.Y.Z), which the next stage selects. The tags of the repository are the only state:
/// every command can be interrupted, repeated and run beside others. `promotion demo` tells the story.
///
/// WHAT names an artifact: a commit (7 or more digits), a tag, or a digest.
#[derive(Debug, Parser)]
#[command(name = "promotion", version, after_help = MORE, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    globals: Globals,
}

const MORE: &str = "\
Environment: PROMOTION_REPOSITORY, PROMOTION_CONFIG, PROMOTION_OUTPUT, PROMOTION_GIT, PROMOTION_LOCK, \
PROMOTION_VERSIONS_INITIAL, _BUMP, _LABEL and _LINE, and PROMOTION_TAGS_SHORT override promotion.yaml, and arguments \
override them; PROMOTION_USERNAME, PROMOTION_PASSWORD and PROMOTION_PLAIN_HTTP for registries, and REGISTRY_AUTH_FILE, \
DOCKER_CONFIG, XDG_RUNTIME_DIR, HTTP_PROXY, HTTPS_PROXY and NO_PROXY as elsewhere; SOURCE_DATE_EPOCH; NO_COLOR

Exit codes: 0 done, or nothing to do; 1 failed; 2 usage or configuration; 3 refused; 4 drift; 5 not found; \
6 silent gate; 10 findings or pending changes; 130 interrupted";

/// Runs the command that the arguments name.
pub(crate) fn run() -> Exit {
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error),
    };
    let format = variable("PROMOTION_OUTPUT").map(|format| Format::from_str(&format, false)).transpose();
    let format = format.map_err(|_| Failure::usage("read the environment", "expected table, json, yaml, name or html"));
    match format {
        Ok(format) => cli.globals.output = cli.globals.output.or(format),
        Err(failure) => {
            failure.at("PROMOTION_OUTPUT").report(Format::Table, Paint::off());
            return Exit::Usage;
        }
    }
    let app = App::new(cli.globals);
    // Before anything is done, and not when it is to be shown.
    if app.out.format == Format::Html && !matches!(cli.command, Command::Status(_)) {
        app.out.failure(&no_page());
        return Exit::Usage;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => until_interrupted(runtime, &app, cli.command.run(&app)),
        Err(error) => Err(Failure::io("start", "the runtime", &error)),
    };
    ended.unwrap_or_else(|failure| {
        app.out.failure(&failure);
        failure.exit
    })
}

/// Help and version are data; a mistake is reported as every other failure where programs read it.
fn misunderstood(error: &clap::Error) -> Exit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && wants_json() {
        let rendered = without_secrets(&error.to_string());
        let message = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let failure = Failure::usage("read the arguments", message).fix("promotion help COMMAND tells what there is");
        failure.report(Format::Json, Paint::off());
        return Exit::Usage;
    }
    let text = error.to_string();
    let safe = redact(&without_secrets(&text));
    // Nobody is left to tell when the stream is gone.
    let _ = if safe == text { error.print() } else { std::io::stderr().write_all(safe.as_bytes()) };
    if asked { Exit::Done } else { Exit::Usage }
}

/// What was given to a flag that takes a secret, or that would have to take none, is not repeated.
fn without_secrets(text: &str) -> String {
    let secrets = std::env::args().filter_map(|argument| {
        let secret = ["--password-stdin=", "--creds="].iter().find_map(|flag| argument.strip_prefix(flag));
        secret.filter(|secret| !secret.is_empty()).map(ToOwned::to_owned)
    });
    secrets.fold(text.to_owned(), |text, secret| text.replace(&secret, "***"))
}

/// Whether JSON was asked for, in arguments that cannot be parsed as a whole.
fn wants_json() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let flag = arguments.iter().any(|argument| matches!(argument.as_str(), "-ojson" | "--output=json" | "-o=json"));
    let pair = arguments.windows(2).any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json");
    flag || pair || variable("PROMOTION_OUTPUT").is_some_and(|format| format == "json")
}

/// The arguments as data, for completions.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}
