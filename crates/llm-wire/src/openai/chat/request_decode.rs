//! Requests of chat clients.

use llm_types::generate::{
    FunctionTool, GenerateRequest, OutputFormat, Reasoning, Sampling, Tool, ToolChoice, ToolKind,
};
use llm_types::json::raw_str;
use llm_types::{Error, Extra, RawJson, Result};
use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::FORMAT;
use super::error::{invalid, missing, problem, read};
use super::message_decode;
use super::message_view::MessageIn;
use crate::openai::wire::{Rest, Str, view};
use crate::top::Top;

view!(strict RequestIn {
    model = "model": Option<Str<'a>>,
    messages = "messages": Option<Vec<MessageIn<'a>>>,
    tools = "tools": Option<Vec<&'a RawValue>>,
    functions = "functions": Option<Vec<&'a RawValue>>,
    tool_choice = "tool_choice": Option<&'a RawValue>,
    function_call = "function_call": Option<&'a RawValue>,
    parallel_tool_calls = "parallel_tool_calls": Option<bool>,
    response_format = "response_format": Option<&'a RawValue>,
    max_tokens = "max_tokens": Option<Number>,
    max_completion_tokens = "max_completion_tokens": Option<Number>,
    temperature = "temperature": Option<Number>,
    top_p = "top_p": Option<Number>,
    top_k = "top_k": Option<Number>,
    frequency_penalty = "frequency_penalty": Option<Number>,
    presence_penalty = "presence_penalty": Option<Number>,
    seed = "seed": Option<Number>,
    n = "n": Option<u64>,
    logprobs = "logprobs": Option<&'a RawValue>,
    top_logprobs = "top_logprobs": Option<Number>,
    logit_bias = "logit_bias": Option<&'a RawValue>,
    stop = "stop": Option<&'a RawValue>,
    reasoning_effort = "reasoning_effort": Option<&'a RawValue>,
    thinking = "thinking": Option<&'a RawValue>,
    stream = "stream": Option<bool>,
    stream_options = "stream_options": Option<&'a RawValue>,
    user = "user": Option<Str<'a>>,
    metadata = "metadata": Option<&'a RawValue>,
    service_tier = "service_tier": Option<Str<'a>>,
});

/// Reads a request.
pub(crate) fn decode(body: &[u8]) -> Result<GenerateRequest> {
    let view: RequestIn<'_> = serde_json::from_slice(body).map_err(|e| diagnose(body, &e))?;
    let mut out = GenerateRequest { extra: rest(view.rest), ..GenerateRequest::default() };
    out.turns = message_decode::turns(view.messages.ok_or_else(|| missing("messages"))?)?;
    out.model = text(view.model).unwrap_or_default();
    tools(view.tools.unwrap_or_default(), view.functions.unwrap_or_default(), &mut out)?;
    choice(view.tool_choice, view.function_call, &mut out)?;
    out.parallel_tool_calls = view.parallel_tool_calls;
    out.output = view.response_format.map(output_format);
    out.max_output_is_completion = view.max_completion_tokens.is_some();
    if let (Some(_), Some(both)) = (&view.max_completion_tokens, &view.max_tokens) {
        out.extra.push(FORMAT, "max_tokens", RawJson::of(both).unwrap_or_default());
    }
    out.max_output_tokens = view.max_completion_tokens.or(view.max_tokens);
    out.sampling = Sampling {
        temperature: view.temperature,
        top_p: view.top_p,
        top_k: view.top_k,
        frequency_penalty: view.frequency_penalty,
        presence_penalty: view.presence_penalty,
        seed: view.seed,
        n: view.n,
        logprobs: view.logprobs.map(RawJson::borrowed),
        top_logprobs: view.top_logprobs,
        logit_bias: view.logit_bias.map(RawJson::borrowed),
    };
    stop(view.stop, &mut out)?;
    out.reasoning = reasoning(view.reasoning_effort, view.thinking)?;
    out.stream = view.stream.unwrap_or(false);
    stream_options(view.stream_options, &mut out)?;
    out.user = text(view.user);
    out.metadata = view.metadata.map(RawJson::borrowed);
    out.service_tier = text(view.service_tier);
    Ok(out)
}

