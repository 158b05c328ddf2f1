//! What a stream consumed, where its host does not say it.

use llm_catalog::tokens;
use llm_types::generate::UsageReport;
use llm_types::stream::{Delta, Event, EventFilter, EventSink};
use llm_types::{Format, Json, OperationKind, Usage, UsageSource};

use crate::call::Call;
use crate::count::Counter;

/// Bytes of an answer that are kept for counting; what comes behind them is estimated by its length.
const KEPT: usize = 1 << 20;

/// The filter for a stream that is told in another language. Answers of Messages and Responses always say what they
/// consumed, so LiteLLM counts it when the host keeps quiet.
pub(crate) fn filter(call: &Call, upstream: Format, counter: &Counter) -> Option<Box<dyn EventFilter>> {
    let says = matches!(call.format, Format::AnthropicMessages | Format::OpenAiResponses);
    if upstream == call.format || !says {
        return None;
    }
    let prompt = Call::new(OperationKind::CountTokens, call.format, call.body.clone(), call.model.as_ref());
    Some(Box::new(Estimate {
        counter: counter.clone(),
        prompt,
        visible: Written::default(),
        thoughts: Written::default(),
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
    fn push(&mut self, text: &str) {
        if self.kept.len() < KEPT {
            self.kept.push_str(text);
        } else {
            self.beyond += text.len() as u64;
        }
    }

    fn tokens(&self, model: &str) -> u64 {
        tokens::count(model, &self.kept) as u64 + self.beyond / 4
    }
}

#[derive(Debug)]
struct Estimate {
    counter: Counter,
    prompt: Call,
    visible: Written,
    thoughts: Written,
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
        let (output_text, reasoning) = (self.visible.tokens(model), self.thoughts.tokens(model));
        let output = output_text + reasoning;
        let usage = Usage { input_text, output_text, reasoning, source: UsageSource::Estimated, ..Usage::default() };
        let told = Json::object([
            ("prompt_tokens", Json::from(input_text)),
            ("completion_tokens", Json::from(output)),
            ("total_tokens", Json::from(input_text + output)),
            (
                "completion_tokens_details",
                Json::object([("reasoning_tokens", reasoning), ("text_tokens", output_text)]),
            ),
        ]);
        Some(UsageReport { usage, raw: Some((Format::OpenAiChat, told.to_raw())) })
    }
}

impl EventFilter for Estimate {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        match &event {
            Event::Usage(_) => self.known = true,
            Event::Finish { .. } => self.complete = true,
            Event::Delta { delta, .. } if !self.known => match delta {
                Delta::Text(text) | Delta::Arguments(text) | Delta::Refusal(text) => self.visible.push(text),
                Delta::Thinking(text) => self.thoughts.push(text),
                _ => {}
            },
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
