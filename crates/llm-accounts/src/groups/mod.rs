//! Access groups: unified ones, which grant models, tools and agents to keys and teams; and those that deployments name.
//! Call these on the store's runtime.

mod assign;
mod budget;
mod models;

use llm_store::defaults::new_id;
use llm_store::{AccessGroupPatch, AccessGroupRow, AgentRow, Filter, McpServerRow, TeamRow};
use llm_types::{Error, Json};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::{Outcome, Problem, body, required};

body! {
    /// `POST` and `PUT` of `/v1/access_group`.
    struct GroupBody {
        access_group_name: String,
        description: String,
        access_model_names: Vec<String>,
        access_mcp_server_ids: Vec<String>,
        access_agent_ids: Vec<String>,
        assigned_team_ids: Vec<String>,
        assigned_key_ids: Vec<String>,
    }
}

impl Accounts {
    /// `POST /v1/access_group`.
    ///
    /// # Errors
    /// 409 for a name that exists, 404 for teams and keys that do not.
    pub async fn new_access_group(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = GroupBody::read(body)?;
        let name = required(asked.access_group_name.clone(), "access_group_name", body)?;
        let id = new_id();
        let row = AccessGroupRow {
            access_group_id: id.clone(),
            access_group_name: name.clone(),
            created_by: actor.name(),
            ..AccessGroupRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        if tx.table::<AccessGroupRow>().count(&Filter::new().is("access_group_name", name.clone())).await? > 0 {
            return Err(taken(&name));
        }
        tx.table().insert(&row).await?;
        let after = self.write(&mut tx, actor, Action::Created, &id, None, &patch(actor, &asked)).await?;
        self.assign(&mut tx, actor, None, Some(&after)).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        self.access_group_shown(&id).await
    }

    /// `PUT /v1/access_group/{id}`: a field that is given is set.
    ///
    /// # Errors
    /// As [`Accounts::new_access_group`]; 404 for an unknown group.
    pub async fn update_access_group(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let asked = GroupBody::read(body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = tx.table::<AccessGroupRow>().get([id]).await?.ok_or_else(|| no_group(id))?;
        if let Some(name) = asked.access_group_name.clone() {
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| bad("A group needs a name").with_param("access_group_name"))?;
            let same = Filter::new().is("access_group_name", name.clone()).is_not("access_group_id", id.to_owned());
            if tx.table::<AccessGroupRow>().count(&same).await? > 0 {
                return Err(taken(&name));
            }
        }
        let mut patch = patch(actor, &asked);
        patch.access_group_name = asked.access_group_name.flatten();
        let after = self.write(&mut tx, actor, Action::Updated, id, Some(&before), &patch).await?;
        self.assign(&mut tx, actor, Some(&before), Some(&after)).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        self.access_group_shown(id).await
    }

    /// `DELETE /v1/access_group/{id}`. Keys and teams lose what it granted.
    ///
    /// # Errors
    /// 404 for an unknown group.
    pub async fn delete_access_group(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<AccessGroupRow>().get([id]).await?.ok_or_else(|| no_group(id))?;
        self.assign(&mut tx, actor, Some(&row), None).await?;
        self.erase(&mut tx, actor, id, &row).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        Ok(view::row(&row))
    }

    /// `GET /v1/access_group/{id}`.
    ///
    /// # Errors
    /// 404 for an unknown group.
    pub async fn access_group_shown(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<AccessGroupRow>().get([id]).await?.ok_or_else(|| no_group(id))?;
        Ok(self.groups_shown(&[row]).await?.pop().unwrap_or_default())
    }

    /// `GET /v1/access_group`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_access_groups(&self) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<AccessGroupRow>().find(Filter::new()).await?;
        Ok(Json::Array(self.groups_shown(&rows).await?))
    }

    /// Groups with the names of what they grant and whom they are given to.
    async fn groups_shown(&self, rows: &[AccessGroupRow]) -> Outcome<Vec<Json>> {
        let store = self.store_or_refuse()?;
        let all = |of: fn(&AccessGroupRow) -> &Vec<String>| rows.iter().flat_map(of).cloned().collect::<Vec<_>>();
        let teams = store.table::<TeamRow>().get_many(&all(|row| &row.assigned_team_ids)).await?;
        let keys = store.keys().get_many(&all(|row| &row.assigned_key_ids)).await?;
        let agents = store.table::<AgentRow>().get_many(&all(|row| &row.access_agent_ids)).await?;
        let servers = store.table::<McpServerRow>().get_many(&all(|row| &row.access_mcp_server_ids)).await?;
        let named = |ids: &[String], name: &dyn Fn(&str) -> Option<String>| {
            let one = |id: &String| Json::object([("id", Json::from(id.as_str())), ("name", Json::from(name(id)))]);
            Json::Array(ids.iter().map(one).collect())
        };
        let show = |row: &AccessGroupRow| {
            let mut shown = view::row(row);
            let team = |id: &str| teams.iter().find(|t| t.team_id == id)?.team_alias.clone();
            let key = |id: &str| keys.iter().find(|k| k.token == id)?.key_alias.clone();
            let agent = |id: &str| Some(agents.iter().find(|a| a.agent_id == id)?.agent_name.clone());
            let server = |id: &str| servers.iter().find(|s| s.server_id == id)?.server_name.clone();
            shown.set("assigned_teams", named(&row.assigned_team_ids, &team));
            shown.set("assigned_keys", named(&row.assigned_key_ids, &key));
            shown.set("access_agents", named(&row.access_agent_ids, &agent));
            shown.set("access_mcp_servers", named(&row.access_mcp_server_ids, &server));
            shown
        };
        Ok(rows.iter().map(show).collect())
    }
}

fn patch(actor: Actor<'_>, asked: &GroupBody) -> AccessGroupPatch {
    let list = |given: &Option<Option<Vec<String>>>| {
        given.clone().map(|list| {
            let mut list = list.unwrap_or_default();
            let mut seen = std::collections::HashSet::new();
            list.retain(|item| seen.insert(item.clone()));
            list
        })
    };
    AccessGroupPatch {
        description: asked.description.clone(),
        access_model_names: list(&asked.access_model_names),
        access_mcp_server_ids: list(&asked.access_mcp_server_ids),
        access_agent_ids: list(&asked.access_agent_ids),
        assigned_team_ids: list(&asked.assigned_team_ids),
        assigned_key_ids: list(&asked.assigned_key_ids)
            .map(|keys| keys.iter().map(|key| crate::KeyDigest::of_key_or_hash(key).hex()).collect()),
        updated_by: Some(actor.name()),
        ..AccessGroupPatch::default()
    }
}

fn taken(name: &str) -> Problem {
    let error = Error::bad_request(format!("Access group with name '{name}' already exists"));
    error.with_type("bad_request_error").with_param("access_group_name").with_status(409).into()
}

fn no_group(id: &str) -> Problem {
    not_found(format!("Access group '{id}' not found")).with_param("access_group_id").into()
}
