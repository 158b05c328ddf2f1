//! Calls below `/management/v1` that change many at once. Each row stands for itself: it is one of the single calls, and the
//! answer says what became of it, in the order of the request.

use std::collections::{HashMap, HashSet};

use llm_store::defaults::new_id;
use llm_store::{TeamMembershipRow, TeamRow, UserRow};
use llm_types::Json;

use crate::Accounts;
use crate::keys::rights::{Place, place};
use crate::keys::{Actor, bad};
use crate::request::{FieldProblem, Outcome, Problem};
use crate::rights::listing;
use crate::users::{NO_EFFECT, known_fields};

/// Rows of one call at the most, as in LiteLLM.
const MOST: usize = 500;

/// Fields of a member's row.
const MEMBER: [&str; 2] = ["user_id", "user_email"];
/// Fields that a member's row may set.
const LIMITS: [&str; 5] = ["max_budget_in_team", "tpm_limit", "rpm_limit", "budget_duration", "allowed_models"];
/// What the answer tells of a member's limits.
const TOLD: [&str; 4] = ["tpm_limit", "rpm_limit", "budget_duration", "allowed_models"];

impl Accounts {
    /// `POST /management/v1/users/bulk`: users, without keys unless `auto_create_key` is true.
    ///
    /// # Errors
    /// 422 for no rows, too many, and fields that are none. What is wrong with a row stands in the answer.
    pub async fn bulk_new_users(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let rows = rows(body, "users", Json::as_object)?;
        let known: Vec<&str> = known_fields().chain(NO_EFFECT.iter().copied()).collect();
        for row in rows {
            only(row, &known)?;
            if row.get("send_invite_email").and_then(Json::as_bool) == Some(true) {
                let (field, kind) = ("send_invite_email".to_owned(), "value_error");
                let message = "send_invite_email is not supported here; invite users one by one";
                return Err(Problem::Fields(vec![FieldProblem { field, kind, message, input: Json::from(true) }]));
            }
        }
        let (mut ids, mut emails) = (HashSet::new(), HashSet::new());
        let (mut data, mut created) = (Vec::new(), 0_u64);
        for given in rows {
            let mut row = given.clone();
            let email = given.text("user_email").map(|email| email.trim().to_lowercase());
            let id = given
                .get("user_id")
                .and_then(Json::as_str)
                .filter(|id| !id.is_empty())
                .map_or_else(new_id, str::to_owned);
            row.set("user_id", id.as_str());
            if given.get("auto_create_key").is_none() {
                row.set("auto_create_key", false);
            }
            let twice = if !ids.insert(id.clone()) {
                Some(format!("Duplicate user_id in request: {id}"))
            } else if email.as_ref().is_some_and(|email| !emails.insert(email.clone())) {
                Some(format!("Duplicate user_email in request: {}", email.unwrap_or_default()))
            } else {
                None
            };
            let (made, key, error) = match twice {
                Some(why) => (None, Json::Null, Some(why)),
                None => self.new_one(actor, &id, &row).await?,
            };
            created += u64::from(made.is_some());
            let teams = made.as_ref().map(|user| user.teams.iter().map(|team| Json::from(team.as_str())).collect());
            data.push(Json::object([
                ("user_id", Json::from(id)),
                ("user_email", given.get("user_email").cloned().unwrap_or_default()),
                ("success", Json::from(made.is_some())),
                ("teams", teams.map_or(Json::Null, Json::Array)),
                ("key", key),
                ("error", Json::from(error)),
            ]));
        }
        let total = data.len() as u64;
        let meta = [("total_requested", total), ("created", created), ("failed", total - created)];
        // A field of the answer. tidy: provider-id
        Ok(Json::object([("data", Json::Array(data)), ("meta", Json::object(meta))]))
    }

