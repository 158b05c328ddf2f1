//! OpenAI's usage object.
//!
//! `prompt_tokens` contains the cached, cache-written and audio tokens; `completion_tokens` contains reasoning and
//! audio. LiteLLM adds `cache_creation_input_tokens` and `cache_read_input_tokens` (both counted in `prompt_tokens`),
//! `DeepSeek` says `prompt_cache_hit_tokens`, Moonshot a bare `cached_tokens`.

use bytes::{BufMut, BytesMut};
use llm_types::generate::UsageReport;
use llm_types::{Format, Json, RawJson, ServiceTier, Usage, UsageSource};
use serde_json::value::RawValue;

use super::object::Obj;
use super::wire::{Count, Text, view};
use crate::top::Top;

view!(lenient UsageView {
    prompt = "prompt_tokens": Count,
    completion = "completion_tokens": Count,
    total = "total_tokens": Count,
    prompt_details = "prompt_tokens_details": InputView<'a>,
    completion_details = "completion_tokens_details": OutputView<'a>,
    cache_creation = "cache_creation_input_tokens": Count,
    cache_read = "cache_read_input_tokens": Count,
    cache_hit = "prompt_cache_hit_tokens": Count,
    cached = "cached_tokens": Count,
    citation = "citation_tokens": Count,
    searches = "num_search_queries": Count,
    cost = "cost": Option<&'a RawValue>,
    tier = "service_tier": Text<'a>,
    // the Responses API's names, which some imitators use in chat answers
    input = "input_tokens": Count,
    output = "output_tokens": Count,
    input_details = "input_tokens_details": InputView<'a>,
    output_details = "output_tokens_details": OutputView<'a>,
});

view!(lenient InputView {
    cached = "cached_tokens": Count,
    audio = "audio_tokens": Count,
    image = "image_tokens": Count,
    video = "video_tokens": Count,
    cache_write = "cache_write_tokens": Count,
    cache_creation = "cache_creation_tokens": Count,
    by_lifetime = "cache_creation_token_details": LifetimeView<'a>,
});

view!(lenient LifetimeView {
    hour = "ephemeral_1h_input_tokens": Count,
});

view!(lenient OutputView {
    reasoning = "reasoning_tokens": Count,
    audio = "audio_tokens": Count,
    image = "image_tokens": Count,
    video = "video_tokens": Count,
    accepted = "accepted_prediction_tokens": Count,
    rejected = "rejected_prediction_tokens": Count,
});

/// Reads a usage object and keeps its text. Anything unreadable counts as zero.
#[must_use]
pub fn decode(raw: &RawValue, format: Format) -> UsageReport {
    let view: UsageView<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut usage = buckets(&view);
    usage.service_tier = view.tier.0.as_deref().and_then(ServiceTier::parse);
    usage.reported_cost = view.cost.and_then(|c| cost(c.get()));
    UsageReport { usage, raw: Some((format, RawJson::borrowed(raw))) }
}

/// The report of an upstream that counts what went in and what came out, and nothing else.
#[must_use]
pub fn plain(input: u64, output: u64) -> UsageReport {
    let total = input.saturating_add(output);
    let text = format!(r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{total}}}"#);
    let usage = Usage { input_text: input, output_text: output, source: UsageSource::Reported, ..Usage::default() };
    UsageReport { usage, raw: RawJson::parse(text).ok().map(|raw| (Format::OpenAiChat, raw)) }
}

/// `cost` is a number, or an object with the total (Perplexity).
fn cost(raw: &str) -> Option<f64> {
    #[derive(serde::Deserialize)]
    struct Parts {
        total_cost: Option<f64>,
    }
    raw.parse().ok().or_else(|| serde_json::from_str::<Parts>(raw).ok()?.total_cost)
}

fn buckets(view: &UsageView<'_>) -> Usage {
    let own = view.prompt.0.or(view.completion.0).is_some();
    let (input, output) = match own {
        true => (&view.prompt_details, &view.completion_details),
        false => (&view.input_details, &view.output_details),
    };
    let first = |counts: &[Count]| counts.iter().find_map(|c| c.0.filter(|n| *n > 0)).unwrap_or(0);
    let count = |c: Count| c.0.unwrap_or(0);
    let prompt = first(&[view.prompt, view.input]);
    let completion = first(&[view.completion, view.output]);
    let cache_read = first(&[input.cached, view.cache_read, view.cache_hit, view.cached]);
    let cache_write = first(&[view.cache_creation, input.cache_creation, input.cache_write]);
    let hour = count(input.by_lifetime.hour).min(cache_write);
    let not_text = [cache_read, cache_write, count(input.audio), count(input.image), count(input.video)];
    let thought = [count(output.reasoning), count(output.audio), count(output.image), count(output.video)];
    let sum = |counts: &[u64]| counts.iter().copied().fold(0, u64::saturating_add);
    let known = view.prompt.0.or(view.completion.0).or(view.total.0).or(view.input.0).is_some();
    Usage {
        input_text: prompt.saturating_sub(sum(&not_text)),
        cache_read,
        cache_write_5m: cache_write - hour,
        cache_write_1h: hour,
        input_audio: count(input.audio),
        input_image: count(input.image),
        input_video: count(input.video),
        output_text: completion.saturating_sub(sum(&thought)),
        reasoning: count(output.reasoning),
        output_audio: count(output.audio),
        output_image: count(output.image),
        output_video: count(output.video),
        unsplit: if prompt == 0 && completion == 0 { count(view.total) } else { 0 },
        citation: count(view.citation),
        web_search_medium: count(view.searches),
        accepted_prediction: count(output.accepted),
        rejected_prediction: count(output.rejected),
        source: if known { UsageSource::Reported } else { UsageSource::Unknown },
        ..Usage::default()
    }
}

