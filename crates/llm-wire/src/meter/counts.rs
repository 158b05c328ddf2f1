//! Usage objects of every language, told apart by their fields.

use llm_types::generate::UsageReport;
use llm_types::{Format, RawJson, Usage, UsageSource};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The usage objects that passed.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// OpenAI's: the last one counts.
    openai: Option<RawJson>,
    /// Anthropic's: one at the start, one at the end.
    anthropic: Vec<RawJson>,
    /// The others, each bucket as large as it was told.
    other: Option<UsageReport>,
    images_out: u64,
    images: bool,
}

/// `promptTokenCount` contains what was cached, `candidatesTokenCount` does not contain the thoughts; Vertex says
/// `toolUsePromptTokenCount` besides. <https://ai.google.dev/api/generate-content#UsageMetadata>
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Gemini {
    prompt_token_count: u64,
    tool_use_prompt_token_count: u64,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    response_token_count: u64,
    thoughts_token_count: u64,
    prompt_tokens_details: Vec<Modality>,
    candidates_tokens_details: Vec<Modality>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Modality {
    modality: String,
    token_count: u64,
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>: the counts do not overlap.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Converse {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_write_input_tokens: u64,
}

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>: the last event of an invocation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    input_token_count: u64,
    output_token_count: u64,
    cache_read_input_token_count: u64,
    cache_write_input_token_count: u64,
}

/// <https://docs.cohere.com/reference/chat>: billed units are what is paid for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cohere {
    billed_units: Option<Units>,
    tokens: Option<Units>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Units {
    input_tokens: f64,
    output_tokens: f64,
    search_units: f64,
    images: f64,
}

/// What a usage object has, to tell whose it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Marks<'a> {
    #[serde(borrow)]
    billed_units: Option<&'a RawValue>,
    #[serde(borrow)]
    tokens: Option<&'a RawValue>,
    #[serde(borrow, rename = "inputTokens")]
    converse: Option<&'a RawValue>,
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    total_tokens: Option<&'a RawValue>,
    seconds: Option<f64>,
}

impl Counts {
    /// `usage` of an answer or an event.
    pub(super) fn usage(&mut self, raw: &str, responses: bool) {
        let Ok(marks) = serde_json::from_str::<Marks<'_>>(raw) else { return };
        let Ok(json) = RawJson::parse(raw) else { return };
        if marks.billed_units.or(marks.tokens).is_some() {
            self.cohere(raw);
        } else if marks.converse.is_some() {
            self.converse(raw);
        } else if marks.prompt_tokens.or(marks.total_tokens).is_some() || responses {
            self.openai = Some(json);
        } else if marks.input_tokens.or(marks.output_tokens).is_some() {
            self.anthropic.push(json);
        } else if let Some(seconds) = marks.seconds {
            self.tell(raw, Usage { seconds_in: seconds, ..Usage::default() });
        }
    }

    /// `usageMetadata`.
    pub(super) fn gemini(&mut self, raw: &str) {
        let Ok(g) = serde_json::from_str::<Gemini>(raw) else { return };
        let of = |list: &[Modality], name: &str| -> u64 {
            list.iter().filter(|m| m.modality.eq_ignore_ascii_case(name)).map(|m| m.token_count).sum()
        };
        let audio = of(&g.prompt_tokens_details, "AUDIO");
        let output = g.candidates_token_count.max(g.response_token_count);
        let (audio_out, image_out) =
            (of(&g.candidates_tokens_details, "AUDIO"), of(&g.candidates_tokens_details, "IMAGE"));
        let input = g.prompt_token_count.saturating_add(g.tool_use_prompt_token_count);
        self.tell(
            raw,
            Usage {
                input_text: input.saturating_sub(g.cached_content_token_count).saturating_sub(audio),
                cache_read: g.cached_content_token_count,
                input_audio: audio,
                output_text: output.saturating_sub(audio_out).saturating_sub(image_out),
                output_audio: audio_out,
                output_image: image_out,
                reasoning: g.thoughts_token_count,
                ..Usage::default()
            },
        );
    }

    fn converse(&mut self, raw: &str) {
        let Ok(c) = serde_json::from_str::<Converse>(raw) else { return };
        self.tell(
            raw,
            Usage {
                input_text: c.input_tokens,
                output_text: c.output_tokens,
                cache_read: c.cache_read_input_tokens,
                cache_write_5m: c.cache_write_input_tokens,
                ..Usage::default()
            },
        );
    }

    /// What AWS adds to the last event of a model's own language; it counts where the model told nothing itself.
    pub(super) fn bedrock_metrics(&mut self, raw: &str) {
        let Ok(m) = serde_json::from_str::<Metrics>(raw) else { return };
        if self.openai.is_some() || !self.anthropic.is_empty() || self.other.is_some() {
            return;
        }
        self.tell(
            raw,
            Usage {
                input_text: m.input_token_count,
                output_text: m.output_token_count,
                cache_read: m.cache_read_input_token_count,
                cache_write_5m: m.cache_write_input_token_count,
                ..Usage::default()
            },
        );
    }

    /// `meta` of Cohere's answers; other hosts have other things there.
    pub(super) fn cohere_meta(&mut self, raw: &str) {
        if raw.contains("billed_units") || raw.contains("\"tokens\"") {
            self.cohere(raw);
        }
    }

    fn cohere(&mut self, raw: &str) {
        let Ok(c) = serde_json::from_str::<Cohere>(raw) else { return };
        let Some(units) = c.tokens.or(c.billed_units) else { return };
        let billed = serde_json::from_str::<Cohere>(raw).ok().and_then(|c| c.billed_units).unwrap_or_default();
        let whole = |n: f64| if n > 0.0 { n as u64 } else { 0 };
        self.tell(
            raw,
            Usage {
                input_text: whole(units.input_tokens),
                output_text: whole(units.output_tokens),
                queries: whole(billed.search_units),
                images_in: whole(billed.images),
                ..Usage::default()
            },
        );
    }

    /// Pictures of an answer that told no tokens; tokens of one that did are those of pictures.
    pub(super) fn images(&mut self, body: &[u8]) {
        #[derive(Deserialize)]
        struct Pictures<'a> {
            #[serde(borrow)]
            data: Vec<&'a RawValue>,
        }
        self.images = true;
        self.images_out = serde_json::from_slice::<Pictures<'_>>(body).map_or(0, |p| p.data.len() as u64);
    }

    fn tell(&mut self, raw: &str, usage: Usage) {
        let usage = Usage { source: UsageSource::Reported, ..usage };
        let report = self.other.get_or_insert_default();
        report.usage.update(&usage);
        // Whose words they are does not matter: they are kept for the log.
        report.raw = RawJson::parse(raw).ok().map(|json| (Format::OpenAiChat, json));
    }

    /// The whole.
    pub(super) fn report(self) -> Option<UsageReport> {
        let mut report = match (self.openai, self.other) {
            (Some(raw), _) => Some(crate::usage::report(Format::OpenAiChat, &[raw])),
            (None, other) if self.anthropic.is_empty() => other,
            _ => Some(crate::usage::report(Format::AnthropicMessages, &self.anthropic)),
        };
        if self.images {
            let known = report.get_or_insert_default();
            if known.usage.is_empty() {
                known.usage = Usage { images_out: self.images_out, source: UsageSource::Reported, ..Usage::default() };
            } else {
                known.usage.output_image += std::mem::take(&mut known.usage.output_text);
            }
        }
        report.filter(|r| !r.usage.is_empty())
    }
}
