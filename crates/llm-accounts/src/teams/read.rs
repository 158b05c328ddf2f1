//! Reading teams.

use llm_store::{DeletedTeamRow, Filter, TeamMembershipRow, TeamRow};
use llm_types::Json;

use crate::Accounts;
use crate::keys::rights::{Place, place};
use crate::keys::{Actor, bad, forbidden, not_found, view};
use crate::pages::PageQuery;
use crate::request::Outcome;
use crate::rights::Standing;

/// What `/v2/team/list` can ask for.
#[derive(Debug, Clone, Default)]
pub struct TeamListQuery {
    /// Teams of this member.
    pub user_id: Option<String>,
    /// Of this organization.
    pub organization_id: Option<String>,
    /// This one.
    pub team_id: Option<String>,
    /// Part of the alias.
    pub team_alias: Option<String>,
    /// Part of the alias or, as `prefix_id` says, of the id.
    pub search: Option<String>,
    /// The id begins with the words that are searched for, instead of being them.
    pub prefix_id: bool,
    /// `deleted`: the copies of teams that are gone.
    pub status: Option<String>,
}

impl Accounts {
    /// `GET /team/info`; `keys` is how many keys are shown at the most.
    ///
    /// # Errors
    /// 404 for an unknown team, 403 for one that is not the caller's.
    pub async fn team_info(&self, actor: Actor<'_>, id: &str, keys: Option<usize>) -> Outcome<Json> {
        let row = self.team_for(actor, id).await?;
        let store = self.store_or_refuse()?;
        let of_team = || Filter::new().is("team_id", id.to_owned());
        let found = store.keys().find(of_team()).await?;
        let mut shown: Vec<Json> = found.iter().take(keys.unwrap_or(usize::MAX)).map(view::row).collect();
        self.show_grants(&mut shown).await?;
        let members = store.table::<TeamMembershipRow>().find(of_team()).await?;
        Ok(Json::object([
            ("team_id", Json::from(id)),
            ("team_info", self.shown_team(&row).await?),
            ("keys", Json::Array(shown)),
            ("team_memberships", Json::Array(self.with_budgets(&members).await?)),
        ]))
    }

    /// `GET /team/{team_id}/members/me`: the caller's own membership.
    ///
    /// # Errors
    /// 403 for a team that is not the caller's, 404 for somebody who is no member.
    pub async fn own_membership(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let row = self.team_for(actor, id).await?;
        let none = || not_found("You are not a member of this team").with_param("team_id");
        let user = actor.who.user_id().ok_or_else(none)?;
        let role = match place(&row, user) {
            Place::None => return Err(none().into()),
            Place::Member => "user",
            Place::Admin => "admin",
        };
        let membership = self.store_or_refuse()?.table::<TeamMembershipRow>().get([user, id]).await?;
        let membership = membership.unwrap_or_else(|| TeamMembershipRow {
            user_id: user.to_owned(),
            team_id: id.to_owned(),
            ..TeamMembershipRow::default()
        });
        let mut out = self.with_budget(membership).await?;
        out.set("role", role);
        out.set("user_email", actor.who.caller.user_email.as_deref());
        out.set("team_alias", row.team_alias.as_deref());
        Ok(out)
    }

    /// `GET /team/list`: all teams, or those of the caller.
    ///
    /// # Errors
    /// 403 when another user's teams are asked for.
    pub async fn list_teams(&self, actor: Actor<'_>, user: Option<&str>, organization: Option<&str>) -> Outcome<Json> {
        let teams = self.visible_teams(actor, user).await?;
        let fits = |team: &&TeamRow| organization.is_none_or(|id| team.organization_id.as_deref() == Some(id));
        let mut shown: Vec<Json> = teams.iter().filter(fits).map(view::row).collect();
        self.show_grants(&mut shown).await?;
        Ok(Json::Array(shown))
    }

    /// `GET /v2/team/list`: the same in pages, with filters.
    ///
    /// # Errors
    /// As [`Accounts::list_teams`]; 400 for a sort column that is none.
    pub async fn page_teams(&self, actor: Actor<'_>, asked: TeamListQuery, page: &PageQuery) -> Outcome<Json> {
        let mut filter = Filter::new().maybe("team_id", asked.team_id).maybe("organization_id", asked.organization_id);
        if !actor.who.sees_all() || asked.user_id.is_some() {
            let own = self.visible_teams(actor, asked.user_id.as_deref()).await?;
            filter = filter.any_of("team_id", own.into_iter().map(|team| team.team_id).collect());
        }
        if let Some(alias) = asked.team_alias {
            filter = filter.contains("team_alias", alias);
        }
        if let Some(text) = asked.search {
            let id = Filter::new();
            let by_id =
                if asked.prefix_id { id.starts("team_id", text.clone()) } else { id.is("team_id", text.clone()) };
            filter = filter.one_of(vec![Filter::new().contains("team_alias", text), by_id]);
        }
        let store = self.store_or_refuse()?;
        let (mut shown, total): (Vec<Json>, u64) = match asked.status.as_deref() {
            None => {
                let found = page.rows(store.table::<TeamRow>(), filter, "created_at").await?;
                (found.rows.iter().map(view::row).collect(), found.total)
            }
            // Nobody is a member of a team that is gone: only those who see all teams see these.
            Some("deleted") if actor.who.sees_all() => {
                let found = page.rows(store.table::<DeletedTeamRow>(), filter, "deleted_at").await?;
                (found.rows.iter().map(view::row).collect(), found.total)
            }
            Some("deleted") => {
                return Err(forbidden("Only proxy admins can list deleted teams.").with_param("status").into());
            }
            Some(_) => {
                let why = "Invalid status value. Currently only 'deleted' is supported.";
                return Err(bad(why).with_param("status").into());
            }
        };
        self.show_grants(&mut shown).await?;
        Ok(page.answer("teams", shown, total))
    }

    /// The teams that the caller may list, or those of a user the caller may ask for.
    async fn visible_teams(&self, actor: Actor<'_>, user: Option<&str>) -> Outcome<Vec<TeamRow>> {
        let who = actor.who;
        let mut teams = if who.sees_all() {
            self.store_or_refuse()?.table::<TeamRow>().find(Filter::new()).await?
        } else {
            if who.user_id().is_none() {
                return Err(forbidden("A key without a user has no teams.").into());
            }
            let teams = self.teams_from(who, Standing::Member).await?;
            if user.is_some_and(|user| who.user_id() != Some(user)) && self.administered(who).await?.is_empty() {
                let why = "You are not allowed to list another user's teams.";
                return Err(forbidden(why).with_param("user_id").into());
            }
            teams
        };
        if let Some(user) = user {
            teams.retain(|team| place(team, user) != Place::None);
        }
        Ok(teams)
    }
}
