//! Reading chat and rerank requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::prompt::{Forced, Output, Prompt, conversation, strings, text_field};
use crate::ranking;
use crate::route::Operation;
use crate::service::Call;

pub(super) fn prompt(call: &Call<'_>) -> Prompt {
    let body = call.body;
    if call.route.operation == Operation::Rerank {
        return ranking::prompt(body);
    }
    let mut prompt = Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        stops: strings(body.get("stop_sequences")),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        ..Prompt::default()
    };
    conversation(&mut prompt, body, &["messages", "tools"]);
    prompt.forced = if text_field(body, "tool_choice") == Some("REQUIRED") { Forced::Any } else { Forced::No };
    if body.pointer("/response_format/type").and_then(Value::as_str) == Some("json_object") {
        let schema = ["json_schema", "schema"].iter().find_map(|name| body.get("response_format")?.get(name));
        prompt.output = schema.map_or(Output::Json, |schema| Output::Schema(schema.clone()));
    }
    prompt.thinking = body.pointer("/thinking/type").and_then(Value::as_str) == Some("enabled");
    prompt
}