pub(crate) fn text(s: Option<Str<'_>>) -> Option<String> {
    s.map(|s| s.0.into_owned())
}

/// What a view did not know, as extra fields of this format.
pub(crate) fn rest(rest: Rest<'_>) -> Extra {
    let mut extra = Extra::new(FORMAT);
    for (key, value) in rest {
        extra.push(FORMAT, key.into_owned(), RawJson::borrowed(value));
    }
    extra
}

/// Finds the field that made the whole body unreadable.
fn diagnose(body: &[u8], error: &serde_json::Error) -> Error {
    let top = match Top::parse(body) {
        Ok(top) => top,
        Err(e) => return e,
    };
    for (key, raw) in top.iter() {
        let one = format!("{{{}:{raw}}}", RawJson::string(key).get());
        if let Err(e) = serde_json::from_str::<RequestIn<'_>>(&one) {
            return match key {
                "messages" => message_decode::diagnose(raw, &e),
                _ => invalid(key, problem(&e)),
            };
        }
    }
    invalid("request_body", problem(error))
}

view!(strict ToolIn {
    kind = "type": Option<Str<'a>>,
    function = "function": Option<&'a RawValue>,
    cache_control = "cache_control": Option<&'a RawValue>,
});

view!(strict FunctionIn {
    name = "name": Option<Str<'a>>,
    description = "description": Option<Str<'a>>,
    parameters = "parameters": Option<&'a RawValue>,
    strict = "strict": Option<bool>,
});

fn tools(tools: Vec<&RawValue>, functions: Vec<&RawValue>, out: &mut GenerateRequest) -> Result<()> {
    for (at, raw) in tools.into_iter().enumerate() {
        let path = format!("tools[{at}]");
        let view: ToolIn<'_> = read(raw, &path)?;
        let of_function = view.kind.as_ref().is_none_or(|k| k.0 == "function");
        out.tools.push(match view.function {
            Some(function) if of_function => Tool {
                cache_control: view.cache_control.map(RawJson::borrowed),
                ..function_tool(function, &format!("{path}.function"), rest(view.rest), false)?
            },
            _ => Tool {
                kind: ToolKind::Hosted { format: FORMAT, json: RawJson::borrowed(raw) },
                cache_control: None,
                extra: Extra::new(FORMAT),
            },
        });
    }
    for (at, raw) in functions.into_iter().enumerate() {
        out.tools.push(function_tool(raw, &format!("functions[{at}]"), Extra::new(FORMAT), true)?);
    }
    Ok(())
}

fn function_tool(raw: &RawValue, path: &str, mut extra: Extra, legacy: bool) -> Result<Tool> {
    let view: FunctionIn<'_> = read(raw, path)?;
    let name = text(view.name).ok_or_else(|| missing(&format!("{path}.name")))?;
    inner(view.rest, "function.", &mut extra);
    let function = FunctionTool {
        name,
        description: text(view.description),
        parameters: view.parameters.map(RawJson::borrowed),
        strict: view.strict,
        legacy,
    };
    Ok(Tool { kind: ToolKind::Function(function), cache_control: None, extra })
}

/// Keeps unknown fields of an inner object with the outer node.
pub(crate) fn inner(rest: Rest<'_>, prefix: &str, extra: &mut Extra) {
    for (key, value) in rest {
        extra.push(FORMAT, format!("{prefix}{key}"), RawJson::borrowed(value));
    }
}

#[derive(Deserialize)]
struct ChoiceIn<'a> {
    #[serde(borrow, default)]
    r#type: Option<Str<'a>>,
    #[serde(borrow, default)]
    function: Option<NameIn<'a>>,
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct NameIn<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

/// `tool_choice`; the legacy `function_call` takes its place where there are only legacy functions.
fn choice(choice: Option<&RawValue>, legacy: Option<&RawValue>, out: &mut GenerateRequest) -> Result<()> {
    if let Some(choice) = choice {
        crate::openai::tool_choice::judge(choice.get())?;
    }
    let only_legacy = out.tools.iter().all(|t| matches!(&t.kind, ToolKind::Function(f) if f.legacy));
    let only_legacy = only_legacy && !out.tools.is_empty();
    let taken = match (choice, legacy) {
        (Some(choice), _) => Some(choice),
        (None, Some(legacy)) if only_legacy => Some(legacy),
        _ => None,
    };
    out.tool_choice = taken.map(tool_choice);
    if let Some(legacy) = legacy
        && !taken.is_some_and(|t| std::ptr::eq(t, legacy))
    {
        out.extra.push(FORMAT, "function_call", RawJson::borrowed(legacy));
    }
    Ok(())
}

