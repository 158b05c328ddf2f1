//! Secrets at rest, as LiteLLM writes them, so that both can use one database.
//!
//! The key is the SHA-256 of the salt key (`LITELLM_SALT_KEY`, else the master key). Two formats are read: NaCl's secret
//! box (XSalsa20-Poly1305, the nonce in front, base64) and `v2:gcm:` (AES-256-GCM, the nonce in front, base64). Which one
//! is written is a setting (`encryption_algorithm`).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key, XSalsa20Poly1305};
use llm_types::{Error, Json, RawJson, Result};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

/// Stands in front of the newer format.
const GCM: &str = "v2:gcm:";

const BOX_NONCE: usize = 24;
const GCM_NONCE: usize = 12;

/// LiteLLM pads; older rows and people do not always.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// In which format secrets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub enum SealFormat {
    /// NaCl's secret box: LiteLLM's default.
    #[default]
    #[serde(rename = "xsalsa20-poly1305")]
    SecretBox,
    /// `v2:gcm:`.
    #[serde(rename = "aes-256-gcm")]
    Gcm,
}

/// Seals and opens secrets of the database.
#[derive(Clone)]
pub struct Seal {
    key: [u8; 32],
    format: SealFormat,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Seal {
    /// The seal of a salt key.
    #[must_use]
    pub fn new(salt_key: &str, format: SealFormat) -> Self {
        Self { key: Sha256::digest(salt_key.as_bytes()).into(), format }
    }

    /// True for a text in the newer format, whoever sealed it.
    #[must_use]
    pub fn is_newer(text: &str) -> bool {
        text.starts_with(GCM)
    }

    /// Seals a text.
    ///
    /// # Errors
    /// When the text is longer than the cipher takes (gigabytes).
    pub fn seal(&self, text: &str) -> Result<String> {
        match self.format {
            SealFormat::SecretBox => self.seal_box(text.as_bytes()),
            SealFormat::Gcm => self.seal_gcm(text.as_bytes()),
        }
        .ok_or_else(|| Error::internal("a secret cannot be encrypted"))
    }

    fn seal_box(&self, text: &[u8]) -> Option<String> {
        let mut nonce = [0_u8; BOX_NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let sealed = XSalsa20Poly1305::new(&Key::from(self.key)).encrypt(&nonce.into(), text).ok()?;
        Some(BASE64.encode([&nonce, sealed.as_slice()].concat()))
    }

    fn seal_gcm(&self, text: &[u8]) -> Option<String> {
        let mut nonce = [0_u8; GCM_NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = text.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.gcm()?.seal_in_place_append_tag(unique, Aad::empty(), &mut sealed).ok()?;
        Some(format!("{GCM}{}", BASE64.encode([&nonce, sealed.as_slice()].concat())))
    }

    fn gcm(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.key).ok().map(LessSafeKey::new)
    }

    /// Opens a text that was sealed with this key; nothing when it was not sealed, or with another key.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<String> {
        let bytes = match sealed.strip_prefix(GCM) {
            Some(rest) => {
                let bytes = decode(rest)?;
                let (nonce, body) = bytes.split_first_chunk::<GCM_NONCE>()?;
                let mut body = body.to_vec();
                let opened =
                    self.gcm()?.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut body).ok()?;
                opened.to_vec()
            }
            None => {
                let bytes = decode(sealed)?;
                let (nonce, body) = bytes.split_first_chunk::<BOX_NONCE>()?;
                XSalsa20Poly1305::new(&Key::from(self.key)).decrypt(&(*nonce).into(), body).ok()?
            }
        };
        String::from_utf8(bytes).ok()
    }

    /// Seals the texts of an object, one by one; other values stay as they are.
    ///
    /// # Errors
    /// As [`Seal::seal`].
    pub fn seal_fields(&self, object: &Json) -> Result<Json> {
        let fields = object.as_object().unwrap_or_default().iter();
        let sealed = fields.map(|(name, value)| {
            let value = value.as_str().map_or_else(|| Ok(value.clone()), |text| self.seal(text).map(Json::from))?;
            Ok((name.clone(), value))
        });
        Ok(Json::Object(sealed.collect::<Result<_>>()?))
    }

    /// Opens the texts of an object, one by one. A text that cannot be opened stays as it is: it may never have been sealed.
    #[must_use]
    pub fn open_fields(&self, object: &Json) -> Json {
        let open = |(name, value): &(String, Json)| {
            let opened = value.as_str().and_then(|text| self.open(text)).map(Json::from);
            (name.clone(), opened.unwrap_or_else(|| value.clone()))
        };
        Json::Object(object.as_object().unwrap_or_default().iter().map(open).collect())
    }
}

/// The fields of a column, their texts opened; as they are where nothing is sealed.
pub(crate) fn opened(seal: Option<&Seal>, column: &RawJson) -> Json {
    let fields: Json = column.read().unwrap_or_default();
    match seal {
        Some(seal) => seal.open_fields(&fields),
        None => fields,
    }
}

/// Both alphabets of base64.
fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('+', "-").replace('/', "_")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Sealed by PyNaCl 1.6 and Python's cryptography for the salt key `sk-salt-0123456789`.
    const BOX: &str = "A2dBPlIBMQIjCM8YXPoPp3QVd_v1P-VQsq_JrjEummaIjf-Kk_C9GWK0_WDb0k17dOTVBzep8uG9DA==";
    const BOX_STANDARD: &str = "A2dBPlIBMQIjCM8YXPoPp3QVd/v1P+VQsq/JrjEummaIjf+Kk/C9GWK0/WDb0k17dOTVBzep8uG9DA==";
    const GCM_TEXT: &str = "v2:gcm:7rsU8t9PEFZiT0NdzrWQEWysah1RS2-Jyt_ssOiBsThWoQFZVPy4bwtRXVXLiA==";

    #[test]
    fn what_others_sealed_is_opened() {
        let seal = Seal::new("sk-salt-0123456789", SealFormat::SecretBox);
        for sealed in [BOX, BOX_STANDARD, GCM_TEXT, BOX.trim_end_matches('=')] {
            assert_eq!(seal.open(sealed).as_deref(), Some("sk-upstream-key ü"), "{sealed}");
        }
        let other = Seal::new("sk-other", SealFormat::SecretBox);
        for text in [BOX, GCM_TEXT] {
            assert_eq!(other.open(text), None);
        }
        for text in ["", "sk-plain", "v2:gcm:", "v2:gcm:AAAA", "gpt-4o", &BOX[4..]] {
            assert_eq!(seal.open(text), None, "{text}");
        }
    }

    #[test]
    fn fields_go_and_come_back() {
        for format in [SealFormat::SecretBox, SealFormat::Gcm] {
            let seal = Seal::new("salt", format);
            let params: Json = serde_json::from_str(r#"{"model":"a/b","api_key":"","rpm":5,"tags":["x"]}"#).unwrap();
            let sealed = seal.seal_fields(&params).unwrap();
            assert_ne!(sealed.get("model"), params.get("model"));
            assert_eq!(sealed.get("tags"), params.get("tags"));
            assert_eq!(seal.open_fields(&sealed), params);
            assert_ne!(seal.seal("x").unwrap(), seal.seal("x").unwrap(), "every nonce is another one");
        }
    }
}
