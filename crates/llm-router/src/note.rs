//! The messages of the router, in LiteLLM's words where it has some.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use llm_types::{Error, Kind};

/// Nobody knows the model. Names that come near are suggested.
pub(crate) fn unknown_model(model: &str, route: &str, near: &[Arc<str>]) -> Error {
    let mut text = String::new();
    if !route.is_empty() {
        let _ = write!(text, "{route}: ");
    }
    let _ = write!(
        text,
        "Invalid model name passed in model={model}. Call `/v1/models` to view available models for your key."
    );
    if !near.is_empty() {
        let _ = write!(text, " Did you mean {}?", quoted(near.iter().map(AsRef::as_ref), " or "));
    }
    Error::bad_request(text)
}

/// The group has no deployment for this caller.
pub(crate) fn no_healthy(model: &str) -> Error {
    Error::bad_request(format!("You passed in model={model}. There are no healthy deployments for this model"))
}

/// A deployment asked for by id is paused.
pub(crate) fn paused(id: &str) -> Error {
    Error::new(Kind::Unavailable, format!("Deployment {id} is paused by an administrator."))
}

/// All candidates rest or are excluded.
pub(crate) fn none_available(
    model: &str,
    wait: Duration,
    checks: bool,
    cooling: &[Arc<str>],
    all_cooling: bool,
) -> Error {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let checks = if checks { "True" } else { "False" };
    let list = quoted(cooling.iter().map(AsRef::as_ref), ", ");
    let text = format!(
        "No deployments available for selected model, Try again in {seconds} seconds. Passed model={model}. \
         pre-call-checks={checks}, cooldown_list=[{list}]"
    );
    let error = Error::new(Kind::NoDeployments, text).with_retry_after(Duration::from_secs(seconds));
    if all_cooling { error } else { error.with_type("rate_limit_error") }
}

/// Pre-call checks found the prompt too long for every deployment.
pub(crate) fn too_long(model: &str, tokens: u64) -> Error {
    let class = Kind::ContextWindow.facts().class;
    Error::new(
        Kind::ContextWindow,
        format!(
            "litellm.{class}: the prompt (about {tokens} tokens) is longer than any deployment of model={model} can read"
        ),
    )
}

/// Pre-call checks found every deployment at its limit of the minute.
pub(crate) fn at_limit(model: &str, left: Duration) -> Error {
    Error::new(
        Kind::RateLimit,
        format!("No deployments available for selected model: all deployments of model={model} have reached their limit of this minute"),
    )
    .with_retry_after(left)
}

/// No deployment fits the tags of the request.
pub(crate) fn tags(model: &str, tags: &[Arc<str>]) -> Error {
    let list = quoted(tags.iter().map(AsRef::as_ref), ", ");
    let text = format!(
        "Not allowed to access model due to tags configuration. Passed model={model} and tags={}",
        if tags.is_empty() { "None".to_owned() } else { format!("[{list}]") }
    );
    Error::new(Kind::Authentication, text)
}

/// Every candidate, or its provider, or a tag of the request, has spent its budget.
pub(crate) fn budget(what: &str) -> Error {
    Error::new(Kind::RateLimit, format!("No deployments available - crossed budget: {what}"))
}

/// Others took the last place of the minute between the choice and the call.
pub(crate) fn over_rpm(id: &str, rpm: u64) -> Error {
    Error::new(Kind::RateLimit, format!("Deployment over defined rpm limit={rpm}. Deployment={id}"))
        .with_retry_after(Duration::from_secs(60))
}

/// Every deployment was busy for too long.
pub(crate) fn busy(model: &str, waited: Duration) -> Error {
    Error::new(
        Kind::Timeout,
        format!("All deployments of model={model} were at max_parallel_requests for {} seconds", waited.as_secs()),
    )
}

/// Says which lists would have helped, as LiteLLM does for these two kinds of errors.
pub(crate) fn hint(error: &mut Error, group: &str, fallbacks: &str) {
    let (shown, setting) = match error.kind {
        Kind::ContextWindow => ("context_window_fallbacks", "context_window_fallback"),
        Kind::ContentPolicy => ("content_policy_fallback", "content_policy_fallback"),
        _ => return,
    };
    let _ = write!(
        error.message,
        "\nmodel={group}. {shown}=None. fallbacks={fallbacks}.\n\nSet '{setting}' - https://docs.litellm.ai/docs/routing#fallbacks"
    );
}

/// Says which group failed and which fallbacks were tried.
pub(crate) fn failed_group(error: &mut Error, group: &str, tried: &[Arc<str>]) {
    let _ = write!(error.message, "\n\nLiteLLM: model group '{group}' failed with the error above. ");
    error.message.push_str(&match tried {
        [] => "No fallback was attempted.".to_owned(),
        [one] => format!("The fallback '{one}' was attempted and failed too."),
        many => {
            format!("The fallbacks {} were attempted and failed too.", quoted(many.iter().map(AsRef::as_ref), ", "))
        }
    });
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>, between: &str) -> String {
    names.map(|n| format!("'{n}'")).collect::<Vec<_>>().join(between)
}
