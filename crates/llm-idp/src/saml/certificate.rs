//! The public key of an X.509 certificate. Metadata carry keys in certificates; whether a certificate has expired, or who made
//! it, says nothing there (SAML V2.0 Metadata Interoperability Profile, 2.6).

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The `SubjectPublicKeyInfo` of a certificate, in DER; nothing for what is none.
pub(crate) fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let (certificate, rest) = element(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (mut fields, _) = element(certificate.content, SEQUENCE).map(|(tbs, rest)| (tbs.content, rest))?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields, VERSION)?.1;
    }
    // Serial number, algorithm, issuer, validity, subject.
    for tag in [0x02, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        fields = element(fields, tag)?.1;
    }
    element(fields, SEQUENCE).map(|(key, _)| key.whole.to_vec())
}

struct Der<'d> {
    /// With its tag and its length.
    whole: &'d [u8],
    content: &'d [u8],
}

/// The element with this tag that bytes begin with, and what is behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(Der<'_>, &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, content) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, content) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit)), content)
        }
        _ => return None,
    };
    let (content, behind) = content.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - behind.len())?;
    Some((Der { whole, content }, behind))
}
