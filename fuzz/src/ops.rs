//! Bytes as a history: a header byte, then a few bytes per operation. Every input means something, and a shorter input
//! means a shorter history, so that the fuzzer's own minimiser minimises histories.

use promotion_core::policy::{Policy, Spec, StageSpec};
use promotion_core::testing::world::{Given, Intent, Mode, Op};

/// The longest history that is tried: long enough for every actor to meet every other.
pub const MAX_OPS: usize = 48;

/// What is played.
#[derive(Debug)]
pub struct History {
    pub mode: Mode,
    pub three_stages: bool,
    pub ops: Vec<Op>,
}

/// Reads a history.
pub fn decode(bytes: &[u8]) -> History {
    let mut bytes = bytes.iter().copied();
    let header = bytes.next().unwrap_or(0);
    let mode = [Mode::Locked, Mode::CompareAndSwap, Mode::Registers][usize::from(header % 3)];
    let strangers = header & 0x80 != 0;
    let mut ops = Vec::new();
    while let Some(op) = op(&mut bytes, strangers)
        && ops.len() < MAX_OPS
    {
        ops.push(op);
    }
    History { mode, three_stages: header & 0x40 != 0, ops }
}

fn op(bytes: &mut impl Iterator<Item = u8>, strangers: bool) -> Option<Op> {
    let kind = bytes.next()?;
    let mut next = || bytes.next().unwrap_or(0);
    Some(match kind % 16 {
        0..=2 => Op::Start(Intent::Build {
            commit: next() % 4,
            content: kind / 16 % 2,
            number: (0xc0..0xe0).contains(&kind).then(|| next() % 16),
            again: kind >= 0xe0,
        }),
        3..=5 => Op::Start(Intent::Promote {
            artifact: next(),
            stage: kind / 64,
            evidence: match next() {
                0x80..=0x8f => Given::OfAnother,
                0x90..=0x9f => Given::Stale,
                0xa0..=0xaf => Given::Nothing,
                0xb0..=0xbf => Given::Manual,
                _ => Given::Right,
            },
            version: (kind & 0x30 == 0x30).then(|| next() % 6),
        }),
        6 => Op::Start(Intent::Reject { artifact: next() }),
        7 if kind < 0x80 => Op::Start(Intent::Reopen { artifact: next() }),
        7 => Op::Start(Intent::Rollback { to: next(), only: kind & 0x10 != 0 }),
        8 => Op::Start(Intent::Repair),
        9 => Op::Step { actor: next(), steps: 60 },
        10..=13 => Op::Step { actor: next(), steps: 1 + kind / 16 },
        14 if strangers && kind < 0x80 => Op::ByHand { artifact: next() },
        14 if strangers => Op::Stranger { which: next() },
        _ => Op::Crash { actor: next() },
    })
}

/// Two candidates' labels before the releases.
pub fn three_stages() -> Policy {
    let stage = |name: &str, semver: &str, filter: Option<&str>, label: Option<&str>| StageSpec {
        name: name.into(),
        semver: Some(semver.into()),
        filter: filter.map(Into::into),
        label: label.map(Into::into),
        mark: None,
        ..Spec::default().stages.0[1].clone()
    };
    let mut spec = Spec::default();
    spec.stages.0 = vec![
        stage("alpha", ">= 0.0.0-0", Some(r"-alpha\."), Some("alpha")),
        stage("rc", ">= 0.0.0-0", Some(r"-rc\."), Some("rc")),
        stage("live", ">= 0.0.0", None, None),
    ];
    Policy::new(spec).expect("a constant")
}
