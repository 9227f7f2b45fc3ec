//! Explores scenarios and says what holds, and what does not.

use std::io::{self, Write};
use std::process::ExitCode;

use promotion_model::{Explored, SCENARIOS, Scenario, Setting, explore, markdown};

const USAGE: &str = "\
usage: promotion-model [SCENARIO]... [--mode lock|immutable|registers]...
       promotion-model --list
       promotion-model --markdown   what promotion-model/counterexamples.md says";

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let Some(asked) = Asked::parse(std::env::args().skip(1)) else {
        writeln!(out, "{USAGE}")?;
        return Ok(ExitCode::from(2));
    };
    if asked.list {
        for scenario in SCENARIOS {
            writeln!(out, "{:<24} {}", scenario.name, scenario.about)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if asked.markdown {
        let small = SCENARIOS.iter().flat_map(|scenario| {
            let small = scenario.settings.iter().filter(|setting| !scenario.large.contains(setting));
            small.map(|setting| explore(scenario, *setting))
        });
        let explored: Vec<Explored> = small.collect();
        write!(out, "{}", markdown(&explored.iter().collect::<Vec<_>>()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut surprises = 0;
    for scenario in &asked.scenarios {
        for setting in scenario.settings.iter().filter(|setting| asked.wants(**setting)) {
            let explored = explore(scenario, *setting);
            surprises += tell(&mut out, &explored)?;
        }
    }
    Ok(if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Asked {
    scenarios: Vec<&'static Scenario>,
    modes: Vec<String>,
    list: bool,
    markdown: bool,
}

impl Asked {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut asked = Self { scenarios: Vec::new(), modes: Vec::new(), list: false, markdown: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => asked.list = true,
                "--markdown" => asked.markdown = true,
                "--mode" => asked.modes.push(arguments.next().filter(|mode| is_mode(mode))?),
                name => asked.scenarios.push(promotion_model::scenario(name)?),
            }
        }
        if asked.scenarios.is_empty() {
            asked.scenarios = SCENARIOS.iter().collect();
        }
        Some(asked)
    }

    fn wants(&self, setting: Setting) -> bool {
        self.modes.is_empty() || self.modes.iter().any(|mode| mode == setting.word())
    }
}

fn is_mode(word: &str) -> bool {
    Setting::ALL.iter().any(|setting| setting.word() == word)
}

/// Says what came of it; returns how much of that was not expected.
fn tell(out: &mut impl Write, explored: &Explored) -> io::Result<usize> {
    let Explored { scenario, setting, states, steps, depth, took, broken, reached } = explored;
    writeln!(out, "{} {setting}: {}", scenario.name, scenario.about)?;
    writeln!(out, "  {states} states, {steps} steps, {depth} deep, {:.1} s", took.as_secs_f64())?;
    let reached: Vec<&str> = reached.iter().map(|event| event.id()).collect();
    writeln!(out, "  reached: {}", reached.join(", "))?;
    let proved = promotion_model::law::Law::ALL.len() - broken.len();
    writeln!(out, "  {proved} laws hold in every state")?;
    for (law, story) in broken {
        let expected = if scenario.expected(*setting).contains(law) { "as expected" } else { "UNEXPECTED" };
        writeln!(out, "  {} does not hold ({expected}): {}", law.id(), law.meaning())?;
        for line in story.to_string().lines() {
            writeln!(out, "    {line}")?;
        }
    }
    out.flush()?;
    Ok(explored.surprises().len())
}
