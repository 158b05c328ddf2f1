//! Key pairs that sign.
#![allow(clippy::unwrap_used)] // a test that cannot make its keys is to fail

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature as sig;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_types::Json;

enum Kind {
    Rsa(Box<sig::RsaKeyPair>),
    /// The curve's name, the algorithm's, the pair.
    Ec(&'static str, &'static str, sig::EcdsaKeyPair),
    Ed(sig::Ed25519KeyPair),
}

/// A key pair.
pub struct Pair(Kind);

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pair")
    }
}

impl Pair {
    /// RSA, 2048 bits.
    #[must_use]
    pub fn rsa() -> Self {
        Self(Kind::Rsa(Box::new(sig::RsaKeyPair::generate(KeySize::Rsa2048).unwrap())))
    }

    /// The curve P-256.
    #[must_use]
    pub fn p256() -> Self {
        let pair = sig::EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self(Kind::Ec("P-256", "ES256", pair))
    }

    /// The curve P-384.
    #[must_use]
    pub fn p384() -> Self {
        let pair = sig::EcdsaKeyPair::generate(&sig::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        Self(Kind::Ec("P-384", "ES384", pair))
    }

    /// The curve P-521.
    #[must_use]
    pub fn p521() -> Self {
        let pair = sig::EcdsaKeyPair::generate(&sig::ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        Self(Kind::Ec("P-521", "ES512", pair))
    }

    /// Edwards' curve.
    #[must_use]
    pub fn ed25519() -> Self {
        Self(Kind::Ed(sig::Ed25519KeyPair::generate().unwrap()))
    }

    /// What it signs with when nothing else is said.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match &self.0 {
            Kind::Rsa(_) => "RS256",
            Kind::Ec(_, algorithm, _) => algorithm,
            Kind::Ed(_) => "EdDSA",
        }
    }

    /// The public half as it is published.
    #[must_use]
    pub fn jwk(&self, kid: &str) -> Json {
        let text = |bytes: &[u8]| Json::from(URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = Json::object([("kid", kid), ("use", "sig")]);
        match &self.0 {
            Kind::Rsa(pair) => {
                let public = sig::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                jwk.set("kty", "RSA");
                jwk.set("n", text(&public.n));
                jwk.set("e", text(&public.e));
            }
            Kind::Ec(curve, _, pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).unwrap().split_at((point.len() - 1) / 2);
                jwk.set("kty", "EC");
                jwk.set("crv", *curve);
                jwk.set("x", text(x));
                jwk.set("y", text(y));
            }
            Kind::Ed(pair) => {
                jwk.set("kty", "OKP");
                jwk.set("crv", "Ed25519");
                jwk.set("x", text(pair.public_key().as_ref()));
            }
        }
        jwk
    }

    /// A token with these claims.
    #[must_use]
    pub fn token(&self, kid: &str, claims: &Json) -> String {
        let header = Json::object([("alg", self.algorithm()), ("typ", "JWT"), ("kid", kid)]);
        self.sign(&header, claims)
    }

    /// A token with this header and these claims, signed as the header says if this key can, else as it does.
    #[must_use]
    pub fn sign(&self, header: &Json, claims: &Json) -> String {
        let alg = header.text("alg").unwrap_or_default();
        token_of(header, claims, |message| match &self.0 {
            Kind::Rsa(pair) => {
                let padding: &dyn sig::RsaEncoding = match alg {
                    "RS384" => &sig::RSA_PKCS1_SHA384,
                    "RS512" => &sig::RSA_PKCS1_SHA512,
                    "PS256" => &sig::RSA_PSS_SHA256,
                    "PS384" => &sig::RSA_PSS_SHA384,
                    "PS512" => &sig::RSA_PSS_SHA512,
                    _ => &sig::RSA_PKCS1_SHA256,
                };
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut out).unwrap();
                out
            }
            Kind::Ec(_, _, pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Kind::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }
}

/// A token with this header and these claims, and whatever `sign` makes of them.
pub fn token_of(header: &Json, claims: &Json, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
