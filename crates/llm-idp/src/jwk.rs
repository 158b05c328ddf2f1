//! Public keys as issuers publish them (RFC 7517, 7518, 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::jws::Algorithm;

/// Keys of a set that are looked at.
const MOST_KEYS: usize = 200;

/// What a key is made of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Points of curves, uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id, if it has one.
    pub kid: Option<String>,
    alg: Option<Algorithm>,
    pub(crate) material: Material,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

impl Key {
    /// True when this key may have made a signature of this algorithm: by its kind, and by what its issuer says of it.
    #[must_use]
    pub fn may_sign(&self, algorithm: Algorithm) -> bool {
        self.alg.is_none_or(|own| own == algorithm) && algorithm.suits(&self.material)
    }
}

/// The keys that an issuer publishes. Keys for encryption, symmetric ones and kinds that are not known are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Published {
    fn key(self) -> Option<Key> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs {
            return None;
        }
        let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?.trim_end_matches('=')).ok();
        let number = |text: &Option<String>| {
            let bytes = bytes(text)?;
            let from = bytes.iter().position(|b| *b != 0)?;
            bytes.get(from..).map(<[u8]>::to_vec)
        };
        // An uncompressed point; coordinates may come without their leading zeros.
        let point = |length: usize| {
            let (x, y) = (number(&self.x)?, number(&self.y)?);
            let pad = |c: &[u8]| length.checked_sub(c.len()).map(|n| vec![0; n]);
            Some([vec![4], pad(&x)?, x, pad(&y)?, y].concat())
        };
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: number(&self.n)?, e: number(&self.e)? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("EC", Some("P-521")) => Material::P521(point(66)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(&self.x).filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let alg = match self.alg.as_deref() {
            None => None,
            Some(name) => Some(Algorithm::parse(name)?),
        };
        Some(Key { kid: self.kid, alg, material })
    }
}

impl KeySet {
    /// Reads a published key set; one key alone counts as a set.
    ///
    /// # Errors
    /// When the document is neither. A key that cannot be read is left out.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Document {
            Set { keys: Vec<serde_json::Value> },
            One(Box<Published>),
        }
        let document = serde_json::from_slice(document).map_err(|_| "the document is no key set".to_owned())?;
        let keys = match document {
            Document::Set { keys } => {
                let readable = keys.into_iter().take(MOST_KEYS);
                readable.filter_map(|key| serde_json::from_value::<Published>(key).ok()?.key()).collect()
            }
            Document::One(key) => key.key().into_iter().collect(),
        };
        Ok(Self(keys))
    }

    /// The key for a token: the one with its key id, else, when it names none, the only one that suits.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut suits = self.0.iter().filter(|key| key.may_sign(algorithm));
        match kid {
            Some(kid) => suits.find(|key| key.kid.as_deref() == Some(kid)),
            None => suits.next().filter(|_| suits.next().is_none()),
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
