//! Logging callbacks of single teams, as LiteLLM keeps them in a team's metadata.

use llm_store::{TeamPatch, TeamRow};
use llm_types::Json;

use crate::audit::Action;
use crate::callbacks::{FAILURE, LOGGING, SETTINGS, SUCCESS, VARS, callback, listed, texts};
use crate::keys::{Actor, bad, not_found, view};
use crate::request::{FieldProblem, Map, Outcome, Problem, body, required};
use crate::{Accounts, mask};

body! {
    /// `POST /team/{team_id}/callback`.
    struct CallbackBody {
        callback_name: String,
        callback_type: String,
        callback_vars: Map,
    }
}

const LISTS: [&str; 2] = [SUCCESS, FAILURE];

fn metadata(row: &TeamRow) -> Json {
    let read: Json = row.metadata.read().unwrap_or_default();
    if read.as_object().is_some() { read } else { Json::Object(Vec::new()) }
}

/// The callbacks of one list, of both places.
fn of(metadata: &Json, list: &str) -> Vec<String> {
    let mut out = texts(metadata.get(SETTINGS).and_then(|settings| settings.get(list)));
    let kind = list.trim_end_matches("_callback");
    for entry in listed(metadata) {
        let told = entry.text("callback_type").unwrap_or("success_and_failure");
        let name = entry.text("callback_name");
        if let Some(name) = name.filter(|name| told.contains(kind) && !out.iter().any(|known| known == name)) {
            out.push(name.to_owned());
        }
    }
    out
}

/// The lists that a `callback_type` stands for.
fn lists_of(kind: &str, body: &Json) -> Outcome<&'static [&'static str]> {
    match kind {
        "success" => Ok(&[SUCCESS]),
        "failure" => Ok(&[FAILURE]),
        "success_and_failure" => Ok(&LISTS),
        _ => Err(Problem::Fields(vec![FieldProblem {
            field: "callback_type".to_owned(),
            kind: "literal_error",
            message: "Input should be 'success', 'failure' or 'success_and_failure'",
            input: body.get("callback_type").cloned().unwrap_or_default(),
        }])),
    }
}

fn shown(team: &str, metadata: &Json) -> Json {
    let list = |name| Json::Array(of(metadata, name).into_iter().map(Json::from).collect());
    let mut vars = metadata.get(SETTINGS).and_then(|s| s.get(VARS)).map(mask::all).unwrap_or_default();
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

/// A copy of a map; another one where there is none.
fn map_or(json: Option<&Json>, other: impl FnOnce() -> Json) -> Json {
    json.filter(|json| json.as_object().is_some()).cloned().unwrap_or_else(other)
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

    /// `POST /team/{team_id}/callback`: the team's calls are told there from now on. Secrets are sealed.
    ///
    /// # Errors
    /// 403 unless the caller manages the team; 400 for a callback that it has, that is not served for single teams, or whose
    /// parameters could not be used.
    pub async fn add_team_callback(&self, actor: Actor<'_>, team: &str, body: &Json) -> Outcome<Json> {
        let asked = CallbackBody::read(body)?;
        let name = required(asked.callback_name, "callback_name", body)?.to_ascii_lowercase();
        let kind = asked.callback_type.flatten().unwrap_or_else(|| "success_and_failure".to_owned());
        let lists = lists_of(&kind, body)?;
        let Map(vars) = required(asked.callback_vars, "callback_vars", body)?;
        let (row, _) = self.managed_team(actor, team).await?;
        let mut after = metadata(&row);
        if let Some(list) = lists.iter().find(|list| of(&after, list).contains(&name)) {
            let why = format!("callback_name = {name} already exists in {list}, for team_id = {team}");
            return Err(bad(why).with_param("callback_name").into());
        }
        let none = || Json::object([(SUCCESS, Json::Array(Vec::new())), (FAILURE, Json::Array(Vec::new()))]);
        let mut settings = map_or(after.get(SETTINGS), none);
        for list in lists {
            let mut names = texts(settings.get(list));
            names.push(name.clone());
            settings.set(list, Json::Array(names.into_iter().map(Json::from).collect()));
        }
        let mut all = map_or(settings.get(VARS), || Json::Object(Vec::new()));
        for (name, value) in vars.as_object().unwrap_or_default() {
            all.set(name, value.clone());
        }
        let checked = callback(&name, Some(&kind), Some(&all), self.seal().as_ref());
        let serving = self.serving()?;
        serving.check_callback(&checked).map_err(|why| bad(why).with_param("callback_vars"))?;
        settings.set(VARS, all);
        after.set(SETTINGS, settings);
        let after = self.sealed_metadata(Some(after))?.unwrap_or_default();
        let patch = TeamPatch { metadata: Some(after.to_raw()), ..TeamPatch::default() };
        let row = self.write_team(actor, Action::Updated, &row, &patch).await?;
        Ok(Json::object([("status", Json::from("success")), ("data", view::row(&row))]))
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
            let name = |entry: &&Json| entry.text("callback_name").is_none_or(&keep);
            let left = entries.iter().filter(name).cloned().collect();
            after.set(LOGGING, Json::Array(left));
        }
        let patch = TeamPatch { metadata: Some(after.to_raw()), ..TeamPatch::default() };
        self.write_team(actor, Action::Updated, row, &patch).await?;
        Ok(after)
    }
}
