//! On the way to the provider: a request in its address (HTTP-Redirect binding).

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm_types::markup::escaped;
use url::Url;

use super::{ASSERTION, POST, PROTOCOL, SamlProvider, SamlSettings, clock};
use crate::Refused;

/// Somebody who is on the way to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlDeparture {
    /// Where to send them.
    pub url: String,
    /// The id of the request: the response names it.
    pub id: String,
}

impl SamlSettings {
    /// Sends somebody to a provider, at `now`; `relay` comes back beside the response.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]: the provider's address cannot be used, there are no random numbers.
    pub fn leave(&self, provider: &SamlProvider, relay: Option<&str>, now: i64) -> Result<SamlDeparture, Refused> {
        let mut bytes = [0_u8; 20];
        rand::fill(&mut bytes).map_err(|_| Refused::Unavailable("no random numbers".to_owned()))?;
        // An id must not begin with a digit.
        let id = bytes.iter().fold(String::from("_"), |id, byte| format!("{id}{byte:02x}"));
        let (entity, callback, format) =
            (escaped(&self.entity_id), escaped(&self.callback), escaped(&self.name_id_format));
        let (place, at) = (escaped(&provider.login), clock::text(now));
        let request = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{at}\" Destination=\"{place}\" ProtocolBinding=\"{POST}\" AssertionConsumerServiceURL=\"{callback}\"><saml:Issuer>{entity}</saml:Issuer><samlp:NameIDPolicy Format=\"{format}\" AllowCreate=\"true\"/></samlp:AuthnRequest>"
        );
        let mut url =
            Url::parse(&provider.login).map_err(|_| Refused::Unavailable("the place to log in".to_owned()))?;
        let mut query = url.query_pairs_mut();
        query.append_pair("SAMLRequest", &STANDARD.encode(stored(request.as_bytes())));
        if let Some(relay) = relay {
            query.append_pair("RelayState", relay);
        }
        drop(query);
        Ok(SamlDeparture { url: url.into(), id })
    }
}

/// Bytes in DEFLATE's format (RFC 1951), in blocks that are stored as they are: a request is short.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 5);
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}
