//! One cheap look at the JSON text of messages: which words stand in it that a rule may act on? A word inside a text
//! of the conversation counts too: the look may say yes too often, never no.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;

/// What was seen. Bits, in the order of [`WORDS`], then those that depend on what follows a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen(u32);

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "named like the constants made of them")]
        #[derive(Clone, Copy)]
        enum Word { $($name,)* Count }
        const WORDS: [&str; Word::Count as usize] = [$($word,)*];
        impl Seen {
            $($(#[$doc])* pub(super) const $name: Self = Self(1 << Word::$name as u32);)*
        }
    };
}

words! {
    NULL = "null",
    DEVELOPER = "\"developer\"",
    SYSTEM = "\"system\"",
    TOOL = "\"tool\"",
    ASSISTANT = "\"assistant\"",
    CACHE_CONTROL = "\"cache_control\"",
    NAME = "\"name\"",
    REASONING = "\"reasoning_content\"",
    THINKING_BLOCKS = "\"thinking_blocks\"",
    SPECIFIC = "\"provider_specific_fields\"",
    IMAGE = "\"image_url\"",
    FILE = "\"file\"",
    CONTENT = "\"content\"",
    EMPTY = "\"\"",
    FORMAT = "\"format\"",
    THOUGHT_ID = "__thought__",
}

impl Seen {
    /// A content that is a list.
    pub(super) const CONTENT_LIST: Self = Self(1 << 30);
    /// A picture whose value is a bare text.
    pub(super) const IMAGE_TEXT: Self = Self(1 << 31);
    /// Everything that holds earlier thoughts.
    pub(super) const THOUGHTS: Self = Self(Self::REASONING.0 | Self::THINKING_BLOCKS.0 | Self::SPECIFIC.0);

    /// Looks at a text.
    pub(super) fn of(json: &str) -> Self {
        static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(WORDS).ok());
        let mut seen = 0_u32;
        let Some(finder) = FINDER.as_ref() else { return Self(u32::MAX) };
        for found in finder.find_iter(json) {
            let bit = 1 << found.pattern().as_u32();
            seen |= bit;
            let first = || value_begins(json.as_bytes().get(found.end()..).unwrap_or_default());
            if bit == Self::CONTENT.0 && first() == Some(b'[') {
                seen |= Self::CONTENT_LIST.0;
            } else if bit == Self::IMAGE.0 && first() == Some(b'"') {
                seen |= Self::IMAGE_TEXT.0;
            }
        }
        Self(seen)
    }

    /// One of the given was seen.
    pub(super) const fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

/// The first byte of the value, when what follows is a colon and a value.
fn value_begins(after: &[u8]) -> Option<u8> {
    after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().first().copied()
}

/// True when the text stands anywhere in the JSON.
pub(super) fn has(json: &str, text: &str) -> bool {
    memmem::find(json.as_bytes(), text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_seen_with_what_follows_them() {
        let seen = Seen::of(r#"[{"role":"user","content" : [{"type":"image_url","image_url":"x"}]}]"#);
        assert!(seen.any(Seen::CONTENT) && seen.any(Seen::CONTENT_LIST) && seen.any(Seen::IMAGE_TEXT));
        assert!(!seen.any(Seen::TOOL) && !seen.any(Seen::NULL));
        let object = Seen::of(r#"{"content":"a","image_url":{"url":"x"}}"#);
        assert!(!object.any(Seen::CONTENT_LIST) && !object.any(Seen::IMAGE_TEXT) && object.any(Seen::IMAGE));
    }
}
