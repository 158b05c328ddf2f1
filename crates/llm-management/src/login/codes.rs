//! Codes that stand for a token once, for a minute.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_accounts::{Accounts, Outcome};
use rand::Rng as _;

/// How long a code is good.
pub(super) const SECONDS: u64 = 60;

/// 32 random bytes as text.
pub(super) fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A code for a token.
///
/// # Errors
/// When the token cannot be kept.
pub(super) async fn keep(accounts: &Accounts, token: &str) -> Outcome<String> {
    let code = random();
    accounts.deposit(&code, token, Duration::from_secs(SECONDS)).await?;
    Ok(code)
}
