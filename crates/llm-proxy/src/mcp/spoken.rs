//! What a conversation with tools looks like in each of the languages that offer MCP: chat, Messages and Responses.

use llm_types::{Error, Format, Json, RawJson, Result};
use llm_wire::top::Top;
use serde_json::value::RawValue;

use super::offered::{Shelf, Tool};
use crate::answer::tell_own;

/// How the ids of items begin that the gateway adds.
const LIST: &str = "mcpl_";
const CALL: &str = "mcp_";

/// A conversation that grows by calls and their results.
#[derive(Debug)]
pub(super) struct Talk {
    format: Format,
    /// Messages or items, as JSON.
    turns: Vec<String>,
    /// Results that become one turn (Messages), when the model is asked again.
    results: Vec<Json>,
    tools: Vec<Json>,
    /// Calls that were made, in order.
    made: Vec<Made>,
}

/// A call that a model wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wished {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// A call that was made.
#[derive(Debug)]
struct Made {
    call: Wished,
    label: String,
    output: String,
    failed: bool,
}

impl Talk {
    /// The conversation of a request, with `rest` and the tools of the shelf.
    ///
    /// # Errors
    /// 400 when there is none.
    pub(super) fn new(format: Format, top: &Top<'_>, rest: &[Json], shelf: &Shelf) -> Result<Self> {
        let field = field(format);
        let wrong = || Error::bad_request(format!("{field} must be a list")).with_param(field);
        let raw = top.get(field).ok_or_else(wrong)?;
        let turns = match llm_types::json::raw_str(raw).filter(|_| format == Format::OpenAiResponses) {
            Some(said) => vec![Json::object([("role", "user"), ("content", &*said)]).to_string()],
            None => {
                let list: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| wrong())?;
                list.iter().flat_map(|turn| earlier(turn.get())).collect()
            }
        };
        let tools = rest.iter().cloned().chain(shelf.tools.iter().map(|tool| shown(format, tool))).collect();
        Ok(Self { format, turns, results: Vec::new(), tools, made: Vec::new() })
    }

    /// The request as it stands now. `stream`: as the client wished, else whole.
    pub(super) fn body(&self, top: &Top<'_>, stream: bool) -> bytes::Bytes {
        let last = self.answering();
        let turns = self.turns.iter().map(String::as_str).chain(last.as_deref());
        let turns = format!("[{}]", turns.collect::<Vec<_>>().join(","));
        let tools = Json::Array(self.tools.clone()).to_string();
        let choice = self.choice(top);
        let mut edits = vec![(field(self.format), Some(turns.as_str()))];
        match self.tools.is_empty() {
            true => edits.extend(["tools", "tool_choice", "parallel_tool_calls"].map(|name| (name, None))),
            false => edits.push(("tools", Some(tools.as_str()))),
        }
        if let Some(choice) = choice.as_deref().filter(|_| !self.tools.is_empty()) {
            edits.push(("tool_choice", Some(choice)));
        }
        if !stream {
            edits.extend(["stream", "stream_options"].map(|name| (name, None)));
        }
        top.edited(&edits)
    }

    /// What becomes of a wish for a certain tool: it is for the first answer; a server is no tool.
    fn choice(&self, top: &Top<'_>) -> Option<String> {
        let raw = top.get("tool_choice")?;
        if self.format == Format::AnthropicMessages {
            let mut choice = serde_json::from_str::<Json>(raw).ok()?;
            let free = matches!(choice.text("type"), None | Some("auto" | "none"));
            choice.set("type", "auto");
            choice.remove("name");
            return (!free && !self.made.is_empty()).then(|| choice.to_string());
        }
        let server = Top::parse(raw.as_bytes()).is_ok_and(|choice| choice.str("type").as_deref() == Some("mcp"));
        match raw {
            "null" | "\"auto\"" | "\"none\"" => None,
            _ if !self.made.is_empty() => Some("\"auto\"".to_owned()),
            _ => server.then(|| "\"required\"".to_owned()),
        }
    }

    /// The calls that an answer wishes.
    pub(super) fn wished(&self, answer: &Json) -> Vec<Wished> {
        let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
        if self.format == Format::OpenAiResponses {
            let items = answer.get("output").and_then(Json::as_array).unwrap_or_default();
            let calls = items.iter().filter(|item| item.text("type") == Some("function_call"));
            let call = |item: &Json| Wished {
                id: own(item.text("call_id")),
                name: own(item.text("name")),
                arguments: own(item.text("arguments")),
            };
            return calls.map(call).collect();
        }
        if self.format == Format::AnthropicMessages {
            let blocks = answer.get("content").and_then(Json::as_array).unwrap_or_default();
            let calls = blocks.iter().filter(|block| block.text("type") == Some("tool_use"));
            let call = |block: &Json| Wished {
                id: own(block.text("id")),
                name: own(block.text("name")),
                arguments: block.get("input").map(ToString::to_string).unwrap_or_default(),
            };
            return calls.map(call).collect();
        }
        let calls = message(answer).and_then(|m| m.get("tool_calls")).and_then(Json::as_array).unwrap_or_default();
        let call = |call: &Json| {
            let function = call.get("function");
            let part = |field| own(function.and_then(|f| f.text(field)));
            Wished { id: own(call.text("id")), name: part("name"), arguments: part("arguments") }
        };
        calls.iter().map(call).collect()
    }

    /// The answer becomes part of the conversation.
    pub(super) fn said(&mut self, answer: &Json) {
        if self.format == Format::OpenAiResponses {
            let items = answer.get("output").and_then(Json::as_array).unwrap_or_default();
            self.turns.extend(items.iter().map(ToString::to_string));
        } else if self.format == Format::AnthropicMessages {
            self.turns.extend(self.answering());
            self.results.clear();
            let content = answer.get("content").cloned().unwrap_or_default();
            self.turns.push(Json::object([("role", Json::from("assistant")), ("content", content)]).to_string());
        } else if let Some(message) = message(answer) {
            const KEPT: [&str; 6] =
                ["role", "content", "tool_calls", "reasoning_content", "thinking_blocks", "provider_specific_fields"];
            let fields = message.as_object().unwrap_or_default().iter();
            let kept = fields.filter(|(name, value)| KEPT.contains(&name.as_str()) && !value.is_null());
            self.turns.push(Json::Object(kept.cloned().collect()).to_string());
        }
    }

    /// The result of a call becomes part of it.
    pub(super) fn called(&mut self, call: Wished, tool: &Tool, result: &RawJson) {
        let (output, failed) = output(result);
        let turn = match self.format {
            Format::AnthropicMessages => {
                let mut block =
                    Json::object([("type", "tool_result"), ("tool_use_id", &call.id), ("content", &output)]);
                if failed {
                    block.set("is_error", true);
                }
                self.results.push(block);
                self.made.push(Made { call, label: tool.label.clone(), output, failed });
                return;
            }
            Format::OpenAiResponses => {
                Json::object([("type", "function_call_output"), ("call_id", &call.id), ("output", &output)])
            }
            _ => Json::object([("role", "tool"), ("tool_call_id", &call.id), ("content", &output)]),
        };
        self.turns.push(turn.to_string());
        self.made.push(Made { call, label: tool.label.clone(), output, failed });
    }

    /// The turn that the results of calls are, where they are one.
    fn answering(&self) -> Option<String> {
        let turn = || Json::object([("role", Json::from("user")), ("content", Json::Array(self.results.clone()))]);
        (!self.results.is_empty()).then(|| turn().to_string())
    }

    /// Tells in the last answer which tools there were and what was called: as OpenAI's items to Responses clients, below
    /// `provider_specific_fields` to those of chat, as LiteLLM does. Messages clients are told nothing.
    pub(super) fn tell(&self, answer: &mut Json, shelf: &Shelf) {
        if self.format == Format::OpenAiResponses {
            let mut items = lists(shelf);
            items.extend(self.made.iter().map(Made::item));
            if let Some(Json::Array(output)) = answer.get_mut("output") {
                output.splice(0..0, items);
            }
            return;
        }
        let Some(Json::Array(choices)) = answer.get_mut("choices") else { return };
        let Some(message) = choices.first_mut().and_then(|choice| choice.get_mut("message")) else { return };
        let own = [
            ("mcp_list_tools", Json::Array(shelf.tools.iter().map(|tool| shown(self.format, tool)).collect())),
            ("mcp_tool_calls", Json::Array(self.made.iter().map(Made::wish).collect())),
            ("mcp_call_results", Json::Array(self.made.iter().map(Made::result).collect())),
        ];
        tell_own(message, own);
    }
}

