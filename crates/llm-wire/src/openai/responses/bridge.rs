//! Requests of Responses clients for upstreams of other languages: what only this format knows, in words that all know.
//!
//! A custom tool becomes a function with one text, `content`; the grammar of its input stands in the description. The
//! functions of a namespace get its name in front of theirs. How the answers are told back is remembered in
//! [`Hints::client_tools`]. Facts: the recordings of LiteLLM's bridge.

use llm_types::generate::{
    FunctionTool, GenerateRequest, OutputFormat, Part, PartKind, Role, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use llm_types::{Extra, Format, Json, RawJson};

use super::{FORMAT, client_tools};
use crate::codec::{ClientTool, EncodeContext, Hints};
use crate::top::Top;

/// Tools that run at OpenAI or at the client and have no other words.
const UNSAYABLE: [&str; 7] =
    ["computer_use", "computer_use_preview", "image_generation", "local_shell", "shell", "apply_patch", "tool_search"];

/// Bytes that the name and the description of a namespace may come to when each of its tools repeats them.
const REPEATED: usize = 4 << 20;

/// Fields that are about keeping, cutting and telling answers: the gateway's or OpenAI's own affair.
const OWN: [&str; 11] = [
    "include",
    "truncation",
    "store",
    "previous_response_id",
    "prompt",
    "conversation",
    "background",
    "max_tool_calls",
    "prompt_cache_retention",
    "stream_options",
    "moderation",
];

/// Rewrites a request. What cannot be said is left out and told in the context's `lost`.
pub fn bridge(request: &mut GenerateRequest, ctx: &mut EncodeContext<'_>) {
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in std::mem::take(&mut request.tools) {
        match &tool.kind {
            ToolKind::Hosted { format: FORMAT, json } => hosted(json.get(), &tool, ctx, &mut tools),
            _ => tools.push(plain(tool)),
        }
    }
    request.tools = tools;
    request.turns.iter_mut().for_each(items);
    if let Some(ToolChoice::Other { format: FORMAT, json }) = &request.tool_choice {
        let top: Top<'_> = serde_json::from_str(json.get()).unwrap_or_default();
        if let (Some("custom"), Some(name)) = (top.str("type").as_deref(), top.str("name")) {
            request.tool_choice = Some(ToolChoice::Function(name.into_owned()));
        }
    }
    let searches =
        |t: &Tool| matches!(&t.kind, ToolKind::Hosted { json, .. } if kind_of(json.get()).starts_with("web_search"));
    if request.tools.iter().all(searches) {
        request.tool_choice = None;
        request.parallel_tool_calls = None;
    }
    match &mut request.output {
        Some(OutputFormat::Text) => request.output = None,
        Some(OutputFormat::JsonSchema { strict, .. }) => *strict = strict.or(Some(false)),
        _ => {}
    }
    fields(request, ctx);
}

fn kind_of(json: &str) -> String {
    let top: Top<'_> = serde_json::from_str(json).unwrap_or_default();
    top.str("type").unwrap_or_default().into_owned()
}

/// A function, with what the format leaves to be understood said.
fn plain(mut tool: Tool) -> Tool {
    if let ToolKind::Function(function) = &mut tool.kind {
        function.description.get_or_insert_default();
        function.strict.get_or_insert(false);
        function.parameters = Some(parameters(function.parameters.take()));
    }
    tool
}

/// A schema that says at least that it is one of an object.
fn parameters(given: Option<RawJson>) -> RawJson {
    let object = || Json::object([("type", "object")]).to_raw();
    let Some(given) = given else { return object() };
    match given.read::<Top<'_>>() {
        Ok(top) if top.get("type").is_some() => given,
        Ok(top) => RawJson::parse(String::from_utf8_lossy(&top.edited(&[("type", Some("\"object\""))])).into_owned())
            .unwrap_or_else(|_| object()),
        Err(_) => object(),
    }
}

fn hosted(json: &str, tool: &Tool, ctx: &mut EncodeContext<'_>, out: &mut Vec<Tool>) {
    let top: Json = serde_json::from_str(json).unwrap_or_default();
    match top.text("type").unwrap_or_default() {
        "custom" => out.push(custom(&top, top.text("description").unwrap_or_default(), None, &mut ctx.hints)),
        "namespace" => {
            let [name, described] = ["name", "description"].map(|field| top.text(field).unwrap_or_default());
            let members = top.get("tools").and_then(Json::as_array).unwrap_or_default();
            if (name.len() + described.len()).saturating_mul(members.len()) > REPEATED {
                ctx.lost.push("tools[namespace]".to_owned());
                return;
            }
            out.extend(members.iter().filter_map(|inner| member(inner, name, described, &mut ctx.hints)));
        }
        kind if UNSAYABLE.contains(&kind) => ctx.lost.push(format!("tools[{kind}]")),
        _ => out.push(tool.clone()),
    }
}

fn function(name: &str, description: &str, parameters: RawJson, strict: Option<bool>) -> Tool {
    let function = FunctionTool {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        parameters: Some(parameters),
        strict,
        legacy: false,
    };
    Tool { kind: ToolKind::Function(function), cache_control: None, extra: Extra::new(FORMAT) }
}

