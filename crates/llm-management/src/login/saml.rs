//! Logging in at an identity provider that speaks SAML: there by redirect, back by a form that the browser posts.
//!
//! That an assertion is good once is remembered where gateways share a store.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use chrono::Utc;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use llm_accounts::{Outcome, Profile, Role, UiAccess};
use llm_idp::{Idp, Refused, SamlProvider, SamlSettings, Subject};
use llm_types::Json;
use parking_lot::Mutex;

use super::away::{self, Arrival, Away, refused, same};
use super::refusal::{bad, not_set_up, unauthorized};
use super::sso::{SsoSettings, SsoWay};
use super::{Visit, cli, reply};

/// People come back by a form that the provider's page posts.
const AWAY: Away = Away { name: "saml_login", posted: true };

/// How old a provider's metadata may be, in seconds, and how old where they cannot be had again.
const FRESH: i64 = 3600;
const STALE: i64 = 24 * 3600;
/// How soon they are fetched anew for a signature that they do not explain: the provider may have another key.
const AGAIN: i64 = 60;

/// Where a provider's metadata are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SamlSource {
    /// At an address (`SAML_IDP_METADATA_URL`).
    Url(String),
    /// Here (`SAML_IDP_METADATA_XML`).
    Text(String),
}

/// Which attribute says what (`SAML_ATTRIBUTE_*`); the first that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlAttributes {
    /// The id; the name of the subject without one.
    pub id: Vec<String>,
    /// The address.
    pub email: Vec<String>,
    /// The given name.
    pub first_name: Vec<String>,
    /// The family name.
    pub last_name: Vec<String>,
    /// Roles of the gateway.
    pub role: Vec<String>,
    /// Ids of teams.
    pub teams: Vec<String>,
}

/// A provider that speaks SAML, as the operator wrote it down.
#[derive(Debug)]
pub struct SamlWay {
    /// Where its metadata are.
    pub source: SamlSource,
    /// Who we are (`SAML_SP_ENTITY_ID`); the address of our metadata without one.
    pub entity_id: Option<String>,
    /// `SAML_SP_NAME_ID_FORMAT`
    pub name_id_format: String,
    /// `SAML_WANT_ASSERTIONS_SIGNED`
    pub signed_assertions: bool,
    /// `SAML_WANT_MESSAGES_SIGNED`
    pub signed_responses: bool,
    /// `SAML_ALLOW_UNSOLICITED`: logins that the provider begins.
    pub unsolicited: bool,
    /// What its attributes are called.
    pub attributes: SamlAttributes,
    /// The provider, as it was read last, and when.
    pub known: Mutex<Option<(i64, Arc<SamlProvider>)>>,
}

impl SamlWay {
    fn settings(&self, base: &str) -> SamlSettings {
        SamlSettings {
            entity_id: self.entity_id.clone().unwrap_or_else(|| format!("{base}/sso/saml/metadata")),
            callback: format!("{base}/sso/saml/callback"),
            name_id_format: self.name_id_format.clone(),
            signed_assertions: self.signed_assertions,
            signed_responses: self.signed_responses,
        }
    }

    /// The provider, whose metadata are at most `age` seconds old.
    async fn provider(&self, idp: &Idp, age: i64) -> Result<Arc<SamlProvider>, Refused> {
        let now = Utc::now().timestamp();
        let known = self.known.lock().clone();
        if let Some((at, provider)) = &known
            && now - at < age
        {
            return Ok(Arc::clone(provider));
        }
        let read = match &self.source {
            SamlSource::Text(text) => SamlProvider::read(text.as_bytes(), now),
            SamlSource::Url(url) => SamlProvider::fetch(idp, url).await,
        };
        match (read, known) {
            (Ok(provider), _) => {
                let provider = Arc::new(provider);
                *self.known.lock() = Some((now, Arc::clone(&provider)));
                Ok(provider)
            }
            (Err(why), Some((at, provider))) if now - at < STALE => {
                tracing::warn!(%why, "what the identity provider published before stays");
                Ok(provider)
            }
            (Err(why), _) => Err(why),
        }
    }

    /// What a posted response says. A signature that no known key explains is looked at with fresh metadata.
    async fn judge(&self, idp: &Idp, settings: &SamlSettings, posted: &str) -> Result<Subject, Refused> {
        let now = Utc::now().timestamp();
        let provider = self.provider(idp, FRESH).await?;
        match settings.judge(&provider, posted, now) {
            Err(Refused::Token(why)) => {
                let fresh = self.provider(idp, AGAIN).await?;
                if fresh == provider { Err(Refused::Token(why)) } else { settings.judge(&fresh, posted, now) }
            }
            outcome => outcome,
        }
    }
}

/// The way in, where it is SAML.
fn way(visit: &Visit) -> Outcome<(&SsoSettings, &SamlWay)> {
    match visit.sso.as_deref() {
        Some(sso @ SsoSettings { way: SsoWay::Saml(saml), .. }) => Ok((sso, saml)),
        _ => {
            let why = "SAML SSO is not configured. Set SAML_IDP_METADATA_URL or SAML_IDP_METADATA_XML.";
            Err(not_set_up(why).into())
        }
    }
}

