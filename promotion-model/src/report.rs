//! What was proved and found, as a document.

use std::fmt::Write;

use crate::explore::Explored;
use crate::law::Law;
use crate::scenario::SCENARIOS;
use crate::setting::Setting;
use crate::story::Story;

const HEAD: &str = "\
# What holds, and what does not

Written by `cargo run --release -p promotion-model -- --markdown`; a test compares it with what the checker finds. Every
scenario of `promotion-model/src/scenario/all.rs` is explored to the end: every order of every step of the actors that it lets
appear. *yes* means that no state of any scenario breaks the law; otherwise the scenarios that do are named, and the law
holds in all others.
";

/// How a registry keeps actors apart, whatever the order of its listings.
const COLUMNS: [(&str, &str); 3] =
    [("lock", "Under a lock"), ("immutable", "With immutable tags"), ("registers", "On plain registers")];

/// The table of laws, from what scenarios expect, and the shortest story of each that is broken among these explorations.
#[must_use]
pub fn markdown(explored: &[&Explored]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n| | lock | immutable tags | plain registers |\n|---|---|---|---|\n");
    for law in Law::ALL {
        let cells = COLUMNS.map(|(word, _)| cell(*law, word)).join(" | ");
        let _ = writeln!(text, "| **{}** {} | {cells} |", law.id(), law.meaning());
    }
    for (word, title) in COLUMNS {
        let _ = writeln!(text, "\n## {title}\n\nThe shortest story of each law that does not hold.");
        for law in Law::ALL {
            if let Some((of, story)) = shortest(*law, word, explored) {
                let Explored { scenario, setting, .. } = of;
                let _ = writeln!(text, "\n**{}**, {setting} (`{}`):\n\n```text\n{story}```", law.id(), scenario.name);
            }
        }
    }
    text
}

fn cell(law: Law, word: &str) -> String {
    let breaks = |setting: &Setting| setting.word() == word;
    let broken = SCENARIOS.iter().filter(|scenario| {
        let mut settings = scenario.settings.iter().filter(|setting| breaks(setting));
        settings.any(|setting| scenario.expected(*setting).contains(&law))
    });
    let names: Vec<String> = broken.map(|scenario| format!("`{}`", scenario.name)).collect();
    if names.is_empty() { "yes".to_owned() } else { format!("not in {}", names.join(", ")) }
}

fn shortest<'e>(law: Law, word: &str, explored: &[&'e Explored]) -> Option<(&'e Explored, &'e Story)> {
    let of_that_kind = explored.iter().filter(|explored| explored.setting.word() == word);
    let stories = of_that_kind.flat_map(|explored| {
        let ours = explored.broken.iter().filter(|(broken, _)| *broken == law);
        ours.map(|(_, story)| (*explored, story))
    });
    // What was there before must be understood too.
    let length = |explored: &Explored, story: &Story| 2 * explored.scenario.given.len() + story.steps.len();
    let order = |name: &str| SCENARIOS.iter().position(|scenario| scenario.name == name);
    stories.min_by_key(|(explored, story)| (length(explored, story), order(explored.scenario.name), explored.setting))
}
