//! The login of a command line, as LiteLLM's client does it: the program asks for a login, its user goes through the identity
//! provider in a browser and types the code that the program shows, the program fetches a key.
//!
//! Everything of such a login follows from its number and the master key, so a gateway keeps nothing of logins that nobody
//! finishes, and any gateway can go on with one. Only who has finished is kept, until the program asks.

use std::time::Duration;

use axum::body::Body;
use chrono::Utc;
use http::Response;
use llm_accounts::{KeyDigest, Outcome, write_token};
use llm_types::{Json, Secret};

use super::away::{same, told};
use super::refusal::{bad, forbidden};
use super::{Visit, codes, page, reply};

/// How long a login may take.
const SECONDS: i64 = 600;
/// What the client says that it is.
const CLIENT: &str = "litellm-cli";
/// Stands in front of the ids of logins.
const PREFIX: &str = "cli-";
/// The header with the secret that only the program knows.
const SECRET: &str = "x-litellm-cli-poll-secret";

/// A login that was begun.
#[derive(Debug)]
pub(super) struct Login {
    number: String,
    ends: i64,
}

impl Login {
    fn new() -> Self {
        Self { number: codes::random(), ends: Utc::now().timestamp() + SECONDS }
    }

    /// The login of an id; nothing for others, and for those that took too long.
    fn of(id: &str, key: &Secret) -> Option<Self> {
        let claims = told(id.strip_prefix(PREFIX)?, "cli_login", key)?;
        let ends = claims.get("exp")?.as_i64()?;
        Some(Self { number: claims.get("number")?.as_str()?.to_owned(), ends })
    }

    fn id(&self, key: &Secret) -> String {
        format!("{PREFIX}{}", self.signed("cli_login", None, key))
    }

    fn signed(&self, kind: &str, user: Option<&str>, key: &Secret) -> String {
        let claims = Json::object([
            ("token_type", Json::from(kind)),
            ("number", Json::from(self.number.as_str())),
            ("user_id", Json::from(user)),
            ("exp", Json::from(self.ends)),
        ]);
        write_token(&claims, key)
    }

    /// What the program shows and its user types: eight letters.
    fn user_code(&self, key: &Secret) -> String {
        const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";
        let digest = KeyDigest::of(&self.signed("cli_code", None, key)).hex();
        let letter =
            |digit: char| digit.to_digit(16).and_then(|digit| LETTERS.get(usize::try_from(digit).ok()?)).copied();
        let code: String = digest.chars().filter_map(letter).take(8).map(char::from).collect();
        let (head, tail) = code.split_at(code.len() / 2);
        format!("{head}-{tail}")
    }

    /// Under which it is kept who has finished it.
    fn place(&self) -> String {
        format!("cli\0{}", self.number)
    }
}

/// The login that a path names.
fn of_path(visit: &Visit, key: &Secret) -> Outcome<Login> {
    let id = visit.path.rsplit('/').next().unwrap_or_default();
    Login::of(id, key).ok_or_else(|| bad("This login is none, or has taken too long. Begin again.").into())
}

/// `POST /sso/cli/start`.
pub(super) async fn start(visit: Visit) -> Response<Body> {
    let begun = || -> Outcome<Json> {
        let key = visit.accounts.signing_key()?;
        if visit.sso.as_ref().is_none_or(|sso| !sso.missing.is_empty()) {
            return Err(bad("No SSO provider is configured: command lines cannot log in.").into());
        }
        let login = Login::new();
        Ok(Json::object([
            ("login_id", Json::from(login.id(key))),
            ("poll_secret", Json::from(login.signed("cli_poll", None, key))),
            ("user_code", Json::from(login.user_code(key))),
            ("expires_in", Json::from(SECONDS)),
        ]))
    };
    reply::detailed(begun())
}

/// The login that somebody who leaves for the provider comes from; nothing for people who come for themselves.
///
/// # Errors
/// 400 for a login that is none.
pub(super) fn asked(visit: &Visit) -> Outcome<Option<String>> {
    if visit.asked("source") != Some(CLIENT) {
        return Ok(None);
    }
    let id = visit.asked("key").unwrap_or_default();
    match Login::of(id, visit.accounts.signing_key()?) {
        Some(_) => Ok(Some(id.to_owned())),
        None => Err(bad("This login is none, or has taken too long. Begin again.").into()),
    }
}

