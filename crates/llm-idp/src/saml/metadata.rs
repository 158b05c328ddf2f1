//! What providers publish of themselves (SAML V2.0 Metadata), and what we do.

use llm_types::markup::escaped;
use url::Url;

use super::certificate::public_key;
use super::clock::instant;
use super::tree::{Document, Element};
use super::{METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE, SamlSettings, base64};
use crate::{Idp, Refused, fetch};

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlProvider {
    /// Who it is.
    pub entity_id: String,
    /// Where people are sent to log in.
    pub login: String,
    /// Its keys, each a `SubjectPublicKeyInfo` in DER.
    pub(crate) keys: Vec<Vec<u8>>,
}

fn unavailable(why: &str) -> Refused {
    Refused::Unavailable(format!("its metadata: {why}"))
}

impl SamlProvider {
    /// Fetches the metadata of a provider from an address that the operator wrote down, and reads them.
    ///
    /// # Errors
    /// As [`SamlProvider::read`]; [`Refused::Unavailable`] when they cannot be had.
    pub async fn fetch(idp: &Idp, url: &str) -> Result<Self, Refused> {
        let got = fetch::get_as(&**idp.http(), url, "application/samlmetadata+xml, application/xml, */*").await;
        let now = idp.now() as i64;
        Self::read(&got.map_err(|why| unavailable(&why))?, now)
    }

    /// Reads the metadata of a provider, at `now`.
    ///
    /// # Errors
    /// [`Refused::Unavailable`] for what describes no provider, or several.
    pub fn read(metadata: &[u8], now: i64) -> Result<Self, Refused> {
        let document = Document::read(metadata).map_err(|why| unavailable(&why.to_string()))?;
        let all = document.root.all();
        let is_provider = |e: &&&Element| e.is(METADATA, "EntityDescriptor") && role(e).is_some();
        let mut found = all.iter().filter(is_provider);
        let (Some(entity), None) = (found.next(), found.next()) else {
            return Err(unavailable("they describe no identity provider, or several"));
        };
        let role = role(entity).ok_or_else(|| unavailable("they describe no identity provider"))?;
        let over = |e: &Element| e.attribute("validUntil").is_some_and(|t| instant(t.trim()).is_none_or(|t| t <= now));
        if over(&document.root) || over(entity) || over(role) {
            return Err(unavailable("they are not valid any more"));
        }
        let entity_id = entity.attribute("entityID").filter(|id| !id.is_empty());
        let entity_id = entity_id.ok_or_else(|| unavailable("an entityID is missing"))?;
        let mut places = role.named(METADATA, "SingleSignOnService");
        let login = places.find(|place| place.attribute("Binding") == Some(REDIRECT));
        let login = login.and_then(|place| place.attribute("Location")).unwrap_or_default();
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !Url::parse(login).is_ok_and(|url| is_web(&url)) {
            return Err(unavailable("they name no place to log in by redirect"));
        }
        let signing = |key: &&Element| key.attribute("use").is_none_or(|purpose| purpose == "signing");
        let keys = role.named(METADATA, "KeyDescriptor").filter(signing).flat_map(Element::all);
        let keys: Option<Vec<_>> = keys.filter(|e| e.is(SIGNATURE, "X509Certificate")).map(key).collect();
        let keys = keys.filter(|keys| !keys.is_empty());
        let keys = keys.ok_or_else(|| unavailable("they have no certificate that can be read"))?;
        Ok(Self { entity_id: entity_id.to_owned(), login: login.to_owned(), keys })
    }
}

fn role(entity: &Element) -> Option<&Element> {
    entity.only(METADATA, "IDPSSODescriptor")
}

fn key(certificate: &Element) -> Option<Vec<u8>> {
    public_key(&base64(&certificate.text()?)?)
}

impl SamlSettings {
    /// What a provider wants to know of us.
    #[must_use]
    pub fn metadata(&self) -> String {
        let (entity, callback, format) =
            (escaped(&self.entity_id), escaped(&self.callback), escaped(&self.name_id_format));
        let signed = self.signed_assertions;
        format!(
            "<?xml version=\"1.0\"?><md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity}\"><md:SPSSODescriptor AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"{signed}\" protocolSupportEnumeration=\"{PROTOCOL}\"><md:NameIDFormat>{format}</md:NameIDFormat><md:AssertionConsumerService Binding=\"{POST}\" Location=\"{callback}\" index=\"1\" isDefault=\"true\"/></md:SPSSODescriptor></md:EntityDescriptor>"
        )
    }
}
