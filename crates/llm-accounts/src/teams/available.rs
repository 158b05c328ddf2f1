//! Teams that people may join by themselves (`default_internal_user_params.available_teams`), and teams for a search field.

use llm_store::{Filter, TeamRow, UserRow};
use llm_types::Json;

use super::read::TeamListQuery;
use crate::keys::rights::{Place, place};
use crate::keys::{Actor, view};
use crate::members::Named;
use crate::pages::PageQuery;
use crate::request::Outcome;
use crate::{Accounts, Identity};

impl Accounts {
    /// Ids of the teams that people may join by themselves.
    fn available(&self) -> Vec<String> {
        let section = self.serving().map(|serving| serving.in_force("litellm_settings")).unwrap_or_default();
        let list = section.get("default_internal_user_params").and_then(|params| params.get("available_teams"));
        let items = list.and_then(Json::as_array).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// `GET /team/available`: those of them that the caller is not in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn available_teams(&self, actor: Actor<'_>) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<TeamRow>().get_many(&self.available()).await?;
        let own = actor.who.user_id().unwrap_or_default();
        let open = rows.iter().filter(|team| place(team, own) == Place::None);
        Ok(Json::Array(open.map(view::row).collect()))
    }

    /// True when somebody adds nobody but himself, as a plain member, to a team that is open to all.
    pub(super) fn joins_himself(&self, by: &Identity, team: &str, named: &[Named]) -> bool {
        let [one] = named else { return false };
        let himself = by.user_id().is_some() && one.user_id.as_deref() == by.user_id();
        himself && one.role == "user" && self.available().iter().any(|open| open == team)
    }

    /// `GET /team/filter/ui`: teams for a search field.
    ///
    /// # Errors
    /// As [`Accounts::page_teams`].
    pub async fn search_teams(&self, actor: Actor<'_>, asked: TeamListQuery, page: &PageQuery) -> Outcome<Json> {
        let found = self.page_teams(actor, asked, page).await?;
        Ok(found.get("teams").cloned().unwrap_or_default())
    }

    /// `GET /user/available_users`: how many people and teams there are. There is no limit to them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn seats(&self) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let users = store.table::<UserRow>().count(&Filter::new()).await?;
        let teams = store.table::<TeamRow>().count(&Filter::new()).await?;
        Ok(Json::object([
            ("total_users", Json::Null),
            ("total_teams", Json::Null),
            ("total_users_used", Json::from(users)),
            ("total_teams_used", Json::from(teams)),
            ("total_users_remaining", Json::Null),
            ("total_teams_remaining", Json::Null),
        ]))
    }
}