/// A tool whose input is free text.
fn custom(tool: &Json, description: &str, namespace: Option<&str>, hints: &mut Hints) -> Tool {
    let name = tool.text("name").unwrap_or_default();
    let mut description = description.to_owned();
    if let Some(grammar) = tool.get("format")
        && let Some(definition) = grammar.text("definition").filter(|d| !d.is_empty())
    {
        let syntax = grammar.text("syntax").unwrap_or_default();
        description.push_str(&format!("\n\nFormat:\n```{syntax}\n{definition}\n```"));
    }
    let text = Json::object([
        ("type", Json::from("string")),
        ("description", Json::from(format!("The {name} content following the specified format"))),
    ]);
    let parameters = Json::object([
        ("type", Json::from("object")),
        ("properties", Json::object([(client_tools::CONTENT, text)])),
        ("required", Json::Array(vec![Json::from(client_tools::CONTENT)])),
    ]);
    hints.client_tools.push(ClientTool {
        sent: name.to_owned(),
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        custom: true,
    });
    function(name, &description, parameters.to_raw(), None)
}

/// A tool of a namespace.
fn member(tool: &Json, namespace: &str, described: &str, hints: &mut Hints) -> Option<Tool> {
    let own = tool.text("description").unwrap_or_default();
    let description = match (described.is_empty(), own.is_empty()) {
        (true, _) => own.to_owned(),
        (_, true) => described.to_owned(),
        _ => format!("{described}\n\n{own}"),
    };
    match tool.text("type").unwrap_or("function") {
        "custom" => Some(custom(tool, &description, Some(namespace), hints)),
        "function" => {
            let name = tool.text("name").unwrap_or_default();
            let sent = qualified(namespace, name);
            hints.client_tools.push(ClientTool {
                sent: sent.clone(),
                name: name.to_owned(),
                namespace: Some(namespace.to_owned()),
                custom: false,
            });
            let strict = tool.get("strict").is_some_and(|s| *s == Json::Bool(true));
            Some(function(&sent, &description, parameters(tool.get("parameters").map(Json::to_raw)), Some(strict)))
        }
        _ => None,
    }
}

fn qualified(namespace: &str, name: &str) -> String {
    format!("{namespace}__{name}")
}

/// Calls and results of such tools in the conversation.
fn items(turn: &mut Turn) {
    one_thought(turn);
    for part in &mut turn.parts {
        match &mut part.kind {
            PartKind::ToolCall(call) => {
                if let Some(namespace) = part.extra.get("namespace").and_then(RawJson::as_str) {
                    call.name = qualified(&namespace, &call.name);
                }
            }
            PartKind::HostedTool { format: FORMAT, json } => {
                let top: Json = serde_json::from_str(json.get()).unwrap_or_default();
                let Some((kind, role)) = item(&top) else { continue };
                turn.role = role;
                *part = Part { kind, cache_control: None, extra: Extra::new(FORMAT) };
            }
            _ => {}
        }
    }
}

/// Several texts of thoughts are one elsewhere, a line each.
fn one_thought(turn: &mut Turn) {
    turn.parts.dedup_by(|part, before| match (&mut before.kind, &part.kind) {
        (PartKind::Thinking { text: whole, signature: None }, PartKind::Thinking { text: more, signature: None }) => {
            if !whole.is_empty() && !more.is_empty() {
                whole.push('\n');
            }
            whole.push_str(more);
            true
        }
        _ => false,
    });
}

/// A call of a custom tool, and results that are not those of functions.
fn item(top: &Json) -> Option<(PartKind, Role)> {
    let id = top.text("call_id").or_else(|| top.text("id")).filter(|id| !id.is_empty())?.to_owned();
    match top.text("type")? {
        "custom_tool_call" => {
            let arguments = client_tools::arguments_of(top.text("input").unwrap_or_default());
            let name = top.text("name").unwrap_or_default().to_owned();
            Some((PartKind::ToolCall(ToolCall { id, name, arguments }), Role::Assistant))
        }
        "custom_tool_call_output" | "computer_call_output" => {
            let text = match top.get("output") {
                Some(Json::String(text)) => text.clone(),
                Some(other) => joined(other).unwrap_or_else(|| other.to_string()),
                None => String::new(),
            };
            let result =
                ToolResult { call_id: id, name: None, parts: vec![Part::text(text)], flat: true, is_error: None };
            Some((PartKind::ToolResult(result), Role::Tool))
        }
        _ => None,
    }
}

/// A list of texts as one.
fn joined(output: &Json) -> Option<String> {
    let parts = output.as_array()?;
    parts.iter().map(|p| p.text("text")).collect()
}