impl Made {
    fn item(&self) -> Json {
        let text = Json::from(self.output.as_str());
        let (output, error) = if self.failed { (Json::Null, text) } else { (text, Json::Null) };
        Json::object([
            ("id", Json::from(format!("{CALL}{}", self.call.id))),
            ("type", Json::from("mcp_call")),
            ("status", Json::from(if self.failed { "failed" } else { "completed" })),
            ("name", Json::from(self.call.name.as_str())),
            ("arguments", Json::from(self.call.arguments.as_str())),
            ("server_label", Json::from(self.label.as_str())),
            ("output", output),
            ("error", error),
            ("approval_request_id", Json::Null),
        ])
    }

    fn wish(&self) -> Json {
        let function = Json::object([("name", self.call.name.as_str()), ("arguments", self.call.arguments.as_str())]);
        Json::object([
            ("id", Json::from(self.call.id.as_str())),
            ("type", Json::from("function")),
            ("function", function),
        ])
    }

    fn result(&self) -> Json {
        let fields = [("tool_call_id", &self.call.id), ("name", &self.call.name), ("result", &self.output)];
        Json::object(fields.map(|(name, value)| (name, value.as_str())))
    }
}

const fn field(format: Format) -> &'static str {
    match format {
        Format::OpenAiResponses => "input",
        _ => "messages",
    }
}

