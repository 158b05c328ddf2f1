//! Counting tokens locally, for when an upstream does not report usage, for limits reserved before a call, and for the
//! token counting endpoints.
//!
//! Exact for OpenAI's models; for others it is an estimate with OpenAI's vocabularies, as LiteLLM makes it. The
//! vocabularies come with the feature `tokenizer` and are loaded when first used (some 0.2 s).

mod image;
#[cfg(feature = "tokenizer")]
mod messages;
#[cfg(feature = "tokenizer")]
mod tools;

pub use image::{DEFAULT_IMAGE_TOKENS, Detail, image_tokens, image_tokens_sized};
#[cfg(feature = "tokenizer")]
pub use messages::{CountError, MessageOptions, count_messages};

/// One of OpenAI's vocabularies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `cl100k_base`: GPT-3.5, GPT-4, and the estimate for everybody else.
    Cl100k,
    /// `o200k_base`: GPT-4o and later, the o series.
    O200k,
}

impl Encoding {
    /// The vocabulary of a model, going by the last segment of its name.
    #[must_use]
    pub fn of(model: &str) -> Self {
        const O200K: [&str; 8] =
            ["gpt-4o", "gpt-4.1", "gpt-4.5", "chatgpt-4o", "gpt-oss", "codex", "computer-use", "o200k"];
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.strip_prefix("ft:").or_else(|| name.strip_prefix("openai.")).unwrap_or(name);
        let numbered = |prefix: &str, from: u8| {
            name.strip_prefix(prefix).and_then(|rest| rest.bytes().next()).is_some_and(|b| (from..=b'9').contains(&b))
        };
        if name.contains("gpt-4o")
            || O200K.iter().any(|prefix| name.starts_with(prefix))
            || numbered("gpt-", b'5')
            || numbered("o", b'1')
        {
            Self::O200k
        } else {
            Self::Cl100k
        }
    }

    /// Counts the tokens of a text. Special tokens in it are counted as the text they are.
    #[cfg(feature = "tokenizer")]
    #[must_use]
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Cl100k => bpe_openai::cl100k_base().count(text),
            Self::O200k => bpe_openai::o200k_base().count(text),
        }
    }

    /// The text of tokens. `None` when they are not tokens of this vocabulary, or no text.
    #[cfg(feature = "tokenizer")]
    #[must_use]
    pub fn decode(self, tokens: &[u32]) -> Option<String> {
        let tokenizer = match self {
            Self::Cl100k => bpe_openai::cl100k_base(),
            Self::O200k => bpe_openai::o200k_base(),
        };
        tokenizer.decode(tokens)
    }

    /// Without a vocabulary no token has a text.
    #[cfg(not(feature = "tokenizer"))]
    #[must_use]
    pub fn decode(self, _tokens: &[u32]) -> Option<String> {
        None
    }
}

/// Counts the tokens of a text for a model.
#[cfg(feature = "tokenizer")]
#[must_use]
pub fn count(model: &str, text: &str) -> usize {
    Encoding::of(model).count(text)
}

/// A rough count without a vocabulary: a token per four bytes, at least one for a text that is not empty.
#[must_use]
pub fn estimate(text: &str) -> usize {
    text.len().div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabularies_by_name() {
        for (model, encoding) in [
            ("gpt-4o-mini", Encoding::O200k),
            ("openai/gpt-5.1", Encoding::O200k),
            ("azure/o3-mini", Encoding::O200k),
            ("ft:gpt-4o-mini:org:x:y", Encoding::O200k),
            ("gpt-4", Encoding::Cl100k),
            ("gpt-3.5-turbo", Encoding::Cl100k),
            ("claude-opus-4-6", Encoding::Cl100k),
            ("ollama/llama3", Encoding::Cl100k),
        ] {
            assert_eq!(Encoding::of(model), encoding, "{model}");
        }
    }

    #[cfg(feature = "tokenizer")]
    #[test]
    fn texts_are_counted() {
        // Counts published in OpenAI's cookbook for this text.
        assert_eq!(count("gpt-4", "antidisestablishmentarianism"), 6);
        assert_eq!(count("gpt-4o", "antidisestablishmentarianism"), 6);
        assert_eq!(count("gpt-4", "2 + 2 = 4"), 7);
        assert_eq!(count("gpt-4", ""), 0);
    }
}
