//! What people and teams get that are made by an identity provider: settings that have calls of their own. They are read from
//! the database whenever somebody is made, so a change counts at once, on every gateway.

use llm_store::{ConfigRow, OrganizationRow, Rows, TeamRow};
use llm_types::Json;

use crate::Accounts;
use crate::keys::{Actor, bad};
use crate::request::Outcome;
use crate::stored::form::{self, Field};

const LITELLM: &str = "litellm_settings";

/// Whose defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// `default_internal_user_params`.
    Users,
    /// `default_team_params`.
    Teams,
}

const USERS: &[Field] = &[
    ("user_role", "string", "Role of new users"),
    ("max_budget", "number", "Budget of new users, US dollars"),
    ("budget_duration", "string", "How long that budget lasts, such as 30d"),
    ("models", "array", "Models that new users may use; none: all"),
    ("teams", "array", "Teams that new users enter: ids, or maps with team_id and user_role"),
];

const TEAMS: &[Field] = &[
    ("models", "array", "Models that new teams may use; none: all"),
    ("max_budget", "number", "Budget of new teams, US dollars"),
    ("budget_duration", "string", "How long that budget lasts, such as 30d"),
    ("tpm_limit", "integer", "Tokens per minute of new teams"),
    ("rpm_limit", "integer", "Requests per minute of new teams"),
    ("team_member_permissions", "array", "Calls about keys that members of new teams may make"),
    ("organization_id", "string", "The organization of new teams"),
];

impl Defaults {
    const fn setting(self) -> &'static str {
        match self {
            Self::Users => "default_internal_user_params",
            Self::Teams => "default_team_params",
        }
    }

    const fn fields(self) -> &'static [Field] {
        match self {
            Self::Users => USERS,
            Self::Teams => TEAMS,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Users => "Internal user settings",
            Self::Teams => "Default team settings",
        }
    }
}

impl Accounts {
    /// The defaults: those of the start, with what the database says now over them, field by field; null takes a field away.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn defaults_in_force(&self, which: Defaults, table: Rows<'_, ConfigRow>) -> Outcome<Json> {
        let settings = self.settings();
        let configured = match which {
            Defaults::Users => &settings.default_internal_user_params,
            Defaults::Teams => &settings.default_team_params,
        };
        let mut out = Json::Object(configured.as_ref().and_then(Json::as_object).unwrap_or_default().to_vec());
        if settings.store_model_in_db {
            let stored = self.section_row(table, LITELLM).await?;
            let over = stored.get(which.setting()).and_then(Json::as_object).unwrap_or_default();
            over.iter().for_each(|(name, value)| out.set(name, value.clone()));
        }
        let fields = out.as_object().unwrap_or_default().iter();
        Ok(Json::Object(fields.filter(|(_, value)| !value.is_null()).cloned().collect()))
    }

    /// `GET /get/internal_user_settings`, `/get/default_team_settings`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shown_defaults(&self, which: Defaults) -> Outcome<Json> {
        let there = self.defaults_in_force(which, self.store_or_refuse()?.table()).await?;
        let value = |(name, ..): &Field| (*name, there.get(name).cloned().unwrap_or_default());
        let schema = form::schema(which.name(), which.fields());
        Ok(Json::object([("values", Json::object(which.fields().iter().map(value))), ("field_schema", schema)]))
    }

    /// `PATCH /update/internal_user_settings`, `/update/default_team_settings`: replaces all fields that these calls know; those
    /// that are not given are taken away. Others, such as `available_teams`, stay.
    ///
    /// # Errors
    /// 400 and 422 for defaults that nobody could be made with, teams and organizations that are not there.
    pub async fn set_defaults(&self, actor: Actor<'_>, which: Defaults, body: &Json) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let given = |name: &str| body.get(name).filter(|value| !value.is_null()).cloned();
        let asked = Json::object(which.fields().iter().filter_map(|(name, ..)| Some((*name, given(name)?))));
        // What is no object has no fields: the checks read the body itself then.
        let checked = if body.as_object().is_some() { &asked } else { body };
        match which {
            Defaults::Users => {
                let teams = self.check_newcomers(checked)?;
                let known = store.table::<TeamRow>().get_many(&teams).await?;
                if let Some(team) = teams.iter().find(|id| !known.iter().any(|team| team.team_id == **id)) {
                    return Err(bad(format!("Team doesn't exist: {team}")).with_param("teams").into());
                }
            }
            Defaults::Teams => {
                self.check_default_team(checked)?;
                if let Some(id) = asked.text("organization_id")
                    && store.table::<OrganizationRow>().get([id]).await?.is_none()
                {
                    return Err(bad(format!("Organization doesn't exist: {id}")).with_param("organization_id").into());
                }
            }
        }
        let mut value = self.defaults_in_force(which, store.table()).await?;
        for (name, ..) in which.fields() {
            value.set(name, asked.get(name).cloned().unwrap_or_default());
        }
        self.change_litellm(actor, &Json::object([(which.setting(), value)])).await?;
        Ok(Json::object([
            ("message", Json::from(format!("{} updated successfully", which.name()))),
            ("status", Json::from("success")),
            ("settings", asked),
        ]))
    }
}