    /// One user: the row if there is one now, its key, and what went wrong. A user may be made and then not get into a team.
    async fn new_one(
        &self,
        actor: Actor<'_>,
        id: &str,
        row: &Json,
    ) -> Outcome<(Option<UserRow>, Json, Option<String>)> {
        let there = || async { self.store_or_refuse()?.table::<UserRow>().get([id]).await.map_err(Problem::from) };
        if there().await?.is_some() {
            return Ok((None, Json::Null, Some(format!("User with id {id} already exists"))));
        }
        let (key, error) = match self.new_user(actor, row).await {
            Ok(made) => (made.get("key").cloned().unwrap_or_default(), None),
            Err(problem) => (Json::Null, Some(problem.text())),
        };
        Ok((there().await?, key, error))
    }

    /// `POST /management/v1/users/bulk_delete`: those that can be deleted, all or none of them.
    ///
    /// # Errors
    /// 422 for no ids, and too many.
    pub async fn bulk_delete_users(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = rows(body, "user_ids", |id| id.as_str().filter(|id| !id.is_empty()))?;
        let ids: Vec<&str> = ids.iter().filter_map(Json::as_str).collect();
        let store = self.store_or_refuse()?;
        let known: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let users: HashMap<String, UserRow> = store
            .table::<UserRow>()
            .get_many(&known)
            .await?
            .into_iter()
            .map(|row| (row.user_id.clone(), row))
            .collect();
        let teams = store.table::<TeamRow>().find(listing(&known)).await?;
        let (mut seen, mut gone, mut data) = (HashSet::new(), Vec::new(), Vec::new());
        for id in ids {
            let error = match users.get(id) {
                None => Some(format!("User not found, passed user_id={id}")),
                Some(_) if !seen.insert(id) => Some(format!("Duplicate user_id in request: {id}")),
                Some(_) => None,
            };
            let left = teams.iter().filter(|team| error.is_none() && place(team, id) != Place::None);
            data.push(Json::object([
                ("user_id", Json::from(id)),
                ("user_email", Json::from(users.get(id).and_then(|user| user.user_email.as_deref()))),
                ("success", Json::from(error.is_none())),
                ("teams_removed", Json::Array(left.map(|team| Json::from(team.team_id.as_str())).collect())),
                ("error", Json::from(error.as_deref())),
            ]));
            gone.extend(error.is_none().then(|| Json::from(id)));
        }
        if !gone.is_empty() {
            self.delete_users(actor, &Json::object([("user_ids", Json::Array(gone))])).await?;
        }
        Ok(Json::object([("data", Json::Array(data))]))
    }

    /// `POST /management/v1/teams/{team_id}/members/bulk_delete`.
    ///
    /// # Errors
    /// 403 unless the caller manages the team, 404 for an unknown one, 422 for rows that name nobody or two.
    pub async fn bulk_delete_members(&self, actor: Actor<'_>, team: &str, body: &Json) -> Outcome<Json> {
        let members = members(body, &[])?;
        self.managed_team(actor, team).await?;
        let mut data = Vec::new();
        for member in members {
            let done = self.delete_team_member(actor, &of_team(team, member)).await;
            data.push(told(member, done.err().map(|problem| problem.text())));
        }
        Ok(Json::object([("data", Json::Array(data))]))
    }

    /// `POST /management/v1/teams/{team_id}/members/bulk_update`: limits of members; null takes one away.
    ///
    /// # Errors
    /// As [`Accounts::bulk_delete_members`].
    pub async fn bulk_update_members(&self, actor: Actor<'_>, team: &str, body: &Json) -> Outcome<Json> {
        let members = members(body, &LIMITS)?;
        self.managed_team(actor, team).await?;
        let (mut seen, mut data) = (HashSet::new(), Vec::new());
        for member in members {
            let named: Vec<_> = MEMBER.iter().filter_map(|name| member.text(name)).collect();
            let done = if seen.insert(named) {
                self.update_team_member(actor, &of_team(team, member)).await
            } else {
                Err(bad("An earlier row names this member").into())
            };
            let mut row = told(member, done.as_ref().err().map(Problem::text));
            if let Ok(now) = done {
                let id = now.get("user_id").cloned().unwrap_or_default();
                let key = [id.as_str().unwrap_or_default(), team];
                let there = self.store_or_refuse()?.table::<TeamMembershipRow>().get(key).await?;
                let budget = now.get("max_budget_in_team").cloned().unwrap_or_default();
                let source = if budget.is_null() { Json::Null } else { Json::from("member") };
                row.set("user_id", id);
                row.set("budget_id", there.and_then(|row| row.budget_id));
                row.set("max_budget", budget);
                row.set("max_budget_source", source);
                for name in TOLD {
                    row.set(name, now.get(name).cloned().unwrap_or_default());
                }
            }
            data.push(row);
        }
        Ok(Json::object([("data", Json::Array(data))]))
    }

