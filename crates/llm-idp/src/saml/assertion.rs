//! What an assertion says, once its bytes are believed: for whom, until when, of whom.

use std::collections::HashMap;

use super::clock::instant;
use super::tree::Element;
use super::{ASSERTION, SamlProvider, SamlSettings, Subject, refused};
use crate::Refused;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// How far clocks may differ, in seconds.
const SKEW: i64 = 60;

/// Attributes of one assertion, and values of one of them.
const MOST: usize = 1000;

/// Judges an assertion.
///
/// # Errors
/// [`Refused`] naming what is wrong.
pub(super) fn judge(
    settings: &SamlSettings,
    provider: &SamlProvider,
    assertion: &Element,
    now: i64,
) -> Result<Subject, Refused> {
    let id = assertion.attribute("ID").filter(|id| !id.is_empty()).ok_or_else(|| refused("its assertion has no id"))?;
    if assertion.attribute("Version") != Some("2.0") {
        return Err(refused("it is of another version of SAML"));
    }
    let issuer = assertion.only(ASSERTION, "Issuer").and_then(Element::text);
    if issuer.as_deref().map(str::trim) != Some(&provider.entity_id) {
        return Err(refused("it is from somebody else"));
    }
    let until = conditions(settings, assertion, now)?;
    let subject = assertion.only(ASSERTION, "Subject").ok_or_else(|| refused("its assertion has no subject"))?;
    let confirmations = subject.named(ASSERTION, "SubjectConfirmation");
    let mut confirmations = confirmations.map(|confirmation| confirmed(settings, confirmation, now));
    let (ends, answers) = confirmations
        .find_map(Option::from)
        .ok_or_else(|| refused("nothing in it confirms that it is for this login"))?;
    let statement = assertion.named(ASSERTION, "AuthnStatement").next();
    let statement = statement.ok_or_else(|| refused("its assertion does not say that anybody logged in"))?;
    if let Some(session) = statement.attribute("SessionNotOnOrAfter")
        && time(session)? + SKEW <= now
    {
        return Err(Refused::Expired);
    }
    let name_id = subject.only(ASSERTION, "NameID").and_then(Element::text).map(|name| name.trim().to_owned());
    Ok(Subject {
        name_id: name_id.filter(|name| !name.is_empty()),
        attributes: attributes(assertion)?,
        assertion: id.to_owned(),
        ends: until.map_or(ends, |until| until.min(ends)).saturating_add(SKEW),
        answers,
    })
}

/// Times and audience; until when it is good, where that is said.
fn conditions(settings: &SamlSettings, assertion: &Element, now: i64) -> Result<Option<i64>, Refused> {
    let conditions =
        assertion.only(ASSERTION, "Conditions").ok_or_else(|| refused("its assertion has no conditions"))?;
    if let Some(from) = conditions.attribute("NotBefore")
        && time(from)? - SKEW > now
    {
        return Err(refused("its assertion is not good yet"));
    }
    let until = conditions.attribute("NotOnOrAfter").map(time).transpose()?;
    if until.is_some_and(|until| until + SKEW <= now) {
        return Err(Refused::Expired);
    }
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    if conditions.elements().any(|one| &*one.namespace != ASSERTION || !known.contains(&one.local.as_str())) {
        return Err(refused("its assertion has a condition that is not understood"));
    }
    let mut restrictions = conditions.named(ASSERTION, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(refused("its assertion does not say for whom it is"));
    }
    let names_us = |restriction: &Element| {
        let mut audiences = restriction.named(ASSERTION, "Audience").filter_map(Element::text);
        audiences.any(|audience| audience.trim() == settings.entity_id)
    };
    if restrictions.all(names_us) { Ok(until) } else { Err(refused("it is meant for somebody else")) }
}

/// Until when a confirmation holds, and the request that it answers; nothing for one that does not hold.
fn confirmed(settings: &SamlSettings, confirmation: &Element, now: i64) -> Option<(i64, Option<String>)> {
    if confirmation.attribute("Method") != Some(BEARER) {
        return None;
    }
    let data = confirmation.only(ASSERTION, "SubjectConfirmationData")?;
    let until = time(data.attribute("NotOnOrAfter")?).ok()?;
    let from = data.attribute("NotBefore").map(time).transpose().ok()?;
    let fine = data.attribute("Recipient") == Some(&settings.callback)
        && until + SKEW > now
        && from.is_none_or(|from| from - SKEW <= now);
    let answers = data.attribute("InResponseTo").filter(|id| !id.is_empty()).map(str::to_owned);
    fine.then_some((until, answers))
}

fn attributes(assertion: &Element) -> Result<HashMap<String, Vec<String>>, Refused> {
    let mut out: HashMap<String, Vec<String>> = HashMap::new();
    let statements = assertion.named(ASSERTION, "AttributeStatement");
    for attribute in statements.flat_map(|statement| statement.named(ASSERTION, "Attribute")) {
        let name = attribute.attribute("Name").ok_or_else(|| refused("one of its attributes has no name"))?;
        if out.len() >= MOST {
            return Err(refused("it has too many attributes"));
        }
        let values = out.entry(name.to_owned()).or_default();
        // A value that is not a text says nothing that could be used.
        let texts = attribute.named(ASSERTION, "AttributeValue").filter_map(Element::text);
        values.extend(texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).take(MOST));
    }
    Ok(out)
}

fn time(text: &str) -> Result<i64, Refused> {
    instant(text.trim()).ok_or_else(|| refused("one of its times cannot be read"))
}
