//! Parameters of tasks: those that LiteLLM judges are refused or left out, those that a row leaves out go silently.

use llm_types::{Error, Json, Kind, OperationKind, Result};

use super::Policy;
use crate::row::{ProviderRow, Task};

/// The parameters of transcriptions that are judged. Others are the provider's own and pass.
const TRANSCRIPTION: &[&str] = &["language", "prompt", "response_format", "temperature", "timestamp_granularities"];

const fn judged(operation: OperationKind) -> &'static [&'static str] {
    match operation {
        OperationKind::Transcribe | OperationKind::Translate => TRANSCRIPTION,
        _ => &[],
    }
}

/// Takes out of a task's fields what the row does not take. Answers what was dropped.
///
/// # Errors
/// `UnsupportedParams` for what may not be dropped.
pub fn check_task(row: &ProviderRow, task: &Task, fields: &mut Json, policy: &Policy) -> Result<Vec<String>> {
    let Json::Object(all) = fields else { return Ok(Vec::new()) };
    all.retain(|(name, _)| {
        !task.leaves.contains(&name.as_str()) && !policy.additional_drop_params.iter().any(|drop| drop == name)
    });
    let Some(takes) = task.takes else { return Ok(Vec::new()) };
    if task.operation == OperationKind::Rerank {
        return Ok(leave_all_but(takes, all));
    }
    let judged = judged(task.operation);
    let foreign = |name: &str, value: &Json| {
        judged.contains(&name)
            && !takes.contains(&name)
            && !value.is_null()
            && !policy.allowed_openai_params.iter().any(|allowed| allowed == name)
    };
    let lost: Vec<String> = all.iter().filter(|(n, v)| foreign(n, v)).map(|(n, _)| n.clone()).collect();
    if let Some(first) = lost.first()
        && !policy.drop_params
    {
        let why = format!(
            "Setting {first} is not supported by {}. To drop it from the call, set `litellm.drop_params = True`.",
            row.id
        );
        return Err(Error::new(Kind::UnsupportedParams, why));
    }
    all.retain(|(name, _)| !lost.contains(name));
    Ok(lost)
}

/// Nobody judges the parameters of rerank: what a host does not take is left out.
fn leave_all_but(takes: &[&str], all: &mut Vec<(String, Json)>) -> Vec<String> {
    let stays = |name: &str| matches!(name, "query" | "documents") || takes.contains(&name);
    let lost =
        all.iter().filter(|(name, value)| !stays(name) && !value.is_null()).map(|(name, _)| name.clone()).collect();
    all.retain(|(name, _)| stays(name));
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::BLANK;

    #[test]
    fn rerank_leaves_what_the_host_does_not_take() {
        let task = Task { operation: OperationKind::Rerank, takes: Some(&["top_n"]), ..Task::BLANK };
        let mut fields =
            serde_json::from_str(r#"{"query":"q","documents":["a"],"top_n":1,"foo":2,"bar":null}"#).unwrap();
        assert_eq!(check_task(&BLANK, &task, &mut fields, &Policy::default()).unwrap(), ["foo"]);
        assert_eq!(fields.to_string(), r#"{"query":"q","documents":["a"],"top_n":1}"#);
    }

    #[test]
    fn what_is_not_taken_is_refused_or_dropped() {
        let task = Task {
            operation: OperationKind::Transcribe,
            takes: Some(&["language"]),
            leaves: &["prompt"],
            ..Task::BLANK
        };
        let fields =
            || serde_json::from_str::<Json>(r#"{"language":"en","prompt":"x","temperature":0,"own":1}"#).unwrap();
        let mut strict = fields();
        let refused = check_task(&BLANK, &task, &mut strict, &Policy::default()).unwrap_err();
        assert!(refused.message.starts_with("Setting temperature is not"), "{}", refused.message);
        let mut loose = fields();
        let policy = Policy { drop_params: true, ..Policy::default() };
        assert_eq!(check_task(&BLANK, &task, &mut loose, &policy).unwrap(), ["temperature"]);
        assert_eq!(loose.to_string(), r#"{"language":"en","own":1}"#);
    }
}
