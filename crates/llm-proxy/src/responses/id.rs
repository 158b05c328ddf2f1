//! Ids of answers as clients see them: `resp_` and, in base64, LiteLLM's `litellm:custom_llm_provider:P;model_id:D;
//! response_id:R` with the owner and a signature behind it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_accounts::Identity;
use llm_types::{Error, Kind, Result};
use llm_wire::ids::{Made, MadeId, decode_made};
use sha2::{Digest, Sha256};

use crate::snapshot::Snapshot;
use crate::usable;

const PREFIX: &str = "resp_";
const START: &str = "litellm:custom_llm_provider:";
const NAMES: [&str; 4] = ["model_id:", "response_id:", "user_id:", "team_id:"];
/// Bytes of the signature.
const SIGNATURE: usize = 16;

/// Signs ids.
#[derive(Clone, Copy)]
pub struct IdKey([u8; 32]);

impl IdKey {
    /// A key of a secret of the gateway.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(Sha256::new().chain_update("ids of responses\0").chain_update(secret).finalize().into())
    }

    /// HMAC-SHA-256, <https://www.rfc-editor.org/rfc/rfc2104>, its first half in hexadecimal.
    fn sign(&self, text: &str) -> String {
        let pad = |with: u8| {
            let mut block = [with; 64];
            block.iter_mut().zip(self.0).for_each(|(b, k)| *b ^= k);
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
        let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        hex::encode(outer.get(..SIGNATURE).unwrap_or_default())
    }
}

impl std::fmt::Debug for IdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdKey(..)")
    }
}

/// What an id says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseId {
    /// The provider's id.
    pub provider: String,
    /// The deployment that answered.
    pub deployment: String,
    /// The upstream's id.
    pub upstream: String,
    /// The user whose key asked.
    pub user: String,
    /// The team whose key asked.
    pub team: String,
}

impl ResponseId {
    /// The id of an answer for a caller.
    #[must_use]
    pub fn of(who: Option<&Identity>, provider: &str, deployment: &str, upstream: &str) -> Self {
        let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            provider: provider.to_owned(),
            deployment: deployment.to_owned(),
            upstream: upstream.to_owned(),
            user: own(who.and_then(Identity::user_id)),
            team: own(who.and_then(Identity::team_id)),
        }
    }

    /// As clients see it.
    #[must_use]
    pub fn encode(&self, key: &IdKey) -> String {
        let values = [&self.deployment, &self.upstream, &self.user, &self.team];
        let mut text = format!("{START}{}", escaped(&self.provider));
        for (name, value) in NAMES.iter().zip(values) {
            text.push(';');
            text.push_str(name);
            text.push_str(&escaped(value));
        }
        let signature = key.sign(&text);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(format!("{text};mac:{signature}")))
    }

    /// Reads an id; nothing for one that was not made with this key.
    #[must_use]
    pub fn decode(id: &str, key: &IdKey) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.strip_prefix(PREFIX)?).ok()?).ok()?;
        let (signed, signature) = text.rsplit_once(";mac:")?;
        if key.sign(signed) != signature {
            return None;
        }
        let mut fields = signed.strip_prefix(START)?.split(';');
        let provider = plain(fields.next()?);
        let mut values = NAMES.iter().map(|name| fields.next()?.strip_prefix(name).map(plain));
        let mut next = || values.next().flatten();
        Some(Self { provider, deployment: next()?, upstream: next()?, user: next()?, team: next()? })
    }

    /// Reads an id that a caller shows: one of ours, or, from administrators and where ids are not looked at
    /// (`disable_responses_id_security`), one that LiteLLM gave out without a signature.
    ///
    /// # Errors
    /// 403 for an id without a signature that names a deployment which the caller may not use.
    pub fn shown(id: &str, snapshot: &Snapshot, who: &Identity) -> Result<Option<Self>> {
        let signed = Self::decode(id, &snapshot.response_key);
        if signed.is_some() || !who.is_admin() && snapshot.settings.response_id_security {
            return Ok(signed);
        }
        let Some(MadeId { provider, deployment, id: upstream }) = decode_made(Made::Response, id) else {
            return Ok(None);
        };
        let there = snapshot.engine.router.deployment(&deployment);
        if let Some(there) = there.filter(|there| usable::name(&snapshot.engine.router, who, there).is_none()) {
            return Err(usable::refused(there, "response_id"));
        }
        let deployment = there.map_or_else(String::new, |there| there.id.to_string());
        Ok(Some(Self { provider, deployment, upstream, ..Self::default() }))
    }

    /// Refuses callers to whom the answer does not belong.
    ///
    /// # Errors
    /// 403, as LiteLLM says it.
    pub fn check(&self, who: &Identity) -> Result<()> {
        if who.is_admin() {
            return Ok(());
        }
        let whose = match () {
            () if !self.user.is_empty() && who.user_id() != Some(self.user.as_str()) => "user",
            () if !self.team.is_empty() && who.team_id() != Some(self.team.as_str()) => "team",
            () => return Ok(()),
        };
        Err(forbidden(&format!(
            "Forbidden. The response id is not associated with the {whose}, who this key belongs to."
        )))
    }
}

/// The refusal of an id.
#[must_use]
pub fn forbidden(why: &str) -> Error {
    let how = "To disable this security feature, set general_settings::disable_responses_id_security to True in the config.yaml file.";
    Error::new(Kind::PermissionDenied, format!("{why} {how}")).with_param("response_id")
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace(';', "%3B")
}

fn plain(text: &str) -> String {
    text.replace("%3B", ";").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_comes_back() {
        let key = IdKey::new("sk-master");
        let id = ResponseId {
            provider: "openai".into(),
            deployment: "east;1%3B".into(),
            upstream: "resp_abc".into(),
            user: "u".into(),
            team: String::new(),
        };
        let text = id.encode(&key);
        assert_eq!(ResponseId::decode(&text, &key), Some(id.clone()));
        assert_eq!(text, id.encode(&key), "the same answer has the same id");
        assert_eq!(ResponseId::decode(&text, &IdKey::new("sk-other")), None);
        let forged = URL_SAFE_NO_PAD.decode(text.trim_start_matches(PREFIX)).unwrap();
        let forged = String::from_utf8(forged).unwrap().replace("user_id:u", "user_id:v");
        assert_eq!(ResponseId::decode(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(forged)), &key), None);
        for none in ["", "resp_", "resp_abc", "chatcmpl-1"] {
            assert_eq!(ResponseId::decode(none, &key), None, "{none}");
        }
    }

    #[test]
    fn what_was_signed_is_no_id_without_a_signature() {
        let id = ResponseId { upstream: "r".into(), ..ResponseId::default() };
        assert_eq!(decode_made(Made::Response, &id.encode(&IdKey::new("k"))), None);
    }

    #[test]
    fn signatures_are_hmac() {
        // RFC 4231, test case 1, with its key in the place of ours.
        let mut key = [0_u8; 32];
        key.iter_mut().take(20).for_each(|b| *b = 0x0b);
        assert_eq!(IdKey(key).sign("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b");
    }
}
