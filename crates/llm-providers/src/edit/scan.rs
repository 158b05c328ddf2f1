//! One cheap look at the JSON text of messages: which words stand in it that a rule may act on? A word inside a text
//! of the conversation counts too: the look may say yes too often, never no.

use std::sync::LazyLock;

use memchr::memchr_iter;
use memchr::memmem::{self, Finder};

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

/// Words without a quote in front, and their bits.
static BARE: LazyLock<Vec<(Finder<'static>, u32)>> = LazyLock::new(|| {
    let all = WORDS.iter().enumerate().filter(|(_, word)| !word.starts_with('"'));
    all.map(|(at, word)| (Finder::new(*word), 1 << at)).collect()
});

/// The words that begin with a quote, by the byte behind it. There are few quotes in a text: to go from one to the next costs
/// a tenth of what an automaton of all words costs.
#[allow(clippy::indexing_slicing, reason = "what is out of bounds here does not compile")]
const QUOTED: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < WORDS.len() {
        if let [b'"', second, ..] = WORDS[at].as_bytes() {
            table[*second as usize] |= 1 << at;
        }
        at += 1;
    }
    table
};

/// The word that a text begins with, whose second byte is known.
fn quoted(second: u8, text: &[u8]) -> Option<(usize, &'static str)> {
    let mut left = QUOTED.get(usize::from(second)).copied().unwrap_or_default();
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        if let Some(word) = WORDS.get(at).filter(|word| text.starts_with(word.as_bytes())) {
            return Some((at, word));
        }
        left &= left - 1;
    }
    None
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
        let bytes = json.as_bytes();
        let mut seen =
            BARE.iter().filter(|(finder, _)| finder.find(bytes).is_some()).fold(0, |all, (_, bit)| all | bit);
        for quote in memchr_iter(b'"', bytes) {
            let rest = bytes.get(quote..).unwrap_or_default();
            let Some((at, word)) = rest.get(1).and_then(|second| quoted(*second, rest)) else { continue };
            let bit = Self(1 << at);
            seen |= bit.0;
            let first = || value_begins(rest.get(word.len()..).unwrap_or_default());
            if bit == Self::CONTENT && first() == Some(b'[') {
                seen |= Self::CONTENT_LIST.0;
            } else if bit == Self::IMAGE && first() == Some(b'"') {
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

    #[test]
    fn every_word_is_seen_and_nothing_else() {
        for (at, word) in WORDS.iter().enumerate() {
            for text in [format!("[{word}]"), format!("{{{word}:1}}")] {
                assert_eq!(Seen::of(&text).0, 1 << at, "{text}");
            }
            let cut = word.get(..word.len() - 1).unwrap();
            assert_eq!(Seen::of(&format!("{cut}-")), Seen::default(), "{cut}");
        }
    }
}
