//! The one reporter of failures: what, where, why, and what to do next.

mod fix;
mod id;

use std::error::Error;
use std::io::{self, Write as _};

use promotion_core::executor::DriveError;
use promotion_core::ports::PortError;
use serde::Serialize;

use crate::exit::Exit;
use crate::output::{Envelope, Format, Paint};

pub(crate) use id::{Id, meanings};

/// A command that could not do its work. A refusal is no failure: it is an outcome.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    pub(crate) exit: Exit,
    /// Stable.
    pub(crate) id: Id,
    /// What was attempted.
    pub(crate) what: String,
    /// Where: a file and line, a repository, an argument.
    #[serde(rename = "where")]
    pub(crate) place: Option<String>,
    /// Why it failed.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) fix: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, id: Id, what: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, id, what: what.into(), place: None, message: message.into(), fix: None }
    }

    /// A mistake in how the command was called or configured.
    pub(crate) fn usage(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, Id::USAGE, what, message)
    }

    /// With an id of its own.
    pub(crate) fn id(self, id: Id) -> Self {
        Self { id, ..self }
    }

    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// A file that cannot be read or written.
    pub(crate) fn io(what: impl Into<String>, place: impl Into<String>, error: &io::Error) -> Self {
        let (exit, id) = match error.kind() {
            io::ErrorKind::NotFound => (Exit::Usage, Id::NO_SUCH_FILE),
            _ => (Exit::Failed, Id::IO),
        };
        Self::new(exit, id, what, error.to_string()).at(place)
    }

    /// Writes it to stderr, for people or as a line of JSON.
    pub(crate) fn report(&self, format: Format, paint: Paint) {
        let mut text = match format {
            Format::Json => serde_json::to_string(&Envelope::new("Error", self)).unwrap_or_default(),
            Format::Table | Format::Yaml | Format::Name | Format::Html => harmless(&self.text(paint)),
        };
        text.push('\n');
        // Nobody is left to tell when stderr is gone.
        let _ = io::stderr().write_all(redact(&text).as_bytes());
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} {}: {}", paint.red("error:"), self.what, self.message);
        if let Some(place) = &self.place {
            text.push_str(&format!("\n  at {place}"));
        }
        if let Some(fix) = &self.fix {
            text.push_str(&format!("\n  -> {fix}"));
        }
        text
    }
}

/// An error and its causes as one sentence; causes never repeat each other here.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        let mut message = error.message().to_owned();
        if let Some(source) = error.source() {
            message.push_str(": ");
            message.push_str(&chain(source));
        }
        let fix = fix::of(error.kind(), error.attempted(), &message);
        Self {
            exit: Exit::of_port(error.kind()),
            id: error.kind().into(),
            what: error.attempted().to_owned(),
            place: None,
            message,
            fix,
        }
    }
}

impl From<DriveError> for Failure {
    fn from(failed: DriveError) -> Self {
        let mut failure = Self::from(failed.error);
        if !failed.writes.is_empty() {
            let tags: Vec<&str> = failed.writes.iter().map(|write| write.tag.as_str()).collect();
            failure.message.push_str(&format!("; already written: {}", tags.join(", ")));
            failure.fix = Some("run it again: it goes on where it stopped".to_owned());
        }
        if let Some(unseen) = failed.unseen {
            failure.message.push_str(&format!("; perhaps written: {}", unseen.tag));
            failure.fix = Some("run it again: it looks whether it is there, and goes on".to_owned());
        }
        failure
    }
}

/// A URL without the credentials that a clone may have in it: they must not end up in an artifact.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find('/').unwrap_or(rest.len());
    let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}

/// Text for people, in which nothing steers a terminal: registries hold what anybody wrote. Lines and our colours stay.
pub(crate) fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match letter {
            '\n' => safe.push(letter),
            '\x1b' if is_colour(&text[at..]) => safe.push(letter),
            letter if letter.is_control() || turns_around(letter) => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

fn is_colour(escape: &str) -> bool {
    ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"]
        .iter()
        .any(|colour| escape.starts_with(colour))
}

/// Characters that turn around or hide what a terminal shows.
const fn turns_around(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Credentials in a URL never reach a terminal or a log.
pub(crate) fn redact(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        safe.push_str(head);
        let end = tail.find(|c: char| c == '/' || c == '"' || c.is_whitespace()).unwrap_or(tail.len());
        let authority = &tail[..end];
        match authority.rfind('@').filter(|_| !head.ends_with("ocidir://")) {
            Some(at) => {
                safe.push_str("***");
                safe.push_str(&authority[at..]);
            }
            None => safe.push_str(authority),
        }
        rest = &tail[end..];
    }
    safe.push_str(rest);
    safe
}

#[cfg(test)]
mod tests {
    use super::{redact, without_credentials};

    #[test]
    fn credentials_are_never_recorded() {
        assert_eq!(without_credentials("https://me:secret@git.example.com/x@y.git"), "https://git.example.com/x@y.git");
        assert_eq!(without_credentials("git@git.example.com:x.git"), "git@git.example.com:x.git");
    }

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(redact("get https://me:secret@example.com/v2/: 401"), "get https://***@example.com/v2/: 401");
        assert_eq!(redact("oci://token@ghcr.io/acme oci://a.b/c"), "oci://***@ghcr.io/acme oci://a.b/c");
        assert_eq!(redact("ocidir://x@sha256:00 main@sha1:00"), "ocidir://x@sha256:00 main@sha1:00");
    }
}
