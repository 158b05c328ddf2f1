//! Answers to chat clients, as LiteLLM writes them: fields that OpenAI's format does not know lie below
//! `provider_specific_fields` of the message or the choice; nulls are left out, except an absent `content`.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Choice, GenerateResponse, Part, PartKind, ToolCall};
use llm_types::{Extra, FieldSet, Format, Json, RawJson};

use super::FORMAT;
use super::message_encode::{function, thinking_block, tool_call};
use super::{content_encode, foreign_blocks, gemini};
use crate::codec::{EncodeContext, Hints, ModelCaps, ReplyContext};
use crate::openai::object::{Arr, Obj};
use crate::openai::{finish, usage};
use crate::top::Top;

/// Fields of a message that stand beside `content` and not below `provider_specific_fields`.
const KNOWN: [&str; 4] = ["annotations", "audio", "images", "reasoning_items"];
const SPECIFIC: &str = "provider_specific_fields";
/// Fields of Anthropic's answers that are told below `provider_specific_fields`.
const OF_ANSWER: [&str; 2] = ["container", "context_management"];
/// Extra fields with this in front stand in the choice or the message itself.
const BESIDE: &str = "beside.";

/// Writes an answer.
pub(crate) fn encode(resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.str("id", answer_id(&resp.id, ctx));
    obj.str("object", "chat.completion");
    obj.u64("created", resp.created.unwrap_or(ctx.created));
    obj.str("model", ctx.model.as_deref().unwrap_or(&resp.model));
    let mut choices = obj.arr("choices");
    for choice in &resp.choices {
        write_choice(resp, choice, ctx, &mut choices.obj());
    }
    drop(choices);
    if let Some(report) = &resp.usage {
        usage::encode(report, shape(resp), obj.key("usage"));
    }
    obj.opt_str("service_tier", resp.service_tier.as_deref());
    obj.extra(&resp.extra, FORMAT, |_| true);
    if gemini::is_upstream(ctx) {
        gemini::beside(resp, &mut obj);
    }
}

/// The upstream's id where it is one of this format, else ours.
pub(crate) fn answer_id<'a>(id: &'a str, ctx: &'a ReplyContext) -> &'a str {
    let native =
        matches!(ctx.upstream, None | Some(Format::OpenAiChat | Format::OpenAiCompletions | Format::GeminiGenerate));
    if (native && !id.is_empty()) || ctx.fallback_id.is_empty() { id } else { &ctx.fallback_id }
}

/// What the writer of the usage must know of the answer.
pub(crate) fn shape(resp: &GenerateResponse) -> usage::Shape {
    let mut parts = resp.choices.iter().flat_map(|c| &c.parts);
    let hidden = parts.clone().any(|p| matches!(p.kind, PartKind::RedactedThinking { .. }));
    let visible = parts.any(|p| matches!(&p.kind, PartKind::Thinking { text, .. } if !text.is_empty()));
    let taken_back = gemini::is_taken_back(resp);
    usage::Shape { hidden_thoughts: hidden && !visible, taken_back, ..usage::Shape::default() }
}

fn write_choice(resp: &GenerateResponse, choice: &Choice, ctx: &ReplyContext, obj: &mut Obj<'_>) {
    obj.u64("index", choice.index.into());
    if let Some(finish) = &choice.finish {
        obj.str("finish_reason", finish::encode(finish.reason));
    }
    write_message(resp, choice, ctx, &mut obj.obj("message"));
    obj.raw("logprobs", choice.logprobs.as_ref());
    let native = gemini::native_finish(choice.finish.as_ref()).or_else(|| finish::foreign(choice.finish.as_ref()?));
    obj.inner(&choice.extra, FORMAT, BESIDE);
    let own = |key: &str| !key.starts_with(BESIDE);
    if native.is_some() || choice.extra.fields_for(FORMAT).any(|(key, _)| own(key)) {
        let mut specific = obj.obj(SPECIFIC);
        spread(&choice.extra, own, &mut specific);
        specific.opt_str("native_finish_reason", native);
    }
}

/// Writes extra fields; those of an upstream's own `provider_specific_fields` join the rest.
fn spread(extra: &Extra, pick: impl Fn(&str) -> bool, obj: &mut Obj<'_>) {
    for (key, value) in extra.fields_for(FORMAT).filter(|(k, _)| pick(k)) {
        match serde_json::from_str::<Top<'_>>(value.get()) {
            Ok(inner) if key == SPECIFIC => {
                for (key, value) in inner.iter() {
                    obj.any_key(key).put_slice(value.as_bytes());
                }
            }
            _ => obj.any_key(key).put_slice(value.get().as_bytes()),
        }
    }
}

