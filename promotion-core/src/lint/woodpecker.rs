//! Pipelines of Woodpecker.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::Value;

use super::image::Image;
use super::{Found, Rule, items, text};

pub(super) fn lint(pipeline: &Value, found: &mut Found<'_>) {
    // A Tekton task has steps, too, and says what it is.
    if pipeline.get("kind").is_some() || pipeline.get("jobs").is_some() {
        return;
    }
    let steps: Vec<(&str, &Value)> = match pipeline.get("steps") {
        Some(Value::Array(steps)) => steps.iter().map(|step| (text(step, "/name").unwrap_or("?"), step)).collect(),
        Some(Value::Object(steps)) => steps.iter().map(|(name, step)| (name.as_str(), step)).collect(),
        _ => return,
    };
    for (name, step) in &steps {
        self::step(name, step, pipeline, found);
    }
    let runs = |word: &str| steps.iter().any(|(_, step)| commands(step).any(|command| command.contains(word)));
    if runs("kubectl set image") && !runs("rollout status") {
        found("pipeline".to_string(), Rule::DeployUnverified);
    }
    if runs("IMAGE_TAG") && !["-z \"$", "-z \"${", "-n \"$", ":?"].iter().any(|check| runs(check)) {
        found("pipeline".to_string(), Rule::DeployAnyTag);
    }
}

fn step(name: &str, step: &Value, pipeline: &Value, found: &mut Found<'_>) {
    let subject = || alloc::format!("step {name}");
    if items(step, "/commands").iter().any(|command| !command.is_string()) {
        found(subject(), Rule::CommandNoText);
    }
    if let Some(image) = text(step, "/image").map(Image::parse) {
        if image.tag.as_deref() == Some("latest") && image.repository.contains("kubectl") {
            found(subject(), Rule::ToolFloats { image: image.to_string() });
        }
        if ["plugin-docker-buildx", "plugin-kaniko", "kaniko-project/executor", "plugins/docker"]
            .iter()
            .any(|builder| image.repository.contains(builder))
        {
            found(subject(), Rule::BuiltInCluster { image: image.repository });
        }
    }
    let deploys = commands(step).any(|command| command.contains("kubectl set image"));
    if deploys && ![step, pipeline].iter().any(|of| is_by_hand(of.get("when"))) {
        found(subject(), Rule::DeployNotManual);
    }
}

fn commands(step: &Value) -> impl Iterator<Item = &str> {
    items(step, "/commands").iter().filter_map(Value::as_str)
}

/// Whether a condition lets through what a person started, and nothing else.
fn is_by_hand(when: Option<&Value>) -> bool {
    let event = |condition: &Value| match condition.get("event") {
        Some(Value::String(event)) => is_manual(event),
        Some(Value::Array(events)) => {
            !events.is_empty() && events.iter().all(|event| event.as_str().is_some_and(is_manual))
        }
        _ => false,
    };
    match when {
        Some(Value::Array(any)) => !any.is_empty() && any.iter().all(event),
        Some(condition) => event(condition),
        None => false,
    }
}

fn is_manual(event: &str) -> bool {
    matches!(event, "manual" | "deployment")
}
