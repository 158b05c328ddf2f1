//! Logging callbacks of single teams, as LiteLLM keeps them in a team's metadata. They are shown and can be taken away; none
//! is served yet, so none can be added.

use llm_store::{TeamPatch, TeamRow};
use llm_types::Json;

use crate::audit::Action;
use crate::keys::{Actor, bad, not_found};
use crate::request::{Outcome, body, required};
use crate::{Accounts, mask};

body! {
    /// `POST /team/{team_id}/callback`.
    struct CallbackBody {
        callback_name: String,
    }
}

/// Where a team's metadata has them: LiteLLM's older and its newer place.
const SETTINGS: &str = "callback_settings";
const LOGGING: &str = "logging";
const LISTS: [&str; 2] = ["success_callback", "failure_callback"];

fn metadata(row: &TeamRow) -> Json {
    let read: Json = row.metadata.read().unwrap_or_default();
    if read.as_object().is_some() { read } else { Json::Object(Vec::new()) }
}

fn texts(json: Option<&Json>) -> Vec<String> {
    let items = json.and_then(Json::as_array).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The callbacks of one list, of both places.
fn of(metadata: &Json, list: &str) -> Vec<String> {
    let mut out = texts(metadata.get(SETTINGS).and_then(|settings| settings.get(list)));
    let kind = list.trim_end_matches("_callback");
    for entry in metadata.get(LOGGING).and_then(Json::as_array).unwrap_or_default() {
        let told = entry.get("callback_type").and_then(Json::as_str).unwrap_or("success_and_failure");
        let name = entry.get("callback_name").and_then(Json::as_str);
        if let Some(name) = name.filter(|name| told.contains(kind) && !out.iter().any(|known| known == name)) {
            out.push(name.to_owned());
        }
    }
    out
}

fn shown(team: &str, metadata: &Json) -> Json {
    let list = |name| Json::Array(of(metadata, name).into_iter().map(Json::from).collect());
    let mut vars = metadata.get(SETTINGS).and_then(|s| s.get("callback_vars")).map(mask::all).unwrap_or_default();
    if vars.as_object().is_none() {
        vars = Json::Object(Vec::new());
    }
    Json::object([
        ("team_id", Json::from(team)),
        ("success_callback", list("success_callback")),
        ("failure_callback", list("failure_callback")),
        ("callback_vars", vars),
    ])
}

fn done(message: &str, data: Json) -> Json {
    Json::object([("status", Json::from("success")), ("message", Json::from(message)), ("data", data)])
}

impl Accounts {
    /// `GET /team/{team_id}/callback`.
    ///
    /// # Errors
    /// 403 unless the caller manages the team.
    pub async fn team_callbacks(&self, actor: Actor<'_>, team: &str) -> Outcome<Json> {
        let (row, _) = self.managed_team(actor, team).await?;
        Ok(Json::object([("status", Json::from("success")), ("data", shown(team, &metadata(&row)))]))
    }

    /// `POST /team/{team_id}/callback`.
    ///
    /// # Errors
    /// 400: callbacks of single teams are not served; nothing is stored that would do nothing.
    pub async fn add_team_callback(&self, actor: Actor<'_>, team: &str, body: &Json) -> Outcome<Json> {
        let asked = CallbackBody::read(body)?;
        let name = required(asked.callback_name, "callback_name", body)?;
        self.managed_team(actor, team).await?;
        let why = format!("The callback {name} cannot be attached to a team: callbacks of single teams are not served");
        Err(bad(why).with_param("callback_name").into())
    }

    /// `DELETE /team/{team_id}/callback/{callback_name}`.
    ///
    /// # Errors
    /// 404 for a callback that the team has not.
    pub async fn delete_team_callback(&self, actor: Actor<'_>, team: &str, name: &str) -> Outcome<Json> {
        let (row, _) = self.managed_team(actor, team).await?;
        let before = metadata(&row);
        if !LISTS.iter().any(|list| of(&before, list).iter().any(|known| known == name)) {
            return Err(not_found(format!("Callback {name} not found for the team {team}"))
                .with_param("callback_name")
                .into());
        }
        let after = self.write_callbacks(actor, &row, |known| known != name).await?;
        Ok(done(&format!("Callback {name} removed from the team {team}"), shown(team, &after)))
    }

    /// `POST /team/{team_id}/disable_logging`: takes all callbacks of the team away.
    ///
    /// # Errors
    /// 404 for an unknown team.
    pub async fn disable_team_logging(&self, actor: Actor<'_>, team: &str) -> Outcome<Json> {
        let (row, _) = self.managed_team(actor, team).await?;
        let after = self.write_callbacks(actor, &row, |_| false).await?;
        Ok(done(&format!("Logging disabled for team {team}"), shown(team, &after)))
    }

    /// Keeps the callbacks for which `keep` holds; the metadata afterwards.
    async fn write_callbacks(&self, actor: Actor<'_>, row: &TeamRow, keep: impl Fn(&str) -> bool) -> Outcome<Json> {
        let mut after = metadata(row);
        if let Some(settings) = after.get(SETTINGS).filter(|settings| settings.as_object().is_some()) {
            let mut settings = settings.clone();
            for list in LISTS {
                let left = texts(settings.get(list)).into_iter().filter(|name| keep(name)).map(Json::from).collect();
                settings.set(list, Json::Array(left));
            }
            after.set(SETTINGS, settings);
        }
        if let Some(entries) = after.get(LOGGING).and_then(Json::as_array) {
            let name = |entry: &&Json| entry.get("callback_name").and_then(Json::as_str).is_none_or(&keep);
            let left = entries.iter().filter(name).cloned().collect();
            after.set(LOGGING, Json::Array(left));
        }
        let patch = TeamPatch { metadata: Some(after.to_raw()), ..TeamPatch::default() };
        self.write_team(actor, Action::Updated, row, &patch).await?;
        Ok(after)
    }
}
