//! The table.

use promotion_registry::testing::servers::Kind;

use crate::cases::{Group, ToBeat};
use crate::measure::Row;

pub(crate) fn head(kind: Kind) {
    println!("\n| {kind:?} | requests | median | quickest | peak memory |\n|---|---:|---:|---:|---:|");
}

/// Prints a group, and says how often its first line is behind where it should be ahead.
pub(crate) fn group(group: &Group, rows: &[Row]) -> usize {
    for (case, row) in group.cases.iter().zip(rows) {
        let ms = |time: std::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let (median, quickest) = (ms(row.median), ms(row.quickest));
        let peak = if row.peak == 0 { "-".to_owned() } else { format!("{:.1} MiB", row.peak as f64 / 1024.0) };
        println!("| {} | {} | {median} | {quickest} | {peak} |", case.what, row.requests);
    }
    let Some(ours) = rows.first() else { return 0 };
    let mut behind = 0;
    for (case, row) in group.cases.iter().zip(rows) {
        let mut told = |what: &str| {
            eprintln!("{}: {what} than {}", group.cases[0].what, case.what);
            behind += 1;
        };
        if case.to_beat >= ToBeat::TimeAndRequests && ours.requests >= row.requests {
            told("no fewer requests");
        }
        if case.to_beat >= ToBeat::Time && ours.median >= row.median {
            told("no less time");
        }
    }
    behind
}
