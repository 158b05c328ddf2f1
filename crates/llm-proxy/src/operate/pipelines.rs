//! Trying a pipeline out on messages, before a policy has it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use llm_accounts::Identity;
use llm_guardrails::{CallContext, Direction};
use llm_types::pipeline::{Pipeline, Turn};
use llm_types::{Error, Json, Kind, Result};

use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// Messages of one trial at the most.
const MESSAGES: usize = 100;

/// `POST /policies/test-pipeline`: what each step says of the messages, and what becomes of them.
///
/// # Errors
/// 400 for what is no pipeline and for messages that are none, 404 for a guardrail that is not there.
pub(super) async fn try_out(
    core: &Core,
    snapshot: &Snapshot,
    who: Option<&Arc<Identity>>,
    body: &Bytes,
) -> Result<Response<Reply>> {
    let asked = crate::read::json(body)?;
    let spec = asked.get("pipeline").ok_or_else(|| Error::bad_request("pipeline is missing").with_param("pipeline"))?;
    let pipeline = Pipeline::read(spec)
        .map_err(|why| Error::bad_request(format!("Invalid pipeline: {why}")).with_param("pipeline"))?;
    let mut messages = messages(&asked)?;
    let missing = pipeline.steps.iter().find(|step| !snapshot.guardrails.names().any(|name| name == step.guardrail));
    if let Some(step) = missing {
        let why = format!("Guardrail '{}' not found", step.guardrail);
        return Err(Error::new(Kind::NotFound, why).with_param("pipeline"));
    }
    let caller = who.map(|who| who.caller()).unwrap_or_default();
    let call = CallContext::new("", "", &caller).through(&core.wire);
    let direction = if pipeline.answers { Direction::Response } else { Direction::Request };
    let (mut results, mut stopped, mut edited) = (Vec::new(), None, false);
    for step in &pipeline.steps {
        let begun = Instant::now();
        let judged = judge(snapshot, &step.guardrail, direction, &messages, &call).await;
        let (outcome, turn, after, why) = match judged {
            Ok(after) => ("pass", step.on_pass, after, None),
            // A guardrail that fails itself is a fault of the gateway's.
            Err(error) if error.status() >= 500 => ("error", step.on_error, None, Some(error.message)),
            Err(error) => ("fail", step.on_fail, None, Some(error.message)),
        };
        let shown = after.clone().map(|after| Json::object([("messages", Json::Array(after))]));
        results.push(Json::object([
            ("guardrail_name", Json::from(step.guardrail.as_str())),
            ("outcome", Json::from(outcome)),
            ("action_taken", Json::from(turn.name())),
            ("modified_data", Json::from(shown)),
            ("error_detail", Json::from(why.as_deref())),
            ("duration_seconds", Json::from(begun.elapsed().as_secs_f64())),
        ]));
        if let Some(after) = after.filter(|_| step.pass_data || pipeline.answers) {
            (messages, edited) = (after, true);
        }
        match turn {
            Turn::Next => {}
            Turn::Allow => break,
            Turn::Block => {
                stopped = Some(why);
                break;
            }
        }
    }
    let blocked = stopped.is_some();
    Ok(answer(&Json::object([
        ("terminal_action", Json::from(if blocked { "block" } else { "allow" })),
        ("step_results", Json::Array(results)),
        ("modified_data", Json::from(edited.then(|| Json::object([("messages", Json::Array(messages))])))),
        ("error_message", Json::from(stopped.flatten())),
        ("modify_response_message", Json::Null),
    ])))
}

fn messages(asked: &Json) -> Result<Vec<Json>> {
    let wrong = |why: String| Error::bad_request(why).with_param("test_messages");
    let list = asked.get("test_messages").and_then(Json::as_array);
    let list = list.ok_or_else(|| wrong("test_messages must be a list of messages".to_owned()))?;
    if list.len() > MESSAGES {
        return Err(wrong(format!("test_messages may have {MESSAGES} entries")));
    }
    if list.iter().any(|message| message.text("content").is_none()) {
        return Err(wrong("the content of a message must be a text".to_owned()));
    }
    Ok(list.to_vec())
}

/// The messages after a guardrail; nothing when it left them as they are.
async fn judge(
    snapshot: &Snapshot,
    name: &str,
    direction: Direction,
    messages: &[Json],
    call: &CallContext<'_>,
) -> Result<Option<Vec<Json>>> {
    let (mut out, mut edited) = (Vec::with_capacity(messages.len()), false);
    for message in messages {
        let text = message.text("content").unwrap_or_default();
        let passed = snapshot.guardrails.apply(name, direction, text, call).await;
        let passed = passed.unwrap_or_else(|| Ok(text.to_owned()))?;
        edited |= passed != text;
        let mut after = message.clone();
        after.set("content", passed);
        out.push(after);
    }
    Ok(edited.then_some(out))
}
