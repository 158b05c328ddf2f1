//! Trying the identity provider out: what it says of whoever logs in, and what the gateway makes of it. Nobody is let in by it.

use axum::body::Body;
use http::Response;
use llm_accounts::Outcome;
use llm_types::Json;

use super::away::Away;
use super::refusal::unauthorized;
use super::{SsoWay, Visit, page, reply, sso};

/// A cookie of its own: a trial is no login.
const AWAY: Away = Away { name: "sso_debug", posted: false };

/// Where people come back to; has to be registered with the provider, too.
const BACK: &str = "/sso/debug/callback";

/// What is shown to nobody, should a provider put it among the claims.
const TOKENS: [&str; 3] = ["access_token", "id_token", "refresh_token"];

/// `GET /sso/debug/login`: on to the provider.
pub(super) async fn login(visit: Visit) -> Response<Body> {
    let outcome = async {
        let sso = visit.sso.as_deref().ok_or_else(|| unauthorized("No SSO provider is configured."))?;
        let SsoWay::Code { flow, .. } = &sso.way else {
            return Err(unauthorized("Only providers that send people back with a code can be tried out.").into());
        };
        sso::leave(&visit, sso, flow, &AWAY, BACK, None).await
    };
    outcome.await.unwrap_or_else(|problem| reply::json(Err(problem)))
}

/// `GET /sso/debug/callback`: a page that shows what the provider says.
pub(super) async fn callback(visit: Visit) -> Response<Body> {
    let mut response = match told(&visit).await {
        Ok(told) => reply::html(200, page::told("What the identity provider says", &told)),
        Err(problem) => reply::json(Err(problem)),
    };
    AWAY.forget(&visit, &mut response);
    response
}

async fn told(visit: &Visit) -> Outcome<Json> {
    let (claims, attributes, _) = sso::returned(visit, &AWAY, BACK).await?;
    let profile = sso::profile(attributes, visit.settings(), &claims);
    let texts = |list: &[String]| Json::Array(list.iter().map(|text| Json::from(text.as_str())).collect());
    let parsed = Json::object([
        ("id", Json::from(profile.id.as_str())),
        ("email", Json::from(profile.email.as_deref())),
        ("display_name", Json::from(profile.name.as_deref())),
        ("user_role", Json::from(profile.role.as_deref())),
        ("team_ids", texts(&profile.teams)),
        ("groups", texts(&profile.groups)),
    ]);
    let mut raw = claims.json().clone();
    TOKENS.into_iter().for_each(|name| drop(raw.remove(name)));
    Ok(Json::object([("parsed_by_proxy", parsed), ("raw_claims", raw)]))
}