/// The page for somebody who is back from the provider: it asks for the code that their own program shows, so that nobody
/// finishes a login that somebody else began.
///
/// # Errors
/// 400 for a login that has taken too long.
pub(super) fn ask_for_code(visit: &Visit, id: &str, user: &str) -> Outcome<String> {
    let key = visit.accounts.signing_key()?;
    let login = Login::of(id, key).ok_or_else(|| bad("This login has taken too long. Begin again."))?;
    let root = visit.settings().root_path.trim_end_matches('/');
    Ok(page::code(&format!("{root}/sso/cli/complete/{id}"), &login.signed("cli_complete", Some(user), key)))
}

/// `POST /sso/cli/complete/{login_id}`.
pub(super) async fn complete(visit: Visit) -> Response<Body> {
    let outcome: Outcome<()> = async {
        visit.is_own_page()?;
        let key = visit.accounts.signing_key()?;
        let login = of_path(&visit, key)?;
        let wrong = || bad("Invalid verification code");
        let token = visit.field("browser_complete_token").unwrap_or_default();
        let claims = told(&token, "cli_complete", key).ok_or_else(wrong)?;
        let says = |name: &str| claims.text(name).unwrap_or_default();
        let typed = visit.field("user_code").unwrap_or_default();
        let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
        let right = same(says("number"), &login.number) & same(&plain(&typed), &plain(&login.user_code(key)));
        visit.accounts.try_code(visit.source, &login.place(), right).await?;
        if !right {
            return Err(wrong().into());
        }
        let left = u64::try_from(login.ends - Utc::now().timestamp()).unwrap_or_default();
        visit.accounts.deposit(&login.place(), says("user_id"), Duration::from_secs(left.max(1))).await
    }
    .await;
    match outcome {
        Ok(()) => reply::html(200, page::message("You are logged in. Go back to your terminal.")),
        Err(problem) => reply::json(Err(problem)),
    }
}

/// `GET /sso/cli/poll/{login_id}?team_id=`: `pending`, or the key, once.
pub(super) async fn poll(visit: Visit) -> Response<Body> {
    let outcome = async {
        let key = visit.accounts.signing_key()?;
        let login = of_path(&visit, key)?;
        if !visit.header(SECRET).is_some_and(|given| same(given, &login.signed("cli_poll", None, key))) {
            return Err(forbidden("Invalid CLI polling secret").into());
        }
        match visit.accounts.deposited(&login.place()).await? {
            None => Ok(Json::object([("status", "pending")])),
            Some(user) => ready(&visit, &login, &user).await,
        }
    };
    reply::detailed(outcome.await)
}

async fn ready(visit: &Visit, login: &Login, user: &str) -> Outcome<Json> {
    let teams = visit.accounts.cli_teams(user).await?;
    let detail = |team: &llm_store::TeamRow| {
        Json::object([
            ("team_id", Json::from(team.team_id.as_str())),
            ("team_alias", Json::from(team.team_alias.as_deref())),
            ("models", Json::Array(team.models.iter().map(|model| Json::from(model.as_str())).collect())),
            ("max_budget", Json::from(team.max_budget)),
        ])
    };
    let ids = Json::Array(teams.iter().map(|team| Json::from(team.team_id.as_str())).collect());
    let mut answer = Json::object([
        ("status", Json::from("ready")),
        ("user_id", Json::from(user)),
        ("teams", ids),
        ("team_details", Json::Array(teams.iter().map(detail).collect())),
    ]);
    let chosen = visit.asked("team_id");
    if chosen.is_none() && teams.len() > 1 {
        answer.set("requires_team_selection", true);
        return Ok(answer);
    }
    let team = chosen.or_else(|| teams.first().map(|team| team.team_id.as_str()));
    if chosen.is_some_and(|chosen| !teams.iter().any(|team| team.team_id == chosen)) {
        let why = "User does not belong to this team";
        return Err(forbidden(why).with_param("team_id").into());
    }
    // Of several that ask at once one gets it.
    if visit.accounts.redeem(&login.place()).await?.is_none() {
        return Err(bad("This login has given its key already.").into());
    }
    let (key, ends) = visit.accounts.cli_key(user, team).await?;
    answer.set("key", key.expose());
    answer.set("team_id", Json::from(team));
    answer.set("expires_in", (ends - Utc::now()).num_seconds());
    Ok(answer)
}