fn message(answer: &Json) -> Option<&Json> {
    answer.get("choices").and_then(Json::as_array)?.first()?.get("message")
}

/// A turn of the client's. What [`Talk::tell`] told of earlier answers becomes the calls and results that models know.
fn earlier(turn: &str) -> Vec<String> {
    let item = || serde_json::from_str::<Json>(turn).ok().filter(|item| item.text("server_label").is_some());
    let Some(item) = Some(turn).filter(|turn| turn.contains("\"mcp_")).and_then(|_| item()) else {
        return vec![turn.to_owned()];
    };
    let own = |field| item.text(field).unwrap_or_default();
    match own("type") {
        "mcp_list_tools" if own("id").starts_with(LIST) => Vec::new(),
        "mcp_call" if own("id").starts_with(CALL) => {
            let id = own("id").strip_prefix(CALL).unwrap_or_default();
            let call =
                [("type", "function_call"), ("call_id", id), ("name", own("name")), ("arguments", own("arguments"))];
            let output = item.text("output").or_else(|| item.text("error")).unwrap_or_default();
            let result = [("type", "function_call_output"), ("call_id", id), ("output", output)];
            vec![Json::object(call).to_string(), Json::object(result).to_string()]
        }
        _ => vec![turn.to_owned()],
    }
}

/// A tool as a function of the language.
fn shown(format: Format, tool: &Tool) -> Json {
    let mut function = Json::object([("name", tool.name.as_str())]);
    if let Some(description) = &tool.description {
        function.set("description", description.as_str());
    }
    if format == Format::AnthropicMessages {
        function.set("input_schema", tool.schema.clone());
        return function;
    }
    function.set("parameters", tool.schema.clone());
    if format == Format::OpenAiResponses {
        function.set("type", "function");
        function.set("strict", false);
        return function;
    }
    Json::object([("type", Json::from("function")), ("function", function)])
}

/// The tools of each server as an item of OpenAI's.
fn lists(shelf: &Shelf) -> Vec<Json> {
    let mut labels: Vec<&str> = Vec::new();
    for tool in &shelf.tools {
        if !labels.contains(&tool.label.as_str()) {
            labels.push(&tool.label);
        }
    }
    let list = |label: &&str| {
        let tools = shelf.tools.iter().filter(|tool| tool.label == **label);
        let tool = |tool: &Tool| {
            Json::object([
                ("name", Json::from(tool.name.as_str())),
                ("description", Json::from(tool.description.as_deref())),
                ("input_schema", tool.schema.clone()),
                ("annotations", Json::Null),
            ])
        };
        Json::object([
            ("id", Json::from(format!("{LIST}{label}"))),
            ("type", Json::from("mcp_list_tools")),
            ("server_label", Json::from(*label)),
            ("tools", Json::Array(tools.map(tool).collect())),
            ("error", Json::Null),
        ])
    };
    labels.iter().map(list).collect()
}

/// The result of a tool as a text for a model, and whether the tool failed. What is no text is named, not told.
fn output(result: &RawJson) -> (String, bool) {
    let result = result.read::<Json>().unwrap_or_default();
    let parts = result.get("content").and_then(Json::as_array).unwrap_or_default();
    let said: Vec<String> = parts.iter().map(part).collect();
    let failed = result.get("isError").and_then(Json::as_bool) == Some(true);
    match (said.is_empty(), result.get("structuredContent")) {
        (true, Some(structured)) => (structured.to_string(), failed),
        _ => (said.join("\n"), failed),
    }
}

fn part(part: &Json) -> String {
    let kind = part.text("type").unwrap_or_default();
    let inner = part.get("resource");
    if let Some(said) = part.text("text").or_else(|| inner.and_then(|r| r.text("text"))) {
        return said.to_owned();
    }
    let what = part.text("uri").or_else(|| inner.and_then(|r| r.text("uri"))).or_else(|| part.text("mimeType"));
    format!("[{kind} {}]", what.unwrap_or_default())
}

#[cfg(test)]
mod tests;
