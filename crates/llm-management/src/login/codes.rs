//! Codes that stand for a token once, for a minute. They are this gateway's own: another does not know them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_accounts::{KeyDigest, Outcome};
use llm_types::{Error, Kind};
use parking_lot::Mutex;
use rand::Rng as _;

/// How long a code is good.
pub(super) const SECONDS: u64 = 60;
/// Codes at the same time at the most.
const MOST: usize = 10_000;

/// 32 random bytes as text.
pub(super) fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The codes that were told and not used. Kept by their digest, so that looking one up tells nothing of others.
#[derive(Debug, Default)]
pub(crate) struct Codes(Mutex<HashMap<KeyDigest, (Instant, String)>>);

impl Codes {
    /// A code for a token.
    ///
    /// # Errors
    /// 503 when too many wait to be used.
    pub(super) fn keep(&self, token: String) -> Outcome<String> {
        let (now, code) = (Instant::now(), random());
        let mut codes = self.0.lock();
        codes.retain(|_, (until, _)| *until > now);
        if codes.len() >= MOST {
            return Err(Error::new(Kind::Unavailable, "Too many logins at once. Try again later.").into());
        }
        codes.insert(KeyDigest::of(&code), (now + Duration::from_secs(SECONDS), token));
        Ok(code)
    }

    /// The token of a code, which is used up.
    pub(super) fn take(&self, code: &str) -> Option<String> {
        let (until, token) = self.0.lock().remove(&KeyDigest::of(code))?;
        (until > Instant::now()).then_some(token)
    }
}
