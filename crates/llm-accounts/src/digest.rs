//! Keys as SHA-256, and how keys are shown to people.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// SHA-256 of a whole key, `sk-` included: what is stored, looked up and logged instead of the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut out = [0; 32];
        hex::decode_to_slice(text, &mut out).ok()?;
        Some(Self(out))
    }

    /// What management calls mean by a key: a key itself, or its digest as hex.
    #[must_use]
    pub fn of_key_or_hash(text: &str) -> Self {
        if text.starts_with("sk-") { Self::of(text) } else { Self::from_hex(text).unwrap_or_else(|| Self::of(text)) }
    }

    /// 64 lowercase hex digits, as in the `token` column.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Compares in constant time.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A digest is random already: eight of its bytes are the hash.
        let word = self.0.first_chunk::<8>().copied().map_or(0, u64::from_le_bytes);
        state.write_u64(word);
    }
}

/// Takes the one word that [`KeyDigest`] gives.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        // Only words are ever written; anything else still gives a usable hash.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// Builds [`WordHasher`].
pub(crate) type ByDigest = BuildHasherDefault<WordHasher>;

/// A new key: `sk-` and 16 random bytes as 22 characters of URL-safe base64.
pub(crate) fn new_key() -> String {
    let mut bytes = [0_u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    format!("sk-{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// How a key is shown: `sk-...` and its last four characters, which short keys keep to themselves.
#[must_use]
pub(crate) fn masked(key: &str) -> String {
    let tail = if key.chars().count() < 16 { "" } else { last(key, 4) };
    format!("sk-...{tail}")
}

/// How a rejected key is shown: its first and last four characters, when enough stays hidden.
pub(crate) fn abbreviated(key: &str) -> String {
    if key.chars().count() < 16 {
        return "...".to_owned();
    }
    let head = key.char_indices().nth(4).map_or(key, |(at, _)| key.get(..at).unwrap_or_default());
    format!("{head}...{}", last(key, 4))
}

fn last(text: &str, count: usize) -> &str {
    let at = text.char_indices().rev().nth(count.saturating_sub(1)).map_or(0, |(at, _)| at);
    text.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha256sum() {
        for (key, wanted) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("sk-1234", "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let digest = KeyDigest::of(key);
            assert_eq!(digest.hex(), wanted);
            assert_eq!(KeyDigest::from_hex(wanted), Some(digest));
            assert!(digest.same(&KeyDigest::of_key_or_hash(wanted)), "a hash means itself");
        }
        assert!(KeyDigest::of_key_or_hash("sk-1234").same(&KeyDigest::of("sk-1234")));
        assert!(KeyDigest::from_hex("88dc").is_none());
    }

    #[test]
    fn new_keys_have_litellms_form() {
        let key = new_key();
        assert_eq!(key.len(), 25);
        assert!(key.starts_with("sk-") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_ne!(key, new_key());
    }

    #[test]
    fn keys_are_shown_in_part() {
        assert_eq!(masked("sk-0123456789abcdef"), "sk-...cdef");
        assert_eq!(masked("sk-1234"), "sk-...");
        assert_eq!(abbreviated("sk-0123456789abcdef"), "sk-0...cdef");
        assert_eq!(abbreviated("äöüäöüäöüäöüäöüäöü"), "äöüä...üäöü");
        assert_eq!(abbreviated("short"), "...");
    }
}
