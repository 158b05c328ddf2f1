//! Enveloped XML signatures, of the one shape that SAML profiles allow (SAML core 5.4): one reference, to the element that the
//! signature stands in; the transforms enveloped-signature and exclusive canonicalization. The key is the metadata's, never one
//! that the document brings.

use aws_lc_rs::digest;
use aws_lc_rs::signature as sig;

use super::canon::canonical;
use super::tree::Element;
use super::{SIGNATURE, base64, refused};
use crate::Refused;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Prefixes of one list.
const MOST: usize = 64;

/// Algorithms of signatures; each takes keys of its kind only. SHA-1, HMAC and DSA are none.
static SIGNED_WITH: &[(&str, &dyn sig::VerificationAlgorithm)] = &[
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", &sig::RSA_PKCS1_2048_8192_SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", &sig::RSA_PKCS1_2048_8192_SHA384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", &sig::RSA_PKCS1_2048_8192_SHA512),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", &sig::ECDSA_P256_SHA256_FIXED),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", &sig::ECDSA_P384_SHA384_FIXED),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", &sig::ECDSA_P521_SHA512_FIXED),
];

/// Algorithms of digests.
static DIGESTS: &[(&str, &digest::Algorithm)] = &[
    ("http://www.w3.org/2001/04/xmlenc#sha256", &digest::SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", &digest::SHA384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", &digest::SHA512),
];

/// The canonical bytes of `signed`, which `signature` stands in directly, if one of the keys signed them.
///
/// # Errors
/// [`Refused::Token`] naming what is wrong.
pub(super) fn covered(signed: &Element, signature: &Element, keys: &[Vec<u8>]) -> Result<Vec<u8>, Refused> {
    let parts: Vec<&Element> = signature.elements().collect();
    let shape = |at: usize, name: &str| parts.get(at).copied().filter(|part| part.is(SIGNATURE, name));
    let (Some(info), Some(value)) = (shape(0, "SignedInfo"), shape(1, "SignatureValue")) else {
        return Err(refused("its signature has another shape than SAML's"));
    };
    if parts.len() > 3 || parts.len() == 3 && shape(2, "KeyInfo").is_none() {
        return Err(refused("its signature holds something else"));
    }
    let bytes = referenced(signed, signature, info)?;
    let (algorithm, inclusive) = methods(info)?;
    let message = canonical(info, None, &inclusive);
    let made = decoded(value)?;
    let fine = keys.iter().any(|key| sig::UnparsedPublicKey::new(algorithm, key).verify(&message, &made).is_ok());
    if fine { Ok(bytes) } else { Err(refused("its signature is wrong")) }
}

/// How `SignedInfo` was signed, and the prefixes that its canonical form keeps.
fn methods(info: &Element) -> Result<(&'static dyn sig::VerificationAlgorithm, Vec<String>), Refused> {
    let names: Vec<&str> = info.elements().map(|part| part.local.as_str()).collect();
    let own = info.elements().all(|part| &*part.namespace == SIGNATURE);
    if !own || names != ["CanonicalizationMethod", "SignatureMethod", "Reference"] {
        return Err(refused("its signature has another shape than SAML's"));
    }
    let only = |name| info.only(SIGNATURE, name).ok_or_else(|| refused("its signature has another shape than SAML's"));
    let form = only("CanonicalizationMethod")?;
    if form.attribute("Algorithm") != Some(EXCLUSIVE) {
        return Err(refused("its signature is canonicalized in a way that is not accepted"));
    }
    let inclusive = prefixes(form)?;
    let method = only("SignatureMethod")?;
    if method.elements().next().is_some() {
        return Err(refused("its signature has parameters that are not understood"));
    }
    let found = SIGNED_WITH.iter().find(|(name, _)| method.attribute("Algorithm") == Some(name));
    let (_, algorithm) = found.ok_or_else(|| refused("its signature's algorithm is not accepted"))?;
    Ok((*algorithm, inclusive))
}

/// The canonical bytes that the reference names, if their digest is the one that it says.
fn referenced(signed: &Element, signature: &Element, info: &Element) -> Result<Vec<u8>, Refused> {
    let reference = info.only(SIGNATURE, "Reference").ok_or_else(|| refused("its signature covers several things"))?;
    let id = signed.attribute("ID").filter(|id| !id.is_empty());
    let named = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#'));
    if id.is_none() || named != id {
        return Err(refused("its signature covers something else"));
    }
    let transforms = reference.only(SIGNATURE, "Transforms");
    let transforms: Vec<&Element> = transforms.into_iter().flat_map(Element::elements).collect();
    let does = |at: usize, what: &str| {
        let found: Option<&&Element> = transforms.get(at);
        found.is_some_and(|t| t.is(SIGNATURE, "Transform") && t.attribute("Algorithm") == Some(what))
    };
    if transforms.len() != 2 || !does(0, ENVELOPED) || !does(1, EXCLUSIVE) {
        return Err(refused("its signature transforms what it covers in a way that is not accepted"));
    }
    let inclusive = transforms.get(1).map(|transform| prefixes(transform)).transpose()?.unwrap_or_default();
    let method = reference.only(SIGNATURE, "DigestMethod").and_then(|method| method.attribute("Algorithm"));
    let found = DIGESTS.iter().find(|(name, _)| method == Some(name));
    let (_, algorithm) = found.ok_or_else(|| refused("its digest's algorithm is not accepted"))?;
    let value = reference.only(SIGNATURE, "DigestValue").ok_or_else(|| refused("its signature has no digest"))?;
    let bytes = canonical(signed, Some(signature), &inclusive);
    if digest::digest(algorithm, &bytes).as_ref() == decoded(value)?.as_slice() {
        Ok(bytes)
    } else {
        Err(refused("it was changed after it was signed"))
    }
}

/// `InclusiveNamespaces` of a canonicalization.
fn prefixes(form: &Element) -> Result<Vec<String>, Refused> {
    let parts: Vec<&Element> = form.elements().collect();
    match parts.as_slice() {
        [] => Ok(Vec::new()),
        [one] if one.is(EXCLUSIVE, "InclusiveNamespaces") => {
            let list = one.attribute("PrefixList").unwrap_or_default().split_ascii_whitespace();
            let list: Vec<String> =
                list.take(MOST + 1).map(|prefix| if prefix == "#default" { "" } else { prefix }.to_owned()).collect();
            // Each is looked for at each element.
            if list.len() > MOST { Err(refused("its signature names too many prefixes")) } else { Ok(list) }
        }
        _ => Err(refused("its signature has parameters that are not understood")),
    }
}

/// Base64, with the white space that XML lets in.
fn decoded(element: &Element) -> Result<Vec<u8>, Refused> {
    element.text().and_then(|text| base64(&text)).ok_or_else(|| refused("its signature cannot be read"))
}
