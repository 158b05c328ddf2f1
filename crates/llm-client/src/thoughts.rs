//! Tokens of thoughts that an upstream does not count apart: counted here from their text, as LiteLLM tells them.

use llm_types::Format;
use llm_types::generate::{GenerateResponse, PartKind, UsageReport};
use llm_types::stream::{Delta, Event, EventFilter, EventSink};
use llm_wire::top::Top;

use crate::count::tokens_of;

/// The model by whose vocabulary LiteLLM counts thoughts, whoever thought them.
const COUNTED_AS: &str = "gpt-4";

/// Languages whose whole answers tell thoughts but seldom how many tokens they had.
const WHOLE: [Format; 2] = [Format::AnthropicMessages, Format::BedrockConverse];
/// ... and those of which LiteLLM counts the thoughts of streams only.
const STREAMS: [Format; 3] = [Format::OllamaChat, Format::OllamaGenerate, Format::OpenAiChat];

/// Moves the thoughts of a whole answer from the text's tokens to their own, where the upstream did not.
pub(crate) fn split(upstream: Format, response: &mut GenerateResponse) {
    if !WHOLE.contains(&upstream) {
        return;
    }
    let Some(report) = response.usage.as_mut().filter(|r| r.usage.reasoning == 0) else { return };
    let mut text = String::new();
    for part in response.choices.iter().flat_map(|c| &c.parts) {
        if let PartKind::Thinking { text: thought, .. } = &part.kind {
            text.push_str(thought);
        }
    }
    apart(report, &text);
}

/// The same for a stream; nothing for upstreams whose counts are complete.
pub(crate) fn filter(upstream: Format) -> Option<Box<dyn EventFilter>> {
    let silent = WHOLE.contains(&upstream) || STREAMS.contains(&upstream);
    silent.then(|| Box::new(Thoughts::default()) as Box<dyn EventFilter>)
}

/// Thoughts are a share of the answer: never more than the upstream counted for all of it.
fn apart(report: &mut UsageReport, text: &str) {
    let usage = &mut report.usage;
    if text.is_empty() || usage.reasoning > 0 {
        return;
    }
    usage.reasoning = tokens_of(COUNTED_AS, text).min(usage.output_text);
    usage.output_text -= usage.reasoning;
}

/// True when the upstream itself says what the tokens of its answer were for (OpenAI's languages).
fn is_split(report: &UsageReport) -> bool {
    report.raw.as_ref().is_some_and(|(_, raw)| {
        let top = Top::parse(raw.get().as_bytes()).unwrap_or_default();
        top.get("completion_tokens_details").is_some_and(|details| details != "null")
    })
}

/// The thoughts of a stream so far.
#[derive(Debug, Default)]
struct Thoughts(String);

impl EventFilter for Thoughts {
    fn event(&mut self, mut event: Event<'_>, next: &mut dyn EventSink) {
        match &mut event {
            Event::Delta { delta: Delta::Thinking(text), .. } => self.0.push_str(text),
            Event::Usage(report) if !self.0.is_empty() && !is_split(report) => apart(report, &self.0),
            _ => {}
        }
        next.event(event);
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use llm_types::generate::{Choice, Part};
    use llm_types::{RawJson, Usage};

    use super::*;

    const THOUGHT: &str = "First think, then answer: six times seven.";

    fn report(output_text: u64, reasoning: u64) -> UsageReport {
        UsageReport { usage: Usage { output_text, reasoning, ..Usage::default() }, raw: None }
    }

    fn whole(upstream: Format, output_text: u64, reasoning: u64) -> (u64, u64) {
        let thought = PartKind::Thinking { text: THOUGHT.to_owned(), signature: None };
        let choice = Choice { parts: vec![Part::new(thought), Part::text("42")], ..Choice::default() };
        let usage = Some(report(output_text, reasoning));
        let mut response = GenerateResponse { choices: vec![choice], usage, ..GenerateResponse::default() };
        split(upstream, &mut response);
        let usage = response.usage.unwrap().usage;
        (usage.output_text, usage.reasoning)
    }

    #[test]
    fn thoughts_are_counted_where_nobody_did() {
        assert_eq!(whole(Format::BedrockConverse, 40, 0), (30, 10));
        assert_eq!(whole(Format::AnthropicMessages, 40, 0), (30, 10));
        assert_eq!(whole(Format::AnthropicMessages, 33, 7), (33, 7));
        assert_eq!(whole(Format::AnthropicMessages, 4, 0), (0, 4));
        assert_eq!(whole(Format::GeminiGenerate, 40, 0), (40, 0));
        assert_eq!(whole(Format::OllamaChat, 40, 0), (40, 0));
    }

    #[test]
    fn streams_are_counted_at_each_report() {
        assert!(filter(Format::GeminiGenerate).is_none());
        let mut filter = filter(Format::OllamaChat).unwrap();
        let mut seen = Vec::new();
        let mut sink = |event: Event<'_>| {
            if let Event::Usage(report) = event {
                seen.push((report.usage.output_text, report.usage.reasoning));
            }
        };
        filter.event(Event::Usage(Box::new(report(1, 0))), &mut sink);
        for piece in ["First think, t", "hen answer: si", "x times seven."] {
            let delta = Delta::Thinking(Cow::Borrowed(piece));
            filter.event(Event::Delta { choice: 0, part: 0, delta }, &mut sink);
        }
        filter.event(Event::Usage(Box::new(report(40, 0))), &mut sink);
        assert_eq!(seen, [(1, 0), (30, 10)]);
    }

    #[test]
    fn what_the_host_says_stands() {
        let raw = r#"{"completion_tokens":40,"completion_tokens_details":{"reasoning_tokens":0}}"#;
        let told = UsageReport { raw: Some((Format::OpenAiChat, RawJson::parse(raw).unwrap())), ..report(40, 0) };
        let raw = RawJson::parse(r#"{"completion_tokens":40,"completion_tokens_details":null}"#).unwrap();
        let silent = UsageReport { raw: Some((Format::OpenAiChat, raw)), ..report(40, 0) };
        let mut filter = filter(Format::OpenAiChat).unwrap();
        let mut seen = Vec::new();
        let mut sink = |event: Event<'_>| {
            if let Event::Usage(report) = event {
                seen.push((report.usage.output_text, report.usage.reasoning));
            }
        };
        let delta = Delta::Thinking(Cow::Borrowed(THOUGHT));
        filter.event(Event::Delta { choice: 0, part: 0, delta }, &mut sink);
        filter.event(Event::Usage(Box::new(told)), &mut sink);
        filter.event(Event::Usage(Box::new(silent)), &mut sink);
        assert_eq!(seen, [(40, 0), (30, 10)]);
    }
}
