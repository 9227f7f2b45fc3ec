//! What the commands print: data on stdout in one of four formats, everything else on stderr.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use promotion_core::reason::{Finding, Refusal, Severity};
use serde::Serialize;

use crate::error::{Failure, Id, harmless, redact};
use crate::exit::Exit;

/// The formats of data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: stable, each object with "schema" and "kind".
    Json,
    /// The same as YAML.
    Yaml,
    /// Tags or digests alone, one a line.
    Name,
    /// A page with everything in it, of `status` alone.
    Html,
}

/// A document with what identifies its shape.
#[derive(Serialize)]
pub(crate) struct Envelope<'a, T: Serialize> {
    schema: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T: Serialize> Envelope<'a, T> {
    pub(crate) const fn new(kind: &'static str, body: &'a T) -> Self {
        Self { schema: "promotion/v1", kind, body }
    }
}

/// What people are told on stderr, for programs.
#[derive(Serialize)]
struct Note {
    message: String,
}

/// Something to print in every format.
pub(crate) trait Document: Serialize {
    /// The JSON object's kind.
    const KIND: &'static str;
    /// Whether the body says its schema and kind itself.
    const ENVELOPED: bool = false;

    /// For people.
    fn table(&self, paint: Paint) -> String;

    /// For shell loops.
    fn names(&self) -> Vec<String>;
}

/// Where everything printed goes through.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    paint: Paint,
    paint_stderr: Paint,
    quiet: bool,
    verbose: bool,
    status: StatusLine,
}

/// A line on stderr that the next one replaces; shown only once the work has taken long enough to wonder.
#[derive(Debug, Clone)]
pub(crate) struct StatusLine {
    wanted: bool,
    started: Instant,
    shown: Arc<Mutex<Option<Instant>>>,
}

impl StatusLine {
    /// Shows this instead of what was shown.
    pub(crate) fn show(&self, text: &str) {
        if !self.wanted || self.started.elapsed() < Duration::from_millis(300) {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.is_none_or(|last| last.elapsed() >= Duration::from_millis(50)) {
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
            *shown = Some(Instant::now());
        }
    }

    /// Whether there is somebody to see it.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// A line that is never shown.
    pub(crate) fn off() -> Self {
        Self { wanted: false, started: Instant::now(), shown: Arc::default() }
    }

    /// Takes it away.
    pub(crate) fn clear(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Output {
    pub(crate) fn new(format: Format, quiet: bool, verbose: bool, no_progress: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            format,
            paint: Paint::on(io::stdout().is_terminal()),
            paint_stderr: Paint::on(terminal),
            quiet,
            verbose,
            status: StatusLine {
                wanted: terminal && !no_progress && !quiet && !verbose,
                started: Instant::now(),
                shown: Arc::default(),
            },
        }
    }

    /// The colours of stdout.
    pub(crate) const fn paint(&self) -> Paint {
        self.paint
    }

    /// Prints a document on stdout.
    pub(crate) fn document<T: Document>(&self, document: &T) -> Result<(), Failure> {
        self.clear();
        let text = match self.format {
            Format::Table => harmless(&document.table(self.paint)),
            Format::Json => json(document).map_err(|error| unprintable(&error.to_string()))?,
            Format::Yaml => yaml(document).map_err(|error| unprintable(&error.to_string()))?,
            Format::Name => harmless(&document.names().join("\n")),
            Format::Html => return Err(no_page()),
        };
        self.stdout(&text)
    }

    /// Prints text on stdout, whatever the format.
    pub(crate) fn stdout(&self, text: &str) -> Result<(), Failure> {
        self.clear();
        let text = text.trim_end_matches('\n');
        if text.is_empty() {
            return Ok(());
        }
        match writeln!(io::stdout().lock(), "{}", redact(text)) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::io("write the result", "stdout", &error)),
            Ok(()) => Ok(()),
        }
    }

    /// Tells people something on stderr.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.stderr(text);
        }
    }

    /// Tells people with `-v` something on stderr.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            self.stderr(text);
        }
    }

    /// The line for progress.
    pub(crate) const fn status(&self) -> &StatusLine {
        &self.status
    }

    fn clear(&self) {
        self.status.clear();
    }

    /// Where programs read, each line of stderr is an object, so that the error among them can be told.
    fn stderr(&self, text: &str) {
        self.clear();
        let message = redact(text.trim_end_matches('\n'));
        let line = match self.format {
            Format::Json => serde_json::to_string(&Envelope::new("Note", &Note { message })).unwrap_or_default(),
            Format::Table | Format::Yaml | Format::Name | Format::Html => harmless(&message),
        };
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Findings for people; the other formats carry them in the document.
    pub(crate) fn warnings(&self, findings: &[Finding]) {
        if matches!(self.format, Format::Table | Format::Name | Format::Html) && !findings.is_empty() {
            self.note(&findings_text(findings, self.paint_stderr));
        }
    }

    /// A refusal for people; the other formats carry it in the document.
    pub(crate) fn refusal(&self, word: &str, refusal: &Refusal) {
        if matches!(self.format, Format::Table | Format::Name | Format::Html) {
            let text = promotion_core::explain::render(refusal);
            self.stderr(&format!("{} {text}", self.paint_stderr.red(word)));
        }
    }

    /// A failure, on stderr.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.clear();
        failure.report(self.format, self.paint_stderr);
    }
}

/// Only one command has a page.
pub(crate) fn no_page() -> Failure {
    Failure::usage("print the result", "only status has a page").fix("choose table, json, yaml or name")
}

pub(crate) fn unprintable(error: &str) -> Failure {
    Failure::new(Exit::Failed, Id::INTERNAL, "print the result", error)
}

fn json<T: Document>(document: &T) -> Result<String, serde_json::Error> {
    if T::ENVELOPED {
        return serde_json::to_string_pretty(document);
    }
    serde_json::to_string_pretty(&Envelope::new(T::KIND, document))
}

fn yaml<T: Document>(document: &T) -> Result<String, serde_saphyr::SerializeError> {
    if T::ENVELOPED {
        return serde_saphyr::to_string(document);
    }
    serde_saphyr::to_string(&Envelope::new(T::KIND, document))
}

/// Findings as lines: severity, message and what mends it.
pub(crate) fn findings_text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => paint.red("error:"),
            Severity::Warning => paint.yellow("warning:"),
            Severity::Info => paint.dim("info:"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{severity} {} [{}]", finding.reason.message(), finding.reason.id());
        if let Some(fix) = finding.reason.fix() {
            let _ = writeln!(text, "  -> {fix}");
        }
    }
    text
}

/// Columns as wide as their widest cell, two spaces apart.
pub(crate) fn columns(paint: Paint, header: &[&str], rows: &[Vec<String>]) -> String {
    // What others wrote begins no line of its own.
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.replace('\n', " ")).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(cell);
            // Not by a format: its widths end at 65,535, and a cell may hold what anybody wrote.
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        line.trim_end().to_owned()
    };
    let mut text = paint.dim(&line(&mut header.iter().copied()));
    for row in &rows {
        text.push('\n');
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// Colour, where there is somebody to see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    fn on(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(terminal && !refused)
    }

    pub(crate) const fn off() -> Self {
        Self(false)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}
