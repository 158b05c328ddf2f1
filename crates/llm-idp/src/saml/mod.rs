//! Logging in with SAML 2.0 (Web Browser SSO: HTTP-Redirect there, HTTP-POST back), as a service provider.
//!
//! A response is believed in one way only: the element that is read is made anew out of the very bytes whose digest the provider
//! signed. What else stands in a document, wherever it was moved, is never looked at for who somebody is.
//!
//! | file | what |
//! |---|---|
//! | `tree` | documents as trees: no DTD, no processing instruction, bounded; a comment is nothing |
//! | `canon` | exclusive canonicalization 1.0 without comments |
//! | `certificate` | the public key of a certificate |
//! | `signature` | one enveloped signature: which algorithms, what it covers |
//! | `metadata` | what a provider publishes of itself; what we publish |
//! | `request` | on the way to the provider |
//! | `response` | back from it: [`SamlSettings::judge`] |
//! | `clock` | instants |
//! | `assertion` | conditions, confirmation, attributes |

mod assertion;
mod canon;
mod certificate;
mod clock;
mod metadata;
mod request;
mod response;
mod signature;
mod tree;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use metadata::SamlProvider;
pub use request::SamlDeparture;
#[cfg(feature = "testing")]
pub(crate) use {canon::canonical, clock::text, tree::Document};

use crate::Refused;

/// Namespaces.
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(crate) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Largest response, in bytes of XML.
const LARGEST: usize = 1 << 20;

/// How we take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlSettings {
    /// Who we are.
    pub entity_id: String,
    /// Where responses are posted to.
    pub callback: String,
    /// Which kind of name is asked for.
    pub name_id_format: String,
    /// The assertion itself has to be signed.
    pub signed_assertions: bool,
    /// The response around it has to be signed.
    pub signed_responses: bool,
}

/// What a provider says of somebody, believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The name by which the provider knows them.
    pub name_id: Option<String>,
    /// What it tells besides, by name.
    pub attributes: HashMap<String, Vec<String>>,
    /// The id of the assertion: it is good once.
    pub assertion: String,
    /// Until when it is good, in seconds since 1970.
    pub ends: i64,
    /// The request that it answers; nothing for logins that the provider began.
    pub answers: Option<String>,
}

impl Subject {
    /// The values of the first of these attributes that has any.
    #[must_use]
    pub fn values(&self, names: &[String]) -> &[String] {
        let found = names.iter().filter_map(|name| self.attributes.get(name)).find(|values| !values.is_empty());
        found.map_or(&[], Vec::as_slice)
    }
}

/// What base64 says, with the white space that XML and forms let in.
fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok()
}

/// A refusal; the reason holds nothing of what was posted.
fn refused(why: &'static str) -> Refused {
    Refused::Token(why.into())
}