fn write_message(resp: &GenerateResponse, choice: &Choice, ctx: &ReplyContext, obj: &mut Obj<'_>) {
    obj.str("role", "assistant");
    let of_gemini = gemini::is_upstream(ctx);
    if of_gemini {
        gemini::content(&choice.parts, obj);
    } else {
        content(&choice.parts, ctx, obj);
    }
    thoughts(&choice.parts, ctx, obj);
    let calls = calls(&choice.parts, ctx);
    if !calls.is_empty() {
        let mut list = obj.arr("tool_calls");
        calls.iter().for_each(|c| c.write(&mut list));
    }
    for part in &choice.parts {
        if let PartKind::ToolCall(call) = &part.kind
            && call.id.is_empty()
        {
            function(part, call, &mut obj.obj("function_call"));
        }
    }
    obj.extra(&choice.message_extra, FORMAT, |key| KNOWN.contains(&key));
    obj.inner(&choice.message_extra, FORMAT, BESIDE);
    if of_gemini {
        gemini::message(choice, ctx, obj);
    }
    specific(&resp.extra, choice, ctx, obj);
}

/// All text, joined. Only an upstream of this format can have answered other parts; then the list is kept.
fn content(parts: &[Part], ctx: &ReplyContext, obj: &mut Obj<'_>) {
    let is_media = |p: &&Part| {
        matches!(&p.kind, PartKind::Image(_) | PartKind::Audio(_) | PartKind::Video(_) | PartKind::File(_))
            || matches!(&p.kind, PartKind::Opaque { format, .. } if *format == FORMAT)
    };
    if parts.iter().any(|p| is_media(&p)) {
        let mut nowhere = nowhere();
        let mut list = obj.arr("content");
        for part in parts.iter().filter(|p| is_media(p) || p.as_text().is_some()) {
            content_encode::part(part, &mut nowhere, &mut list);
        }
        return;
    }
    let mut texts = parts.iter().filter_map(Part::as_text);
    match (texts.next(), texts.next()) {
        (None, _) if ctx.upstream == Some(Format::BedrockConverse) => obj.str("content", ""),
        (None, _) => obj.text("content", "null"),
        (Some(one), None) => obj.str("content", one),
        (Some(a), Some(b)) => obj.str("content", &[a, b].into_iter().chain(texts).collect::<String>()),
    }
}

/// Parts of an answer came from this format, so that nothing is lost when they are written: nobody reads the report.
fn nowhere() -> EncodeContext<'static> {
    EncodeContext {
        model: "",
        provider: "",
        caps: ModelCaps::default(),
        drop_params: false,
        modify_params: false,
        allowed: FieldSet::EMPTY,
        lost: Vec::new(),
        hints: Hints::default(),
        betas: Vec::new(),
    }
}

fn thoughts(parts: &[Part], ctx: &ReplyContext, obj: &mut Obj<'_>) {
    let thought = |p: &&Part| matches!(p.kind, PartKind::Thinking { .. } | PartKind::RedactedThinking { .. });
    if !parts.iter().any(|p| thought(&p)) {
        return;
    }
    let text: String = parts
        .iter()
        .filter_map(|p| if let PartKind::Thinking { text, .. } = &p.kind { Some(text.as_str()) } else { None })
        .collect();
    obj.str("reasoning_content", &text);
    if foreign_blocks(ctx) || parts.iter().any(proven) {
        let mut list = obj.arr("thinking_blocks");
        parts.iter().for_each(|p| thinking_block(p, &mut list));
    }
}

fn proven(part: &Part) -> bool {
    matches!(part.kind, PartKind::Thinking { signature: Some(_), .. } | PartKind::RedactedThinking { .. })
}

/// A call to be written: of a tool of the client, or of one that the provider runs.
struct Call<'a> {
    part: &'a Part,
    call: std::borrow::Cow<'a, ToolCall>,
    index: Option<u64>,
}

impl Call<'_> {
    fn write(&self, list: &mut Arr<'_>) {
        gemini::call(self.part, &mut tool_call(self.part, &self.call, self.index, list));
    }
}

/// Anthropic's and Bedrock's calls are numbered by their place among the blocks, other foreign ones among the calls.
fn calls<'a>(parts: &'a [Part], ctx: &ReplyContext) -> Vec<Call<'a>> {
    let mut calls: Vec<Call<'a>> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let call = match &part.kind {
            PartKind::ToolCall(call) if !call.id.is_empty() => std::borrow::Cow::Borrowed(call),
            PartKind::HostedTool { json, .. } => match specific_block(json.get()) {
                Block::ServerCall(call) => std::borrow::Cow::Owned(call),
                _ => continue,
            },
            _ => continue,
        };
        let index = match ctx.upstream {
            None | Some(Format::OpenAiChat | Format::OpenAiResponses) => None,
            Some(Format::OllamaChat | Format::OllamaGenerate) => None,
            Some(Format::AnthropicMessages | Format::BedrockConverse) => u64::try_from(at).ok(),
            Some(_) => u64::try_from(calls.len()).ok(),
        };
        calls.push(Call { part, call, index });
    }
    calls
}

