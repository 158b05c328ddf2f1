//! What the id of a model tells: `us.anthropic.claude-opus-4-5-20251101-v1:0`, an ARN, or a route before either.

/// Who made a model: bodies and parameters differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Anthropic's Claude.
    Claude,
    /// Amazon Nova.
    Nova,
    /// Amazon Nova 2, which thinks.
    Nova2,
    /// Amazon Titan.
    Titan,
    /// Meta's Llama.
    Llama,
    /// Mistral's models.
    Mistral,
    /// Cohere's Command R and later.
    CommandR,
    /// Cohere's first Command, which continues a text.
    Command,
    /// AI21's Jurassic, which continues a text.
    Jurassic,
    /// AI21's Jamba.
    Jamba,
    /// DeepSeek R1.
    DeepSeekR1,
    /// DeepSeek's other models.
    DeepSeek,
    /// OpenAI's open models.
    GptOss,
    /// OpenAI's GPT-5 and later.
    Gpt,
    /// xAI's Grok.
    Grok,
    /// Moonshot's Kimi.
    Kimi,
    /// Alibaba's Qwen.
    Qwen,
    /// Any other.
    Other,
}

/// Geographic inference profiles.
const GEOS: [&str; 9] = ["us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global.", "sa."];

/// Pieces of names, first match wins.
const PIECES: [(&str, Family); 23] = [
    ("nova-2", Family::Nova2),
    ("nova", Family::Nova),
    ("anthropic.", Family::Claude),
    ("claude", Family::Claude),
    ("titan", Family::Titan),
    ("llama", Family::Llama),
    ("mistra", Family::Mistral),
    ("mixtral", Family::Mistral),
    ("command-r", Family::CommandR),
    ("command", Family::Command),
    ("ai21.j2", Family::Jurassic),
    ("jamba", Family::Jamba),
    ("deepseek_r1", Family::DeepSeekR1),
    ("deepseek.r1", Family::DeepSeekR1),
    ("deepseek-r1", Family::DeepSeekR1),
    ("deepseek.", Family::DeepSeek),
    ("deepseek-", Family::DeepSeek),
    ("gpt-oss", Family::GptOss),
    ("openai.gpt-", Family::Gpt),
    ("grok", Family::Grok),
    ("kimi", Family::Kimi),
    ("moonshot.", Family::Kimi),
    ("qwen", Family::Qwen),
];

impl Family {
    /// The family that an id, or a route before it (`nova/arn:...`), tells.
    #[must_use]
    pub fn of(model: &str) -> Self {
        PIECES.iter().find(|(piece, _)| model.contains(piece)).map_or(Self::Other, |(_, family)| *family)
    }
}

/// The id without the geography of its inference profile.
#[must_use]
pub fn without_geo(model: &str) -> &str {
    GEOS.iter().find_map(|geo| model.strip_prefix(geo)).unwrap_or(model)
}

/// The region of an ARN (`arn:aws:bedrock:us-east-1:...`).
#[must_use]
pub fn arn_region(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|r| !r.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_name() {
        for (id, family) in [
            ("us.anthropic.claude-opus-4-5-20251101-v1:0", Family::Claude),
            ("amazon.nova-pro-v1:0", Family::Nova),
            ("us.amazon.nova-2-lite-v1:0", Family::Nova2),
            ("nova/arn:aws:bedrock:us-east-1:1:custom-model-deployment/x", Family::Nova),
            ("meta.llama3-8b-instruct-v1:0", Family::Llama),
            ("mistral.mistral-7b-instruct-v0:2", Family::Mistral),
            ("cohere.command-r-plus-v1:0", Family::CommandR),
            ("cohere.command-text-v14", Family::Command),
            ("us.deepseek.r1-v1:0", Family::DeepSeekR1),
            ("deepseek.v3-v1:0", Family::DeepSeek),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("us.openai.gpt-5.4", Family::Gpt),
            ("ai21.jamba-1-5-large-v1:0", Family::Jamba),
            ("writer.palmyra-x4-v1:0", Family::Other),
        ] {
            assert_eq!(Family::of(id), family, "{id}");
        }
        assert_eq!(without_geo("us-gov.anthropic.claude"), "anthropic.claude");
        assert_eq!(without_geo("anthropic.claude"), "anthropic.claude");
        assert_eq!(arn_region("arn:aws:bedrock:eu-west-1:1:x/y"), Some("eu-west-1"));
        assert_eq!(arn_region("amazon.nova"), None);
    }
}
