//! Away at an identity provider and back, whatever it speaks.
//!
//! What has to be kept meanwhile lies in a signed cookie of the browser that left, so that any gateway can finish what
//! another began, and nobody can finish it in another browser.

use axum::body::Body;
use chrono::Utc;
use http::Response;
use llm_accounts::{Outcome, Profile, read_token, write_token};
use llm_idp::Refused;
use llm_types::{Error, Json, Kind, Secret};
use subtle::ConstantTimeEq as _;

use super::refusal::unauthorized;
use super::reply::{self, Crossing};
use super::visit::own_path;
use super::{Visit, cli};

/// How long somebody may take there.
const SECONDS: i64 = 600;

/// How browsers of people who are away keep what belongs to their login.
#[derive(Debug)]
pub(super) struct Away {
    /// The cookie, and what its token says that it is.
    pub(super) name: &'static str,
    /// They come back by a form that the provider's page posts, not by a link.
    pub(super) posted: bool,
}

/// Who is back.
pub(super) enum Arrival {
    /// Somebody for themselves: the token of the session, and where to go on.
    Person(String, String),
    /// Somebody for a program: the page that asks for its code.
    Program(String),
}

impl Away {
    /// The way back begins at another site, so a strict cookie would not come along.
    fn crossing(&self, visit: &Visit) -> Crossing {
        if self.posted { Crossing::of_posts(visit) } else { Crossing::Lax }
    }

    /// On to the provider at `url`, for the browser itself or for the login of a `program`. The browser keeps `secrets`.
    ///
    /// # Errors
    /// 500 for a gateway that cannot sign.
    pub(super) fn leave(
        &self,
        visit: &Visit,
        url: &str,
        secrets: &[(&str, &str)],
        program: Option<String>,
    ) -> Outcome<Response<Body>> {
        let claims = [
            ("token_type", Json::from(self.name)),
            ("return_to", Json::from(own_path(visit.asked("return_to")))),
            ("cli", Json::from(program)),
            ("exp", Json::from(Utc::now().timestamp() + SECONDS)),
        ];
        let secrets = secrets.iter().map(|(name, value)| (*name, Json::from(*value)));
        let token = write_token(&Json::object(secrets.chain(claims)), visit.accounts.signing_key()?);
        let mut response = reply::redirect(url);
        reply::set_cookie(&mut response, visit, (self.name, &token), SECONDS, self.crossing(visit));
        Ok(response)
    }

    /// What the browser kept; nothing in one that did not leave from here, or too long ago.
    ///
    /// # Errors
    /// 500 for a gateway that cannot sign.
    pub(super) fn kept(&self, visit: &Visit) -> Outcome<Option<Json>> {
        let key = visit.accounts.signing_key()?;
        Ok(visit.cookie(self.name).and_then(|token| told(token, self.name, key)))
    }

    /// What somebody sees who is back.
    pub(super) fn back(&self, visit: &Visit, arrival: Outcome<Arrival>) -> Response<Body> {
        let mut response = match arrival {
            Ok(Arrival::Program(page)) => reply::html(200, page),
            Ok(Arrival::Person(token, to)) => {
                let mut response = reply::redirect(&to);
                reply::remember(&mut response, visit, &token);
                response
            }
            Err(problem) => reply::json(Err(problem)),
        };
        self.forget(visit, &mut response);
        response
    }

    /// What the browser kept is good once.
    pub(super) fn forget(&self, visit: &Visit, response: &mut Response<Body>) {
        reply::set_cookie(response, visit, (self.name, ""), 0, self.crossing(visit));
    }
}

/// Lets somebody in whom the provider describes: a program whose login the browser kept, else the person, who goes on to the
/// path of this site that the browser kept, else to `otherwise`.
///
/// # Errors
/// 401 and 403 for people who may not come in.
pub(super) async fn arrive(
    visit: &Visit,
    profile: &Profile,
    kept: Option<&Json>,
    otherwise: Option<&str>,
) -> Outcome<Arrival> {
    let said = |name: &str| kept.and_then(|kept| kept.text(name));
    if let Some(login) = said("cli") {
        let user = visit.accounts.arrive(profile).await?;
        return cli::ask_for_code(visit, login, &user.user_id).map(Arrival::Program);
    }
    let session = visit.accounts.log_in_as(profile).await?;
    let token = visit.accounts.session_token(&session)?;
    Ok(Arrival::Person(token, visit.onward(said("return_to").or(otherwise))))
}

/// What a visitor hears of a provider's refusal; hosts stay in the log.
pub(super) fn refused(why: &Refused) -> Error {
    match why {
        Refused::Unavailable(_) => {
            tracing::error!(%why, "the identity provider cannot be asked");
            Error::new(Kind::Unavailable, "The identity provider cannot be asked. Try again later.")
                .with_type("auth_provider_unavailable")
        }
        other => {
            tracing::warn!(%other, "a login at the identity provider was refused");
            unauthorized(&format!("The login is refused: {other}."))
        }
    }
}

/// The claims of a token that this gateway signed, that has not ended, and that says of itself that it is of this kind.
pub(super) fn told(token: &str, kind: &str, key: &Secret) -> Option<Json> {
    read_token(token, key, Utc::now().timestamp()).filter(|claims| claims.text("token_type") == Some(kind))
}

/// Compares secrets: how long it takes tells nothing.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
