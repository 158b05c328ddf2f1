//! Opaque tokens, explained by an authorization server: token introspection (RFC 7662) or an endpoint that tells a token of
//! itself, as LiteLLM asks it.

use bytes::Bytes;
use chrono::DateTime;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use llm_http::{Body, Timeouts, Transport};
use llm_idp::{Claims, Refused};
use llm_types::{Json, Result};

use super::said::{Said, Teams};
use super::settings::Introspection;
use super::{outside, refused};
use crate::Role;

/// What the server says of a token.
///
/// # Errors
/// 401 for tokens that are not good, 503 when the server does not say.
pub(super) async fn ask(server: &Introspection, http: &dyn Transport, token: &str) -> Result<Said> {
    let (status, body) = outside::ask(http, request(server, token)?, Timeouts::default()).await?;
    let refuse = |why: &'static str| Err(refused::token(&Refused::Token(why.into())));
    match status {
        200 => {}
        400 | 401 | 403 | 404 if server.client.is_none() => return refuse("the authorization server refuses it"),
        // With our own name 401 means that the server does not know us.
        status => return Err(refused::unavailable(&format!("introspection answered with status {status}"))),
    }
    let answer: Json = serde_json::from_slice(&body)
        .map_err(|_| refused::unavailable("introspection answered something that is no JSON"))?;
    let claims = Claims::new(answer);
    match claims.at("active").map(Json::as_bool) {
        Some(Some(true)) => {}
        None if server.client.is_none() => {}
        _ => return refuse("it is not active"),
    }
    if claims.expires().is_some_and(|ends| ends <= outside::now()) {
        return Err(refused::token(&Refused::Expired));
    }
    let roles = claims.texts(&server.role_field);
    Ok(Said {
        user_id: claims.text(&server.user_id_field),
        teams: Teams { ids: claims.texts(&server.team_id_field), ..Teams::default() },
        role: roles.iter().find_map(|role| Role::parse(role)),
        email: claims.text("email"),
        expires: claims.expires().and_then(|at| DateTime::from_timestamp(at as i64, 0)),
        ..Said::default()
    })
}

fn request(server: &Introspection, token: &str) -> Result<Request<Body>> {
    use base64::Engine as _;
    let built = match &server.client {
        Some((id, secret)) => {
            let basic = format!("{}:{}", outside::form(id), outside::form(secret.expose()));
            let basic = base64::engine::general_purpose::STANDARD.encode(basic);
            Request::post(&server.url)
                .header(AUTHORIZATION, format!("Basic {basic}"))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(ACCEPT, "application/json")
                .body(Body::from(Bytes::from(format!("token={}", outside::form(token)))))
        }
        None => Request::get(&server.url)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(ACCEPT, "application/json")
            .body(Body::empty()),
    };
    // A token that cannot stand in a header is none.
    built.map_err(|_| refused::token(&Refused::Token("it cannot be shown to the authorization server".into())))
}
