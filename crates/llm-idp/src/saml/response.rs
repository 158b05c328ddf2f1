//! A response that a browser brings: whose it is, and what of it is signed.

use super::signature::covered;
use super::tree::{Document, Element};
use super::{ASSERTION, LARGEST, PROTOCOL, SIGNATURE, SamlProvider, SamlSettings, Subject, assertion, base64, refused};
use crate::Refused;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

impl SamlSettings {
    /// What a posted `SAMLResponse` says of somebody, at `now` (seconds since 1970). That the assertion was not shown before,
    /// and that its request is this browser's, is the caller's to see.
    ///
    /// # Errors
    /// [`Refused::Token`]: it is not to be believed.
    pub fn judge(&self, provider: &SamlProvider, posted: &str, now: i64) -> Result<Subject, Refused> {
        if posted.len() > LARGEST * 4 / 3 + 4 {
            return Err(refused("it is too long"));
        }
        let bytes = base64(posted).ok_or_else(|| refused("it is not base64"))?;
        let document = Document::read(&bytes)?;
        let parts = Parts::of(&document.root)?;
        let whole = match parts.of_response {
            Some(signature) => Some(covered(&document.root, signature, &provider.keys)?),
            None if self.signed_responses => return Err(refused("the response is not signed")),
            None => None,
        };
        let alone = match parts.of_assertion {
            Some(signature) => Some(covered(parts.assertion, signature, &provider.keys)?),
            None if self.signed_assertions => return Err(refused("the assertion is not signed")),
            None => None,
        };
        // From here on only what was signed is read; what is unsigned may refuse, and never grant.
        self.is_ours(provider, &document.root)?;
        let signed = match (&whole, &alone) {
            (Some(bytes), None) | (_, Some(bytes)) => Document::read(bytes)?,
            (None, None) => return Err(refused("it is not signed")),
        };
        let root = &signed.root;
        let told = if alone.is_some() { Some(root) } else { root.only(ASSERTION, "Assertion") };
        let told =
            told.filter(|told| told.is(ASSERTION, "Assertion")).ok_or_else(|| refused("it holds no assertion"))?;
        let mut subject = assertion::judge(self, provider, told, now)?;
        let asked = document.root.attribute("InResponseTo").filter(|id| !id.is_empty());
        match (&subject.answers, asked) {
            (Some(own), Some(asked)) if own != asked => Err(refused("it answers two requests")),
            // What nobody signed cannot make an answer of an assertion that says of none.
            (None, Some(_)) if whole.is_none() => Err(refused("it answers a request that its assertion does not name")),
            (None, Some(asked)) => {
                subject.answers = Some(asked.to_owned());
                Ok(subject)
            }
            _ => Ok(subject),
        }
    }

    /// The response itself: that it went well, and was meant for us.
    fn is_ours(&self, provider: &SamlProvider, root: &Element) -> Result<(), Refused> {
        if root.attribute("Version") != Some("2.0") {
            return Err(refused("it is of another version of SAML"));
        }
        if root.attribute("Destination").is_some_and(|place| place != self.callback) {
            return Err(refused("it was meant for another address"));
        }
        let issuer = root.named(ASSERTION, "Issuer").next();
        if issuer.is_some_and(|issuer| issuer.text().as_deref().map(str::trim) != Some(&provider.entity_id)) {
            return Err(refused("it is from somebody else"));
        }
        let status = root.only(PROTOCOL, "Status").and_then(|status| status.only(PROTOCOL, "StatusCode"));
        match status.and_then(|code| code.attribute("Value")) {
            Some(SUCCESS) => Ok(()),
            _ => Err(refused("the provider says that the login failed")),
        }
    }
}

/// What a response is made of.
struct Parts<'d> {
    assertion: &'d Element,
    of_response: Option<&'d Element>,
    of_assertion: Option<&'d Element>,
}

impl<'d> Parts<'d> {
    /// One assertion, directly in the response; signatures directly in these two and nowhere else; no id twice.
    fn of(root: &'d Element) -> Result<Self, Refused> {
        if !root.is(PROTOCOL, "Response") {
            return Err(refused("it is no response"));
        }
        let all = root.all();
        let count = |namespace: &str, local: &str| all.iter().filter(|element| element.is(namespace, local)).count();
        if count(ASSERTION, "EncryptedAssertion") > 0 || count(ASSERTION, "EncryptedID") > 0 {
            return Err(refused("encrypted assertions are not accepted"));
        }
        let assertion = root.only(ASSERTION, "Assertion").filter(|_| count(ASSERTION, "Assertion") == 1);
        let assertion = assertion.ok_or_else(|| refused("it holds no assertion, or several"))?;
        if count(PROTOCOL, "Response") != 1 {
            return Err(refused("it holds a second response"));
        }
        let signature = |of: &'d Element| {
            let mut found = of.named(SIGNATURE, "Signature");
            (found.next(), found.next().is_some())
        };
        let (of_response, more) = signature(root);
        let (of_assertion, another) = signature(assertion);
        let known = usize::from(of_response.is_some()) + usize::from(of_assertion.is_some());
        if more || another || count(SIGNATURE, "Signature") != known {
            return Err(refused("it holds a signature that stands where none belongs"));
        }
        let mut ids: Vec<&str> = all.iter().flat_map(|element| ids(element)).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(refused("it has an id twice"));
        }
        Ok(Self { assertion, of_response, of_assertion })
    }
}

/// What may be taken for an id.
fn ids(element: &Element) -> impl Iterator<Item = &str> {
    let is_id = |local: &str| local.eq_ignore_ascii_case("id") || local.eq_ignore_ascii_case("assertionid");
    element.attributes.iter().filter(move |attribute| is_id(&attribute.local)).map(|attribute| attribute.value.as_str())
}
