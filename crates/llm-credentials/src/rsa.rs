//! RSA keys that sign: service accounts, certificates of applications, key pairs.
//!
//! On aws-lc-rs, the workspace's one cryptography. Oracle's request signatures and Snowflake's key fingerprints need the
//! bare key, so JSON web tokens are made here too instead of by a second library.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use llm_types::{Error, Result};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::flow::denied;

/// A private key.
#[derive(Debug)]
pub(crate) struct RsaKey(RsaKeyPair);

/// How a JSON web token is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Algorithm {
    /// PKCS 1.5 padding.
    Rs256,
    /// Probabilistic padding.
    Ps256,
}

impl RsaKey {
    /// Reads a key in PEM, PKCS 1 or PKCS 8. Line breaks written as `\n`, as environment variables have them, are
    /// understood. `what` names the key in messages.
    pub(crate) fn from_pem(text: &str, what: &str) -> Result<Self> {
        let text = if text.trim().contains('\n') { text.to_owned() } else { text.replace("\\n", "\n") };
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(denied(format!("{what} is encrypted; give it without a passphrase")));
        }
        let bad = || denied(format!("{what} is not an RSA private key in PEM"));
        let pair = match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| bad())? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(bad()),
        };
        pair.map(RsaKey).map_err(|_| bad())
    }

    /// RSA-SHA256 over a text, in base64.
    pub(crate) fn sign_base64(&self, text: &str) -> Result<String> {
        Ok(STANDARD.encode(self.sign(&RSA_PKCS1_SHA256, text.as_bytes())?))
    }

    /// A JSON web token with these claims. `header` is the header without `alg`.
    pub(crate) fn jwt(&self, algorithm: Algorithm, header: Header<'_>, claims: &impl Serialize) -> Result<String> {
        let (alg, encoding): (_, &dyn RsaEncoding) = match algorithm {
            Algorithm::Rs256 => ("RS256", &RSA_PKCS1_SHA256),
            Algorithm::Ps256 => ("PS256", &RSA_PSS_SHA256),
        };
        let part = |json: serde_json::Result<String>| {
            json.map(|text| URL_SAFE_NO_PAD.encode(text)).map_err(|error| Error::internal(format!("a claim: {error}")))
        };
        let head = part(serde_json::to_string(&Head { alg, typ: "JWT", rest: header }))?;
        let mut token = format!("{head}.{}", part(serde_json::to_string(claims))?);
        let signature = self.sign(encoding, token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// SHA-256 of the public key (X.509 subject public key info), in base64.
    pub(crate) fn public_fingerprint(&self) -> Result<String> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.0.public_key());
        let der = der.map_err(|_| Error::internal("a public key that has no encoding"))?;
        Ok(STANDARD.encode(Sha256::digest(der.as_ref())))
    }

    fn sign(&self, encoding: &'static dyn RsaEncoding, text: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(encoding, &SystemRandom::new(), text, &mut signature);
        signed.map_err(|_| Error::internal("an RSA signature failed"))?;
        Ok(signature)
    }
}

/// Optional fields of a token's header.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(crate) struct Header<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<&'a str>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub(crate) thumbprint: Option<&'a str>,
}

#[derive(Serialize)]
struct Head<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(flatten)]
    rest: Header<'a>,
}

/// SHA-256 of the first certificate in a PEM text, as tokens name certificates.
pub(crate) fn thumbprint(pem: &str, what: &str) -> Result<String> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    let certificate = certificate.map_err(|_| denied(format!("{what} has no certificate in PEM")))?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)))
}

/// The claims of a token that somebody else signed, unchecked: what we hold for others says when it ends.
pub(crate) fn claims<T: serde::de::DeserializeOwned>(token: &str) -> Option<T> {
    let middle = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::testing::{RSA_PKCS1, RSA_PKCS8, RSA_PUBLIC_SHA256};

    #[test]
    fn both_encodings_are_the_same_key() {
        let (one, eight) =
            (RsaKey::from_pem(RSA_PKCS1, "the key").unwrap(), RsaKey::from_pem(RSA_PKCS8, "the key").unwrap());
        assert_eq!(one.sign_base64("text").unwrap(), eight.sign_base64("text").unwrap());
        // What `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64` says.
        assert_eq!(one.public_fingerprint().unwrap(), RSA_PUBLIC_SHA256);
        let in_a_variable = RSA_PKCS8.trim().replace('\n', "\\n");
        RsaKey::from_pem(&in_a_variable, "the key").unwrap();
    }

    #[test]
    fn tokens_verify() {
        let key = RsaKey::from_pem(RSA_PKCS8, "the key").unwrap();
        let public = key.0.public_key().as_ref();
        for (algorithm, name, verify) in [
            (Algorithm::Rs256, "RS256", &RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::Ps256, "PS256", &RSA_PSS_2048_8192_SHA256),
        ] {
            let header = Header { kid: Some("k"), thumbprint: None };
            let token = key.jwt(algorithm, header, &[("iss", "me")]).unwrap();
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            UnparsedPublicKey::new(verify, public).verify(signed.as_bytes(), &signature).unwrap();
            let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
            assert_eq!(String::from_utf8(head).unwrap(), format!(r#"{{"alg":"{name}","typ":"JWT","kid":"k"}}"#));
            assert_eq!(claims::<Vec<(String, String)>>(&token).unwrap(), [("iss".to_owned(), "me".to_owned())]);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in ["", "not a key s3cr3t", "-----BEGIN PRIVATE KEY-----\nczNjcjN0\n-----END PRIVATE KEY-----\n"] {
            let error = RsaKey::from_pem(text, "the key").unwrap_err();
            assert_eq!(error.message, "the key is not an RSA private key in PEM");
        }
        let error = RsaKey::from_pem("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "the key").unwrap_err();
        assert_eq!(error.message, "the key is encrypted; give it without a passphrase");
    }
}
