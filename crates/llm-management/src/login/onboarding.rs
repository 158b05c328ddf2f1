//! Invitations: opened, and a password set through them.

use axum::body::Body;
use http::Response;
use http::header::AUTHORIZATION;

use super::refusal::unauthorized;
use super::{Visit, reply};

/// `GET /onboarding/get_token?invite_link=ID`.
pub(super) async fn open(visit: Visit) -> Response<Body> {
    let link = visit.asked("invite_link").unwrap_or_default().to_owned();
    reply::json(visit.accounts.open_invitation(&link, visit.source, &visit.base()).await)
}

/// `POST /onboarding/claim_token`, with the token of the invitation as a key.
pub(super) async fn claim(visit: Visit) -> Response<Body> {
    let name = visit.settings().key_header.as_deref().unwrap_or(AUTHORIZATION.as_str());
    let given = visit.header(name).map(|text| {
        let bearer = text.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("bearer "));
        if bearer { text.get(7..).unwrap_or_default() } else { text }
    });
    let outcome = async {
        let token = given.ok_or_else(|| unauthorized("Missing onboarding session for invitation link."))?;
        let session = visit.accounts.claim_invitation(token.trim(), &visit.json()?).await?;
        let token = visit.accounts.session_token(&session)?;
        Ok((visit.accounts.onboarded(&session, &token, &visit.base()), token))
    };
    match outcome.await {
        Ok((answer, token)) => {
            let mut response = reply::json(Ok(answer));
            reply::remember(&mut response, &visit, &token);
            response
        }
        Err(problem) => reply::json(Err(problem)),
    }
}
