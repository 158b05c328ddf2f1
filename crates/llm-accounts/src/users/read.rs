//! Reading users.

use llm_store::{Filter, OrganizationMembershipRow, TeamRow, UserRow};
use llm_types::Json;

use crate::keys::rights::{Place, place};
use crate::keys::{Actor, bad, forbidden, not_found, view};
use crate::pages::PageQuery;
use crate::request::Outcome;
use crate::rights::Standing;
use crate::{Accounts, SESSION_TEAM};

/// What `/user/list` can ask for; everything given has to hold.
#[derive(Debug, Clone, Default)]
pub struct UserListQuery {
    /// Role.
    pub role: Option<String>,
    /// These users; empty: all.
    pub user_ids: Vec<String>,
    /// Users with these ids at the identity provider; empty: all.
    pub sso_user_ids: Vec<String>,
    /// Part of the address.
    pub user_email: Option<String>,
    /// Part of the address, the id or the alias.
    pub search: Option<String>,
    /// Members of this team.
    pub team: Option<String>,
    /// Members of these organizations; empty: all.
    pub organization_ids: Vec<String>,
}

/// Roles with what they may do, as `/user/available_roles` tells them.
const DESCRIPTIONS: [(&str, &str, &str); 4] = [
    ("proxy_admin", "Admin (All Permissions)", "admin over the gateway, has all permissions"),
    ("proxy_admin_viewer", "Admin (View Only)", "view all keys, view all spend"),
    (
        "internal_user",
        "Internal User (Create/Delete/View)",
        "view, create and delete their own keys, view their own spend",
    ),
    ("internal_user_viewer", "Internal Viewer (View Only)", "view their own keys, view their own spend"),
];

/// `GET /user/available_roles`.
#[must_use]
pub(super) fn roles() -> Json {
    let about = |(name, label, what): (&str, &str, &str)| {
        (name.to_owned(), Json::object([("description", what), ("ui_label", label)]))
    };
    Json::object(DESCRIPTIONS.map(about))
}

impl Accounts {
    /// `GET /user/available_roles`: the roles that a user can have.
    #[must_use]
    pub fn available_roles(&self) -> Json {
        roles()
    }

    /// `GET /user/info`: a user with keys and teams; the caller's own without an id.
    ///
    /// # Errors
    /// 403 for somebody else, 404 for an unknown user.
    pub async fn user_info(&self, actor: Actor<'_>, id: Option<&str>) -> Outcome<Json> {
        let id = self.visible_user(actor, id).await?;
        let store = self.store_or_refuse()?;
        let user = store.table::<UserRow>().get([id.as_str()]).await?;
        let theirs = Filter::new().is("user_id", id.clone()).is_not("team_id", SESSION_TEAM);
        let keys = store.keys().find(theirs).await?;
        if user.is_none() && keys.is_empty() && !actor.who.is_master() {
            return Err(not_found(format!("User {id} not found")).with_param("user_id").into());
        }
        let teams = store.table::<TeamRow>().find(Filter::new()).await?;
        let own = teams.iter().filter(|t| place(t, &id) != Place::None);
        let mut keys: Vec<Json> = keys.iter().map(view::row).collect();
        self.show_grants(&mut keys).await?;
        let info = match &user {
            Some(user) => self.with_grants(view::row(user)).await?,
            None => Json::Null,
        };
        Ok(Json::object([
            ("user_id", Json::from(id.as_str())),
            ("user_info", info),
            ("keys", Json::Array(keys)),
            ("teams", Json::Array(own.map(view::row).collect())),
        ]))
    }

    /// `GET /v2/user/info`: the row only.
    ///
    /// # Errors
    /// As [`Accounts::user_info`].
    pub async fn user_row_info(&self, actor: Actor<'_>, id: Option<&str>) -> Outcome<Json> {
        let id = self.visible_user(actor, id).await?;
        let row = self.store_or_refuse()?.table::<UserRow>().get([id.as_str()]).await?;
        let row = row.ok_or_else(|| not_found(format!("User {id} not found")).with_param("user_id"))?;
        self.with_grants(view::row(&row)).await
    }

