//! From what was seen to what it cost.

use std::sync::Arc;

use llm_catalog::{CostOptions, Field, ModelRef, tokens};
use llm_providers::RowFormat;
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, OperationKind, RawJson, Usage};
use llm_wire::codec::ReplyContext;
use llm_wire::openai::usage::plain;
use llm_wire::relay::Seen;
use llm_wire::task::Sizing;

use crate::answer::Report;
use crate::call::Call;
use crate::engine::Engine;
use crate::price::{self, Adjustments};
use crate::target::{Prices, Target};

/// Counts and prices one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    pub target: Arc<Target>,
    pub prices: Prices,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// The upstream's format.
    pub format: Format,
    /// The request body, for counting the prompt when the upstream does not.
    pub prompt: Prompt,
    pub adjustments: Arc<Adjustments>,
}

/// The prompt, kept for counting.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub body: bytes::Bytes,
    /// The language of a conversation; without it all texts of the body are counted.
    pub format: Option<Format>,
}

impl Counter {
    pub(crate) fn new(engine: &Engine, target: &Arc<Target>, model: &Arc<str>, format: Format, call: &Call) -> Self {
        let conversation = call.operation == OperationKind::Generate;
        Self {
            target: Arc::clone(target),
            prices: engine.prices.clone(),
            model: Arc::clone(model),
            format,
            prompt: Prompt {
                body: call.body.clone(),
                format: Some(call.format).filter(|f| conversation && *f != Format::OpenAiCompletions),
            },
            adjustments: Arc::clone(&engine.settings.adjustments),
        }
    }

    pub(crate) fn provider(&self) -> &'static str {
        self.target.provider_id()
    }

    /// Reads an error that came inside a stream.
    pub(crate) fn error_in_stream(&self, raw: &RawJson, ctx: &ReplyContext) -> Error {
        match self.format {
            Format::AnthropicMessages => llm_wire::anthropic::error_in_stream(raw.get()),
            Format::GeminiGenerate => llm_wire::gemini::error_in_stream(raw.get(), self.provider()),
            _ => llm_wire::openai::errors::decode_in_stream(raw.get(), self.provider(), ctx.stream_errors),
        }
    }

    pub(crate) fn relayed(&self, seen: Seen, report: &mut Report) {
        report.response_id = seen.id.clone().filter(|i| !i.is_empty());
        let mut usage = seen.report(self.format);
        let written = seen.estimated_output_tokens();
        if let Some(usage) = usage.as_mut().filter(|_| !seen.finished) {
            unfinished(usage, written);
        }
        self.book(usage, written, report);
    }

    /// Fills usage and cost in. `written`: tokens written, estimated, when the upstream reported none.
    pub(crate) fn book(&self, usage: Option<UsageReport>, written: u64, report: &mut Report) {
        match usage {
            Some(u) => {
                report.estimated = u.usage.source == llm_types::UsageSource::Estimated;
                report.usage = u.usage;
                report.usage_raw = u.raw.map(|(_, raw)| raw);
            }
            None if report.error.is_some() && written == 0 => {}
            None => {
                report.estimated = true;
                report.usage = Usage {
                    input_text: self.prompt.count(&self.model),
                    output_text: written,
                    source: llm_types::UsageSource::Estimated,
                    ..Usage::default()
                };
            }
        }
        self.count_speech(report);
        self.price(report);
    }

    /// Models that speak and are paid by tokens: the tokens of the text, beside its characters.
    fn count_speech(&self, report: &mut Report) {
        if report.usage.characters_in == 0 || report.usage.input_text > 0 {
            return;
        }
        let entry = self.target.price(&self.prices, &self.model);
        let by_characters = entry.and_then(|e| e.num(Field::InputCostPerCharacter)).is_some();
        if !by_characters && entry.and_then(|e| e.num(Field::InputCostPerToken)).is_some() {
            report.usage.input_text = self.prompt.count(&self.model);
        }
    }

    /// What an embedding call consumed, counted here.
    pub(crate) fn embedded(&self) -> UsageReport {
        let input_text = self.prompt.embedded(&self.model);
        let usage = Usage { input_text, source: llm_types::UsageSource::Estimated, ..Usage::default() };
        UsageReport { usage, raw: None }
    }

    /// True where clients are told our count when the upstream has none: as LiteLLM does it for hosts with a language of
    /// their own.
    pub(crate) fn tells(&self) -> bool {
        self.target.provider.row().format == RowFormat::Own
    }

    /// Tells the client what was counted here, where it should know.
    pub(crate) fn tell(&self, usage: &mut Option<UsageReport>, report: &Report) {
        if usage.is_none() && self.tells() {
            *usage = Some(plain(report.usage.total_input(), report.usage.total_output()));
        }
    }

    /// Tokens of a text, counted here.
    pub(crate) fn count(&self, text: &str) -> u64 {
        tokens::count(&self.model, text) as u64
    }

    /// Tokens of a whole answer, counted here.
    pub(crate) fn written(&self, reply: &[u8]) -> u64 {
        tokens::count(&self.model, &texts(reply, &["choices", "content", "candidates"])) as u64
    }

    /// Fills usage and cost of a task in.
    pub(crate) fn book_task(&self, usage: UsageReport, sizing: &Sizing, report: &mut Report) {
        report.usage = usage.usage;
        report.usage_raw = usage.raw.map(|(_, raw)| raw);
        self.count_speech(report);
        let plain = self.target.price(&self.prices, &self.model);
        // models that tell the tokens of a picture are paid by them, whatever a table says of its size
        let by_tokens =
            usage.usage.output_image > 0 && plain.and_then(|e| e.num(Field::OutputCostPerImageToken)).is_some();
        let entry = if usage.usage.images_out > 0 && !by_tokens {
            self.target.image_price(&self.prices, &self.model, sizing)
        } else {
            plain
        };
        let options = CostOptions {
            image_size: sizing.image_size.as_deref(),
            video_resolution: sizing.video_resolution.as_deref(),
            ..CostOptions::default()
        };
        self.price_by(entry, &options, report);
    }

    pub(crate) fn price(&self, report: &mut Report) {
        self.price_by(self.target.price(&self.prices, &self.model), &CostOptions::default(), report);
    }

    fn price_by(&self, entry: Option<ModelRef<'_>>, options: &CostOptions<'_>, report: &mut Report) {
        if report.usage.is_empty() {
            return;
        }
        let Some(entry) = entry else {
            report.cost_problem = Some(price::unknown(self.provider(), &self.model));
            return;
        };
        report.cost = self.adjustments.price(self.provider(), entry, &report.usage, options);
    }
}

