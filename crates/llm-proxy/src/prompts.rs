//! Legacy completions with lists of prompts, for providers that answer conversations: every prompt is a call of its own,
//! the answers are the choices of one. Token lists become the text they stand for.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Response;
use http::header::CONTENT_LENGTH;
use llm_accounts::Identity;
use llm_catalog::tokens::Encoding;
use llm_types::{Error, Format, Json, OperationKind, RawJson, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::{errors, inner, recall, scope};

/// Prompts that one request may hold.
const MOST: usize = 128;

/// The prompts of a request that its provider cannot take at once; `None` when the request may go as it is.
///
/// # Errors
/// 400 for too many prompts, and for tokens that are none.
pub fn read(ctx: &Context, who: &Identity, path_model: Option<&str>, top: &Top<'_>) -> Result<Option<Vec<String>>> {
    if ctx.format != Format::OpenAiCompletions || ctx.operation != OperationKind::Generate {
        return Ok(None);
    }
    let Some(raw) = top.get("prompt").filter(|p| p.starts_with('[')) else { return Ok(None) };
    let model = top.str("model");
    let model = model.as_deref().or(path_model).unwrap_or_default();
    let engine = &ctx.snapshot.engine;
    let group = scope::group(&engine.router, who, model);
    let language = engine.language(group, &scope::of(who), OperationKind::Generate, ctx.format);
    if language.is_none_or(|language| language == ctx.format) {
        return Ok(None);
    }
    let prompts = if let Ok(texts) = serde_json::from_str::<Vec<String>>(raw) {
        texts
    } else if let Ok(tokens) = serde_json::from_str::<Vec<u32>>(raw) {
        vec![decode(model, &tokens)?]
    } else if let Ok(lists) = serde_json::from_str::<Vec<Vec<u32>>>(raw) {
        lists.iter().map(|tokens| decode(model, tokens)).collect::<Result<_>>()?
    } else {
        return Ok(None);
    };
    if prompts.len() > MOST {
        return Err(Error::bad_request(format!("more than {MOST} prompts")).with_param("prompt"));
    }
    Ok(Some(prompts).filter(|p| !p.is_empty()))
}

fn decode(model: &str, tokens: &[u32]) -> Result<String> {
    Encoding::of(model)
        .decode(tokens)
        .ok_or_else(|| Error::bad_request("prompt holds tokens that stand for no text").with_param("prompt"))
}

/// Asks for every prompt.
///
/// # Errors
/// What the first prompt that fails is refused for.
pub async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    top: &Top<'_>,
    prompts: Vec<String>,
) -> Result<Response<Reply>, Refused> {
    if let [prompt] = prompts.as_slice() {
        let body = top.edited(&[("prompt", Some(RawJson::string(prompt).get()))]);
        return inner::ask(core, ctx, who, path_model, &body).await;
    }
    let streams = top.is_true("stream");
    let asked = prompts.iter().map(|prompt| {
        let prompt = RawJson::string(prompt);
        let fields = [("prompt", Some(prompt.get())), ("stream", None), ("stream_options", None)];
        (ctx.beside(ctx.own_names), top.edited(&fields))
    });
    let asked: Vec<(Context, Bytes)> = asked.collect();
    let one = async |(mut ctx, body): (Context, Bytes)| {
        let response = inner::ask(core, &mut ctx, who, path_model.clone(), &body).await?;
        let (head, body) = response.into_parts();
        Ok::<_, Refused>((head, body.whole()?))
    };
    let mut answers = try_join_all(asked.into_iter().map(one)).await?;
    let bodies: Vec<Bytes> = answers.iter().map(|(_, body)| body.clone()).collect();
    let body = joined(&bodies)?;
    let (mut head, _) = answers.swap_remove(0);
    head.headers.remove(CONTENT_LENGTH);
    if streams {
        let options = top.get("stream_options").and_then(|o| Top::parse(o.as_bytes()).ok());
        let usage = options.is_some_and(|o| o.is_true("include_usage"));
        return Ok(recall::streamed(ctx.format, None, usage, &body, head.headers)
            .ok_or_else(|| Error::internal("the answers cannot be told as a stream"))?);
    }
    Ok(errors::json(200, body, head.headers))
}

/// The first answer with the choices of all, numbered anew, and what all consumed.
fn joined(bodies: &[Bytes]) -> Result<Bytes> {
    let mut choices: Vec<Json> = Vec::new();
    let mut usage = Json::Null;
    for body in bodies {
        let top = Top::parse(body)?;
        for mut choice in top.read::<Vec<Json>>("choices").unwrap_or_default() {
            choice.set("index", choices.len() as u64);
            choices.push(choice);
        }
        if let Some(more) = top.read::<Json>("usage") {
            add(&mut usage, &more);
        }
    }
    let first = bodies.first().ok_or_else(|| Error::internal("no answer"))?;
    let (choices, usage) = (Json::Array(choices).to_string(), usage.to_string());
    let top = Top::parse(first)?;
    Ok(top.edited(&[("choices", Some(&choices)), ("usage", Some(&usage))]))
}

/// Adds numbers field by field.
fn add(sum: &mut Json, more: &Json) {
    match more {
        Json::Object(fields) => {
            if sum.as_object().is_none() {
                *sum = Json::Object(Vec::new());
            }
            for (key, value) in fields {
                match sum.get_mut(key) {
                    Some(old) => add(old, value),
                    None => sum.set(key, value.clone()),
                }
            }
        }
        Json::Number(_) => match (sum.as_i64(), more.as_i64()) {
            (Some(a), Some(b)) => *sum = Json::from(a + b),
            _ => *sum = more.clone(),
        },
        _ if sum.is_null() => *sum = more.clone(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_numbered_and_usage_adds_up() {
        let body = |text: &str, n: u64| {
            Bytes::from(format!(
                r#"{{"id":"{text}","choices":[{{"text":"{text}","index":0}}],"usage":{{"prompt_tokens":{n},"d":{{"x":1,"y":null}}}}}}"#
            ))
        };
        let joined = super::joined(&[body("a", 3), body("b", 4)]).unwrap();
        let expected = r#"{"id":"a","choices":[{"text":"a","index":0},{"text":"b","index":1}],"usage":{"prompt_tokens":7,"d":{"x":2,"y":null}}}"#;
        assert_eq!(std::str::from_utf8(&joined).unwrap(), expected);
        assert!(super::joined(&[]).is_err());
    }
}