/// Fields that this format does not know go on as those of chat: they are meant for the upstream.
fn fields(request: &mut GenerateRequest, ctx: &mut EncodeContext<'_>) {
    let given = std::mem::replace(&mut request.extra, Extra::new(Format::OpenAiChat));
    for (key, value) in given.all() {
        let number = || serde_json::from_str(value.get()).ok();
        match key {
            _ if OWN.contains(&key) || key.contains('.') => ctx.lost.push(key.to_owned()),
            "stop" => {
                request.stop_flat = value.as_str().is_some();
                request.stop = match value.as_str() {
                    Some(one) => vec![one.into_owned()],
                    None => value.read().unwrap_or_default(),
                };
            }
            "frequency_penalty" => request.sampling.frequency_penalty = number(),
            "presence_penalty" => request.sampling.presence_penalty = number(),
            "seed" => request.sampling.seed = number(),
            "top_k" => request.sampling.top_k = number(),
            _ => request.extra.push(Format::OpenAiChat, key, value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::codec::{ClientCodec, RequestView, UpstreamCodec};
    use crate::openai::chat::Chat;
    use crate::openai::responses::Responses;

    /// What a chat upstream is asked, and the context that its answer will be told with.
    fn bridged(body: &str) -> (Json, EncodeContext<'static>) {
        let view = RequestView { path: "", query: "", body: body.as_bytes() };
        let mut request = Responses.decode_request(&view).unwrap();
        let mut ctx = EncodeContext::for_model("m");
        bridge(&mut request, &mut ctx);
        let mut out = BytesMut::new();
        Chat.encode_request(&request, &mut ctx, &mut out).unwrap();
        (serde_json::from_slice(&out).unwrap(), ctx)
    }

    fn at<'j>(json: &'j Json, path: &str) -> &'j Json {
        path.split('.').fold(json, |json, key| match key.parse::<usize>() {
            Ok(at) => &json.as_array().unwrap()[at],
            Err(_) => json.get(key).unwrap_or_else(|| panic!("{key} of {path}")),
        })
    }

    #[test]
    fn custom_tools_are_functions_of_one_text() {
        let (json, ctx) = bridged(
            r#"{"model":"m","input":[{"role":"user","content":"go"},
                {"type":"custom_tool_call","call_id":"c1","name":"patch","input":"*** \"x\""},
                {"type":"custom_tool_call_output","call_id":"c1","output":"done"}],
              "tools":[{"type":"custom","name":"patch","description":"Edit.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}}],
              "tool_choice":{"type":"custom","name":"patch"}}"#,
        );
        let call = at(&json, "messages.1.tool_calls.0.function");
        assert_eq!((call.text("name"), call.text("arguments")), (Some("patch"), Some(r#"{"content":"*** \"x\""}"#)));
        let result = at(&json, "messages.2");
        assert_eq!(
            (result.text("role"), result.text("tool_call_id"), result.text("content")),
            (Some("tool"), Some("c1"), Some("done"))
        );
        let tool = at(&json, "tools.0.function");
        assert_eq!(tool.text("description"), Some("Edit.\n\nFormat:\n```lark\nstart: x\n```"));
        assert_eq!(at(tool, "parameters.required.0").as_str(), Some("content"));
        assert_eq!(at(&json, "tool_choice.function").text("name"), Some("patch"));
        assert!(ctx.hints.client_tools[0].custom && ctx.lost.is_empty(), "{:?}", ctx.lost);
    }

    #[test]
    fn namespaces_stand_before_names() {
        let (json, ctx) = bridged(
            r#"{"model":"m","input":[{"role":"user","content":"go"},
                {"type":"function_call","call_id":"c1","namespace":"git","name":"log","arguments":"{}"},
                {"type":"function_call_output","call_id":"c1","output":"none"}],
              "tools":[{"type":"namespace","name":"git","description":"Git.","tools":[
                {"type":"function","name":"log","description":"Log.","parameters":{"properties":{}}},
                {"type":"web_search"}]}, {"type":"shell"}]}"#,
        );
        let tools = json.get("tools").and_then(Json::as_array).unwrap();
        let function = at(&tools[0], "function");
        assert_eq!((tools.len(), function.text("name")), (1, Some("git__log")));
        assert_eq!(function.text("description"), Some("Git.\n\nLog."));
        assert_eq!(at(function, "parameters").text("type"), Some("object"));
        assert_eq!(at(&json, "messages.1.tool_calls.0.function").text("name"), Some("git__log"));
        assert_eq!(ctx.lost, ["tools[shell]"]);
        assert_eq!(ctx.hints.client_tools[0].namespace.as_deref(), Some("git"));
    }

    #[test]
    fn fields_that_are_meant_for_the_upstream_go_on() {
        let (json, ctx) = bridged(
            r#"{"model":"m","input":"x","stop":"END","min_p":0.1,"safety_identifier":"s","prompt_cache_key":"k","truncation":"auto","include":[],"tool_choice":"auto",
              "parallel_tool_calls":true,"tools":[{"type":"web_search"}],"text":{"format":{"type":"text"}}}"#,
        );
        assert_eq!((json.text("stop"), at(&json, "min_p").as_f64()), (Some("END"), Some(0.1)));
        assert_eq!((json.text("safety_identifier"), json.text("prompt_cache_key")), (Some("s"), Some("k")));
        for gone in ["truncation", "include", "tool_choice", "parallel_tool_calls", "response_format", "tools"] {
            assert!(json.get(gone).is_none(), "{gone}");
        }
        assert_eq!(ctx.lost, ["truncation", "include"]);
    }
}
