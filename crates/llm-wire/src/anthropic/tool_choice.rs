//! `tool_choice`, with `disable_parallel_tool_use` inside.

use llm_types::generate::{GenerateRequest, ToolChoice};
use llm_types::{Format, RawJson, Result};

use super::object::Object;
use super::unsupported::{error, lose};
use super::{FORMAT, JSON_TOOL};
use crate::codec::EncodeContext;
use crate::tool_names::ToolNames;
use crate::top::Top;

enum Choice<'a> {
    Type(&'static str),
    Tool(&'a str),
    Raw(&'a RawJson),
}

/// Writes `tool_choice`, when there is anything to say. `force_json`: the answer must be a call of the JSON tool
/// unless the client chose otherwise.
pub(super) fn write(
    req: &GenerateRequest,
    names: &ToolNames,
    force_json: bool,
    ctx: &mut EncodeContext<'_>,
    body: &mut Object<'_>,
) -> Result<()> {
    let choice = match &req.tool_choice {
        None => match (force_json, req.parallel_tool_calls) {
            (true, _) => Choice::Tool(JSON_TOOL),
            (false, Some(_)) => Choice::Type("auto"),
            (false, None) => return Ok(()),
        },
        Some(ToolChoice::Auto) => Choice::Type("auto"),
        Some(ToolChoice::None) => Choice::Type("none"),
        Some(ToolChoice::Required) => Choice::Type("any"),
        Some(ToolChoice::Function(name)) => Choice::Tool(names.written(name)),
        Some(ToolChoice::Other { format: FORMAT, json }) => Choice::Raw(json),
        Some(ToolChoice::Other { format, json }) => foreign(*format, json, ctx),
    };
    let choice = allowed(choice, req.extra.format() == Some(FORMAT), ctx)?;
    if let Choice::Raw(json) = choice {
        body.raw("tool_choice", json.get());
        return Ok(());
    }
    let mut value = Object::open(body.key("tool_choice"));
    match choice {
        Choice::Type(kind) => value.str("type", kind),
        Choice::Tool(name) => {
            value.str("type", "tool");
            value.str("name", name);
        }
        Choice::Raw(_) => {}
    }
    if let Some(parallel) = req.parallel_tool_calls
        && !matches!(choice, Choice::Type("none"))
    {
        value.json("disable_parallel_tool_use", &!parallel);
    }
    value.close();
    Ok(())
}

/// Chat clients may send `{"type": "auto"}` and the like; anything else lets the model decide.
fn foreign<'a>(format: Format, json: &'a RawJson, ctx: &mut EncodeContext<'_>) -> Choice<'a> {
    let kind = json.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(String::from)).unwrap_or_default();
    match (&*kind, format) {
        ("auto", _) => Choice::Type("auto"),
        ("any" | "required", _) => Choice::Type("any"),
        ("none", _) => Choice::Type("none"),
        ("tool", Format::OpenAiChat) => Choice::Raw(json),
        _ => {
            lose(ctx, "tool_choice");
            Choice::Type("auto")
        }
    }
}

fn allowed<'a>(choice: Choice<'a>, native: bool, ctx: &mut EncodeContext<'_>) -> Result<Choice<'a>> {
    let forced = matches!(choice, Choice::Type("any") | Choice::Tool(_));
    if !forced || native || ctx.caps.forced_tool_use || !ctx.caps.known {
        return Ok(choice);
    }
    if !ctx.drop_params {
        return Err(error(ctx, &["tool_choice"]));
    }
    lose(ctx, "tool_choice");
    Ok(Choice::Type("auto"))
}
