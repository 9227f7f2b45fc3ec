use promotion_core::proofs::prove;
use promotion_core::reason::{Finding, Severity};
use promotion_core::testing::laws::{Counterexample, LAWS, Law, Search};
use promotion_core::testing::world::Mode;
use serde::Serialize;

use crate::app::App;
use crate::config::{Config, nearest};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Document, Paint, columns, findings_text};

/// Try the laws on the configuration: random histories, and the shortest that breaks one
///
/// Plays builders, promoters and people who reject, reopen and roll back, who overtake each other and crash, against
/// registries in memory, with this configuration's stages, constraints, gates and tags. What `doctor` proves comes
/// first; a configuration that it finds wrong is not played. The same seed tries the same histories on every machine.
/// Exits 10 when a law is broken.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// How many histories to try for each law, in each kind of registry it holds in
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    cases: u32,

    /// Which histories
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Only this law; may be given several times
    #[arg(long, value_name = "LAW", value_parser = law)]
    law: Vec<&'static Law>,
}

fn law(id: &str) -> Result<&'static Law, String> {
    Law::named(id).ok_or_else(|| match nearest(id, LAWS.iter().map(|law| law.id)) {
        Some(near) => format!("there is no such law; did you mean {near}?"),
        None => "there is no such law; without --law every law is tried, and told".to_owned(),
    })
}

#[derive(Debug, Serialize)]
struct Verification {
    cases: u32,
    seed: u64,
    /// What the proofs found.
    findings: Vec<Finding>,
    /// Empty when the proofs found the configuration wrong.
    laws: Vec<Tried>,
}

#[derive(Debug, Serialize)]
struct Tried {
    law: &'static str,
    promise: &'static str,
    registries: Vec<&'static str>,
    kept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterexample: Option<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    registry: &'static str,
    story: Vec<String>,
    broken: String,
    again: String,
}

impl Document for Verification {
    const KIND: &'static str = "Verification";

    fn table(&self, paint: Paint) -> String {
        let mut text = findings_text(&self.findings, paint);
        if self.laws.is_empty() {
            return text + "the laws were not tried: they presuppose what is wrong here";
        }
        let row = |tried: &Tried| {
            let kept = if tried.kept { paint.green("kept") } else { paint.red("broken") };
            vec![tried.law.to_owned(), tried.registries.join(", "), kept]
        };
        text.push_str(&columns(paint, &["LAW", "REGISTRIES", ""], &self.laws.iter().map(row).collect::<Vec<_>>()));
        let broken: Vec<(&Tried, &Told)> =
            self.laws.iter().filter_map(|tried| Some((tried, tried.counterexample.as_ref()?))).collect();
        let Some((tried, told)) = broken.iter().min_by_key(|(_, told)| told.story.len()) else {
            return text + &format!("\n\n{} laws, {} histories each: all kept", self.laws.len(), self.cases);
        };
        text.push_str(&format!("\n\n{} promises: {}\n", paint.bold(tried.law), tried.promise));
        text.push_str(&format!("It is broken {}:\n\n", in_words(told.registry)));
        for (step, number) in told.story.iter().zip(1..) {
            text.push_str(&format!("{number:>4}. {step}\n"));
        }
        text.push_str(&format!("\n{}\n\n", paint.red(&told.broken)));
        if broken.len() > 1 {
            text.push_str(&format!(
                "{} laws are broken; this is the shortest story. One by one: --law LAW\n",
                broken.len()
            ));
        }
        text + "again: " + &told.again
    }

    fn names(&self) -> Vec<String> {
        self.laws.iter().filter(|tried| !tried.kept).map(|tried| tried.law.to_owned()).collect()
    }
}

fn in_words(registry: &str) -> &'static str {
    Mode::ALL.into_iter().find(|mode| mode.id() == registry).map_or("", Mode::told)
}

impl VerifyArgs {
    pub(crate) async fn run(self, app: &App) -> Result<Exit, Failure> {
        let config = app.config()?;
        let findings = prove(&config.policy);
        let mut laws = Vec::new();
        if findings.iter().all(|finding| finding.severity < Severity::Error) {
            let wanted: Vec<&Law> = if self.law.is_empty() { LAWS.iter().collect() } else { self.law.clone() };
            for (law, number) in wanted.iter().zip(1..) {
                app.out.status().show(&format!("law {number} of {}: {}", wanted.len(), law.id));
                laws.push(self.tried(law, &config));
                // A law is played without a pause: somebody who wants to stop is heard here.
                tokio::task::yield_now().await;
            }
        }
        let broken = laws.is_empty() || laws.iter().any(|tried| !tried.kept);
        let exit = if broken { Exit::Findings } else { Exit::of_findings(&findings) };
        app.out.document(&Verification { cases: self.cases, seed: self.seed, findings, laws })?;
        Ok(exit)
    }

    fn tried(&self, law: &Law, config: &Config) -> Tried {
        let found = law.check(&config.policy, &Search { cases: self.cases, seed: self.seed }).err();
        Tried {
            law: law.id,
            promise: law.promise,
            registries: law.modes.iter().map(|mode| mode.id()).collect(),
            kept: found.is_none(),
            counterexample: found.map(|found| self.told(*found, config)),
        }
    }

    fn told(&self, found: Counterexample, config: &Config) -> Told {
        let config = config.file.as_ref().map(|file| format!(" --config {}", file.display())).unwrap_or_default();
        Told {
            registry: found.mode.id(),
            story: found.story,
            broken: found.broken,
            again: format!(
                "promotion verify --law {} --seed {} --cases {}{config}",
                found.law.id, self.seed, self.cases
            ),
        }
    }
}