/// `GET /sso/saml/login?return_to=`.
pub(super) async fn login(visit: Visit) -> Response<Body> {
    let outcome = async {
        let (sso, saml) = way(&visit)?;
        leave(&visit, sso, saml, cli::asked(&visit)?).await
    };
    outcome.await.unwrap_or_else(|problem| reply::json(Err(problem)))
}

/// On to the provider.
pub(super) async fn leave(
    visit: &Visit,
    sso: &SsoSettings,
    saml: &SamlWay,
    program: Option<String>,
) -> Outcome<Response<Body>> {
    let provider = saml.provider(&sso.idp, FRESH).await.map_err(|why| refused(&why))?;
    let now = Utc::now().timestamp();
    let left = saml.settings(&visit.base()).leave(&provider, None, now).map_err(|why| refused(&why))?;
    AWAY.leave(visit, &left.url, &[("request", &left.id)], program)
}

/// `GET /sso/saml/metadata`: what the provider wants to know of us.
pub(super) async fn metadata(visit: Visit) -> Response<Body> {
    match way(&visit) {
        Ok((_, saml)) => {
            let mut response = Response::new(Body::from(saml.settings(&visit.base()).metadata()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            response
        }
        Err(problem) => reply::json(Err(problem)),
    }
}

/// `POST /sso/saml/callback`: back from the provider.
pub(super) async fn callback(visit: Visit) -> Response<Body> {
    let arrival = come_back(&visit).await;
    AWAY.back(&visit, arrival)
}

async fn come_back(visit: &Visit) -> Outcome<Arrival> {
    let (sso, saml) = way(visit)?;
    let posted = visit
        .field("SAMLResponse")
        .ok_or_else(|| bad("Missing SAMLResponse in callback request.").with_param("SAMLResponse"))?;
    let kept = AWAY.kept(visit)?;
    let settings = saml.settings(&visit.base());
    let subject = saml.judge(&sso.idp, &settings, &posted).await.map_err(|why| refused(&why))?;
    bound(visit, saml, &subject, kept.as_ref())?;
    let left = u64::try_from(subject.ends - Utc::now().timestamp()).unwrap_or_default().max(1);
    let place = format!("saml\0{}", subject.assertion);
    if !visit.accounts.first_use(&place, Duration::from_secs(left)).await? {
        return Err(unauthorized("SAML assertion has already been used (replay detected).").into());
    }
    let profile = profile(visit, saml, &subject)?;
    // Only who was not sent there from here says so on the way.
    let relay = visit.field("RelayState").filter(|_| subject.answers.is_none());
    away::arrive(visit, &profile, kept.as_ref(), relay.as_deref()).await
}

/// Whether a response belongs to a login that this browser began.
fn bound(visit: &Visit, saml: &SamlWay, subject: &Subject, kept: Option<&Json>) -> Outcome<()> {
    let begun = kept.and_then(|kept| kept.text("request"));
    match (&subject.answers, begun) {
        (Some(answers), Some(begun)) if same(answers, begun) => Ok(()),
        (None, None) if !saml.unsolicited => {
            Err(unauthorized("Unsolicited (IdP-initiated) SAML responses are disabled.").into())
        }
        // Whoever steals one must not find a gateway that has not seen it.
        (None, None) if !visit.accounts.shares() => {
            let why = "Unsolicited (IdP-initiated) SAML responses require a Redis that gateways share.";
            Err(unauthorized(why).into())
        }
        (None, None) => Ok(()),
        _ => Err(unauthorized("SAML response is not bound to this browser's login request.").into()),
    }
}

fn profile(visit: &Visit, saml: &SamlWay, subject: &Subject) -> Outcome<Profile> {
    let names = &saml.attributes;
    let first = |names: &[String]| subject.values(names).first().cloned();
    let of_name = || subject.name_id.clone().filter(|name| name.contains('@'));
    let email = first(&names.email).filter(|email| email.contains('@')).or_else(of_name);
    let id = first(&names.id).or_else(|| subject.name_id.clone()).or_else(|| email.clone());
    let id = id.ok_or_else(|| unauthorized("SAML assertion did not contain a usable subject (NameID) or email."))?;
    let whole: Vec<String> = [first(&names.first_name), first(&names.last_name)].into_iter().flatten().collect();
    let roles: Vec<Role> = subject.values(&names.role).iter().filter_map(|role| Role::parse(role)).collect();
    // `ALL` begins with the highest.
    let role = Role::ALL.into_iter().find(|role| roles.contains(role));
    let groups = match &visit.settings().access {
        UiAccess::Group { claim, .. } => subject.values(std::slice::from_ref(claim)).to_vec(),
        _ => Vec::new(),
    };
    Ok(Profile {
        id,
        name: if whole.is_empty() { email.clone() } else { Some(whole.join(" ")) },
        email,
        role: role.map(|role| role.name().to_owned()),
        teams: subject.values(&names.teams).to_vec(),
        groups,
    })
}
