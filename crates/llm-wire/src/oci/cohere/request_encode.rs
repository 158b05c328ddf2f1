//! Requests: the last message of the user, the turns before it, instructions as the preamble.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, OutputFormat, PartKind, Role, Turn};
use llm_types::{Field, FieldSet, Format, RawJson};

use crate::codec::EncodeContext;
use crate::cohere::v1::tools;
use crate::openai::chat;
use crate::openai::object::{Arr, Obj};
use crate::prompt::said;

/// Parameters with names of their own here.
const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::N,
    Field::Stop,
    Field::Seed,
    Field::FrequencyPenalty,
    Field::PresencePenalty,
    Field::ResponseFormat,
]);

/// Cohere's tools, with OCI's keys.
const TOOL_KEYS: tools::Keys = tools::Keys { definitions: "parameterDefinitions", required: "isRequired" };

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut outer = Obj::open(out);
    {
        let mut obj = outer.obj("chatRequest");
        obj.str("apiFormat", "COHERE");
        conversation(req, ctx, &mut obj);
        let s = &req.sampling;
        obj.number("maxTokens", req.max_output_tokens.as_ref());
        obj.number("temperature", s.temperature.as_ref());
        obj.number("topP", s.top_p.as_ref());
        obj.number("topK", s.top_k.as_ref());
        obj.number("frequencyPenalty", s.frequency_penalty.as_ref());
        obj.number("presencePenalty", s.presence_penalty.as_ref());
        if !req.stop.is_empty() {
            let mut list = obj.arr("stopSequences");
            req.stop.iter().for_each(|s| list.str(s));
        }
        obj.number("seed", s.seed.as_ref());
        match &req.output {
            Some(OutputFormat::JsonObject) => obj.text("responseFormat", r#"{"type":"JSON_OBJECT"}"#),
            Some(OutputFormat::Text) | None => {}
            Some(_) => ctx.lost.push("response_format".to_owned()),
        }
        tools::write(req, TOOL_KEYS, ctx, &mut obj);
        if req.stream {
            obj.bool("isStream", true);
        }
        chat::write_others(req, NAMED, &mut obj);
        chat::write_extras(req, |key| !chat::is_apart(key), &mut obj);
    }
    chat::write_extras(req, chat::is_apart, &mut outer);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    if req.sampling.n.is_some_and(|n| n > 1) {
        ctx.lost.push("n".to_owned());
    }
    if req.tool_choice.is_some() {
        ctx.lost.push("tool_choice".to_owned());
    }
}

fn conversation(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let is_system = |turn: &&Turn| matches!(turn.role, Role::System | Role::Developer);
    let asked = req.turns.iter().rposition(|t| t.role == Role::User);
    let message = asked.and_then(|at| req.turns.get(at)).map(said).unwrap_or_default();
    obj.str("message", &message);
    let before: Vec<&Turn> =
        req.turns.iter().enumerate().filter(|(at, t)| Some(*at) != asked && !is_system(t)).map(|(_, t)| t).collect();
    if !before.is_empty() {
        let mut list = obj.arr("chatHistory");
        before.iter().for_each(|turn| earlier(turn, &mut list));
    }
    let preamble: Vec<_> = req.turns.iter().filter(is_system).map(said).collect();
    if !preamble.is_empty() {
        obj.str("preambleOverride", &preamble.join("\n"));
    }
    let mute =
        |kind: &PartKind| !matches!(kind, PartKind::Text { .. } | PartKind::ToolCall(_) | PartKind::ToolResult(_));
    if req.turns.iter().flat_map(|t| &t.parts).any(|p| mute(&p.kind)) {
        ctx.lost.push("messages.block without text".to_owned());
    }
}

fn earlier(turn: &Turn, list: &mut Arr<'_>) {
    let result = turn.parts.iter().any(|p| matches!(p.kind, PartKind::ToolResult(_)));
    let mut obj = list.obj();
    obj.str(
        "role",
        match turn.role {
            _ if result => "TOOL",
            Role::Assistant => "CHATBOT",
            _ => "USER",
        },
    );
    obj.str("message", &said(turn));
    let calls = || turn.parts.iter().filter_map(|p| if let PartKind::ToolCall(c) = &p.kind { Some(c) } else { None });
    if calls().next().is_some() {
        let mut list = obj.arr("toolCalls");
        for call in calls() {
            let parameters = RawJson::parse(call.arguments.trim()).ok().filter(|json| json.get().starts_with('{'));
            let mut item = list.obj();
            item.str("name", &call.name);
            item.text("parameters", parameters.as_ref().map_or("{}", RawJson::get));
        }
    }
}