fn tool_choice(raw: &RawValue) -> ToolChoice {
    let word = raw_str(raw.get());
    let view: Option<ChoiceIn<'_>> = serde_json::from_str(raw.get()).ok();
    let kind = view.as_ref().and_then(|v| v.r#type.as_ref()).map(|t| t.0.as_ref());
    match word.as_deref().or(kind) {
        Some("auto") => ToolChoice::Auto,
        Some("none") => ToolChoice::None,
        Some("required") => ToolChoice::Required,
        Some("function") | None => match view.and_then(|v| v.function.map(|f| f.name).or(v.name)) {
            Some(name) => ToolChoice::Function(name.0.into_owned()),
            None => ToolChoice::Other { format: FORMAT, json: RawJson::borrowed(raw) },
        },
        Some(_) => ToolChoice::Other { format: FORMAT, json: RawJson::borrowed(raw) },
    }
}

view!(strict FormatIn {
    kind = "type": Option<Str<'a>>,
    json_schema = "json_schema": Option<&'a RawValue>,
});

view!(strict SchemaIn {
    name = "name": Option<Str<'a>>,
    description = "description": Option<Str<'a>>,
    schema = "schema": Option<&'a RawValue>,
    strict = "strict": Option<bool>,
});

/// What is not exactly one of OpenAI's three shapes is carried as it came.
fn output_format(raw: &RawValue) -> OutputFormat {
    let other = || OutputFormat::Other(RawJson::borrowed(raw));
    let Ok(view) = serde_json::from_str::<FormatIn<'_>>(raw.get()) else { return other() };
    if !view.rest.is_empty() {
        return other();
    }
    match (view.kind.as_ref().map(|k| k.0.as_ref()), view.json_schema) {
        (Some("text"), None) => OutputFormat::Text,
        (Some("json_object"), None) => OutputFormat::JsonObject,
        (Some("json_schema"), Some(schema)) => match serde_json::from_str::<SchemaIn<'_>>(schema.get()) {
            Ok(SchemaIn { name, description, schema: Some(schema), strict, rest }) if rest.is_empty() => {
                OutputFormat::JsonSchema {
                    name: text(name),
                    description: text(description),
                    schema: RawJson::borrowed(schema),
                    strict,
                }
            }
            _ => other(),
        },
        _ => other(),
    }
}

fn stop(raw: Option<&RawValue>, out: &mut GenerateRequest) -> Result<()> {
    let Some(raw) = raw else { return Ok(()) };
    if let Some(one) = raw_str(raw.get()) {
        out.stop = vec![one.into_owned()];
        out.stop_flat = true;
    } else {
        out.stop = read(raw, "stop").map_err(|_| invalid("stop", "expected a string or a list of strings"))?;
    }
    Ok(())
}

fn reasoning(effort: Option<&RawValue>, thinking: Option<&RawValue>) -> Result<Reasoning> {
    #[derive(Deserialize)]
    struct Effort {
        effort: Option<String>,
        summary: Option<String>,
    }
    let mut out = Reasoning { thinking: thinking.map(RawJson::borrowed), ..Reasoning::default() };
    if let Some(raw) = effort {
        match raw_str(raw.get()) {
            Some(word) => out.effort = Some(word.into_owned()),
            None => {
                let both: Effort = read(raw, "reasoning_effort")?;
                (out.effort, out.summary) = (both.effort, both.summary);
            }
        }
    }
    Ok(out)
}

view!(strict StreamOptionsIn {
    include_usage = "include_usage": Option<bool>,
});

fn stream_options(raw: Option<&RawValue>, out: &mut GenerateRequest) -> Result<()> {
    let Some(raw) = raw else { return Ok(()) };
    let view: StreamOptionsIn<'_> = read(raw, "stream_options")?;
    out.include_usage = view.include_usage;
    inner(view.rest, "stream_options.", &mut out.extra);
    Ok(())
}
