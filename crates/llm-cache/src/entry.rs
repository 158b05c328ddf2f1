//! What is stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::CacheError;

/// An answer and when it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Since 1970.
    pub stored: Duration,
    /// The answer: JSON text.
    pub response: Bytes,
}

#[derive(Serialize)]
struct Written<'a> {
    timestamp: f64,
    response: &'a str,
}

#[derive(Deserialize)]
struct Read<'a> {
    timestamp: f64,
    #[serde(borrow)]
    response: &'a RawValue,
}

impl Entry {
    /// An answer given at `now`.
    #[must_use]
    pub fn new(response: Bytes, now: SystemTime) -> Self {
        Self { stored: now.duration_since(UNIX_EPOCH).unwrap_or_default(), response }
    }

    /// How old it is.
    #[must_use]
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(self.stored)
    }

    /// The form in which LiteLLM keeps it in its stores: `{"timestamp": seconds, "response": "JSON text"}`.
    ///
    /// # Errors
    /// When the answer is not text.
    pub fn encode(&self) -> Result<Vec<u8>, CacheError> {
        let response = std::str::from_utf8(&self.response).map_err(|e| CacheError::Value(e.to_string()))?;
        serde_json::to_vec(&Written { timestamp: self.stored.as_secs_f64(), response })
            .map_err(|e| CacheError::Value(e.to_string()))
    }

    /// Reads that form. The answer may also stand there as an object instead of a text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn decode(stored: &[u8]) -> Result<Self, CacheError> {
        let bad = |e: serde_json::Error| CacheError::Value(e.to_string());
        let read: Read<'_> = serde_json::from_slice(stored).map_err(bad)?;
        let raw = read.response.get();
        let response = match llm_types::json::raw_str(raw) {
            Some(text) => Bytes::from(text.into_owned()),
            None => Bytes::copy_from_slice(raw.as_bytes()),
        };
        let stored = Duration::try_from_secs_f64(read.timestamp).map_err(|e| CacheError::Value(e.to_string()))?;
        Ok(Self { stored, response })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_reads_back() {
        let entry = Entry {
            stored: Duration::from_millis(1_700_000_000_250),
            response: Bytes::from_static(br#"{"a":"\n\""}"#),
        };
        let stored = entry.encode().unwrap();
        assert_eq!(
            std::str::from_utf8(&stored).unwrap(),
            r#"{"timestamp":1700000000.25,"response":"{\"a\":\"\\n\\\"\"}"}"#
        );
        assert_eq!(Entry::decode(&stored).unwrap(), entry);
        let object = Entry::decode(br#"{"timestamp": 1.5, "response": {"a": 1}}"#).unwrap();
        assert_eq!(&object.response[..], br#"{"a": 1}"#);
        for bad in [&b"{}"[..], b"x", br#"{"timestamp":-1,"response":""}"#] {
            assert!(Entry::decode(bad).is_err());
        }
        assert_eq!(entry.age(UNIX_EPOCH + Duration::from_secs(1_700_000_010)), Duration::from_millis(9750));
    }
}
