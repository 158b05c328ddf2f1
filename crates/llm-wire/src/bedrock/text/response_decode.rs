//! Answers. Every family has its own fields, none has another's.

use std::borrow::Cow;

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, UsageReport};
use llm_types::{Error, Kind, RawJson, Result, Usage, UsageSource};
use serde::Deserialize;

use super::THOUGHTS;
use crate::codec::http_headers::{Headers, get};
use crate::codec::{ReplyContext, ReplyView};

const CLOSE: &str = "</think>";

/// An answer, or an alternative inside of one, or a piece of either.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    generation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    completion: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "outputText")]
    output_text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,

    #[serde(borrow)]
    outputs: Vec<Said<'a>>,
    #[serde(borrow)]
    results: Vec<Said<'a>>,
    #[serde(borrow)]
    completions: Vec<Said<'a>>,
    #[serde(borrow)]
    generations: Vec<Said<'a>>,
    #[serde(borrow)]
    choices: Vec<Said<'a>>,
    #[serde(borrow)]
    data: Option<Box<Said<'a>>>,
    #[serde(borrow)]
    message: Option<Box<Said<'a>>>,
    #[serde(borrow)]
    delta: Option<Box<Said<'a>>>,

    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "completionReason")]
    completion_reason: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "finishReason")]
    end: Option<Box<End<'a>>>,

    prompt_token_count: Option<u64>,
    generation_token_count: Option<u64>,
    #[serde(rename = "inputTextTokenCount")]
    input_count: Option<u64>,
    #[serde(rename = "tokenCount")]
    token_count: Option<u64>,
    #[serde(rename = "totalOutputTextTokenCount")]
    output_count: Option<u64>,
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<Metrics>,
}

/// Why a model of AI21 ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct End<'a> {
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    input_token_count: Option<u64>,
    output_token_count: Option<u64>,
}

impl<'a> Said<'a> {
    fn inner(&self) -> Option<&Said<'a>> {
        let lists = [&self.outputs, &self.results, &self.completions, &self.generations, &self.choices];
        let first = lists.into_iter().find_map(|list| list.first());
        first.or(self.data.as_deref()).or(self.message.as_deref()).or(self.delta.as_deref())
    }

    /// The text, wherever it stands.
    pub(super) fn text(&self) -> Option<&str> {
        let own = [&self.generation, &self.completion, &self.output_text, &self.text, &self.content];
        own.into_iter().find_map(|t| t.as_deref()).or_else(|| self.inner()?.text())
    }

    /// Why it ended, once it did.
    pub(super) fn finish(&self) -> Option<Finish> {
        let own = [&self.stop_reason, &self.finish_reason, &self.completion_reason];
        let end = || self.end.as_deref()?.reason.as_deref();
        let word = own.into_iter().find_map(|w| w.as_deref()).or_else(end).filter(|w| !w.is_empty());
        word.map(finish).or_else(|| self.inner()?.finish())
    }

    /// The tokens, where it counts them.
    pub(super) fn counts(&self) -> (Option<u64>, Option<u64>) {
        let metrics = self.metrics.as_ref();
        let input = metrics.and_then(|m| m.input_token_count).or(self.prompt_token_count).or(self.input_count);
        let inner = || self.results.first().and_then(|r| r.token_count);
        let output = metrics.and_then(|m| m.output_token_count);
        (input, output.or(self.generation_token_count).or(self.output_count).or_else(inner))
    }
}

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let said: Said<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid(&e.to_string()))?;
    let text = said.text().ok_or_else(|| invalid("no text"))?;
    let (thoughts, text) = split(bare(text), ctx.hints.prefix.as_deref() == Some(THOUGHTS));
    let mut parts = Vec::new();
    if let Some(thoughts) = thoughts {
        parts.push(Part::new(PartKind::Thinking { text: thoughts.to_owned(), signature: None }));
    }
    parts.push(Part::text(text));
    let choice = Choice { parts, finish: said.finish().or(Some(Finish::new(FinishReason::Stop))), ..Choice::default() };
    let (input, output) = said.counts();
    let (of_input, of_output) = of_headers(reply.headers);
    Ok(GenerateResponse {
        choices: vec![choice],
        usage: report(input.or(of_input), output.or(of_output)),
        ..GenerateResponse::default()
    })
}

fn of_headers(headers: &Headers<'_>) -> (Option<u64>, Option<u64>) {
    let count = |name| get(headers, name).and_then(|v| v.trim().parse().ok());
    (count("x-amzn-bedrock-input-token-count"), count("x-amzn-bedrock-output-token-count"))
}

/// A usage report of two counts, when there are any.
pub(super) fn report(input: Option<u64>, output: Option<u64>) -> Option<UsageReport> {
    input.or(output)?;
    let usage = Usage {
        input_text: input.unwrap_or(0),
        output_text: output.unwrap_or(0),
        source: UsageSource::Reported,
        ..Usage::default()
    };
    Some(UsageReport { usage, raw: None::<(llm_types::Format, RawJson)> })
}

/// The text without the marks of its template, which some hosts leave in.
fn bare(text: &str) -> &str {
    let text = text.strip_prefix("<|im_start|>assistant\n").unwrap_or(text);
    text.strip_suffix("<|im_end|>").unwrap_or(text)
}

fn split(text: &str, begun: bool) -> (Option<&str>, &str) {
    let inside = text.trim_start().strip_prefix(THOUGHTS).or(begun.then_some(text));
    match inside.and_then(|t| t.split_once(CLOSE)) {
        Some((thoughts, rest)) => (Some(thoughts), rest),
        None => (None, text),
    }
}

fn finish(word: &str) -> Finish {
    Finish::new(match word.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "max_token" => FinishReason::Length,
        "content_filtered" | "content_filter" | "error_toxic" => FinishReason::ContentFilter,
        "stop_sequence" => FinishReason::StopSequence,
        _ => FinishReason::Stop,
    })
}

pub(super) fn invalid(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("litellm.APIConnectionError: {why}"))
}
