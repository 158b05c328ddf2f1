//! Token counts: `usageMetadata`.
//!
//! `promptTokenCount` contains the cached tokens (`cachedContentTokenCount`), not those that tools of Google's own put
//! into the prompt (`toolUsePromptTokenCount`). `candidatesTokenCount` (or `responseTokenCount`) contains the thoughts
//! (`thoughtsTokenCount`) only where prompt and candidates make up the total. The details split each by modality;
//! documents count as text. <https://ai.google.dev/api/generate-content#UsageMetadata>

use llm_types::generate::UsageReport;
use llm_types::{Json, RawJson, ServiceTier, Usage, UsageSource};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::openai::object::Obj;
use crate::openai::wire::{Count, List, Text, view};

view!(lenient UsageIn {
    prompt = "promptTokenCount": Count,
    candidates = "candidatesTokenCount": Count,
    response = "responseTokenCount": Count,
    thoughts = "thoughtsTokenCount": Count,
    total = "totalTokenCount": Count,
    cached = "cachedContentTokenCount": Count,
    tool_use = "toolUsePromptTokenCount": Count,
    prompt_details = "promptTokensDetails": List<ModalityIn<'a>>,
    cache_details = "cacheTokensDetails": List<ModalityIn<'a>>,
    candidates_details = "candidatesTokensDetails": List<ModalityIn<'a>>,
    response_details = "responseTokensDetails": List<ModalityIn<'a>>,
    traffic = "trafficType": Text<'a>,
});

view!(lenient ModalityIn {
    modality = "modality": Text<'a>,
    count = "tokenCount": Count,
});

view!(lenient CandidateIn {
    grounding = "groundingMetadata": Option<&'a RawValue>,
});

/// How often the answer looked something up, counted off the grounding metadata of its candidates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Grounding {
    /// Web searches.
    pub searches: u64,
    /// Looks at maps.
    pub maps: u64,
}

impl Grounding {
    /// Takes in the candidates of an answer that nobody reads.
    pub(crate) fn add_candidates(&mut self, candidates: &str) {
        let candidates: List<CandidateIn<'_>> = serde_json::from_str(candidates).unwrap_or_default();
        candidates.0.iter().flatten().filter_map(|c| c.grounding).for_each(|metadata| self.add(metadata.get()));
    }

    /// Takes in the metadata of a candidate.
    pub(crate) fn add(&mut self, metadata: &str) {
        let Ok(tree) = serde_json::from_str::<Json>(metadata) else { return };
        let list = |key: &str| tree.get(key).and_then(Json::as_array).unwrap_or_default();
        self.searches += list("webSearchQueries").len() as u64;
        self.maps += u64::from(list("groundingChunks").iter().any(|c| c.get("maps").is_some()));
    }
}

/// Reads `usageMetadata` and keeps its text. Anything unreadable counts as zero.
pub(crate) fn decode(raw: &str, grounding: Grounding) -> UsageReport {
    let view: UsageIn<'_> = serde_json::from_str(raw).unwrap_or_default();
    let words = RawJson::parse(raw).ok().map(|json| (FORMAT, json));
    UsageReport { usage: buckets(&view, grounding), raw: words }
}

/// Reads `usageMetadata` of an answer that nobody looked into.
pub(crate) fn alone(raw: &str) -> UsageReport {
    decode(raw, Grounding::default())
}

/// Tokens of a modality in a list of details.
fn of(list: &List<ModalityIn<'_>>, modality: &str) -> u64 {
    let all = list.0.as_deref().unwrap_or_default();
    let same = |m: &&ModalityIn<'_>| m.modality.filled().is_some_and(|n| n.eq_ignore_ascii_case(modality));
    all.iter().filter(same).filter_map(|m| m.count.0).sum()
}

fn buckets(view: &UsageIn<'_>, grounding: Grounding) -> Usage {
    let count = |c: Count| c.0.unwrap_or(0);
    // what a search put into the prompt is paid with the search
    let tool_use = if grounding.searches > 0 { 0 } else { count(view.tool_use) };
    let prompt = count(view.prompt).saturating_add(tool_use);
    let said = view.candidates.0.or(view.response.0).unwrap_or(0);
    let thoughts = count(view.thoughts);
    let inside = view.total.0 == Some(count(view.prompt) + said + count(view.tool_use));
    let completion = if inside { said } else { said.saturating_add(thoughts) };
    let cached = count(view.cached);
    let cached_audio = of(&view.cache_details, "AUDIO").min(cached);
    let cached_image = of(&view.cache_details, "IMAGE").min(cached - cached_audio);
    let input_audio = of(&view.prompt_details, "AUDIO").saturating_sub(cached_audio);
    let input_image = of(&view.prompt_details, "IMAGE").saturating_sub(cached_image);
    let input_video = of(&view.prompt_details, "VIDEO").saturating_sub(of(&view.cache_details, "VIDEO"));
    let details = if view.candidates_details.0.is_some() { &view.candidates_details } else { &view.response_details };
    let (audio, image, video) = (of(details, "AUDIO"), of(details, "IMAGE"), of(details, "VIDEO"));
    let reasoning = thoughts.min(completion);
    let known = view.prompt.0.or(view.candidates.0).or(view.total.0).is_some();
    Usage {
        input_text: [cached, input_audio, input_image, input_video].into_iter().fold(prompt, u64::saturating_sub),
        cache_read: cached - cached_audio - cached_image,
        cache_read_audio: cached_audio,
        cache_read_image: cached_image,
        input_audio,
        input_image,
        input_video,
        output_text: [reasoning, audio, image, video].into_iter().fold(completion, u64::saturating_sub),
        reasoning,
        output_audio: audio,
        output_image: image,
        output_video: video,
        web_search_medium: grounding.searches,
        maps_queries: grounding.maps,
        service_tier: view.traffic.filled().and_then(ServiceTier::parse),
        source: if known { UsageSource::Reported } else { UsageSource::Unknown },
        ..Usage::default()
    }
}

/// True where an upstream splits the tokens of the prompt by modality: LiteLLM names no text otherwise.
pub(crate) fn splits_prompt(raw: &RawJson) -> bool {
    raw.read::<UsageIn<'_>>().is_ok_and(|view| view.prompt_details.0.is_some())
}

/// Tokens that Google's own tools put into the prompt, of an upstream's own words.
pub(crate) fn tool_use_tokens(raw: &RawJson) -> u64 {
    let view: UsageIn<'_> = raw.read().unwrap_or_default();
    view.tool_use.0.unwrap_or(0)
}

/// Writes `usageMetadata`: the upstream's own words when they are of this format, else the counts.
pub(super) fn write(report: &UsageReport, obj: &mut Obj<'_>) {
    if let Some((FORMAT, raw)) = &report.raw {
        return obj.text("usageMetadata", raw.get());
    }
    let usage = &report.usage;
    let mut out = obj.obj("usageMetadata");
    out.u64("promptTokenCount", usage.total_input());
    out.u64("candidatesTokenCount", usage.total_output().saturating_sub(usage.reasoning));
    out.u64("totalTokenCount", usage.total_tokens());
    if usage.total_cache_read() > 0 {
        out.u64("cachedContentTokenCount", usage.total_cache_read());
    }
    if usage.reasoning > 0 {
        out.u64("thoughtsTokenCount", usage.reasoning);
    }
}

/// True for a `usageMetadata` value with something in it.
pub(super) fn is_there(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}
