//! Who may change models, and which parameters. Administrators may everything. Whoever manages a team may change the
//! team's models, but only with a key of their own: a parameter may make the gateway read its environment or its files,
//! and a new address would be sent the key that was meant for the old one. Their addresses are names below `https`: hosts
//! of the gateway's own network have no certificate for a name that others can choose, so they are not reached through one.

use llm_store::TeamRow;
use llm_types::{Field, Json};
use url::{Host, Url};

use crate::Accounts;
use crate::keys::rights::{Place, place};
use crate::keys::{Actor, bad, forbidden};
use crate::request::{Outcome, refers};

/// Parameters, besides OpenAI's, that a team's manager may set.
const TEAM_PARAMS: &[&str] = &[
    "model",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "organization",
    "custom_llm_provider",
    "tpm",
    "rpm",
    "weight",
    "order",
    "timeout",
    "stream_timeout",
    "max_retries",
    "num_retries",
    "cooldown_time",
    "max_parallel_requests",
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "tags",
    "region_name",
    "input_cost_per_token",
    "output_cost_per_token",
    "max_budget",
    "budget_duration",
];

/// Parameters that say where a call goes.
const CONNECTION: &[&str] = &["model", "api_base", "base_url", "api_version", "organization", "custom_llm_provider"];

impl Accounts {
    /// Whether the caller may change models of this team, or of nobody.
    pub(super) async fn may_touch_model(&self, actor: Actor<'_>, team: Option<&str>) -> Outcome<()> {
        if actor.who.is_admin() {
            return Ok(());
        }
        let (Some(team), Some(user)) = (team, actor.who.user_id()) else {
            return Err(forbidden("Only proxy admins can change models; team admins those of their team.").into());
        };
        let row = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
        if row.is_some_and(|row| place(&row, user) == Place::Admin) {
            return Ok(());
        }
        Err(forbidden("You are not an admin of this team.").with_param("model_info.team_id").into())
    }

    /// The same, and whether the parameters of a call are ones that the caller may set. `all` are those that the model will
    /// have.
    pub(super) async fn may_write_model(
        &self,
        actor: Actor<'_>,
        team: Option<&str>,
        body: &Json,
        all: &Json,
    ) -> Outcome<()> {
        self.may_touch_model(actor, team).await?;
        if actor.who.is_admin() {
            return Ok(());
        }
        // All of a row is resolved: its name and what is known of the model, too.
        let fields = body.as_object().unwrap_or_default();
        if let Some((name, _)) = fields.iter().find(|(_, value)| refers(value)) {
            let why = format!("Only proxy admins can refer to the environment (`{name}`).");
            return Err(forbidden(why).with_param(name.as_str()).into());
        }
        let given = body.get("litellm_params").and_then(Json::as_object).unwrap_or_default();
        let all = all.as_object().unwrap_or_default();
        let open = |name: &str| TEAM_PARAMS.contains(&name) || Field::from_name(name).is_some();
        if let Some((name, _)) = all.iter().find(|(name, _)| !open(name)) {
            return Err(forbidden(format!("Only proxy admins can set `{name}`.")).with_param(name.as_str()).into());
        }
        if let Some((name, _)) = given.iter().find(|(name, value)| names_no_public_host(name, value)) {
            let why = format!("Only proxy admins can set such an address (`{name}`): https and the name of a host.");
            return Err(forbidden(why).with_param(name.as_str()).into());
        }
        let moves = given.iter().any(|(name, _)| CONNECTION.contains(&name.as_str()));
        let has_key =
            given.iter().any(|(name, value)| name == "api_key" && value.as_str().is_some_and(|k| !k.is_empty()));
        if moves && !has_key {
            let why = "Give the api_key along: a team's model is called with a key of the team.";
            return Err(bad(why).with_param("litellm_params.api_key").into());
        }
        if let Some((name, _)) = all.iter().find(|(_, value)| moves && refers(value)) {
            let why = format!("Only proxy admins can move a model that refers to the environment (`{name}`).");
            return Err(forbidden(why).with_param(name.as_str()).into());
        }
        Ok(())
    }
}

/// Whether a parameter leads, or may lead, elsewhere than to a host that is known by its name to everybody.
fn names_no_public_host(name: &str, value: &Json) -> bool {
    let text = value.as_str().unwrap_or_default();
    match name {
        "api_base" | "base_url" if text.is_empty() => false,
        "api_base" | "base_url" => !Url::parse(text).is_ok_and(|url| is_public(&url)),
        // Some providers take an address for a model.
        "model" => text.contains("://"),
        _ => false,
    }
}

fn is_public(url: &Url) -> bool {
    let named = matches!(url.host(), Some(Host::Domain(name)) if name.trim_end_matches('.').contains('.'));
    url.scheme() == "https" && named && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_team() {
        let refused = |name: &str, text: &str| names_no_public_host(name, &Json::from(text));
        for open in ["https://api.example.com/v1", "https://api.example.com:8443", ""] {
            assert!(!refused("api_base", open), "{open}");
        }
        for closed in [
            "http://api.example.com/v1",
            "https://localhost/v1",
            "https://vllm/v1",
            "https://10.0.0.1/v1",
            "https://2852039166/latest",
            "https://[::1]/v1",
            "https://user:word@api.example.com",
            "file:///etc/passwd",
            "api.example.com",
        ] {
            assert!(refused("api_base", closed) && refused("base_url", closed), "{closed}");
        }
        assert!(refused("model", "huggingface/https://10.0.0.1/generate") && !refused("model", "openai/gpt-4o"));
        assert!(!refused("organization", "http://x"));
    }
}
