//! Requests.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{FunctionTool, GenerateRequest, Tool, ToolKind};
use llm_types::{Field, FieldSet, Format};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::object::Obj;

/// Modules beside the prompt, for clients to set.
const MODULES: [&str; 4] = ["filtering", "masking", "grounding", "translation"];

/// Fields that are no parameters of the model.
const APART: [&str; 5] = ["placeholder_values", "model_version", "defaults", "extra_body", "extra_headers"];

/// What stands beside the parameters of the model.
const NAMED: FieldSet = FieldSet::of(&[Field::ResponseFormat]);

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    {
        let mut config = obj.obj("config");
        {
            let mut modules = config.obj("modules");
            {
                let mut templating = modules.obj("prompt_templating");
                prompt(req, ctx, &mut templating.obj("prompt"));
                model(req, ctx, &mut templating.obj("model"));
            }
            chat::write_extras(req, |key| MODULES.contains(&key), &mut modules);
        }
        if req.stream {
            config.obj("stream").bool("enabled", true);
        }
    }
    let beside = |key: &str| key == "placeholder_values" || chat::is_apart(key);
    chat::write_extras(req, beside, &mut obj);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    if req.tool_choice.is_some() {
        ctx.lost.push("tool_choice".to_owned());
    }
}

fn prompt(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    chat::conversation(&req.turns, ctx, &mut obj.arr("template"));
    if !req.tools.is_empty() {
        let mut list = obj.arr("tools");
        for tool in &req.tools {
            match &tool.kind {
                ToolKind::Function(function) if function.legacy => {
                    let kind = ToolKind::Function(FunctionTool { legacy: false, ..function.clone() });
                    chat::write_tool(&Tool { kind, ..tool.clone() }, ctx, &mut list);
                }
                ToolKind::Hosted { format, .. } if *format != Format::OpenAiChat => {
                    ctx.lost.push(format!("tools[{format}]"));
                }
                _ => chat::write_tool(tool, ctx, &mut list),
            }
        }
    }
    if let Some(output) = &req.output {
        chat::output_format(output, obj);
    }
    chat::write_extras(req, |key| key == "defaults", obj);
}

fn model(req: &GenerateRequest, ctx: &EncodeContext<'_>, obj: &mut Obj<'_>) {
    obj.str("name", ctx.model);
    {
        let mut params = obj.obj("params");
        chat::write_others(req, NAMED, &mut params);
        chat::write_extras(req, |key| !MODULES.contains(&key) && !APART.contains(&key), &mut params);
    }
    if let Some(version) = req.extra.get("model_version") {
        obj.key("version").put_slice(version.get().as_bytes());
    }
}
