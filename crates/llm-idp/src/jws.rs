//! The parts of a signed token (RFC 7515, compact form), and which algorithm goes with which key.

use aws_lc_rs::signature as sig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::jwk::Material;
use crate::{Key, Refused};

/// Longer tokens are not looked at, in bytes.
const LONGEST: usize = 64 << 10;
/// Longer key ids are not looked at, in bytes.
const LONGEST_KID: usize = 1 << 10;

/// An algorithm of RFC 7518 and 8037 with a public key. There is no `none` and no HMAC: what is not here cannot verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the standard's
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

impl Algorithm {
    /// The algorithm of this name, exactly as the standard writes it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::RS256,
            "RS384" => Self::RS384,
            "RS512" => Self::RS512,
            "PS256" => Self::PS256,
            "PS384" => Self::PS384,
            "PS512" => Self::PS512,
            "ES256" => Self::ES256,
            "ES384" => Self::ES384,
            "ES512" => Self::ES512,
            "EdDSA" | "Ed25519" => Self::EdDSA,
            _ => return None,
        })
    }

    /// Whether a key of this kind can have made such a signature.
    pub(crate) const fn suits(self, material: &Material) -> bool {
        matches!(
            (self, material),
            (Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512, Material::Rsa { .. })
                | (Self::ES256, Material::P256(_))
                | (Self::ES384, Material::P384(_))
                | (Self::ES512, Material::P521(_))
                | (Self::EdDSA, Material::Ed25519(_))
        )
    }

    /// Whether `signature` is the key's over `message`.
    fn verifies(self, material: &Material, message: &[u8], signature: &[u8]) -> bool {
        let rsa = |parameters: &sig::RsaParameters| match material {
            Material::Rsa { n, e } => {
                sig::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            _ => false,
        };
        let point = |algorithm: &'static dyn sig::VerificationAlgorithm, bytes: &[u8]| {
            sig::UnparsedPublicKey::new(algorithm, bytes).verify(message, signature).is_ok()
        };
        match (self, material) {
            (Self::RS256, _) => rsa(&sig::RSA_PKCS1_2048_8192_SHA256),
            (Self::RS384, _) => rsa(&sig::RSA_PKCS1_2048_8192_SHA384),
            (Self::RS512, _) => rsa(&sig::RSA_PKCS1_2048_8192_SHA512),
            (Self::PS256, _) => rsa(&sig::RSA_PSS_2048_8192_SHA256),
            (Self::PS384, _) => rsa(&sig::RSA_PSS_2048_8192_SHA384),
            (Self::PS512, _) => rsa(&sig::RSA_PSS_2048_8192_SHA512),
            (Self::ES256, Material::P256(bytes)) => point(&sig::ECDSA_P256_SHA256_FIXED, bytes),
            (Self::ES384, Material::P384(bytes)) => point(&sig::ECDSA_P384_SHA384_FIXED, bytes),
            (Self::ES512, Material::P521(bytes)) => point(&sig::ECDSA_P521_SHA512_FIXED, bytes),
            (Self::EdDSA, Material::Ed25519(bytes)) => point(&sig::ED25519, bytes),
            _ => false,
        }
    }
}

/// The header fields that matter. A key that the token itself brings (`jwk`, `jku`, `x5u`, `x5c`) is never looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
    enc: Option<IgnoredAny>,
}

/// A signed token, taken apart and not yet believed.
#[derive(Debug)]
pub struct Jws<'t> {
    /// What its header says it is signed with.
    pub algorithm: Algorithm,
    /// Which key its header names.
    pub kid: Option<String>,
    pub(crate) payload: Vec<u8>,
    signed: &'t [u8],
    signature: Vec<u8>,
}

/// True for texts of three parts that could be a signed token: their header is one by its first characters.
#[must_use]
pub fn is_jws(text: &str) -> bool {
    // Every JSON object begins with `{`, which makes the first characters of its base64.
    let mut parts = text.split('.');
    let base64 = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='));
    text.starts_with("ey") && (0..3).all(|_| parts.next().is_some_and(base64)) && parts.next().is_none()
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`Refused::Token`] for what is no signed token of ours to read: other algorithms, `crit`, encryption, other types.
    pub fn parse(token: &'t str) -> Result<Self, Refused> {
        let refused = |why: &'static str| Refused::Token(why.into());
        if token.len() > LONGEST {
            return Err(refused("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| refused("it has no signature"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| refused("it has not three parts"))?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| refused("it is not base64url"));
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| refused("its header cannot be read"))?;
        if header.crit.is_some() || header.b64.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err(refused("its header asks for something that is not understood"));
        }
        // Tokens for other purposes (logout, DPoP, security events) say so; they are no proof of who calls (RFC 8725, 3.11).
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt") {
            return Err(refused("it is a token for another purpose"));
        }
        if header.kid.as_ref().is_some_and(|kid| kid.len() > LONGEST_KID) {
            return Err(refused("its key id is too long"));
        }
        Ok(Self {
            algorithm: Algorithm::parse(&header.alg).ok_or_else(|| refused("its algorithm is not accepted"))?,
            kid: header.kid,
            payload: decode(payload)?,
            signed: signed.as_bytes(),
            signature: decode(signature)?,
        })
    }

    /// True when the key made the signature.
    #[must_use]
    pub fn signed_by(&self, key: &Key) -> bool {
        key.may_sign(self.algorithm) && self.algorithm.verifies(&key.material, self.signed, &self.signature)
    }
}
