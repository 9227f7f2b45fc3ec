//! `AnalysisTemplate`s of Argo Rollouts.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use serde_json::Value;

use super::{Found, Rule, called, items, text};
use crate::time::parse_duration;

pub(super) fn lint(value: &Value, found: &mut Found<'_>) {
    if !matches!(text(value, "/kind"), Some("AnalysisTemplate" | "ClusterAnalysisTemplate")) {
        return;
    }
    for metric in items(value, "/spec/metrics") {
        let subject = || format!("{}, metric {},", called(value), text(metric, "/name").unwrap_or("?"));
        // "" and 0 are as good as absent (pkg/apis/rollouts/v1alpha1/analysis_types.go).
        let interval = text(metric, "/interval").filter(|interval| !interval.is_empty());
        let count = number(metric.get("count")).filter(|count| *count > 0);
        if let (Some(interval), None) = (interval, count) {
            found(subject(), Rule::AnalysisWithoutCount { interval: interval.to_string() });
        }
        if let Some(count) = count.filter(|count| number(metric.get("failureLimit")) == Some(*count)) {
            found(subject(), Rule::AnalysisNeverFails { count });
        }
        let Some(query) = text(metric, "/provider/prometheus/query") else { continue };
        if let (Some(interval), Some((window, looks_back))) = (interval, window(query))
            && parse_duration(interval).is_ok_and(|every| looks_back < every)
        {
            found(subject(), Rule::AnalysisWindowShort { window, interval: interval.to_string() });
        }
        let selects = ["canary", "rollouts_pod_template_hash", "{{args.", "{{ args."].iter();
        if !selects.clone().any(|word| query.contains(word)) {
            found(subject(), Rule::AnalysisOfEverything);
        }
    }
}

/// Limits and counts are numbers or texts of numbers.
fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The shortest range that a query looks back: `[2m]`.
fn window(query: &str) -> Option<(String, Duration)> {
    let ranges = query.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(range, _)| range);
    let ranges = ranges.map(|range| range.split(':').next().unwrap_or(range).trim());
    ranges.filter_map(|range| Some((range.to_string(), parse_duration(range).ok()?))).min_by_key(|(_, length)| *length)
}
