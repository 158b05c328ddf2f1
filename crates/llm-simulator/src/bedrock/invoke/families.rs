//! Whose model an id names, and how those that continue a text write it.

use crate::service::Call;

use super::frames;

/// Who made a model.
#[derive(Debug, Clone, Copy)]
pub(super) enum Maker {
    Anthropic,
    Nova,
    Text(&'static Family),
    TitanEmbed,
    CohereEmbed,
    AmazonImages,
    StabilityXl,
    Stability,
}

/// Models that are told a text, or messages, and answer with one text.
#[derive(Debug)]
pub(super) struct Family {
    /// Pieces of ids.
    names: &'static [&'static str],
    /// Where the text is: a JSON pointer.
    pub(super) prompt: &'static str,
    /// Where its limit is.
    pub(super) limit: &'static str,
    pub(super) stops: &'static str,
    /// Fields of the body; another is an error.
    pub(super) fields: &'static [&'static str],
    /// The whole reply, a piece of a stream, its end. `None`: the models do not stream.
    pub(super) whole: &'static str,
    pub(super) pieces: Option<(&'static str, &'static str)>,
    /// Words for an answer that is complete, and for one that reached its limit.
    pub(super) finish: (&'static str, &'static str),
}

/// Ids by their pieces; the first that fits.
const MAKERS: &[(&str, Maker)] = &[
    ("titan-embed", Maker::TitanEmbed),
    ("cohere.embed", Maker::CohereEmbed),
    ("nova-canvas", Maker::AmazonImages),
    ("titan-image", Maker::AmazonImages),
    ("stability.stable-diffusion-xl", Maker::StabilityXl),
    ("stability.", Maker::Stability),
    ("anthropic.", Maker::Anthropic),
    ("nova", Maker::Nova),
];

static FAMILIES: &[Family] = &[
    Family {
        names: &["titan-text", "titan-tg1"],
        prompt: "/inputText",
        limit: "/textGenerationConfig/maxTokenCount",
        stops: "/textGenerationConfig/stopSequences",
        fields: &["inputText", "textGenerationConfig"],
        whole: frames::TITAN,
        pieces: Some((frames::TITAN_PIECE, frames::TITAN_END)),
        finish: ("FINISH", "LENGTH"),
    },
    Family {
        names: &["mistral.", "mixtral"],
        prompt: "/prompt",
        limit: "/max_tokens",
        stops: "/stop",
        fields: &["max_tokens", "prompt", "stop", "temperature", "top_k", "top_p"],
        whole: frames::MISTRAL,
        pieces: Some((frames::MISTRAL_PIECE, frames::MISTRAL_END)),
        finish: ("stop", "length"),
    },
    Family {
        names: &["cohere.command-r"],
        prompt: "/message",
        limit: "/max_tokens",
        stops: "/stop_sequences",
        fields: &[
            "chat_history",
            "documents",
            "force_single_step",
            "frequency_penalty",
            "k",
            "max_tokens",
            "message",
            "p",
            "preamble",
            "presence_penalty",
            "prompt_truncation",
            "raw_prompting",
            "return_prompt",
            "search_queries_only",
            "seed",
            "stop_sequences",
            "temperature",
            "tool_results",
            "tools",
        ],
        whole: frames::COMMAND_R,
        pieces: Some((frames::COMMAND_R_PIECE, frames::COMMAND_R_END)),
        finish: ("COMPLETE", "MAX_TOKENS"),
    },
    Family {
        names: &["cohere.command"],
        prompt: "/prompt",
        limit: "/max_tokens",
        stops: "/stop_sequences",
        fields: &[
            "k",
            "logit_bias",
            "max_tokens",
            "num_generations",
            "p",
            "prompt",
            "return_likelihoods",
            "stop_sequences",
            "stream",
            "temperature",
            "truncate",
        ],
        whole: frames::COMMAND,
        pieces: Some((frames::COMMAND_PIECE, frames::COMMAND_END)),
        finish: ("COMPLETE", "MAX_TOKENS"),
    },
    Family {
        names: &["ai21.j2"],
        prompt: "/prompt",
        limit: "/maxTokens",
        stops: "/stopSequences",
        fields: &[
            "countPenalty",
            "frequencyPenalty",
            "maxTokens",
            "numResults",
            "presencePenalty",
            "prompt",
            "stopSequences",
            "temperature",
            "topP",
        ],
        whole: frames::JURASSIC,
        pieces: None,
        finish: ("endoftext", "length"),
    },
    Family {
        names: &["deepseek.r1"],
        prompt: "/prompt",
        limit: "/max_tokens",
        stops: "/stop",
        fields: &["max_tokens", "prompt", "stop", "temperature", "top_p"],
        whole: frames::DEEPSEEK,
        pieces: Some((frames::DEEPSEEK_PIECE, frames::DEEPSEEK_END)),
        finish: ("stop", "length"),
    },
    Family {
        names: &["jamba", "openai."],
        prompt: "/messages",
        limit: "/max_tokens",
        stops: "/stop",
        fields: &[
            "documents",
            "frequency_penalty",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "n",
            "presence_penalty",
            "reasoning_effort",
            "response_format",
            "stop",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_p",
        ],
        whole: frames::CHAT,
        pieces: Some((frames::CHAT_PIECE, frames::CHAT_END)),
        finish: ("stop", "length"),
    },
    // imported models are asked in Llama's words, so it is the last
    Family {
        names: &["meta.llama", "imported-model"],
        prompt: "/prompt",
        limit: "/max_gen_len",
        stops: "/stop",
        fields: &["images", "max_gen_len", "prompt", "temperature", "top_p"],
        whole: frames::LLAMA,
        pieces: Some((frames::LLAMA_PIECE, frames::LLAMA_END)),
        finish: ("stop", "length"),
    },
];

pub(super) fn maker(call: &Call<'_>) -> Maker {
    let id = call.route.model.as_deref().unwrap_or_default();
    let known = MAKERS.iter().find(|(piece, _)| id.contains(piece)).map(|(_, maker)| *maker);
    let family = || FAMILIES.iter().find(|family| family.names.iter().any(|name| id.contains(name)));
    known.or_else(|| family().map(Maker::Text)).unwrap_or(Maker::Anthropic)
}
