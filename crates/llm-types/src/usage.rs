//! What a call consumed, in buckets that do not overlap.
//!
//! Upstreams count differently: OpenAI's `prompt_tokens` contains the cached tokens, Anthropic's `input_tokens` does
//! not. Every codec undoes that when it fills a [`Usage`], so that a token is in exactly one bucket and a price can be
//! a plain sum of bucket times rate.

use serde::{Deserialize, Serialize};

/// The price column that the upstream says it used for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceTier {
    /// `default`, `standard`, `on_demand`: the plain price.
    Standard,
    /// `flex`: cheaper and slower. Gemini traffic types `FLEX` and `BATCH` count as flex.
    Flex,
    /// `priority` and `fast`: dearer and faster. Gemini traffic type `ON_DEMAND_PRIORITY` too.
    Priority,
    /// `ultrafast`.
    UltraFast,
    /// Answered by a batch API.
    Batch,
}

impl ServiceTier {
    /// Reads the `service_tier` of a request or response, or Gemini's `trafficType`, in any case.
    ///
    /// `None` for a word that names no price column (`auto`, `scale`, an empty text).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const WORDS: [(&str, ServiceTier); 12] = [
            ("default", ServiceTier::Standard),
            ("standard", ServiceTier::Standard),
            ("on_demand", ServiceTier::Standard),
            ("flex", ServiceTier::Flex),
            // Gemini reports BATCH as a traffic type of online calls too; it is billed at the flex rate.
            ("batch", ServiceTier::Flex),
            ("on_demand_flex", ServiceTier::Flex),
            ("priority", ServiceTier::Priority),
            ("fast", ServiceTier::Priority),
            ("on_demand_priority", ServiceTier::Priority),
            ("ultrafast", ServiceTier::UltraFast),
            ("ultra_fast", ServiceTier::UltraFast),
            ("batches", ServiceTier::Batch),
        ];
        WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|&(_, tier)| tier)
    }
}

/// Where the upstream computed the answer, when that changes the price (Anthropic's `inference_geo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InferenceGeo {
    /// Only in the United States.
    Us,
    /// Only in the European Union.
    Eu,
}

impl InferenceGeo {
    /// Reads `inference_geo`. `None` for `global`, `not_available` and places without a price of their own.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [("us", Self::Us), ("eu", Self::Eu)]
            .into_iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
            .map(|(_, geo)| geo)
    }
}

/// How sure the counts are. Ordered from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsageSource {
    /// Nobody counted: every bucket is zero because nothing is known, not because nothing was used.
    #[default]
    Unknown,
    /// Counted by us with a local tokenizer.
    Estimated,
    /// Reported by the upstream, but the stream ended before its last report.
    Partial,
    /// Reported by the upstream.
    Reported,
}