    /// The user that is meant, when the caller may see it.
    async fn visible_user(&self, actor: Actor<'_>, id: Option<&str>) -> Outcome<String> {
        let own = actor.who.user_id();
        let id = id.or(own).ok_or_else(|| bad("Name a user: this key has none.").with_param("user_id"))?;
        if actor.who.sees_all() || own == Some(id) {
            return Ok(id.to_owned());
        }
        let organizations = self.administered(actor.who).await?;
        let there = Filter::new().is("user_id", id.to_owned()).any_of("organization_id", organizations);
        if self.store_or_refuse()?.table::<OrganizationMembershipRow>().count(&there).await? > 0 {
            return Ok(id.to_owned());
        }
        Err(forbidden("You are not allowed to see this user.").with_param("user_id").into())
    }

    /// `GET /user/list`: users in pages, each with how many keys it has. Administrators of organizations see their people.
    ///
    /// # Errors
    /// 403 for an organization or a team that is not the caller's, 400 for a sort column that is none.
    pub async fn list_users(&self, actor: Actor<'_>, asked: UserListQuery, page: &PageQuery) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let mut filter = self.people(actor, &asked).await?.maybe("user_role", asked.role);
        if !asked.user_ids.is_empty() {
            filter = filter.any_of("user_id", asked.user_ids);
        }
        if !asked.sso_user_ids.is_empty() {
            filter = filter.any_of("sso_user_id", asked.sso_user_ids);
        }
        if let Some(part) = asked.user_email {
            filter = filter.contains("user_email", part);
        }
        if let Some(part) = asked.search {
            let columns = ["user_email", "user_id", "user_alias"];
            filter = filter.one_of(columns.iter().map(|c| Filter::new().contains(c, part.clone())).collect());
        }
        if let Some(team) = asked.team {
            filter = filter.list_has("teams", team);
        }
        let found = page.rows(store.table::<UserRow>(), filter, "created_at").await?;
        let mut users = Vec::with_capacity(found.rows.len());
        for row in &found.rows {
            let mut shown = view::row(row);
            shown.set("key_count", store.keys().count(&Filter::new().is("user_id", row.user_id.clone())).await?);
            users.push(shown);
        }
        Ok(page.answer("users", users, found.total))
    }

    /// Whom the caller may list, in the organizations that are asked for.
    async fn people(&self, actor: Actor<'_>, asked: &UserListQuery) -> Outcome<Filter> {
        let mut organizations = asked.organization_ids.clone();
        if actor.who.sees_all() {
            if organizations.is_empty() {
                return Ok(Filter::new());
            }
        } else {
            for id in &organizations {
                if self.standing_in_organization(actor.who, id).await? < Standing::OrgAdmin {
                    let why = "You do not administer this organization.";
                    return Err(forbidden(why).with_param("organization_ids").into());
                }
            }
            if organizations.is_empty() {
                organizations = self.administered(actor.who).await?;
            }
        }
        let of_them = Filter::new().any_of("organization_id", organizations);
        let members = self.store_or_refuse()?.table::<OrganizationMembershipRow>().find(of_them).await?;
        Ok(Filter::new().any_of("user_id", members.into_iter().map(|row| row.user_id).collect()))
    }

    /// `GET /user/filter/ui`: people for a search field, those whom the caller may list.
    ///
    /// # Errors
    /// 400 for a sort column that is none.
    pub async fn search_users(
        &self,
        actor: Actor<'_>,
        id: Option<String>,
        email: Option<String>,
        page: &PageQuery,
    ) -> Outcome<Json> {
        let mut filter = self.people(actor, &UserListQuery::default()).await?;
        for (column, part) in [("user_id", id), ("user_email", email)] {
            if let Some(part) = part {
                filter = filter.contains(column, part);
            }
        }
        let found = page.rows(self.store_or_refuse()?.table::<UserRow>(), filter, "created_at").await?;
        Ok(Json::Array(found.rows.iter().map(view::row).collect()))
    }
}
