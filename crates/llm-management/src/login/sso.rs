//! Logging in at an identity provider: which one it is, and the way there and back with a code.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use llm_accounts::{LoginSettings, Outcome, Profile, Role, UiAccess};
use llm_idp::{Claims, CodeFlow, Departure, Idp};
use llm_types::{Error, Json, Kind};
use parking_lot::RwLock;

use super::away::{self, Arrival, Away, refused, same};
use super::refusal::unauthorized;
use super::{SamlWay, Visit, cli, page, reply, saml};
use crate::call::Call;

/// People come back by a link, with a code.
const AWAY: Away = Away { name: "sso_login", posted: false };

/// The path that they come back to.
const BACK: &str = "/sso/callback";

/// Which provider it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SsoKind {
    /// Google.
    Google,
    /// Microsoft Entra.
    Microsoft,
    /// Any other OpenID provider.
    Generic,
    /// One that speaks SAML.
    Saml,
}

impl SsoKind {
    /// LiteLLM's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
            Self::Generic => "generic",
            Self::Saml => "saml",
        }
    }
}

/// Which claim says what (`GENERIC_USER_*_ATTRIBUTE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoAttributes {
    /// The id; the first that is there.
    pub id: Vec<String>,
    /// The address; the first that is there.
    pub email: Vec<String>,
    /// What to call somebody; the first that is there.
    pub name: Vec<String>,
    /// A role of the gateway.
    pub role: Option<String>,
    /// Ids of teams.
    pub teams: Option<String>,
    /// Groups that give a role; they count before `role`.
    pub role_map: Option<SsoRoleMap>,
}

/// Which groups give which role (`GENERIC_ROLE_MAPPINGS_*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoRoleMap {
    /// The claim with the groups.
    pub claim: String,
    /// Roles with their groups.
    pub roles: Vec<(Role, Vec<String>)>,
    /// The role of people in none of them.
    pub otherwise: Option<Role>,
}

impl SsoRoleMap {
    /// The highest role that somebody's groups give.
    fn role(&self, claims: &Claims) -> Option<Role> {
        let groups = claims.texts(&self.claim);
        let given = |role: &Role| {
            let of_role = self.roles.iter().filter(|(known, _)| known == role);
            of_role.flat_map(|(_, names)| names).any(|name| groups.contains(name))
        };
        // `ALL` begins with the highest.
        Role::ALL.into_iter().find(given).or(self.otherwise)
    }
}

/// How people get to a provider and back.
#[derive(Debug)]
pub enum SsoWay {
    /// They come back with a code.
    Code {
        /// How codes are fetched there.
        flow: CodeFlow,
        /// What its claims are called.
        attributes: SsoAttributes,
    },
    /// They come back with a signed document.
    Saml(Box<SamlWay>),
}

/// The provider that people log in at.
#[derive(Debug)]
pub struct SsoSettings {
    /// Which one.
    pub kind: SsoKind,
    /// How people get there and back.
    pub way: SsoWay,
    /// Variables that are not set and have to be.
    pub missing: Vec<&'static str>,
    /// What its tokens are verified with.
    pub idp: Arc<Idp>,
}

/// The provider that holds now: another configuration puts another in its place.
#[derive(Debug, Default)]
pub struct SsoInForce(RwLock<Option<Arc<SsoSettings>>>);

impl SsoInForce {
    /// The provider; nothing where none is configured.
    #[must_use]
    pub fn get(&self) -> Option<Arc<SsoSettings>> {
        self.0.read().clone()
    }

    /// Puts another in its place, for logins that begin from now on.
    pub fn set(&self, sso: Option<SsoSettings>) {
        *self.0.write() = sso.map(Arc::new);
    }
}

/// `GET /sso/key/generate`: on to the provider, or the form where there is none.
pub(super) async fn start(visit: Visit) -> Response<Body> {
    if visit.settings().ui_disabled {
        return reply::html(200, page::message("The admin UI is disabled."));
    }
    let Some(sso) = visit.sso.clone() else { return reply::html(200, page::form(&visit, None)) };
    if !sso.missing.is_empty() {
        let why = format!("SSO is configured but lacks {}", sso.missing.join(", "));
        return reply::json(Err(Error::internal(why).into()));
    }
    let left = match (cli::asked(&visit), &sso.way) {
        (Ok(program), SsoWay::Code { flow, .. }) => leave(&visit, &sso, flow, &AWAY, BACK, program).await,
        (Ok(program), SsoWay::Saml(way)) => saml::leave(&visit, &sso, way, program).await,
        (Err(problem), _) => Err(problem),
    };
    match left {
        Ok(response) => response,
        Err(problem) => reply::json(Err(problem)),
    }
}