/// What the writer must know of the answer whose usage it writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    /// The answer has encrypted thoughts and no visible ones: LiteLLM then leaves the details of the output out.
    pub hidden_thoughts: bool,
    /// The usage of a stream: LiteLLM computes it anew, so fields of the provider's own are gone.
    pub stream: bool,
    /// Tools were called.
    pub tool_calls: bool,
    /// Thoughts were told.
    pub thoughts: bool,
    /// The answer was taken back: only the totals are told.
    pub taken_back: bool,
}

/// Writes a usage object: the upstream's own words when they are OpenAI's, else computed from the buckets.
pub fn encode(report: &UsageReport, shape: Shape, out: &mut BytesMut) {
    match &report.raw {
        Some((Format::OpenAiChat | Format::OpenAiCompletions | Format::OpenAiEmbeddings, raw)) if shape.stream => {
            encode_stream(raw, &report.usage, shape, out);
        }
        Some((Format::OpenAiChat | Format::OpenAiCompletions | Format::OpenAiEmbeddings, raw)) => {
            match details(raw, &report.usage) {
                Some(whole) => out.put_slice(&whole),
                None => out.put_slice(raw.get().as_bytes()),
            }
        }
        raw => encode_foreign(report, raw.as_ref(), shape, out),
    }
}

/// The upstream's words with the details that OpenAI's clients look for, where it tells the same counts in fields of its
/// own. `None`: nothing is missing.
fn details(raw: &RawJson, usage: &Usage) -> Option<bytes::Bytes> {
    let top: Top<'_> = raw.read().ok()?;
    let absent = |key: &str| top.get(key).is_none_or(|v| v == "null");
    let count = |key: &str| top.read::<u64>(key).unwrap_or(0);
    let write = usage.cache_write_5m + usage.cache_write_1h;
    let told_in = top.read::<Json>("prompt_tokens_details");
    let written = told_in.and_then(|mut told| {
        let count = told.get("cache_write_tokens").and_then(Json::as_i64).filter(|n| *n > 0)?;
        told.get("cache_creation_tokens").is_none_or(Json::is_null).then(|| {
            told.set("cache_creation_tokens", count);
            told.to_string()
        })
    });
    let prompt = (absent("prompt_tokens_details") && usage.cache_read + write > 0).then(|| {
        let mut fields = vec![("cached_tokens", usage.cache_read)];
        if write > 0 {
            fields.extend([("cache_write_tokens", write), ("cache_creation_tokens", write)]);
        }
        Json::object(fields).to_string()
    });
    let thoughts = count("reasoning_tokens");
    let completion = (absent("completion_tokens_details") && thoughts > 0).then(|| {
        let text = count("completion_tokens").saturating_sub(thoughts);
        Json::object([("reasoning_tokens", thoughts), ("text_tokens", text)]).to_string()
    });
    let prompt = prompt.or(written);
    let told = [("prompt_tokens_details", prompt.as_deref()), ("completion_tokens_details", completion.as_deref())];
    let mut told: Vec<_> = told.into_iter().filter(|(_, value)| value.is_some()).collect();
    if completion.is_some() {
        told.push(("reasoning_tokens", None)); // it moved
    }
    (!told.is_empty()).then(|| top.edited(&told))
}

fn totals(usage: &Usage, obj: &mut Obj<'_>) {
    obj.u64("prompt_tokens", usage.total_input());
    obj.u64("completion_tokens", usage.total_output());
    obj.u64("total_tokens", usage.total_tokens());
}

/// The usage chunk of a stream from an OpenAI-like upstream.
fn encode_stream(raw: &RawJson, usage: &Usage, shape: Shape, out: &mut BytesMut) {
    #[derive(serde::Deserialize, Default)]
    struct Details<'a> {
        #[serde(borrow, default)]
        prompt_tokens_details: Option<&'a RawValue>,
        #[serde(borrow, default)]
        completion_tokens_details: Option<&'a RawValue>,
    }
    let details: Details<'_> = raw.read().unwrap_or_default();
    let mut obj = Obj::open(out);
    totals(usage, &mut obj);
    if let Some(output) = details.completion_tokens_details {
        obj.text("completion_tokens_details", output.get());
    } else if !shape.tool_calls || shape.thoughts {
        let mut output = obj.obj("completion_tokens_details");
        output.u64("reasoning_tokens", usage.reasoning);
        output.u64("text_tokens", usage.total_output().saturating_sub(usage.reasoning));
    }
    if let Some(input) = details.prompt_tokens_details {
        obj.text("prompt_tokens_details", input.get());
    }
    if usage.total_cache_write() > 0 {
        obj.u64("cache_creation_input_tokens", usage.total_cache_write());
    }
}