    /// `GET /team/metadata_schema`: the fields that the operator wants to see in a team's metadata
    /// (`general_settings.team_metadata_schema`). A hint for forms: nothing is held against it.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn team_metadata_schema(&self) -> Outcome<Json> {
        let settings = self.serving()?.in_force("general_settings");
        let fields = settings.get("team_metadata_schema").and_then(Json::as_array).unwrap_or_default();
        let field = |field: &Json| {
            let key = field.text("key").filter(|key| !key.is_empty())?;
            let label = field.text("label");
            Some(Json::object([("key", Json::from(key)), ("label", Json::from(label))]))
        };
        Ok(Json::object([("fields", Json::Array(fields.iter().filter_map(field).collect()))]))
    }
}

/// The rows of a body, each of which `fits`.
fn rows<'b, T>(body: &'b Json, name: &'static str, fits: impl Fn(&'b Json) -> Option<T>) -> Outcome<&'b [Json]> {
    only(body, &[name])?;
    let wrong = |kind, message| {
        let input = body.get(name).cloned().unwrap_or_default();
        Err(Problem::Fields(vec![FieldProblem { field: name.to_owned(), kind, message, input }]))
    };
    match body.get(name) {
        None => wrong("missing", "Field required"),
        Some(Json::Array(rows)) if rows.is_empty() => wrong("too_short", "There should be at least 1 item"),
        Some(Json::Array(rows)) if rows.len() > MOST => wrong("too_long", "There should be at most 500 items"),
        Some(Json::Array(rows)) if rows.iter().all(|row| fits(row).is_some()) => Ok(rows),
        Some(Json::Array(_)) => wrong("list_type", "An item has the wrong type"),
        Some(_) => wrong("list_type", "Input should be a valid list"),
    }
}

/// The rows of members: each names one by id or address, and sets what it may.
fn members<'b>(body: &'b Json, fields: &[&'static str]) -> Outcome<&'b [Json]> {
    let members = rows(body, "members", Json::as_object)?;
    let known: Vec<&str> = MEMBER.into_iter().chain(fields.iter().copied()).collect();
    for member in members {
        only(member, &known)?;
        let named = |name: &&str| member.text(name).is_some_and(|text| !text.is_empty());
        if MEMBER.iter().filter(|name| named(name)).count() != 1 {
            let message = "Each member must be identified by exactly one of user_id or user_email";
            let field = "members".to_owned();
            return Err(Problem::Fields(vec![FieldProblem {
                field,
                kind: "value_error",
                message,
                input: member.clone(),
            }]));
        }
    }
    Ok(members)
}

/// Refuses fields that are none.
fn only(body: &Json, known: &[&str]) -> Outcome<()> {
    let wrong = body.as_object().unwrap_or_default().iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let problems: Vec<FieldProblem> = wrong
        .map(|(name, input)| FieldProblem {
            field: name.clone(),
            kind: "extra_forbidden",
            message: "Extra inputs are not permitted",
            input: input.clone(),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Problem::Fields(problems)) }
}

fn of_team(team: &str, member: &Json) -> Json {
    let mut body = member.clone();
    body.set("team_id", team);
    body
}

fn told(member: &Json, error: Option<String>) -> Json {
    let named = |name: &str| member.get(name).cloned().unwrap_or_default();
    Json::object([
        ("user_id", named("user_id")),
        ("user_email", named("user_email")),
        ("success", Json::from(error.is_none())),
        ("error", Json::from(error)),
    ])
}