/// A block of a tool that Anthropic runs itself.
enum Block {
    ServerCall(ToolCall),
    WebSearchResult,
    ToolResult,
    /// What Anthropic made of an earlier part of the conversation.
    Compaction,
    Other,
}

fn specific_block(json: &str) -> Block {
    #[derive(serde::Deserialize)]
    struct View<'a> {
        r#type: &'a str,
        #[serde(default)]
        id: String,
        #[serde(default)]
        name: String,
        #[serde(borrow, default)]
        input: Option<&'a serde_json::value::RawValue>,
    }
    match serde_json::from_str::<View<'_>>(json) {
        Ok(v) if v.r#type == "server_tool_use" => {
            let arguments = v.input.map_or("{}", |i| i.get()).to_owned();
            Block::ServerCall(ToolCall { id: v.id, name: v.name, arguments })
        }
        Ok(v) if v.r#type == "web_search_tool_result" => Block::WebSearchResult,
        Ok(v) if v.r#type.ends_with("_tool_result") => Block::ToolResult,
        Ok(v) if v.r#type == "compaction" => Block::Compaction,
        _ => Block::Other,
    }
}

fn specific(of_answer: &Extra, choice: &Choice, ctx: &ReplyContext, obj: &mut Obj<'_>) {
    let refusal = choice.parts.iter().find_map(|p| if let PartKind::Refusal(t) = &p.kind { Some(t) } else { None });
    let own = |key: &str| !KNOWN.contains(&key) && !key.starts_with(BESIDE);
    let anthropic = ctx.upstream == Some(Format::AnthropicMessages);
    let of_gemini = gemini::is_upstream(ctx) && gemini::is_specific(&choice.parts);
    let said = refusal.is_some() || anthropic || of_gemini;
    if !said && !choice.message_extra.fields_for(FORMAT).any(|(k, _)| own(k)) {
        return;
    }
    let mut obj = obj.obj(SPECIFIC);
    if of_gemini {
        gemini::specific(&choice.parts, &mut obj);
    }
    spread(&choice.message_extra, own, &mut obj);
    obj.opt_str("refusal", refusal.map(String::as_str));
    if anthropic {
        anthropic_fields(of_answer, &choice.parts, &mut obj);
    }
}

/// What LiteLLM adds to answers of Anthropic's own API, below `provider_specific_fields`.
pub(crate) fn anthropic_fields(of_answer: &Extra, parts: &[Part], obj: &mut Obj<'_>) {
    let cited = |p: &&Part| matches!(&p.kind, PartKind::Text { citations, .. } if !citations.is_empty());
    if parts.iter().any(|p| cited(&p)) {
        let mut list = obj.arr("citations");
        for part in parts.iter().filter(cited) {
            if let PartKind::Text { citations, .. } = &part.kind {
                let mut of_text = Arr::open(list.item());
                citations.iter().for_each(|c| of_text.text(&supported(c, part.as_text().unwrap_or_default())));
            }
        }
    } else {
        obj.text("citations", "null");
    }
    if parts.iter().any(|p| matches!(p.kind, PartKind::Thinking { .. } | PartKind::RedactedThinking { .. })) {
        let mut list = obj.arr("thinking_blocks");
        parts.iter().for_each(|p| thinking_block(p, &mut list));
    } else {
        obj.text("thinking_blocks", "null");
    }
    hosted_results("web_search_results", |b| matches!(b, Block::WebSearchResult), parts, obj);
    hosted_results("tool_results", |b| matches!(b, Block::ToolResult), parts, obj);
    hosted_results("compaction_blocks", |b| matches!(b, Block::Compaction), parts, obj);
    for (key, value) in of_answer.fields_for(Format::AnthropicMessages).filter(|(k, _)| OF_ANSWER.contains(k)) {
        obj.any_key(key).put_slice(value.get().as_bytes());
    }
}

/// A source with the text that it supports, as LiteLLM tells it.
fn supported(citation: &RawJson, text: &str) -> String {
    let Ok(mut tree) = citation.read::<Json>() else { return citation.get().to_owned() };
    tree.set("supported_text", text);
    tree.to_string()
}

fn hosted_results(key: &'static str, pick: impl Fn(&Block) -> bool, parts: &[Part], obj: &mut Obj<'_>) {
    let blocks = parts.iter().filter_map(|p| match &p.kind {
        PartKind::HostedTool { json, .. } | PartKind::Opaque { json, .. } => Some(json.get()),
        _ => None,
    });
    let picked: Vec<&str> = blocks.filter(|json| pick(&specific_block(json))).collect();
    if !picked.is_empty() {
        let mut list = obj.arr(key);
        picked.iter().for_each(|json| list.text(json));
    }
}
