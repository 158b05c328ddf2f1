//! What a stream consumed, where its host does not say it.

use llm_catalog::tokens;
use llm_types::generate::UsageReport;
use llm_types::stream::{Delta, Event, EventFilter, EventSink, PartStart};
use llm_types::{Format, Json, OperationKind, Usage, UsageSource};

use crate::call::Call;
use crate::count::Counter;

/// Bytes of an answer that are kept for counting; what comes behind them is estimated by its length.
const KEPT: usize = 1 << 20;
/// Calls of an answer that are counted as such; what further ones write is estimated by its length.
const CALLS: usize = 1 << 10;

/// The filter for a stream that is read and written anew. Answers of Messages and Responses always say what they consumed,
/// those of chat where the client wants to know: LiteLLM counts it when the host keeps quiet.
pub(crate) fn filter(call: &Call, upstream: Format, counter: &Counter) -> Option<Box<dyn EventFilter>> {
    let says = match call.format {
        Format::AnthropicMessages | Format::OpenAiResponses => upstream != call.format,
        Format::OpenAiChat => call.include_usage,
        _ => false,
    };
    if !says {
        return None;
    }
    let prompt = Call::new(OperationKind::CountTokens, call.format, call.body.clone(), call.model.as_ref());
    Some(Box::new(Estimate {
        counter: counter.clone(),
        prompt,
        visible: Written::default(),
        thoughts: Written::default(),
        calls: Vec::new(),
        left: KEPT,
        known: false,
        complete: false,
    }))
}

/// Text of an answer.
#[derive(Debug, Default)]
struct Written {
    kept: String,
    /// Bytes behind those that are kept.
    beyond: u64,
}

impl Written {
    /// `left`: bytes that may still be kept of all of the answer.
    fn push(&mut self, text: &str, left: &mut usize) {
        if *left >= text.len() {
            *left -= text.len();
            self.kept.push_str(text);
        } else {
            self.beyond += text.len() as u64;
        }
    }

    fn tokens(&self, model: &str) -> u64 {
        tokens::count(model, &self.kept) as u64 + self.beyond / 4
    }
}

/// Choice and part.
type PartAt = (u32, u32);

/// A call of a tool.
#[derive(Debug, Default)]
struct CallWritten {
    id: String,
    name: String,
    arguments: Written,
}

impl CallWritten {
    /// What LiteLLM counts of a call: the JSON of all of it.
    fn tokens(&self, model: &str) -> u64 {
        let function = Json::object([("arguments", self.arguments.kept.as_str()), ("name", &self.name)]);
        if self.id.is_empty() {
            return tokens::count(model, &function.to_string()) as u64 + self.arguments.beyond / 4; // the legacy kind
        }
        let call = Json::object([
            ("function", function),
            ("id", Json::from(self.id.as_str())),
            ("type", Json::from("function")),
        ]);
        tokens::count(model, &call.to_string()) as u64 + self.arguments.beyond / 4
    }
}

#[derive(Debug)]
struct Estimate {
    counter: Counter,
    prompt: Call,
    visible: Written,
    thoughts: Written,
    /// The calls of tools, by the place of their part.
    calls: Vec<(PartAt, CallWritten)>,
    /// Bytes that may still be kept.
    left: usize,
    /// The host said it.
    known: bool,
    /// The answer has an end.
    complete: bool,
}

impl Estimate {
    /// Nothing where the prompt cannot be counted.
    fn usage(&self) -> Option<UsageReport> {
        let model = &self.counter.model;
        let input_text = crate::tokens::of_messages(&self.prompt, model).ok()?;
        let calls: u64 = self.calls.iter().map(|(_, call)| call.tokens(model)).sum();
        let (output_text, reasoning) = (self.visible.tokens(model) + calls, self.thoughts.tokens(model));
        let output = output_text + reasoning;
        let usage = Usage { input_text, output_text, reasoning, source: UsageSource::Estimated, ..Usage::default() };
        let mut told = Json::object([
            ("prompt_tokens", Json::from(input_text)),
            ("completion_tokens", Json::from(output)),
            ("total_tokens", Json::from(input_text + output)),
        ]);
        if self.calls.is_empty() || reasoning > 0 {
            let details = [("reasoning_tokens", reasoning), ("text_tokens", output_text)];
            told.set("completion_tokens_details", Json::object(details));
        }
        Some(UsageReport { usage, raw: Some((Format::OpenAiChat, told.to_raw())) })
    }

    fn written(&mut self, at: PartAt, delta: &Delta<'_>) {
        let left = &mut self.left;
        match delta {
            Delta::Text(text) => self.visible.push(text, left),
            // Of refusals LiteLLM counts nothing where chat is read and written.
            Delta::Refusal(text) if self.prompt.format != Format::OpenAiChat => self.visible.push(text, left),
            Delta::Arguments(text) => match self.calls.iter_mut().rev().find(|(place, _)| *place == at) {
                Some((_, call)) => call.arguments.push(text, left),
                None => self.visible.beyond += text.len() as u64,
            },
            Delta::Thinking(text) => self.thoughts.push(text, left),
            _ => {}
        }
    }
}

impl EventFilter for Estimate {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        match &event {
            Event::Usage(_) => self.known = true,
            Event::Finish { .. } => self.complete = true,
            Event::PartStart { choice, part, kind: PartStart::ToolCall { id, name } } if self.calls.len() < CALLS => {
                let call = CallWritten { id: id.to_string(), name: name.to_string(), arguments: Written::default() };
                self.calls.push(((*choice, *part), call));
            }
            Event::Delta { choice, part, delta } if !self.known => self.written((*choice, *part), delta),
            Event::End if self.complete && !self.known => {
                if let Some(usage) = self.usage() {
                    next.event(Event::Usage(Box::new(usage)));
                }
            }
            _ => {}
        }
        next.event(event);
    }
}
