//! What is compared.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use promotion_core::Digest;
use promotion_registry::testing::servers::{Server, find, peer};
use tempfile::TempDir;

use crate::seed;

/// Tags of the repositories that are written to.
const SMALL: usize = 100;

/// A registry with repositories, and a folder without credentials or configuration.
pub(crate) struct Place {
    pub(crate) host: String,
    folder: TempDir,
    digest: Digest,
    used: AtomicUsize,
    round: AtomicUsize,
}

impl Place {
    /// A registry with nothing in it yet.
    pub(crate) fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("files")).expect("a folder");
        fs::write(folder.path().join("files/app.yaml"), "replicas: 2\n").expect("a file");
        fs::write(folder.path().join("bare.yaml"), "record: false\n").expect("a file");
        Self {
            host: server.host(),
            folder,
            digest: seed::digest(SMALL),
            used: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
        }
    }

    /// Fills the repositories that a group works in.
    pub(crate) fn seed(&self, group: &Group) {
        for (name, size) in group.repositories {
            seed::seed(&format!("{}/{name}", self.host), *size);
        }
    }

    /// Fills the repository that a group works in during one round only.
    pub(crate) fn begin_round(&self, group: &Group) {
        self.round.fetch_add(1, Ordering::Relaxed);
        if let Some((name, size)) = group.each_round {
            seed::seed(&format!("{}/{}", self.host, self.of_this_round(name)), size);
        }
    }

    fn of_this_round(&self, name: &str) -> String {
        format!("{name}-{}", self.round.load(Ordering::Relaxed))
    }

    /// A number that no run had before.
    pub(crate) fn next(&self) -> usize {
        self.used.fetch_add(1, Ordering::Relaxed)
    }

    fn clean(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("HOME", self.folder.path()).env("DOCKER_CONFIG", self.folder.path());
        command
    }

    fn promotion(&self, arguments: &str) -> Command {
        let mut command = Command::new(beside("promotion"));
        command.args(arguments.split(' ')).env("PROMOTION_PLAIN_HTTP", "true");
        self.clean(command)
    }

    fn library(&self, arguments: &str) -> Command {
        let mut command = Command::new(beside("side-by-side"));
        command.args(arguments.split(' '));
        self.clean(command)
    }

    fn peer(&self, name: &str, arguments: &str) -> Command {
        let mut command = peer(name);
        command.args(arguments.split(' '));
        self.clean(command)
    }

    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        self.clean(command)
    }
}

/// The commands of one build lie side by side, too.
fn beside(name: &str) -> PathBuf {
    std::env::current_exe().expect("a path").with_file_name(name)
}

/// In what the group's first case should be ahead of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ToBeat {
    /// It does less, or is ours.
    Nothing,
    /// It may send fewer requests where it makes sure of less.
    Time,
    TimeAndRequests,
}

/// One way to do something.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) to_beat: ToBeat,
    pub(crate) prepare: fn(&Place, usize),
    pub(crate) commands: fn(&Place, &str, usize) -> Vec<Command>,
}

/// Ways to do the same; ours is the first.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// Names and numbers of tags.
    pub(crate) repositories: &'static [(&'static str, usize)],
    /// The same of a repository that each round has for its own: there all rounds find as many tags, and a listing takes as long.
    pub(crate) each_round: Option<(&'static str, usize)>,
    pub(crate) cases: Vec<Case>,
    /// Rounds at most.
    pub(crate) rounds: usize,
}

fn ours(what: &'static str, commands: fn(&Place, &str, usize) -> Vec<Command>) -> Case {
    Case { what, to_beat: ToBeat::Nothing, prepare: |_, _| {}, commands }
}

fn theirs(what: &'static str, to_beat: ToBeat, commands: fn(&Place, &str, usize) -> Vec<Command>) -> Case {
    Case { to_beat, ..ours(what, commands) }
}

/// Everything that is compared.
pub(crate) fn all() -> Vec<Group> {
    vec![retag(), promote(), listing(), large()]
}

fn crane_twice(place: &Place, repository: &str, number: usize) -> Vec<Command> {
    let tag = |name| place.peer("crane", &format!("tag {repository}@{} {name}-{number}", place.digest));
    vec![tag("a"), tag("b")]
}

fn retag() -> Group {
    let cases = vec![
        ours("retag to two tags: the library", |place, host, number| {
            vec![place.library(&format!("library retag {host}/retag {} a-{number} b-{number}", place.digest))]
        }),
        theirs("retag: `crane tag`, twice", ToBeat::TimeAndRequests, |place, host, number| {
            crane_twice(place, &format!("{host}/retag"), number)
        }),
        theirs("retag: `oras tag` with two tags", ToBeat::Nothing, |place, host, number| {
            let arguments = format!("tag --plain-http {host}/retag@{} a-{number} b-{number}", place.digest);
            vec![place.peer("oras", &arguments)]
        }),
        theirs("retag: `regctl image copy`, twice", ToBeat::Time, |place, host, number| {
            let copy = |name| {
                let digest = place.digest;
                let arguments = format!(
                    "--host reg={host},tls=disabled image copy {host}/retag@{digest} {host}/retag:{name}-{number}"
                );
                place.peer("regctl", &arguments)
            };
            vec![copy("a"), copy("b")]
        }),
    ];
    Group { name: "retag", repositories: &[("retag", SMALL)], each_round: None, cases, rounds: usize::MAX }
}

