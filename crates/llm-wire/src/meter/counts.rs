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
    headers: Option<(u64, u64)>,
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
    #[serde(borrow)]
    total_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    total_output_tokens: Option<&'a RawValue>,
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
            self.tell(crate::bedrock::converse::usage_report(raw, None));
        } else if marks.prompt_tokens.or(marks.input_tokens).is_none()
            && marks.total_input_tokens.or(marks.total_output_tokens).is_some()
            && let Some(metadata) = super::interactions::metadata(raw)
        {
            let told = crate::gemini::usage_report(&metadata);
            self.tell(UsageReport { raw: Some((Format::OpenAiChat, json)), ..told });
        } else if marks.prompt_tokens.or(marks.total_tokens).is_some() || responses {
            self.openai = Some(json);
        } else if marks.input_tokens.or(marks.output_tokens).is_some() {
            self.anthropic.push(json);
        } else if let Some(seconds) = marks.seconds {
            self.told(raw, Usage { seconds_in: seconds, ..Usage::default() });
        }
    }

    /// `usageMetadata`.
    pub(super) fn gemini(&mut self, raw: &str) {
        self.tell(crate::gemini::usage_report(raw));
    }

    /// What headers told.
    pub(super) fn headers(&mut self, input: u64, output: u64) {
        self.headers = Some((input, output));
    }

    /// What AWS adds to the last event of a model's own language; it counts where the model told nothing itself.
    pub(super) fn bedrock_metrics(&mut self, raw: &str) {
        let Ok(m) = serde_json::from_str::<Metrics>(raw) else { return };
        if self.openai.is_some() || !self.anthropic.is_empty() || self.other.is_some() {
            return;
        }
        self.told(
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
        self.told(
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

    /// Vertex AI's `:predict`: vectors say how many tokens they were made of, pictures are counted.
    /// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>
    pub(super) fn predictions(&mut self, body: &[u8]) {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            predictions: Vec<Prediction>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Prediction {
            embeddings: Option<Vector>,
            #[serde(rename = "mimeType")]
            kind: Option<String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Vector {
            statistics: Statistics,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Statistics {
            token_count: f64,
        }
        if memchr::memmem::find(body, b"\"predictions\"").is_none() || self.other.is_some() {
            return;
        }
        let Ok(Body { predictions }) = serde_json::from_slice::<Body>(body) else { return };
        let tokens: f64 =
            predictions.iter().filter_map(|p| p.embeddings.as_ref()).map(|v| v.statistics.token_count).sum();
        let pictures =
            predictions.iter().filter(|p| p.kind.as_deref().is_some_and(|k| k.starts_with("image/"))).count();
        let usage = Usage {
            input_text: if tokens > 0.0 { tokens as u64 } else { 0 },
            images_out: pictures as u64,
            source: UsageSource::Reported,
            ..Usage::default()
        };
        self.tell(UsageReport { usage, raw: None });
    }

    fn told(&mut self, raw: &str, usage: Usage) {
        // Whose words they are does not matter here: they are kept for the log.
        let raw = RawJson::parse(raw).ok().map(|json| (Format::OpenAiChat, json));
        self.tell(UsageReport { usage: Usage { source: UsageSource::Reported, ..usage }, raw });
    }

    fn tell(&mut self, later: UsageReport) {
        let report = self.other.get_or_insert_default();
        report.usage.update(&later.usage);
        report.raw = later.raw;
    }

    /// The whole.
    pub(super) fn report(self) -> Option<UsageReport> {
        let mut report = match (self.openai, self.other) {
            (Some(raw), _) => Some(crate::usage::report(Format::OpenAiChat, &[raw])),
            (None, other) if self.anthropic.is_empty() => other,
            _ => Some(crate::usage::report(Format::AnthropicMessages, &self.anthropic)),
        };
        if report.is_none()
            && let Some((input_text, output_text)) = self.headers
        {
            let usage = Usage { input_text, output_text, source: UsageSource::Reported, ..Usage::default() };
            report = Some(UsageReport { usage, raw: None });
        }
        if self.images {
            let known = report.get_or_insert_default();
            if known.usage.is_empty() {
                known.usage = Usage { images_out: self.images_out, source: UsageSource::Reported, ..Usage::default() };
            } else {
                let text = std::mem::take(&mut known.usage.output_text);
                known.usage.output_image = known.usage.output_image.saturating_add(text);
            }
        }
        report.filter(|r| !r.usage.is_empty())
    }
}