/// Fields of request bodies that make up the prompt, in every client's format.
pub(crate) const PROMPT: &[&str] = &[
    "system",
    "messages",
    "instructions",
    "prompt",
    "input",
    "systemInstruction",
    "system_instruction",
    "contents",
    "tools",
];

impl Prompt {
    /// Tokens of the prompt, counted here: of a conversation as LiteLLM counts it at the end of a stream, without tools.
    pub(crate) fn count(&self, model: &str) -> u64 {
        let conversation = self.format.and_then(|format| {
            let call = Call::new(OperationKind::CountTokens, format, self.body.clone(), model);
            crate::tokens::of_messages(&call, model).ok()
        });
        conversation.unwrap_or_else(|| tokens::count(model, &texts(&self.body, PROMPT)) as u64)
    }
}

impl Prompt {
    /// Tokens of what becomes vectors, for hosts that do not count: LiteLLM counts the texts in a row.
    pub(crate) fn embedded(&self, model: &str) -> u64 {
        use llm_types::Json;
        let input =
            llm_wire::top::Top::parse(&self.body).ok().and_then(|top| top.read::<Json>("input")).unwrap_or_default();
        let whole = |item: &Json| item.as_i64().and_then(|n| u32::try_from(n).ok());
        let mut out = String::new();
        let mut add = |item: &Json| match item {
            Json::String(text) => out.push_str(text),
            Json::Array(list) => {
                let ids: Vec<u32> = list.iter().filter_map(whole).collect();
                // the vocabulary that such lists are made with
                out.push_str(&tokens::Encoding::Cl100k.decode(&ids).unwrap_or_default());
                list.iter().filter_map(Json::as_str).for_each(|text| out.push_str(text));
            }
            _ => {}
        };
        match &input {
            Json::Array(list) if !list.iter().all(|i| whole(i).is_some()) => list.iter().for_each(add),
            one => add(one),
        }
        tokens::count(model, &out) as u64
    }
}

/// A stream broke off behind a first report (Anthropic's names the prompt and one token): what was written since counts.
pub(crate) fn unfinished(report: &mut UsageReport, written: u64) {
    let usage = &mut report.usage;
    usage.output_text += written.saturating_sub(usage.total_output());
    usage.source = llm_types::UsageSource::Partial;
}

/// All text in a body, whatever its format: its JSON strings below some of its fields.
fn texts(body: &[u8], keys: &[&str]) -> String {
    let Ok(top) = llm_wire::top::Top::parse(body) else { return String::new() };
    let mut out = String::new();
    for key in keys {
        if let Some(tree) = top.read::<llm_types::Json>(key) {
            collect(&tree, &mut out);
        }
    }
    out
}

/// Fields whose strings nobody reads or writes as text.
const NO_TEXT: [&str; 7] = ["role", "type", "id", "tool_call_id", "cache_control", "finish_reason", "signature"];

fn collect(tree: &llm_types::Json, out: &mut String) {
    use llm_types::Json;
    match tree {
        Json::String(s) if !s.starts_with("data:") => {
            out.push_str(s);
            out.push('\n');
        }
        Json::Array(items) => items.iter().for_each(|i| collect(i, out)),
        Json::Object(fields) => {
            fields.iter().filter(|(k, _)| !NO_TEXT.contains(&k.as_str())).for_each(|(_, v)| collect(v, out))
        }
        _ => {}
    }
}

/// Tokens of a text, counted here, for codecs whose answers have to tell them.
pub(crate) fn tokens_of(model: &str, text: &str) -> u64 {
    tokens::count(model, text) as u64
}
