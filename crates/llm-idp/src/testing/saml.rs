//! An identity provider that speaks SAML: it signs what it is told to.
#![allow(clippy::unwrap_used)] // a test that cannot sign is to fail

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature as sig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::{Document, SIGNATURE, canonical};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A provider.
pub struct SamlIssuer {
    entity: String,
    pair: Box<sig::RsaKeyPair>,
}

impl std::fmt::Debug for SamlIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SamlIssuer").field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// Somebody who has logged in there.
#[derive(Debug, Clone)]
pub struct SamlLogin {
    /// For whom the assertion is: our entity id.
    pub audience: String,
    /// Where it is posted to.
    pub callback: String,
    /// The request that it answers.
    pub answers: Option<String>,
    /// The name of the person, as XML.
    pub name_id: String,
    /// Attributes and their values, as XML.
    pub attributes: Vec<(String, Vec<String>)>,
    /// From and until when it is good.
    pub times: (String, String),
    /// The id of the assertion.
    pub id: String,
}

impl SamlIssuer {
    /// One with a new key.
    #[must_use]
    pub fn new(entity: &str) -> Self {
        Self { entity: entity.to_owned(), pair: Box::new(sig::RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
    }

    /// What it publishes of itself.
    #[must_use]
    pub fn metadata(&self, login: &str) -> String {
        let key: PublicKeyX509Der<'_> = sig::KeyPair::public_key(&*self.pair).as_der().unwrap();
        let certificate = STANDARD.encode(certificate(key.as_ref()));
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{SIGNATURE}\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
            self.entity
        )
    }

    /// An assertion, not signed.
    #[must_use]
    pub fn assertion(&self, login: &SamlLogin) -> String {
        let SamlLogin { audience, callback, answers, name_id, attributes, times: (from, until), id } = login;
        let value = |value: &String| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
        let attribute = |(name, values): &(String, Vec<String>)| {
            let values: String = values.iter().map(value).collect();
            format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
        };
        let attributes: String = attributes.iter().map(attribute).collect();
        let answers = answers.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" IssueInstant=\"{from}\" Version=\"2.0\"><saml:Issuer>{}</saml:Issuer><saml:Subject><saml:NameID>{name_id}</saml:NameID><saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData NotOnOrAfter=\"{until}\" Recipient=\"{callback}\"{answers}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{from}\"><saml:AuthnContext/></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>",
            self.entity
        )
    }

    /// A response around an assertion, not signed.
    #[must_use]
    pub fn response(&self, login: &SamlLogin, assertion: &str) -> String {
        let answers = login.answers.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"r-{}\" Version=\"2.0\" IssueInstant=\"{}\" Destination=\"{}\"{answers}><saml:Issuer>{}</saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{assertion}</samlp:Response>",
            login.id, login.times.0, login.callback, self.entity
        )
    }

    /// A document with a signature of its root behind its issuer.
    #[must_use]
    pub fn signed(&self, document: &str) -> String {
        let root = Document::read(document.as_bytes()).unwrap().root;
        let id = root.attribute("ID").unwrap();
        let value = STANDARD.encode(digest(&SHA256, &canonical(&root, None, &[])));
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"{SIGNATURE}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"{SIGNATURE}enveloped-signature\"></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let mut made = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&sig::RSA_PKCS1_SHA256, &random, info.as_bytes(), &mut made).unwrap();
        let made = STANDARD.encode(made);
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{SIGNATURE}\">{info}<ds:SignatureValue>{made}</ds:SignatureValue></ds:Signature>"
        );
        document.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }

    /// What a browser posts for somebody who has logged in: the assertion is signed.
    #[must_use]
    pub fn posted(&self, login: &SamlLogin) -> String {
        STANDARD.encode(self.response(login, &self.signed(&self.assertion(login))))
    }
}

/// Seconds since 1970 as SAML writes them.
#[must_use]
pub fn saml_instant(seconds: i64) -> String {
    crate::saml::text(seconds)
}

/// A certificate of a key. Nobody signed it: what counts of it is the key.
fn certificate(key: &[u8]) -> Vec<u8> {
    let der = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), content].concat()
    };
    let empty = der(0x30, &[]);
    let version = der(0xa0, &der(0x02, &[2]));
    let fields = [version, der(0x02, &[1]), empty.clone(), empty.clone(), empty.clone(), empty.clone(), key.to_vec()];
    der(0x30, &[der(0x30, &fields.concat()), empty, der(0x03, &[0])].concat())
}