fn encode_foreign(report: &UsageReport, raw: Option<&(Format, RawJson)>, shape: Shape, out: &mut BytesMut) {
    let usage = &report.usage;
    let anthropic = raw.is_some_and(|(f, _)| *f == Format::AnthropicMessages);
    let write = usage.total_cache_write();
    let mut obj = Obj::open(out);
    totals(usage, &mut obj);
    if shape.taken_back {
        return;
    }
    if !shape.hidden_thoughts {
        let mut output = obj.obj("completion_tokens_details");
        output.u64("reasoning_tokens", usage.reasoning);
        output.u64("text_tokens", usage.output_text);
        for (key, count) in [
            ("audio_tokens", usage.output_audio),
            ("image_tokens", usage.output_image),
            ("video_tokens", usage.output_video),
        ] {
            if count > 0 {
                output.u64(key, count);
            }
        }
    }
    let mut input = obj.obj("prompt_tokens_details");
    input.u64("cached_tokens", usage.total_cache_read());
    let gemini = raw.filter(|(f, _)| *f == Format::GeminiGenerate);
    if gemini.is_none_or(|(_, raw)| crate::gemini::splits_prompt(raw)) {
        input.u64("text_tokens", usage.input_text);
    }
    for (key, count) in
        [("audio_tokens", usage.input_audio), ("image_tokens", usage.input_image), ("video_tokens", usage.input_video)]
    {
        if count > 0 {
            input.u64(key, count);
        }
    }
    if anthropic || write > 0 {
        input.u64("cache_write_tokens", write);
        input.u64("cache_creation_tokens", write);
        let split = raw.is_some_and(|(_, r)| r.get().contains("\"cache_creation\""));
        if (split && !shape.stream) || usage.cache_write_1h > 0 {
            let mut lifetimes = input.obj("cache_creation_token_details");
            lifetimes.u64("ephemeral_5m_input_tokens", usage.cache_write_5m);
            lifetimes.u64("ephemeral_1h_input_tokens", usage.cache_write_1h);
        }
    }
    if let Some((_, raw)) = gemini {
        for (key, count) in [
            ("tool_use_tokens", crate::gemini::tool_use_tokens(raw)),
            ("web_search_requests", usage.web_searches()),
            ("google_maps_grounding_requests", usage.maps_queries),
        ] {
            if count > 0 {
                input.u64(key, count);
            }
        }
    }
    drop(input);
    if anthropic || write > 0 {
        obj.u64("cache_creation_input_tokens", write);
    }
    if anthropic || usage.total_cache_read() > 0 {
        obj.u64("cache_read_input_tokens", usage.total_cache_read());
    }
    if usage.web_searches() > 0 && gemini.is_none() {
        obj.obj("server_tool_use").u64("web_search_requests", usage.web_searches());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Usage {
        decode(serde_json::from_str(text).unwrap(), Format::OpenAiChat).usage
    }

    #[test]
    fn buckets_are_disjoint() {
        let u = read(
            r#"{"prompt_tokens":2000,"completion_tokens":50,"total_tokens":2050,
                "prompt_tokens_details":{"cached_tokens":1500,"audio_tokens":20},
                "completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":5}}"#,
        );
        assert_eq!((u.input_text, u.cache_read, u.input_audio), (480, 1500, 20));
        assert_eq!((u.output_text, u.reasoning, u.output_audio), (15, 30, 5));
        assert_eq!((u.total_input(), u.total_output(), u.total_tokens()), (2000, 50, 2050));
    }

    #[test]
    fn spellings_of_cached_tokens() {
        assert_eq!(read(r#"{"prompt_tokens":10,"prompt_cache_hit_tokens":4}"#).cache_read, 4);
        assert_eq!(read(r#"{"prompt_tokens":10,"cached_tokens":3}"#).cache_read, 3);
        let u = read(r#"{"prompt_tokens":10,"cache_read_input_tokens":2,"cache_creation_input_tokens":5}"#);
        assert_eq!((u.cache_read, u.cache_write_5m, u.input_text), (2, 5, 3));
    }

    #[test]
    fn nothing_fails() {
        for odd in
            ["null", "[]", "{}", r#"{"prompt_tokens":null,"prompt_tokens_details":7}"#, r#"{"prompt_tokens":-1}"#]
        {
            assert!(read(odd).is_empty(), "{odd}");
        }
        assert_eq!(read(r#"{"prompt_tokens":12.0,"completion_tokens":"3"}"#).total_tokens(), 15);
        assert_eq!(read(r#"{"total_tokens":9}"#).unsplit, 9);
    }
}