/// On to the provider, which sends people back to the path `back`.
///
/// # Errors
/// When the provider cannot be asked where it is.
pub(super) async fn leave(
    visit: &Visit,
    sso: &SsoSettings,
    flow: &CodeFlow,
    away: &Away,
    back: &str,
    program: Option<String>,
) -> Outcome<Response<Body>> {
    let back = format!("{}{back}", visit.base());
    let left = flow.start(&sso.idp, &back).await.map_err(|why| refused(&why))?;
    let secrets = [("state", &*left.state), ("nonce", &*left.nonce), ("verifier", &*left.verifier)];
    away.leave(visit, &left.url, &secrets, program)
}

/// `GET /sso/callback`: back from the provider.
pub(super) async fn callback(visit: Visit) -> Response<Body> {
    let arrival = come_back(&visit).await;
    AWAY.back(&visit, arrival)
}

async fn come_back(visit: &Visit) -> Outcome<Arrival> {
    let (claims, attributes, kept) = returned(visit, &AWAY, BACK).await?;
    let profile = profile(attributes, visit.settings(), &claims);
    away::arrive(visit, &profile, Some(&kept), None).await
}

/// What the provider says of whoever is back, which of it says what, and what the browser kept.
///
/// # Errors
/// 401 for who did not leave from here in this browser, and for what the provider does not vouch for.
pub(super) async fn returned<'v>(
    visit: &'v Visit,
    away: &Away,
    back: &str,
) -> Outcome<(Claims, &'v SsoAttributes, Json)> {
    let sso = visit.sso.as_deref().ok_or_else(|| unauthorized("No SSO provider is configured."))?;
    let SsoWay::Code { flow, attributes } = &sso.way else {
        return Err(unauthorized("The SSO provider speaks SAML: it sends people elsewhere.").into());
    };
    let kept = away.kept(visit)?;
    let kept = kept.ok_or_else(|| unauthorized("This login was not begun in this browser, or too long ago."))?;
    let text = |name: &str| kept.text(name).unwrap_or_default().to_owned();
    let state = text("state");
    if state.is_empty() || !visit.asked("state").is_some_and(|given| same(given, &state)) {
        return Err(unauthorized("The state of this login is not the one that it began with.").into());
    }
    if let Some(error) = visit.asked("error") {
        let word: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
        return Err(unauthorized(&format!("OAuth error: {word}")).into());
    }
    let code = visit.asked("code").ok_or_else(|| unauthorized("The provider told no code."))?;
    let left = Departure { url: String::new(), state, nonce: text("nonce"), verifier: text("verifier") };
    let back = format!("{}{back}", visit.base());
    let claims = flow.finish(&sso.idp, code, &back, &left).await.map_err(|why| refused(&why))?;
    Ok((claims, attributes, kept))
}

/// Who somebody is, as their claims say it.
pub(super) fn profile(attributes: &SsoAttributes, login: &LoginSettings, claims: &Claims) -> Profile {
    let first = |names: &[String]| names.iter().find_map(|name| claims.text(name));
    let list = |name: &Option<String>| name.as_deref().map(|name| claims.texts(name)).unwrap_or_default();
    let groups = match &login.access {
        UiAccess::Group { claim, .. } => claims.texts(claim),
        _ => Vec::new(),
    };
    // An address that somebody only claims to have makes nobody of them.
    let own = claims.at("email_verified").and_then(|verified| match verified {
        Json::Bool(own) => Some(*own),
        Json::String(own) => Some(own.eq_ignore_ascii_case("true")),
        _ => None,
    });
    let told = || {
        let name = attributes.role.as_deref()?;
        claims.texts(name).into_iter().find(|role| Role::parse(role).is_some())
    };
    let role = match &attributes.role_map {
        Some(map) => map.role(claims).map(|role| role.name().to_owned()),
        None => told(),
    };
    Profile {
        id: first(&attributes.id).unwrap_or_default(),
        email: first(&attributes.email).filter(|email| own != Some(false) && email.contains('@')),
        name: first(&attributes.name),
        role,
        teams: list(&attributes.teams),
        groups,
    }
}

/// `GET /sso/readiness`: whether everything is set that the provider needs.
///
/// # Errors
/// 503 naming what is missing.
pub(crate) async fn readiness(call: Call) -> Outcome<Json> {
    let Some(sso) = call.sso.as_deref() else {
        return Ok(Json::object([
            ("status", Json::from("healthy")),
            ("sso_configured", Json::Bool(false)),
            ("message", Json::from("No SSO provider configured")),
        ]));
    };
    let name = sso.kind.name();
    if !sso.missing.is_empty() {
        let why =
            format!("{name} SSO is configured but missing required environment variables: {}", sso.missing.join(", "));
        return Err(Error::new(Kind::Unavailable, why).with_param(sso.missing.join(",")).into());
    }
    Ok(Json::object([
        ("status", Json::from("healthy")),
        ("sso_configured", Json::Bool(true)),
        ("provider", Json::from(name)),
        ("message", Json::from(format!("{name} SSO is properly configured"))),
    ]))
}
