//! What token endpoints answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_types::{Error, Kind, Result, Secret};
use serde::Deserialize;

use crate::shelf::Issued;

/// From here on a number of seconds since 1970 is one of milliseconds.
const MILLISECONDS: f64 = 1e11;

/// The answer of RFC 6749, with the other names that hosts use. Numbers may be written as texts.
#[derive(Deserialize)]
pub(crate) struct TokenReply {
    access_token: Option<Secret>,
    /// GigaChat's names, with a person's password.
    tok: Option<Secret>,
    exp: Option<Number>,
    expires_in: Option<Number>,
    /// GigaChat, in milliseconds.
    expires_at: Option<Number>,
    /// Azure's managed identities.
    expires_on: Option<Number>,
    /// IBM.
    expiration: Option<Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(f64),
    Text(String),
}

impl Number {
    fn value(&self) -> Option<f64> {
        let value = match self {
            Number::Number(value) => Some(*value),
            Number::Text(text) => text.trim().parse().ok(),
        };
        value.filter(|value| value.is_finite() && *value > 0.0)
    }
}

impl TokenReply {
    /// The token and its end. A relative end counts from `now`, and wins: the issuer's clock may differ from ours.
    pub(crate) fn issued(self, who: &str, now: SystemTime) -> Result<Issued<Secret>> {
        let relative = self.expires_in.as_ref().and_then(Number::value).map(|seconds| now + duration(seconds));
        let absolute = [&self.expires_at, &self.expires_on, &self.expiration, &self.exp];
        let absolute = absolute.into_iter().flatten().find_map(Number::value).map(moment);
        let token = self.access_token.or(self.tok).filter(|token| !token.is_empty());
        let missing = || Error::new(Kind::InvalidReply, format!("{who} answered without a token"));
        Ok(Issued { value: token.ok_or_else(missing)?, expires: relative.or(absolute) })
    }
}

fn moment(number: f64) -> SystemTime {
    UNIX_EPOCH + duration(if number > MILLISECONDS { number / 1000.0 } else { number })
}

/// Nobody issues tokens for longer than a century; a nonsensical number must not overflow the clock.
fn duration(seconds: f64) -> Duration {
    Duration::from_millis((seconds.min(3.2e9) * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(body: &str) -> Option<u64> {
        let reply: TokenReply = serde_json::from_str(body).unwrap();
        let issued = reply.issued("the issuer", UNIX_EPOCH + Duration::from_secs(1000)).unwrap();
        assert_eq!(issued.value.expose(), "t");
        issued.expires.map(|end| end.duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn every_way_to_say_when_it_ends() {
        for (body, expected) in [
            (r#"{"access_token":"t","expires_in":3599,"token_type":"Bearer"}"#, Some(4599)),
            (r#"{"access_token":"t","expires_in":"3599"}"#, Some(4599)),
            (r#"{"access_token":"t","expires_at":1767323045123}"#, Some(1_767_323_045)),
            (r#"{"tok":"t","exp":1767323045}"#, Some(1_767_323_045)),
            (r#"{"access_token":"t","expires_on":"1767323045"}"#, Some(1_767_323_045)),
            (r#"{"access_token":"t","expires_in":10,"expiration":1767323045}"#, Some(1010)),
            (r#"{"access_token":"t","expires_on":"1/2/2026 3:04:05 AM +00:00"}"#, None),
            (r#"{"access_token":"t","expires_in":-5}"#, None),
            (r#"{"access_token":"t"}"#, None),
        ] {
            assert_eq!(end(body), expected, "{body}");
        }
    }

    #[test]
    fn no_token_is_no_answer() {
        let reply: TokenReply = serde_json::from_str(r#"{"access_token":""}"#).unwrap();
        assert_eq!(reply.issued("the issuer", UNIX_EPOCH).unwrap_err().kind, Kind::InvalidReply);
    }
}
