//! Fields that chat clients send for this format, or that need a look: end user, context management, MCP servers.

use llm_types::generate::GenerateRequest;
use llm_types::{Field, FieldSet, Format, Json, RawJson};

use super::object::Object;
use super::tools_encode::Tools;
use super::unsupported::{is_checked, lose_all};
use crate::codec::EncodeContext;

/// Extras that concern others than the upstream, or that are written elsewhere.
const NOT_CARRIED: [&str; 12] = [
    "max_tokens",
    "web_search_options",
    "context_management",
    "mcp_servers",
    "output_config",
    "output_format",
    "metadata",
    "extra_body",
    "max_retries",
    "stream_options",
    "user",
    "speed",
];

/// Writes `mcp_servers`: those given, and those that came as tools. True when there are any.
pub(super) fn write_mcp_servers(req: &GenerateRequest, tools: &Tools, body: &mut Object<'_>) -> bool {
    let given: Option<Json> = req.extra.get("mcp_servers").and_then(|m| m.read().ok());
    let mut servers = given.as_ref().and_then(Json::as_array).map(<[Json]>::to_vec).unwrap_or_default();
    servers.extend(tools.mcp_servers.iter().cloned());
    if servers.is_empty() {
        return false;
    }
    body.json("mcp_servers", &servers);
    true
}

/// The end user's id, unless it looks like an address or a phone number: those must not leave.
pub(super) fn user_id(req: &GenerateRequest) -> Option<String> {
    let own: Option<Json> = req.metadata.as_ref().and_then(|m| m.read().ok());
    let own = own.as_ref().and_then(|m| m.get("user_id")).and_then(Json::as_str);
    let user = own.or(req.user.as_deref())?;
    (!looks_personal(user)).then(|| user.to_owned())
}

fn looks_personal(user: &str) -> bool {
    let mail =
        user.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
    let digits = user.strip_prefix('+').unwrap_or(user);
    let phone = digits.len() >= 7 && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '-'));
    mail || phone
}

/// Writes the fields that nobody here knows: chat clients use them for parameters of this format. Fields of other
/// formats are reported as lost. `headers`: with `extra_headers`, which the provider takes out of the body again.
pub(super) fn write_carried(
    req: &GenerateRequest,
    refused: FieldSet,
    headers: bool,
    ctx: &mut EncodeContext<'_>,
    body: &mut Object<'_>,
) {
    let chat = matches!(req.extra.format(), None | Some(Format::OpenAiChat | Format::OpenAiCompletions));
    if let Some(edits) = req.extra.get("context_management") {
        body.json("context_management", &context_management(edits));
    }
    if let Some(speed) = req.extra.get("speed").filter(|_| !refused.has(Field::Speed)) {
        body.raw("speed", speed.get());
    }
    let mut left = Vec::new();
    for (key, value) in req.extra.all() {
        let known = Field::from_name(key);
        let headers = key == "extra_headers" && !headers;
        if headers || NOT_CARRIED.contains(&key) || known.is_some_and(is_checked) {
            continue;
        }
        if chat || known == Some(Field::CacheControl) {
            body.raw(key, value.get());
        } else {
            left.push(key);
        }
    }
    lose_all(ctx, &left);
    if let Some(Json::Object(fields)) = req.extra.get("extra_body").and_then(|e| e.read().ok()) {
        fields.iter().for_each(|(key, value)| body.json(key, value));
    }
}

/// OpenAI writes a list of compactions, this format an object of edits.
fn context_management(raw: &RawJson) -> Json {
    let tree: Json = raw.read().unwrap_or_default();
    let Some(list) = tree.as_array() else { return tree };
    let edits = list.iter().filter(|e| e.text("type") == Some("compaction")).map(|e| {
        let mut edit = Json::object([("type", Json::from("compact_20260112"))]);
        if let Some(at) = e.get("compact_threshold") {
            edit.set("trigger", Json::object([("type", Json::from("input_tokens")), ("value", at.clone())]));
        }
        edit
    });
    Json::object([("edits", Json::Array(edits.collect()))])
}