/// A new candidate.
fn nominate(place: &Place, number: usize) {
    let repository = format!("{}/{}", place.host, place.of_this_round("promote"));
    let arguments =
        format!("push --path files --revision main@sha1:{}{} oci://{repository}", commit(number), "0".repeat(33));
    let status = place.promotion(&arguments).status().expect("promotion runs");
    assert!(status.success(), "promotion push failed");
}

fn commit(number: usize) -> String {
    format!("f{number:06x}")
}

fn promote() -> Group {
    let cases = vec![
        Case {
            prepare: nominate,
            ..ours("`promotion promote`: all of it, with its record", |place, host, number| {
                promote_with(place, host, number, "")
            })
        },
        Case {
            prepare: nominate,
            ..ours("the same without a record", |place, host, number| {
                promote_with(place, host, number, "--config bare.yaml ")
            })
        },
        // After a push as well: some registries are still busy with what they were sent last.
        Case {
            prepare: nominate,
            ..theirs("`crane tag`, twice", ToBeat::Time, |place, host, number| {
                crane_twice(place, &format!("{host}/{}", place.of_this_round("promote")), number)
            })
        },
        // What comes nearest to all of it: who did it and why, beside the artifact.
        Case {
            prepare: nominate,
            ..theirs("`crane tag`, twice, and `oras attach` of a record", ToBeat::Time, |place, host, number| {
                let repository = format!("{host}/{}", place.of_this_round("promote"));
                let record =
                    format!("--artifact-type application/vnd.example.record --annotation reason=works-{number}");
                let attach = format!("attach --plain-http {record} {repository}@{}", place.digest);
                let tagged = crane_twice(place, &repository, number).into_iter();
                tagged.chain([place.peer("oras", &attach)]).collect()
            })
        },
    ];
    Group { name: "promote", repositories: &[], each_round: Some(("promote", SMALL)), cases, rounds: usize::MAX }
}

fn promote_with(place: &Place, host: &str, number: usize, options: &str) -> Vec<Command> {
    let (repository, commit) = (place.of_this_round("promote"), commit(number));
    vec![place.promotion(&format!("{options}promote oci://{host}/{repository} {commit} --manual --reason works"))]
}

fn listing() -> Group {
    let cases = vec![
        ours("1,000 tags with digests: the library", |place, host, _| {
            vec![place.library(&format!("library digests {host}/listed"))]
        }),
        ours("1,000 tags: `promotion list --all`", |place, host, _| {
            vec![place.promotion(&format!("list --all oci://{host}/listed"))]
        }),
        theirs("1,000 tags: `crane ls`, `crane digest` each, one by one", ToBeat::TimeAndRequests, |place, host, _| {
            crane_digests(place, host, 1)
        }),
        theirs("1,000 tags: the same, 8 at once", ToBeat::TimeAndRequests, |place, host, _| {
            crane_digests(place, host, 8)
        }),
        theirs(
            "1,000 tags: `regctl tag ls`, `regctl manifest head` each, 8 at once",
            ToBeat::Time,
            |place, host, _| {
                let regctl = format!("{} --host reg={host},tls=disabled", find("regctl").display());
                let line =
                    format!("{regctl} tag ls {host}/listed | xargs -P8 -I@ {regctl} manifest head {host}/listed:@");
                vec![place.shell(&line)]
            },
        ),
    ];
    Group { name: "listing", repositories: &[("listed", 1_000)], each_round: None, cases, rounds: 3 }
}

fn crane_digests(place: &Place, host: &str, at_once: usize) -> Vec<Command> {
    let crane = find("crane").display().to_string();
    vec![place.shell(&format!("{crane} ls {host}/listed | xargs -P{at_once} -I@ {crane} digest {host}/listed:@"))]
}

fn large() -> Group {
    let cases = vec![
        ours("10,000 tags: `promotion status`", |place, host, _| {
            vec![place.promotion(&format!("status oci://{host}/large"))]
        }),
        theirs("10,000 tags: `crane ls`, no digest", ToBeat::Nothing, |place, host, _| {
            vec![place.peer("crane", &format!("ls {host}/large"))]
        }),
    ];
    Group { name: "large", repositories: &[("large", 10_000)], each_round: None, cases, rounds: usize::MAX }
}
