//! Who is logged in, by key or cookie; logging out.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use llm_accounts::{Credential, Identity, Outcome};
use llm_types::{Json, Secret};

use super::Visit;
use super::refusal::{forbidden, unauthorized};
use super::reply::{self, COOKIE, Crossing};

/// The key that the visitor shows: in a header, else inside of the cookie's token.
fn key(visit: &Visit) -> Outcome<Option<Secret>> {
    match llm_accounts::credential(&visit.headers, visit.settings().key_header.as_deref()) {
        Credential::Key(key) => Ok(Some(Secret::new(key))),
        Credential::Malformed => Ok(None),
        Credential::None => match visit.cookie(COOKIE) {
            Some(token) => visit.accounts.session_key(token),
            None => Ok(None),
        },
    }
}

async fn who(visit: &Visit) -> Outcome<(Secret, Arc<Identity>)> {
    let key = key(visit)?.ok_or_else(|| unauthorized("Authentication Error, nobody is logged in."))?;
    let who = visit.accounts.identify(&Credential::Key(key.expose())).await?;
    Ok((key, who))
}

/// `GET /session`: the session of the cookie, with its key, for the pages of this site: they keep it in memory. Other sites'
/// pages cannot set the header that is asked for.
pub(super) async fn show(visit: Visit) -> Response<Body> {
    let outcome = async {
        if visit.header("x-requested-with").is_none() {
            return Err(forbidden("Ask with a header `x-requested-with`.").into());
        }
        visit.is_own_page()?;
        let (key, who) = who(&visit).await?;
        Ok(Json::object([
            ("user_id", Json::from(who.user_id())),
            ("user_email", Json::from(who.caller().user_email.as_deref())),
            ("user_role", Json::from(who.role().map(llm_accounts::Role::name))),
            ("key", Json::from(key.expose())),
        ]))
    };
    reply::json(outcome.await)
}

/// `POST /session/logout`: the session ends, the cookie goes.
pub(super) async fn end(visit: Visit) -> Response<Body> {
    let outcome = async {
        visit.is_own_page()?;
        let (_, who) = who(&visit).await?;
        visit.accounts.log_out(&who).await
    };
    let mut response = reply::json(outcome.await);
    if visit.cookie(COOKIE).is_some() {
        reply::set_cookie(&mut response, &visit, (COOKIE, ""), 0, Crossing::Strict);
    }
    response
}