macro_rules! usage {
    (
        $(#[$meta:meta])*
        counts { $( $(#[$cmeta:meta])* $count:ident, )* }
        amounts { $( $(#[$ameta:meta])* $amount:ident, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Usage {
            $( $(#[$cmeta])* #[serde(skip_serializing_if = "is_zero")] pub $count: u64, )*
            $( $(#[$ameta])* #[serde(skip_serializing_if = "is_nothing")] pub $amount: f64, )*
            /// Price column that the upstream says it used. `None`: it did not say.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub service_tier: Option<ServiceTier>,
            /// Place of inference with a price of its own.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub inference_geo: Option<InferenceGeo>,
            /// Anthropic's `speed: "fast"`.
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            pub fast: bool,
            /// Price in USD that the upstream itself put into its answer (Perplexity and OpenRouter do).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub reported_cost: Option<f64>,
            /// How sure the counts are.
            pub source: UsageSource,
        }

        impl Usage {
            /// Adds another call's usage to this one (the calls of a fan-out, the turns of a session).
            ///
            /// The sum is only as sure as its least sure part, and has a reported price only if both have one.
            pub fn merge(&mut self, other: &Self) {
                $( self.$count = self.$count.saturating_add(other.$count); )*
                $( self.$amount += other.$amount; )*
                self.reported_cost = match (self.reported_cost, other.reported_cost) {
                    (Some(a), Some(b)) => Some(a + b),
                    _ => None,
                };
                self.service_tier = self.service_tier.or(other.service_tier);
                self.inference_geo = self.inference_geo.or(other.inference_geo);
                self.fast |= other.fast;
                self.source = self.source.min(other.source);
            }

            /// Takes in a later report on the *same* call, where counts only grow (Anthropic's `message_start` and
            /// `message_delta`, Gemini's usage on every chunk): the larger count of each bucket wins.
            pub fn update(&mut self, later: &Self) {
                $( self.$count = self.$count.max(later.$count); )*
                $( self.$amount = self.$amount.max(later.$amount); )*
                self.reported_cost = later.reported_cost.or(self.reported_cost);
                self.service_tier = later.service_tier.or(self.service_tier);
                self.inference_geo = later.inference_geo.or(self.inference_geo);
                self.fast |= later.fast;
                self.source = self.source.max(later.source);
            }

            /// True when every bucket is zero, whatever the reason.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                true $( && self.$count == 0 )* $( && self.$amount == 0.0 )*
            }
        }
    };
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_nothing(amount: &f64) -> bool {
    *amount == 0.0
}

usage! {
    /// What one call consumed. Buckets are disjoint; a zero means none.
    ///
    /// Unknown totals are never guessed into a bucket: see [`Usage::unsplit`] and [`UsageSource`].
    counts {
        /// Prompt tokens of text that came neither from nor went to a cache.
        input_text,
        /// Prompt tokens of text (or of a kind the upstream did not name) read from a prompt cache.
        cache_read,
        /// Audio prompt tokens read from a prompt cache.
        cache_read_audio,
        /// Image prompt tokens read from a prompt cache.
        cache_read_image,
        /// Prompt tokens written to a cache with the short lifetime (5 minutes), or with an unnamed one.
        cache_write_5m,
        /// Prompt tokens written to a cache with a lifetime of one hour.
        cache_write_1h,
        /// Audio prompt tokens, not cached.
        input_audio,
        /// Image prompt tokens, not cached.
        input_image,
        /// Video prompt tokens, not cached.
        input_video,
        /// Answer tokens of text, without the reasoning.
        output_text,
        /// Reasoning (thinking) tokens.
        reasoning,
        /// Audio answer tokens.
        output_audio,
        /// Image answer tokens.
        output_image,
        /// Video answer tokens.
        output_video,
        /// Tokens that the upstream counted without saying whether they went in or came out.
        unsplit,
        /// Tokens of citations that the upstream put into its own prompt (Perplexity). Not part of [`Self::total_input`].
        citation,
        /// Images in the prompt that are priced one by one.
        images_in,
        /// Images generated.
        images_out,
        /// Characters in (speech, some embeddings).
        characters_in,
        /// Characters out.
        characters_out,
        /// Queries or search units (search, rerank, vector store search).
        queries,
        /// Pages read (OCR).
        pages,
        /// Pages whose annotations were extracted (OCR).
        annotation_pages,
        /// Web searches with a small context.
        web_search_low,
        /// Web searches with a medium context, or one that was not named.
        web_search_medium,
        /// Web searches with a large context.
        web_search_high,
        /// Google Maps groundings.
        maps_queries,
        /// Calls of the hosted file search tool.
        file_searches,
        /// Sessions of the hosted code interpreter.
        code_sessions,
        /// Tokens in, of the hosted computer tool, where it is billed apart.
        computer_input,
        /// Tokens out, of the hosted computer tool, where it is billed apart.
        computer_output,
        /// Of the answer tokens, those of an accepted predicted output. For display: already in [`Self::output_text`].
        accepted_prediction,
        /// Of the answer tokens, those of a rejected predicted output. For display: already in [`Self::output_text`].
        rejected_prediction,
    }
    amounts {
        /// Seconds of audio in that are priced by time (transcription).
        seconds_in,
        /// Seconds of audio out that are priced by time.
        seconds_out,
        /// Seconds of video in the prompt.
        video_seconds_in,
        /// Seconds of video generated.
        video_seconds_out,
        /// Credits of providers that bill in their own unit (OCR).
        credits,
        /// Gigabyte-days of vector storage.
        storage_gb_days,
    }
}

impl Usage {
    /// Everything read from a prompt cache, in tokens.
    #[must_use]
    pub fn total_cache_read(&self) -> u64 {
        self.cache_read.saturating_add(self.cache_read_audio).saturating_add(self.cache_read_image)
    }

    /// Everything written to a prompt cache, in tokens.
    #[must_use]
    pub fn total_cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }

    /// All prompt tokens, cached ones included: `prompt_tokens` of OpenAI.
    #[must_use]
    pub fn total_input(&self) -> u64 {
        [self.total_cache_read(), self.total_cache_write(), self.input_audio, self.input_image, self.input_video]
            .into_iter()
            .fold(self.input_text, u64::saturating_add)
    }

    /// All answer tokens, reasoning included: `completion_tokens` of OpenAI.
    #[must_use]
    pub fn total_output(&self) -> u64 {
        [self.reasoning, self.output_audio, self.output_image, self.output_video]
            .into_iter()
            .fold(self.output_text, u64::saturating_add)
    }

    /// All tokens, in and out, and those that nobody assigned to either: `total_tokens` of OpenAI.
    #[must_use]
    pub fn total_tokens(&self) -> u64 {
        self.total_input().saturating_add(self.total_output()).saturating_add(self.unsplit)
    }

    /// All web searches, whatever their context size.
    #[must_use]
    pub fn web_searches(&self) -> u64 {
        self.web_search_low.saturating_add(self.web_search_medium).saturating_add(self.web_search_high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_contain_every_token_bucket_once() {
        let usage = Usage {
            input_text: 1,
            cache_read: 2,
            cache_read_audio: 4,
            cache_read_image: 8,
            cache_write_5m: 16,
            cache_write_1h: 32,
            input_audio: 64,
            input_image: 128,
            input_video: 256,
            output_text: 1,
            reasoning: 2,
            output_audio: 4,
            output_image: 8,
            output_video: 16,
            unsplit: 1000,
            ..Usage::default()
        };
        assert_eq!((usage.total_input(), usage.total_output(), usage.total_tokens()), (511, 31, 1542));
    }

    #[test]
    fn merge_adds_and_update_takes_the_larger() {
        let start = Usage { input_text: 10, output_text: 1, source: UsageSource::Partial, ..Usage::default() };
        let end = Usage { output_text: 7, source: UsageSource::Reported, ..Usage::default() };
        let mut one_call = start;
        one_call.update(&end);
        assert_eq!((one_call.input_text, one_call.output_text, one_call.source), (10, 7, UsageSource::Reported));
        let mut two_calls = start;
        two_calls.merge(&end);
        assert_eq!((two_calls.input_text, two_calls.output_text, two_calls.source), (10, 8, UsageSource::Partial));
    }

    #[test]
    fn counts_do_not_overflow() {
        let huge = Usage { input_text: u64::MAX, cache_read: 5, ..Usage::default() };
        assert_eq!(huge.total_input(), u64::MAX);
        let mut sum = huge;
        sum.merge(&huge);
        assert_eq!(sum.input_text, u64::MAX);
    }

    #[test]
    fn json_leaves_out_zeros_and_reads_back() {
        let usage = Usage { input_text: 3, service_tier: Some(ServiceTier::Flex), ..Usage::default() };
        let text = serde_json::to_string(&usage).unwrap();
        assert_eq!(text, r#"{"input_text":3,"service_tier":"flex","source":"unknown"}"#);
        assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage);
    }

    #[test]
    fn tiers_are_read_in_every_spelling() {
        assert_eq!(ServiceTier::parse("ON_DEMAND_PRIORITY"), Some(ServiceTier::Priority));
        assert_eq!(ServiceTier::parse("Flex"), Some(ServiceTier::Flex));
        assert_eq!(ServiceTier::parse("auto"), None);
        assert_eq!(InferenceGeo::parse("global"), None);
    }
}
