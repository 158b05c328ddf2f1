//! Object permissions: which MCP servers, vector stores, agents, skills and search tools somebody may use. They live in a
//! row of their own that a key, team, user, organization, project or end user refers to.
//!
//! Lists are of two kinds. Most narrow: an empty list means everything. Those of MCP ([`GRANTING`]) grant: an empty list
//! grants nothing beyond what the team has.

mod body;
mod check;
mod within;

use std::collections::HashMap;
use std::sync::Arc;

use llm_store::defaults::new_id;
use llm_store::{ObjectPermissionPatch, ObjectPermissionRow, Store, StoreError, StoreTx};
use llm_types::Json;

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, view};
use crate::request::{Given, Map, Outcome};
pub(crate) use body::Asked;
pub(crate) use within::Reach;

/// Lists whose entries grant something; an empty one grants nothing of its own.
pub(crate) const GRANTING: [&str; 3] = ["mcp_servers", "mcp_access_groups", "mcp_toolsets"];

/// The object permissions that a caller stands on, each as its row says; nothing where there is no row.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Of the key.
    pub key: Option<Arc<ObjectPermissionRow>>,
    /// Of the key's team.
    pub team: Option<Arc<ObjectPermissionRow>>,
    /// Of the key's user.
    pub user: Option<Arc<ObjectPermissionRow>>,
    /// Of the key's project.
    pub project: Option<Arc<ObjectPermissionRow>>,
    /// Of the organization of key or team.
    pub organization: Option<Arc<ObjectPermissionRow>>,
    /// Of the key's agent.
    pub agent: Option<Arc<ObjectPermissionRow>>,
    /// MCP servers that the key's access groups add (`access_mcp_server_ids`).
    pub group_mcp_servers: Vec<String>,
    /// Agents of the key's access groups (`access_agent_ids`); nothing for keys in no group.
    pub group_agents: Option<Vec<String>>,
    /// The same of the key's team.
    pub team_group_agents: Option<Vec<String>>,
    /// The same of the key's agent: it reaches no others.
    pub agent_group_agents: Option<Vec<String>>,
}

/// The rows with these ids, read at once, in the order they were asked for.
///
/// # Errors
/// When the store fails.
pub(crate) async fn read<const N: usize>(
    store: &Store,
    ids: [Option<&String>; N],
) -> Result<[Option<Arc<ObjectPermissionRow>>; N], StoreError> {
    let wanted: Vec<String> = ids.iter().copied().flatten().cloned().collect();
    let rows = store.table::<ObjectPermissionRow>().get_many(&wanted).await?;
    let rows: HashMap<String, Arc<ObjectPermissionRow>> =
        rows.into_iter().map(|row| (row.object_permission_id.clone(), Arc::new(row))).collect();
    Ok(ids.map(|id| rows.get(id?).cloned()))
}

impl Accounts {
    /// The permissions of a row that refers to them by this id.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn grants_of(&self, id: Option<&String>) -> Outcome<Option<ObjectPermissionRow>> {
        let Some(id) = id else { return Ok(None) };
        Ok(self.store_or_refuse()?.table::<ObjectPermissionRow>().get([id.as_str()]).await?)
    }

    /// Writes the permissions of a body: what its owner's `object_permission_id` is afterwards, or nothing when the body
    /// does not name any. `there` is the id it has. Null takes them away.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn link_grants(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        asked: Option<&Asked>,
        there: Option<&str>,
    ) -> Outcome<Given<String>> {
        let Some(asked) = asked else { return Ok(None) };
        let before = match there {
            Some(id) => tx.table::<ObjectPermissionRow>().get([id]).await?,
            None => None,
        };
        let Asked::Some(asked) = asked else {
            if let Some(row) = &before {
                self.erase(tx, actor, &row.object_permission_id, row).await?;
            }
            return Ok(Some(None));
        };
        let id = match &before {
            Some(row) => row.object_permission_id.clone(),
            None => {
                let row = ObjectPermissionRow { object_permission_id: new_id(), ..ObjectPermissionRow::default() };
                tx.table().insert(&row).await?;
                row.object_permission_id
            }
        };
        self.write(
            tx,
            actor,
            Action::over(before.as_ref()),
            &id,
            before.as_ref(),
            &ObjectPermissionPatch::from(&**asked),
        )
        .await?;
        Ok(Some(Some(id)))
    }

    /// Puts `object_permission` beside the `object_permission_id` of rows as they are shown.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn show_grants(&self, shown: &mut [Json]) -> Outcome<()> {
        let id = |row: &Json| row.text("object_permission_id").map(str::to_owned);
        let ids: Vec<String> = shown.iter().filter_map(id).collect();
        let rows = self.store_or_refuse()?.table::<ObjectPermissionRow>().get_many(&ids).await?;
        let rows: HashMap<&str, Json> = rows.iter().map(|r| (r.object_permission_id.as_str(), view::row(r))).collect();
        for row in shown {
            let found = id(row).and_then(|id| rows.get(id.as_str()).cloned());
            row.set("object_permission", found.unwrap_or_default());
        }
        Ok(())
    }

    /// The same for one row.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn with_grants(&self, shown: Json) -> Outcome<Json> {
        let mut rows = [shown];
        self.show_grants(&mut rows).await?;
        let [row] = rows;
        Ok(row)
    }
}

/// Reads `object_permission` of a body; nothing when it is not given.
///
/// # Errors
/// 422 for fields of a wrong type.
pub(crate) fn asked(given: &Given<Map>) -> Outcome<Option<Asked>> {
    given.as_ref().map(|given| Asked::read(given.as_ref())).transpose()
}
